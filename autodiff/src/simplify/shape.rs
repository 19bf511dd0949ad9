//! Movements of data that end where they began, or that one movement does. Nothing here computes, so all of it is
//! exact.

use super::{Rewrite, made_by, operand, operand_of, result};
use crate::functions::is;
use dlc_dialects::{
    ir::{
        builder::Builder,
        dims::{Source, source},
        edit,
        inspect::defining_op,
        shape::{DYNAMIC, element_of, shape_of, tensor},
    },
    ops::{Broadcast, OpKind, Pad, Reduce, Reshape, Slice, Transpose},
};
use melior::ir::{
    OperationRef, Value, ValueLike, attribute::IntegerAttribute, operation::OperationLike,
};

pub(super) const REWRITES: &[Rewrite] = &[
    Rewrite {
        name: "broadcast of a broadcast, or of nothing",
        kinds: &[OpKind::Broadcast],
        apply: broadcast,
    },
    Rewrite {
        name: "reshape of a reshape, or to the same shape",
        kinds: &[OpKind::Reshape],
        apply: reshape,
    },
    Rewrite {
        name: "elementwise of tensors with new axes of size 1",
        kinds: &[],
        apply: of_new_axes,
    },
    Rewrite {
        name: "transpose of a transpose, or in order",
        kinds: &[OpKind::Transpose],
        apply: transpose,
    },
    Rewrite {
        name: "movement of a tensor that is one number",
        kinds: &[
            OpKind::Reshape,
            OpKind::Transpose,
            OpKind::Reverse,
            OpKind::Slice,
        ],
        apply: of_scalar,
    },
    Rewrite {
        name: "reduction of kept axes of a broadcast, or of none",
        kinds: &[OpKind::Reduce],
        apply: reduce,
    },
    Rewrite {
        name: "reverse of a reverse",
        kinds: &[OpKind::Reverse],
        apply: reverse,
    },
    Rewrite {
        name: "concatenation of one",
        kinds: &[OpKind::Concatenate],
        apply: concatenate,
    },
    Rewrite {
        name: "slice of a pad, there where it was put",
        kinds: &[OpKind::Slice],
        apply: slice,
    },
];

fn broadcast<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let outer = Broadcast(op);
    let (x, y) = (outer.x(), result(op));
    if x.r#type() == y.r#type() {
        return Some(x);
    }
    let inner = Broadcast(made_by(x, OpKind::Broadcast)?);
    let outer_axes = outer.axes();
    let axes = inner
        .axes()
        .iter()
        .map(|&axis| outer_axes[axis as usize])
        .collect::<Vec<_>>();
    Some(b.broadcast(inner.x(), &axes, &b.dims(y)))
}

fn reshape<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let (x, y) = (operand(op, 0), result(op));
    if x.r#type() == y.r#type() && same_shape(op) {
        return Some(x);
    }
    let before = operand_of(x, OpKind::Reshape)?;
    Some(b.reshape(before, &b.dims(y)))
}

/// What is computed element by element needs no axes of size 1: what means and norms keep of reduced axes, and later
/// passes take for views, so that they see no rows.
fn of_new_axes<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let y = result(op);
    let scalar = |x: Value<'c, 'a>| {
        operand_of(x, OpKind::Broadcast).filter(|scalar| shape_of(*scalar).is_empty())
    };
    let operands = op.operands().collect::<Vec<_>>();
    let others = operands.iter().filter(|x| scalar(**x).is_none());
    let before = others
        .map(|x| before_new_axes(*x).filter(|_| shape_of(*x) == shape_of(y)))
        .collect::<Option<Vec<_>>>()?;
    let first = *before.first()?;
    if before.iter().any(|x| shape_of(*x) != shape_of(first)) {
        return None;
    }
    let (shape, dims) = (shape_of(first), b.dims(first));
    let mut before = before.into_iter();
    let operands = operands.into_iter().map(|x| match scalar(x) {
        Some(scalar) if shape.is_empty() => Some(scalar),
        Some(scalar) => Some(b.broadcast(scalar, &[], &dims)),
        None => before.next(),
    });
    let operands = operands.collect::<Option<Vec<_>>>()?;
    let name = op.name();
    let name = name.as_string_ref().as_str().ok()?;
    let value = b.op(name, &operands, &[], tensor(&shape, element_of(y)));
    Some(b.reshape(value, &b.dims(y)))
}

/// What a reshape has given axes of size 1, and nothing else.
fn before_new_axes<'c: 'a, 'a>(value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
    let op = made_by(value, OpKind::Reshape)?;
    let x = operand(op, 0);
    let (from, to) = (shape_of(x), shape_of(value));
    let mut sizes = Reshape(op).sizes().into_iter();
    // One unknown size follows from the count of elements, if that is not zero for other reasons.
    let unknown = to.iter().filter(|size| **size == DYNAMIC).count();
    let counted = unknown <= 1 && !to.contains(&0);
    let mut axis = 0;
    for size in &to {
        let same = from.get(axis) == Some(size);
        let same = match *size {
            DYNAMIC => {
                let value = sizes.next()?;
                same && (counted || is_size(value, x, axis))
            }
            _ => same,
        };
        match same {
            true => axis += 1,
            false if *size == 1 => {}
            false => return None,
        }
    }
    (axis == from.len() && to.len() > from.len()).then_some(x)
}

