//! Functions of single numbers.

use crate::{
    array::{Array, Reject, Result, broadcast},
    ast::{Binary, Unary},
    num::Num,
    types::Dtype,
};
use std::f64::consts::{LN_2, LN_10, PI};

/// How near a kink or a jump a number may be.
pub const MARGIN: f64 = 1e-4;

/// A number that depends on nothing.
pub fn real(value: f64) -> Num {
    Num::real(value)
}

/// Refuses a place where which of two numbers is greater may depend on rounding.
pub fn apart(a: Num, b: Num, what: &'static str) -> Result<()> {
    let scale = a.value().abs().max(b.value().abs()).max(1.0);
    match (a.value() - b.value()).abs() > MARGIN * scale {
        true => Ok(()),
        false => Err(Reject::Kink(what)),
    }
}

/// The same, but for equal numbers it does not matter which one is taken where no derivative sees either.
pub fn apart_or_equal(a: Num, b: Num, what: &'static str) -> Result<()> {
    match a.value() == b.value() && a.is_constant() && b.is_constant() {
        true => Ok(()),
        false => apart(a, b, what),
    }
}

/// The greater or the lesser of two.
pub fn extreme(a: Num, b: Num, greatest: bool) -> Result<Num> {
    apart_or_equal(a, b, "maximum")?;
    Ok(match (a.value() > b.value()) == greatest {
        true => a,
        false => b,
    })
}

/// Refuses a number beside one where a rounding jumps.
fn inside(x: Num, edge: f64) -> Result<()> {
    let distance = (x.value() - edge - (x.value() - edge).round()).abs();
    match distance > MARGIN {
        true => Ok(()),
        false => Err(Reject::Kink("rounding")),
    }
}

/// By the greater of both sides of 0, so that nothing overflows.
fn softplus(x: Num) -> Num {
    match x.value() > 0.0 {
        true => x + (-x).exp().log1p(),
        false => x.exp().log1p(),
    }
}

fn gelu(x: Num) -> Num {
    let inner = real((2.0 / PI).sqrt()) * (x + real(0.044715) * x * x * x);
    real(0.5) * x * (real(1.0) + inner.tanh())
}

/// Which side of a kink at 0 a number is on; none where it is 0 to every derivative.
fn side(x: Num, what: &'static str) -> Result<f64> {
    if x.value() == 0.0 && x.is_constant() {
        return Ok(0.0);
    }
    apart(x, real(0.0), what)?;
    Ok(x.value().signum())
}

/// A function of one number.
pub fn unary(op: Unary, x: Num) -> Result<Num> {
    let domain = |fine: bool| match fine {
        true => Ok(()),
        false => Err(Reject::Kink("domain")),
    };
    let v = x.value();
    match op {
        Unary::Sqrt | Unary::Rsqrt | Unary::Log | Unary::Log2 | Unary::Log10 => domain(v > 1e-3)?,
        Unary::Reciprocal => domain(v.abs() > 1e-3)?,
        Unary::Log1p => domain(v > -0.99)?,
        Unary::Asin | Unary::Acos => domain(v.abs() < 0.99)?,
        Unary::Tan => domain(v.cos().abs() > 0.05)?,
        Unary::Floor | Unary::Ceil | Unary::Trunc => inside(x, 0.0)?,
        Unary::Round => inside(x, 0.5)?,
        _ => {}
    }
    Ok(match op {
        Unary::Negative => -x,
        Unary::Abs => real(side(x, "abs")?) * x,
        Unary::Sign => real(side(x, "sign")?),
        Unary::Square => x * x,
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => x.sqrt().reciprocal(),
        Unary::Reciprocal => x.reciprocal(),
        Unary::Exp => x.exp(),
        Unary::Expm1 => x.expm1(),
        Unary::Log => x.log(),
        Unary::Log1p => x.log1p(),
        Unary::Log2 => x.log() * real(1.0 / LN_2),
        Unary::Log10 => x.log() * real(1.0 / LN_10),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Tanh => x.tanh(),
        Unary::Erf => x.erf(),
        Unary::Sigmoid => x.sigmoid(),
        Unary::Softplus => softplus(x),
        Unary::Relu => match side(x, "relu")? > 0.0 {
            true => x,
            false => real(0.0),
        },
        Unary::Gelu => gelu(x),
        Unary::GeluExact => {
            let normal = (x * real(std::f64::consts::FRAC_1_SQRT_2)).erf();
            real(0.5) * x * (real(1.0) + normal)
        }
        Unary::Silu => x * x.sigmoid(),
        Unary::Elu => match side(x, "elu")? > 0.0 {
            true => x,
            false => x.expm1(),
        },
        Unary::LeakyRelu => match side(x, "leaky_relu")? > 0.0 {
            true => x,
            false => real(0.1) * x,
        },
        Unary::LogSigmoid => -softplus(-x),
        Unary::Floor => x.whole(f64::floor),
        Unary::Ceil => x.whole(f64::ceil),
        Unary::Round => x.whole(f64::round_ties_even),
        Unary::Trunc => x.whole(f64::trunc),
        Unary::StopGradient => x.constant(),
        Unary::Not => real(1.0 - v),
    })
}

