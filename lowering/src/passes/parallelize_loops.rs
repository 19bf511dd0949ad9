//! Divides marked loops of enough work among lanes, which may run at the same time.
//!
//! Before:
//! ```mlir
//! %row = memref.alloc() : memref<1024xf32>
//! scf.for %i = %c0 to %n step %c1 { … %row … } {dl.parallel = true}
//! ```
//! After:
//! ```mlir
//! %rows = memref.alloc(%bytes) : memref<?xi8>                  // one for each lane that there may be
//! memref.store %zero, %next[]
//! scf.for %lane = %c0 to %lanes step %c1 {
//!   %row = memref.view %rows[%place][] : memref<?xi8> to memref<1024xf32>
//!   while (%piece = atomic_rmw addi %one, %next[]) < %pieces {
//!     scf.for %i = %from to %to step %c1 { … %row … }
//!   }
//! } {dl.task}
//! ```
//! Loops beside each other of which none touches what another writes share one fork: the first pieces are of the first loop, the
//! next of the second, and short loops are one piece together; with the number of a piece a lane chooses the loop.
//!
//! The number of lanes is what the executor offers, but no more than there are pieces of enough work; the work of a
//! round is estimated from the ops and the sizes when running. Rounds are computed in the same way whoever computes
//! them, so results do not depend on the number of lanes. Buffers that only the loop uses are one for each lane.
//!
//! *Requires*: marks on loops whose rounds are independent but for buffers that they write before they read; affine
//! ops lowered. *Ensures*: no marks; a loop that can't be divided stays. *Does not*: divide loops inside of divided ones:
//! what they call gets no executor, unless one lane alone runs.

use crate::{
    emit::Emitter,
    schedule::Target,
    tasks::{
        self, REST,
        divisible::Divisible,
        fork::{Fork, is_simple},
        share::{Amounts, Shared, amounts},
    },
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{BlockLike, OperationRef, RegionLike, operation::OperationLike},
};
use std::collections::HashSet;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "parallelize-loops",
    summary: "Divide marked loops among lanes",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    for func in walk::named(module, "func.func") {
        let Some(executor) = tasks::executor(func) else {
            continue;
        };
        let mut next = None;
        let mut seen = HashSet::new();
        for op in tasks::marked(func) {
            // What a loop leaves is no work for a fork.
            if seen.contains(&edit::identity(op)) || op.has_attribute(REST) {
                continue;
            }
            let found = fork(cx, func, op, &target);
            let ops = found.iter().flat_map(|(fork, _)| &fork.loops);
            seen.extend(ops.map(|one| edit::identity(one.op)));
            if let Some((fork, Some(amounts))) = found {
                let shared = Shared {
                    cx,
                    func,
                    executor,
                    most: target.cores,
                    piece: target.piece(),
                    loops: fork.loops,
                };
                shared.divide(&amounts, &mut next);
            }
        }
    }
    if let Some(first) = module
        .region(0)?
        .first_block()
        .and_then(|b| b.first_operation())
    {
        tasks::define_lanes(&Emitter::before(cx, first), module);
    }
    tasks::unmark(module);
    Ok(())
}

/// The loops that go with a marked one, and their amounts if they are enough to be divided; nothing if it can't be.
fn fork<'c: 'a, 'a>(
    cx: &'c Context,
    func: OperationRef<'c, 'a>,
    op: OperationRef<'c, 'a>,
    target: &Target,
) -> Option<(Fork<'c, 'a>, Option<Vec<Amounts<'c, 'a>>>)> {
    let (piece, stack) = (target.piece(), target.lane_stack());
    if !is_simple(op) {
        // What its rounds allocate stays inside unless it is divided.
        let amounts = amounts(cx, &[op], piece)?;
        let only = Divisible::read(cx, func, op, stack)?;
        return Some((Fork { loops: vec![only] }, Some(amounts)));
    }
    let first = Divisible::read(cx, func, op, stack)?;
    let fork = Fork::gather(cx, func, first, stack);
    let ops: Vec<_> = fork.loops.iter().map(|one| one.op).collect();
    let amounts = amounts(cx, &ops, piece);
    Some((fork, amounts))
}
