//! Ops along axes and movement of data: every axis of an element is one further back.

use super::values::Batcher;
use crate::functions::symbol;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{element_of, shape_of, tensor},
    },
    ops::{
        ArgReduce, Argsort, Broadcast, Concatenate, Cumulative, OpKind, Pad, Reduce, ReduceWindow,
        Reshape, Reverse, Transpose, build,
    },
    pass::PassError,
};
use melior::ir::{OperationRef, Type, Value, ValueLike, r#type::IntegerType};

type Given<'c, 'a> = Result<Value<'c, 'a>, PassError<'c>>;

/// Axes of an element among those of a batch.
pub(super) fn behind(axes: &[i64]) -> Vec<i64> {
    axes.iter().map(|axis| axis + 1).collect()
}

/// The same for axes that the batch's own belongs to.
fn with_first(axes: &[i64]) -> Vec<i64> {
    std::iter::once(0).chain(behind(axes)).collect()
}

/// A transpose that brings one axis to another place and leaves the order of the others.
pub(super) fn move_axis<'c, 'a>(
    b: &Builder<'c, 'a>,
    x: Value<'c, 'a>,
    from: i64,
    to: i64,
) -> Value<'c, 'a> {
    let rank = shape_of(x).len() as i64;
    let mut permutation = (0..rank).filter(|axis| *axis != from).collect::<Vec<_>>();
    permutation.insert(to as usize, from);
    transposed(b, x, &permutation)
}

/// A transpose, where it is one.
pub(super) fn transposed<'c, 'a>(
    b: &Builder<'c, 'a>,
    x: Value<'c, 'a>,
    permutation: &[i64],
) -> Value<'c, 'a> {
    match permutation.is_sorted() {
        true => x,
        false => b.transpose(x, permutation),
    }
}

/// The error where a result that should be one for all elements is not.
pub(super) fn differs<'c>(
    function: OperationRef<'c, '_>,
    y: Value<'c, '_>,
    number: usize,
) -> PassError<'c> {
    let message = format!(
        "DL0310 result {number} of `{}` differs between the elements, and `out_axes` gives it no axis",
        symbol(function)
    );
    PassError::at(&function, message).note(y.location(), "it is made here")
}

/// `dl.reduce`.
pub(super) fn reduce<'c, 'a>(at: &Batcher<'c, 'a>, op: Reduce<'c, 'a>) -> Value<'c, 'a> {
    at.builder
        .reduce(op.kind(), at.value(op.x()), &behind(&op.axes()))
}

/// `dl.arg_reduce`.
pub(super) fn arg_reduce<'c, 'a>(at: &Batcher<'c, 'a>, op: ArgReduce<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let ty = result_type(at, op.0);
    let x = at.value(op.x());
    b.value(build::arg_reduce(
        b.context,
        x,
        op.kind(),
        op.axis() + 1,
        ty,
        b.location,
    ))
}

/// `dl.argsort`.
pub(super) fn argsort<'c, 'a>(at: &Batcher<'c, 'a>, op: Argsort<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let (x, axis, ty) = (at.value(op.x()), op.axis() + 1, result_type(at, op.0));
    b.value(build::argsort(
        b.context,
        x,
        axis,
        op.descending(),
        ty,
        b.location,
    ))
}

/// `dl.cumulative`.
pub(super) fn cumulative<'c, 'a>(at: &Batcher<'c, 'a>, op: Cumulative<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let (x, axis) = (at.value(op.x()), op.axis() + 1);
    b.value(build::cumulative(
        b.context,
        x,
        op.kind(),
        axis,
        op.reverse(),
        b.location,
    ))
}

/// `dl.reduce_window`: windows of one element of the batch.
pub(super) fn reduce_window<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: ReduceWindow<'c, 'a>,
) -> Given<'c, 'a> {
    let b = at.builder;
    let sizes = dynamic(&at.with_size(&at.dims_of_result(op.0, &op.sizes())?));
    let one = |of: Vec<i64>| [vec![1], of].concat();
    Ok(b.value(build::reduce_window(
        b.context,
        at.value(op.x()),
        &sizes,
        op.kind(),
        &one(op.window()),
        &one(op.strides()),
        &one(op.dilations()),
        result_type(at, op.0),
        b.location,
    )))
}

