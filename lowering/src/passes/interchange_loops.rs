//! Moves loops of independent columns out of loops whose rounds go in order, so that each column is a thread of a GPU.
//!
//! Before:
//! ```mlir
//! scf.for %i = %c0 to %n step %c1 {
//!   scf.for %j = %c0 to %m step %c1 {
//!     memref.load %x[%i, %j], memref.load %sum[%j], arith.addf, memref.store %sum[%j], memref.store %y[%i, %j]
//!   } {dl.parallel = true}
//! }
//! ```
//! After:
//! ```mlir
//! scf.for %j = %c0 to %m step %c1 {
//!   scf.for %i = %c0 to %n step %c1 { … the same … }
//! } {dl.parallel = true}
//! ```
//! `gpu/sequence.rs` says which loops these are. A thread does its rounds in their order, so results stay the same to the last bit.
//!
//! *Requires*: a target with a GPU; structured functions whose independent loops are marked. *Ensures*: nothing; it is an optimisation.
//! *Does not*: take loops apart that do several things.

use crate::{
    alias::blocks,
    copies::Copies,
    emit::Emitter,
    entry,
    gpu::{Sequence, bounds},
    linalg::arguments,
    schedule::Target,
    tasks,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "interchange-loops",
    summary: "Move loops of independent columns out of loops whose rounds go in order",
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
            if sequence.columns.is_empty() {
                continue;
            }
            let e = Emitter::before(cx, sequence.op);
            sequence.share_memory(&e);
            nest(&e, &sequence, 0, Copies::default());
            edit::erase(cx, sequence.op);
        }
    }
    Ok(())
}

/// The loops of a nest from a depth on, columns first.
fn nest<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    sequence: &Sequence<'c, 'a>,
    depth: usize,
    mut copies: Copies<'c, 'a>,
) {
    let columns = sequence.columns.len();
    let Some(op) = sequence.columns.iter().chain(&sequence.ids).nth(depth) else {
        return sequence.round(e, copies);
    };
    let [low, high, step] = bounds(*op);
    let made = e.plain_loop((low, high, step), |e, index| {
        let body = blocks(*op)[0];
        copies.put(arguments(body)[0], index);
        nest(e, sequence, depth + 1, copies);
    });
    if depth < columns {
        tasks::mark(e, made, true);
    }
}
