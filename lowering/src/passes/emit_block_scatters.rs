//! Gives scatters to blocks of a GPU's threads, each of which has some rows of the result.
//!
//! Before:
//! ```mlir
//! scf.for %i = %c0 to %n step %c1 {
//!   %id = memref.load %ids[%i] : memref<?xi32>
//!   %row = arith.index_cast %id : i32 to index
//!   scf.for %j = %c0 to %m step %c1 {
//!     memref.load %u[%i, %j], memref.load %x[%row, %j], arith.addf, memref.store %x[%row, %j]
//!   } {dl.parallel = true}
//! }
//! ```
//! After:
//! ```mlir
//! scf.for %block = %c0 to %blocks step %c1 {
//!   scf.for %first = %c0 to %n step %c256 {
//!     … the rows of 256 ids, and which of them are the block's …
//!     nvvm.barrier0
//!     scf.for %k = %c0 to %count step %c1 { … the update of one of these ids, a thread a column … }
//!   }
//! } {dl.block = 256 : i64, dl.parallel = true}
//! ```
//! `gpu/sequence.rs` says which nests these are, `gpu/scatter.rs` what a block does.
//!
//! *Requires*: a target with a GPU; structured functions whose independent loops are marked. *Ensures*: nothing; it is an optimisation.
//! *Does not*: touch nests in which rows differ from column to column, or none is known.

use crate::{
    emit::Emitter,
    entry,
    gpu::{Scatter, Sequence, shared},
    schedule::Target,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-block-scatters",
    summary: "Give scatters to blocks of a GPU's threads",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if Target::of(module).gpu == 0 {
        return Ok(());
    }
    for entry in entry::entries(module)? {
        for sequence in Sequence::of(entry.func)? {
            let e = Emitter::before(cx, sequence.op);
            if let Some(scatter) = Scatter::of(&e, &sequence) {
                scatter.write(&e);
                edit::erase(cx, sequence.op);
            }
        }
    }
    shared::define(cx, module);
    Ok(())
}
