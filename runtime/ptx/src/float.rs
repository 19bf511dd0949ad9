//! Floating-point formats and exact rounding to them.
//!
//! A result is computed in `f64`, rounded to odd where it is not exact, and rounded once more to the format asked for. With at
//! least two more bits in between, that is the same as rounding the exact result once (Boldo and Melquiond, 2008).

/// How a result that does not fit is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest, ties to even.
    Nearest,
    /// To the nearest, ties away from zero.
    Away,
    /// Towards zero.
    Zero,
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
}

/// A binary format: bits of the exponent and of the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub exponent: u32,
    pub fraction: u32,
}

pub(crate) const F16: Format = Format {
    exponent: 5,
    fraction: 10,
};
pub(crate) const BF16: Format = Format {
    exponent: 8,
    fraction: 7,
};
/// As it is packed to 19 bits; the callers shift it to where `f32` has them.
pub(crate) const TF32: Format = Format {
    exponent: 8,
    fraction: 10,
};
pub(crate) const F32: Format = Format {
    exponent: 8,
    fraction: 23,
};
pub(crate) const F64: Format = Format {
    exponent: 11,
    fraction: 52,
};

impl Format {
    /// The one NaN that arithmetic gives: all bits but the sign.
    pub fn nan(self) -> u64 {
        (1 << (self.exponent + self.fraction)) - 1
    }

    fn infinity(self) -> u64 {
        ((1 << self.exponent) - 1) << self.fraction
    }

    fn sign(self) -> u64 {
        1 << (self.exponent + self.fraction)
    }

    /// The value of some bits, exactly.
    pub fn widen(self, bits: u64) -> f64 {
        match self {
            F32 => f64::from(f32::from_bits(bits as u32)),
            F64 => f64::from_bits(bits),
            F16 => f64::from(half::f16::from_bits(bits as u16)),
            _ => f64::from(f32::from_bits((bits << (23 - self.fraction)) as u32)),
        }
    }

    /// The bits of a value, rounded.
    pub fn narrow(self, value: f64, rounding: Rounding) -> u64 {
        if value.is_nan() {
            return self.nan();
        }
        let negative = value.is_sign_negative();
        let sign = if negative { self.sign() } else { 0 };
        if value.is_infinite() {
            return sign | self.infinity();
        }
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = match exponent {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, exponent - 1075),
        };
        self.round(negative, mantissa, exponent, rounding)
    }

    /// The bits of `±mantissa · 2^exponent`, rounded.
    pub fn round(self, negative: bool, mantissa: u64, exponent: i32, rounding: Rounding) -> u64 {
        let sign = if negative { self.sign() } else { 0 };
        if mantissa == 0 {
            return sign;
        }
        let zeros = mantissa.leading_zeros();
        let mantissa = mantissa << zeros;
        let exponent = exponent - zeros as i32 + 63;
        let least = 2 - (1 << (self.exponent - 1));
        let shift = 63 - self.fraction as i32 + (least - exponent).max(0);
        let (mut kept, lost, half) = match shift {
            0..=63 => (
                mantissa >> shift,
                mantissa & ((1u64 << shift) - 1),
                (1u64 << shift) >> 1,
            ),
            64 => (0, mantissa, 1 << 63),
            // Less than half of the smallest number.
            _ => (0, 1, 2),
        };
        let up = match rounding {
            Rounding::Nearest => lost > half || lost == half && lost != 0 && kept & 1 == 1,
            Rounding::Away => lost >= half && lost != 0,
            Rounding::Zero => false,
            Rounding::Down => negative && lost != 0,
            Rounding::Up => !negative && lost != 0,
        };
        kept += u64::from(up);
        let biased = (exponent.max(least) - least) as u64;
        let limit = self.infinity();
        if biased >= 1 << self.exponent {
            return sign | self.overflow(negative, rounding);
        }
        let result = (biased << self.fraction) + kept;
        if result >= limit {
            return sign | self.overflow(negative, rounding);
        }
        sign | result
    }

    fn overflow(self, negative: bool, rounding: Rounding) -> u64 {
        let to_infinity = match rounding {
            Rounding::Nearest | Rounding::Away => true,
            Rounding::Zero => false,
            Rounding::Down => negative,
            Rounding::Up => !negative,
        };
        self.infinity() - u64::from(!to_infinity)
    }

    /// The bits with a subnormal number made zero.
    pub fn flush(self, bits: u64) -> u64 {
        if bits & self.infinity() == 0 {
            bits & self.sign()
        } else {
            bits
        }
    }
}

/// `near`, which is an exact value rounded to the nearest, rounded to odd instead; `rest` has the sign of what was lost.
fn to_odd(near: f64, rest: f64) -> f64 {
    if rest == 0.0 || rest.is_nan() || !near.is_finite() || near.to_bits() & 1 == 1 {
        return near;
    }
    let away = (rest > 0.0) == (near > 0.0);
    f64::from_bits(if away {
        near.to_bits() + 1
    } else {
        near.to_bits() - 1
    })
}

/// A sum, rounded to odd.
pub(crate) fn add_odd(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let part = sum - a;
    to_odd(sum, (a - (sum - part)) + (b - part))
}

/// `a · b + c`, rounded to odd, where `a · b` is exact in `f64`.
pub(crate) fn fma_odd(a: f64, b: f64, c: f64) -> f64 {
    add_odd(a * b, c)
}

/// A quotient, rounded to odd.
pub(crate) fn div_odd(a: f64, b: f64) -> f64 {
    let quotient = a / b;
    if !quotient.is_finite() || b.is_infinite() {
        return quotient;
    }
    let rest = (-quotient).mul_add(b, a);
    to_odd(quotient, if b < 0.0 { -rest } else { rest })
}

/// A square root, rounded to odd.
pub(crate) fn sqrt_odd(a: f64) -> f64 {
    let root = a.sqrt();
    to_odd(root, (-root).mul_add(root, a))
}

/// A value rounded to an integer.
pub(crate) fn to_integral(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => value.round_ties_even(),
        Rounding::Away => value.round(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
    }
}
