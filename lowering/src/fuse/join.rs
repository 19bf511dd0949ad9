//! Two generics become one.

use super::Node;
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, OperationRef, RegionLike, Value, operation::OperationLike},
};

/// What becomes of the first op's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// Only the second op uses them.
    Inside,
    /// They are results of the new op too.
    Kept,
}

/// Joins two ops in the place of the second. Loop i of the first is loop `loops[i]` of the second. Where the second
/// reads a result of the first at the index at which it is made, it takes it from the body. Both ops go away.
pub fn join<'c: 'a, 'a>(
    context: &'c Context,
    first: &Node<'c, 'a>,
    second: &Node<'c, 'a>,
    loops: &[usize],
    kept: Results,
) -> OperationRef<'c, 'a> {
    let moved = |access: &Access<'c, 'a>| Access {
        value: access.value,
        loops: access.loops.iter().map(|l| loops[*l]).collect(),
    };
    let firsts = first.generic.inputs.iter().map(moved).collect::<Vec<_>>();
    let outs = first.generic.outputs.iter().map(moved).collect::<Vec<_>>();
    let made = linalg::results(first.op);
    // For each input of the second op the result of the first that it is, if it is one.
    let linked = second
        .generic
        .inputs
        .iter()
        .map(|access| {
            let same = |(result, out): (&Value, &Access)| {
                identity(*result) == identity(access.value) && out.loops == access.loops
            };
            made.iter().zip(&outs).position(same)
        })
        .collect::<Vec<_>>();
    let mut inputs: Vec<Access<'c, 'a>> = vec![];
    let mut place = |access: &Access<'c, 'a>| {
        let same = |old: &Access| {
            identity(old.value) == identity(access.value) && old.loops == access.loops
        };
        inputs.iter().position(same).unwrap_or_else(|| {
            inputs.push(access.clone());
            inputs.len() - 1
        })
    };
    let from_first = firsts.iter().map(&mut place).collect::<Vec<_>>();
    let from_second = second
        .generic
        .inputs
        .iter()
        .zip(&linked)
        .map(|(access, link)| link.is_none().then(|| place(access)))
        .collect::<Vec<_>>();
    // A result that only the second op reads is not written, even where others are kept; but one that goes on from what
    // was there before is, be it read by others or not.
    let needed = |(i, result): (usize, &Value<'c, 'a>)| {
        let mut users = edit::uses(*result).into_iter();
        kept == Results::Kept && (first.goes_on(i) || users.any(|(user, _)| user != second.op))
    };
    let needed = made.iter().enumerate().map(needed).collect::<Vec<_>>();
    let mut outputs = second.generic.outputs.clone();
    outputs.extend(
        outs.into_iter()
            .zip(&needed)
            .filter(|(_, needed)| **needed)
            .map(|(out, _)| out),
    );
    let mut iterators = second.generic.iterators.clone();
    for (i, iterator) in first.generic.iterators.iter().enumerate() {
        if *iterator == Iterator::Reduction {
            iterators[loops[i]] = Iterator::Reduction;
        }
    }
    let (count, own) = (inputs.len(), second.generic.outputs.len());
    let generic = Generic {
        iterators,
        inputs,
        outputs,
        attributes: second.generic.attributes.clone(),
    };
    let e = Emitter::before(context, second.op);
    let (op, block) = generic.declare(&e);
    let arguments = linalg::arguments(block);

    let rewriter = IrRewriter::new(context);
    let rewriter = rewriter.as_rewriter_base();
    renumber(context, first, loops);
    let mut values = from_first.iter().map(|i| arguments[*i]).collect::<Vec<_>>();
    // Elementwise bodies do not read what they overwrite; a kept result has an argument of its own.
    let mut extra = arguments[count + own..].iter();
    values.extend(needed.iter().map(|needed| match needed {
        true => *extra.next().expect("an argument for each output"),
        false => arguments[count],
    }));
    rewriter.merge_blocks(first.body(), block, &values);
    let yielded = end(context, op);
    let mut values = from_second
        .iter()
        .zip(&linked)
        .map(|(argument, link)| match (argument, link) {
            (Some(i), _) => arguments[*i],
            (None, Some(link)) => yielded[*link],
            (None, None) => unreachable!("an input is linked or has an argument"),
        })
        .collect::<Vec<_>>();
    values.extend((0..own).map(|i| arguments[count + i]));
    rewriter.merge_blocks(second.body(), block, &values);
    let mut all = end(context, op);
    all.extend(
        yielded
            .into_iter()
            .zip(&needed)
            .filter(|(_, needed)| **needed)
            .map(|(value, _)| value),
    );
    Emitter::at_end(context, e.location(), block).effect("linalg.yield", &all, &[]);

    let results = linalg::results(op);
    for (old, new) in linalg::results(second.op).into_iter().zip(&results) {
        edit::replace_uses(old, *new);
    }
    let needed = made.into_iter().zip(&needed).filter(|(_, needed)| **needed);
    for ((old, _), new) in needed.zip(&results[own..]) {
        edit::replace_uses(old, *new);
    }
    edit::erase(context, second.op);
    edit::erase(context, first.op);
    op
}

/// Removes the yield at the end of the body and gives its operands.
fn end<'c, 'a>(context: &'c Context, op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let block = op.region(0).ok().and_then(|region| region.first_block());
    let mut last = block
        .and_then(|block| block.first_operation())
        .expect("a body ends with a yield");
    while let Some(next) = last.next_in_block() {
        last = next;
    }
    let yielded = last.operands().collect();
    edit::erase(context, last);
    yielded
}

/// Lets `linalg.index` in a body speak of other loops.
fn renumber<'c: 'a, 'a>(context: &'c Context, node: &Node<'c, 'a>, loops: &[usize]) {
    for op in node.ops() {
        if edit::name(op) == "linalg.index" {
            let e = Emitter::before(context, op);
            let dim = op
                .attribute("dim")
                .map(|dim| dim.to_string())
                .unwrap_or_default();
            let dim = dim
                .split(' ')
                .next()
                .and_then(|dim| dim.parse::<usize>().ok());
            let dim = dim.expect("the op names a loop");
            edit::set_attribute(op, "dim", e.attr(&format!("{} : i64", loops[dim])));
        }
    }
}
