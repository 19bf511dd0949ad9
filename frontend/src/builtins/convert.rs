//! Conversions: `f32(x)`, and `key(42)`.

use crate::ast::{DType, Span};
use crate::check::binary::Operand;
use crate::check::consts::is_integer;
use crate::check::{Checker, NodeId, Number, Reported, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// Conversion to a dtype: `f32(x)`, and `key(42)`.
pub(crate) fn cast<'a>(
    checker: &mut Checker<'a>,
    operand: &Operand<'a>,
    dtype: DType,
    span: Span,
) -> Res<Value<'a>> {
    if dtype == DType::Key {
        return key(checker, operand, span).map(Value::Tensor);
    }
    if let Value::Num(num) = operand.value {
        return cast_number(checker, num, dtype, operand.span).map(Value::Tensor);
    }
    if let Value::List(_) = operand.value
        && dtype != DType::Bool
        && let Some(list) = checker.list_of_dtype(&operand.value, dtype, operand.span)
    {
        return list.map(Value::Tensor);
    }
    if operand.value.parts().is_some() && !operand.value.has_error() {
        let what = checker.describe(&operand.value);
        let message = format!("`{dtype}(…)` converts a tensor, and this is {what}");
        let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span)
            .help(format!("work on the leaves: `tree_map(|x| {dtype}(x), …)`"));
        return Err(checker.report(diagnostic));
    }
    if let Value::Dim(dim) = &operand.value {
        return checker.dim_scalar(dim, dtype, span).map(Value::Tensor);
    }
    let x = checker.as_tensor(&operand.value, operand.span)?;
    if checker.dtype(x) == DType::Key {
        let diagnostic = Diagnostic::error(
            Code::DL0502,
            format!("a key cannot be converted to `{dtype}`"),
            span,
        )
        .help("`randint` and `normal` make numbers of it");
        return Err(checker.report(diagnostic));
    }
    checker.convert(x, dtype, span).map(Value::Tensor)
}

fn cast_number(checker: &mut Checker<'_>, num: Num, dtype: DType, span: Span) -> Res<NodeId> {
    let converted = match num {
        Num::Bool(value) if dtype != DType::Bool => Num::Int(value.into()),
        Num::Int(_) | Num::Float(_) if dtype == DType::Bool => Num::Bool(num.to_float() != 0.0),
        Num::Float(value) if is_integer(dtype) && value.is_finite() => Num::Int(value as i128),
        num => num,
    };
    checker.check_fits(converted, dtype, span)?;
    checker.scalar(converted, dtype, span)
}

/// A key of a seed, as `jax.random.key` makes it: its upper and its lower 32 bits.
fn key<'a>(checker: &mut Checker<'a>, operand: &Operand<'a>, span: Span) -> Res<NodeId> {
    let bits = TensorType::new(DType::U32, vec![Dim::constant(2)]);
    if let Value::Num(Num::Int(seed)) = operand.value {
        // A seed that fits in 32 bits is a 32-bit one: its upper bits are 0 even where it is negative.
        let high = if i32::try_from(seed).is_ok() {
            0
        } else {
            (seed >> 32) & 0xffff_ffff
        };
        let bits = checker.node(
            Prim::Constant(vec![Num::Int(high), Num::Int(seed & 0xffff_ffff)]),
            &[],
            bits,
            span,
        )?;
        return checker.node(
            Prim::KeyFromBits,
            &[bits],
            TensorType::scalar(DType::Key),
            span,
        );
    }
    let seed = match &operand.value {
        Value::Tensor(_) | Value::Dim(_) => checker.as_tensor(&operand.value, operand.span)?,
        Value::Error => return Err(Reported),
        other => {
            let what = match other {
                Value::Num(num) => format!("`{num}`"),
                other => checker.describe(other),
            };
            return checker.error(
                Code::DL0209,
                format!("a key is made of an integer, and this is {what}"),
                operand.span,
            );
        }
    };
    let ty = checker.ty(seed).clone();
    if !is_integer(ty.dtype) {
        return checker.error(
            Code::DL0209,
            format!("a key is made of an integer, and this is `{ty}`"),
            operand.span,
        );
    }
    let high = if ty.dtype.size() == 8 {
        let wide = checker.convert(seed, DType::U64, span)?;
        let high = checker.with_number("shift_right", wide, Num::Int(32), span)?;
        checker.convert(high, DType::U32, span)?
    } else {
        let zero = TensorType::new(DType::U32, ty.shape.clone());
        checker.full(Num::Int(0), zero.dtype, &zero.shape, span)?
    };
    let low = checker.convert(seed, DType::U32, span)?;
    keys_of_bits(checker, high, low, span)
}

/// Keys of their upper and lower halves.
pub(super) fn keys_of_bits(
    checker: &mut Checker<'_>,
    high: NodeId,
    low: NodeId,
    span: Span,
) -> Res<NodeId> {
    let shape = checker.shape(high);
    let rank = shape.len();
    let high = checker.expand(high, &[rank], span)?;
    let low = checker.expand(low, &[rank], span)?;
    let bits = checker.concatenate(&[high, low], rank, span)?;
    checker.node(
        Prim::KeyFromBits,
        &[bits],
        TensorType::new(DType::Key, shape),
        span,
    )
}
