//! The math library: functions on floats as polynomials and integer arithmetic, on scalars and vectors alike.
//!
//! `Math` builds elementwise expressions on values of one shape; each file below holds the functions of one group.
//! Constants come from `fit.py` or are digits of ln 2, π and 1/π. Where a comment says exact, the proof is that every
//! product or difference there is a multiple of the last place of its operands and small enough to fit.

pub mod arcs;
pub mod exp;
pub mod half;
pub mod log;
pub mod pow;
pub mod reduce;
pub mod rounding;
pub mod trig;

use crate::{emit::Emitter, schedule::Target};
use dlc_dialects::ir::shape::{element_of, shape_of};
use melior::ir::{Attribute, Type, TypeLike, Value, ValueLike, attribute::IntegerAttribute};

/// Comparisons of floats, in `arith.cmpf`'s encoding: `O`rdered is false on NaN, `U`nordered true.
#[derive(Clone, Copy)]
pub enum Float {
    /// a == b.
    Oeq = 1,
    /// a > b.
    Ogt = 2,
    /// a >= b.
    Oge = 3,
    /// a < b.
    Olt = 4,
    /// a <= b.
    Ole = 5,
    /// a != b, and neither is NaN.
    One = 6,
    /// One of both is NaN.
    Uno = 14,
}

/// What the target has instructions for.
#[derive(Clone, Copy, Default)]
struct Instructions {
    fused_multiply_add: bool,
    rounding: bool,
    /// Products of vectors and powers of two.
    scaling: bool,
}

impl Instructions {
    fn of(target: &Target) -> Self {
        Self {
            fused_multiply_add: target.fma,
            rounding: target.round,
            scaling: target.vector_bits >= 512,
        }
    }
}

/// Builds expressions on floats of one type and shape, and on integers of as many bits.
#[derive(Clone)]
pub struct Math<'c, 'a> {
    e: Emitter<'c, 'a>,
    wide: bool,
    dims: Vec<i64>,
    has: Instructions,
    float: Type<'c>,
    int: Type<'c>,
    bool: Type<'c>,
}

/// The type of elements in the shape of `dims`, a scalar for none.
fn shaped<'c>(e: &Emitter<'c, '_>, dims: &[i64], element: &str) -> Type<'c> {
    match dims.is_empty() {
        true => e.ty(element),
        false => {
            let dims: String = dims.iter().map(|d| format!("{d}x")).collect();
            e.ty(&format!("vector<{dims}{element}>"))
        }
    }
}

/// A value as a sum of two floats that do not overlap.
pub type Pair<'c, 'a> = (Value<'c, 'a>, Value<'c, 'a>);

impl<'c, 'a> Math<'c, 'a> {
    /// Expressions of the type and shape of `like`, which must be f32 or f64 or vectors of them.
    pub fn new(e: Emitter<'c, 'a>, target: &Target, like: Value<'c, 'a>) -> Option<Self> {
        let element = element_of(like);
        if !element.is_f32() && !element.is_f64() {
            return None;
        }
        Some(Self::of(
            e,
            Instructions::of(target),
            element.is_f64(),
            shape_of(like),
        ))
    }

    /// Expressions on integers of the type and shape of `like`; what is said of floats does not apply.
    pub fn integers(e: Emitter<'c, 'a>, like: Value<'c, 'a>) -> Self {
        let int = like.r#type();
        Self {
            int,
            ..Self::of(e, Instructions::default(), true, shape_of(like))
        }
    }

    fn of(e: Emitter<'c, 'a>, has: Instructions, wide: bool, dims: Vec<i64>) -> Self {
        let ty = |element: &str| shaped(&e, &dims, element);
        let (float, int) = if wide { ("f64", "i64") } else { ("f32", "i32") };
        let (float, int, bool) = (ty(float), ty(int), ty("i1"));
        Self {
            e,
            wide,
            dims,
            has,
            float,
            int,
            bool,
        }
    }

    /// The same shape in f64.
    pub fn widened(&self) -> Self {
        Self::of(self.e, self.has, true, self.dims.clone())
    }

