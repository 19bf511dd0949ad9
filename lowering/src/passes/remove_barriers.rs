//! Puts in place of `dl.optimization_barrier` what it stands for, once nothing merges ops on tensors any more.
//!
//! Before:
//! ```mlir
//! %a = linalg.generic ins(%x) outs(%e) { exp }
//! %again = dl.optimization_barrier %x after %x : tensor<?xf32>, tensor<?xf32>
//! %b = linalg.generic ins(%again) outs(%f) { exp }
//! ```
//! After:
//! ```mlir
//! %a = linalg.generic ins(%x) outs(%e) { exp }
//! %b = linalg.generic ins(%x) outs(%f) { exp }
//! ```
//! What is computed again is thereby written where it is needed, and what was computed before is free until then.
//!
//! *Requires*: nothing. *Ensures*: no barrier. *Does not*: keep later passes from merging what is the same.

use crate::walk;
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "remove-barriers",
    summary: "Put in place of each optimization barrier what it stands for",
    anchor: Anchor::Func,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(func, "dl.optimization_barrier") {
        edit::replace_uses(op.result(0)?.into(), op.operand(0)?);
        edit::erase(cx, op);
    }
    Ok(())
}
