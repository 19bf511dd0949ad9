//! Loops that keep less: each becomes a nest of loops before it is gone back through.
//!
//! ```text
//! for i in 0..n carrying x { f(x) }
//!
//! for o in 0..ceil(n / m) carrying x {
//!   for j in 0..min(m, n - o m) carrying x { f(x), i = o m + j }
//! }
//! ```
//! The way back of a nest keeps what the rounds of the outer loop begin with, and computes one inner loop at a time again,
//! which keeps what its own rounds begin with: of n rounds with m = ceil(sqrt n), about 2 sqrt n instead of n. Each further
//! loop of the nest computes each round once more: k loops keep about k n^(1/k).
//!
//! Source: Chen et al., Training Deep Nets with Sublinear Memory Cost (2016); for nests, Griewank, Achieving Logarithmic
//! Growth of Temporal and Spatial Complexity in Reverse Automatic Differentiation (1992).

use super::{
    Sweep,
    control::{first_block, yield_values},
    rounds::{Kind, Round, Steps, new_loop},
};
use crate::{
    activity::results,
    bounds::{greatest, note_bounds},
    functions::{block_arguments, is, operations},
};
use dlc_dialects::ir::{
    builder::{Builder, Dim},
    edit,
    inspect::identity,
};
use melior::ir::{
    OperationRef, Value, ValueLike,
    attribute::IntegerAttribute,
    operation::{OperationBuilder, OperationLike},
};

/// The attribute of a function whose derivatives make nests of so many loops of each loop, and of a loop where it is
/// another number. Where it stands, even if it is 1, only what rounds begin with is kept.
pub const DEPTH: &str = "dl.loop_depth";

/// The number of an attribute [`DEPTH`].
pub fn depth(op: OperationRef) -> Option<i64> {
    let depth = op.attribute(DEPTH).and_then(IntegerAttribute::try_from);
    Some(depth.ok()?.value())
}

/// Sets the attribute [`DEPTH`].
pub fn set_depth(b: &Builder, op: OperationRef, depth: i64) {
    let value = b.attribute(&format!("{depth} : i64"));
    edit::set_attribute(op, DEPTH, value);
}

/// [`DEPTH`] of the function that an op stands in; 0 without one.
pub fn depth_around(op: OperationRef) -> i64 {
    let mut around = op.parent_operation();
    while let Some(op) = around {
        if is(op, "func.func") {
            return depth(op).unwrap_or(0);
        }
        around = op.parent_operation();
    }
    0
}

/// Notes on a function what splitting its loops is decided by, where they are to be split.
pub fn note(b: &Builder, function: OperationRef, bounds: &[Option<i64>], depth: i64) {
    if depth > 0 {
        set_depth(b, function, depth);
        note_bounds(b, function, bounds);
    }
}

/// How many rounds an inner loop has where `most` rounds become a nest of `depth` loops, all of them about as long: the
/// least number whose product with the other loops' is not less than `most`. `None` where that saves nothing.
fn inner_rounds(most: i64, depth: i64) -> Option<i64> {
    let outer = (1..most).find(|n| power_reaches(*n, depth, most))?;
    let inner = (most - 1).div_euclid(outer) + 1;
    (depth > 1 && most > 4 && inner > 1).then_some(inner)
}

/// Whether a power is not less than a number.
fn power_reaches(base: i64, exponent: i64, least: i64) -> bool {
    let mut product = 1i64;
    for _ in 0..exponent {
        product = product.saturating_mul(base);
    }
    product >= least
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// The outer one of two loops that stand for a `for` where less is to be kept. The loop that was there has no use
    /// after that.
    pub(super) fn split(
        &mut self,
        op: OperationRef<'c, 'a>,
        round: &Round<'c, 'a>,
        (trip_count, bound): (Value<'c, 'a>, Dim<'c, 'a>),
    ) -> Option<OperationRef<'c, 'a>> {
        let Kind::For(body) = &round.kind else {
            return None;
        };
        let depth = depth(op).unwrap_or(self.depth);
        let inner_rounds = inner_rounds(greatest(bound)?, depth)?;
        let carried = &round.carried;
        let b = Builder::before(self.builder.context, op);
        let index = b.index_type();
        let (zero, one) = (b.index(0), b.index(1));
        let m = b.index(inner_rounds);
        let padded = b.op(
            "arith.addi",
            &[trip_count, b.index(inner_rounds - 1)],
            &[],
            index,
        );
        let count = b.op("arith.floordivsi", &[padded, m], &[], index);
        let types = carried.inits.iter().map(|x| x.r#type());
        let types = types.collect::<Vec<_>>();
        let operands = [&[zero, count, one], carried.inits.as_slice()].concat();
        let outer = new_loop(&b, &operands, &types);
        set_depth(&b, outer, 1);

        let block = first_block(outer, 0);
        let e = Builder::at_end(b.context, block, op.location());
        let mut arguments = block_arguments(block);
        let inits = arguments.split_off(1);
        let before = e.op(
            "arith.muli",
            &[arguments[0], e.index(inner_rounds)],
            &[],
            index,
        );
        let left = e.op("arith.subi", &[trip_count, before], &[], index);
        let count = e.op("arith.minsi", &[left, e.index(inner_rounds)], &[], index);
        let operands = [&[e.index(0), count, e.index(1)], inits.as_slice()].concat();
        let inner = OperationBuilder::new("scf.for", op.location())
            .add_operands(&operands)
            .add_results(&types)
            .add_regions([melior::ir::Region::new()])
            .build()
            .expect("result types are given");
        let inner = e.append(inner);
        edit::take_region(op, inner, 0);
        set_depth(&b, inner, depth - 1);
        yield_values(&e, &results(inner));

        // The body's index is that of the loop that was there.
        let first = operations(*body).next().expect("a block has a terminator");
        let s = Builder::before(b.context, first);
        let number = block_arguments(*body)[0];
        let uses = edit::uses(number);
        let at = s.op("arith.addi", &[before, number], &[], index);
        let at = Steps::of(op).index(&s, at);
        for (user, i) in uses {
            edit::set_operand(user, i, at);
        }
        for (old, new) in carried.results.iter().zip(results(outer)) {
            if let Some(y_adj) = self.take_adjoint(*old) {
                self.set(new, y_adj, Some(outer));
            }
            edit::replace_uses(*old, new);
            self.replaced.insert(identity(*old), new);
        }
        self.varied.link(&carried.results, &results(outer));
        self.varied.follow([outer]);
        Some(outer)
    }
}

#[cfg(test)]
mod tests {
    use super::inner_rounds;

    #[test]
    fn rounds_are_split_into_about_equal_loops() {
        assert_eq!(inner_rounds(1024, 2), Some(32));
        assert_eq!(inner_rounds(1000, 2), Some(32));
        assert_eq!(inner_rounds(1000, 3), Some(100));
        assert_eq!(inner_rounds(1024, 10), Some(512));
        assert_eq!(inner_rounds(1024, 1), None);
        assert_eq!(inner_rounds(4, 2), None);
        assert_eq!(inner_rounds(0, 2), None);
    }
}
