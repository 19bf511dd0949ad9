//! Tapes: what rounds of a loop begin with, stacked for the way back.

use super::{
    control::{first_block, yield_values},
    rounds::{Kind, Round, Steps},
};
use crate::{
    activity::results,
    functions::{block_arguments, ends, inside, operations},
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        edit,
        inspect::{defining_op, identity, is_used},
        shape::{self, element_of},
    },
    ops::build,
};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, Region, Type, Value, ValueLike,
    operation::{OperationBuilder, OperationLike},
};
use std::collections::HashSet;

/// What a tape holds of each round.
#[derive(Clone, Copy)]
pub(super) enum Content<'c, 'a> {
    /// What the round begins with at a place of what the loop carries.
    Begun(usize),
    /// What the round makes.
    Made(Value<'c, 'a>),
}

/// One value of each round.
pub(super) struct Tape<'c, 'a> {
    /// Which.
    pub content: Content<'c, 'a>,
    /// What stands for it until the loop writes it.
    pub value: Value<'c, 'a>,
    element: Type<'c>,
    bound: Dim<'c, 'a>,
    dims: Vec<Dim<'c, 'a>>,
}

impl<'c, 'a> Tape<'c, 'a> {
    /// One that nobody writes yet, as long as `bound`, for values like `x`.
    pub(super) fn placeholder(
        b: &Builder<'c, 'a>,
        content: Content<'c, 'a>,
        x: Value<'c, 'a>,
        bound: Dim<'c, 'a>,
        dims: Vec<Dim<'c, 'a>>,
    ) -> Self {
        let element = element_of(x);
        let all = [&[bound], dims.as_slice()].concat();
        let ty = shape::tensor(&type_shape(&all), element);
        Self {
            content,
            value: placeholder(b, ty),
            element,
            bound,
            dims,
        }
    }

    /// What it has at an index.
    pub(super) fn read(&self, e: &Builder<'c, 'a>, at: Value<'c, 'a>) -> Value<'c, 'a> {
        let one = [&[Dim::Static(1)], self.dims.as_slice()].concat();
        let ty = shape::tensor(&type_shape(&one), self.element);
        let part = e.value(build::slice(
            e.context,
            self.value,
            &starts(e, at, self.dims.len()),
            &dynamic(&one),
            &vec![1; one.len()],
            ty,
            e.location,
        ));
        e.reshape(part, &self.dims)
    }
}

/// A value of a type that is replaced by another one before the function is done.
pub(super) fn placeholder<'c, 'a>(b: &Builder<'c, 'a>, ty: Type<'c>) -> Value<'c, 'a> {
    b.op("builtin.unrealized_conversion_cast", &[], &[], ty)
}

/// A tape with `x` at an index.
fn with_round<'c, 'a>(
    e: &Builder<'c, 'a>,
    tape: Value<'c, 'a>,
    x: Value<'c, 'a>,
    at: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let dims = [&[Dim::Static(1)], e.dims(x).as_slice()].concat();
    let part = e.reshape(x, &dims);
    let strides = vec![1; dims.len()];
    let starts = starts(e, at, dims.len() - 1);
    let ty = tape.r#type();
    e.value(build::update_slice(
        e.context, tape, part, &starts, &strides, ty, e.location,
    ))
}

fn starts<'c, 'a>(e: &Builder<'c, 'a>, at: Value<'c, 'a>, rank: usize) -> Vec<Value<'c, 'a>> {
    let zero = e.index(0);
    std::iter::once(at)
        .chain(std::iter::repeat_n(zero, rank))
        .collect()
}

/// What in the region of a loop is of use.
pub(super) struct Live {
    /// The ops.
    pub ops: HashSet<usize>,
    /// The values that they read.
    pub read: HashSet<usize>,
}

/// What in the region of a loop its results depend on.
pub(super) fn live(op: OperationRef) -> Live {
    let mut live = Live {
        ops: HashSet::new(),
        read: HashSet::new(),
    };
    let own = inside(op).into_iter().map(edit::identity);
    let own = own.collect::<HashSet<_>>();
    // Of loops and branches inside only those that are live have live ends.
    let mut next = operations(first_block(op, 0)).collect::<Vec<_>>();
    next.retain(|op| ends(*op));
    while let Some(op) = next.pop() {
        if !live.ops.insert(edit::identity(op)) {
            continue;
        }
        next.extend(inside(op).into_iter().filter(|op| ends(*op)));
        for x in op.operands() {
            live.read.insert(identity(x));
            let made = defining_op(x);
            next.extend(made.filter(|op| own.contains(&edit::identity(*op))));
        }
    }
    live
}

/// Lets a loop write what its rounds begin with to tapes, for which the values of that number stand until then, and
/// give the values of `last` that stand for what it ends with; gives the new loop, if there is one. The loop that was there has no use after that; it stays,
/// since a new value in its place would pass for an old one.
pub(super) fn write<'c, 'a>(
    op: OperationRef<'c, 'a>,
    round: &Round<'c, 'a>,
    tapes: &[Tape<'c, 'a>],
    last: &[Value<'c, 'a>],
    before: Builder<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let ends = (0..last.len()).filter(|&i| round.ends_with(i).is_none() && is_used(last[i]));
    let ends = ends.collect::<Vec<_>>();
    if tapes.is_empty() && ends.is_empty() {
        return None;
    }
    let new = Extended {
        op,
        round,
        tapes,
        before,
    };
    let further = match &round.kind {
        Kind::For(body) => new.rewrite_for(*body),
        Kind::While { .. } => new.rewrite_while(&ends),
    };
    let placeholders = ends.iter().map(|&i| last[i]);
    let placeholders = placeholders.chain(tapes.iter().map(|tape| tape.value));
    let made = further.first().and_then(|value| defining_op(*value));
    for (placeholder, value) in placeholders.zip(further) {
        edit::replace_uses(placeholder, value);
    }
    made
}

