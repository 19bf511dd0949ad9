//! Ops with effects: of each element that takes part, in order.

use super::{
    element::{element, end, rounds, with_regions},
    values::Batcher,
};
use dlc_dialects::{
    ir::{builder::Builder, shape::element_of},
    ops::{Check, OpKind, Print, build},
    pass::PassError,
};
use melior::ir::Value;

/// `dl.check`: holds where it holds for all.
pub(super) fn check<'c, 'a>(at: &Batcher<'c, 'a>, op: Check<'c, 'a>) -> Result<(), PassError<'c>> {
    let b = at.builder;
    let mut holds = at.batched(op.holds())?;
    if let Some(mask) = at.mask {
        let off = b.elementwise(OpKind::BitwiseNot, &[mask]);
        holds = b.elementwise(OpKind::BitwiseOr, &[holds, off]);
    }
    let all = b.reduce("all", holds, &[0]);
    b.append(build::check(
        b.context,
        all,
        op.code(),
        op.text(),
        b.location,
    ));
    Ok(())
}

/// `dl.print`: a line for each.
pub(super) fn print<'c, 'a>(at: &Batcher<'c, 'a>, op: Print<'c, 'a>) {
    let values = op.values();
    rounds(at, &[], &[], |e, i, _| {
        let line = |e: &Builder<'c, 'a>| {
            let values = values.iter().map(|x| match at.is_batched(*x) {
                true => element(e, at.value(*x), i),
                false => at.value(*x),
            });
            let values = values.collect::<Vec<_>>();
            e.append(build::print(e.context, &values, op.text(), e.location));
        };
        match at.mask {
            None => line(e),
            Some(mask) => {
                let on = extracted(e, element(e, mask, i));
                let (_, blocks) = with_regions(e, "scf.if", &[on], &[], &[&[], &[]]);
                let arms = blocks.into_iter();
                let arms = arms.map(|block| Builder::at_end(e.context, block, e.location));
                let arms = arms.collect::<Vec<_>>();
                line(&arms[0]);
                arms.iter().for_each(|arm| end(arm, "scf.yield", &[]));
            }
        }
        vec![]
    });
}

/// The number that a tensor of rank 0 is.
pub(super) fn extracted<'c, 'a>(b: &Builder<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
    b.op("tensor.extract", &[x], &[], element_of(x))
}
