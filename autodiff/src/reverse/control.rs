//! Loops and branches in reverse mode.
//!
//! ```text
//! y = for i in 0..n carrying x { f(x) }
//!
//! y, tape = for i in 0..n carrying x, tape { f(x), tape with x at i }
//! x_adj = for i in n-1, ..., 0 carrying y_adj { x = tape at i; what f(x) needs; y_adj taken back through f }
//! ```
//!
//! A round is computed again from what it began with, and only of that what its derivative needs; what the tape holds
//! is what is read from it then. Adjoints of values that a round reads from outside are carried as sums. A branch is a
//! branch with the same condition that computes its side again.
//!
//! Invariant: a loop's tape is as long as the loop can be, which has to be known from the dims alone.

use super::{Adjoint, Sweep};
use crate::{
    activity::{Carried, Edges, results},
    bounds::{constant, upper_bound},
    functions::{block_arguments, copy_op, ends, inside, is_float_tensor, is_pure, operations},
    site::Sizes,
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        edit,
        inspect::{defining_op, identity},
        shape::{self, element_of, shape_of},
    },
    ops::build,
    pass::PassError,
};
use melior::ir::{
    Block, BlockLike, BlockRef, OperationRef, Region, RegionLike, Type, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};
use std::collections::{HashMap, HashSet};

