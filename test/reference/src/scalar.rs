//! Scalars, their encodings, and the rounding of each float type.

use dlc_abi::DType;
use half::{bf16, f16};

/// A scalar while it is computed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar {
    /// A float of any type; not yet rounded to it after an operation.
    Float(f64),
    /// An integer or bool as the low `width` bits of a word, the others 0.
    Int { bits: u64, width: u32 },
}

/// The classes of element types that bodies differ by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Float,
    Signed,
    Unsigned,
    Bool,
}

/// The class of an element type. A key counts as what it is made of.
pub(crate) fn class(dtype: DType) -> Class {
    match dtype {
        DType::Bool => Class::Bool,
        DType::I8 | DType::I32 | DType::I64 => Class::Signed,
        DType::U8 | DType::U32 | DType::U64 | DType::Key => Class::Unsigned,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Class::Float,
    }
}

/// Bits of an element; 1 for a bool.
pub(crate) fn width(dtype: DType) -> u32 {
    match dtype {
        DType::Bool => 1,
        DType::Key => 32,
        _ => dtype.size() as u32 * 8,
    }
}

impl Scalar {
    /// An integer of `width` bits, wrapped.
    pub fn int(value: u64, width: u32) -> Self {
        let mask = u64::MAX >> (64 - width);
        Scalar::Int {
            bits: value & mask,
            width,
        }
    }

    /// A truth value.
    pub fn bool(value: bool) -> Self {
        Scalar::int(u64::from(value), 1)
    }

    /// The element that `bits` stand for.
    pub fn decode(dtype: DType, bits: u64) -> Self {
        match dtype {
            DType::F16 => Scalar::Float(f16::from_bits(bits as u16).to_f64()),
            DType::BF16 => Scalar::Float(bf16::from_bits(bits as u16).to_f64()),
            DType::F32 => Scalar::Float(f64::from(f32::from_bits(bits as u32))),
            DType::F64 => Scalar::Float(f64::from_bits(bits)),
            _ => Scalar::int(bits, width(dtype)),
        }
    }

    /// The bits of the element nearest to the scalar; an integer wraps.
    pub fn encode(self, dtype: DType) -> u64 {
        match (self, dtype) {
            (Scalar::Float(x), DType::F16) => {
                u64::from(f16::from_f32(round(x, HALF) as f32).to_bits())
            }
            (Scalar::Float(x), DType::BF16) => {
                u64::from(bf16::from_f32(round(x, BFLOAT) as f32).to_bits())
            }
            (Scalar::Float(x), DType::F32) => u64::from((x as f32).to_bits()),
            (Scalar::Float(x), _) => x.to_bits(),
            (Scalar::Int { bits, .. }, _) => bits & (u64::MAX >> (64 - width(dtype))),
        }
    }

    /// The float; 0 for an integer, which no body mixes in.
    pub fn float(self) -> f64 {
        match self {
            Scalar::Float(x) => x,
            Scalar::Int { .. } => 0.0,
        }
    }

    /// The bits of an integer; 0 for a float, which no body mixes in.
    pub fn unsigned(self) -> u64 {
        match self {
            Scalar::Float(_) => 0,
            Scalar::Int { bits, .. } => bits,
        }
    }

    /// The integer with its top bit as sign.
    pub fn signed(self) -> i64 {
        match self {
            Scalar::Float(_) => 0,
            Scalar::Int { bits, width } => {
                let shift = 64 - width;
                ((bits << shift) as i64) >> shift
            }
        }
    }

    /// The integer of an element of `dtype`, by its signedness.
    pub fn integer(self, dtype: DType) -> i128 {
        match class(dtype) {
            Class::Signed => i128::from(self.signed()),
            _ => i128::from(self.unsigned()),
        }
    }

    /// Whether the scalar is not 0.
    pub fn is_true(self) -> bool {
        match self {
            Scalar::Float(x) => x != 0.0,
            Scalar::Int { bits, .. } => bits != 0,
        }
    }
}

/// A float format: digits of the significand, exponent of the least normal number, greatest number.
struct Format {
    digits: i32,
    least_exponent: i32,
    greatest: f64,
}

const HALF: Format = Format {
    digits: 11,
    least_exponent: -14,
    greatest: 65504.0,
};
const BFLOAT: Format = Format {
    digits: 8,
    least_exponent: -126,
    greatest: 3.3895313892515355e38,
};

/// The number of a format nearest to `x`, ties to even. `half` rounds twice (through f32), so not with it.
fn round(x: f64, format: Format) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    // Both factors are powers of two, so that only the rounding in the middle is inexact.
    let quantum = 2f64.powi(exponent.max(format.least_exponent) - (format.digits - 1));
    let rounded = (x / quantum).round_ties_even() * quantum;
    match rounded.abs() > format.greatest {
        true => f64::INFINITY.copysign(x),
        false => rounded,
    }
}

