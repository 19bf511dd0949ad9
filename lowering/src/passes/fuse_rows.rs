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
    schedule::{Target, elementwise_schedule, gpu::LONGEST_ROW},
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        shape::{self, DYNAMIC},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{BlockRef, OperationRef},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fuse-rows",
    summary: "Let ops that pass arrays on go through their rows together",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    for func in walk::named(module, "func.func") {
        let pass = Pass {
            cx,
            // Below some steps of the inner loop, rows are too short for loops of their own.
            shortest: elementwise_schedule(&target, 32, 1).step(),
            gpu: target.gpu > 0,
            remarks: Remarks::of(module),
            spaces: Spaces::of(func),
        };
        let mut inner = walk::inside(func);
        inner.retain(|op| !edit::name(*op).starts_with("linalg."));
        for op in inner.into_iter().chain([func]) {
            blocks(op).into_iter().for_each(|block| pass.block(block));
        }
    }
    Ok(())
}

struct Pass<'c> {
    cx: &'c Context,
    shortest: i64,
    /// Whether rows are blocks of a GPU's threads, which can't add up what other blocks make.
    gpu: bool,
    remarks: Remarks<'c>,
    spaces: Spaces,
}

impl<'c> Pass<'c> {
    fn block<'a>(&self, block: BlockRef<'c, 'a>)
    where
        'c: 'a,
    {
        let empty = || Group {
            apart: self.gpu,
            ..Group::default()
        };
        for group in groups(block, empty, |_, _| false, &self.spaces) {
            let gains = group.members.len() > 1 && group.gains(self.shortest);
            if !gains || self.gpu && !suits_blocks(&group) {
                continue;
            }
            self.remarks.by_rows(&group, &self.spaces);
            let rows = sweep(self.cx, group).filter(|_| self.gpu);
            // Rows of rows are more blocks.
            let inner = rows.map(blocks).unwrap_or_default();
            inner.into_iter().for_each(|block| self.block(block));
        }
    }
}

/// Whether blocks of threads should take a row each: they add up along it, and it is not so long that there are too few.
fn suits_blocks(group: &Group) -> bool {
    let lengths = group.touched.iter().map(|touched| {
        let shape = shape::shape_of(touched.value);
        let known = shape.iter().skip(1).filter(|d| **d != DYNAMIC);
        known.product::<i64>()
    });
    group.has_row_sums() && lengths.max().is_none_or(|longest| longest <= LONGEST_ROW)
}
