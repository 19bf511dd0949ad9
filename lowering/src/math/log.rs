//! Logarithms and the inverse hyperbolic functions.

use super::{Float, Math};
use melior::ir::Value;
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E, LOG10_2, LOG10_E};

/// (log(1 + f) - f)/f² on 2/3 ≤ 1 + f < 4/3. Error 2^-27.
const LOG_F32: [f64; 9] = [
    -0.5,
    0.333331823348999,
    -0.2499997317790985,
    0.20012417435646057,
    -0.16671182215213776,
    0.13972286880016327,
    -0.12328751385211945,
    0.14151062071323395,
    -0.12208284437656403,
];
/// (2 artanh √z / √z - 2)/z on z ≤ 0.0295, for s = f/(2 + f), z = s², 1/√2 ≤ 1 + f < √2. Error 2^-58.4.
const LOG_F64: [f64; 7] = [
    0.6666666666666731,
    0.3999999999943333,
    0.28571428739047916,
    0.22222198858637823,
    0.18183551724446415,
    0.15314327622122062,
    0.1479355177265558,
];

/// x = 2ᵏ·(1 + f).
pub struct Mantissa<'c, 'a> {
    /// The exponent, as a float.
    pub k: Value<'c, 'a>,
    /// The mantissa less one, exact.
    pub f: Value<'c, 'a>,
    /// The mantissa.
    pub m: Value<'c, 'a>,
}

impl<'c, 'a> Math<'c, 'a> {
    /// Splits a positive normal number, with the mantissa from `low` to twice that.
    fn mantissa(&self, x: Value<'c, 'a>, low: f64) -> Mantissa<'c, 'a> {
        let (fraction, bias) = (self.fraction_bits(), self.bias());
        let one = bias << fraction;
        // The biased exponent of x relative to `low`, positive.
        let from_low = self.int("addi", self.bits(x), self.i(one - self.pattern(low)));
        let biased = self.int("shrui", from_low, self.i(fraction));
        // As a float: into the last places of 2^fraction.
        let units = 2f64.powi(fraction as i32);
        let float = self.float(self.int("ori", biased, self.i(self.pattern(units))));
        let k = self.sub(float, self.c(units + bias as f64));
        let exponent = self.int("shli", biased, self.i(fraction));
        let exponent = self.int("subi", exponent, self.i(one));
        let m = self.float(self.int("subi", self.bits(x), exponent));
        Mantissa {
            k,
            f: self.sub(m, self.c(1.0)),
            m,
        }
    }

    /// The same for any positive number: denormals are scaled up.
    pub fn any_mantissa(&self, x: Value<'c, 'a>, low: f64) -> Mantissa<'c, 'a> {
        let least = self.by_width(f64::from(f32::MIN_POSITIVE), f64::MIN_POSITIVE);
        let tiny = self.is(x, Float::Olt, self.c(least));
        let power = self.by_width(23, 54);
        let scaled = self.times(x, 2f64.powi(power));
        let parts = self.mantissa(self.select(tiny, scaled, x), low);
        let lower = self.select(tiny, self.c(f64::from(power)), self.c(0.0));
        Mantissa {
            k: self.sub(parts.k, lower),
            ..parts
        }
    }

    fn lowest_mantissa(&self) -> f64 {
        self.by_width(f64::from_bits(0x3FE5_5555_6000_0000), FRAC_1_SQRT_2)
    }

    /// log(1 + f) - f.
    fn log_tail(&self, f: Value<'c, 'a>) -> Value<'c, 'a> {
        let square = self.mul(f, f);
        if !self.wide {
            return self.mul(square, self.polynomial(f, &LOG_F32));
        }
        // With s = f/(2 + f): log(1 + f) = f - f²/2 + s·(f²/2 + R(s²)).
        let half = self.times(square, 0.5);
        let s = self.div(f, self.add(f, self.c(2.0)));
        let z = self.mul(s, s);
        let r = self.mul(z, self.polynomial(z, &LOG_F64));
        self.sub(self.mul(s, self.add(half, r)), half)
    }

    /// NaN below 0, -∞ at 0, +∞ and NaN as they are.
    fn at_the_ends(&self, x: Value<'c, 'a>, result: Value<'c, 'a>) -> Value<'c, 'a> {
        let zero = self.c(0.0);
        let finite = self.is(x, Float::Olt, self.c(f64::INFINITY));
        let result = self.select(finite, result, x);
        let result = self.select(
            self.is(x, Float::Oeq, zero),
            self.c(f64::NEG_INFINITY),
            result,
        );
        self.select(self.is(x, Float::Olt, zero), self.c(f64::NAN), result)
    }

