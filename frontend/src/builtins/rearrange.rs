//! Built-ins that roll, pad and repeat.

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::shape::{all_elements, tensor_without_keys};
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::{NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};
use dlc_abi::dim::Poly;

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "roll",
        params: "x, shift, axis=none",
        run: roll,
    },
    Builtin {
        name: "pad",
        params: "x, widths, value=0, *, mode=\"constant\"",
        run: pad,
    },
    Builtin {
        name: "tile",
        params: "x, repetitions",
        run: tile,
    },
    Builtin {
        name: "repeat",
        params: "x, repeats, axis=none",
        run: repeat,
    },
];

/// How far elements move.
#[derive(Clone, Copy)]
enum Shift {
    Known(i64),
    /// A scalar of `i64`.
    Computed(NodeId),
}

/// Elements moved along axes, those that leave coming back on the other side; without an axis, in their order.
fn roll<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let shape = call.checker.shape(x);
    let span = call.span();
    let operand = call.operand("shift")?;
    let shifts = shifts_of(call, &operand)?;
    let Some(axes) = call.axes_with_places("axis", shape.len())? else {
        let [shift] = shifts.as_slice() else {
            return call.error(Code::DL0701, "several shifts need `axis=[…]`", operand.span);
        };
        let flat = call.checker.reshape(x, &[all_elements(&shape)], span)?;
        let rolled = roll_axis(call, flat, *shift, 0)?;
        return call
            .checker
            .reshape(rolled, &shape, span)
            .map(Value::Tensor);
    };
    if shifts.len() != axes.len() && shifts.len() != 1 {
        return call.error(
            Code::DL0701,
            "`roll` has one shift for each axis",
            operand.span,
        );
    }
    let mut x = x;
    for ((axis, _), shift) in axes.into_iter().zip(shifts.iter().cycle()) {
        x = roll_axis(call, x, *shift, axis)?;
    }
    Ok(Value::Tensor(x))
}

fn shifts_of<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>) -> Res<Vec<Shift>> {
    let span = call.span();
    let mut shifts = Vec::new();
    for item in call.spread(operand, "the number of shifts")? {
        shifts.push(match &item.value {
            Value::Tensor(id) => {
                let ty = call.checker.ty(*id).clone();
                if !Class::Integer.has(ty.dtype) || ty.rank() > 0 {
                    return call.wrong("shift", "an integer, or a list of integers", &item);
                }
                Shift::Computed(call.checker.convert(*id, DType::I64, span)?)
            }
            Value::Dim(dim) if dim.as_const().is_none() => {
                Shift::Computed(call.checker.dim_scalar(dim, DType::I64, span)?)
            }
            _ => Shift::Known(call.int_of("shift", &item)?),
        });
    }
    Ok(shifts)
}

fn roll_axis(call: &mut Call<'_, '_>, x: NodeId, shift: Shift, axis: usize) -> Res<NodeId> {
    let size = call.checker.shape(x)[axis].clone();
    let span = call.span();
    let shift = match (shift, size.as_const()) {
        (_, Some(0)) => return Ok(x),
        (Shift::Known(shift), Some(size)) => Dim::constant(shift.rem_euclid(size)),
        (Shift::Known(shift), None) => {
            let steps = Dim::constant(shift.saturating_abs());
            let rest = size.poly().clone() - steps.poly().clone();
            if !call.checker.nonnegative(&rest) {
                let shift = call
                    .checker
                    .scalar(Num::Int(shift.into()), DType::I64, span)?;
                return rolled_at_places(call, x, shift, axis);
            }
            if shift < 0 { &size - &steps } else { steps }
        }
        (Shift::Computed(shift), _) => return rolled_at_places(call, x, shift, axis),
    };
    if shift.as_const() == Some(0) {
        return Ok(x);
    }
    let first = &size - &shift;
    let tail = call
        .checker
        .slice_axis(x, axis, first.clone(), shift, span)?;
    let head = call
        .checker
        .slice_axis(x, axis, Dim::constant(0), first, span)?;
    let ty = call.checker.ty(x).clone();
    call.checker
        .node(Prim::Concatenate { axis }, &[tail, head], ty, span)
}

/// Rolled by what may be any number when the program runs: each element is read where it comes from.
fn rolled_at_places(call: &mut Call<'_, '_>, x: NodeId, shift: NodeId, axis: usize) -> Res<NodeId> {
    let (checker, span) = (&mut *call.checker, call.site.span);
    let size = checker.shape(x)[axis].clone();
    let count = checker.dim_scalar(&size, DType::I64, span)?;
    // Less than one round, so that no difference wraps.
    let shift = checker.binary_op("rem", shift, count, span)?;
    let positions = checker.iota(&[size], 0, DType::I64, span)?;
    let places = checker.binary_op("sub", positions, shift, span)?;
    let places = checker.binary_op("rem", places, count, span)?;
    checker.take(x, places, axis, span)
}

