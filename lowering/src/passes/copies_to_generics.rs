//! Writes copies of memory as generic ops, which loops are made of.
//!
//! Before:
//! ```mlir
//! memref.copy %x, %y : memref<?xf32, strided<[4]>> to memref<?xf32>
//! ```
//! After:
//! ```mlir
//! linalg.generic {maps = [(i) -> (i), (i) -> (i)]} ins(%x) outs(%y) { yield }
//! ```
//! Upstream's loops know generic ops only, and its lowering of strided copies calls a library. `vectorize-generics` does the same
//! on its way; this is for pipelines without it.
//!
//! *Requires*: bufferised ops. *Ensures*: no `memref.copy`. *Does not*: touch anything else.

use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
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
    name: "copies-to-generics",
    summary: "Write copies of memory as generic ops",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(module, "memref.copy") {
        generic(cx, op);
    }
    Ok(())
}

/// A copy as a generic op; nothing is left of one onto itself.
pub(crate) fn generic<'c, 'a>(
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
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
    inside.effect("linalg.yield", &[linalg::arguments(block)[0]], &[]);
    edit::erase(cx, op);
    Some(made)
}
