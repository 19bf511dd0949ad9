//! Built-ins that read and add at indices.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "take",
        params: "x, ids, axis=none",
        run: take,
    },
    Builtin {
        name: "take_along_axis",
        params: "x, ids, axis=-1",
        run: take_along_axis,
    },
    Builtin {
        name: "scatter_add",
        params: "x, ids, updates, axis=0",
        run: scatter_add,
    },
    Builtin {
        name: "scatter_add_along_axis",
        params: "x, ids, updates, axis=-1",
        run: scatter_add_along_axis,
    },
    Builtin {
        name: "dynamic_slice",
        params: "x, starts, sizes",
        run: dynamic_slice,
    },
    Builtin {
        name: "dynamic_update_slice",
        params: "x, update, starts",
        run: dynamic_update_slice,
    },
    Builtin {
        name: "one_hot",
        params: "ids, n, dtype=f32, axis=-1",
        run: one_hot,
    },
];

/// Indices: a tensor of integers, an integer or a list of integers.
pub(super) fn ids_of<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>) -> Res<NodeId> {
    if let Value::List(_) | Value::Tuple(_) = operand.value {
        let values: Vec<i64> = call
            .ints_of("ids", operand)?
            .into_iter()
            .map(|(value, _)| value)
            .collect();
        return call.checker.integers(&values, DType::I32, operand.span);
    }
    let ids = call.as_tensor(operand)?;
    let ty = call.checker.ty(ids).clone();
    if Class::Integer.has(ty.dtype) {
        return Ok(ids);
    }
    let message = format!("indices are integers, and this is `{ty}`");
    let diagnostic = Diagnostic::error(Code::DL0212, message, operand.span);
    let diagnostic = call.checker.origins(diagnostic, &[ids]);
    let diagnostic = call
        .checker
        .suggest_cast(diagnostic, operand.span, ty.dtype, DType::I32);
    Err(call.checker.report(diagnostic))
}

/// Reports indices known at compile time that are outside an axis of known size.
fn check_known(
    call: &mut Call<'_, '_>,
    operand: &Operand<'_>,
    ty: &TensorType,
    axis: usize,
) -> Res<()> {
    let Some(size) = ty.shape[axis].as_const() else {
        return Ok(());
    };
    let values: Vec<&Value<'_>> = match &operand.value {
        Value::List(items) | Value::Tuple(items) => items.iter().collect(),
        value => vec![value],
    };
    for value in values {
        if let Value::Num(Num::Int(index)) = value
            && !(-i128::from(size)..i128::from(size)).contains(index)
        {
            let message =
                format!("index {index} is outside axis {axis} of `{ty}`, which has size {size}");
            return call.error(Code::DL0212, message, operand.span);
        }
    }
    Ok(())
}

fn tensor_without_keys<'a>(call: &mut Call<'_, 'a>) -> Res<NodeId> {
    call.tensor_of("x", Class::NoKey)
}

/// Slices at indices along an axis; without an axis, elements in their order.
fn take<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let mut x = tensor_without_keys(call)?;
    let operand = call.operand("ids")?;
    let ids = ids_of(call, &operand)?;
    let ty = call.checker.ty(x).clone();
    let span = call.span();
    let axis = match call.some("axis") {
        Some(_) => call.axis("axis", ty.rank(), 0)?,
        None if ty.rank() == 1 => 0,
        None => {
            let all: Vec<usize> = (0..ty.rank()).collect();
            let count = call.checker.element_count(&ty.shape, &all);
            x = call.checker.reshape(x, &[count], span)?;
            0
        }
    };
    let ty = call.checker.ty(x).clone();
    check_known(call, &operand, &ty, axis)?;
    call.checker.guard_indices(ids, &ty, axis, span)?;
    call.checker.take(x, ids, axis, span).map(Value::Tensor)
}

