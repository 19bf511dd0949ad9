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
    loops::{Body, Nest, Plan, write::write},
    passes::copies_to_generics,
    schedule::Target,
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{Context, ir::OperationRef};

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
            "memref.copy" => match copies_to_generics::generic(cx, op) {
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
