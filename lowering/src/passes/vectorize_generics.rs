//! Writes `linalg.generic`, `linalg.fill` and `memref.copy` as loops, the best one in vectors.
//!
//! Before:
//! ```mlir
//! linalg.generic {maps = [(i, j) -> (i, j), (j), (i, j)]} ins(%x, %b) outs(%y) { addf, tanh }
//! ```
//! After (512-bit registers):
//! ```mlir
//! scf.for %i = 0 to %n {
//!   scf.for %j = 0 to %main step 64 { vector.load, vector.load, addf, math.tanh : vector<64xf32>, vector.store }
//!   scf.for %j = %main to %m step 16 { the same under vector.create_mask }
//! }
//! ```
//! Neighbouring loops over contiguous memory become one first. Work that a loop does not change is done outside it.
//! Sums over the loop in vectors are kept in vectors, whose elements are added in a fixed order; sums over other loops
//! in registers or, where rows are long, in memory. On a GPU elementwise loops have a round for each
//! vector of 16 bytes, which is taken apart where these are not even, and there are no other vectors: rounds of loops with `dl.block`,
//! and long sums, are shared out to a block's threads. Long sums over all loops go in parts, which are added up. What is not walked element after element is gathered.
//!
//! *Requires*: bufferised ops whose maps only select loops, and contractions that were to become kernels gone.
//! *Ensures*: such ops with bodies of `arith`, `math`, `linalg.index` and `memref.load` are gone, and every
//! `memref.copy`. Vectors have rank 1.
//! *Does not*: change the order of arithmetic but in sums; tile for caches.

use crate::{
    emit::Emitter,
    gpu::shared,
    linalg::{Access, Generic, Iterator},
    loops::{Body, Nest, Plan, write::write},
    schedule::Target,
    walk,
};
use dlc_dialects::{
    ir::{edit, inspect::identity, shape},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "vectorize-generics",
    summary: "Write elementwise ops, reductions and copies as loops over vectors",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    for op in walk::inside(module) {
        let op = match edit::name(op) {
            "linalg.generic" | "linalg.fill" => op,
            "memref.copy" => match copy(cx, op) {
                Some(op) => op,
                None => continue,
            },
            _ => continue,
        };
        let e = Emitter::before(cx, op);
        let Some(nest) = Nest::read(&e, op) else {
            continue;
        };
        let Some(body) = Body::read(&nest) else {
            continue;
        };
        // Sums over different loops are in no one order carried by loops.
        if !body.accumulates_alike(&nest) {
            continue;
        }
        let plan = Plan::new(&nest, &body, &target);
        write(&e, &nest, &body, &plan);
        edit::erase(cx, op);
    }
    // What threads of a block add up goes through shared memory.
    shared::define(cx, module);
    Ok(())
}

/// A copy as a generic op.
fn copy<'c, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let (from, to) = (op.operand(0).ok()?, op.operand(1).ok()?);
    if identity(from) == identity(to) {
        edit::erase(cx, op);
        return None;
    }
    let e = Emitter::before(cx, op);
    let rank = shape::shape_of(from).len();
    let access = |value| Access {
        value,
        loops: (0..rank).collect(),
    };
    let generic = Generic {
        iterators: vec![Iterator::Parallel; rank],
        inputs: vec![access(from)],
        outputs: vec![access(to)],
        attributes: vec![],
    };
    let (made, block) = generic.declare(&e);
    let inside = Emitter::at_end(cx, op.location(), block);
    inside.effect("linalg.yield", &[crate::linalg::arguments(block)[0]], &[]);
    edit::erase(cx, op);
    Some(made)
}