/// A function of two numbers of a type.
pub fn binary(op: Binary, dtype: Dtype, a: Num, b: Num) -> Result<Num> {
    let truth = |value: bool| real(f64::from(value));
    let (x, y) = (a.value(), b.value());
    if matches!(
        op,
        Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual
    ) && dtype.is_float()
    {
        apart(a, b, "comparison")?;
    }
    Ok(match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide if dtype == Dtype::I32 && y == 0.0 => real(0.0),
        Binary::Divide if dtype == Dtype::I32 => real((x / y).floor()),
        Binary::Remainder if dtype == Dtype::I32 && y == 0.0 => real(0.0),
        Binary::Remainder if dtype == Dtype::I32 => real(x - y * (x / y).floor()),
        Binary::Divide => {
            if y.abs() < 1e-3 {
                return Err(Reject::Kink("division"));
            }
            a / b
        }
        Binary::Remainder => {
            if y.abs() < 1e-3 {
                return Err(Reject::Kink("division"));
            }
            inside(real(x / y), 0.0)?;
            a - b * real((x / y).floor())
        }
        Binary::Pow => {
            if x < 1e-3 {
                return Err(Reject::Kink("power"));
            }
            a.pow(b)
        }
        Binary::Maximum | Binary::Minimum if !dtype.is_float() => {
            match (x > y) == (op == Binary::Maximum) {
                true => a,
                false => b,
            }
        }
        Binary::Maximum => extreme(a, b, true)?,
        Binary::Minimum => extreme(a, b, false)?,
        Binary::Atan2 => {
            // On the negative axis the angle jumps.
            if x * x + y * y < 1e-3 || (y < 0.0 && x.abs() < MARGIN) {
                return Err(Reject::Kink("atan2"));
            }
            a.atan2(b)
        }
        Binary::Logaddexp => a + softplus(b - a),
        Binary::Less => truth(x < y),
        Binary::LessEqual => truth(x <= y),
        Binary::Greater => truth(x > y),
        Binary::GreaterEqual => truth(x >= y),
        Binary::And => truth(x != 0.0 && y != 0.0),
        Binary::Or => truth(x != 0.0 || y != 0.0),
        Binary::Xor => truth((x != 0.0) != (y != 0.0)),
    })
}

/// A function of two arrays, which broadcast.
pub fn zip(
    dtype: Dtype,
    a: &Array,
    b: &Array,
    mut f: impl FnMut(Num, Num) -> Result<Num>,
) -> Result<Array> {
    let shape = broadcast(&a.shape, &b.shape);
    Array::attempt(dtype, &shape, |position| {
        f(a.broadcast_at(position), b.broadcast_at(position))
    })
}

/// A whole power, by multiplications.
pub fn power(x: Num, power: i64) -> Result<Num> {
    let mut result = real(1.0);
    for _ in 0..power.unsigned_abs() {
        result = result * x;
    }
    if power >= 0 {
        return Ok(result);
    }
    match x.value().abs() > 0.05 {
        true => Ok(result.reciprocal()),
        false => Err(Reject::Kink("division")),
    }
}
