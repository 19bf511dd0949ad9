//! Arithmetic of numbers that are known at compile time.

use crate::ast::{BinaryOp, DType};
use crate::core::Num;

/// Why a constant expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The result is no 64-bit integer.
    Overflow,
    /// Division by zero.
    DivisionByZero,
    /// The operator does not apply.
    Kind(String),
}

const LEAST: i128 = i64::MIN as i128;
const GREATEST: i128 = u64::MAX as i128;

fn in_range(value: Option<i128>) -> Result<Num, Fault> {
    value
        .filter(|v| (LEAST..=GREATEST).contains(v))
        .map(Num::Int)
        .ok_or(Fault::Overflow)
}

/// What a number is called in messages.
pub(crate) fn kind(num: Num) -> &'static str {
    match num {
        Num::Int(_) => "an integer",
        Num::Float(_) => "a float",
        Num::Bool(_) => "a bool",
    }
}

/// `left op right`.
pub(crate) fn binary(op: BinaryOp, left: Num, right: Num) -> Result<Num, Fault> {
    use BinaryOp as Op;
    match (left, right) {
        (Num::Bool(a), Num::Bool(b)) => match op {
            Op::Or => Ok(Num::Bool(a || b)),
            Op::And => Ok(Num::Bool(a && b)),
            Op::Eq => Ok(Num::Bool(a == b)),
            Op::Ne => Ok(Num::Bool(a != b)),
            _ => Err(Fault::Kind("a bool".into())),
        },
        (Num::Int(a), Num::Int(b)) => integers(op, a, b),
        (Num::Bool(_), _) | (_, Num::Bool(_)) => Err(Fault::Kind("a bool and a number".into())),
        (a, b) => floats(op, to_float(a), to_float(b)),
    }
}

fn integers(op: BinaryOp, a: i128, b: i128) -> Result<Num, Fault> {
    use BinaryOp as Op;
    match op {
        Op::Add => in_range(a.checked_add(b)),
        Op::Sub => in_range(a.checked_sub(b)),
        Op::Mul => in_range(a.checked_mul(b)),
        Op::Div | Op::Rem if b == 0 => Err(Fault::DivisionByZero),
        Op::Div => in_range(Some(floor_div(a, b))),
        Op::Rem => in_range(Some(a - b * floor_div(a, b))),
        Op::Pow if b < 0 => floats(op, a as f64, b as f64),
        Op::Pow => match (a, u32::try_from(b)) {
            (0 | 1, _) => Ok(Num::Int(if b == 0 { 1 } else { a })),
            (-1, _) => Ok(Num::Int(if b % 2 == 0 { 1 } else { -1 })),
            (_, Ok(exponent)) if exponent < 128 => in_range(a.checked_pow(exponent)),
            _ => Err(Fault::Overflow),
        },
        Op::Eq => Ok(Num::Bool(a == b)),
        Op::Ne => Ok(Num::Bool(a != b)),
        Op::Lt => Ok(Num::Bool(a < b)),
        Op::Le => Ok(Num::Bool(a <= b)),
        Op::Gt => Ok(Num::Bool(a > b)),
        Op::Ge => Ok(Num::Bool(a >= b)),
        Op::Or | Op::And | Op::MatMul => Err(Fault::Kind("an integer".into())),
    }
}

fn floor_div(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    }
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Result<Num, Fault> {
    use BinaryOp as Op;
    Ok(match op {
        Op::Add => Num::Float(a + b),
        Op::Sub => Num::Float(a - b),
        Op::Mul => Num::Float(a * b),
        Op::Div => Num::Float(a / b),
        Op::Rem => Num::Float(a - b * (a / b).floor()),
        Op::Pow => Num::Float(a.powf(b)),
        Op::Eq => Num::Bool(a == b),
        Op::Ne => Num::Bool(a != b),
        Op::Lt => Num::Bool(a < b),
        Op::Le => Num::Bool(a <= b),
        Op::Gt => Num::Bool(a > b),
        Op::Ge => Num::Bool(a >= b),
        Op::Or | Op::And | Op::MatMul => return Err(Fault::Kind("a float".into())),
    })
}

fn to_float(num: Num) -> f64 {
    match num {
        Num::Int(value) => value as f64,
        Num::Float(value) => value,
        Num::Bool(value) => f64::from(u8::from(value)),
    }
}

/// What a number can do.
pub(crate) trait Number {
    /// The dtype it has where nothing says another.
    fn default_dtype(self) -> DType;
    /// The number as an element of a dtype, if it fits: an integer in an integer type's range, or anything but a
    /// truth value in a float type.
    fn fit(self, dtype: DType) -> Option<Num>;
    /// As a float.
    fn to_float(self) -> f64;
}

impl Number for Num {
    fn default_dtype(self) -> DType {
        match self {
            Num::Int(value) if i32::try_from(value).is_ok() => DType::I32,
            Num::Int(_) => DType::I64,
            Num::Float(_) => DType::F32,
            Num::Bool(_) => DType::Bool,
        }
    }

    fn fit(self, dtype: DType) -> Option<Num> {
        match (self, dtype) {
            (Num::Bool(_), DType::Bool) => Some(self),
            (Num::Int(value), _) if is_float(dtype) => Some(Num::Float(value as f64)),
            (Num::Float(_), _) if is_float(dtype) => Some(self),
            (Num::Int(value), _) => integer_range(dtype)
                .filter(|(min, max)| (*min..=*max).contains(&value))
                .map(|_| self),
            _ => None,
        }
    }

    fn to_float(self) -> f64 {
        to_float(self)
    }
}

/// The least and greatest value of an integer type.
pub(crate) fn integer_range(dtype: DType) -> Option<(i128, i128)> {
    Some(match dtype {
        DType::I8 => (i8::MIN.into(), i8::MAX.into()),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DType::I64 => (i64::MIN.into(), i64::MAX.into()),
        DType::U8 => (0, u8::MAX.into()),
        DType::U32 => (0, u32::MAX.into()),
        DType::U64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// Whether a dtype is a float type.
pub(crate) fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
}

/// Whether a dtype is an integer type.
pub(crate) fn is_integer(dtype: DType) -> bool {
    integer_range(dtype).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_divide_to_the_floor_and_never_wrap() {
        let int = Num::Int;
        assert_eq!(binary(BinaryOp::Div, int(-7), int(2)), Ok(int(-4)));
        assert_eq!(binary(BinaryOp::Rem, int(-7), int(2)), Ok(int(1)));
        assert_eq!(binary(BinaryOp::Pow, int(2), int(63)), Ok(int(1 << 63)));
        assert_eq!(binary(BinaryOp::Pow, int(2), int(64)), Err(Fault::Overflow));
        assert_eq!(
            binary(BinaryOp::Div, int(1), int(0)),
            Err(Fault::DivisionByZero)
        );
        assert_eq!(int(300).fit(DType::U8), None);
        assert_eq!(Num::Float(0.5).fit(DType::I32), None);
    }
}
