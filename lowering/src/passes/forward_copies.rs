//! Lets the op that makes a buffer write straight to where the buffer is copied afterwards.
//!
//! Before:
//! ```mlir
//! %a = memref.alloc() : memref<64xf32>
//! linalg.generic {…} ins(%p, %g : …) outs(%a : memref<64xf32>) {…}   // reads %p and writes %a at the same index
//! memref.copy %a, %p : memref<64xf32> to memref<64xf32>
//! ```
//! After:
//! ```mlir
//! linalg.generic {…} ins(%p, %g : …) outs(%p : memref<64xf32>) {…}
//! ```
//! So an `inout` is updated in place, and no result is copied. A copy under a view with more axes of one element, as of what
//! a round of a loop keeps, counts as one of the buffer.
//!
//! It is safe when, from the first op that touches the buffer to the copy, nothing writes memory that the destination
//! may share, and nothing reads it but the first op itself, element by element at the index that it writes; and when
//! afterwards the buffer is only read, before the destination changes again.
//!
//! *Requires*: bufferised functions in which different memref arguments are different memory. *Ensures*: nothing; it
//! is an optimisation. *Does not*: look into loops for the copies of their parts.

use crate::{
    alias::{self, Effects, in_block, may_alias, operations, views},
    emit::Emitter,
    view::without_unit_axes,
    walk,
};
use dlc_dialects::{
    ir::{edit, inspect::defining_op},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        Attribute, OperationRef, Value, ValueLike,
        attribute::ArrayAttribute,
        operation::{OperationLike, OperationResult},
    },
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "forward-copies",
    summary: "Write buffers straight to where they are copied",
    anchor: Anchor::Func,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for copy in walk::named(func, "memref.copy") {
        narrow(cx, copy);
        let (from, to) = (copy.operand(0)?, copy.operand(1)?);
        if from == to {
            edit::erase(cx, copy);
        } else if let Some(plan) = plan(copy, from, to) {
            for op in plan.hoist {
                melior::IrRewriter::new(cx)
                    .as_rewriter_base()
                    .move_op_before(op, plan.first);
            }
            edit::erase(cx, copy);
            for (op, _) in edit::uses(from) {
                if alias::name(op) == "memref.dealloc" {
                    edit::erase(cx, op);
                }
            }
            edit::replace_uses(from, to);
            edit::erase(cx, OperationResult::try_from(from)?.owner());
        }
    }
    Ok(())
}

/// Lets a copy of a buffer under a view that has more axes, of one element, copy the buffer to such a view of the destination
/// without them.
fn narrow<'c: 'a, 'a>(cx: &'c Context, copy: OperationRef<'c, 'a>) -> Option<()> {
    let (from, to) = (copy.operand(0).ok()?, copy.operand(1).ok()?);
    let expand = defining_op(from).filter(|op| alias::name(*op) == "memref.expand_shape")?;
    let buffer = expand.operand(0).ok()?;
    defining_op(buffer).filter(|op| alias::name(*op) == "memref.alloc")?;
    let axes = expand.attribute("reassociation").ok()?;
    let to = without_unit_axes(&Emitter::before(cx, copy), to, axes)?;
    edit::set_operand(copy, 0, buffer);
    edit::set_operand(copy, 1, to);
    if edit::uses(from).is_empty() {
        edit::erase(cx, expand);
    }
    Some(())
}

struct Plan<'c, 'a> {
    /// The first op that uses the buffer, be it for a view.
    first: OperationRef<'c, 'a>,
    /// Ops that make the destination and must come before that.
    hoist: Vec<OperationRef<'c, 'a>>,
}

/// The plan for a copy, if forwarding it is safe.
fn plan<'c, 'a>(
    copy: OperationRef<'c, 'a>,
    from: Value<'c, 'a>,
    to: Value<'c, 'a>,
) -> Option<Plan<'c, 'a>> {
    let alloc = OperationResult::try_from(from).ok()?.owner();
    let block = copy.block()?;
    if alias::name(alloc) != "memref.alloc"
        || alloc.block()? != block
        || !alias::same_shape(from, to)
    {
        return None;
    }
    let views = views(from);
    // Views of the buffer have types that follow from its layout, which the destination may not have.
    if views.escape.is_some() || (views.values.len() > 1 && from.r#type() != to.r#type()) {
        return None;
    }
    let ops = operations(block);
    let place = |op: OperationRef<'c, 'a>| ops.iter().position(|other| *other == op);
    let mut touching = vec![];
    for (op, _) in &views.uses {
        let op = in_block(*op, &block)?;
        if alias::name(op) != "memref.dealloc" {
            touching.push(place(op)?);
        }
    }
    // Views of the buffer become views of the destination, so that has to be there before them.
    let earliest = *touching.iter().min()?;
    touching.retain(|at| !is_view(ops[*at]));
    let copied = place(copy)?;
    let first = *touching.iter().min()?;
    let last = *touching.iter().max()?;
    if first >= copied {
        return None;
    }
    let hoist = hoist(to, &ops, earliest)?;
    let hits = |values: &[Value<'c, 'a>]| {
        values
            .iter()
            .any(|value| !views.values.contains(value) && may_alias(*value, to))
    };
    for (at, op) in ops.iter().enumerate().take(last + 1).skip(first) {
        let effects = Effects::of(*op);
        if at < copied {
            let reads_in_place = at == first && elementwise(*op, from, to);
            if hits(&effects.writes) || (hits(&effects.reads) && !reads_in_place) {
                return None;
            }
        } else if at > copied {
            let written = |value: &Value<'c, 'a>| views.values.contains(value);
            // From here on two names stand for one memory.
            if hits(&effects.writes) || effects.writes.iter().any(written) {
                return None;
            }
        }
    }
    Some(Plan {
        first: ops[earliest],
        hoist,
    })
}