/// A part of the primal computation that is computed again.
struct Recomputed<'c, 'a> {
    ops: Vec<OperationRef<'c, 'a>>,
    copies: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Recomputed<'c, 'a> {
    fn of(&self, value: Value<'c, 'a>) -> Value<'c, 'a> {
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
        match edges {
            _ if !of_result => Ok(()),
            Edges::For { carried, body } => self.for_loop(op, &carried, body),
            Edges::If { arms, results } => self.branch(op, &arms, &results),
            Edges::While { .. } => Err(self.no_rule(op, op).note(
                op.location(),
                "help: a `for` with as many rounds as there may be, with an `if` inside, has a derivative",
            )),
        }
    }

    fn adjoint(&self, x: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        Some(self.adjoints.get(&identity(x))?.value)
    }

    fn set(&mut self, x: Value<'c, 'a>, value: Value<'c, 'a>, from: Option<OperationRef<'c, 'a>>) {
        self.adjoints.insert(identity(x), Adjoint { value, from });
    }

    /// The adjoint of a value, or zeros of the shape of `like`.
    fn adjoint_or_zero(&self, x: Value<'c, 'a>, like: Value<'c, 'a>) -> Value<'c, 'a> {
        self.adjoint(x).unwrap_or_else(|| self.zeros(like))
    }

    fn zeros(&self, like: Value<'c, 'a>) -> Value<'c, 'a> {
        let dims = self.sizes.dims(&self.builder, like);
        self.builder.full(&dims, element_of(like), "0")
    }

    /// The varied floats that the regions of an op read from outside.
    fn captured(&self, op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let mut own = HashSet::new();
        let mut blocks = vec![];
        for inner in std::iter::once(op).chain(inside(op)) {
            for region in inner.regions() {
                blocks.extend(std::iter::successors(region.first_block(), |block| {
                    block.next_in_region()
                }));
            }
        }
        for block in blocks {
            own.extend(block_arguments(block).into_iter().map(identity));
            for op in operations(block) {
                own.extend(results(op).into_iter().map(identity));
            }
        }
        let mut found: Vec<Value<'c, 'a>> = vec![];
        for inner in inside(op) {
            for x in inner.operands() {
                let outer = !own.contains(&identity(x)) && !found.contains(&x);
                if outer && self.varied.contains(x) && is_float_tensor(x.r#type()) {
                    found.push(x);
                }
            }
        }
        found
    }

    /// Copies the ops of a block to where the builder stands, all but its terminator and what has effects.
    fn recompute(
        &mut self,
        block: BlockRef<'c, 'a>,
        given: Vec<(Value<'c, 'a>, Value<'c, 'a>)>,
    ) -> Recomputed<'c, 'a> {
        let mut copies = HashMap::new();
        for (old, new) in given {
            self.varied.link(&[old], &[new]);
            copies.insert(identity(old), new);
        }
        let mut ops = vec![];
        for op in operations(block).filter(|op| !ends(*op)) {
            let copy = copy_op(op, self.builder, &copies);
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
        self.varied.follow(ops.iter().copied());
        Recomputed { ops, copies }
    }

    /// Takes adjoints back through ops that stand in a region of their own.
    fn back_through(
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

    fn for_loop(
        &mut self,
        op: OperationRef<'c, 'a>,
        carried: &Carried<'c, 'a>,
        body: BlockRef<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let (cx, b) = (self.builder.context, self.builder.at(op.location()));
        let before = Builder::before(cx, op);
        let (trip_count, bound) = self.trip_count(op, before)?;
        let y = results(op);
        let places = (0..y.len()).filter(|&i| {
            is_float_tensor(y[i].r#type()) && self.varied.contains(carried.arguments[i])
        });
        let places = places.collect::<Vec<_>>();
        let captured = self.captured(op);

        let mut inits = vec![b.index(0), trip_count, b.index(1)];
        for &i in &places {
            inits.push(self.adjoint_or_zero(y[i], carried.inits[i]));
        }
        for x in &captured {
            inits.push(self.adjoint_or_zero(*x, *x));
        }
        let tapes = carried.inits.iter().map(|x| {
            let dims = self.sizes.dims(&b, *x);
            let ty = tape_type(bound, *x);
            (
                b.op("builtin.unrealized_conversion_cast", &[], &[], ty),
                dims,
            )
        });
        let tapes = tapes.collect::<Vec<_>>();
        let types = inits[3..].iter().map(|x| x.r#type()).collect::<Vec<_>>();
        let made = new_loop(&b, &inits, &types);
        let block = first_block(made, 0);
        let mut arguments = block_arguments(block);
        let sums = arguments.split_off(1 + places.len());

        let outer = self.enter(Builder::at_end(cx, block, op.location()));
        let e = self.builder;
        let last = e.op("arith.subi", &[trip_count, e.index(1)], &[], e.index_type());
        let at = e.op("arith.subi", &[last, arguments[0]], &[], e.index_type());
        let mut given = vec![(block_arguments(body)[0], at)];
        for ((tape, dims), x) in tapes.iter().zip(&carried.arguments) {
            given.push((*x, read(&e, *tape, at, dims, *x)));
        }
        let recomputed = self.recompute(body, given);
        for (x, sum) in captured.iter().zip(&sums) {
            self.set(*x, *sum, Some(op));
        }
        let seeds = places.iter().zip(&arguments[1..]);
        let seeds = seeds.map(|(&i, y_adj)| (carried.given[i], *y_adj));
        self.back_through(&recomputed, &seeds.collect::<Vec<_>>(), op)?;
        let mut next = vec![];
        for &i in &places {
            let x = recomputed.of(carried.arguments[i]);
            next.push(self.adjoint_or_zero(x, x));
        }
        for x in &captured {
            next.push(self.adjoint_or_zero(*x, *x));
        }
        yield_values(&e, &next);
        self.leave(outer);

        let read = live_operands(made);
        let given = results(made);
        for (x, x_adj) in captured.iter().zip(&given[places.len()..]) {
            // What was there before is in the sum.
            self.set(*x, *x_adj, Some(op));
        }
        for (&i, x_adj) in places.iter().zip(&given) {
            let x = carried.inits[i];
            if self.varied.contains(x) {
                self.add(x, *x_adj, Some(op));
            }
        }
        let tapes = tapes.into_iter().map(|(tape, _)| tape).enumerate();
        let tapes = tapes.filter(|(_, tape)| read.contains(&identity(*tape)));
        write_tapes(op, carried, body, bound, &tapes.collect::<Vec<_>>(), before);
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
            let recomputed = self.recompute(*block, vec![]);
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
    fn enter(&mut self, builder: Builder<'c, 'a>) -> (Builder<'c, 'a>, Sizes<'c, 'a>) {
        (
            std::mem::replace(&mut self.builder, builder),
            std::mem::take(&mut self.sizes),
        )
    }

    fn leave(&mut self, (builder, sizes): (Builder<'c, 'a>, Sizes<'c, 'a>)) {
        self.builder = builder;
        self.sizes = sizes;
    }

    /// The number of rounds of a loop, and a number that is not less for any dims.
    fn trip_count(
        &self,
        op: OperationRef<'c, 'a>,
        before: Builder<'c, 'a>,
    ) -> Result<(Value<'c, 'a>, Dim<'c, 'a>), PassError<'c>> {
        let bounds = op.operands().take(3).collect::<Vec<_>>();
        if constant(bounds[0]) != Some(0) || constant(bounds[2]) != Some(1) {
            return Err(self.no_rule(op, op).note(
                op.location(),
                "help: only a loop that counts from 0 by 1 has a derivative",
            ));
        }
        match upper_bound(&before, bounds[1]) {
            Some(bound) => Ok((bounds[1], bound)),
            None => Err(self.no_rule(op, op).note(
                op.location(),
                "help: what its rounds begin with is kept for the way back, so their number needs a bound: let it be a dim or \
                 a constant, or a parameter of the export with a condition such as `where n <= 64`",
            )),
        }
    }
}

/// Whether an op itself does something beside what it computes.
fn has_effect(op: OperationRef) -> bool {
    op.region_count() == 0 && !is_pure(op) && !ends(op)
}

/// The type of a tape of values like `x`.
fn tape_type<'c>(bound: Dim<'c, '_>, x: Value<'c, '_>) -> Type<'c> {
    let dims = [&[bound.in_type()], shape_of(x).as_slice()].concat();
    shape::tensor(&dims, element_of(x))
}

/// What a tape has at an index, of the type of `x`.
fn read<'c, 'a>(
    e: &Builder<'c, 'a>,
    tape: Value<'c, 'a>,
    at: Value<'c, 'a>,
    dims: &[Dim<'c, 'a>],
    x: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let one = [&[Dim::Static(1)], dims].concat();
    let ty = shape::tensor(&type_shape(&one), element_of(x));
    let part = e.value(build::slice(
        e.context,
        tape,
        &starts(e, at, dims.len()),
        &dynamic(&one),
        &vec![1; one.len()],
        ty,
        e.location,
    ));
    e.reshape(part, dims)
}

fn starts<'c, 'a>(e: &Builder<'c, 'a>, at: Value<'c, 'a>, rank: usize) -> Vec<Value<'c, 'a>> {
    let zero = e.index(0);
    std::iter::once(at)
        .chain(std::iter::repeat_n(zero, rank))
        .collect()
}

/// The values that ops in the region of a loop read, but for those whose results come to nothing.
fn live_operands(op: OperationRef) -> HashSet<usize> {
    let mut live = HashSet::new();
    let mut read = HashSet::new();
    let own = inside(op).into_iter().map(edit::identity);
    let own = own.collect::<HashSet<_>>();
    // Of loops and branches inside only those that are live have live ends.
    let mut next = operations(first_block(op, 0)).collect::<Vec<_>>();
    next.retain(|op| ends(*op));
    while let Some(op) = next.pop() {
        if !live.insert(edit::identity(op)) {
            continue;
        }
        next.extend(inside(op).into_iter().filter(|op| ends(*op)));
        for x in op.operands() {
            read.insert(identity(x));
            let made = defining_op(x);
            next.extend(made.filter(|op| own.contains(&edit::identity(*op))));
        }
    }
    read
}

/// Lets a loop write what its rounds begin with to tapes, for which the values of that number stand until then. The
/// loop that was there has no use after that; it stays, since a new value in its place would pass for an old one.
fn write_tapes<'c, 'a>(
    op: OperationRef<'c, 'a>,
    carried: &Carried<'c, 'a>,
    body: BlockRef<'c, 'a>,
    bound: Dim<'c, 'a>,
    tapes: &[(usize, Value<'c, 'a>)],
    before: Builder<'c, 'a>,
) {
    if tapes.is_empty() {
        return;
    }
    let cx = before.context;
    let mut operands = op.operands().collect::<Vec<_>>();
    let mut types = results(op).iter().map(|y| y.r#type()).collect::<Vec<_>>();
    for &(i, _) in tapes {
        let x = carried.inits[i];
        let dims = [&[bound], before.dims(x).as_slice()].concat();
        operands.push(before.full(&dims, element_of(x), "0"));
        types.push(tape_type(bound, x));
    }
    let made = OperationBuilder::new("scf.for", op.location())
        .add_operands(&operands)
        .add_results(&types)
        .add_attributes(&op.attributes().collect::<Vec<_>>())
        .add_regions([Region::new()])
        .build()
        .expect("result types are given");
    let made = before.append(made);
    edit::take_region(op, made, 0);
    let end = operations(body)
        .last()
        .expect("a block ends with a terminator");
    let e = Builder::before(cx, end);
    let mut given = end.operands().collect::<Vec<_>>();
    let at = block_arguments(body)[0];
    for &(i, _) in tapes {
        let (x, ty) = (carried.arguments[i], tape_type(bound, carried.inits[i]));
        let tape = body.add_argument(ty, x.location());
        let dims = [&[Dim::Static(1)], e.dims(x).as_slice()].concat();
        let part = e.reshape(x, &dims);
        let strides = vec![1; dims.len()];
        let starts = starts(&e, at, dims.len() - 1);
        given.push(e.value(build::update_slice(
            cx, tape, part, &starts, &strides, ty, e.location,
        )));
    }
    yield_values(&e, &given);
    edit::erase(cx, end);
    let (old, new) = (results(op), results(made));
    for (old, new) in old.iter().zip(&new) {
        edit::replace_uses(*old, *new);
    }
    for ((_, placeholder), tape) in tapes.iter().zip(&new[old.len()..]) {
        edit::replace_uses(*placeholder, *tape);
    }
}

fn new_loop<'c, 'a>(
    b: &Builder<'c, 'a>,
    operands: &[Value<'c, 'a>],
    types: &[Type<'c>],
) -> OperationRef<'c, 'a> {
    let arguments = std::iter::once(b.index_type()).chain(types.iter().copied());
    let arguments = arguments.map(|ty| (ty, b.location)).collect::<Vec<_>>();
    let region = Region::new();
    region.append_block(Block::new(&arguments));
    let op = OperationBuilder::new("scf.for", b.location)
        .add_operands(operands)
        .add_results(types)
        .add_regions([region])
        .build()
        .expect("result types are given");
    b.append(op)
}

fn first_block<'c, 'a>(op: OperationRef<'c, 'a>, region: usize) -> BlockRef<'c, 'a> {
    op.region(region)
        .ok()
        .and_then(|region| region.first_block())
        .expect("it has been made with a block")
}

fn yield_values<'c, 'a>(b: &Builder<'c, 'a>, values: &[Value<'c, 'a>]) {
    let op = OperationBuilder::new("scf.yield", b.location).add_operands(values);
    b.append(op.build().expect("a terminator has no results"));
}
