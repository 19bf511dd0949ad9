//! Loops and branches in forward mode: each is written again with the tangents of what varies behind what it had.
//!
//! ```text
//! for i iter_args(x = x0) { y = f(x); yield y }
//! for i iter_args(x = x0, x_tan = x0_tan) { y = f(x); y_tan = …; yield y, y_tan }
//! ```

use super::{Sweep, is_float};
use crate::{
    activity::{Carried, Edges, results},
    functions::operations,
};
use dlc_dialects::{
    ir::{builder::Builder, edit, inspect::identity},
    pass::PassError,
};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, Region, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Writes a loop or a branch again, with tangents.
    pub(super) fn control(
        &mut self,
        op: OperationRef<'c, 'a>,
        edges: Edges<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        match edges {
            Edges::For { carried, body } => {
                let places = self.places(&carried.arguments);
                if places.is_empty() {
                    return Ok(());
                }
                let made = self.with_tangents(op, &carried, &places);
                self.receive(body, &carried.arguments, &places);
                self.block(body)?;
                self.hand_over(body, 0, &places);
                self.replace(op, made, &places);
            }
            Edges::While {
                carried,
                passed,
                received,
                before,
                after,
            } => {
                let places = self.places(&carried.arguments);
                let passed = self.places(&passed);
                if places.is_empty() && passed.is_empty() {
                    return Ok(());
                }
                let made = self.with_tangents_of(op, &carried.inits, &places, &passed);
                self.receive(before, &carried.arguments, &places);
                self.block(before)?;
                self.hand_over(before, 1, &passed);
                self.receive(after, &received, &passed);
                self.block(after)?;
                self.hand_over(after, 0, &places);
                self.replace(op, made, &passed);
            }
            Edges::If { arms, results } => {
                let places = self.places(&results);
                if places.is_empty() {
                    return Ok(());
                }
                let made = self.with_tangents_of(op, &[], &[], &places);
                for (block, _) in arms {
                    self.block(block)?;
                    self.hand_over(block, 0, &places);
                }
                self.replace(op, made, &places);
            }
        }
        Ok(())
    }

    /// Which of the values have tangents.
    fn places(&self, values: &[Value<'c, 'a>]) -> Vec<usize> {
        let has = |i: &usize| is_float(values[*i]) && self.varied.contains(values[*i]);
        (0..values.len()).filter(has).collect()
    }

    fn with_tangents(
        &self,
        op: OperationRef<'c, 'a>,
        carried: &Carried<'c, 'a>,
        places: &[usize],
    ) -> OperationRef<'c, 'a> {
        self.with_tangents_of(op, &carried.inits, places, places)
    }

    /// The op before itself, with its regions, further operands for the tangents of `inits` at places, and further
    /// results for those of the results at places.
    fn with_tangents_of(
        &self,
        op: OperationRef<'c, 'a>,
        inits: &[Value<'c, 'a>],
        of_inits: &[usize],
        of_results: &[usize],
    ) -> OperationRef<'c, 'a> {
        let b = Builder::before(self.builder.context, op);
        let mut operands = op.operands().collect::<Vec<_>>();
        operands.extend(of_inits.iter().map(|&i| self.tangent_or_zero(&b, inits[i])));
        let mut types = results(op).iter().map(|y| y.r#type()).collect::<Vec<_>>();
        types.extend(of_results.iter().map(|&i| types[i]).collect::<Vec<_>>());
        let regions = op.region_count();
        let made = OperationBuilder::new(edit::name(op), op.location())
            .add_operands(&operands)
            .add_results(&types)
            .add_attributes(&op.attributes().collect::<Vec<_>>())
            .add_regions_vec((0..regions).map(|_| Region::new()).collect())
            .build()
            .expect("result types are given");
        let made = b.append(made);
        for region in 0..regions {
            edit::take_region(op, made, region);
        }
        made
    }

    /// Adds arguments to a block for the tangents of its arguments at places.
    fn receive(&mut self, block: BlockRef<'c, 'a>, arguments: &[Value<'c, 'a>], places: &[usize]) {
        for &i in places {
            let x = arguments[i];
            let x_tan = block.add_argument(x.r#type(), x.location());
            self.tangents.insert(identity(x), x_tan);
        }
    }

    /// Writes a block's terminator again, with the tangents of its operands at places behind the first `skipped`.
    fn hand_over(&self, block: BlockRef<'c, 'a>, skipped: usize, places: &[usize]) {
        let end = operations(block)
            .last()
            .expect("a block ends with a terminator");
        let b = Builder::before(self.builder.context, end);
        let mut operands = end.operands().collect::<Vec<_>>();
        let given = operands.split_off(skipped);
        let tangents = places.iter().map(|&i| self.tangent_or_zero(&b, given[i]));
        let tangents = tangents.collect::<Vec<_>>();
        operands.extend(given);
        operands.extend(tangents);
        let made = OperationBuilder::new(edit::name(end), end.location()).add_operands(&operands);
        b.append(made.build().expect("a terminator has no results"));
        edit::erase(b.context, end);
    }

    /// Lets `made` stand for the op; its further results are the tangents of the results at places. The op has no use
    /// after that; it stays, since a new value in its place would pass for an old one.
    fn replace(&mut self, op: OperationRef<'c, 'a>, made: OperationRef<'c, 'a>, places: &[usize]) {
        let (old, new) = (results(op), results(made));
        self.varied.link(&old, &new);
        for (old, new) in old.iter().zip(&new) {
            edit::replace_uses(*old, *new);
        }
        for (&i, y_tan) in places.iter().zip(&new[old.len()..]) {
            self.tangents.insert(identity(new[i]), *y_tan);
        }
    }

    fn tangent_or_zero(&self, b: &Builder<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.tangent(x).unwrap_or_else(|| b.full_like(x, "0"))
    }
}
