//! Instructions that multiply words of several numbers each and add the products to one sum in the word's lane: the
//! steps of such a kernel are words.

use super::{
    kernel::Shape,
    numbers::{Kind, Number, Numbers},
};
use crate::{
    emit::Emitter,
    schedule::{Arch, Target},
};
use melior::ir::{Value, ValueLike};

/// What a step of k does with a word of each operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dot {
    /// Four bytes, those of A unsigned and those of B signed. A signed A is packed with 128 added, and sums begin with what
    /// that adds too much.
    Bytes,
    /// Two integers of 16 bits, to which bytes are widened.
    Pairs,
    /// The same, of which the sum is added by an instruction of its own.
    PairsThenSum,
    /// Two bf16. The instruction takes subnormal numbers for 0 and gives none, so it is for operands that lead to none.
    Bfloats,
    /// Two bf16 that are made f32 one after the other, rounded as by `Bfloats`.
    WidenedBfloats,
}

impl Dot {
    /// The fastest that a target has for operands; none where they are widened to the type of the sums one by one.
    pub fn of(target: &Target, numbers: Numbers) -> Option<Self> {
        let Numbers { a, b, sum } = numbers;
        let bytes = a.bits == 8 && b.bits == 8 && !sum.is_float() && sum.bits == 32;
        let wide = target.vector_bits >= 512;
        match (a.kind, b.kind) {
            (Kind::Bfloat, Kind::Bfloat) => {
                (wide && target.bf16 && sum.bits == 32).then_some(Self::Bfloats)
            }
            (_, Kind::Signed) if bytes && wide && target.vnni => Some(Self::Bytes),
            _ if bytes && wide && target.vnni => Some(Self::Pairs),
            _ => (bytes && target.arch == Arch::X86_64).then_some(Self::PairsThenSum),
        }
    }

    /// Numbers of a word.
    pub fn group(self) -> i64 {
        match self {
            Self::Bytes => 4,
            _ => 2,
        }
    }

    /// Whether A is packed with 128 added.
    pub fn lifts(self, a: Number) -> bool {
        self == Self::Bytes && a.kind == Kind::Signed
    }
}

impl<'c> Shape<'c> {
    /// `sum` and the products of two registers of words.
    pub(super) fn dot<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        dot: Dot,
        [a, b]: [Value<'c, 'a>; 2],
        sum: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let lanes = self.schedule().lanes;
        let as_vectors = |element: &str| {
            let ty = e.ty(&format!("vector<{}x{element}>", dot.group() * lanes));
            [a, b].map(|x| e.op("vector.bitcast", &[x], ty))
        };
        let bits = 32 * lanes;
        match dot {
            Dot::Bytes => {
                let [a, b] = as_vectors("i8");
                self.call(e, &format!("avx512.vpdpbusd.{bits}"), &[sum, a, b])
            }
            Dot::Pairs => {
                let [a, b] = as_vectors("i16");
                self.call(e, &format!("avx512.vpdpwssd.{bits}"), &[sum, a, b])
            }
            Dot::PairsThenSum => {
                let name = match bits {
                    512 => "avx512.pmaddw.d.512",
                    256 => "avx2.pmadd.wd",
                    _ => "sse2.pmadd.wd",
                };
                let products = self.call(e, name, &as_vectors("i16"));
                self.plus(e, products, sum, self.vector)
            }
            Dot::Bfloats => {
                let [a, b] = as_vectors("bf16");
                self.call(e, &format!("avx512bf16.dpbf16ps.{bits}"), &[sum, a, b])
            }
            Dot::WidenedBfloats => {
                // The instruction adds the product of the upper numbers first.
                let upper = [a, b].map(|x| self.upper(e, x));
                let lower = [a, b].map(|x| self.lower(e, x));
                let sum = e.op("vector.fma", &[upper[0], upper[1], sum], self.vector);
                e.op("vector.fma", &[lower[0], lower[1], sum], self.vector)
            }
        }
    }

    fn call<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        name: &str,
        operands: &[Value<'c, 'a>],
    ) -> Value<'c, 'a> {
        let segments = format!("array<i32: {}, 0>", operands.len());
        let attributes = [
            ("intrin", e.attr(&format!("\"llvm.x86.{name}\""))),
            ("op_bundle_sizes", e.attr("array<i32>")),
            ("operandSegmentSizes", e.attr(&segments)),
        ];
        e.op_with("llvm.call_intrinsic", operands, self.vector, &attributes)
    }

    /// A register of words as integers.
    pub(super) fn integers<'a>(&self, e: &Emitter<'c, 'a>, words: Value<'c, 'a>) -> Value<'c, 'a> {
        let ty = e.ty(&format!("vector<{}xi32>", self.schedule().lanes));
        e.op("arith.bitcast", &[words], ty)
    }

    /// Every lane the same integer.
    fn splat<'a>(&self, e: &Emitter<'c, 'a>, value: i64) -> Value<'c, 'a> {
        let ty = format!("vector<{}xi32>", self.schedule().lanes);
        e.constant(e.ty(&ty), e.attr(&format!("dense<{value}> : {ty}")))
    }

    /// The upper bf16 of each word as f32.
    fn upper<'a>(&self, e: &Emitter<'c, 'a>, words: Value<'c, 'a>) -> Value<'c, 'a> {
        let words = self.integers(e, words);
        let mask = self.splat(e, -0x1_0000);
        let upper = e.op("arith.andi", &[words, mask], words.r#type());
        e.op("arith.bitcast", &[upper], self.vector)
    }

    /// The lower bf16 of each word as f32.
    fn lower<'a>(&self, e: &Emitter<'c, 'a>, words: Value<'c, 'a>) -> Value<'c, 'a> {
        let words = self.integers(e, words);
        let sixteen = self.splat(e, 16);
        let lower = e.op("arith.shli", &[words, sixteen], words.r#type());
        e.op("arith.bitcast", &[lower], self.vector)
    }
}
