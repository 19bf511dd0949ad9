//! The numbers of the oracle: reals with perturbations, for forward-mode derivatives of any nesting.
//!
//! A number is a polynomial in ε₀, ε₁, … with εᵢ² = 0 and a coefficient for each product of different ones (Rall 1981;
//! Siskind and Pearlmutter 2008 for nesting). A derivative inside of another takes the next ε, so the two are never
//! confused. A number also knows the precision that it is computed in, which is how the distance that rounding makes
//! is measured: the same program is run with fewer bits.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// How many derivatives may be nested, that of the test itself among them.
pub const LEVELS: usize = 4;

/// The bits of a significand of f64; numbers of this precision are not rounded further.
pub const FULL: u8 = 53;

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Num {
    /// The coefficients: at position `m` that of the product of all εᵢ for which bit `i` of `m` is set.
    parts: [f64; 1 << LEVELS],
    /// The coefficients of ε of this level and of those above are zero.
    levels: u8,
    /// The bits of the significand that results are rounded to.
    bits: u8,
}

/// A value, rounded to a significand of so many bits.
fn rounded(value: f64, bits: u8) -> f64 {
    if bits >= FULL || !value.is_finite() {
        return value;
    }
    let dropped = FULL - bits;
    let half = 1u64 << (dropped - 1);
    f64::from_bits((value.to_bits() + half) & !((1u64 << dropped) - 1))
}

impl Num {
    /// A constant, which every precision holds.
    pub fn real(value: f64) -> Self {
        let mut parts = [0.0; 1 << LEVELS];
        parts[0] = value;
        Self {
            parts,
            levels: 0,
            bits: FULL,
        }
    }

    /// The value without perturbations.
    pub fn value(&self) -> f64 {
        self.parts[0]
    }

    /// The coefficients in use.
    pub fn parts(&self) -> &[f64] {
        &self.parts[..1 << self.levels]
    }

    /// The coefficient of one ε alone.
    pub fn slope(&self, level: usize) -> f64 {
        self.parts[1 << level]
    }

    /// Whether it is a constant to every derivative.
    pub fn is_constant(&self) -> bool {
        self.parts()[1..].iter().all(|part| *part == 0.0)
    }

    /// The number in another precision.
    pub fn at_precision(mut self, bits: u8) -> Self {
        self.bits = bits;
        self.round()
    }

    /// The bits of its significand.
    pub fn precision(&self) -> u8 {
        self.bits
    }

    /// `self + tangent * ε`, of an ε that neither has.
    pub fn perturbed(self, tangent: Num, level: usize) -> Self {
        let mut sum = self;
        sum.levels = (level + 1) as u8;
        for (position, part) in tangent.parts[..1 << level].iter().enumerate() {
            sum.parts[position | 1 << level] = *part;
        }
        sum
    }

    /// The number without an ε, which is the last in use, and its coefficient.
    pub fn split(self, level: usize) -> (Num, Num) {
        let (mut value, mut tangent) = (self, Num::real(0.0));
        tangent.bits = self.bits;
        for position in 0..1 << level {
            value.parts[position | 1 << level] = 0.0;
            tangent.parts[position] = self.parts[position | 1 << level];
        }
        let levels = self.levels.min(level as u8);
        (value.levels, tangent.levels) = (levels, levels);
        (value, tangent)
    }

    /// The value, a constant to every derivative.
    pub fn constant(self) -> Self {
        Num {
            bits: self.bits,
            ..Num::real(self.value())
        }
    }

    fn round(mut self) -> Self {
        let bits = self.bits;
        if bits < FULL {
            for part in &mut self.parts[..1 << self.levels] {
                *part = rounded(*part, bits);
            }
        }
        self
    }

    /// A function of one argument, by its value on reals and its derivative.
    fn chain(self, value: fn(f64) -> f64, slope: fn(Num) -> Num) -> Num {
        let Some(level) = (self.levels as usize).checked_sub(1) else {
            let result = Num {
                bits: self.bits,
                ..Num::real(value(self.value()))
            };
            return result.round();
        };
        let (x, dx) = self.split(level);
        x.chain(value, slope).perturbed(slope(x) * dx, level)
    }

