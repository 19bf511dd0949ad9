//! How many floating-point operations a function does, as a polynomial in its dims: read off `linalg` on tensors.

use crate::{
    alias::{blocks, operations},
    entry::list,
    fuse::Spaces,
    linalg,
    size::{constant, dominates},
};
use dlc_abi::Poly;
use dlc_dialects::ir::{edit, inspect::defining_op};
use melior::ir::{
    BlockRef, OperationRef, Value,
    attribute::IntegerAttribute,
    operation::{OperationLike, OperationResult},
};

/// The operations of a function: each addition, multiplication, division, comparison of sizes (`max`) and function of
/// `math` on floats counts 1, a fused multiply-add 2; so a product of m × k and k × n counts 2 * m * n * k. Of a branch the larger
/// side counts. Nothing where a loop runs as often as values say.
pub fn count(func: OperationRef) -> Option<Poly> {
    let spaces = Spaces::of(func);
    sum(blocks(func), &spaces)
}

/// The same by operation, in order: what each does in all its rounds. Of a branch both sides count; nothing where it follows from
/// values only how often it runs.
pub fn each<'c, 'a>(func: OperationRef<'c, 'a>) -> Vec<(OperationRef<'c, 'a>, Option<Poly>)> {
    let spaces = Spaces::of(func);
    let mut found = vec![];
    collect(func, &Some(Poly::one()), &spaces, &mut found);
    found
}

fn collect<'c, 'a>(
    around: OperationRef<'c, 'a>,
    times: &Option<Poly>,
    spaces: &Spaces,
    found: &mut Vec<(OperationRef<'c, 'a>, Option<Poly>)>,
) {
    for op in blocks(around).into_iter().flat_map(operations) {
        match edit::name(op) {
            "scf.for" => {
                let inner = trips(op, spaces).and_then(|trips| Some(times.clone()? * trips));
                collect(op, &inner, spaces, found);
            }
            "scf.while" => collect(op, &None, spaces, found),
            "scf.if" => collect(op, times, spaces, found),
            _ => {
                let flops = of(op, spaces).and_then(|flops| match flops.as_const() {
                    Some(0) => Some(flops),
                    _ => Some(times.clone()? * flops),
                });
                found.push((op, flops));
            }
        }
    }
}

/// How often a loop runs.
fn trips(op: OperationRef, spaces: &Spaces) -> Option<Poly> {
    let [low, high, step] = [0, 1, 2].map(|i| op.operand(i).ok());
    let step = spaces.index(step?).as_const()?;
    let length = spaces.index(chosen(high?)) - spaces.index(low?) + Poly::constant(step - 1);
    length.floor_div(step)
}

/// Of a choice between two values that is known, the one that is taken.
fn chosen<'c: 'a, 'a>(value: Value<'c, 'a>) -> Value<'c, 'a> {
    let taken = || {
        let select = defining_op(value).filter(|op| edit::name(*op) == "arith.select")?;
        let compare = defining_op(select.operand(0).ok()?)?;
        let equality = edit::name(compare) == "arith.cmpi"
            && compare
                .attribute("predicate")
                .ok()?
                .to_string()
                .starts_with("0 ");
        let [a, b] = [0, 1].map(|i| constant(compare.operand(i).ok()?));
        let side = if a? == b? { 1 } else { 2 };
        select.operand(side).ok().filter(|_| equality)
    };
    taken().unwrap_or(value)
}

fn sum(blocks: Vec<BlockRef>, spaces: &Spaces) -> Option<Poly> {
    let ops = blocks.into_iter().flat_map(operations);
    ops.map(|op| of(op, spaces))
        .try_fold(Poly::zero(), |sum, flops| Some(sum + flops?))
}

fn of(op: OperationRef, spaces: &Spaces) -> Option<Poly> {
    match edit::name(op) {
        "linalg.generic" => {
            let body = sum(blocks(op), spaces)?;
            match body.as_const() {
                Some(0) => Some(body),
                _ => Some(rounds(op, spaces)? * body),
            }
        }
        "scf.for" => {
            let body = sum(blocks(op), spaces)?;
            Some(trips(op, spaces)? * body)
        }
        "scf.while" => sum(blocks(op), spaces).filter(|body| body.as_const() == Some(0)),
        "scf.if" => {
            let sides = blocks(op).into_iter().map(|side| sum(vec![side], spaces));
            sides.reduce(|a, b| {
                let (a, b) = (a?, b?);
                Some(if dominates(&a, &b) { a } else { b })
            })?
        }
        "math.fma" => Some(Poly::constant(2)),
        "arith.addf" | "arith.subf" | "arith.mulf" | "arith.divf" | "arith.remf"
        | "arith.maximumf" | "arith.minimumf" | "arith.maxnumf" | "arith.minnumf" => {
            Some(Poly::one())
        }
        name if name.starts_with("math.") => Some(Poly::one()),
        _ => sum(blocks(op), spaces),
    }
}

/// How often the body of a generic runs: the product of its loops, each as long as an axis that it alone is the index of.
fn rounds(op: OperationRef, spaces: &Spaces) -> Option<Poly> {
    let maps = linalg::expressions(op)?;
    let length = |l: usize| {
        let name = format!("d{l}");
        let mut lengths = op.operands().zip(&maps).filter_map(|(value, axes)| {
            let axis = axes.iter().position(|axis| *axis == name)?;
            size(value, axis, spaces)
        });
        lengths.next()
    };
    let loops = 0..linalg::iterators(op)?.len();
    loops
        .map(length)
        .try_fold(Poly::one(), |product, length| Some(product * length?))
}

/// The size of an axis, where it follows from the dims.
fn size(value: Value, axis: usize, spaces: &Spaces) -> Option<Poly> {
    let known = |size: &Poly| size.names().iter().all(|name| !name.starts_with('%'));
    let size_here = spaces.of_buffer(value).get(axis).cloned().filter(known);
    size_here.or_else(|| {
        let op = defining_op(value)?;
        let operand = |i: usize| op.operand(i).ok();
        match edit::name(op) {
            "tensor.collapse_shape" => {
                let groups = list(op.attribute("reassociation").ok())?;
                let axes = list(groups.get(axis).copied())?;
                axes.into_iter().try_fold(Poly::one(), |product, axis| {
                    let axis = IntegerAttribute::try_from(axis).ok()?.value();
                    Some(product * size(operand(0)?, usize::try_from(axis).ok()?, spaces)?)
                })
            }
            // What is made has the sizes of what it is written to.
            "linalg.generic" => {
                let number = OperationResult::try_from(value).ok()?.result_number();
                let out = op.operand_count() - op.result_count() + number;
                size(operand(out)?, axis, spaces)
            }
            "linalg.fill" | "tensor.insert_slice" => size(operand(1)?, axis, spaces),
            _ => None,
        }
    })
}
