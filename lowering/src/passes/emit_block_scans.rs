//! Gives lines of sums so far to blocks of a GPU's threads, and short ones to threads.
//!
//! Before:
//! ```mlir
//! scf.for %i = %c0 to %n step %c1 {
//!   scf.for %j = %c0 to %m step %c1 iter_args(%sum = %zero) -> (f32) {
//!     %x = memref.load, %next = arith.addf %sum, %x, memref.store %next, %y[%i, %j]
//!     scf.yield %next
//!   }
//! }
//! ```
//! After:
//! ```mlir
//! scf.for %i = %c0 to %n step %c1 {
//!   scf.for %first = %c0 to %m step %c256 iter_args(%sum = %zero) -> (f32) {
//!     … 256 elements, a thread each: sums through the warp, sums of warps through shared memory …
//!   }
//! } {dl.block = 256 : i64, dl.parallel = true}
//! ```
//! `gpu/scan.rs` says which loops these are, and what a block does.
//!
//! *Requires*: a target with a GPU; structured functions whose independent loops are marked. *Ensures*: nothing; it is an optimisation.
//! *Does not*: cut a line into several blocks.

use crate::{
    emit::Emitter,
    entry,
    gpu::{Scan, shared},
    schedule::Target,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-block-scans",
    summary: "Give lines of sums so far to blocks of a GPU's threads",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if Target::of(module).gpu == 0 {
        return Ok(());
    }
    for entry in entry::entries(module)? {
        for scan in Scan::of(entry.func)? {
            scan.write(&Emitter::before(cx, scan.op));
            edit::erase(cx, scan.op);
        }
    }
    shared::define(cx, module);
    Ok(())
}
