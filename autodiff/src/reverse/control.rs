//! Loops and branches in reverse mode: what both are made of, and branches.
//!
//! A branch is a branch with the same condition that computes its side again; loops are gone through in `rounds.rs`.

use super::{Adjoint, Sweep, rounds::Round};
use crate::{
    activity::{Edges, results},
    functions::{captured_floats, copy_op, ends, has_effect, inside, operations},
    site::Sizes,
};
use dlc_dialects::{
    ir::{builder::Builder, edit, inspect::identity, shape::element_of},
    pass::PassError,
};
use melior::ir::{
    Block, BlockRef, OperationRef, Region, RegionLike, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};
use std::collections::HashMap;

/// A part of the primal computation that is computed again.
#[derive(Default)]
pub(super) struct Recomputed<'c, 'a> {
    ops: Vec<OperationRef<'c, 'a>>,
    copies: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Recomputed<'c, 'a> {
    /// A value computed again; one from outside as it is.
    pub(super) fn of(&self, value: Value<'c, 'a>) -> Value<'c, 'a> {
        self.copies.get(&identity(value)).copied().unwrap_or(value)
    }
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Takes adjoints back through a loop or a branch.
    pub(super) fn control(
        &mut self,
        op: OperationRef<'c, 'a>,
        edges: Edges<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let of_result = results(op).iter().any(|y| self.adjoint(*y).is_some());
        if !of_result {
            return Ok(());
        }
        match edges {
            Edges::If { arms, results } => self.branch(op, &arms, &results),
            loops => {
                let round = Round::of(op, loops).ok_or_else(|| self.uncounted(op))?;
                self.rounds(op, &round)
            }
        }
    }

    pub(super) fn adjoint(&self, x: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        Some(self.adjoints.get(&identity(x))?.value)
    }

    /// The adjoint of a value, which has none after that.
    pub(super) fn take_adjoint(&mut self, x: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        Some(self.adjoints.remove(&identity(x))?.value)
    }

    pub(super) fn set(
        &mut self,
        x: Value<'c, 'a>,
        value: Value<'c, 'a>,
        from: Option<OperationRef<'c, 'a>>,
    ) {
        self.adjoints.insert(identity(x), Adjoint { value, from });
    }

    /// The adjoint of a value, or zeros of the shape of `like`.
    pub(super) fn adjoint_or_zero(&self, x: Value<'c, 'a>, like: Value<'c, 'a>) -> Value<'c, 'a> {
        self.adjoint(x).unwrap_or_else(|| self.zeros(like))
    }

    pub(super) fn zeros(&self, like: Value<'c, 'a>) -> Value<'c, 'a> {
        let dims = self.sizes.dims(&self.builder, like);
        self.builder.full(&dims, element_of(like), "0")
    }

    /// The varied floats that the regions of an op read from outside.
    pub(super) fn captured(&self, op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let blocks = op.regions().filter_map(|region| region.first_block());
        let mut found = captured_floats(&blocks.collect::<Vec<_>>());
        found.retain(|x| self.varied.contains(*x));
        found
    }

    /// Copies the ops of a block to where the builder stands, all but its terminator and what has effects.
    pub(super) fn recompute(
        &mut self,
        block: BlockRef<'c, 'a>,
        given: Vec<(Value<'c, 'a>, Value<'c, 'a>)>,
        before: &mut Recomputed<'c, 'a>,
    ) {
        let Recomputed { ops, copies } = before;
        for (old, new) in given {
            self.varied.link(&[old], &[new]);
            copies.insert(identity(old), new);
        }
        let first = ops.len();
        for op in operations(block).filter(|op| !ends(*op)) {
            let copy = copy_op(op, self.builder, copies);
            for (old, new) in results(op).into_iter().zip(results(copy)) {
                copies.insert(identity(old), new);
            }
            let cx = self.builder.context;
            let inner = inside(copy).into_iter().filter(|op| has_effect(*op));
            inner.for_each(|op| edit::erase(cx, op));
            match has_effect(copy) {
                true => edit::erase(cx, copy),
                false => ops.push(copy),
            }
        }
        self.varied.follow(ops[first..].iter().copied());
    }

    /// Takes adjoints back through ops that stand in a region of their own.
    pub(super) fn back_through(
        &mut self,
        recomputed: &Recomputed<'c, 'a>,
        seeds: &[(Value<'c, 'a>, Value<'c, 'a>)],
        from: OperationRef<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        for (y, y_adj) in seeds {
            let y = recomputed.of(*y);
            if self.varied.contains(y) {
                self.add(y, *y_adj, Some(from));
            }
        }
        for op in recomputed.ops.iter().rev() {
            self.step(*op)?;
        }
        Ok(())
    }

    /// Takes adjoints back through a branch.
    fn branch(
        &mut self,
        op: OperationRef<'c, 'a>,
        arms: &[(BlockRef<'c, 'a>, Vec<Value<'c, 'a>>)],
        results_of: &[Value<'c, 'a>],
    ) -> Result<(), PassError<'c>> {
        let (cx, b) = (self.builder.context, self.builder.at(op.location()));
        let captured = self.captured(op);
        // What an arm gives may come from outside as it is.
        let sums = captured.iter().map(|x| self.adjoint_or_zero(*x, *x));
        let sums = sums.collect::<Vec<_>>();
        let seeds = results_of.iter().enumerate();
        let seeds = seeds.filter_map(|(i, y)| Some((i, self.adjoint(*y)?)));
        let seeds = seeds.collect::<Vec<_>>();
        let types = captured.iter().map(|x| x.r#type()).collect::<Vec<_>>();
        let regions = arms.iter().map(|_| {
            let region = Region::new();
            region.append_block(Block::new(&[]));
            region
        });
        let condition = op.operand(0).expect("a branch has a condition");
        let made = OperationBuilder::new("scf.if", op.location())
            .add_operands(&[condition])
            .add_results(&types)
            .add_regions_vec(regions.collect())
            .build()
            .expect("result types are given");
        let made = b.append(made);
        for (i, (block, given)) in arms.iter().enumerate() {
            let outer = self.enter(Builder::at_end(cx, first_block(made, i), op.location()));
            let mut recomputed = Recomputed::default();
            self.recompute(*block, vec![], &mut recomputed);
            for (x, sum) in captured.iter().zip(&sums) {
                self.set(*x, *sum, Some(op));
            }
            let seeds = seeds.iter().map(|(i, y_adj)| (given[*i], *y_adj));
            self.back_through(&recomputed, &seeds.collect::<Vec<_>>(), op)?;
            let next = captured.iter().map(|x| self.adjoint_or_zero(*x, *x));
            let next = next.collect::<Vec<_>>();
            yield_values(&self.builder, &next);
            self.leave(outer);
        }
        for (x, x_adj) in captured.iter().zip(results(made)) {
            self.set(*x, x_adj, Some(op));
        }
        Ok(())
    }

    /// Lets the sweep write into a region, where dims that are looked for there stay.
    pub(super) fn enter(&mut self, builder: Builder<'c, 'a>) -> (Builder<'c, 'a>, Sizes<'c, 'a>) {
        (
            std::mem::replace(&mut self.builder, builder),
            std::mem::take(&mut self.sizes),
        )
    }

    pub(super) fn leave(&mut self, (builder, sizes): (Builder<'c, 'a>, Sizes<'c, 'a>)) {
        self.builder = builder;
        self.sizes = sizes;
    }
}

/// The block of a region that has been made with one.
pub(super) fn first_block<'c, 'a>(op: OperationRef<'c, 'a>, region: usize) -> BlockRef<'c, 'a> {
    op.region(region)
        .ok()
        .and_then(|region| region.first_block())
        .expect("it has been made with a block")
}

/// Ends a region of a loop or a branch.
pub(super) fn yield_values<'c, 'a>(b: &Builder<'c, 'a>, values: &[Value<'c, 'a>]) {
    let op = OperationBuilder::new("scf.yield", b.location).add_operands(values);
    b.append(op.build().expect("a terminator has no results"));
}
