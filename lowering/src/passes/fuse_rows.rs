//! Lets ops that pass arrays on to each other go through the rows together, so that a row stays in the cache, and
//! arrays that only they need shrink to a row.
//!
//! Before:
//! ```mlir
//! %e = memref.alloc(%n, %m) : memref<?x?xf32>
//! linalg.generic {(i, j) -> (i, j), (i, j), (i)} ins(%x) outs(%e, %s) { exp, addf }
//! linalg.generic {(i, j) -> (i, j), (i), (i, j)} ins(%e, %s) outs(%y) { divf }
//! ```
//! After:
//! ```mlir
//! %e = memref.alloc(%m) : memref<?xf32>
//! scf.for %i = 0 to %n {
//!   linalg.generic {(j) -> (j), (j), ()} ins(%x[%i]) outs(%e, %s[%i]) { exp, addf }
//!   linalg.generic {(j) -> (j), (), (j)} ins(%e, %s[%i]) outs(%y[%i]) { divf }
//! }
//! ```
//!
//! *Requires*: bufferised `linalg.generic` and `linalg.fill`. *Ensures*: nothing; it is an optimisation.
//! *Does not*: touch contractions, or ops of which one reads rows that another has not made yet.

use crate::{
    alias::blocks,
    fuse::Spaces,
    remarks::Remarks,
    rows::{Group, groups, sweep::sweep},
    schedule::{Target, elementwise_schedule},
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fuse-rows",
    summary: "Let ops that pass arrays on go through their rows together",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    // Below some steps of the inner loop, rows are too short for loops of their own.
    let shortest = elementwise_schedule(&Target::of(module), 32, 1).step();
    let remarks = Remarks::of(module);
    for func in walk::named(module, "func.func") {
        let spaces = Spaces::of(func);
        let mut inner = walk::inside(func);
        inner.retain(|op| !edit::name(*op).starts_with("linalg."));
        for op in inner.into_iter().chain([func]) {
            for block in blocks(op) {
                for group in groups(block, Group::default, |_, _| false, &spaces) {
                    if group.members.len() > 1 && group.gains(shortest) {
                        remarks.by_rows(&group, &spaces);
                        sweep(cx, group);
                    }
                }
            }
        }
    }
    Ok(())
}
