//! Rewrites of single ops that make the same bits with less work. A derivative is full of them: ones that seeds leave
//! behind, transposes that a product could read through, comparisons of constants.
//!
//! A rewrite is a row of a table; each says why it is exact. Exact is meant in the sense of IEEE 754, for infinities
//! and both zeros too; which NaN a NaN is, and its sign, are left open, as they are by the ops themselves.

pub mod arithmetic;
pub mod constant;
pub mod contract;
pub mod shape;

use dlc_dialects::{
    ir::{builder::Builder, inspect::defining_op},
    ops::OpKind,
};
use melior::ir::{OperationRef, Value, operation::OperationLike};

/// A rewrite of one op.
pub struct Rewrite {
    /// What it does, in few words.
    pub name: &'static str,
    /// The ops that it may apply to; none for all elementwise ops.
    pub kinds: &'static [OpKind],
    /// A value for the op's result, built before the op; `None` where the rewrite does not apply. It builds nothing
    /// when it gives `None`, and what it gives is a step towards an end: nothing takes it back.
    pub apply: for<'c, 'a> fn(&Builder<'c, 'a>, OperationRef<'c, 'a>) -> Option<Value<'c, 'a>>,
}

/// All rewrites.
pub const REWRITES: &[&[Rewrite]] = &[
    constant::REWRITES,
    arithmetic::REWRITES,
    shape::REWRITES,
    contract::REWRITES,
];

/// The first rewrite that applies to an op, applied.
pub fn simplify<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let kind = OpKind::of(&op)?;
    REWRITES
        .iter()
        .flat_map(|table| table.iter())
        .filter(|rewrite| match rewrite.kinds {
            [] => kind.elementwise().is_some(),
            kinds => kinds.contains(&kind),
        })
        .find_map(|rewrite| (rewrite.apply)(b, op))
}

/// The op of a kind that made a value.
pub(crate) fn made_by<'c: 'a, 'a>(
    value: Value<'c, 'a>,
    kind: OpKind,
) -> Option<OperationRef<'c, 'a>> {
    let op = defining_op(value)?;
    (OpKind::of(&op) == Some(kind)).then_some(op)
}

/// The operand `x` of the op of a kind that made a value.
pub(crate) fn operand_of<'c: 'a, 'a>(value: Value<'c, 'a>, kind: OpKind) -> Option<Value<'c, 'a>> {
    Some(operand(made_by(value, kind)?, 0))
}

/// An operand that the op's record says is there.
pub(crate) fn operand<'c, 'a>(op: OperationRef<'c, 'a>, index: usize) -> Value<'c, 'a> {
    op.operand(index)
        .expect("the verifier has counted the operands")
}

/// The result of an op that has one.
pub(crate) fn result<'c, 'a>(op: OperationRef<'c, 'a>) -> Value<'c, 'a> {
    op.result(0).expect("the op has a result").into()
}