/// Elements at indices along an axis; the other axes broadcast.
fn take_along_axis<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let operand = call.operand("ids")?;
    let ids = ids_of(call, &operand)?;
    let (ty, ids_ty) = (call.checker.ty(x).clone(), call.checker.ty(ids).clone());
    let axis = call.axis("axis", ty.rank(), -1)?;
    if ty.rank() != ids_ty.rank() {
        let message = format!(
            "`take_along_axis` takes indices of as many axes as the tensor: `{ty}` and `{ids_ty}`"
        );
        let mut diagnostic = Diagnostic::error(Code::DL0217, message, operand.span);
        if ids_ty.rank() + 1 == ty.rank() {
            let text = call.checker.sources.slice(operand.span).to_string();
            let axis = if axis + 1 == ty.rank() {
                -1
            } else {
                axis as i64
            };
            let replacement = format!("expand_dims({text}, axis={axis})");
            diagnostic =
                diagnostic.suggest("give them an axis of size 1", operand.span, replacement);
        }
        return Err(call.checker.report(diagnostic));
    }
    let (mut from, mut at) = (ty.shape.clone(), ids_ty.shape.clone());
    for i in (0..ty.rank()).filter(|i| *i != axis) {
        match call
            .checker
            .broadcast_shape(&ty.shape[i..=i], &ids_ty.shape[i..=i])
        {
            Ok(joined) => {
                from[i] = joined[0].clone();
                at[i] = joined[0].clone();
            }
            Err((p, q)) => {
                let message = format!(
                    "axis {i} of the indices `{ids_ty}` does not fit that of `{ty}`: {q} and {p}"
                );
                let note = call.checker.compare_note(&p, &q);
                let diagnostic = Diagnostic::error(Code::DL0217, message, operand.span).note(note);
                let diagnostic = call.checker.origins(diagnostic, &[x, ids]);
                return Err(call.checker.report(diagnostic));
            }
        }
    }
    let span = call.span();
    let x = call.checker.broadcast_to(x, &from, span)?;
    call.checker.guard_indices(ids, &ty, axis, span)?;
    let ids = call.checker.broadcast_to(ids, &at, span)?;
    let ty = TensorType::new(ty.dtype, at);
    call.checker
        .node(Prim::TakeAlongAxis { axis }, &[x, ids], ty, span)
        .map(Value::Tensor)
}

/// The operand `updates` of a type, to which it may be broadcast; `places` are the operands that the type comes from.
fn updates_of<'a>(
    call: &mut Call<'_, 'a>,
    wanted: TensorType,
    places: &[(&Operand<'a>, NodeId)],
) -> Res<NodeId> {
    let operand = call.operand("updates")?;
    let updates = call.tensor_with("updates", wanted.dtype)?;
    let given = call.checker.ty(updates).clone();
    let fits = given.rank() <= wanted.rank()
        && call
            .checker
            .broadcast_shape(&given.shape, &wanted.shape)
            .is_ok_and(|joined| call.checker.same_shape(&joined, &wanted.shape));
    if !fits {
        let name = call.name;
        let message = format!("the updates of `{name}` are `{wanted}`, and this is `{given}`");
        let diagnostic = Diagnostic::error(Code::DL0217, message, operand.span);
        let diagnostic = places.iter().fold(diagnostic, |diagnostic, (place, node)| {
            let ty = call.checker.ty(*node);
            diagnostic.secondary(place.span, format!("this is `{ty}`"))
        });
        let diagnostic = call.checker.origins(diagnostic, &[updates]);
        return Err(call.checker.report(diagnostic));
    }
    let span = call.span();
    call.checker.broadcast_to(updates, &wanted.shape, span)
}

/// Slices of `updates` added into `x` at indices.
fn scatter_add<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = call.as_tensor_of(&operand, Class::Number)?;
    let ids_operand = call.operand("ids")?;
    let ids = ids_of(call, &ids_operand)?;
    let ty = call.checker.ty(x).clone();
    let axis = call.axis("axis", ty.rank(), 0)?;
    check_known(call, &ids_operand, &ty, axis)?;
    let mut wanted = ty.shape.clone();
    wanted.splice(axis..=axis, call.checker.shape(ids));
    let places = [(&operand, x), (&ids_operand, ids)];
    let updates = updates_of(call, TensorType::new(ty.dtype, wanted), &places)?;
    let span = call.span();
    call.checker.guard_indices(ids, &ty, axis, span)?;
    call.checker
        .node(
            Prim::Scatter { kind: "add", axis },
            &[x, ids, updates],
            ty,
            span,
        )
        .map(Value::Tensor)
}