/// A loop that gets further operands and results for tapes.
struct Extended<'s, 'c, 'a> {
    op: OperationRef<'c, 'a>,
    round: &'s Round<'c, 'a>,
    tapes: &'s [Tape<'c, 'a>],
    before: Builder<'c, 'a>,
}

impl<'c, 'a> Extended<'_, 'c, 'a> {
    /// The loop again, with tapes of zeros and with further results, of `types` and of the tapes. It stands for the
    /// one that was there; its further results are given back.
    fn rebuild(&self, types: &[Type<'c>]) -> Vec<Value<'c, 'a>> {
        let (op, before) = (self.op, self.before);
        let mut operands = op.operands().collect::<Vec<_>>();
        let mut results_of = results(op).iter().map(|y| y.r#type()).collect::<Vec<_>>();
        results_of.extend(types);
        for tape in self.tapes {
            let dims = match tape.content {
                Content::Begun(place) => before.dims(self.round.carried.inits[place]),
                Content::Made(_) => tape.dims.clone(),
            };
            let dims = [&[tape.bound], dims.as_slice()].concat();
            operands.push(before.full(&dims, tape.element, "0"));
            results_of.push(tape.value.r#type());
        }
        let regions = op.region_count();
        let made = OperationBuilder::new(edit::name(op), op.location())
            .add_operands(&operands)
            .add_results(&results_of)
            .add_attributes(&op.attributes().collect::<Vec<_>>())
            .add_regions_vec((0..regions).map(|_| Region::new()).collect())
            .build()
            .expect("result types are given");
        let made = before.append(made);
        (0..regions).for_each(|region| edit::take_region(op, made, region));
        let (old, mut new) = (results(op), results(made));
        let further = new.split_off(old.len());
        for (old, new) in old.iter().zip(&new) {
            edit::replace_uses(*old, *new);
        }
        further
    }

    /// The loop with tapes that its body writes.
    fn rewrite_for(&self, body: BlockRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let steps = Steps::of(self.op);
        let further = self.rebuild(&[]);
        let end = terminator(body);
        let e = Builder::before(self.before.context, end);
        let at = steps.number(&e, block_arguments(body)[0]);
        let mut given = end.operands().collect::<Vec<_>>();
        for tape in self.tapes {
            let x = match tape.content {
                Content::Begun(place) => self.round.carried.arguments[place],
                Content::Made(x) => x,
            };
            let argument = body.add_argument(tape.value.r#type(), x.location());
            given.push(with_round(&e, argument, x, at));
        }
        yield_values(&e, &given);
        edit::erase(e.context, end);
        further
    }

    /// The loop with tapes that its body writes, to which the condition passes what the round began with; and what it
    /// ends with at places.
    fn rewrite_while(&self, ends: &[usize]) -> Vec<Value<'c, 'a>> {
        let Kind::While {
            before,
            passed,
            received,
            after,
            counter,
        } = &self.round.kind
        else {
            return vec![];
        };
        let carried = &self.round.carried;
        let taped = self.tapes.iter().filter_map(|tape| match tape.content {
            Content::Begun(place) => Some(place),
            Content::Made(_) => None,
        });
        let computed = |i: &usize| !passed.contains(&carried.arguments[*i]);
        let also = taped.filter(|i| computed(i) && !ends.contains(i));
        let places = ends.iter().copied().chain(also).collect::<Vec<_>>();
        let begun = places.iter().map(|&i| carried.arguments[i]);
        let begun = begun.collect::<Vec<_>>();
        let types = begun.iter().map(|x| x.r#type()).collect::<Vec<_>>();
        let mut further = self.rebuild(&types);
        further.drain(ends.len()..places.len());

        let (condition, end) = (terminator(*before), terminator(*after));
        let mut given = condition.operands().collect::<Vec<_>>();
        given.extend(&begun);
        let argument = |block: &BlockRef<'c, 'a>, x: &Value<'c, 'a>| {
            block.add_argument(x.r#type(), x.location())
        };
        let tapes = self.tapes.iter().map(|tape| argument(before, &tape.value));
        given.extend(tapes.collect::<Vec<_>>());
        let received_too = begun.iter().map(|x| argument(after, x));
        let received_too = received_too.collect::<Vec<_>>();
        let tapes = self.tapes.iter().map(|tape| argument(after, &tape.value));
        let tapes = tapes.collect::<Vec<_>>();

        let cx = self.before.context;
        let e = Builder::before(cx, condition);
        let op = OperationBuilder::new("scf.condition", e.location).add_operands(&given);
        e.append(op.build().expect("a terminator has no results"));
        edit::erase(cx, condition);

        let e = Builder::before(cx, end);
        let mut next = end.operands().collect::<Vec<_>>();
        for (tape, argument) in self.tapes.iter().zip(tapes) {
            let x = match tape.content {
                Content::Made(x) => x,
                Content::Begun(place) => {
                    let x = carried.arguments[place];
                    let as_it_is = passed.iter().position(|y| *y == x).map(|i| received[i]);
                    let at = places.iter().position(|i| *i == place);
                    let extra = || at.map(|at| received_too[at]);
                    as_it_is
                        .or_else(extra)
                        .expect("the condition passes on what is kept")
                }
            };
            next.push(with_round(&e, argument, x, received[counter.result]));
        }
        yield_values(&e, &next);
        edit::erase(cx, end);
        further
    }
}

fn terminator<'c, 'a>(block: BlockRef<'c, 'a>) -> OperationRef<'c, 'a> {
    operations(block)
        .last()
        .expect("a block ends with a terminator")
}
