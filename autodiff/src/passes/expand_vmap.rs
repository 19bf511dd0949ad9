//! Replaces every `dl.vmap` by a call of a new function, which computes the callee for each element of a batch.
//!
//! *Requires*: what `expand-derivatives` does, of which this is a part.
//! *Ensures*: no such op is left but those whose callee has a transform of another kind in it.
//! *Does not*: touch other transforms, nor make plain calls of `dl.call` while any are left.

use crate::{expander::Expander, transform::TransformKind::Batch};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "expand-vmap",
    summary: "Replace dl.vmap by calls of new functions, where their callees have no other transforms",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    Expander::of(cx, module, &[Batch]).run(module)
}
