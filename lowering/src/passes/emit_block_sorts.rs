//! Replaces ops that say where the elements of lines come in order by sorts of a GPU's blocks, and merges where lines are long.
//!
//! Before:
//! ```mlir
//! linalg.generic {dl.sort} outs(%places : memref<?x?xi32>) { … of %keys : memref<?x?xi32>, the element before which as many come … }
//! ```
//! After:
//! ```mlir
//! scf.for %block = %c0 to %blocks step %c1 {
//!   … 2048 keys and their places to shared memory, in order, and the places to %places …
//! } {dl.block = 256 : i64, dl.parallel = true}
//! scf.for %round = %c0 to %rounds step %c1 {
//!   … pairs of parts of %places merged to %spare, pairs of those back: a thread for each element …
//! }
//! ```
//! `gpu/sort.rs` says how. Keys are signed integers; equal ones keep their order.
//!
//! *Requires*: bufferised ops with `dl.sort`. *Ensures*: none is left. *Does not*: make less of a sort of which only the first
//! elements are read.

use crate::{
    emit::Emitter,
    gpu::{Sort, shared},
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-block-sorts",
    summary: "Replace sorts by those of a GPU's blocks",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(module, "linalg.generic") {
        if let Some(sort) = Sort::read(op) {
            sort.write(&Emitter::before(cx, op));
            edit::erase(cx, op);
        }
    }
    shared::define(cx, module);
    Ok(())
}
