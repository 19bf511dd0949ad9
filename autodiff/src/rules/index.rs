//! Reading and adding at indices, which are each other's transpose: what was read twice is added twice. Both treat
//! an index out of range alike, so the transpose holds there too.

use crate::site::Site;
use dlc_dialects::{
    ir::builder::{Dim, dynamic},
    ops::{OpKind, Scatter, ScatterAddAlongAxis, Take, TakeAlongAxis, build},
};
use melior::ir::{Type, Value, ValueLike, r#type::IntegerType};

/// `dl.take`: into zeros, at the same indices.
pub fn take<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    add_taken(site, site.full_like(Take(site.op).x(), "0"))
}

/// `dl.take`: to a sum, at the same indices.
pub fn add_taken<'c, 'a>(site: &Site<'_, 'c, 'a>, sum: Value<'c, 'a>) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Take(site.op));
    b.value(build::scatter(
        b.context,
        sum,
        op.ids(),
        site.y_adj,
        "add",
        op.axis(),
        sum.r#type(),
        b.location,
    ))
}

/// `dl.take_along_axis`: into zeros, at the same indices.
pub fn take_along_axis<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    add_taken_along_axis(site, site.full_like(TakeAlongAxis(site.op).x(), "0"))
}

/// `dl.take_along_axis`: to a sum, at the same indices.
pub fn add_taken_along_axis<'c, 'a>(site: &Site<'_, 'c, 'a>, sum: Value<'c, 'a>) -> Value<'c, 'a> {
    let (b, op) = (site.builder, TakeAlongAxis(site.op));
    b.value(build::scatter_add_along_axis(
        b.context,
        sum,
        op.ids(),
        site.y_adj,
        op.axis(),
        sum.r#type(),
        b.location,
    ))
}

/// `dl.scatter`: to the updates what lies at the indices. Where they are added, to `x` all of it; where they are put,
/// what lies elsewhere, and only an update that stays gets its part.
pub fn scatter<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Scatter(site.op));
    let puts = op.kind() == "set";
    if operand == 0 && !puts {
        return site.y_adj;
    }
    if operand == 0 {
        let none = site.full_like(op.updates(), "0");
        return b.value(build::scatter(
            b.context,
            site.y_adj,
            op.ids(),
            none,
            "set",
            op.axis(),
            site.y_adj.r#type(),
            b.location,
        ));
    }
    let ty = op.updates().r#type();
    let read = b.value(build::take(
        b.context,
        site.y_adj,
        op.ids(),
        op.axis(),
        ty,
        b.location,
    ));
    match puts {
        true => {
            let none = site.full_like(op.updates(), "0");
            b.elementwise(OpKind::Select, &[stays(site), read, none])
        }
        false => read,
    }
}

/// Which elements of the updates are not overwritten by later ones: each place remembers the number of the last index
/// that names it.
fn stays<'c, 'a>(site: &Site<'_, 'c, 'a>) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Scatter(site.op));
    let i64 = Type::from(IntegerType::new(b.context, 64));
    let ids = site.dims(op.ids());
    let count = ids
        .iter()
        .fold(Dim::Static(1), |count, dim| b.dim_mul(count, *dim));
    let line = b.full(&[count], i64, "0").r#type();
    let numbers = b.value(build::iota(
        b.context,
        &dynamic(&[count]),
        0,
        line,
        b.location,
    ));
    let numbers = b.reshape(numbers, &ids);
    let size = site.dims(op.x())[op.axis() as usize];
    let places = b.full(&[size], i64, "0");
    let last = b.value(build::scatter(
        b.context,
        places,
        op.ids(),
        numbers,
        "set",
        0,
        places.r#type(),
        b.location,
    ));
    let ty = numbers.r#type();
    let last = b.value(build::take(b.context, last, op.ids(), 0, ty, b.location));
    let stays = b.elementwise(OpKind::Equal, &[last, numbers]);
    let axes = (0..ids.len() as i64)
        .map(|i| op.axis() + i)
        .collect::<Vec<_>>();
    b.broadcast(stays, &axes, &site.dims(op.updates()))
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
