//! Powers and cube roots.
//!
//! |x|ʸ is 2 to the power of y·log₂|x|. In f32 both run in f64; in f64 the logarithm is a pair of floats with about
//! 66 bits, since its error is multiplied by up to 1075.

use super::{Float, Math, Pair, log::Mantissa};
use crate::emit::Int;
use melior::ir::Value;
use std::f64::consts::{FRAC_1_SQRT_2, LN_2};

/// (artanh √z / √z - 1)/z on z ≤ 0.0295. Error 2^-44.6.
const POW_F32: [f64; 5] = [
    0.33333333336591026,
    0.19999998176300157,
    0.14286021018192785,
    0.11089347147480311,
    0.09775652171953586,
];
/// (artanh √z / √z - 1 - z/3)/z² on z ≤ 0.0295. Error of the sum 2^-73.
const POW_F64: [f64; 8] = [
    0.19999999999999993,
    0.14285714285720488,
    0.11111111109184632,
    0.09090909391630068,
    0.07692281018251958,
    0.06668070904789634,
    0.058390041334372915,
    0.05982499949079328,
];
/// 2/ln 2 and its rest.
const TWO_LOG2_E: (f64, f64) = (2.8853900817779268, 4.0710547481862066e-17);
/// The rest of 1/3.
const THIRD_REST: f64 = 1.850371707708594e-17;
/// The rest of ln 2.
const LN_2_REST: f64 = 2.3190468138462996e-17;

impl<'c, 'a> Math<'c, 'a> {
    /// log₂ of a positive f64, to f32's needs: error 2^-44 or so.
    fn short_log2(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let Mantissa { k, f, m } = self.any_mantissa(x, FRAC_1_SQRT_2);
        let s = self.div(f, self.add(m, self.c(1.0)));
        let z = self.mul(s, s);
        let artanh = self.fma(self.mul(s, z), self.polynomial(z, &POW_F32), s);
        self.fma(artanh, self.c(TWO_LOG2_E.0), k)
    }

    /// log₂ of a positive f64 as a pair.
    fn long_log2(&self, x: Value<'c, 'a>) -> Pair<'c, 'a> {
        let Mantissa { k, f, m } = self.any_mantissa(x, FRAC_1_SQRT_2);
        let one = self.c(1.0);
        // s = (m - 1)/(m + 1).
        let (g, g_low) = self.two_sum(m, one);
        let s = self.div(f, g);
        let (product, low) = self.two_product(s, g);
        let rest = self.sub(self.sub(f, product), low);
        let rest = self.sub(rest, self.mul(s, g_low));
        let s_low = self.div(rest, g);
        // w = z/3 + z²·R(z) for z = s².
        let (z, z_low) = self.two_product(s, s);
        let z_low = self.fma(self.add(s, s), s_low, z_low);
        let third = self.c(1.0 / 3.0);
        let (w, w_low) = self.two_product(z, third);
        let w_low = self.fma(z, self.c(THIRD_REST), self.fma(z_low, third, w_low));
        let more = self.mul(self.mul(z, z), self.polynomial(z, &POW_F64));
        let (w, carry) = self.fast_two_sum(w, more);
        let w_low = self.add(w_low, carry);
        // artanh s = s + s·w.
        let (t, t_low) = self.two_product(s, w);
        let t_low = self.fma(s, w_low, self.fma(s_low, w, t_low));
        let (h, carry) = self.fast_two_sum(s, t);
        let h_low = self.add(carry, self.add(t_low, s_low));
        let (l, l_low) = self.two_product(h, self.c(TWO_LOG2_E.0));
        let l_low = self.fma(
            h,
            self.c(TWO_LOG2_E.1),
            self.fma(h_low, self.c(TWO_LOG2_E.0), l_low),
        );
        let (sum, carry) = self.fast_two_sum(k, l);
        self.fast_two_sum(sum, self.add(carry, l_low))
    }

