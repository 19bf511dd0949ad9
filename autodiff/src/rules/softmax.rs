//! The softmax: powers divided by their sum.
//!
//! Op by op its adjoint would read the powers and the quotient, two tensors of one size. As a whole it reads the quotient
//! alone: with `y = exp(z) / sum(exp(z))`, `z_adj = y * (y_adj - sum(y_adj * y))`.

use crate::{
    simplify::{made_by, operand, operand_of},
    site::Site,
};
use dlc_dialects::{
    ir::shape::shape_of,
    ops::{Broadcast, OpKind, Reduce},
};
use melior::ir::Value;

/// `z` and its adjoint, where the op is the division that ends a softmax.
pub fn softmax<'c, 'a>(site: &Site<'_, 'c, 'a>) -> Option<(Value<'c, 'a>, Value<'c, 'a>)> {
    if OpKind::of(&site.op) != Some(OpKind::Div) {
        return None;
    }
    let (powers, divisor) = (operand(site.op, 0), operand(site.op, 1));
    let z = operand_of(powers, OpKind::Exp)?;
    let broadcast = made_by(divisor, OpKind::Broadcast)?;
    let mut sum = operand(broadcast, 0);
    // Between shapes that are equal in the end, reshapes change nothing.
    while let Some(before) = operand_of(sum, OpKind::Reshape) {
        sum = before;
    }
    let reduce = made_by(sum, OpKind::Reduce)?;
    let axes = Reduce(reduce).axes();
    let rank = i64::try_from(shape_of(site.y).len()).ok()?;
    let kept = (0..rank).filter(|axis| !axes.contains(axis));
    let kept = kept.collect::<Vec<_>>();
    let of_powers = operand(reduce, 0) == powers && Reduce(reduce).kind() == "sum";
    if !of_powers || Broadcast(broadcast).axes() != kept {
        return None;
    }
    let (b, y, y_adj) = (site.builder, site.y, site.y_adj);
    let weighted = b.elementwise(OpKind::Mul, &[y_adj, y]);
    let mean = b.broadcast(b.reduce("sum", weighted, &axes), &kept, &site.dims(y));
    let centred = b.elementwise(OpKind::Sub, &[y_adj, mean]);
    Some((z, b.elementwise(OpKind::Mul, &[y, centred])))
}