    fn product(self, other: Num) -> Num {
        let mut product = Num {
            levels: self.levels.max(other.levels),
            bits: self.bits.min(other.bits),
            ..Num::real(0.0)
        };
        for whole in 0..1usize << product.levels {
            // All ways to divide the ε of `whole` between the two.
            let mut left = whole;
            let mut sum = self.parts[whole] * other.parts[0];
            while left > 0 {
                left = (left - 1) & whole;
                sum += self.parts[left] * other.parts[whole ^ left];
            }
            product.parts[whole] = sum;
        }
        product.round()
    }

    /// The reciprocal.
    pub fn reciprocal(self) -> Num {
        self.chain(f64::recip, |x| {
            let r = x.reciprocal();
            -(r * r)
        })
    }

    /// The square root.
    pub fn sqrt(self) -> Num {
        self.chain(f64::sqrt, |x| Num::real(0.5) / x.sqrt())
    }

    /// e to its power.
    pub fn exp(self) -> Num {
        self.chain(f64::exp, Num::exp)
    }

    /// That less 1.
    pub fn expm1(self) -> Num {
        self.chain(f64::exp_m1, |x| x.expm1() + Num::real(1.0))
    }

    /// The natural logarithm.
    pub fn log(self) -> Num {
        self.chain(f64::ln, Num::reciprocal)
    }

    /// That of 1 more.
    pub fn log1p(self) -> Num {
        self.chain(f64::ln_1p, |x| (Num::real(1.0) + x).reciprocal())
    }

    /// The sine.
    pub fn sin(self) -> Num {
        self.chain(f64::sin, Num::cos)
    }

    /// The cosine.
    pub fn cos(self) -> Num {
        self.chain(f64::cos, |x| -x.sin())
    }

    /// The tangent.
    pub fn tan(self) -> Num {
        self.chain(f64::tan, |x| {
            let t = x.tan();
            Num::real(1.0) + t * t
        })
    }

    /// The inverse of the sine.
    pub fn asin(self) -> Num {
        self.chain(f64::asin, |x| (Num::real(1.0) - x * x).sqrt().reciprocal())
    }

    /// The inverse of the cosine.
    pub fn acos(self) -> Num {
        Num::real(std::f64::consts::FRAC_PI_2) - self.asin()
    }

    /// The inverse of the tangent.
    pub fn atan(self) -> Num {
        self.chain(f64::atan, |x| (Num::real(1.0) + x * x).reciprocal())
    }

    /// The angle of the point `(x, self)`.
    pub fn atan2(self, x: Num) -> Num {
        let Some(level) = (self.levels.max(x.levels) as usize).checked_sub(1) else {
            let result = Num {
                bits: self.bits.min(x.bits),
                ..Num::real(self.value().atan2(x.value()))
            };
            return result.round();
        };
        let ((y, dy), (x, dx)) = (self.split(level), x.split(level));
        let slope = (x * dy - y * dx) / (x * x + y * y);
        y.atan2(x).perturbed(slope, level)
    }

    /// The hyperbolic sine.
    pub fn sinh(self) -> Num {
        self.chain(f64::sinh, Num::cosh)
    }

    /// The hyperbolic cosine.
    pub fn cosh(self) -> Num {
        self.chain(f64::cosh, Num::sinh)
    }

    /// The hyperbolic tangent.
    pub fn tanh(self) -> Num {
        self.chain(f64::tanh, |x| {
            let t = x.tanh();
            Num::real(1.0) - t * t
        })
    }

    /// The logistic function.
    pub fn sigmoid(self) -> Num {
        let Some(level) = (self.levels as usize).checked_sub(1) else {
            return (Num::real(1.0) + (-self).exp()).reciprocal();
        };
        let (x, dx) = self.split(level);
        let s = x.sigmoid();
        s.perturbed(s * (Num::real(1.0) - s) * dx, level)
    }

    /// The error function.
    pub fn erf(self) -> Num {
        self.chain(libm::erf, |x| {
            Num::real(std::f64::consts::FRAC_2_SQRT_PI) * (-(x * x)).exp()
        })
    }

