//! Gives each op a destination of its own, where several share a fill or an empty tensor.
//!
//! Before:
//! ```mlir
//! %z = linalg.fill ins(%zero) outs(%e)
//! %a = linalg.generic … outs(%z)
//! %b = linalg.generic … outs(%z)
//! ```
//! After:
//! ```mlir
//! %z = linalg.fill ins(%zero) outs(%e)
//! %a = linalg.generic … outs(%z)
//! %e1 = tensor.empty …
//! %z1 = linalg.fill ins(%zero) outs(%e1)
//! %b = linalg.generic … outs(%z1)
//! ```
//! Common subexpressions are right for values and wrong for memory: bufferisation would fill one buffer and copy it,
//! and a fill that stands right before its op can become part of that.
//!
//! *Requires*: nothing. *Ensures*: an empty tensor or a fill that is written to has no other use in its block.
//! *Does not*: look at uses in other blocks.

use crate::{alias, walk};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "unshare-destinations",
    summary: "Give each op a destination of its own",
    anchor: Anchor::Func,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    // Fills first: each copy is one more use of an empty tensor.
    for name in ["linalg.fill", "tensor.empty"] {
        for op in walk::named(func, name) {
            if op.result_count() == 1 {
                unshare(cx, op)?;
            }
        }
    }
    Ok(())
}

fn unshare<'c, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let uses = edit::uses(op.result(0)?.into());
    let written = |(user, operand): &(OperationRef<'c, 'a>, usize)| {
        user.block() == op.block()
            && *operand + alias::destination_count(*user) >= user.operand_count()
    };
    let mut copies: Vec<_> = uses.iter().filter(|used| written(used)).collect();
    // One may keep the original, unless somebody reads it.
    if copies.len() == uses.len() {
        copies.pop();
    }
    for (user, operand) in copies {
        let rewriter = IrRewriter::new(cx);
        let rewriter = rewriter.as_rewriter_base();
        rewriter.set_insertion_point_before(*user);
        let copy = rewriter.clone_op(op);
        edit::set_operand(*user, *operand, copy.result(0)?.into());
    }
    Ok(())
}
