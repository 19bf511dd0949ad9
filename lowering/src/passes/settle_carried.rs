//! Decides, for each tensor that a loop carries, whether the next round finds it where it is made.
//!
//! Before:
//! ```mlir
//! scf.for %i … iter_args(%a = %x) {
//!   %b = scf.for %j … iter_args(%c = %a) { … }
//!   %d = bufferization.materialize_in_destination %b in %a
//!   scf.yield %d
//! }
//! ```
//! After:
//! ```mlir
//! scf.for %i … iter_args(%a = %x) {
//!   %b = scf.for %j … iter_args(%c = %a) { … }
//!   scf.yield %b
//! }
//! ```
//! That is so where nothing reads `%a` once the inner loop has begun to write. Else the value is made elsewhere, and
//! saved before it is put in place: bufferisation takes a value that works on its own destination through a loop or
//! branch for a conflict.
//!
//! *Requires*: linalg on tensors; the last pass that may move reads is done. *Ensures*: what a loop carries is equal to
//! the memory that it came in, or is put there by an op whose source is other memory or made without regions.
//! *Does not*: look at chains without regions, which bufferisation decides.

use crate::{
    chain::{has_regions, overwrites_freely, root},
    emit::Emitter,
    linalg, walk,
};
use dlc_dialects::{
    ir::{edit, shape},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, ValueLike, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "settle-carried",
    summary: "Decide where tensors that loops carry are made",
    anchor: Anchor::Func,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(func, "bufferization.materialize_in_destination") {
        let (value, place) = (op.operand(0)?, op.operand(1)?);
        let carried = shape::is_tensor(place.r#type());
        if !carried || !has_regions(value) || root(value) != place {
            continue;
        }
        if overwrites_freely(value, place, op) {
            edit::replace_uses(op.result(0)?.into(), value);
            edit::erase(cx, op);
        } else {
            let saved = linalg::copy(&Emitter::before(cx, op), value);
            edit::set_operand(op, 0, saved);
        }
    }
    Ok(())
}