    /// f32 in a shape.
    pub fn narrow(e: Emitter<'c, 'a>, target: &Target, dims: Vec<i64>) -> Self {
        Self::of(e, Instructions::of(target), false, dims)
    }

    /// The same shape in f32.
    pub fn narrowed(&self) -> Self {
        Self::of(self.e, self.has, false, self.dims.clone())
    }

    /// The same at another place.
    pub fn at(&self, e: &Emitter<'c, 'a>) -> Self {
        Self {
            e: *e,
            ..self.clone()
        }
    }

    /// The place.
    pub fn emitter(&self) -> &Emitter<'c, 'a> {
        &self.e
    }

    /// Whether the floats are f64.
    pub fn is_wide(&self) -> bool {
        self.wide
    }

    /// Type of the floats.
    pub fn float_type(&self) -> Type<'c> {
        self.float
    }

    /// Type of the integers.
    pub fn int_type(&self) -> Type<'c> {
        self.int
    }

    /// One of two numbers, by width.
    pub fn by_width<T>(&self, narrow: T, wide: T) -> T {
        if self.wide { wide } else { narrow }
    }

    /// Bits of the fraction: 23 or 52.
    pub fn fraction_bits(&self) -> i64 {
        self.by_width(23, 52)
    }

    /// The exponent of 1 as it stands in the bits: 127 or 1023.
    pub fn bias(&self) -> i64 {
        self.by_width(127, 1023)
    }

    /// The bits of a number.
    pub fn pattern(&self, value: f64) -> i64 {
        match self.wide {
            true => value.to_bits() as i64,
            false => (value as f32).to_bits() as i64,
        }
    }

    /// A constant, rounded to the type.
    pub fn c(&self, value: f64) -> Value<'c, 'a> {
        let bits = match self.wide {
            true => format!("0x{:016X}", value.to_bits()),
            false => format!("0x{:08X}", (value as f32).to_bits()),
        };
        self.e.constant(self.float, self.literal(&bits, self.float))
    }

    /// An integer constant.
    pub fn i(&self, value: i64) -> Value<'c, 'a> {
        let value = if self.wide {
            value
        } else {
            value as i32 as i64
        };
        self.e
            .constant(self.int, self.literal(&value.to_string(), self.int))
    }

    fn literal(&self, text: &str, ty: Type<'c>) -> Attribute<'c> {
        match self.dims.is_empty() {
            true if text == "true" => self.e.attr(text),
            true => self.e.attr(&format!("{text} : {ty}")),
            false => self.e.attr(&format!("dense<{text}> : {ty}")),
        }
    }

    fn binary(
        &self,
        name: &str,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
        ty: Type<'c>,
    ) -> Value<'c, 'a> {
        self.e.op(name, &[a, b], ty)
    }

    /// a + b.
    pub fn add(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.addf", a, b, self.float)
    }

    /// a - b.
    pub fn sub(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.subf", a, b, self.float)
    }

    /// a · b.
    pub fn mul(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.mulf", a, b, self.float)
    }

    /// a · constant.
    pub fn times(&self, a: Value<'c, 'a>, constant: f64) -> Value<'c, 'a> {
        self.mul(a, self.c(constant))
    }

    /// a / b.
    pub fn div(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.divf", a, b, self.float)
    }

    /// a · b + c, with one rounding where the target has that.
    pub fn fma(&self, a: Value<'c, 'a>, b: Value<'c, 'a>, c: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.has.fused_multiply_add {
            true => self.e.op("math.fma", &[a, b, c], self.float),
            false => self.add(self.mul(a, b), c),
        }
    }

    /// a · b + c with one rounding everywhere, but for intermediates of f64 that overflow.
    /// Source: Boldo and Melquiond, Emulation of a FMA and correctly rounded sums (2008).
    pub fn fused(&self, a: Value<'c, 'a>, b: Value<'c, 'a>, c: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.fused_multiply_add {
            return self.fma(a, b, c);
        }
        if !self.wide {
            // The product is exact in f64, and the sum rounded to odd has digits to spare.
            let wide = self.widened();
            let [a, b, c] = [a, b, c].map(|x| self.extend(x));
            let (sum, rest) = wide.two_sum(wide.mul(a, b), c);
            return self.truncate(wide.to_odd(sum, rest));
        }
        let (high, low) = self.two_product(a, b);
        let (inner, inner_rest) = self.two_sum(c, low);
        let (sum, rest) = self.two_sum(high, inner);
        let (tail, lost) = self.two_sum(inner_rest, rest);
        let exact = self.add(sum, self.to_odd(tail, lost));
        let plain = self.fma(a, b, c);
        let finite = self.is(self.abs(plain), Float::Olt, self.c(f64::INFINITY));
        self.select(finite, exact, plain)
    }

    /// The sum of `high`, which is the nearest to it, and `low`, rounded to the neighbour whose last bit is set.
    fn to_odd(&self, high: Value<'c, 'a>, low: Value<'c, 'a>) -> Value<'c, 'a> {
        let bits = self.bits(high);
        let zero = self.i(0);
        let even = self.int_is(
            self.int("andi", bits, self.i(1)),
            crate::emit::Int::Eq,
            zero,
        );
        let inexact = self.is(low, Float::One, self.c(0.0));
        let signs = self.int("xori", bits, self.bits(low));
        let inwards = self.int_is(signs, crate::emit::Int::Slt, zero);
        let step = self.select(inwards, self.i(-1), self.i(1));
        let moved = self.float(self.int("addi", bits, step));
        self.select(self.and(even, inexact), moved, high)
    }

    /// -a.
    pub fn neg(&self, a: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("arith.negf", &[a], self.float)
    }

    /// |a|.
    pub fn abs(&self, a: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("math.absf", &[a], self.float)
    }

    /// The square root: an instruction everywhere.
    pub fn sqrt(&self, a: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("math.sqrt", &[a], self.float)
    }

    /// |magnitude| with the sign of `sign`.
    pub fn copysign(&self, magnitude: Value<'c, 'a>, sign: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("math.copysign", magnitude, sign, self.float)
    }

    /// Compares floats.
    pub fn is(&self, a: Value<'c, 'a>, how: Float, b: Value<'c, 'a>) -> Value<'c, 'a> {
        let predicate = IntegerAttribute::new(self.e.int_type(64), how as i64).into();
        self.e.op_with(
            "arith.cmpf",
            &[a, b],
            self.bool,
            &[("predicate", predicate)],
        )
    }

    /// Both conditions.
    pub fn and(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.andi", a, b, self.bool)
    }

    /// One of both conditions.
    pub fn or(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary("arith.ori", a, b, self.bool)
    }

    /// Not the condition.
    pub fn not(&self, a: Value<'c, 'a>) -> Value<'c, 'a> {
        let yes = self.e.constant(self.bool, self.literal("true", self.bool));
        self.binary("arith.xori", a, yes, self.bool)
    }

    /// a where the condition holds, else b.
    pub fn select(&self, c: Value<'c, 'a>, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.select(c, a, b)
    }

    /// Not below a bound; NaN stays. One instruction.
    pub fn at_least(&self, x: Value<'c, 'a>, bound: f64) -> Value<'c, 'a> {
        let bound = self.c(bound);
        self.select(self.is(bound, Float::Ogt, x), bound, x)
    }

    /// Not above a bound; NaN stays. One instruction.
    pub fn at_most(&self, x: Value<'c, 'a>, bound: f64) -> Value<'c, 'a> {
        let bound = self.c(bound);
        self.select(self.is(bound, Float::Olt, x), bound, x)
    }

    /// The bits of a float.
    pub fn bits(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("arith.bitcast", &[x], self.int)
    }

    /// The float of bits.
    pub fn float(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("arith.bitcast", &[x], self.float)
    }

    /// An `arith` op on integers.
    pub fn int(&self, name: &str, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.binary(&format!("arith.{name}"), a, b, self.int)
    }

    /// Compares integers.
    pub fn int_is(
        &self,
        a: Value<'c, 'a>,
        how: crate::emit::Int,
        b: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let predicate = IntegerAttribute::new(self.e.int_type(64), how as i64).into();
        self.e.op_with(
            "arith.cmpi",
            &[a, b],
            self.bool,
            &[("predicate", predicate)],
        )
    }

    /// Σ coefficients[i]·xⁱ.
    pub fn polynomial(&self, x: Value<'c, 'a>, coefficients: &[f64]) -> Value<'c, 'a> {
        let (last, rest) = coefficients.split_last().expect("polynomials have terms");
        let start = self.c(*last);
        rest.iter()
            .rev()
            .fold(start, |sum, c| self.fma(sum, x, self.c(*c)))
    }

    /// Whether the shape is that of whole registers, the least of 128 bits.
    fn fills_registers(&self) -> bool {
        match self.dims[..] {
            [lanes] => lanes >= self.by_width(4, 2) && lanes.count_ones() == 1,
            _ => false,
        }
    }

    /// Whether a condition holds in any lane, as one bool.
    pub fn any(&self, condition: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.dims.is_empty() {
            return condition;
        }
        let count: i64 = self.dims.iter().product();
        let flat = self.e.ty(&format!("vector<{count}xi1>"));
        let condition = match self.dims.len() {
            1 => condition,
            _ => self.e.op("vector.shape_cast", &[condition], flat),
        };
        let kind = self.e.attr("#vector.kind<or>");
        self.e.op_with(
            "vector.reduction",
            &[condition],
            self.e.int_type(1),
            &[("kind", kind)],
        )
    }

    /// Floats of the same shape in f64.
    pub fn extend(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("arith.extf", &[x], self.widened().float)
    }

    /// f64 of the same shape as these floats.
    pub fn truncate(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.e.op("arith.truncf", &[x], self.float)
    }

    /// a + b exactly.
    pub fn two_sum(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Pair<'c, 'a> {
        let sum = self.add(a, b);
        let from_b = self.sub(sum, a);
        let from_a = self.sub(sum, from_b);
        let rest = self.add(self.sub(a, from_a), self.sub(b, from_b));
        (sum, rest)
    }

    /// a + b exactly, for |a| ≥ |b| or a = 0.
    pub fn fast_two_sum(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Pair<'c, 'a> {
        let sum = self.add(a, b);
        (sum, self.sub(b, self.sub(sum, a)))
    }

    /// a · b exactly.
    pub fn two_product(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Pair<'c, 'a> {
        let product = self.mul(a, b);
        if self.has.fused_multiply_add {
            return (product, self.fma(a, b, self.neg(product)));
        }
        let ((ah, al), (bh, bl)) = (self.halves(a), self.halves(b));
        let rest = self.sub(self.mul(ah, bh), product);
        let rest = self.add(rest, self.mul(ah, bl));
        let rest = self.add(rest, self.mul(al, bh));
        (product, self.add(rest, self.mul(al, bl)))
    }

    /// The upper half of the digits and the rest.
    pub fn halves(&self, x: Value<'c, 'a>) -> Pair<'c, 'a> {
        let mask = self.by_width(!0xFFF, !0x7FF_FFFF);
        let high = self.float(self.int("andi", self.bits(x), self.i(mask)));
        (high, self.sub(x, high))
    }

    /// 2 to the power of an integer in the range of normal exponents.
    pub fn power_of_two(&self, exponent: Value<'c, 'a>) -> Value<'c, 'a> {
        let biased = self.int("addi", exponent, self.i(self.bias()));
        self.float(self.int("shli", biased, self.i(self.fraction_bits())))
    }

    /// The number that makes a sum end at the units: added to |x| below a quarter of it, it leaves the nearest
    /// integer in the lowest bits.
    pub fn magic(&self) -> f64 {
        self.by_width(12582912.0, 6755399441055744.0)
    }
}
