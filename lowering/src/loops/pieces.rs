//! Elementwise loops of a GPU's threads, of which each takes some neighbours: with few bytes a thread, too few loads are under way
//! to keep memory busy.
//!
//! Neighbours are loaded as one vector where all that is loaded and stored so lies at multiples of [`ACCESS`] bytes, which is found
//! out before the loops, and one by one elsewhere and where fewer are left.

use super::{
    Body, Nest,
    nest::Extent,
    plan::{Walk, load_walk, walk},
    segments::Width,
    write::{State, Writer},
};
use crate::{
    emit::{Emitter, Int},
    linalg::Iterator,
    schedule::gpu::{ACCESS, neighbours},
    tasks, view,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, ElementClass, class, width},
};
use melior::ir::{BlockLike, TypeLike, Value, ValueLike, operation::OperationLike};

/// What is found out before the loops of a nest in pieces.
#[derive(Clone, Copy)]
pub struct Pieces<'c, 'a> {
    /// How many there are.
    count: Value<'c, 'a>,
    /// The end of what may be taken as vectors: 0, where anything lies at no multiple of [`ACCESS`] bytes.
    even_end: Value<'c, 'a>,
}

/// The loop along which threads take neighbours, and how many, where they do.
pub fn read<'c: 'a, 'a>(nest: &Nest<'c, 'a>, body: &Body<'c, 'a>) -> Option<(usize, i64)> {
    let op = nest.block.parent_operation()?;
    let is_round = |op: &_| tasks::independent(*op) == Some(true);
    let each = |kind: &Iterator| *kind == Iterator::Parallel;
    if crate::alias::ancestors(op).iter().any(is_round) || !nest.generic.iterators.iter().all(each)
    {
        return None;
    }
    let last = |index: &usize| {
        let mut outputs = nest.generic.outputs.iter();
        outputs.all(|access| walk(access, *index) == Walk::Contiguous)
    };
    let index = (0..nest.extents.len()).find(last)?;
    let inputs = nest.generic.inputs.iter();
    let inputs = inputs.filter(|access| access.value.r#type().is_mem_ref());
    let loads = body
        .ops
        .iter()
        .filter(|op| edit::name(**op) == "memref.load");
    let walks = inputs.map(|access| walk(access, index));
    let mut walks = walks.chain(loads.map(|op| load_walk(body, *op, index)));
    let memory = memories(nest, body, index);
    let elements = memory.iter().map(|memory| shape::element_of(*memory));
    let bytes = |element| match class(element) {
        ElementClass::Bool => None,
        _ => Some(i64::from(width(element)) / 8),
    };
    let bytes = elements.map(bytes).collect::<Option<Vec<_>>>()?;
    let room = body.alive(index) * body.bits(nest, index) / 32;
    let count = neighbours(bytes.into_iter().min()?, room)?;
    let is_short = matches!(nest.extents[index], Extent::Known(n) if n < count);
    let is_strided = walks.any(|walk| walk == Walk::Strided);
    (!is_short && !is_strided).then_some((index, count))
}

/// What is walked element after element by a loop.
fn memories<'c: 'a, 'a>(
    nest: &Nest<'c, 'a>,
    body: &Body<'c, 'a>,
    index: usize,
) -> Vec<Value<'c, 'a>> {
    let accesses = nest.generic.inputs.iter().chain(&nest.generic.outputs);
    let accesses = accesses.filter(|access| {
        access.value.r#type().is_mem_ref() && walk(access, index) == Walk::Contiguous
    });
    let loads = body.ops.iter().filter(|op| {
        edit::name(**op) == "memref.load" && load_walk(body, **op, index) == Walk::Contiguous
    });
    let loads = loads.filter_map(|op| op.operand(0).ok());
    let all = accesses.map(|access| access.value).chain(loads);
    all.fold(vec![], |mut found: Vec<Value>, value| {
        if found
            .iter()
            .all(|other| identity(*other) != identity(value))
        {
            found.push(value);
        }
        found
    })
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// The pieces of a loop.
    pub(super) fn find_pieces(&self, e: &Emitter<'c, 'a>, index: usize) -> Pieces<'c, 'a> {
        let mut numbers = vec![];
        for memory in memories(self.nest, self.body, index) {
            let bytes = i64::from(width(shape::element_of(memory))) / 8;
            let (rank, parts) = (shape::shape_of(memory).len(), view::metadata(e, memory));
            numbers.push(view::address(e, memory, parts[1], bytes));
            let strides = &parts[2 + rank..1 + 2 * rank];
            numbers.extend(strides.iter().map(|stride| e.mul(*stride, e.index(bytes))));
        }
        let end = self.nest.extents[index].value(e);
        let is_even = view::are_multiples(e, &numbers, ACCESS);
        Pieces {
            count: e.ceil_div(end, self.plan.schedule.lanes),
            even_end: e.select(is_even, end, e.index(0)),
        }
    }

    /// The loop at a depth, in pieces.
    pub(super) fn in_pieces(
        &self,
        e: &Emitter<'c, 'a>,
        (depth, pieces): (usize, Pieces<'c, 'a>),
        state: &State<'c, 'a>,
    ) {
        let index = self.plan.order[depth];
        let high = self.nest.extents[index].value(e);
        let count = self.plan.schedule.lanes;
        let element = |e: &Emitter<'c, 'a>, place, width| {
            let state = self.inside(e, state, index, place, width);
            self.level(e, depth + 1, state);
        };
        let bounds = (e.index(0), pieces.count, e.index(1));
        let op = e.plain_loop(bounds, |e, piece| {
            let low = e.mul(piece, e.index(count));
            let end = e.add(low, e.index(count));
            let is_even = e.cmp(Int::Sle, end, pieces.even_end);
            e.if_else(
                is_even,
                &[],
                |e| {
                    element(e, low, Width::Vector(count));
                    vec![]
                },
                |e| {
                    let rest = (low, e.min(end, high), e.index(1));
                    e.plain_loop(rest, |e, place| element(e, place, Width::Scalar));
                    vec![]
                },
            );
        });
        tasks::mark(e, op, true);
    }
}
