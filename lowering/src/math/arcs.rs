//! Inverse trigonometric functions.

use super::{Float, Math};
use melior::ir::Value;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// (arcsin √z / √z - 1)/z on z ≤ 1/4. Error 2^-27.5.
const ASIN_F32: [f64; 5] = [
    0.16666750609874725,
    0.07495344430208206,
    0.04546650871634483,
    0.024192288517951965,
    0.042152103036642075,
];
/// The same. Error 2^-59.5.
const ASIN_F64: [f64; 13] = [
    0.1666666666666674,
    0.07499999999974664,
    0.044642857171715476,
    0.03038194282245883,
    0.022372212238647216,
    0.017351654950909904,
    0.013980365522564904,
    0.011402246459478259,
    0.010763340873075698,
    0.0037647099861378907,
    0.02157707605266757,
    -0.020828512819983384,
    0.032529548726085364,
];
/// (arctan √z / √z - 1)/z on √z ≤ tan π/8. Error 2^-25.5.
const ATAN_F32: [f64; 4] = [
    -0.3333296775817871,
    0.19978304207324982,
    -0.1388329267501831,
    0.08070056140422821,
];
/// The same. Error 2^-59.3.
const ATAN_F64: [f64; 11] = [
    -0.3333333333333323,
    0.19999999999961196,
    -0.1428571428083572,
    0.11111110811245907,
    -0.09090898470703494,
    0.0769207173193892,
    -0.06663224436948127,
    0.058487024672825835,
    -0.05042731109635117,
    0.03814645585187113,
    -0.017991992509646487,
];
/// tan π/8, below which no reduction is needed.
const TAN_PI_8: f64 = 0.4142135623730951;

impl<'c, 'a> Math<'c, 'a> {
    /// What the type's nearest to a multiple of π leaves of it.
    fn rest_of_pi(&self, multiple: f64) -> f64 {
        match self.wide {
            true => 1.2246467991473532e-16 * multiple,
            false => -8.742278000372485e-08 * multiple,
        }
    }

    /// arcsin s - s for s² = z.
    fn asin_tail(&self, s: Value<'c, 'a>, z: Value<'c, 'a>) -> Value<'c, 'a> {
        let coefficients = self.by_width(&ASIN_F32[..], &ASIN_F64);
        self.mul(s, self.mul(z, self.polynomial(z, coefficients)))
    }

    /// √z and what its rounding lost.
    fn precise_sqrt(&self, z: Value<'c, 'a>) -> (Value<'c, 'a>, Value<'c, 'a>) {
        let root = self.sqrt(z);
        let (square, low) = self.two_product(root, root);
        let lost = self.sub(self.sub(z, square), low);
        let lost = self.div(lost, self.add(root, root));
        let zero = self.is(root, Float::Oeq, self.c(0.0));
        (root, self.select(zero, root, lost))
    }

    /// The arc sine: directly to ½, by π/2 - 2·arcsin √((1 - x)/2) above.
    pub fn asin(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.abs(x);
        let small = self.add(x, self.asin_tail(x, self.mul(x, x)));
        let z = self.times(self.sub(self.c(1.0), magnitude), 0.5);
        let (root, lost) = self.precise_sqrt(z);
        // π/4 - ((2·tail - rest) - (π/4 - 2·root)).
        let tail = self.add(self.asin_tail(root, z), lost);
        let tail = self.sub(self.add(tail, tail), self.c(self.rest_of_pi(0.5)));
        let quarter = self.c(FRAC_PI_4);
        let upper = self.sub(quarter, self.add(root, root));
        let large = self.sub(quarter, self.sub(tail, upper));
        let near = self.is(magnitude, Float::Ole, self.c(0.5));
        let result = self.copysign(self.select(near, small, large), x);
        self.select(
            self.is(magnitude, Float::Ogt, self.c(1.0)),
            self.c(f64::NAN),
            result,
        )
    }

