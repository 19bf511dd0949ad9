//! How much work a loop is, as far as its ops and sizes tell: what the target needs for an op on one register counts 1.

use crate::{
    alias::{ancestors, operations},
    emit::Emitter,
    size::constant,
    walk,
};
use dlc_dialects::ir::{edit, inspect, shape};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, TypeLike, Value, ValueLike,
    operation::{OperationLike, OperationResult},
};

/// Rounds of a loop of which nothing is known outside.
pub const UNKNOWN_ROUNDS: i64 = 8;
/// What a function of `math` counts on one register: a polynomial.
pub const FUNCTION: i64 = 16;
/// Elements of the register that counts 1.
const LANES: i64 = 16;
/// Ops that compute addresses, which vanish in loops over vectors.
const FREE: &[&str] = &[
    "arith.constant",
    "memref.subview",
    "memref.cast",
    "memref.dim",
    "memref.reinterpret_cast",
    "memref.view",
    "scf.yield",
    "vector.broadcast",
    "vector.create_mask",
];

/// An amount that is known when compiling or when running.
#[derive(Clone, Copy)]
pub enum Amount<'c, 'a> {
    /// When compiling.
    Known(i64),
    /// When running, an index.
    Value(Value<'c, 'a>),
}

impl<'c, 'a> Amount<'c, 'a> {
    /// As an index value.
    pub fn value(self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        match self {
            Self::Known(n) => e.index(n),
            Self::Value(value) => value,
        }
    }

    fn of(value: Value<'c, 'a>) -> Self {
        constant(value).map_or(Self::Value(value), Self::Known)
    }

    /// The sum.
    pub fn plus(self, e: &Emitter<'c, 'a>, other: Self) -> Self {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => Self::Known(a.saturating_add(b)),
            (Self::Known(0), other) | (other, Self::Known(0)) => other,
            _ => Self::Value(e.add(self.value(e), other.value(e))),
        }
    }

    /// The product.
    pub fn times(self, e: &Emitter<'c, 'a>, other: Self) -> Self {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => Self::Known(a.saturating_mul(b)),
            (Self::Known(0), _) | (_, Self::Known(0)) => Self::Known(0),
            (Self::Known(1), other) | (other, Self::Known(1)) => other,
            _ => Self::Value(e.mul(self.value(e), other.value(e))),
        }
    }
}

/// Estimates what is inside a loop, with sizes that are known where it begins.
pub struct Work<'c, 'a> {
    e: Emitter<'c, 'a>,
    root: OperationRef<'c, 'a>,
}

impl<'c: 'a, 'a> Work<'c, 'a> {
    /// For what is inside `root`; amounts that are known when running are computed by `e`, before it.
    pub fn new(e: Emitter<'c, 'a>, root: OperationRef<'c, 'a>) -> Self {
        Self { e, root }
    }

    /// The rounds of an `scf.for`, at least 0; nothing if they are not known before the root.
    pub fn rounds(&self, op: OperationRef<'c, 'a>) -> Option<Amount<'c, 'a>> {
        let bound = |i| Some(Amount::of(self.before(op.operand(i).ok()?)?));
        let (low, high, step) = (bound(0)?, bound(1)?, bound(2)?);
        if let (Amount::Known(low), Amount::Known(high), Amount::Known(step)) = (low, high, step) {
            return Some(Amount::Known(
                (high - low + step - 1).div_euclid(step.max(1)).max(0),
            ));
        }
        let e = &self.e;
        let (low, high, step) = (low.value(e), high.value(e), step.value(e));
        let length = e.max(e.sub(high, low), e.index(0));
        let rounds = e.div(e.sub(e.add(length, step), e.index(1)), step);
        Some(Amount::Value(rounds))
    }

    /// The work of the ops of a block.
    pub fn of_block(&self, block: BlockRef<'c, 'a>) -> Amount<'c, 'a> {
        let ops = operations(block).into_iter();
        ops.fold(Amount::Known(0), |sum, op| sum.plus(&self.e, self.of(op)))
    }

    fn of(&self, op: OperationRef<'c, 'a>) -> Amount<'c, 'a> {
        let regions = || {
            let blocks = crate::alias::blocks(op).into_iter();
            blocks.fold(Amount::Known(0), |sum, b| {
                sum.plus(&self.e, self.of_block(b))
            })
        };
        match edit::name(op) {
            "scf.for" => {
                let rounds = self.rounds(op).unwrap_or(Amount::Known(UNKNOWN_ROUNDS));
                rounds.times(&self.e, regions())
            }
            "scf.while" => Amount::Known(UNKNOWN_ROUNDS).times(&self.e, regions()),
            "scf.if" => regions(),
            "func.call" => self.of_call(op).unwrap_or(Amount::Known(LANES)),
            name if FREE.contains(&name) => Amount::Known(0),
            name => {
                let registers = (0..op.result_count())
                    .filter_map(|i| op.result(i).ok())
                    .map(|x| {
                        let value = Value::from(x);
                        match value.r#type().is_vector() {
                            true => (shape::shape_of(value).iter().product::<i64>() / LANES).max(1),
                            false => 1,
                        }
                    });
                let registers = registers.max().unwrap_or(1);
                Amount::Known(match name.starts_with("math.") {
                    true => registers * FUNCTION,
                    false => registers,
                })
            }
        }
    }

    /// The products of a kernel, whose sizes are the last three of its arguments that are indices.
    fn of_call(&self, op: OperationRef<'c, 'a>) -> Option<Amount<'c, 'a>> {
        let indices = op
            .operands()
            .filter(|x| x.r#type().is_index())
            .collect::<Vec<_>>();
        let (_, sizes) = indices.split_last_chunk::<3>()?;
        let e = &self.e;
        let sizes = sizes.map(|size| self.before(size));
        let [m, n, k] = [
            Amount::of(sizes[0]?),
            Amount::of(sizes[1]?),
            Amount::of(sizes[2]?),
        ];
        match m.times(e, n).times(e, k) {
            Amount::Known(products) => Some(Amount::Known(products / LANES)),
            Amount::Value(products) => Some(Amount::Value(e.div(products, e.index(LANES)))),
        }
    }

    /// A value of inside the root as one that is known before it, or an upper bound of it, computed again where that is
    /// index arithmetic.
    fn before(&self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        if let Some(argument) = inspect::argument(value) {
            let owner = argument.owner().parent_operation()?;
            let inside = owner == self.root || ancestors(owner).contains(&self.root);
            return (!inside).then_some(value);
        }
        let op = OperationResult::try_from(value).ok()?.owner();
        if !ancestors(op).contains(&self.root) {
            return Some(value);
        }
        if walk::is(op, "arith.minsi") {
            // No more than any operand that is known.
            let known = op.operands().filter_map(|x| self.before(x));
            return known.reduce(|a, b| self.e.min(a, b));
        }
        let index_arithmetic = value.r#type().is_index() && edit::name(op).starts_with("arith.");
        if !index_arithmetic && !walk::is(op, "memref.dim") {
            return None;
        }
        let operands = op
            .operands()
            .map(|x| self.before(x))
            .collect::<Option<Vec<_>>>()?;
        let copy = self.e.insert((*op).clone());
        for (i, operand) in operands.into_iter().enumerate() {
            edit::set_operand(copy, i, operand);
        }
        Some(copy.result(0).ok()?.into())
    }
}
