//! Chains of ops on tensors that may work in one memory, each on what the one before left.

use crate::alias::{common_block, in_block};
use dlc_dialects::ir::edit;
use melior::ir::{
    BlockLike, OperationRef, RegionLike, Value, ValueLike,
    operation::{OperationLike, OperationResult},
};

/// The operation that made a value, and which result it is.
pub fn result_of<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationResult<'c, 'a>> {
    match value.is_operation_result() {
        true => OperationResult::try_from(value).ok(),
        false => None,
    }
}

/// The number of the operand whose memory an op's result is made in, if it has one.
fn operand_before(result: OperationResult) -> Option<usize> {
    let op = result.owner();
    Some(match edit::name(op) {
        "linalg.generic" => op.operand_count() - op.result_count() + result.result_number(),
        "linalg.fill"
        | "tensor.insert_slice"
        | "tensor.insert"
        | "bufferization.materialize_in_destination" => 1,
        "scf.for" => 3 + result.result_number(),
        "scf.while" if result.result_number() < op.operand_count() => result.result_number(),
        "tensor.cast"
        | "tensor.extract_slice"
        | "tensor.collapse_shape"
        | "tensor.expand_shape" => 0,
        _ => return None,
    })
}

/// What the sides of a branch give for a result.
fn sides<'c: 'a, 'a>(result: OperationResult<'c, 'a>) -> Option<[Value<'c, 'a>; 2]> {
    let op = result.owner();
    if edit::name(op) != "scf.if" {
        return None;
    }
    let side = |region| {
        let block = op.region(region).ok()?.first_block()?;
        block.terminator()?.operand(result.result_number()).ok()
    };
    Some([side(0)?, side(1)?])
}

/// The tensor at the start of a value's chain. That of a branch goes on where both sides start from one tensor.
pub fn root<'c: 'a, 'a>(mut value: Value<'c, 'a>) -> Value<'c, 'a> {
    while let Some(result) = result_of(value) {
        let before = match sides(result) {
            Some([first, second]) => {
                let (first, second) = (root(first), root(second));
                (first == second).then_some(first)
            }
            None => operand_before(result).and_then(|i| result.owner().operand(i).ok()),
        };
        match before {
            Some(before) => value = before,
            None => break,
        }
    }
    value
}

/// The ops of a value's chain, each with the operand that it works on, back to the root.
fn links<'c: 'a, 'a>(
    mut value: Value<'c, 'a>,
    root: Value<'c, 'a>,
    found: &mut Vec<(OperationRef<'c, 'a>, usize)>,
) {
    while value != root {
        let Some(result) = result_of(value) else {
            return;
        };
        if let Some(sides) = sides(result) {
            sides.into_iter().for_each(|side| links(side, root, found));
            return;
        }
        let Some(operand) = operand_before(result) else {
            return;
        };
        found.push((result.owner(), operand));
        match result.owner().operand(operand) {
            Ok(before) => value = before,
            Err(_) => return,
        }
    }
}

/// Whether an op of a value's chain gives another shape than it takes, so that types with unknown sizes that are equal
/// say nothing about the sizes.
pub fn changes_shape<'c: 'a, 'a>(value: Value<'c, 'a>, root: Value<'c, 'a>) -> bool {
    const CHANGE: [&str; 3] = [
        "tensor.extract_slice",
        "tensor.collapse_shape",
        "tensor.expand_shape",
    ];
    let mut found = vec![];
    links(value, root, &mut found);
    found
        .into_iter()
        .any(|(op, _)| CHANGE.contains(&edit::name(op)))
}

/// Whether a loop or a branch takes part in a value's chain.
pub fn has_regions<'c: 'a, 'a>(value: Value<'c, 'a>) -> bool {
    let mut at = value;
    while let Some(result) = result_of(at) {
        if edit::name(result.owner()).starts_with("scf.") {
            return true;
        }
        match operand_before(result).and_then(|i| result.owner().operand(i).ok()) {
            Some(before) => at = before,
            None => return false,
        }
    }
    false
}

/// Whether nothing but one last op needs what the ops of a value's chain overwrite once they have.
pub fn overwrites_freely<'c: 'a, 'a>(
    value: Value<'c, 'a>,
    root: Value<'c, 'a>,
    last: OperationRef<'c, 'a>,
) -> bool {
    let mut found = vec![];
    links(value, root, &mut found);
    found.into_iter().all(|(op, operand)| {
        let Ok(before) = op.operand(operand) else {
            return false;
        };
        let mut others = edit::uses(before).into_iter();
        others.all(|(user, i)| user == last || (user == op && i == operand) || is_done(user, op))
    })
}

/// Whether an op has run, for good, when another one runs, or does not run at all.
fn is_done<'c, 'a>(user: OperationRef<'c, 'a>, op: OperationRef<'c, 'a>) -> bool {
    let Some(block) = common_block(&[user, op]) else {
        return false;
    };
    let (Some(user), Some(op)) = (in_block(user, &block), in_block(op, &block)) else {
        return false;
    };
    if user == op {
        // On the other side of a branch.
        return edit::name(op) == "scf.if";
    }
    std::iter::successors(user.next_in_block(), |next| next.next_in_block()).any(|next| next == op)
}