/// `pad(x, 1)`, `pad(x, [before, after])`, `pad(x, [[before, after], …])`.
fn pad<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    let operand = call.operand("widths")?;
    let widths = widths(call, &operand, ty.rank())?;
    if let Some(mode) = mode_of(call)? {
        return pad_by(call, x, &widths, mode).map(Value::Tensor);
    }
    let value = match call.some("value") {
        Some(operand) => call
            .checker
            .as_tensor_of(&operand.value, ty.dtype, operand.span)?,
        None => {
            let zero = if ty.dtype == DType::Bool {
                Num::Bool(false)
            } else {
                Num::Int(0)
            };
            let span = call.span();
            call.checker.scalar(zero, ty.dtype, span)?
        }
    };
    if call.checker.ty(value).rank() > 0 {
        let operand = call.operand("value")?;
        return call.wrong("value", "a scalar", &operand);
    }
    if widths
        .iter()
        .all(|(low, high)| low.as_const() == Some(0) && high.as_const() == Some(0))
    {
        return Ok(Value::Tensor(x));
    }
    let interior = vec![0; widths.len()];
    let span = call.span();
    call.checker
        .pad(x, value, &widths, interior, span)
        .map(Value::Tensor)
}

/// How `pad` continues a tensor with its own elements.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// The outermost element again and again.
    Edge,
    /// Mirrored at the outermost element.
    Reflect,
    /// Mirrored after the outermost element.
    Symmetric,
    /// From the other end.
    Wrap,
}

/// The mode of a call of `pad`; nothing where it pads with a value.
fn mode_of(call: &mut Call<'_, '_>) -> Res<Option<Mode>> {
    let Some(operand) = call.some("mode") else {
        return Ok(None);
    };
    let text = match &operand.value {
        Value::Str(text) => text.to_string(),
        _ => String::new(),
    };
    let mode = match text.as_str() {
        "constant" => return Ok(None),
        "edge" => Mode::Edge,
        "reflect" => Mode::Reflect,
        "symmetric" => Mode::Symmetric,
        "wrap" => Mode::Wrap,
        _ => {
            let modes = "one of \"constant\", \"edge\", \"reflect\", \"symmetric\", \"wrap\"";
            return call.wrong("mode", modes, &operand);
        }
    };
    match call.some("value") {
        None => Ok(Some(mode)),
        Some(value) => {
            let message = format!("`pad` with mode \"{text}\" takes no value");
            call.error(Code::DL0701, message, value.span)
        }
    }
}

/// A tensor continued with its own elements.
fn pad_by(
    call: &mut Call<'_, '_>,
    mut x: NodeId,
    widths: &[(Dim, Dim)],
    mode: Mode,
) -> Res<NodeId> {
    let span = call.span();
    for (axis, (low, high)) in widths.iter().enumerate() {
        if low.as_const() == Some(0) && high.as_const() == Some(0) {
            continue;
        }
        let ty = call.checker.ty(x).clone();
        let size = &ty.shape[axis];
        if !call
            .checker
            .nonnegative(&(size.poly().clone() - Poly::one()))
        {
            let message = format!("axis {axis} of `{ty}` may have no elements to pad with");
            let mut diagnostic = Diagnostic::error(Code::DL0213, message, span);
            if size.as_const().is_none() {
                diagnostic = diagnostic.help(format!("say so: `where {size} >= 1`"));
            }
            return Err(call.checker.report(diagnostic));
        }
        let checker = &mut *call.checker;
        let whole = &(size + low) + high;
        let positions = checker.iota(std::slice::from_ref(&whole), 0, DType::I64, span)?;
        let before = checker.dim_scalar(low, DType::I64, span)?;
        let positions = checker.binary_op("sub", positions, before, span)?;
        let count = checker.dim_scalar(size, DType::I64, span)?;
        let last = checker.with_number("sub", count, Num::Int(1), span)?;
        let zero = checker.scalar(Num::Int(0), DType::I64, span)?;
        let places = match mode {
            Mode::Edge => {
                let inside = checker.binary_op("minimum", positions, last, span)?;
                checker.binary_op("maximum", inside, zero, span)?
            }
            Mode::Wrap => checker.binary_op("rem", positions, count, span)?,
            Mode::Reflect | Mode::Symmetric => {
                // There and back again, the ends once or twice.
                let twice = checker.with_number("mul", count, Num::Int(2), span)?;
                let less = if mode == Mode::Reflect { 2 } else { 1 };
                let turn = checker.with_number("sub", twice, Num::Int(less), span)?;
                let period = if mode == Mode::Reflect { turn } else { twice };
                let way = checker.binary_op("rem", positions, period, span)?;
                let back = checker.binary_op("sub", turn, way, span)?;
                checker.binary_op("minimum", way, back, span)?
            }
        };
        let mut shape = ty.shape.clone();
        shape[axis] = whole;
        checker.check_byte_size(&TensorType::new(ty.dtype, shape), span)?;
        x = checker.take(x, places, axis, span)?;
    }
    Ok(x)
}

