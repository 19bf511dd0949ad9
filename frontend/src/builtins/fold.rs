//! The value of an elementwise op on numbers that are known at compile time, by its scalar body.

use dlc_dialects::ops::{Elementwise, Expr};

use crate::check::binary::Operand;
use crate::check::{Number, Value};
use crate::core::Num;

/// A number while folding.
#[derive(Clone, Copy)]
enum Known {
    Float(f64),
    Bool(bool),
}

/// The value of an op on numbers known at compile time, where it is defined and can be computed here.
pub(super) fn fold(record: &Elementwise, operands: &[Operand<'_>]) -> Option<Num> {
    let nums: Vec<Num> = operands
        .iter()
        .map(|operand| match operand.value {
            Value::Num(num @ (Num::Int(_) | Num::Float(_))) => Some(num),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let whole = record.body_signed.is_some()
        && nums
            .iter()
            .all(|num| matches!(num, Num::Int(value) if value.abs() < 1 << 52));
    let args: Vec<f64> = nums.iter().map(|num| num.to_float()).collect();
    match evaluate(&record.body_float?, &args)? {
        Known::Bool(value) => Some(Num::Bool(value)),
        // Integer bodies agree with the float ones where the result is a whole number that a float holds.
        Known::Float(value) if whole => {
            (value.fract() == 0.0 && value.abs() < 2f64.powi(52)).then_some(Num::Int(value as i128))
        }
        Known::Float(value) => Some(Num::Float(value)),
    }
}

fn evaluate(expr: &Expr, args: &[f64]) -> Option<Known> {
    let (name, operands) = match expr {
        Expr::Operand(i) => return args.get(*i).copied().map(Known::Float),
        Expr::Lit(text) => return text.parse().ok().map(Known::Float),
        Expr::Apply(name, operands) => (*name, *operands),
        Expr::Result | Expr::Grad => return None,
    };
    let values = operands
        .iter()
        .map(|operand| evaluate(operand, args))
        .collect::<Option<Vec<_>>>()?;
    Some(match values.as_slice() {
        [Known::Bool(cond), a, b] if name == "arith.select" => {
            if *cond {
                *a
            } else {
                *b
            }
        }
        [Known::Float(x)] => Known::Float(match name {
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
            "math.tanh" => x.tanh(),
            "math.floor" => x.floor(),
            "math.ceil" => x.ceil(),
            "math.roundeven" => x.round_ties_even(),
            _ => return None,
        }),
        [Known::Float(a), Known::Float(b)] => match name {
            "arith.addf" => Known::Float(a + b),
            "arith.subf" => Known::Float(a - b),
            "arith.mulf" => Known::Float(a * b),
            "arith.divf" => Known::Float(a / b),
            "arith.maximumf" if !a.is_nan() && !b.is_nan() => Known::Float(a.max(*b)),
            "arith.minimumf" if !a.is_nan() && !b.is_nan() => Known::Float(a.min(*b)),
            "math.atan2" => Known::Float(a.atan2(*b)),
            "arith.cmpf.oeq" => Known::Bool(a == b),
            "arith.cmpf.olt" => Known::Bool(a < b),
            "arith.cmpf.ogt" => Known::Bool(a > b),
            "arith.cmpf.uno" => Known::Bool(a.is_nan() || b.is_nan()),
            _ => return None,
        },
        _ => return None,
    })
}
