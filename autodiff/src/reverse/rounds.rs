//! Loops in reverse mode.
//!
//! ```text
//! y = for i in 0..n carrying x { f(x) }
//!
//! y, tape = for i in 0..n carrying x, tape { f(x), tape with x at i }
//! x_adj = for i in n-1, ..., 0 carrying y_adj { x = tape at i; what f(x) needs; y_adj taken back through f }
//! ```
//!
//! A round is computed again from what it began with, and only of that what its derivative needs; what the tape holds
//! is what is read from it then. Adjoints of values that a round reads from outside are carried as sums. A `while`
//! counts its rounds, and its way back is a loop of as many; the condition that ended it is gone back through first.
//!
//! Invariant: a loop's tape is as long as the loop can be, which has to be known from the dims alone.

use super::{
    Sweep,
    control::{Recomputed, first_block, yield_values},
    kept::WayBack,
    tape::{Content, Tape, live, placeholder, write},
};
use crate::{
    activity::{Carried, Edges, results},
    bounds::{Counter, constant, is_nonnegative, upper_bound, upper_bound_of_count},
    functions::{block_arguments, is_float_tensor},
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        edit,
        inspect::identity,
        shape::is_tensor,
    },
    pass::PassError,
};
use melior::ir::{
    Block, BlockRef, OperationRef, Region, RegionLike, Type, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};

/// A loop whose rounds are counted.
pub(super) struct Round<'c, 'a> {
    /// What is carried from round to round.
    pub carried: Carried<'c, 'a>,
    /// What a round is made of.
    pub kind: Kind<'c, 'a>,
}

/// What a round is made of.
pub(super) enum Kind<'c, 'a> {
    /// The body of an `scf.for`.
    For(BlockRef<'c, 'a>),
    /// A condition and a body.
    While {
        /// The condition.
        before: BlockRef<'c, 'a>,
        /// What it passes on.
        passed: Vec<Value<'c, 'a>>,
        /// What the body receives.
        received: Vec<Value<'c, 'a>>,
        /// The body.
        after: BlockRef<'c, 'a>,
        /// The number of the rounds so far.
        counter: Counter<'c, 'a>,
    },
}

