//! Results that start as zeros.

use crate::walk;
use dlc_dialects::ir::edit;
use melior::ir::{OperationRef, Value, operation::OperationLike};

/// The last fill of `c` before `op`, if it is with zeros and nothing in between reads or writes `c`.
pub(crate) fn fill_before<'c, 'a>(
    op: OperationRef<'c, 'a>,
    c: Value<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let fills = edit::uses(c).into_iter().map(|(user, _)| user);
    let fills = fills.filter(|user| {
        let fills = walk::is(*user, "linalg.fill") && user.operand(1) == Ok(c);
        fills && user.block() == op.block() && user.is_before_in_block(op)
    });
    let fill = fills.reduce(|last, fill| match last.is_before_in_block(fill) {
        true => fill,
        false => last,
    })?;
    let mut between = std::iter::successors(fill.next_in_block(), |op| op.next_in_block());
    let harmless = between.by_ref().take_while(|here| *here != op).all(|op| {
        let touches = op.operands().any(|operand| operand == c);
        match edit::name(op) {
            "linalg.fill"
            | "memref.alloc"
            | "memref.dim"
            | "memref.extract_strided_metadata"
            | "memref.reinterpret_cast" => true,
            name => name.starts_with("arith.") && !touches,
        }
    });
    (harmless && is_zero(fill.operand(0).ok()?)).then_some(fill)
}

/// Whether a value is a constant of zero.
pub(crate) fn is_zero(value: Value) -> bool {
    let Ok(result) = melior::ir::operation::OperationResult::try_from(value) else {
        return false;
    };
    let text = result
        .owner()
        .attribute("value")
        .map(|value| value.to_string());
    text.is_ok_and(|text| text.starts_with("0.000000e+00") || text.starts_with("0 : "))
}