    /// ±∞ in place of the logarithm of 0 and ∞.
    fn log_at_the_ends(&self, x: Value<'c, 'a>, log: Value<'c, 'a>) -> Value<'c, 'a> {
        let infinity = self.c(f64::INFINITY);
        let log = self.select(self.is(x, Float::Oeq, infinity), infinity, log);
        let zero = self.is(x, Float::Oeq, self.c(0.0));
        self.select(zero, self.c(f64::NEG_INFINITY), log)
    }

    /// aʸ for a ≥ 0, but for NaN and the ones that are 1 whatever the other.
    fn magnitude_power(&self, a: Value<'c, 'a>, y: Value<'c, 'a>) -> Value<'c, 'a> {
        if !self.wide {
            let wide = self.widened();
            let (a, y) = (self.extend(a), self.extend(y));
            let log = wide.log_at_the_ends(a, wide.short_log2(a));
            let t = wide.at_least(wide.at_most(wide.mul(y, log), 200.0), -200.0);
            let magic = wide.c(wide.magic());
            let shifted = wide.add(t, magic);
            let r = wide.times(wide.sub(t, wide.sub(shifted, magic)), LN_2);
            let power = wide.add(wide.short_exp_minus_one(r), wide.c(1.0));
            return self.truncate(wide.scale_normal(power, wide.bits(shifted)));
        }
        let (log, log_low) = self.long_log2(a);
        let log = self.log_at_the_ends(a, log);
        let (t, t_low) = self.two_product(y, log);
        let t_low = self.fma(y, log_low, t_low);
        // Beyond the range the rest does not count, and may be NaN.
        let far = self.is(self.abs(t), Float::Ogt, self.c(1100.0));
        let t_low = self.select(far, self.c(0.0), t_low);
        let t = self.at_least(self.at_most(t, 1100.0), -1100.0);
        let magic = self.c(self.magic());
        let shifted = self.add(t, magic);
        let r = self.sub(t, self.sub(shifted, magic));
        let n = self.int(
            "subi",
            self.bits(shifted),
            self.i(self.pattern(self.magic())),
        );
        let (u, u_low) = self.two_product(r, self.c(LN_2));
        let u_low = self.fma(r, self.c(LN_2_REST), self.fma(t_low, self.c(LN_2), u_low));
        let p = self.exp_minus_one_reduced(u);
        let p = self.add(p, self.fma(p, u_low, u_low));
        self.scale(self.add(p, self.c(1.0)), n)
    }

    /// C's pow.
    pub fn pow(&self, x: Value<'c, 'a>, y: Value<'c, 'a>) -> Value<'c, 'a> {
        let (zero, one) = (self.c(0.0), self.c(1.0));
        let a = self.abs(x);
        let power = self.magnitude_power(a, y);
        let power = self.select(self.is(a, Float::Oeq, one), one, power);
        // A negative base: the sign of odd powers, NaN for fractions.
        let below = self.int_is(self.bits(x), Int::Slt, self.i(0));
        let whole = self.is(self.nearest(y), Float::Oeq, y);
        let half = self.times(y, 0.5);
        let uneven = self.is(self.nearest(half), Float::One, half);
        let negate = self.and(below, self.and(whole, uneven));
        let power = self.select(negate, self.neg(power), power);
        let finite = self.is(x, Float::Ogt, self.c(f64::NEG_INFINITY));
        let proper = self.and(finite, self.is(x, Float::Olt, zero));
        let undefined = self.and(proper, self.not(whole));
        let power = self.select(undefined, self.c(f64::NAN), power);
        let unknown = self.is(x, Float::Uno, y);
        let power = self.select(unknown, self.add(x, y), power);
        let certain = self.or(self.is(x, Float::Oeq, one), self.is(y, Float::Oeq, zero));
        self.select(certain, one, power)
    }