impl<'c, 'a> Round<'c, 'a> {
    /// That of a loop; `None` for one that does not count its rounds, or carries what no tape can hold.
    pub(super) fn of(op: OperationRef<'c, 'a>, edges: Edges<'c, 'a>) -> Option<Self> {
        let counter = Counter::of(&edges);
        let (carried, kind) = match edges {
            Edges::For { carried, body } => (carried, Kind::For(body)),
            Edges::While {
                carried,
                passed,
                received,
                before,
                after,
            } => {
                let kind = Kind::While {
                    before,
                    passed,
                    received,
                    after,
                    counter: counter?,
                };
                (carried, kind)
            }
            Edges::If { .. } => return None,
        };
        let round = Self { carried, kind };
        let kept = (0..round.carried.inits.len()).filter(|i| Some(*i) != round.counted());
        let tensors = kept.map(|i| round.carried.inits[i].r#type());
        (tensors.into_iter().all(is_tensor) && op.region_count() > 0).then_some(round)
    }

    /// The place of the counter among what is carried.
    fn counted(&self) -> Option<usize> {
        match &self.kind {
            Kind::For(_) => None,
            Kind::While { counter, .. } => Some(counter.place),
        }
    }

    /// Whether each round hands on what it began with at a place.
    fn keeps(&self, i: usize) -> bool {
        let carried = &self.carried;
        match &self.kind {
            Kind::For(_) => carried.given[i] == carried.arguments[i],
            Kind::While {
                passed, received, ..
            } => {
                let mut pairs = passed.iter().zip(received);
                pairs.any(|(x, y)| *x == carried.arguments[i] && *y == carried.given[i])
            }
        }
    }

    /// What the loop ends with at a place that its condition passes on as it is.
    pub(super) fn ends_with(&self, i: usize) -> Option<Value<'c, 'a>> {
        match &self.kind {
            Kind::For(_) => Some(self.carried.results[i]),
            Kind::While { passed, .. } => {
                let at = passed.iter().position(|x| *x == self.carried.arguments[i]);
                Some(self.carried.results[at?])
            }
        }
    }
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Takes adjoints back through the rounds of a loop.
    pub(super) fn rounds(
        &mut self,
        op: OperationRef<'c, 'a>,
        round: &Round<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let (cx, b) = (self.builder.context, self.builder.at(op.location()));
        let before = Builder::before(cx, op);
        let (trip_count, bound) = self.trip_count(op, round, before)?;
        if let Some(outer) = self.split(op, round, (trip_count, bound)) {
            let edges = Edges::of(outer).expect("it is a loop");
            return self.control(outer, edges);
        }
        let carried = &round.carried;
        let last = self.last_round(op, round)?;
        let places = (0..carried.inits.len()).filter(|&i| {
            let x = carried.arguments[i];
            is_float_tensor(x.r#type()) && self.varied.contains(x)
        });
        let places = places.collect::<Vec<_>>();
        let captured = self.captured(op);

        let mut inits = vec![b.index(0), trip_count, b.index(1)];
        for &i in &places {
            inits.push(self.adjoint_or_zero(last[i], carried.inits[i]));
        }
        for x in &captured {
            inits.push(self.adjoint_or_zero(*x, *x));
        }
        let tapes = (0..carried.inits.len()).filter(|i| Some(*i) != round.counted());
        let unchanged = |i: &usize| round.keeps(*i);
        let (same, tapes): (Vec<_>, Vec<_>) = tapes.partition(unchanged);
        let same = same.into_iter().map(|i| {
            let x = carried.inits[i];
            (i, placeholder(&b, x.r#type()))
        });
        let same = same.collect::<Vec<_>>();
        let tapes = tapes.into_iter().map(|i| {
            let x = carried.inits[i];
            let dims = self.sizes.dims(&b, x);
            Tape::placeholder(&b, Content::Begun(i), x, bound, dims)
        });
        let tapes = tapes.collect::<Vec<_>>();
        let types = inits[3..].iter().map(|x| x.r#type()).collect::<Vec<_>>();
        let made = new_loop(&b, &inits, &types);
        let block = first_block(made, 0);
        let mut arguments = block_arguments(block);
        let sums = arguments.split_off(1 + places.len());

        let outer = self.enter(Builder::at_end(cx, block, op.location()));
        let e = self.builder;
        let from_last = e.op("arith.subi", &[trip_count, e.index(1)], &[], e.index_type());
        let at = e.op(
            "arith.subi",
            &[from_last, arguments[0]],
            &[],
            e.index_type(),
        );
        let read = tapes.iter().map(|tape| tape.read(&e, at));
        let read = read.collect::<Vec<_>>();
        let mut given = same
            .iter()
            .map(|(i, x)| (carried.arguments[*i], *x))
            .collect::<Vec<_>>();
        for (tape, x) in tapes.iter().zip(&read) {
            if let Content::Begun(place) = tape.content {
                given.push((carried.arguments[place], *x));
            }
        }
        let recomputed = self.recompute_round(op, round, at, given);
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

        let begun = tapes.into_iter().zip(read).collect::<Vec<_>>();
        let mut tapes = vec![];
        if self.depth == 0 {
            let way_back = WayBack {
                context: cx,
                op,
                round,
                again: &recomputed,
                back: made,
                begun: &begun,
                at,
                bound,
            };
            tapes = way_back.keep(self);
        }
        let read = live(made).read;
        let begun = begun.into_iter().map(|(tape, _)| tape);
        tapes.extend(begun.filter(|tape| read.contains(&identity(tape.value))));
        for (i, x) in same {
            edit::replace_uses(x, carried.inits[i]);
        }
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
        if let Some(extended) = write(op, round, &tapes, &last, before) {
            let pairs = results(op).into_iter().zip(results(extended));
            self.replaced
                .extend(pairs.map(|(old, new)| (identity(old), new)));
        }
        Ok(())
    }

    /// What a round begins with that is not begun, where a `while` ends: adjoints have come back through the condition
    /// that said so. Where that passes something else on, placeholders stand for it.
    fn last_round(
        &mut self,
        op: OperationRef<'c, 'a>,
        round: &Round<'c, 'a>,
    ) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
        let carried = &round.carried;
        let Kind::While { before, passed, .. } = &round.kind else {
            return Ok(carried.results.clone());
        };
        let b = self.builder.at(op.location());
        let value = |(i, x): (usize, &Value<'c, 'a>)| {
            let known = round.ends_with(i);
            known.unwrap_or_else(|| placeholder(&b, x.r#type()))
        };
        let last = carried.arguments.iter().enumerate().map(value);
        let last = last.collect::<Vec<_>>();
        let mut seeds = vec![];
        for (x, y) in passed.iter().zip(&carried.results) {
            // What is passed on as it is gets it again.
            if let Some(y_adj) = self.take_adjoint(*y) {
                seeds.push((*x, y_adj));
            }
        }
        let arguments = carried.arguments.iter().copied();
        let mut again = Recomputed::default();
        let given = arguments.zip(last.iter().copied()).collect();
        self.recompute(*before, given, &mut again);
        self.back_through(&again, &seeds, op)?;
        Ok(last)
    }

    /// A round again, of that number and from what it began with.
    fn recompute_round(
        &mut self,
        op: OperationRef<'c, 'a>,
        round: &Round<'c, 'a>,
        at: Value<'c, 'a>,
        mut given: Vec<(Value<'c, 'a>, Value<'c, 'a>)>,
    ) -> Recomputed<'c, 'a> {
        let mut again = Recomputed::default();
        match &round.kind {
            Kind::For(body) => {
                let index = Steps::of(op).index(&self.builder, at);
                given.push((block_arguments(*body)[0], index));
                self.recompute(*body, given, &mut again);
            }
            Kind::While {
                before,
                passed,
                received,
                after,
                counter,
            } => {
                given.push((round.carried.arguments[counter.place], at));
                self.recompute(*before, given, &mut again);
                let passed = passed.iter().map(|x| again.of(*x)).collect::<Vec<_>>();
                let given = received.iter().copied().zip(passed).collect();
                self.recompute(*after, given, &mut again);
            }
        }
        again
    }

    /// The number of rounds of a loop, and a number that is not less for any dims.
    fn trip_count(
        &self,
        op: OperationRef<'c, 'a>,
        round: &Round<'c, 'a>,
        before: Builder<'c, 'a>,
    ) -> Result<(Value<'c, 'a>, Dim<'c, 'a>), PassError<'c>> {
        let found = match &round.kind {
            Kind::For(_) => Steps::of(op).trip_count(&before),
            Kind::While { counter, .. } => upper_bound_of_count(&before, counter.limit)
                .map(|bound| (round.carried.results[counter.result], bound)),
        };
        found.ok_or_else(|| {
            self.no_rule(op, op).note(
                op.location(),
                "help: what its rounds begin with is kept for the way back, so their number needs a bound: let it be a dim or \
                 a constant, or a parameter of the export with a condition such as `where n <= 64`",
            )
        })
    }

    /// The error for a loop that does not count its rounds.
    pub(super) fn uncounted(&self, op: OperationRef<'c, 'a>) -> PassError<'c> {
        self.no_rule(op, op).note(
            op.location(),
            "help: what its rounds begin with is kept for the way back, so say how many there may be, as in \
             `while error > 1e-6 within 100 { … }`",
        )
    }
}

/// How an `scf.for` counts.
#[derive(Clone, Copy)]
pub(super) struct Steps<'c, 'a> {
    from: Value<'c, 'a>,
    to: Value<'c, 'a>,
    step: Value<'c, 'a>,
}

impl<'c, 'a> Steps<'c, 'a> {
    /// Those of a loop.
    pub(super) fn of(op: OperationRef<'c, 'a>) -> Self {
        let bounds = op.operands().take(3).collect::<Vec<_>>();
        Self {
            from: bounds[0],
            to: bounds[1],
            step: bounds[2],
        }
    }

    fn plain(&self) -> bool {
        constant(self.from) == Some(0) && constant(self.step) == Some(1)
    }

    /// The index in the round of a number.
    pub(super) fn index(&self, b: &Builder<'c, 'a>, number: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.plain() {
            return number;
        }
        let ty = b.index_type();
        let behind = b.op("arith.muli", &[number, self.step], &[], ty);
        b.op("arith.addi", &[self.from, behind], &[], ty)
    }

    /// The number of the round of an index.
    pub(super) fn number(&self, b: &Builder<'c, 'a>, index: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.plain() {
            return index;
        }
        let ty = b.index_type();
        let behind = b.op("arith.subi", &[index, self.from], &[], ty);
        b.op("arith.floordivsi", &[behind, self.step], &[], ty)
    }

    /// The number of rounds, and one that is not less for any dims.
    fn trip_count(&self, b: &Builder<'c, 'a>) -> Option<(Value<'c, 'a>, Dim<'c, 'a>)> {
        let most = upper_bound(b, self.to)?;
        if self.plain() {
            return Some((self.to, most));
        }
        let most = match constant(self.from) {
            Some(from) if from < 0 => b.dim_add(most, Dim::Static(from.checked_neg()?)),
            Some(_) => most,
            None => is_nonnegative(self.from).then_some(most)?,
        };
        let ty = b.index_type();
        let span = b.op("arith.subi", &[self.to, self.from], &[], ty);
        let count = b.op("arith.ceildivsi", &[span, self.step], &[], ty);
        Some((count, most))
    }
}

/// An `scf.for` whose body is still empty.
pub(super) fn new_loop<'c, 'a>(
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
