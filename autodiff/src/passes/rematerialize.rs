//! Computes again, where it is cheaper than memory, what is needed long after it was made: what the way back of a
//! derivative reads of the way forth, most of all.
//!
//! Before:
//! ```mlir
//! %h = dl.dot_general %x, %w …
//! %t = dl.tanh %h
//! %s = dl.mul %t, %h
//! … many products …
//! %g = dl.mul %s, %t
//! ```
//! After:
//! ```mlir
//! … many products …
//! %t2 = dl.tanh %h
//! %s2 = dl.mul %t2, %h
//! %g = dl.mul %s2, %t2
//! ```
//! In each block the place is found where the values that are still needed take the most memory. Of those a minimum cut
//! (`keep.rs`) says which stay and which are made anew behind it; elementwise ops and broadcasts are what may be made
//! anew. That is done again for the place that takes the most then, until nothing gets better.
//!
//! *Requires*: no `cse` comes after it, which would join again what it takes apart.
//! *Ensures*: the same results, bit by bit.
//! *Does not*: touch what fits into a cache anyway; compute products, reductions or loops again.

use crate::{
    functions::{inside, remove_dead},
    keep::liveness::Liveness,
};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{
    Context,
    ir::{BlockRef, OperationRef, RegionLike, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "rematerialize",
    summary: "Compute cheap values again where they are needed late instead of keeping them",
    anchor: Anchor::Func,
    required: false,
    run,
};

/// What is kept at one place takes at least so many bytes, or it stays; about what a second-level cache holds.
const WORTHWHILE: u64 = 1 << 20;
/// Places looked at in one block.
const ROUNDS: usize = 8;

fn run<'c, 'a>(cx: &'c Context, function: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in std::iter::once(function).chain(inside(function)) {
        for region in op.regions() {
            if let Some(block) = region.first_block() {
                relieve(cx, block);
            }
        }
    }
    remove_dead(cx, function);
    Ok(())
}

/// Lowers the peak of a block for as long as it falls.
fn relieve<'c, 'a>(cx: &'c Context, block: BlockRef<'c, 'a>) {
    let mut last = u64::MAX;
    for _ in 0..ROUNDS {
        let liveness = Liveness::of(block);
        let Some((place, bytes)) = liveness.peak() else {
            return;
        };
        if bytes < WORTHWHILE || bytes >= last {
            return;
        }
        last = bytes;
        if !liveness.recompute_behind(cx, place) {
            return;
        }
    }
}
