//! Which ops of a block depend on which.

use crate::{linalg, walk};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::ir::{BlockRef, OperationRef, Value, operation::OperationLike};
use std::collections::HashSet;

/// The op of `block` in which an op stands, or which it is.
pub fn ancestor<'c: 'a, 'a>(
    block: BlockRef<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let mut at = op;
    while at.block()? != block {
        at = at.parent_operation()?;
    }
    Some(at)
}

/// The ops of `block` that use a value, themselves or inside.
pub fn users<'c: 'a, 'a>(
    block: BlockRef<'c, 'a>,
    value: Value<'c, 'a>,
) -> Vec<OperationRef<'c, 'a>> {
    edit::uses(value)
        .into_iter()
        .filter_map(|(op, _)| ancestor(block, op))
        .collect()
}

/// The ops between `first` and `second` that depend on `first` and could stand after `second` instead; `None` if
/// `second` depends on one of them, or if one has effects.
pub fn movable<'c: 'a, 'a>(
    first: OperationRef<'c, 'a>,
    second: OperationRef<'c, 'a>,
) -> Option<Vec<OperationRef<'c, 'a>>> {
    let mut made: HashSet<usize> = linalg::results(first).into_iter().map(identity).collect();
    let mut found = vec![];
    let mut next = first.next_in_block();
    while let Some(op) = next {
        if op == second {
            break;
        }
        if depends(op, &made) {
            let name = edit::name(op);
            let pure = ["linalg.", "tensor.", "arith.", "math.", "scf."];
            // A loop may print, which is a call by now.
            let calls = !walk::named(op, "func.call").is_empty();
            if calls || !pure.iter().any(|prefix| name.starts_with(prefix)) {
                return None;
            }
            made.extend(linalg::results(op).into_iter().map(identity));
            found.push(op);
        }
        next = op.next_in_block();
    }
    // `second` may use what `first` makes, but nothing that the others make.
    for value in linalg::results(first) {
        made.remove(&identity(value));
    }
    (!depends(second, &made)).then_some(found)
}

/// Whether an op uses one of some values, itself or inside.
fn depends(op: OperationRef, values: &HashSet<usize>) -> bool {
    let uses = |op: &OperationRef| op.operands().any(|value| values.contains(&identity(value)));
    uses(&op) || walk::inside(op).iter().any(uses)
}
