//! Rounding to integral floats, remainders, and the larger and smaller of two.

use super::{Float, Math};
use crate::emit::Int;
use melior::ir::Value;

impl<'c, 'a> Math<'c, 'a> {
    /// The nearest integral float, ties to even; keeps the sign of zero, infinities and NaN.
    pub fn nearest(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.rounding {
            return self.e.op("math.roundeven", &[x], self.float);
        }
        let units = self.c(self.by_width(8388608.0, 4503599627370496.0));
        let magnitude = self.abs(x);
        let rounded = self.sub(self.add(magnitude, units), units);
        let small = self.is(magnitude, Float::Olt, units);
        self.copysign(self.select(small, rounded, magnitude), x)
    }

    /// The integral float at or below.
    pub fn floor(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.rounding {
            return self.e.op("math.floor", &[x], self.float);
        }
        let near = self.nearest(x);
        let above = self.is(near, Float::Ogt, x);
        self.select(above, self.sub(near, self.c(1.0)), near)
    }

    /// The integral float at or above.
    pub fn ceil(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.rounding {
            return self.e.op("math.ceil", &[x], self.float);
        }
        let near = self.nearest(x);
        let below = self.is(near, Float::Olt, x);
        let next = self.select(below, self.add(near, self.c(1.0)), near);
        self.copysign(next, x)
    }

    /// The integral float towards zero.
    pub fn trunc(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.rounding {
            return self.e.op("math.trunc", &[x], self.float);
        }
        self.copysign(self.floor(self.abs(x)), x)
    }

    /// The nearest integral float, ties away from zero.
    pub fn round(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.abs(x);
        let below = self.floor(magnitude);
        let up = self.is(self.sub(magnitude, below), Float::Oge, self.c(0.5));
        let rounded = self.select(up, self.add(below, self.c(1.0)), below);
        self.copysign(rounded, x)
    }

    /// C's fmod: what is left of x after taking away as many |y| as fit; exact, with the sign of x.
    ///
    /// Rounds of: the largest 2ᵏ·y that the quotient still fits a float with, and the quotient's whole times of it.
    /// A quotient may come out one too large, which the sign of the rest tells. Each round takes off almost as many
    /// bits as a float has, so few rounds do for most arguments, and none for |x| < |y|.
    pub fn remainder(&self, x: Value<'c, 'a>, y: Value<'c, 'a>) -> Value<'c, 'a> {
        let infinity = self.c(f64::INFINITY);
        let (a, b) = (self.abs(x), self.abs(y));
        let no_x = self.not(self.is(a, Float::Olt, infinity));
        let zero_y = self.is(b, Float::Oeq, self.c(0.0));
        let no_y = self.or(zero_y, self.is(b, Float::Uno, b));
        let undefined = self.or(no_x, no_y);
        // Lanes without a result have nothing to do.
        let start = self.select(undefined, self.c(0.0), a);
        let divisor = self.select(no_y, self.c(1.0), b);
        let left = self.e.while_loop(
            &[start],
            |e, left| {
                let m = self.at(e);
                m.any(m.is(left[0], Float::Oge, divisor))
            },
            |e, left| vec![self.at(e).remainder_round(left[0], divisor)],
        );
        let result = self.copysign(left[0], x);
        let nan = self.c(f64::NAN);
        self.select(undefined, nan, result)
    }

