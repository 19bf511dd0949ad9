//! Rewrites `dl` as `linalg` on tensors, in destination-passing style.
//!
//! Before:
//! ```mlir
//! func.func @f(%B: index, %x: tensor<?x8xf32> {dl.path = "x", dl.shape = ["B", "8"]}) -> (tensor<?x8xf32> {...})
//!     attributes {dl.dims = ["B"], dl.entry = "m_f"} {
//!   %y = dl.tanh %x : tensor<?x8xf32>
//!   return %y : tensor<?x8xf32>
//! }
//! ```
//! After:
//! ```mlir
//! func.func private @m_f__impl(%B: index, %x: memref<?x8xf32>, %out: memref<?x8xf32> {dl.out}) {
//!   %t = bufferization.to_tensor %x restrict
//!   %o = bufferization.to_tensor %out restrict writable
//!   %y = linalg.generic ins(%t) outs(%o) { math.tanh }
//!   bufferization.materialize_in_destination %y in restrict writable %out
//! }
//! ```
//!
//! *Requires*: functions of `dl` ops, `arith` on scalars, and `scf.for`, `scf.while` and `scf.if` on tensors; calls
//! inlined, `dl.grad` expanded.
//! *Ensures*: no op of `dl` but `dl.optimization_barrier`; stored element types: bool as i8 (0 or 1), integers signless; contractions are
//! `linalg.generic` with the attribute `dl.contraction`. Dims known to be equal are one SSA value. Arithmetic on
//! tensors of rank 0 is scalar code outside all loops.
//! *Does not*: choose an order of loops, fuse, or decide about memory.

use crate::{dl_to_linalg::rewrite, walk};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "dl-to-linalg",
    summary: "Rewrite dl as linalg on tensors, entry functions on memrefs",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for func in walk::named(module, "func.func") {
        rewrite(cx, func)?;
    }
    Ok(())
}
