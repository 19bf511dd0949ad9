//! Gives each round of loops over rows to a block of a GPU's threads, which then share out what is done with the row.
//!
//! Before:
//! ```mlir
//! scf.for %i = 0 to %n { linalg.generic {max of a row}, linalg.generic {exp, sum}, linalg.generic {div} } {dl.parallel = true}
//! ```
//! After: the same with `dl.block = 128 : i64`.
//!
//! *Requires*: a target with a GPU; loops over rows made. *Ensures*: loops with `dl.block` hold ops only that all threads may do, and
//! nests that `vectorize-generics` shares out. *Does not*: touch loops around loops, or rows of less than a warp's length.

use crate::{
    alias::{Effects, blocks, may_alias, operations},
    emit::Emitter,
    gpu,
    loops::{Body, Nest, nest::Extent},
    schedule::{
        Target,
        gpu::{SHORTEST, threads},
    },
    tasks, walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "assign-blocks",
    summary: "Give rounds of loops over rows to blocks of a GPU's threads",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if Target::of(module).gpu == 0 {
        return Ok(());
    }
    for op in walk::named(module, "scf.for") {
        let marked = tasks::independent(op) == Some(true);
        let Some(steps) = marked.then(|| steps(cx, op)).flatten() else {
            continue;
        };
        if steps.is_none_or(|steps| steps >= SHORTEST) {
            let e = Emitter::before(cx, op);
            gpu::give_to_block(&e, op, threads(steps));
        }
    }
    Ok(())
}

/// The steps of the longest nest in a loop, or that they are not known; nothing if the loop holds something else.
fn steps<'c: 'a, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<Option<i64>> {
    let mut longest: Option<Option<i64>> = None;
    for inner in operations(blocks(op)[0]) {
        let own = match edit::name(inner) {
            "linalg.generic" | "linalg.fill" => nest(cx, inner)?,
            // A thread may be ahead of another that still reads.
            "memref.load" if is_written(op, inner) => return None,
            "scf.yield"
            | "memref.load"
            | "memref.alloc"
            | "memref.dim"
            | "memref.subview"
            | "memref.cast"
            | "memref.expand_shape"
            | "memref.collapse_shape"
            | "memref.reinterpret_cast" => continue,
            name if name.starts_with("arith.") || name.starts_with("math.") => continue,
            _ => return None,
        };
        longest = Some(match longest {
            None => own,
            Some(before) => before.zip(own).map(|(a, b)| a.max(b)),
        });
    }
    longest
}

/// Whether an op reads what a loop writes.
fn is_written<'c: 'a, 'a>(op: OperationRef<'c, 'a>, load: OperationRef<'c, 'a>) -> bool {
    let writes = Effects::of(op).writes;
    let read = load.operand(0).ok();
    read.is_none_or(|read| writes.iter().any(|to| may_alias(*to, read)))
}

/// The steps of all loops of a nest, if they are known; nothing if it is none that is written as loops.
fn nest<'c: 'a, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<Option<i64>> {
    let nest = Nest::read(&Emitter::before(cx, op), op)?;
    let body = Body::read(&nest)?;
    let known = |extent: &Extent| match extent {
        Extent::Known(n) => Some(*n),
        Extent::Value(_) => None,
    };
    let steps = nest.extents.iter().map(known);
    let steps = steps.reduce(|a, b| Some(a? * b?)).unwrap_or(Some(1));
    body.accumulates_alike(&nest).then_some(steps)
}
