//! Sine, cosine and tangent.

use super::{Float, Math, Pair, reduce::Angle};
use crate::emit::Int;
use melior::ir::Value;

/// (sin √z / √z - 1)/z on z ≤ (π/4)². Error 2^-28.
const SIN_F32: [f64; 3] = [
    -0.16666655242443085,
    0.008332189172506332,
    -0.00019518188491929322,
];
/// The same. Error 2^-58.
const SIN_F64: [f64; 6] = [
    -0.16666666666666632,
    0.008333333333322425,
    -0.00019841269829774417,
    2.7557313670108586e-06,
    -2.5050753492589282e-08,
    1.5896471724611145e-10,
];
/// (cos √z - 1 + z/2)/z² on z ≤ (π/4)². Error 2^-33.
const COS_F32: [f64; 3] = [
    0.04166664555668831,
    -0.0013887298991903663,
    2.4430246412521228e-05,
];
/// The same. Error 2^-64.
const COS_F64: [f64; 6] = [
    0.04166666666666661,
    -0.0013888888888875304,
    2.4801587290024258e-05,
    -2.7557314466376275e-07,
    2.0875734204388938e-09,
    -1.1360020412851146e-11,
];

impl<'c, 'a> Math<'c, 'a> {
    /// sin and cos of r + tail.
    fn reduced_sin_cos(&self, angle: &Angle<'c, 'a>) -> Pair<'c, 'a> {
        let (r, z) = (angle.r, self.mul(angle.r, angle.r));
        let half = self.times(z, 0.5);
        let odd = self.polynomial(z, self.by_width(&SIN_F32[..], &SIN_F64));
        let odd = self.mul(self.mul(r, z), odd);
        let even = self.polynomial(z, self.by_width(&COS_F32[..], &COS_F64));
        let even = self.mul(self.mul(z, z), even);
        let one = self.c(1.0);
        // 1 - z/2 and what its rounding loses.
        let base = self.sub(one, half);
        let lost = self.sub(self.sub(one, base), half);
        let (odd, even) = match angle.tail {
            Some(tail) => {
                let odd = self.add(odd, self.mul(tail, base));
                (odd, self.sub(even, self.mul(r, tail)))
            }
            None => (odd, even),
        };
        (self.add(r, odd), self.add(base, self.add(lost, even)))
    }

    /// Whether a bit of the quadrant, counted from some quadrant on, is set.
    fn quadrant_bit(&self, q: Value<'c, 'a>, bit: i64) -> Value<'c, 'a> {
        let bit = self.int("andi", q, self.i(bit));
        self.int_is(bit, Int::Ne, self.i(0))
    }

    /// sin or cos, by the quadrant: a cosine is a sine one quadrant on.
    fn wave(&self, angle: &Angle<'c, 'a>, (sin, cos): Pair<'c, 'a>, ahead: i64) -> Value<'c, 'a> {
        let q = self.int("addi", angle.q, self.i(ahead));
        let value = self.select(self.quadrant_bit(q, 1), cos, sin);
        let sign = self.int(
            "shli",
            self.int("andi", q, self.i(2)),
            self.i(self.by_width(30, 62)),
        );
        self.float(self.int("xori", self.bits(value), sign))
    }

    /// x itself where it is so small that its cube is lost, for the sign of zero and for denormals.
    fn or_tiny(&self, x: Value<'c, 'a>, result: Value<'c, 'a>) -> Value<'c, 'a> {
        let bound = self.c(self.by_width(2f64.powi(-13), 2f64.powi(-27)));
        let tiny = self.is(self.abs(x), Float::Olt, bound);
        self.select(tiny, x, result)
    }

    /// The sine.
    pub fn sin(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let angle = self.angle(x);
        let result = self.wave(&angle, self.reduced_sin_cos(&angle), 0);
        self.or_tiny(x, result)
    }

    /// The cosine.
    pub fn cos(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let angle = self.angle(x);
        self.wave(&angle, self.reduced_sin_cos(&angle), 1)
    }

    /// Both.
    pub fn sin_cos(&self, x: Value<'c, 'a>) -> Pair<'c, 'a> {
        let angle = self.angle(x);
        let both = self.reduced_sin_cos(&angle);
        let sin = self.wave(&angle, both, 0);
        (self.or_tiny(x, sin), self.wave(&angle, both, 1))
    }

    /// The tangent: sin/cos, or -cos/sin in odd quadrants.
    pub fn tan(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let angle = self.angle(x);
        let (sin, cos) = self.reduced_sin_cos(&angle);
        let odd = self.quadrant_bit(angle.q, 1);
        let above = self.select(odd, self.neg(cos), sin);
        let below = self.select(odd, sin, cos);
        self.or_tiny(x, self.div(above, below))
    }
}