    /// `self` to a power, for a positive number.
    pub fn pow(self, power: Num) -> Num {
        (power * self.log()).exp()
    }

    /// The nearest whole number by some rule, a constant to every derivative.
    pub fn whole(self, rule: fn(f64) -> f64) -> Num {
        Num {
            bits: self.bits,
            ..Num::real(rule(self.value()))
        }
    }
}

impl Neg for Num {
    type Output = Num;

    fn neg(mut self) -> Num {
        self.parts.iter_mut().for_each(|part| *part = -*part);
        self
    }
}

impl Add for Num {
    type Output = Num;

    fn add(mut self, other: Num) -> Num {
        self.levels = self.levels.max(other.levels);
        self.bits = self.bits.min(other.bits);
        for (part, more) in self.parts.iter_mut().zip(&other.parts) {
            *part += more;
        }
        self.round()
    }
}

impl Sub for Num {
    type Output = Num;

    fn sub(self, other: Num) -> Num {
        self + -other
    }
}

impl Mul for Num {
    type Output = Num;

    fn mul(self, other: Num) -> Num {
        self.product(other)
    }
}

impl Div for Num {
    type Output = Num;

    fn div(self, other: Num) -> Num {
        self.product(other.reciprocal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number to be differentiated with respect to at the first levels.
    fn variable(value: f64, levels: usize) -> Num {
        (0..levels).fold(Num::real(value), |x, level| {
            x.perturbed(Num::real(1.0), level)
        })
    }

    #[test]
    fn derivatives_of_functions() {
        type Case = (fn(Num) -> Num, f64);
        let cases: [Case; 16] = [
            (Num::reciprocal, 0.7),
            (Num::sqrt, 0.7),
            (Num::exp, 0.7),
            (Num::expm1, 0.7),
            (Num::log, 0.7),
            (Num::log1p, 0.7),
            (Num::sin, 0.7),
            (Num::tan, 0.7),
            (Num::acos, 0.3),
            (Num::atan, 0.7),
            (Num::sinh, 0.7),
            (Num::tanh, 0.7),
            (Num::sigmoid, 0.7),
            (Num::erf, 0.7),
            (|x| x.pow(Num::real(1.5) + x), 0.7),
            (|x| x.atan2(x * x + Num::real(1.0)), 0.7),
        ];
        for (number, (f, x)) in cases.into_iter().enumerate() {
            let h = 1e-5;
            // The derivative of order `n` against differences of that of order `n - 1`.
            for order in 1..LEVELS {
                let at = |x: f64| f(variable(x, order - 1)).parts[(1 << (order - 1)) - 1];
                let difference = (at(x + h) - at(x - h)) / (2.0 * h);
                let derivative = f(variable(x, order)).parts[(1 << order) - 1];
                let error = (derivative - difference).abs() / derivative.abs().max(1.0);
                assert!(error < 1e-7, "case {number}, order {order}: {error:e}");
            }
        }
    }

    #[test]
    fn perturbations_are_not_confused() {
        // d/dx (x * d/dy (x + y)) = 1, not 2.
        let x = variable(3.0, 1);
        let inner = x + Num::real(5.0).perturbed(Num::real(1.0), 1);
        let (_, slope) = inner.split(1);
        assert_eq!((x * slope).slope(0), 1.0);
    }

    /// The slope of a sigmoid whose value is rounded to 1 is lost, and runs with fewer bits show that.
    #[test]
    fn saturated_functions_lose_their_slope() {
        for f in [Num::sigmoid, Num::tanh, |x: Num| (-x).expm1()] {
            let at = |bits| f(variable(15.0, 1).at_precision(bits)).slope(0);
            assert_ne!(at(FULL), 0.0);
            assert_eq!(at(20), 0.0);
        }
    }

    #[test]
    fn precisions() {
        let third = (Num::real(1.0) / Num::real(3.0)).at_precision(24);
        assert_eq!(third.value(), f64::from(1f32 / 3.0));
        assert_eq!(
            (third + third * third).value(),
            f64::from(1f32 / 3.0 + 1f32 / 3.0 * (1f32 / 3.0))
        );
    }
}
