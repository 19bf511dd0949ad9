//! Scalars outside tensors (`index`, `i64`, `i1`): arithmetic of dims, bounds and conditions.

use crate::{
    math::compare_integers,
    scalar::Scalar,
    value::{Failure, Values, int, operand},
};
use dlc_dialects::ir::shape::width;
use melior::ir::{
    OperationRef, TypeLike, ValueLike, attribute::IntegerAttribute, operation::OperationLike,
};

/// An op of the `arith` dialect on scalars. One of type `i1` is 0 or 1.
pub(crate) fn scalar(op: OperationRef, name: &str, values: &Values) -> Result<i64, Failure> {
    let value = |i: usize| int(operand(op, i)?, values);
    let bits = match op.result(0).map(|result| result.r#type()) {
        Ok(ty) if ty.is_integer() || ty.is_index() => width(ty),
        _ => return Err(Failure::Unsupported),
    };
    let wide = match name {
        "arith.constant" => {
            let value = op.attribute("value").map_err(|error| error.to_string())?;
            IntegerAttribute::try_from(value)
                .map_err(|_| Failure::Unsupported)?
                .value()
        }
        "arith.index_cast" | "arith.index_castui" | "arith.extsi" | "arith.extui"
        | "arith.trunci" => value(0)?,
        "arith.cmpi" => compare(op, value(0)?, value(1)?)?,
        _ if name.starts_with("arith.") && op.operand_count() == 2 => {
            index_op(name, value(0)?, value(1)?)?
        }
        _ => return Err(Failure::Unsupported),
    };
    Ok(match bits {
        1 => wide & 1,
        _ => wide,
    })
}

fn compare(op: OperationRef, a: i64, b: i64) -> Result<i64, Failure> {
    const PREDICATES: [&str; 10] = [
        "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge",
    ];
    let predicate = op
        .attribute("predicate")
        .map_err(|error| error.to_string())?;
    let predicate = IntegerAttribute::try_from(predicate).map_err(|error| error.to_string())?;
    let scalar = |value: i64| Scalar::int(value as u64, 64);
    PREDICATES
        .get(predicate.value() as usize)
        .and_then(|predicate| compare_integers(predicate, scalar(a), scalar(b)))
        .map(i64::from)
        .ok_or(Failure::Unsupported)
}

/// Arithmetic of dims. What overflows is an error: compiled code refuses such sizes on entry.
fn index_op(name: &str, a: i64, b: i64) -> Result<i64, Failure> {
    let value = match name {
        "arith.addi" => a.checked_add(b),
        "arith.subi" => a.checked_sub(b),
        "arith.muli" => a.checked_mul(b),
        "arith.divsi" => a.checked_div(b),
        "arith.remsi" => a.checked_rem(b),
        "arith.divui" => (a as u64).checked_div(b as u64).map(|v| v as i64),
        "arith.remui" => (a as u64).checked_rem(b as u64).map(|v| v as i64),
        "arith.floordivsi" => a
            .checked_div(b)
            .map(|q| q - i64::from(a % b != 0 && (a < 0) != (b < 0))),
        "arith.ceildivsi" => a
            .checked_div(b)
            .map(|q| q + i64::from(a % b != 0 && (a < 0) == (b < 0))),
        "arith.ceildivui" => (b != 0).then(|| (a as u64).div_ceil(b as u64) as i64),
        "arith.minsi" => Some(a.min(b)),
        "arith.maxsi" => Some(a.max(b)),
        "arith.minui" => Some((a as u64).min(b as u64) as i64),
        "arith.maxui" => Some((a as u64).max(b as u64) as i64),
        "arith.andi" => Some(a & b),
        "arith.ori" => Some(a | b),
        "arith.xori" => Some(a ^ b),
        _ => return Err(Failure::Unsupported),
    };
    value.ok_or_else(|| format!("{a} and {b} have no such result").into())
}
