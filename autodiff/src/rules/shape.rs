//! Movement of data. All of these ops are linear, and the adjoint of each is its transpose: what was copied is
//! summed, what was left out gets zero.

use crate::site::Site;
use dlc_dialects::{
    ir::{
        builder::{Dim, dynamic, type_shape},
        shape::{self, element_of, shape_of},
    },
    ops::{Broadcast, Concatenate, OpKind, Pad, Reverse, Slice, Transpose, UpdateSlice, build},
};
use melior::ir::{Value, ValueLike};

/// `dl.broadcast`: the sum over the new axes.
pub fn broadcast<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let kept = Broadcast(site.op).axes();
    let new = (0..shape_of(site.y_adj).len() as i64)
        .filter(|axis| !kept.contains(axis))
        .collect::<Vec<_>>();
    match new.is_empty() {
        true => site.y_adj,
        false => site.builder.reduce("sum", site.y_adj, &new),
    }
}

/// `dl.optimization_barrier` gives what it is given.
pub fn optimization_barrier<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    site.y_adj
}

/// `dl.reshape`: back to the operand's shape.
pub fn reshape<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    site.builder
        .reshape(site.y_adj, &site.dims(site.operand(0)))
}

/// `dl.transpose`: by the inverse permutation.
pub fn transpose<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let inverse = inverse(&Transpose(site.op).permutation());
    site.builder.transpose(site.y_adj, &inverse)
}

/// The permutation that undoes another one.
pub fn inverse(permutation: &[i64]) -> Vec<i64> {
    let mut inverse = vec![0; permutation.len()];
    for (i, &axis) in permutation.iter().enumerate() {
        inverse[axis as usize] = i as i64;
    }
    inverse
}

/// `dl.reverse` is its own transpose.
pub fn reverse<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let b = site.builder;
    let axes = Reverse(site.op).axes();
    b.value(build::reverse(b.context, site.y_adj, &axes, b.location))
}

/// `dl.concatenate`: each operand's part.
pub fn concatenate<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Concatenate(site.op));
    let axis = op.axis() as usize;
    let inputs = op.inputs();
    let zero = b.index(0);
    let mut starts = vec![zero; shape_of(site.y_adj).len()];
    let offset = inputs[..operand]
        .iter()
        .map(|x| site.dims(*x)[axis])
        .fold(Dim::Static(0), |sum, d| b.dim_add(sum, d));
    starts[axis] = b.dim_value(offset);
    let strides = vec![1; starts.len()];
    sliced(site, &starts, &strides, inputs[operand])
}

/// `dl.slice`: into zeros, where it was taken from.
pub fn slice<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Slice(site.op));
    let interior = op.strides().iter().map(|s| s - 1).collect::<Vec<_>>();
    let zero = b.scalar(element_of(op.x()), "0");
    let dims = site.dims(op.x());
    let ty = shape::tensor(&type_shape(&dims), element_of(op.x()));
    b.value(build::pad(
        b.context,
        site.y_adj,
        zero,
        &op.starts(),
        &dynamic(&dims),
        &interior,
        ty,
        b.location,
    ))
}

/// `dl.slice`: to the part of a sum that was taken.
pub fn add_slice<'c, 'a>(site: &Site<'_, 'c, 'a>, sum: Value<'c, 'a>) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Slice(site.op));
    let (starts, strides, dims) = (op.starts(), op.strides(), site.dims(site.y));
    let ty = shape::tensor(&type_shape(&dims), element_of(sum));
    let part = b.value(build::slice(
        b.context,
        sum,
        &starts,
        &dynamic(&dims),
        &strides,
        ty,
        b.location,
    ));
    let part = b.elementwise(OpKind::Add, &[part, site.y_adj]);
    b.value(build::update_slice(
        b.context,
        sum,
        part,
        &starts,
        &strides,
        sum.r#type(),
        b.location,
    ))
}

/// `dl.pad`: to `x` its part; to `value` the sum of the rest, which is what remains when that part is zero.
pub fn pad<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let op = Pad(site.op);
    let strides = op.interior().iter().map(|i| i + 1).collect::<Vec<_>>();
    match operand {
        0 => sliced(site, &op.low(), &strides, op.x()),
        _ => {
            let rest = without(site, &op.low(), &strides, op.x());
            let all = (0..shape_of(rest).len() as i64).collect::<Vec<_>>();
            match all.is_empty() {
                true => rest,
                false => site.builder.reduce("sum", rest, &all),
            }
        }
    }
}

/// `dl.update_slice`: to `update` its part, to `x` the rest.
pub fn update_slice<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let op = UpdateSlice(site.op);
    match operand {
        0 => without(site, &op.starts(), &op.strides(), op.update()),
        _ => sliced(site, &op.starts(), &op.strides(), op.update()),
    }
}

/// The part of the result's adjoint that lies where `part` lay in the result.
fn sliced<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    starts: &[Value<'c, 'a>],
    strides: &[i64],
    part: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let b = site.builder;
    let dims = site.dims(part);
    let ty = shape::tensor(&type_shape(&dims), element_of(part));
    let sizes = dynamic(&dims);
    b.value(build::slice(
        b.context, site.y_adj, starts, &sizes, strides, ty, b.location,
    ))
}

/// The result's adjoint with zeros where `part` lay in the result.
fn without<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    starts: &[Value<'c, 'a>],
    strides: &[i64],
    part: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let b = site.builder;
    let zeros = site.full_like(part, "0");
    b.value(build::update_slice(
        b.context,
        site.y_adj,
        zeros,
        starts,
        strides,
        site.y_adj.r#type(),
        b.location,
    ))
}