    /// x to the power of an integer, given as a float and by whether it is odd or 0.
    pub fn pow_int(
        &self,
        x: Value<'c, 'a>,
        y: Value<'c, 'a>,
        odd: Value<'c, 'a>,
        none: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let a = self.abs(x);
        let one = self.c(1.0);
        let power = self.magnitude_power(a, y);
        let power = self.select(self.is(a, Float::Oeq, one), one, power);
        let below = self.int_is(self.bits(x), Int::Slt, self.i(0));
        let power = self.select(self.and(odd, below), self.neg(power), power);
        let power = self.select(self.is(x, Float::Uno, x), x, power);
        self.select(none, one, power)
    }

    /// The cube root: a third of the logarithm, and in f64 a step of Newton's with an exact residue.
    pub fn cbrt(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let wide = self.widened();
        let magnitude = self.abs(x);
        // Where the cube of the root would lose digits, of a larger number.
        let tiny = self.is(
            magnitude,
            Float::Olt,
            self.c(if self.wide { 1e-200 } else { 0.0 }),
        );
        let a = self.select(tiny, self.times(magnitude, 2f64.powi(300)), magnitude);
        let near = if self.wide { a } else { self.extend(a) };
        let log = wide.times(wide.short_log2(near), 1.0 / 3.0);
        let magic = wide.c(wide.magic());
        let shifted = wide.add(log, magic);
        let r = wide.times(wide.sub(log, wide.sub(shifted, magic)), LN_2);
        let power = wide.add(wide.short_exp_minus_one(r), wide.c(1.0));
        let root = wide.scale_normal(power, wide.bits(shifted));
        let root = match self.wide {
            true => self.cube_root_step(a, self.cube_root_step(a, root)),
            false => self.truncate(root),
        };
        let root = self.select(tiny, self.times(root, 2f64.powi(-100)), root);
        let root = self.copysign(root, x);
        // 0, ±∞ and NaN are their own.
        let proper = self.is(a, Float::Ogt, self.c(0.0));
        let proper = self.and(proper, self.is(a, Float::Olt, self.c(f64::INFINITY)));
        self.select(proper, root, x)
    }

    /// t - (t³ - a)/(3t²).
    fn cube_root_step(&self, a: Value<'c, 'a>, t: Value<'c, 'a>) -> Value<'c, 'a> {
        let (square, square_low) = self.two_product(t, t);
        let (cube, cube_low) = self.two_product(square, t);
        let over = self.sub(cube, a);
        let over = self.add(over, self.fma(square_low, t, cube_low));
        self.sub(t, self.div(over, self.times(square, 3.0)))
    }

    /// C's integer power of integers; negative powers are 0 but of 1 and -1.
    pub fn int_pow(&self, base: Value<'c, 'a>, power: Value<'c, 'a>) -> Value<'c, 'a> {
        let (zero, one) = (self.i(0), self.i(1));
        let negative = self.int_is(power, Int::Slt, zero);
        let odd = self.int_is(self.int("andi", power, one), Int::Ne, zero);
        let minus = self.i(-1);
        let of_minus = self.select(odd, minus, one);
        let inverse = self.select(self.int_is(base, Int::Eq, minus), of_minus, zero);
        let inverse = self.select(self.int_is(base, Int::Eq, one), one, inverse);
        let start = self.select(negative, zero, power);
        let result = self.e.while_loop(
            &[one, base, start],
            |e, state| {
                let m = self.at(e);
                m.any(m.int_is(state[2], Int::Ne, m.i(0)))
            },
            |e, state| {
                let m = self.at(e);
                let odd = m.int_is(m.int("andi", state[2], m.i(1)), Int::Ne, m.i(0));
                let product = m.int("muli", state[0], state[1]);
                let next = m.select(odd, product, state[0]);
                let square = m.int("muli", state[1], state[1]);
                vec![next, square, m.int("shrui", state[2], m.i(1))]
            },
        );
        self.select(negative, inverse, result[0])
    }
}
