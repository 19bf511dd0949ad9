//! One loop over the rows of a group, and in it the ops on a row.

use super::{
    Group, Member,
    parts::{Rows, Sizes, begin, end, on_row, part, row_count, temporary},
};
use crate::{
    alias,
    emit::{Emitter, Prefetch},
    linalg::Access,
    loops::nest::{AHEAD, Ahead},
    tasks,
    work::FUNCTION,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, DYNAMIC},
};
use melior::{
    Context,
    ir::{OperationRef, RegionLike, Value, operation::OperationLike},
};
use std::collections::HashMap;

/// Writes the loop in the place of the group; nothing if the number of rows can't be told.
pub fn sweep<'c: 'a, 'a>(
    context: &'c Context,
    group: Group<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let e = begin(context, &group);
    let temporaries = group.temporaries();
    let rows = row_count(&e, &group, &temporaries)?;
    let mut sources = HashMap::new();
    for value in temporaries {
        sources.insert(identity(value), Source::Whole(temporary(&e, value, None)));
    }
    for member in &group.members {
        for access in member.generic.inputs.iter().chain(&member.generic.outputs) {
            if access.loops.contains(&member.row) {
                let key = identity(access.value);
                sources
                    .entry(key)
                    .or_insert_with(|| Source::Part(Sizes::new(&e, access.value)));
            }
        }
    }
    let ahead = Nearer::of(&group, &sources);
    let op = e.plain_loop((e.index(0), rows, e.index(1)), |e, row| {
        let next = e.min(e.plus(row, 1), e.sub(rows, e.index(1)));
        // One view of a row, so that it can be told to be one.
        let mut views = HashMap::new();
        for (number, member) in group.members.iter().enumerate() {
            let ahead = match &ahead {
                Some(ahead) if ahead.carrier == number => &ahead.rows[..],
                _ => &[],
            };
            write(e, member, (row, next), (&sources, &mut views), ahead);
        }
    });
    // What adds up over rows does so in their order.
    tasks::mark(&e, op, group.touched.iter().all(|buffer| !buffer.sum));
    end(context, &group);
    Some(op)
}

/// Where an op on a row finds a buffer's row.
enum Source<'c, 'a> {
    /// In a buffer of one row.
    Whole(Value<'c, 'a>),
    /// In the buffer.
    Part(Sizes<'c, 'a>),
}

/// The views of a round's rows, by buffer and axis.
type Views<'c, 'a> = HashMap<(usize, usize), Value<'c, 'a>>;

/// What is brought nearer while an op goes through a row: the one that computes most, beside which memory would idle; not
/// the last, right behind which the next row is read.
struct Nearer<'c, 'a> {
    /// The number of the op.
    carrier: usize,
    /// Buffers of rows as long as the op's.
    rows: Vec<Row<'c, 'a>>,
}

/// A row to bring nearer.
struct Row<'c, 'a> {
    buffer: Value<'c, 'a>,
    access: Prefetch,
    /// The next one; else the one at hand, which ops after this one write.
    next: bool,
}

impl<'c: 'a, 'a> Nearer<'c, 'a> {
    /// Of a group, if one of its ops goes through long rows.
    fn of(group: &Group<'c, 'a>, sources: &HashMap<usize, Source<'c, 'a>>) -> Option<Self> {
        let members = group.members.iter().enumerate();
        let long = members.filter(|(_, member)| member.generic.iterators.len() == 2);
        let long = long.collect::<Vec<_>>();
        let (last, before) = long.split_last()?;
        let most = before.iter().max_by_key(|(_, member)| work(member));
        let &(carrier, member) = most.unwrap_or(last);
        let length = length(member);
        let mut rows = vec![];
        for touched in &group.touched {
            let in_memory = matches!(sources.get(&identity(touched.value)), Some(Source::Part(_)));
            let shape = shape::shape_of(touched.value);
            // Rows of another length that is known would not be one op's.
            if !in_memory || touched.sum || shape.len() != 2 || shape[1] != length {
                continue;
            }
            let member_writes = |member: &Member<'c, 'a>| {
                let mut outputs = member.generic.outputs.iter();
                outputs.any(|access| identity(access.value) == identity(touched.value))
            };
            let first = group.members.iter().position(member_writes);
            rows.push(Row {
                buffer: touched.value,
                access: match first {
                    Some(_) => Prefetch::Write,
                    None => Prefetch::Read,
                },
                next: first.is_none_or(|first| first <= carrier),
            });
        }
        Some(Self { carrier, rows })
    }
}

/// The length of the rows of an op with two loops, if it is known when compiling.
fn length(member: &Member) -> i64 {
    let accesses = member.generic.inputs.iter().chain(&member.generic.outputs);
    let sizes = accesses.flat_map(|access| {
        let axes = access.loops.iter().enumerate();
        let axes = axes.filter(|(_, l)| **l != member.row);
        let shape = shape::shape_of(access.value);
        axes.map(move |(axis, _)| shape[axis]).collect::<Vec<_>>()
    });
    sizes.max().unwrap_or(DYNAMIC)
}

/// How much an op computes for an element.
fn work(member: &Member) -> i64 {
    let block = member
        .op
        .region(0)
        .ok()
        .and_then(|region| region.first_block());
    let ops = block.map(alias::operations).unwrap_or_default();
    let ops = ops
        .into_iter()
        .map(|op| match edit::name(op).starts_with("math.") {
            true => FUNCTION,
            false => 1,
        });
    ops.sum()
}

/// The op on one row; it brings others nearer.
fn write<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
    (row, next): (Value<'c, 'a>, Value<'c, 'a>),
    (sources, views): (&HashMap<usize, Source<'c, 'a>>, &mut Views<'c, 'a>),
    ahead: &[Row<'c, 'a>],
) {
    let axis = |access: &Access| access.loops.iter().position(|l| *l == member.row);
    let view = |access: &Access<'c, 'a>| match &sources[&identity(access.value)] {
        Source::Whole(value) => *value,
        Source::Part(sizes) => {
            let axis = axis(access).expect("it is walked by rows");
            let made = views.entry((identity(access.value), axis));
            *made.or_insert_with(|| part(e, access.value, axis, Rows::One(row), sizes))
        }
    };
    on_row(e, member, row, view, |own| {
        let mut rows = vec![];
        let mut prefetched = vec![];
        for one in ahead {
            let Source::Part(sizes) = &sources[&identity(one.buffer)] else {
                continue;
            };
            prefetched.push(Ahead {
                input: own + rows.len(),
                access: one.access,
            });
            let which = if one.next { next } else { row };
            rows.push(Access {
                value: part(e, one.buffer, 0, Rows::One(which), sizes),
                loops: vec![0],
            });
        }
        (rows, vec![(AHEAD, Ahead::attribute(e, &prefetched))])
    });
}