/// Elements of `updates` added into `x` at indices along an axis: what `take_along_axis` of the same indices reads.
fn scatter_add_along_axis<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = call.as_tensor_of(&operand, Class::Number)?;
    let ids_operand = call.operand("ids")?;
    let ids = ids_of(call, &ids_operand)?;
    let ty = call.checker.ty(x).clone();
    let axis = call.axis("axis", ty.rank(), -1)?;
    let ids_ty = call.checker.ty(ids).clone();
    let mut wanted = ty.shape.clone();
    if let Some(count) = ids_ty.shape.get(axis) {
        wanted[axis] = count.clone();
    }
    if !call.checker.same_shape(&ids_ty.shape, &wanted) {
        let message = format!(
            "the indices of `scatter_add_along_axis` have the sizes of the tensor but for axis {axis}: `{ty}` and `{ids_ty}`"
        );
        let diagnostic = Diagnostic::error(Code::DL0217, message, ids_operand.span)
            .secondary(operand.span, format!("this is `{ty}`"));
        let diagnostic = call.checker.origins(diagnostic, &[x, ids]);
        return Err(call.checker.report(diagnostic));
    }
    let places = [(&operand, x), (&ids_operand, ids)];
    let updates = updates_of(call, TensorType::new(ty.dtype, wanted), &places)?;
    let span = call.span();
    call.checker.guard_indices(ids, &ty, axis, span)?;
    call.checker
        .node(
            Prim::ScatterAddAlongAxis { axis },
            &[x, ids, updates],
            ty,
            span,
        )
        .map(Value::Tensor)
}

/// The first index of a part along an axis, counted from the start and moved so that the part is inside.
fn first_of<'a>(
    call: &mut Call<'_, 'a>,
    start: &Operand<'a>,
    (ty, axis): (&TensorType, usize),
    part: &Dim,
) -> Res<Dim> {
    let span = call.span();
    let size = &ty.shape[axis];
    if !call
        .checker
        .nonnegative(&(size.poly().clone() - part.poly().clone()))
    {
        let message = format!("a part of {part} on axis {axis}, which has size {size}");
        let note = call.checker.compare_note(part, size);
        let mut diagnostic = Diagnostic::error(Code::DL0213, message, start.span);
        if size.as_const().is_none() || part.as_const().is_none() {
            diagnostic = diagnostic
                .note(note)
                .help(format!("say so: `where {size} >= {part}`"));
        }
        return Err(call.checker.report(diagnostic));
    }
    let whole = call.checker.same_dim(size, part);
    if whole && !call.checker.checks_bounds() {
        return Ok(Dim::constant(0));
    }
    let id = call.as_tensor(start)?;
    let given = call.checker.ty(id).clone();
    if !Class::Integer.has(given.dtype) || given.rank() > 0 {
        return call.wrong("starts", "a list of integers", start);
    }
    let checker = &mut *call.checker;
    let id = checker.convert(id, DType::I64, span)?;
    let zero = checker.scalar(Num::Int(0), DType::I64, span)?;
    let end = checker.dim_scalar(size, DType::I64, span)?;
    let negative = checker.compare("less", id, zero, span)?;
    let from_end = checker.binary_op("add", id, end, span)?;
    let id = checker.select(negative, from_end, id, span)?;
    let last = checker.dim_scalar(&(size - part), DType::I64, span)?;
    checker.guard_start(id, (part, last), (ty, axis), span)?;
    if whole {
        return Ok(Dim::constant(0));
    }
    let id = checker.binary_op("minimum", id, last, span)?;
    let id = checker.binary_op("maximum", id, zero, span)?;
    checker.named_index(id, span)
}