/// Whether a reshape between equal types keeps the shape: it does with one unknown dim, which the count of elements
/// gives, if that count is not zero for other reasons; else each size has to be the operand's.
fn same_shape(op: OperationRef) -> bool {
    let x = operand(op, 0);
    let shape = shape_of(x);
    let unknown = (0..shape.len())
        .filter(|&axis| shape[axis] == DYNAMIC)
        .collect::<Vec<_>>();
    if unknown.len() <= 1 && !shape.contains(&0) {
        return true;
    }
    let sizes = Reshape(op).sizes();
    unknown
        .iter()
        .zip(sizes)
        .all(|(&axis, size)| is_size(size, x, axis))
}

/// Whether an index value is the size of an axis, as far as can be seen.
fn is_size(size: Value, x: Value, axis: usize) -> bool {
    let (mut x, mut axis) = (x, axis);
    loop {
        match source(x, axis) {
            Source::Index(value) if value == size => return true,
            Source::Axis(from, i) => (x, axis) = (from, i),
            _ => return is_dim(size, x, axis),
        }
    }
}

/// Whether an index value is made by `tensor.dim` of an axis.
fn is_dim(size: Value, x: Value, axis: usize) -> bool {
    let Some(op) = defining_op(size) else {
        return false;
    };
    is(op, "tensor.dim") && operand(op, 0) == x && known_index(operand(op, 1)) == Some(axis as i64)
}

/// The number that an index value is.
fn known_index(value: Value) -> Option<i64> {
    let op = defining_op(value)?;
    let value = op
        .attribute("value")
        .ok()
        .filter(|_| is(op, "arith.constant"))?;
    Some(IntegerAttribute::try_from(value).ok()?.value())
}

fn transpose<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let outer = Transpose(op);
    let permutation = outer.permutation();
    if permutation.is_sorted() {
        return Some(outer.x());
    }
    let inner = Transpose(made_by(outer.x(), OpKind::Transpose)?);
    let before = inner.permutation();
    let both = permutation
        .iter()
        .map(|&axis| before[axis as usize])
        .collect::<Vec<_>>();
    Some(b.transpose(inner.x(), &both))
}

fn of_scalar<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let scalar = operand_of(operand(op, 0), OpKind::Broadcast)?;
    let y = result(op);
    if !shape_of(scalar).is_empty() {
        return None;
    }
    Some(match shape_of(y).is_empty() {
        true => scalar,
        false => b.broadcast(scalar, &[], &b.dims(y)),
    })
}

/// Each copy of x is reduced to the same: it is reduced once, in the same order.
fn reduce<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let view = Reduce(op);
    let (x, reduced) = (view.x(), view.axes());
    if reduced.is_empty() {
        return Some(x);
    }
    let broadcast = Broadcast(made_by(x, OpKind::Broadcast)?);
    let axes = broadcast.axes();
    let inner = reduced
        .iter()
        .map(|axis| axes.iter().position(|a| a == axis).map(|i| i as i64))
        .collect::<Option<Vec<_>>>()?;
    let value = b.reduce(view.kind(), broadcast.x(), &inner);
    let kept = axes
        .iter()
        .filter(|axis| !reduced.contains(axis))
        .map(|axis| axis - reduced.iter().filter(|r| *r < axis).count() as i64)
        .collect::<Vec<_>>();
    Some(b.broadcast(value, &kept, &b.dims(result(op))))
}

fn reverse<'c, 'a>(_: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let inner = made_by(operand(op, 0), OpKind::Reverse)?;
    (op.attribute("axes") == inner.attribute("axes")).then(|| operand(inner, 0))
}

fn concatenate<'c, 'a>(_: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    (op.operand_count() == 1).then(|| operand(op, 0))
}

fn slice<'c, 'a>(_: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let slice = Slice(op);
    let pad = Pad(made_by(slice.x(), OpKind::Pad)?);
    let same = |(a, b): (&Value, &Value)| {
        a == b || known_index(*a).is_some_and(|i| known_index(*b) == Some(i))
    };
    let places = slice.starts().iter().zip(&pad.low()).all(same);
    let strides = slice
        .strides()
        .iter()
        .zip(pad.interior())
        .all(|(s, i)| *s == i + 1);
    let y = result(op);
    let known = !shape_of(y).contains(&DYNAMIC) && shape_of(y) == shape_of(pad.x());
    (places && strides && known).then(|| pad.x())
}

/// `tensor.dim` of what a `dl` op made, from where the op has it.
pub fn dim<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let x = operand(op, 0);
    let axis = usize::try_from(known_index(operand(op, 1))?).ok()?;
    match source(x, axis) {
        Source::Own => None,
        _ => Some(b.dim_value(b.dim(x, axis))),
    }
}

/// Whether one op alone uses a value.
pub(super) fn used_once(value: Value) -> bool {
    edit::uses(value).len() == 1
}