    /// The arc cosine: π/2 - arcsin x in the middle, 2·arcsin √((1 - |x|)/2) or π less it at the ends.
    pub fn acos(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.abs(x);
        let low = self.c(self.rest_of_pi(0.5));
        let middle = self.sub(x, self.sub(low, self.asin_tail(x, self.mul(x, x))));
        let middle = self.sub(self.c(FRAC_PI_2), middle);
        let z = self.times(self.sub(self.c(1.0), magnitude), 0.5);
        let (root, lost) = self.precise_sqrt(z);
        let tail = self.add(self.asin_tail(root, z), lost);
        let right = self.add(root, tail);
        let right = self.add(right, right);
        let left = self.add(root, self.sub(tail, low));
        let left = self.sub(self.c(PI), self.add(left, left));
        let negative = self.is(x, Float::Olt, self.c(0.0));
        let end = self.select(negative, left, right);
        let near = self.is(magnitude, Float::Ole, self.c(0.5));
        let result = self.select(near, middle, end);
        self.select(
            self.is(magnitude, Float::Ogt, self.c(1.0)),
            self.c(f64::NAN),
            result,
        )
    }

    /// arctan (above/below) for both ≥ 0, in two parts: by arctan of 0, π/4 or π/2 and of a reduced argument.
    fn atan_of(
        &self,
        above: Value<'c, 'a>,
        below: Value<'c, 'a>,
    ) -> (Value<'c, 'a>, Value<'c, 'a>) {
        let middle = self.is(above, Float::Ogt, self.times(below, TAN_PI_8));
        let upper = self.is(self.times(above, TAN_PI_8), Float::Ogt, below);
        let numerator = self.select(middle, self.sub(above, below), above);
        let numerator = self.select(upper, self.neg(below), numerator);
        let denominator = self.select(middle, self.add(above, below), below);
        let denominator = self.select(upper, above, denominator);
        let t = self.div(numerator, denominator);
        let z = self.mul(t, t);
        let coefficients = self.by_width(&ATAN_F32[..], &ATAN_F64);
        let tail = self.mul(self.mul(t, z), self.polynomial(z, coefficients));
        let pick = |low: f64, mid: f64, high: f64| {
            let value = self.select(middle, self.c(mid), self.c(low));
            self.select(upper, self.c(high), value)
        };
        let base = pick(0.0, FRAC_PI_4, FRAC_PI_2);
        let rest = pick(0.0, self.rest_of_pi(0.25), self.rest_of_pi(0.5));
        let (high, low) = self.fast_two_sum(base, t);
        // Without a base, t is all.
        (high, self.add(low, self.add(tail, rest)))
    }

    /// The arc tangent.
    pub fn atan(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.abs(x);
        // Beyond this the result does not change, and 1/x would be denormal.
        let magnitude = self.at_most(magnitude, self.by_width(1e30, 1e300));
        let (high, low) = self.atan_of(magnitude, self.c(1.0));
        self.copysign(self.add(high, low), x)
    }

    /// The angle of the point (x, y).
    pub fn atan2(&self, y: Value<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let (zero, infinity) = (self.c(0.0), self.c(f64::INFINITY));
        let (a, b) = (self.abs(y), self.abs(x));
        // Large points come nearer, so that sums do not overflow; tiny ones away from where products lose bits.
        let larger = self.select(self.is(a, Float::Ogt, b), a, b);
        let far = self.is(larger, Float::Ogt, self.c(self.by_width(1e37, 1e307)));
        let tiny = self.is(larger, Float::Olt, self.c(self.by_width(1e-20, 1e-200)));
        let factor = self.select(far, self.c(0.125), self.c(1.0));
        let factor = self.select(
            tiny,
            self.c(self.by_width(2f64.powi(60), 2f64.powi(600))),
            factor,
        );
        let both = self.and(
            self.is(a, Float::Oeq, infinity),
            self.is(b, Float::Oeq, infinity),
        );
        let none = self.is(larger, Float::Oeq, zero);
        let one = self.c(1.0);
        let above = self.select(both, one, self.mul(a, factor));
        let below = self.select(both, one, self.mul(b, factor));
        let below = self.select(none, one, below);
        // An infinity above something finite is a right angle.
        let tall = self.and(self.is(a, Float::Oeq, infinity), self.not(both));
        let wide = self.and(self.is(b, Float::Oeq, infinity), self.not(both));
        let above = self.select(tall, one, self.select(wide, zero, above));
        let below = self.select(tall, zero, self.select(wide, one, below));
        let (high, low) = self.atan_of(above, below);
        let right = self.add(high, low);
        let left = self.add(
            self.sub(self.c(PI), high),
            self.sub(self.c(self.rest_of_pi(1.0)), low),
        );
        let backwards = self.int_is(self.bits(x), crate::emit::Int::Slt, self.i(0));
        let result = self.copysign(self.select(backwards, left, right), y);
        let nan = self.is(x, Float::Uno, y);
        self.select(nan, self.add(x, y), result)
    }
}
