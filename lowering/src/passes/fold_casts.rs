//! Lets contractions read what is only made wider for them as it is stored.
//!
//! Before:
//! ```mlir
//! %w = linalg.generic {indexing_maps = [(k, n) -> (k, n), (k, n) -> (k, n)]} ins(%x : tensor<64x10xbf16>) outs(%e) { extf }
//! %y = linalg.generic {dl.contraction} ins(%a, %w : tensor<?x64xf32>, tensor<64x10xf32>) outs(%zero) { mulf, addf }
//! ```
//! After:
//! ```mlir
//! %y = linalg.generic {dl.contraction} ins(%a, %x : tensor<?x64xf32>, tensor<64x10xbf16>) outs(%zero) { extf, mulf, addf }
//! ```
//! Each number is the same, wherever it is made wider. Kernels do it where they pack, and what they read is smaller; what is
//! small enough is multiplied as it is stored where the target has instructions for that.
//!
//! *Requires*: `linalg.generic` on tensors. *Ensures*: nothing; it is an optimisation.
//! *Does not*: look through conversions that keep or lower the number of bits, or that move the innermost axis.

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
        inspect::is_used,
        shape::{element_of, width},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, RegionLike, Value, ValueLike, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fold-casts",
    summary: "Let contractions read what is made wider for them as it is stored",
    anchor: Anchor::Func,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let mut contractions = walk::named(func, "linalg.generic");
    contractions.retain(|op| op.has_attribute(linalg::CONTRACTION) && op.result_count() == 1);
    let (remarks, spaces) = (Remarks::of(func), Spaces::of(func));
    for op in contractions {
        fold(cx, op, &remarks, &spaces);
    }
    Ok(())
}

/// The op that makes one input wider, element by element.
struct Cast<'c, 'a> {
    node: Node<'c, 'a>,
    /// The op of the body.
    op: OperationRef<'c, 'a>,
}

impl<'c: 'a, 'a> Cast<'c, 'a> {
    fn making(value: Value<'c, 'a>) -> Option<Self> {
        let node = Node::making(value)?;
        let [input] = &node.generic.inputs[..] else {
            return None;
        };
        let last = node.loops().checked_sub(1)?;
        let [op] = node.ops()[..] else {
            return None;
        };
        let known = [
            "arith.extf",
            "arith.extsi",
            "arith.extui",
            "arith.sitofp",
            "arith.uitofp",
        ];
        let (from, to) = (op.operand(0).ok()?, Value::from(op.result(0).ok()?));
        let body = node.body();
        let end = op.next_in_block()?;
        let casts = known.contains(&edit::name(op))
            && width(from.r#type()) < width(to.r#type())
            && node.is_elementwise()
            && input.loops.len() == node.loops()
            && input.loops.last() == Some(&last)
            && from == linalg::arguments(body)[0]
            && end.operand(0) == Ok(to);
        casts.then_some(Self { node, op })
    }
}

fn fold<'c: 'a, 'a>(
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
    remarks: &Remarks<'c>,
    spaces: &Spaces,
) -> Option<()> {
    let operands: Vec<_> = op.operands().collect();
    let (result, inputs) = operands.split_last()?;
    let casts: Vec<_> = inputs.iter().map(|input| Cast::making(*input)).collect();
    if casts.iter().all(Option::is_none) {
        return None;
    }
    let mut maps = expressions(op)?;
    let mut sources = inputs.to_vec();
    for (i, cast) in casts.iter().enumerate() {
        let Some(cast) = cast else { continue };
        let source = &cast.node.generic.inputs[0];
        let axes = source.loops.iter();
        maps[i] = axes.map(|axis| maps[i][*axis].clone()).collect();
        sources[i] = source.value;
        if remarks.asked() {
            let saved = Remarks::size(inputs[i], spaces, 2);
            let how = "reads as it is stored what is made wider for it";
            remarks.fused(cast.node.op.location(), op.location(), how, &saved);
        }
    }
    let iterators = linalg::iterators(op)?;
    let maps: Vec<_> = maps
        .iter()
        .map(|axes| map_of(iterators.len(), axes))
        .collect();
    let access = |value: &Value<'c, 'a>| Access {
        value: *value,
        loops: vec![],
    };
    let generic = Generic {
        iterators,
        inputs: sources.iter().map(access).collect(),
        outputs: vec![access(result)],
        attributes: vec![(linalg::CONTRACTION, op.attribute(linalg::CONTRACTION).ok()?)],
    };
    let e = Emitter::before(cx, op);
    let (new, block) = generic.declare_mapped(&e, &maps);
    let inside = Emitter::at_end(cx, op.location(), block);
    let mut arguments = linalg::arguments(block);
    for (argument, cast) in arguments.iter_mut().zip(&casts) {
        if let Some(cast) = cast {
            let wide = element_of(linalg::results(cast.node.op)[0]);
            *argument = inside.op(edit::name(cast.op), &[*argument], wide);
        }
    }
    let body = op.region(0).ok()?.first_block()?;
    IrRewriter::new(cx)
        .as_rewriter_base()
        .merge_blocks(body, block, &arguments);
    edit::replace_uses(linalg::results(op)[0], linalg::results(new)[0]);
    edit::erase(cx, op);
    // One op may make both inputs.
    let mut casts: Vec<_> = casts
        .into_iter()
        .flatten()
        .map(|cast| cast.node.op)
        .collect();
    casts.dedup();
    for cast in casts {
        if !is_used(linalg::results(cast)[0]) {
            edit::erase(cx, cast);
        }
    }
    Some(())
}