/// `dl.broadcast`.
pub(super) fn broadcast<'c, 'a>(at: &Batcher<'c, 'a>, op: Broadcast<'c, 'a>) -> Given<'c, 'a> {
    let dims = at.with_size(&at.dims_of_result(op.0, &op.sizes())?);
    let axes = with_first(&op.axes());
    Ok(at.builder.broadcast(at.value(op.x()), &axes, &dims))
}

/// `dl.reshape`.
pub(super) fn reshape<'c, 'a>(at: &Batcher<'c, 'a>, op: Reshape<'c, 'a>) -> Given<'c, 'a> {
    let dims = at.with_size(&at.dims_of_result(op.0, &op.sizes())?);
    Ok(at.builder.reshape(at.value(op.x()), &dims))
}

/// `dl.transpose`.
pub(super) fn transpose<'c, 'a>(at: &Batcher<'c, 'a>, op: Transpose<'c, 'a>) -> Value<'c, 'a> {
    let permutation = with_first(&op.permutation());
    at.builder.transpose(at.value(op.x()), &permutation)
}

/// `dl.reverse`.
pub(super) fn reverse<'c, 'a>(at: &Batcher<'c, 'a>, op: Reverse<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    b.value(build::reverse(
        b.context,
        at.value(op.x()),
        &behind(&op.axes()),
        b.location,
    ))
}

/// `dl.concatenate`.
pub(super) fn concatenate<'c, 'a>(at: &Batcher<'c, 'a>, op: Concatenate<'c, 'a>) -> Given<'c, 'a> {
    let b = at.builder;
    let inputs = op.inputs().into_iter().map(|x| at.batched(x));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let ty = result_type(at, op.0);
    Ok(b.value(build::concatenate(
        b.context,
        &inputs,
        op.axis() + 1,
        ty,
        b.location,
    )))
}

/// `dl.pad`. Where elements have places or values of their own: tensors of the values, with x put in.
pub(super) fn pad<'c, 'a>(at: &Batcher<'c, 'a>, op: Pad<'c, 'a>) -> Given<'c, 'a> {
    let dims = at.dims_of_result(op.0, &op.sizes())?;
    let moves = op.low().iter().any(|low| at.is_batched(*low));
    if moves {
        let all = at.with_size(&dims);
        let into = match at.is_batched(op.value()) {
            true => at.builder.broadcast(at.value(op.value()), &[0], &all),
            false => at.builder.broadcast(at.value(op.value()), &[], &all),
        };
        let strides = op.interior().iter().map(|n| n + 1).collect::<Vec<_>>();
        let x = at.batched(op.x())?;
        return Ok(super::index::put(
            at,
            (into, &dims),
            x,
            (&op.low(), &strides),
        ));
    }
    if !at.is_batched(op.value()) {
        return Ok(padded(
            at,
            op,
            at.batched(op.x())?,
            at.value(op.value()),
            &dims,
        ));
    }
    let b = at.builder;
    let (x, bool) = (
        at.batched(op.x())?,
        Type::from(IntegerType::new(b.context, 1)),
    );
    let there = b.full(&b.dims(x), bool, "true");
    let there = padded(at, op, there, b.scalar(bool, "false"), &dims);
    let x = padded(at, op, x, b.scalar(element_of(x), "0"), &dims);
    let value = b.broadcast(at.value(op.value()), &[0], &at.with_size(&dims));
    Ok(b.elementwise(OpKind::Select, &[there, x, value]))
}

/// A pad like another, of a batch, with a value for all.
fn padded<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: Pad<'c, 'a>,
    x: Value<'c, 'a>,
    value: Value<'c, 'a>,
    dims: &[Dim<'c, 'a>],
) -> Value<'c, 'a> {
    let b = at.builder;
    let low = op.low().into_iter().map(|low| at.value(low));
    let low = std::iter::once(b.index(0)).chain(low).collect::<Vec<_>>();
    let interior = [vec![0], op.interior()].concat();
    let dims = at.with_size(dims);
    let ty = tensor(&type_shape(&dims), element_of(x));
    b.value(build::pad(
        b.context,
        x,
        value,
        &low,
        &dynamic(&dims),
        &interior,
        ty,
        b.location,
    ))
}

/// The type of the batch of an op's result.
pub(super) fn result_type<'c, 'a>(at: &Batcher<'c, 'a>, op: OperationRef<'c, 'a>) -> Type<'c> {
    let y = op.result(0).expect("the op has a result");
    at.ty(y.r#type())
}
