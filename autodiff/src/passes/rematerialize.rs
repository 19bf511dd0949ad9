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
//! anew. That is done again for the place that takes the most then, until nothing gets better. In a function whose
//! derivatives are to keep less (`reverse/schedule.rs`), products that are larger than what they are made of may be made
//! anew too.
//!
//! *Requires*: no `cse` comes after it, which would join again what it takes apart.
//! *Ensures*: the same results, bit by bit.
//! *Does not*: touch what fits into a cache anyway, unless less is to be kept; compute reductions or loops again.

use crate::{
    functions::{inside, remove_dead},
    keep::liveness::{Effort, Liveness},
    reverse::schedule::depth,
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
/// The same two where less is to be kept.
const WORTHWHILE_OR_LESS: u64 = 1 << 10;
const MORE_ROUNDS: usize = 64;

fn run<'c, 'a>(cx: &'c Context, function: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let effort = match depth(function) {
        Some(_) => Effort::Wide,
        None => Effort::Cheap,
    };
    for op in std::iter::once(function).chain(inside(function)) {
        for region in op.regions() {
            if let Some(block) = region.first_block() {
                relieve(cx, block, effort);
            }
        }
    }
    remove_dead(cx, function);
    Ok(())
}

/// Lowers the peak of a block for as long as it falls.
fn relieve<'c, 'a>(cx: &'c Context, block: BlockRef<'c, 'a>, effort: Effort) {
    let (rounds, worthwhile) = match effort {
        Effort::Cheap => (ROUNDS, WORTHWHILE),
        Effort::Wide => (MORE_ROUNDS, WORTHWHILE_OR_LESS),
    };
    let mut last = u64::MAX;
    for _ in 0..rounds {
        let liveness = Liveness::of(block, effort);
        let Some((place, bytes)) = liveness.peak() else {
            return;
        };
        if bytes < worthwhile || bytes >= last {
            return;
        }
        last = bytes;
        if !liveness.recompute_behind(cx, place) {
            return;
        }
    }
}
