//! The packing of words for kernels whose steps are words (`dot.rs`): numbers that follow each other along k stand in one word.
//! What is beyond the last k is zeros.

use super::{
    access::Source,
    blocks::BlockOfB,
    dot::Dot,
    kernel::{Arguments, Shape},
    numbers::Kind,
};
use crate::{
    emit::{Emitter, Int},
    scalar::{cmpf, cmpi, number},
};
use melior::ir::{Value, ValueLike};

impl<'c> Shape<'c> {
    /// A register of steps of k from one row of a matrix that has k along its rows, where a mask is set if one is given. Words
    /// are masked number by number instead, by what is left of the row.
    pub(super) fn along_k<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        from: Source<'c, 'a>,
        [row, step]: [Value<'c, 'a>; 2],
        mask: Option<Value<'c, 'a>>,
    ) -> Value<'c, 'a> {
        let Some(dot) = self.kernel.dot else {
            return self.load_where(e, from, &[row, step], mask);
        };
        let at = e.mul(step, e.index(dot.group()));
        let count = self.schedule().lanes * dot.group();
        let mask = mask.map(|_| {
            let left = e.sub(x.depth, at);
            let ty = e.ty(&format!("vector<{count}xi1>"));
            e.op("vector.create_mask", &[left], ty)
        });
        let (number, stored) = self.stored(e, from, &[row, at], mask, count);
        let words = match dot {
            Dot::Pairs | Dot::PairsThenSum => {
                let extend = extension(number.kind);
                e.op(extend, &[stored], e.ty(&format!("vector<{count}xi16>")))
            }
            _ => stored,
        };
        let words = e.op("vector.bitcast", &[words], self.vector);
        self.lifted(e, from, words, self.schedule().lanes)
    }

    /// A step of `lanes` rows or columns, which lie side by side, of a matrix that has k across its rows. `whole` says that
    /// no number of the step is beyond the last.
    pub(super) fn across_k<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        from: Source<'c, 'a>,
        [step, column]: [Value<'c, 'a>; 2],
        mask: Option<Value<'c, 'a>>,
        (lanes, whole): (i64, bool),
    ) -> Value<'c, 'a> {
        let Some(dot) = self.kernel.dot else {
            return self.load_lanes(e, from, &[step, column], mask, lanes);
        };
        let ints = e.ty(&format!("vector<{lanes}xi32>"));
        let splat = |value: i64| e.constant(ints, e.attr(&format!("dense<{value}> : {ints}")));
        let first = e.mul(step, e.index(dot.group()));
        let last = e.sub(x.depth, e.index(1));
        let mut words = None;
        for i in 0..dot.group() {
            let row = e.plus(first, i);
            let (number, stored) = self.stored(e, from, &[e.min(row, last), column], mask, lanes);
            let bits = match number.kind {
                Kind::Bfloat => {
                    let halves = e.ty(&format!("vector<{lanes}xi16>"));
                    e.op("arith.bitcast", &[stored], halves)
                }
                _ => stored,
            };
            // Bytes stay bytes in words of four, and have 16 bits in words of two.
            let signed = number.kind == Kind::Signed && dot != Dot::Bytes;
            let extend = if signed { "arith.extsi" } else { "arith.extui" };
            let mut part = e.op(extend, &[bits], ints);
            if signed && i == 0 {
                part = e.op("arith.andi", &[part, splat(0xFFFF)], ints);
            }
            if i > 0 {
                let shift = splat(i * 32 / dot.group());
                part = e.op("arith.shli", &[part, shift], ints);
            }
            if !whole {
                let inside = e.cmp(Int::Sle, row, last);
                part = e.select(inside, part, splat(0));
            }
            words = Some(match words {
                Some(words) => e.op("arith.ori", &[words, part], ints),
                None => part,
            });
        }
        let words = words.expect("a word has numbers");
        let word = self.kernel.numbers.sum.ty();
        let words = match word.as_str() {
            "i32" => words,
            word => e.op(
                "arith.bitcast",
                &[words],
                e.ty(&format!("vector<{lanes}x{word}>")),
            ),
        };
        self.lifted(e, from, words, lanes)
    }

    /// Words of an A to whose bytes 128 is added.
    fn lifted<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Source<'c, 'a>,
        words: Value<'c, 'a>,
        lanes: i64,
    ) -> Value<'c, 'a> {
        if !from.lifted {
            return words;
        }
        let ty = format!("vector<{lanes}xi32>");
        let signs = e.attr(&format!("dense<{}> : {ty}", 0x8080_8080u32 as i32));
        let signs = e.constant(e.ty(&ty), signs);
        e.op("arith.xori", &[words, signs], e.ty(&ty))
    }

    /// The steps of a block of which no number is beyond the last k.
    pub(super) fn whole_steps<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
    ) -> Value<'c, 'a> {
        match self.kernel.dot {
            None => block.kb,
            Some(dot) => {
                let whole = e.div(x.depth, e.index(dot.group()));
                e.min(block.kb, e.sub(whole, block.pc))
            }
        }
    }

    /// What the sums of a tile begin with, one register for each of its columns.
    pub(super) fn first_sums<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        s: Value<'c, 'a>,
    ) -> Vec<Value<'c, 'a>> {
        let begin = |offset| match x.a.lifted {
            true => self.load(e, x.packed(), &[s, self.notes(e), e.index(offset)]),
            false => self.zero(e),
        };
        self.offsets().map(begin).collect()
    }

    /// The row of a packed sliver behind all steps, for what is noted of the sliver.
    fn notes<'a>(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        e.index(self.schedule().kc)
    }

    /// Notes of each packed sliver what its sums begin with, or whether it leads to subnormal numbers.
    pub(super) fn note<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
    ) {
        let bfloats = self.kernel.dot == Some(Dot::Bfloats);
        if !x.a.lifted && !bfloats {
            return;
        }
        let steps = (e.index(0), block.kb, e.index(1));
        e.loop_to(block.slivers(e, self.schedule()), 1, |e, s| {
            if bfloats {
                let first = self.no_number(e, self.schedule().lanes);
                let least = e.for_loop(steps, &[first], |e, k, least| {
                    let load = |offset| self.load(e, x.packed(), &[s, k, e.index(offset)]);
                    vec![
                        self.offsets()
                            .fold(least[0], |least, offset| self.least(e, least, load(offset))),
                    ]
                });
                let large = self.is_large(e, least[0]);
                let large = e.op("arith.uitofp", &[large], self.element);
                let at = [x.packed(), s, self.notes(e), e.index(0)];
                e.effect("memref.store", &[&[large], &at[..]].concat(), &[]);
                return;
            }
            let zeros = self.offsets().map(|_| self.zero(e)).collect::<Vec<_>>();
            let signs = 0x8080_8080u32 as i32;
            let lift = e.attr(&format!("dense<{signs}> : {}", self.vector));
            let lift = e.constant(self.vector, lift);
            let sums = e.for_loop(steps, &zeros, |e, k, sums| {
                let add = |(offset, sum): (i64, &Value<'c, 'a>)| {
                    let words = self.load(e, x.packed(), &[s, k, e.index(offset)]);
                    self.fma(e, lift, words, *sum)
                };
                self.offsets().zip(sums).map(add).collect()
            });
            for (offset, sum) in self.offsets().zip(sums) {
                let begin = e.op("arith.subi", &[self.zero(e), sum], self.vector);
                let at = [s, self.notes(e), e.index(offset)];
                self.store(e, begin, x.packed(), &at);
            }
        });
    }

    /// Whether a sliver's sums of products with a sliver of A that is large enough have no subnormal numbers.
    pub(super) fn is_noted_large<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        s: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let at = [s, self.notes(e), e.index(0)];
        let large = self.scalar(e, x.packed(), &at);
        cmpf(e, "une", large, number(e, self.element, "0"))
    }

    /// Whether all numbers of a sliver of A are large enough, or 0.
    pub(super) fn is_large_sliver<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        sliver: Value<'c, 'a>,
        height: i64,
    ) -> Value<'c, 'a> {
        let lanes = self.schedule().lanes;
        if self.kernel.sliver_by_k() {
            let first = self.no_number(e, height);
            let steps = (e.index(0), block.kb, e.index(1));
            let least = e.for_loop(steps, &[first], |e, k, least| {
                let words = self.load_lanes(e, sliver, &[k, e.index(0)], None, height);
                vec![self.least(e, least[0], words)]
            });
            return self.is_large(e, least[0]);
        }
        let first = self.no_number(e, lanes);
        let steps = (e.index(0), block.kb, e.index(lanes));
        let least = e.for_loop(steps, &[first], |e, k, least| {
            let mask = self.first(e, e.sub(block.kb, k));
            let load = |r| self.masked_load(e, sliver, &[e.index(r), k], mask);
            vec![(0..height).fold(least[0], |least, r| self.least(e, least, load(r)))]
        });
        self.is_large(e, least[0])
    }

    /// The start of `least`: what stands for 0.
    fn no_number<'a>(&self, e: &Emitter<'c, 'a>, lanes: i64) -> Value<'c, 'a> {
        let ty = format!("vector<{}xi16>", 2 * lanes);
        e.constant(e.ty(&ty), e.attr(&format!("dense<-1> : {ty}")))
    }

    /// The least magnitudes of bf16 so far, less one as integers, so that 0 is greatest.
    fn least<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        least: Value<'c, 'a>,
        words: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let ty = least.r#type();
        let splat = |value: i64| e.constant(ty, e.attr(&format!("dense<{value}> : {ty}")));
        let bits = e.op("vector.bitcast", &[words], ty);
        let magnitude = e.op("arith.andi", &[bits, splat(0x7FFF)], ty);
        let number = e.op("arith.addi", &[magnitude, splat(-1)], ty);
        e.op("arith.minui", &[least, number], ty)
    }

    /// Whether no magnitude is below 2⁻⁵⁵. Numbers of 8 digits that are not are multiples of 2⁻⁶², so products and all sums of
    /// them, rounded or not, are multiples of 2⁻¹²⁴: none is subnormal.
    fn is_large<'a>(&self, e: &Emitter<'c, 'a>, least: Value<'c, 'a>) -> Value<'c, 'a> {
        const SMALLEST: i64 = (127 - 55) << 7;
        let kind = [("kind", e.attr("#vector.kind<minui>"))];
        let i16 = e.int_type(16);
        let least = e.op_with("vector.reduction", &[least], i16, &kind);
        let smallest = e.constant(i16, e.attr(&format!("{} : i16", SMALLEST - 1)));
        cmpi(e, "uge", least, smallest)
    }
}

/// The op that makes an integer wider.
fn extension(kind: Kind) -> &'static str {
    match kind {
        Kind::Unsigned => "arith.extui",
        _ => "arith.extsi",
    }
}