/// An element of `from` as the nearest element of `to`: floats go to integers toward zero, saturating, NaN
/// to 0; integers wrap; to bool is `x != 0`.
pub(crate) fn convert(x: Scalar, from: DType, to: DType) -> u64 {
    match (class(from), class(to)) {
        (_, Class::Bool) => u64::from(x.is_true()),
        (Class::Float, Class::Float) => x.encode(to),
        (Class::Float, _) => saturate(x.float(), to),
        (_, Class::Float) => from_integer(x.integer(from), to),
        (_, _) => Scalar::int(x.integer(from) as u64, width(to)).encode(to),
    }
}

fn saturate(x: f64, to: DType) -> u64 {
    // Rust's casts truncate, saturate, and give 0 for NaN.
    let value = match to {
        DType::I8 => x as i8 as u64,
        DType::I32 => x as i32 as u64,
        DType::I64 => x as i64 as u64,
        DType::U8 => u64::from(x as u8),
        DType::U32 => u64::from(x as u32),
        _ => x as u64,
    };
    Scalar::int(value, width(to)).encode(to)
}

fn from_integer(x: i128, to: DType) -> u64 {
    match to {
        DType::F64 => (x as f64).to_bits(),
        DType::F32 => u64::from((x as f32).to_bits()),
        _ => {
            // Exact in f64 but for a last bit that keeps what was cut off, so that one rounding follows.
            let magnitude = x.unsigned_abs();
            let cut = (magnitude >> 12) | u128::from(magnitude & 0xfff != 0);
            let exact = match magnitude >> 52 {
                0 => magnitude as f64,
                _ => cut as f64 * 4096.0,
            };
            Scalar::Float(if x < 0 { -exact } else { exact }).encode(to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_once() {
        // Half way between 1 and the next f16, and a little above, which an f32 in between would lose.
        let tie = 1.0 + 2f64.powi(-11);
        assert_eq!(Scalar::Float(tie).encode(DType::F16), 0x3c00);
        assert_eq!(
            Scalar::Float(tie + 2f64.powi(-40)).encode(DType::F16),
            0x3c01
        );
        let tie = 1.0 + 2f64.powi(-8);
        assert_eq!(Scalar::Float(tie).encode(DType::BF16), 0x3f80);
        assert_eq!(
            Scalar::Float(tie + 2f64.powi(-40)).encode(DType::BF16),
            0x3f81
        );
        // Overflow, and the least denormal.
        assert_eq!(Scalar::Float(65519.9).encode(DType::F16), 0x7bff);
        assert_eq!(Scalar::Float(-65520.0).encode(DType::F16), 0xfc00);
        assert_eq!(Scalar::Float(2f64.powi(-24)).encode(DType::F16), 1);
        assert_eq!(Scalar::Float(2f64.powi(-25)).encode(DType::F16), 0);
        assert_eq!(Scalar::Float(2f64.powi(-25) * 1.5).encode(DType::F16), 1);
        assert_eq!(Scalar::Float(2f64.powi(-133)).encode(DType::BF16), 1);
        assert!(f16::from_bits(Scalar::Float(f64::NAN).encode(DType::F16) as u16).is_nan());
    }

    #[test]
    fn every_half_keeps_its_bits() {
        for bits in 0..=u16::MAX {
            if !f16::from_bits(bits).is_nan() {
                let decoded = Scalar::decode(DType::F16, u64::from(bits));
                assert_eq!(decoded.encode(DType::F16), u64::from(bits));
            }
            if !bf16::from_bits(bits).is_nan() {
                let decoded = Scalar::decode(DType::BF16, u64::from(bits));
                assert_eq!(decoded.encode(DType::BF16), u64::from(bits));
            }
        }
    }

    #[test]
    fn conversions() {
        let float = |x: f64, to| convert(Scalar::Float(x), DType::F64, to);
        assert_eq!(float(300.7, DType::I8), 127);
        assert_eq!(float(-300.7, DType::I8), 0x80);
        assert_eq!(float(-1.5, DType::U8), 0);
        assert_eq!(float(f64::NAN, DType::I64), 0);
        assert_eq!(float(-2.9, DType::I32), 0xffff_fffe);
        assert_eq!(float(f64::INFINITY, DType::U64), u64::MAX);
        assert_eq!(float(f64::NAN, DType::Bool), 1);
        assert_eq!(float(-0.0, DType::Bool), 0);
        let int = |x: i64, from, to| convert(Scalar::int(x as u64, width(from)), from, to);
        assert_eq!(int(-1, DType::I8, DType::U32), 0xffff_ffff);
        assert_eq!(int(255, DType::U8, DType::I32), 255);
        assert_eq!(int(300, DType::I32, DType::I8), 44);
        assert_eq!(int(-1, DType::I8, DType::F32), u64::from((-1f32).to_bits()));
        // Above the half way point by one part in 2^62: f64 cannot hold it.
        let x = (1i64 << 62) + (1 << 54) + 1;
        assert_eq!(int(x, DType::I64, DType::BF16), 0x5e81);
        assert_eq!(int(x - 1, DType::I64, DType::BF16), 0x5e80);
    }
}