    fn remainder_round(&self, left: Value<'c, 'a>, divisor: Value<'c, 'a>) -> Value<'c, 'a> {
        let exponent = |x| {
            // Denormals are scaled up first.
            let scale = self.by_width(16777216.0, 18014398509481984.0);
            let least = self.c(self.by_width(f64::from(f32::MIN_POSITIVE), f64::MIN_POSITIVE));
            let tiny = self.is(x, Float::Olt, least);
            let normal = self.select(tiny, self.times(x, scale), x);
            let biased = self.int("shrui", self.bits(normal), self.i(self.fraction_bits()));
            let shift = self.select(tiny, self.i(self.by_width(24, 54)), self.i(0));
            self.int("subi", biased, shift)
        };
        let apart = self.int("subi", exponent(left), exponent(divisor));
        let power = self.int("subi", apart, self.i(self.fraction_bits() - 2));
        let power = self.int("maxsi", power, self.i(0));
        // Up to twice the largest exponent: in two exact steps. The least denormal would be one over it.
        let power = self.int("minsi", power, self.i(self.by_width(254, 2046)));
        let half = self.int("shrui", power, self.i(1));
        let rest = self.int("subi", power, half);
        let scaled = self.mul(divisor, self.power_of_two(half));
        let scaled = self.mul(scaled, self.power_of_two(rest));
        let times = self.trunc(self.div(left, scaled));
        // The rest is exact: a multiple of scaled's last place and at most as large as scaled.
        let (product, low) = self.two_product(times, scaled);
        let next = self.sub(self.sub(left, product), low);
        let negative = self.is(next, Float::Olt, self.c(0.0));
        let next = self.select(negative, self.add(next, scaled), next);
        let due = self.is(left, Float::Oge, divisor);
        self.select(due, next, left)
    }

    /// The larger of two; NaN if one is. 0 is larger than -0.
    pub fn maximum(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.extreme([Float::Ogt, Float::Oge], "andi", a, b)
    }

    /// The smaller of two; NaN if one is. -0 is smaller than 0.
    pub fn minimum(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.extreme([Float::Olt, Float::Ole], "ori", a, b)
    }

    /// `a` if it is strictly beyond `b`, else `b`: one instruction, that loses a NaN in `a` only. Of equal numbers
    /// `joined` makes the one with the right sign.
    fn extreme(
        &self,
        [beyond, reaches]: [Float; 2],
        joined: &str,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let (a, b) = if number(b).is_some() { (b, a) } else { (a, b) };
        if let Some(bound) = number(a) {
            // A zero that any other gives way to stays on a tie.
            let last = bound == 0.0 && bound.is_sign_negative() == (joined == "ori");
            let how = if last { reaches } else { beyond };
            return self.select(self.is(a, how, b), a, b);
        }
        let one = self.select(self.is(a, beyond, b), a, b);
        let tie = self.float(self.int(joined, self.bits(a), self.bits(b)));
        let one = self.select(self.is(a, Float::Oeq, b), tie, one);
        self.select(self.is(a, Float::Uno, a), a, one)
    }

    /// The larger or smaller of two, where a NaN counts as missing.
    pub fn number_extreme(
        &self,
        beyond: Float,
        a: Value<'c, 'a>,
        b: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let one = self.select(self.is(a, beyond, b), a, b);
        self.select(self.is(b, Float::Uno, b), a, one)
    }

    /// Integer division that rounds towards -∞, or +∞.
    pub fn rounded_quotient(&self, up: bool, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        let quotient = self.int("divsi", a, b);
        let rest = self.int("subi", a, self.int("muli", quotient, b));
        let inexact = self.int_is(rest, Int::Ne, self.i(0));
        let opposite = self.int_is(self.int("xori", a, b), Int::Slt, self.i(0));
        let (off, step) = match up {
            true => (self.not(opposite), "addi"),
            false => (opposite, "subi"),
        };
        let next = self.int(step, quotient, self.i(1));
        self.select(self.and(inexact, off), next, quotient)
    }
}

/// The number that a value is as a constant, if it is one and not NaN.
fn number(value: Value) -> Option<f64> {
    use melior::ir::operation::{OperationLike, OperationResult};
    let result = OperationResult::try_from(value).ok()?;
    let text = result.owner().attribute("value").ok()?.to_string();
    let number = text.strip_prefix("dense<").unwrap_or(&text);
    let end = number.find([' ', '>']).unwrap_or(number.len());
    let number = number[..end].parse::<f64>().ok()?;
    (!number.is_nan()).then_some(number)
}