/// One start for each axis: a list, or a tensor of one axis.
fn starts<'a>(call: &mut Call<'_, 'a>, rank: usize) -> Res<Vec<Operand<'a>>> {
    let operand = call.operand("starts")?;
    let items = call.spread(&operand, "the number of starts")?;
    if items.len() != rank {
        let message = format!(
            "`{}` has one start for each axis: {rank}, and {} given",
            call.name,
            crate::check::call::count_given(items.len())
        );
        return call.error(Code::DL0217, message, operand.span);
    }
    Ok(items)
}

/// A part whose place is computed and whose size is known.
fn dynamic_slice<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let shape = call.checker.shape(x);
    let starts = starts(call, shape.len())?;
    let sizes = call.shape("sizes")?;
    let span = call.span();
    if sizes.len() != shape.len() {
        let at = call.operand("sizes")?.span;
        let message = format!(
            "`dynamic_slice` has one size for each axis: {}, and {} given",
            shape.len(),
            crate::check::call::count_given(sizes.len())
        );
        return call.error(Code::DL0217, message, at);
    }
    let mut firsts = Vec::new();
    let ty = call.checker.ty(x).clone();
    for (axis, (start, part)) in starts.iter().zip(&sizes).enumerate() {
        firsts.push(first_of(call, start, (&ty, axis), part)?);
    }
    let strides = vec![1; shape.len()];
    call.checker
        .slice(x, firsts, sizes, strides, span)
        .map(Value::Tensor)
}

/// A tensor with a part, whose place is computed, replaced.
fn dynamic_update_slice<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    let operand = call.operand("update")?;
    let update = call.tensor_with("update", ty.dtype)?;
    let parts = call.checker.shape(update);
    let span = call.span();
    if parts.len() != ty.rank() {
        let message = format!(
            "an update of `{ty}` has as many axes, and this is `{}`",
            call.checker.ty(update)
        );
        return call.error(Code::DL0217, message, operand.span);
    }
    let starts = starts(call, ty.rank())?;
    let mut firsts = Vec::new();
    for (axis, (start, part)) in starts.iter().zip(&parts).enumerate() {
        firsts.push(first_of(call, start, (&ty, axis), part)?);
    }
    if call.checker.same_shape(&parts, &ty.shape) {
        return call
            .checker
            .recast(update, &ty.shape, span)
            .map(Value::Tensor);
    }
    let strides = vec![1; ty.rank()];
    let op = Prim::UpdateSlice {
        starts: firsts,
        strides,
    };
    call.checker
        .node(op, &[x, update], ty, span)
        .map(Value::Tensor)
}

/// 1 at the place that each index names; nothing for an index outside.
pub(super) fn one_hot_of(
    checker: &mut Checker<'_>,
    ids: NodeId,
    n: &Dim,
    dtype: DType,
    axis: usize,
    span: Span,
) -> Res<NodeId> {
    let ids = match checker.dtype(ids) {
        DType::I32 | DType::I64 => ids,
        _ => checker.convert(ids, DType::I64, span)?,
    };
    let mut shape = checker.shape(ids);
    let axes = (0..=shape.len()).filter(|i| *i != axis).collect();
    shape.insert(axis, n.clone());
    checker.check_byte_size(&TensorType::new(dtype, shape.clone()), span)?;
    let at = checker.dtype(ids);
    let positions = checker.iota(&shape, axis, at, span)?;
    let ids = checker.broadcast_axes(ids, axes, &shape, span)?;
    let hot = checker.elementwise("equal", &[ids, positions], DType::Bool, span)?;
    checker.convert(hot, dtype, span)
}

fn one_hot<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("ids")?;
    let ids = ids_of(call, &operand)?;
    let count = call.operand("n")?;
    let n = call.size_of(&count)?;
    let dtype = call.dtype("dtype", DType::F32)?;
    let rank = call.checker.ty(ids).rank();
    let axis = call.axis("axis", rank + 1, -1)?;
    let span = call.span();
    one_hot_of(call.checker, ids, &n, dtype, axis, span).map(Value::Tensor)
}