    /// The natural logarithm.
    pub fn log(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let Mantissa { k, f, .. } = self.any_mantissa(x, self.lowest_mantissa());
        let result = self.with_exponent(k, f, self.log_tail(f));
        self.at_the_ends(x, result)
    }

    /// k·ln 2 + f + tail.
    fn with_exponent(
        &self,
        k: Value<'c, 'a>,
        f: Value<'c, 'a>,
        tail: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let (high, low) = self.ln_2();
        let low = self.fma(k, self.c(low), tail);
        self.fma(k, self.c(high), self.add(f, low))
    }

    /// log(1 + x): of the rounded sum, corrected by what the rounding lost.
    pub fn log1p(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let one = self.c(1.0);
        let u = self.add(x, one);
        let lost_of_one = self.sub(one, self.sub(u, x));
        let lost_of_x = self.sub(x, self.sub(u, one));
        let lost = self.select(self.is(x, Float::Oge, one), lost_of_one, lost_of_x);
        let Mantissa { k, f, .. } = self.mantissa(u, self.lowest_mantissa());
        let tail = self.add(self.log_tail(f), self.div(lost, u));
        let result = self.at_the_ends(u, self.with_exponent(k, f, tail));
        // ±0 and +∞, where what was lost is not known.
        let zero = self.is(x, Float::Oeq, self.c(0.0));
        let end = self.or(zero, self.is(x, Float::Oeq, self.c(f64::INFINITY)));
        self.select(end, x, result)
    }

    /// The logarithm to base 2.
    pub fn log2(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let Mantissa { k, f, .. } = self.any_mantissa(x, self.lowest_mantissa());
        let tail = self.times(self.log_tail(f), LOG2_E);
        let log = self.fma(f, self.c(LOG2_E), tail);
        self.at_the_ends(x, self.add(k, log))
    }

    /// The logarithm to base 10.
    pub fn log10(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let Mantissa { k, f, .. } = self.any_mantissa(x, self.lowest_mantissa());
        // As many digits as leave products with exponents exact.
        let short = |x: f64| match self.wide {
            true => f64::from_bits(x.to_bits() & !0xFF_FFFF),
            false => f64::from(f32::from_bits((x as f32).to_bits() & !0xFFF)),
        };
        let high = short(LOG10_2);
        let low = self.times(k, LOG10_2 - high);
        let tail = self.fma(self.log_tail(f), self.c(LOG10_E), low);
        let log = self.fma(f, self.c(LOG10_E), tail);
        self.at_the_ends(x, self.fma(k, self.c(high), log))
    }

    /// The inverse hyperbolic sine: log1p(a + a²/(1 + √(a² + 1))), and log 2a where a² would overflow.
    pub fn asinh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let a = self.abs(x);
        let large = self.is(a, Float::Ogt, self.c(self.by_width(4096.0, 268435456.0)));
        let near = self.select(large, self.c(1.0), a);
        let square = self.mul(near, near);
        let root = self.sqrt(self.add(square, self.c(1.0)));
        let small = self.add(near, self.div(square, self.add(root, self.c(1.0))));
        let small = self.log1p(small);
        let far = self.add(self.log(a), self.c(LN_2));
        self.copysign(self.select(large, far, small), x)
    }

    /// The inverse hyperbolic cosine: log1p(t + √(2t + t²)) with t = x - 1.
    pub fn acosh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let large = self.is(x, Float::Ogt, self.c(self.by_width(4096.0, 268435456.0)));
        let near = self.select(large, self.c(2.0), x);
        let t = self.sub(near, self.c(1.0));
        let root = self.sqrt(self.fma(t, t, self.add(t, t)));
        let small = self.log1p(self.add(t, root));
        let far = self.add(self.log(x), self.c(LN_2));
        let result = self.select(large, far, small);
        self.select(
            self.is(x, Float::Olt, self.c(1.0)),
            self.c(f64::NAN),
            result,
        )
    }

    /// The inverse hyperbolic tangent: log1p(2a/(1 - a))/2.
    pub fn atanh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let a = self.abs(x);
        let log = self.log1p(self.div(self.add(a, a), self.sub(self.c(1.0), a)));
        let result = self.copysign(self.times(log, 0.5), x);
        // Beyond 1 the quotient is below -1 but for infinities.
        self.select(
            self.is(a, Float::Ogt, self.c(1.0)),
            self.c(f64::NAN),
            result,
        )
    }
}
