//! The scalar ops that bodies of elementwise ops are made of (`arith` and `math`), by name.

use crate::scalar::Scalar;

/// A scalar op on its operands; an error for a name that no body may use.
pub(crate) fn apply(name: &str, args: &[Scalar]) -> Result<Scalar, String> {
    let unknown = || format!("no scalar op `{name}` on {} operands", args.len());
    match args {
        [x] => float1(name, x.float()).map(Scalar::Float),
        [a, b] => match name.strip_prefix("arith.cmpf.") {
            Some(predicate) => compare_floats(predicate, a.float(), b.float()).map(Scalar::bool),
            None => match (a, b) {
                (Scalar::Float(a), Scalar::Float(b)) => float2(name, *a, *b).map(Scalar::Float),
                (&Scalar::Int { width, .. }, Scalar::Int { .. }) => integer2(name, *a, *b, width),
                _ => None,
            },
        },
        [a, b, c] if name == "math.fma" => {
            Some(Scalar::Float(a.float().mul_add(b.float(), c.float())))
        }
        [cond, a, b] if name == "arith.select" => Some(if cond.is_true() { *a } else { *b }),
        _ => None,
    }
    .ok_or_else(unknown)
}

fn float1(name: &str, x: f64) -> Option<f64> {
    Some(match name {
        "arith.negf" => -x,
        "math.absf" => x.abs(),
        "math.sqrt" => x.sqrt(),
        "math.rsqrt" => 1.0 / x.sqrt(),
        "math.exp" => x.exp(),
        "math.expm1" => x.exp_m1(),
        "math.log" => x.ln(),
        "math.log1p" => x.ln_1p(),
        "math.sin" => x.sin(),
        "math.cos" => x.cos(),
        "math.tan" => x.tan(),
        "math.asin" => x.asin(),
        "math.acos" => x.acos(),
        "math.atan" => x.atan(),
        "math.sinh" => x.sinh(),
        "math.cosh" => x.cosh(),
        "math.tanh" => x.tanh(),
        "math.erf" => libm::erf(x),
        "math.floor" => x.floor(),
        "math.ceil" => x.ceil(),
        "math.roundeven" => x.round_ties_even(),
        _ => return None,
    })
}

fn float2(name: &str, a: f64, b: f64) -> Option<f64> {
    Some(match name {
        "arith.addf" => a + b,
        "arith.subf" => a - b,
        "arith.mulf" => a * b,
        "arith.divf" => a / b,
        "arith.remf" => a % b,
        "arith.maximumf" => maximum(a, b),
        "arith.minimumf" => -maximum(-a, -b),
        "math.powf" => a.powf(b),
        "math.atan2" => a.atan2(b),
        "math.copysign" => a.copysign(b),
        _ => return None,
    })
}

/// The larger, NaN if either is; 0 is larger than -0.
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a > b || (a == b && a.is_sign_positive()) {
        a
    } else {
        b
    }
}

fn compare_floats(predicate: &str, a: f64, b: f64) -> Option<bool> {
    let unordered = a.is_nan() || b.is_nan();
    Some(match predicate {
        "oeq" => a == b,
        "une" => a != b,
        "olt" => a < b,
        "ole" => a <= b,
        "ogt" => a > b,
        "oge" => a >= b,
        "uno" => unordered,
        "ord" => !unordered,
        _ => return None,
    })
}

fn integer2(name: &str, a: Scalar, b: Scalar, width: u32) -> Option<Scalar> {
    if let Some(predicate) = name.strip_prefix("arith.cmpi.") {
        return compare_integers(predicate, a, b).map(Scalar::bool);
    }
    let (ua, ub, sa, sb) = (a.unsigned(), b.unsigned(), a.signed(), b.signed());
    // The machine leaves these open; a body that reaches them is wrong, and this op then has no result.
    let shift = || (ub < u64::from(width)).then_some(ub as u32);
    let least = -1i64 << (width - 1);
    let divides = sb != 0 && !(sa == least && sb == -1);
    let value = match name {
        "arith.addi" => ua.wrapping_add(ub),
        "arith.subi" => ua.wrapping_sub(ub),
        "arith.muli" => ua.wrapping_mul(ub),
        "arith.divui" => ua.checked_div(ub)?,
        "arith.remui" => ua.checked_rem(ub)?,
        "arith.divsi" if divides => (sa / sb) as u64,
        "arith.remsi" if divides => (sa % sb) as u64,
        "arith.maxsi" => sa.max(sb) as u64,
        "arith.minsi" => sa.min(sb) as u64,
        "arith.maxui" => ua.max(ub),
        "arith.minui" => ua.min(ub),
        "arith.andi" => ua & ub,
        "arith.ori" => ua | ub,
        "arith.xori" => ua ^ ub,
        "arith.shli" => ua << shift()?,
        "arith.shrsi" => (sa >> shift()?) as u64,
        "arith.shrui" => ua >> shift()?,
        "math.ipowi" => integer_power(ua, sa, sb),
        _ => return None,
    };
    Some(Scalar::int(value, width))
}

/// A power of an integer: its low bits; of a negative one what is left of the fraction when rounded toward zero.
fn integer_power(base: u64, signed: i64, power: i64) -> u64 {
    match (power, signed) {
        (0.., _) => (0..64).rev().fold(1u64, |result, bit| {
            let square = result.wrapping_mul(result);
            match (power >> bit) & 1 {
                0 => square,
                _ => square.wrapping_mul(base),
            }
        }),
        (_, 1) => 1,
        (_, -1) if power % 2 == 0 => 1,
        (_, -1) => u64::MAX,
        _ => 0,
    }
}

/// An integer comparison by MLIR's name of the predicate.
pub(crate) fn compare_integers(predicate: &str, a: Scalar, b: Scalar) -> Option<bool> {
    Some(match predicate {
        "eq" => a.unsigned() == b.unsigned(),
        "ne" => a.unsigned() != b.unsigned(),
        "slt" => a.signed() < b.signed(),
        "sle" => a.signed() <= b.signed(),
        "sgt" => a.signed() > b.signed(),
        "sge" => a.signed() >= b.signed(),
        "ult" => a.unsigned() < b.unsigned(),
        "ule" => a.unsigned() <= b.unsigned(),
        "ugt" => a.unsigned() > b.unsigned(),
        "uge" => a.unsigned() >= b.unsigned(),
        _ => return None,
    })
}
