//! Lets contractions read what is only turned for them, and write what is only turned behind them, as it lies.
//!
//! Before:
//! ```mlir
//! %t = linalg.generic {indexing_maps = [(c, n, i) -> (n, c, i), (c, n, i) -> (c, n, i)]} ins(%x) outs(%e) { yield }
//! %y = linalg.generic {dl.contraction, indexing_maps = [(c, o, k, n, i) -> (c, n, i + k), …]} ins(%t, %w) outs(%zero) { mulf, addf }
//! ```
//! After:
//! ```mlir
//! %y = linalg.generic {dl.contraction, indexing_maps = [(c, o, k, n, i) -> (n, c, i + k), …]} ins(%x, %w) outs(%zero) { mulf, addf }
//! ```
//! A transposition of the result is likewise part of the map of the result, which is then written where it belongs. The innermost axis
//! has to stay the innermost: kernels want elements side by side.
//!
//! *Requires*: `linalg.generic` on tensors. *Ensures*: nothing; it is an optimisation.
//! *Does not*: look through transpositions that move the innermost axis, or that others read behind a contraction.

use crate::{
    emit::Emitter,
    fuse::{Node, Spaces},
    linalg::{self, Access, Generic, expressions, map_of},
    remarks::Remarks,
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        inspect::{defining_op, is_used},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, RegionLike, Value, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fold-transposes",
    summary: "Let contractions read and write what is transposed as it lies",
    anchor: Anchor::Func,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let mut contractions = walk::named(func, "linalg.generic");
    contractions.retain(|op| op.has_attribute(linalg::CONTRACTION) && op.result_count() == 1);
    let (remarks, spaces) = (Remarks::of(func), Spaces::of(func));
    for op in contractions {
        inputs(cx, op, (&remarks, &spaces));
        result(cx, op, (&remarks, &spaces));
    }
    Ok(())
}

/// Who tells, and what is known of sizes.
type Told<'x, 'c> = (&'x Remarks<'c>, &'x Spaces);

/// Tells that a contraction reads or writes as it lies what was turned.
fn tell<'c: 'a, 'a>((remarks, spaces): Told, op: OperationRef<'c, 'a>, turned: &Node<'c, 'a>) {
    if remarks.asked() {
        let saved = Remarks::size(linalg::results(turned.op)[0], spaces, 2);
        let how = "reads or writes what is transposed as it lies";
        remarks.fused(turned.op.location(), op.location(), how, &saved);
    }
}

/// Reads the inputs as they lie.
fn inputs<'c: 'a, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>, told: Told) -> Option<()> {
    let mut maps = expressions(op)?;
    let loops = linalg::iterators(op)?.len();
    let inputs = op.operand_count() - 1;
    for (index, map) in maps.iter_mut().enumerate().take(inputs) {
        while let Some(turned) = Node::making(op.operand(index).ok()?).filter(keeps_innermost) {
            let source = &turned.generic.inputs[0];
            let axes = source.loops.iter();
            *map = axes.map(|axis| map[*axis].clone()).collect();
            edit::set_operand(op, index, source.value);
            tell(told, op, &turned);
            if !is_used(linalg::results(turned.op)[0]) {
                edit::erase(cx, turned.op);
            }
        }
    }
    let e = Emitter::before(cx, op);
    let maps = maps.iter().map(|axes| map_of(loops, axes));
    let maps = maps.collect::<Vec<_>>().join(", ");
    edit::set_attribute(op, "indexing_maps", e.attr(&format!("[{maps}]")));
    Some(())
}

/// Writes the result as it is wanted, where nothing else reads it.
fn result<'c: 'a, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>, told: Told) -> Option<()> {
    let made = linalg::results(op)[0];
    let [(reader, 0)] = edit::uses(made)[..] else {
        return None;
    };
    let turned = Node::read(reader).filter(keeps_innermost)?;
    if reader.block() != op.block() {
        return None;
    }
    let fill = defining_op(op.operand(op.operand_count() - 1).ok()?)?;
    if !walk::is(fill, "linalg.fill") {
        return None;
    }
    let mut maps = expressions(op)?;
    let iterators = linalg::iterators(op)?;
    let own = maps.pop()?;
    let axes = &turned.generic.inputs[0].loops;
    let place = |axis: usize| axes.iter().position(|from| *from == axis);
    let axes = (0..axes.len()).map(|axis| Some(own[place(axis)?].clone()));
    maps.push(axes.collect::<Option<_>>()?);
    let maps = maps.iter().map(|axes| map_of(iterators.len(), axes));
    let maps = maps.collect::<Vec<_>>();

    tell(told, op, &turned);
    // Behind everything that the transposition's destination is made of.
    let e = Emitter::before(cx, reader);
    let start = linalg::fill(&e, fill.operand(0).ok()?, turned.generic.outputs[0].value);
    let access = |value: Value<'c, 'a>| Access {
        value,
        loops: vec![],
    };
    let inputs = op.operands().take(op.operand_count() - 1);
    let generic = Generic {
        iterators,
        inputs: inputs.map(access).collect(),
        outputs: vec![access(start)],
        attributes: vec![(linalg::CONTRACTION, op.attribute(linalg::CONTRACTION).ok()?)],
    };
    let (new, block) = generic.declare_mapped(&e, &maps);
    let body = op.region(0).ok()?.first_block()?;
    IrRewriter::new(cx)
        .as_rewriter_base()
        .merge_blocks(body, block, &linalg::arguments(block));
    edit::replace_uses(linalg::results(reader)[0], linalg::results(new)[0]);
    edit::erase(cx, reader);
    edit::erase(cx, op);
    if !is_used(linalg::results(fill)[0]) {
        edit::erase(cx, fill);
    }
    Some(())
}

/// Whether the op only puts axes in another order, the last one staying where it is.
fn keeps_innermost(node: &Node) -> bool {
    let last = |node: &Node| node.generic.inputs[0].loops.last() == Some(&(node.loops() - 1));
    node.is_elementwise() && node.is_permutation() && last(node)
}
