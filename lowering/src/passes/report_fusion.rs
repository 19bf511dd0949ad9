//! Tells, where it is asked for, which arrays still go through memory from one op to another, why, and what it costs.
//!
//! Before and after:
//! ```mlir
//! func.call @dlc_matmul_f32_nn_12x32(…, %c, …)
//! linalg.generic ins(%c, %bias) outs(%y) { addf }  // remark: not fused …, as a product writes all of its result first
//! ```
//! It changes nothing. The reason is read off the two ops; what fusion has joined is one op by now, and buffers that a
//! group of ops needs some rows of are that small.
//!
//! *Requires*: bufferised functions, all fusion done. *Ensures*: nothing. *Does not*: tell of parameters and results, which
//! are in memory anyway.

use crate::{
    alias::{Effects, in_block, views},
    fuse::Spaces,
    linalg::Generic,
    remarks::Remarks,
    tasks::SHARED,
    walk,
};
use dlc_dialects::{
    ir::{edit, inspect::identity},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, Value, operation::OperationLike},
};
use std::cmp::Ordering;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "report-fusion",
    summary: "Tell which arrays go through memory from one op to another",
    anchor: Anchor::Module,
    required: false,
    run,
};

/// Arrays of up to so many bytes are not told of.
const SMALL: i64 = 1024;

/// How calls of kernels begin.
const KERNEL_CALL: &str = "@dlc_matmul_";

fn run<'c, 'a>(_: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let remarks = Remarks::of(module);
    if !remarks.asked() {
        return Ok(());
    }
    for func in walk::named(module, "func.func") {
        let spaces = Spaces::of(func);
        for alloc in walk::named(func, "memref.alloc") {
            report(&remarks, &spaces, alloc);
        }
    }
    Ok(())
}

/// Tells of a buffer, if one op writes it and others read it.
fn report<'c: 'a, 'a>(
    remarks: &Remarks<'c>,
    spaces: &Spaces,
    alloc: OperationRef<'c, 'a>,
) -> Option<()> {
    let buffer: Value = alloc.result(0).ok()?.into();
    let bytes = Remarks::size(buffer, spaces, 1);
    if bytes.as_const().is_some_and(|bytes| bytes <= SMALL) {
        return None;
    }
    let views = views(buffer);
    let block = alloc.block()?;
    let mut ops: Vec<_> = (views.uses.iter())
        .filter_map(|(op, _)| in_block(*op, &block))
        .collect();
    ops.sort_by(|a, b| match (a == b, a.is_before_in_block(*b)) {
        (true, _) => Ordering::Equal,
        (_, true) => Ordering::Less,
        (_, false) => Ordering::Greater,
    });
    ops.dedup();
    let all: Vec<_> = views.values.iter().map(|value| identity(*value)).collect();
    let touches = |values: &[Value]| values.iter().any(|value| all.contains(&identity(*value)));
    let makes = |op: &OperationRef<'c, 'a>| {
        edit::name(*op) != "linalg.fill" && touches(&Effects::of(*op).writes)
    };
    let reads = |op: &OperationRef<'c, 'a>| touches(&Effects::of(*op).reads);
    let at = ops.iter().position(makes)?;
    let writer = ops[at];
    // What goes through the tiles of the product that makes it stands with that product.
    let joined = |op: &OperationRef<'c, 'a>| alloc.has_attribute(SHARED) && makes(op);
    let later = ops[at + 1..].iter().copied();
    let readers: Vec<_> = later.filter(|op| reads(op) && !joined(op)).collect();
    let first = readers.first()?;
    let why = why(writer, &readers);
    let cost = Remarks::size(buffer, spaces, 1 + readers.len() as i64);
    remarks.missed(writer.location(), first.location(), &why, &cost);
    Some(())
}

/// Why a writer and its readers are not one.
fn why(writer: OperationRef, readers: &[OperationRef]) -> String {
    let product = |op: &OperationRef| {
        let calls = walk::named(*op, "func.call").into_iter().chain([*op]);
        let mut callees = calls.filter_map(|op| op.attribute("callee").ok());
        callees.any(|callee| callee.to_string().starts_with(KERNEL_CALL))
            || Generic::read(*op).is_some_and(|generic| generic.is_contraction())
    };
    let sums = Generic::read(writer).is_some_and(|generic| !generic.is_parallel());
    let loops = |op: &OperationRef| edit::name(*op).starts_with("scf.");
    match readers {
        [_, _, ..] => format!("{} operations read it", readers.len()),
        _ if product(&writer) => "a product writes all of its result first".into(),
        _ if readers.iter().any(product) => "a product packs its operands itself".into(),
        _ if sums => "sums are known only when all is read".into(),
        _ if loops(&writer) || readers.iter().any(loops) => "one of the two is a loop".into(),
        _ => "they go through it in different orders or over different sizes".into(),
    }
}