fn is_view(op: OperationRef) -> bool {
    op.result_count() > 0
        && op.results().all(|result| alias::is_memref(result.into()))
        && op.region_count() == 0
}

/// The ops that make the destination and stand after `first`, in order, if they may move before that.
fn hoist<'c, 'a>(
    to: Value<'c, 'a>,
    ops: &[OperationRef<'c, 'a>],
    first: usize,
) -> Option<Vec<OperationRef<'c, 'a>>> {
    let mut needed = vec![];
    let mut pending = vec![to];
    while let Some(value) = pending.pop() {
        if value.is_block_argument() {
            continue;
        }
        let op = OperationResult::try_from(value).ok()?.owner();
        let Some(at) = ops.iter().position(|other| *other == op) else {
            continue;
        };
        if at < first || needed.contains(&at) {
            continue;
        }
        let name = alias::name(op);
        if !is_view(op) && !name.starts_with("arith.") && name != "memref.dim" {
            return None;
        }
        needed.push(at);
        pending.extend(op.operands());
    }
    needed.sort_unstable();
    Some(needed.into_iter().map(|at| ops[at]).collect())
}

/// Whether a linalg op writes each element of `from` once and reads `to` only at the index that it writes.
fn elementwise(op: OperationRef, from: Value, to: Value) -> bool {
    if !alias::name(op).starts_with("linalg.") {
        return false;
    }
    let (Some(maps), Some(kinds)) = (list(op, "indexing_maps"), list(op, "iterator_types")) else {
        return false;
    };
    if maps.len() != op.operand_count()
        || !kinds
            .iter()
            .all(|kind| kind.to_string().contains("parallel"))
    {
        return false;
    }
    let maps: Vec<_> = maps.iter().map(|map| map.to_string()).collect();
    let outputs = alias::destination_count(op);
    let first_output = op.operand_count() - outputs;
    let Some(written) = (first_output..op.operand_count()).find(|i| op.operand(*i) == Ok(from))
    else {
        return false;
    };
    // Each index once: as many results as loops, all of them loops.
    if !permutes(&maps[written], kinds.len()) {
        return false;
    }
    // A body may load from anywhere.
    let loads = alias::blocks(op)
        .into_iter()
        .flat_map(operations)
        .flat_map(|op| op.operands().collect::<Vec<_>>());
    if loads
        .into_iter()
        .any(|value| alias::is_memref(value) && may_alias(value, to))
    {
        return false;
    }
    (0..op.operand_count()).all(|i| {
        let Ok(operand) = op.operand(i) else {
            return false;
        };
        let disjoint = !alias::is_memref(operand) || operand == from || !may_alias(operand, to);
        disjoint || (operand == to && i < first_output && maps[i] == maps[written])
    })
}

/// Whether a map such as `affine_map<(d0, d1) -> (d1, d0)>` permutes its loops.
fn permutes(map: &str, loops: usize) -> bool {
    let Some((_, results)) = map.split_once("-> (") else {
        return false;
    };
    let mut results: Vec<_> = results.trim_end_matches([')', '>']).split(", ").collect();
    results.sort_unstable();
    results.dedup();
    let a_loop = |text: &&str| {
        text.strip_prefix('d')
            .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    };
    match results[..] {
        [""] => loops == 0,
        _ => results.len() == loops && results.iter().all(a_loop),
    }
}

fn list<'c>(op: OperationRef<'c, '_>, name: &str) -> Option<Vec<Attribute<'c>>> {
    let array = ArrayAttribute::try_from(op.attribute(name).ok()?).ok()?;
    (0..array.len()).map(|i| array.element(i).ok()).collect()
}