fn widths<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>, rank: usize) -> Res<Vec<(Dim, Dim)>> {
    let Some(items) = call.items(operand) else {
        let width = call.size_of(operand)?;
        return Ok(vec![(width.clone(), width); rank]);
    };
    let nested: Vec<Option<Vec<Operand<'a>>>> = items.iter().map(|item| call.items(item)).collect();
    if nested.iter().all(Option::is_none) && items.len() == 2 {
        let both = (call.size_of(&items[0])?, call.size_of(&items[1])?);
        return Ok(vec![both; rank]);
    }
    if nested.len() != rank {
        let message = format!(
            "`widths` of `pad` has {} pairs, and the tensor {rank} axes",
            nested.len()
        );
        return call.error(Code::DL0217, message, operand.span);
    }
    let mut widths = Vec::new();
    for (pair, item) in nested.into_iter().zip(&items) {
        match pair.as_deref() {
            Some([low, high]) => widths.push((call.size_of(low)?, call.size_of(high)?)),
            _ => return call.wrong("widths", "a list of pairs, `[[before, after], …]`", item),
        }
    }
    Ok(widths)
}

/// The tensor repeated as a whole along each axis.
fn tile<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let mut x = tensor_without_keys(call)?;
    let mut repetitions = call.shape("repetitions")?;
    let span = call.span();
    let mut shape = call.checker.shape(x);
    while repetitions.len() < shape.len() {
        repetitions.insert(0, Dim::constant(1));
    }
    while shape.len() < repetitions.len() {
        shape.insert(0, Dim::constant(1));
    }
    x = call.checker.reshape(x, &shape, span)?;
    // A new axis before each axis that is repeated, then both as one.
    let (mut wide, mut axes) = (Vec::new(), Vec::new());
    for (size, count) in shape.iter().zip(&repetitions) {
        if count.as_const() != Some(1) {
            wide.push(count.clone());
        }
        axes.push(wide.len());
        wide.push(size.clone());
    }
    let result: Vec<Dim> = shape
        .iter()
        .zip(&repetitions)
        .map(|(size, count)| size * count)
        .collect();
    let dtype = call.checker.dtype(x);
    call.checker
        .check_byte_size(&TensorType::new(dtype, result.clone()), span)?;
    let x = call.checker.broadcast_axes(x, axes, &wide, span)?;
    call.checker.reshape(x, &result, span).map(Value::Tensor)
}

/// Each element repeated along an axis; without an axis, in their order.
fn repeat<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let mut x = tensor_without_keys(call)?;
    let span = call.span();
    let operand = call.operand("repeats")?;
    let mut shape = call.checker.shape(x);
    let axis = match call.some("axis") {
        Some(_) => call.axis("axis", shape.len(), 0)?,
        None => {
            shape = vec![all_elements(&shape)];
            x = call.checker.reshape(x, &shape, span)?;
            0
        }
    };
    match call.items(&operand) {
        Some(counts) => repeat_each(call, x, &operand, &counts, axis),
        None => {
            let count = call.size_of(&operand)?;
            repeat_axis(call, x, &count, axis)
        }
    }
    .map(Value::Tensor)
}

fn repeat_axis(call: &mut Call<'_, '_>, x: NodeId, count: &Dim, axis: usize) -> Res<NodeId> {
    let span = call.span();
    let mut shape = call.checker.shape(x);
    let mut wide = shape.clone();
    wide.insert(axis + 1, count.clone());
    shape[axis] = &shape[axis] * count;
    let dtype = call.checker.dtype(x);
    call.checker
        .check_byte_size(&TensorType::new(dtype, shape.clone()), span)?;
    let axes = (0..wide.len()).filter(|i| *i != axis + 1).collect();
    let x = call.checker.broadcast_axes(x, axes, &wide, span)?;
    call.checker.reshape(x, &shape, span)
}

/// A number of repetitions for each element: the elements one by one, then all in a row.
fn repeat_each<'a>(
    call: &mut Call<'_, 'a>,
    x: NodeId,
    operand: &Operand<'a>,
    counts: &[Operand<'a>],
    axis: usize,
) -> Res<NodeId> {
    let span = call.span();
    let size = call.checker.shape(x)[axis].clone();
    if size.as_const() != i64::try_from(counts.len()).ok() {
        let message = format!(
            "`repeats` of `repeat` has {} numbers, and the axis {size} elements",
            counts.len()
        );
        return call.error(Code::DL0217, message, operand.span);
    }
    let mut parts = Vec::new();
    for (i, count) in counts.iter().enumerate() {
        let count = call.size_of(count)?;
        let (at, one) = (Dim::constant(i as i64), Dim::constant(1));
        let part = call.checker.slice_axis(x, axis, at, one, span)?;
        parts.push(repeat_axis(call, part, &count, axis)?);
    }
    match parts.is_empty() {
        true => Ok(x),
        false => call.checker.concatenate(&parts, axis, span),
    }
}
