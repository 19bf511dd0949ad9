//! `permutation`: that of `jax.random`, which sorts by random bits, again until keys are very likely to differ.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::random::{bits, key, keys_of};
use crate::check::class::Class;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Num};

pub(super) const TABLE: &[Builtin] = &[Builtin {
    name: "permutation",
    params: "key, x, axis=0",
    run: permutation,
}];

/// The greatest size for which no round, one round, two rounds do: `3 ln n / ln (2^32 - 1)`, rounded up.
const SIZES: [i64; 3] = [1, 1625, 2_642_245];

/// The numbers below an integer or the slices of a tensor along an axis, in random order.
fn permutation<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let operand = call.operand("x")?;
    let span = call.span();
    if let Value::Num(Num::Int(_)) | Value::Dim(_) = operand.value {
        call.axis("axis", 1, 0)?;
        let n = call.size_of(&operand)?;
        return shuffled(call.checker, key, &n, span).map(Value::Tensor);
    }
    let x = call.as_tensor_of(&operand, Class::NoKey)?;
    let shape = call.checker.shape(x);
    let axis = call.axis("axis", shape.len(), 0)?;
    let order = shuffled(call.checker, key, &shape[axis], span)?;
    call.checker.take(x, order, axis, span).map(Value::Tensor)
}

/// `0..n` in random order.
fn shuffled(checker: &mut Checker<'_>, mut key: NodeId, n: &Dim, span: Span) -> Res<NodeId> {
    let shape = std::slice::from_ref(n);
    let mut order = checker.iota(shape, 0, DType::I32, span)?;
    for least in SIZES {
        if checker.nonnegative(&(Dim::constant(least).poly().clone() - n.poly().clone())) {
            break;
        }
        let keys = keys_of(checker, key, &Dim::constant(2), span)?;
        let mut parts = Vec::new();
        for i in 0..2 {
            let at = checker.scalar(Num::Int(i), DType::I64, span)?;
            parts.push(checker.take(keys, at, 0, span)?);
        }
        key = parts[0];
        let mut sort_keys = bits(checker, parts[1], DType::U32, shape, span)?;
        if n.as_const().is_none() && least > 1 {
            // A round too many leaves all in its place: sorting is stable.
            let size = checker.dim_scalar(n, DType::I64, span)?;
            let limit = checker.scalar(Num::Int(least.into()), DType::I64, span)?;
            let due = checker.compare("greater", size, limit, span)?;
            let zero = checker.scalar(Num::Int(0), DType::U32, span)?;
            sort_keys = checker.select(due, sort_keys, zero, span)?;
        }
        let places = checker.argsort(sort_keys, 0, false, span)?;
        order = checker.take(order, places, 0, span)?;
    }
    Ok(order)
}
