//! Reading and adding at indices, which are each other's transpose: what was read twice is added twice. Both treat
//! an index out of range alike, so the transpose holds there too.

use crate::reverse::Site;
use dlc_dialects::ops::{ScatterAdd, ScatterAddAlongAxis, Take, TakeAlongAxis, build};
use melior::ir::{Value, ValueLike};

/// `dl.take`: into zeros, at the same indices.
pub fn take<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Take(site.op));
    let zeros = site.full_like(op.x(), "0");
    b.value(build::scatter_add(
        b.context,
        zeros,
        op.ids(),
        site.y_adj,
        op.axis(),
        zeros.r#type(),
        b.location,
    ))
}

/// `dl.take_along_axis`: into zeros, at the same indices.
pub fn take_along_axis<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, TakeAlongAxis(site.op));
    let zeros = site.full_like(op.x(), "0");
    b.value(build::scatter_add_along_axis(
        b.context,
        zeros,
        op.ids(),
        site.y_adj,
        op.axis(),
        zeros.r#type(),
        b.location,
    ))
}

/// `dl.scatter_add`: to `x` all of it, to the updates what lies at the indices.
pub fn scatter_add<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, ScatterAdd(site.op));
    if operand == 0 {
        return site.y_adj;
    }
    let ty = op.updates().r#type();
    b.value(build::take(
        b.context,
        site.y_adj,
        op.ids(),
        op.axis(),
        ty,
        b.location,
    ))
}

/// `dl.scatter_add_along_axis`: to `x` all of it, to the updates what lies at the indices.
pub fn scatter_add_along_axis<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, ScatterAddAlongAxis(site.op));
    if operand == 0 {
        return site.y_adj;
    }
    let ty = op.updates().r#type();
    b.value(build::take_along_axis(
        b.context,
        site.y_adj,
        op.ids(),
        op.axis(),
        ty,
        b.location,
    ))
}
