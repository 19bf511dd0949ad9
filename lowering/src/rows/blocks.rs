//! One loop over the rows of a group with products, or over blocks of rows, and in it the ops on these.

use super::{
    Group, Member,
    parts::{Rows, Sizes, begin, end, on_row, part, row_count, temporary},
    unknown_sizes,
};
use crate::{
    emit::Emitter,
    linalg::{self, Access},
    loops::nest::index_of,
    tasks,
};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::{
    Context,
    ir::{OperationRef, RegionLike, Value, ValueLike, operation::OperationLike},
};
use std::collections::{BTreeMap, HashMap};

/// What a round of the loop takes.
#[derive(Clone, Copy)]
pub enum Step<'c, 'a> {
    /// One row, whose axis is gone inside.
    One,
    /// So many rows, the last time fewer.
    Block(Value<'c, 'a>),
}

/// The views that stand for buffers inside the loop.
type Views<'c, 'a> = HashMap<usize, Value<'c, 'a>>;

/// Writes the loop in the place of the group, whose ops all have their first axis by rows; gives the loop.
pub fn divide<'c: 'a, 'a>(
    context: &'c Context,
    group: Group<'c, 'a>,
    step: Step<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let e = begin(context, &group);
    let by_rows = by_rows(&group);
    let temporaries = group.temporaries();
    let rows = row_count(&e, &group, &temporaries)?;
    let shared = shared(&group, &temporaries);
    let own = temporaries
        .iter()
        .filter(|old| !shared.contains_key(&identity(**old)));
    let own = own.map(|old| {
        let rows = match step {
            Step::One => None,
            Step::Block(size) => Some(size),
        };
        (identity(*old), temporary(&e, *old, rows))
    });
    let mut temporaries = own.collect::<Views>();
    temporaries.extend(
        shared
            .iter()
            .map(|(old, by)| (*old, temporaries[by]))
            .collect::<Vec<_>>(),
    );
    let sizes = by_rows.iter().map(|buffer| {
        let temporary = temporaries.get(&identity(*buffer));
        match (temporary, step) {
            // The view that it has inside is itself.
            (Some(_), Step::One) => None,
            (Some(temporary), _) => Some(Sizes::new(&e, *temporary)),
            (None, _) => Some(Sizes::new(&e, *buffer)),
        }
    });
    let sizes = sizes.collect::<Vec<_>>();
    let by = match step {
        Step::One => e.index(1),
        Step::Block(size) => size,
    };
    let op = e.plain_loop((e.index(0), rows, by), |e, row| {
        let count = match step {
            Step::One => None,
            Step::Block(size) => Some(e.min(size, e.sub(rows, row))),
        };
        let rows_from = |from| match count {
            None => Rows::One(from),
            Some(count) => Rows::Some(from, count),
        };
        let views = by_rows.iter().zip(&sizes).map(|(buffer, sizes)| {
            let temporary = temporaries.get(&identity(*buffer));
            let from = if temporary.is_some() { e.index(0) } else { row };
            let memory = *temporary.unwrap_or(buffer);
            let view = match sizes {
                None => memory,
                Some(sizes) => part(e, memory, 0, rows_from(from), sizes),
            };
            (identity(*buffer), view)
        });
        let mut views = views.collect::<Views>();
        // One view of one memory: rows that are read and then written do not mix.
        views.extend(
            shared
                .iter()
                .map(|(old, by)| (*old, views[by]))
                .collect::<Vec<_>>(),
        );
        for member in &group.members {
            match step {
                Step::One => one(e, member, row, &views),
                Step::Block(_) => several(e, member, row, &views),
            }
        }
    });
    if !group.has_sums() {
        tasks::mark(&e, op, true);
    }
    end(context, &group);
    Some(op)
}

/// Temporaries that begin when others of their type have been read for the last time, and so can be these.
fn shared<'c: 'a, 'a>(
    group: &Group<'c, 'a>,
    temporaries: &[Value<'c, 'a>],
) -> BTreeMap<usize, usize> {
    let touches = |member: &Member<'c, 'a>, buffer: &Value<'c, 'a>| {
        let mut all = member.generic.inputs.iter().chain(&member.generic.outputs);
        all.any(|access| identity(access.value) == identity(*buffer))
    };
    let mut owners: Vec<(Value, usize)> = vec![];
    let mut shared = BTreeMap::new();
    let mut spans = vec![];
    for buffer in temporaries {
        let first = group.members.iter().position(|m| touches(m, buffer));
        let last = group.members.iter().rposition(|m| touches(m, buffer));
        spans.extend(first.zip(last).map(|(first, last)| (first, last, *buffer)));
    }
    spans.sort_by_key(|(first, ..)| *first);
    for (first, last, buffer) in spans {
        let free = |(owner, until): &&mut (Value<'c, 'a>, usize)| {
            let read = *until < first
                || (*until == first && in_place(&group.members[first], *owner, buffer));
            read && owner.r#type() == buffer.r#type() && same_sizes(*owner, buffer)
        };
        match owners.iter_mut().find(free) {
            Some((owner, until)) => {
                *until = last;
                shared.insert(identity(buffer), identity(*owner));
            }
            None => owners.push((buffer, last)),
        }
    }
    shared
}

/// Whether an op reads an element of a buffer just where it writes another one's.
fn in_place<'c, 'a>(member: &Member<'c, 'a>, read: Value<'c, 'a>, written: Value<'c, 'a>) -> bool {
    let of = |accesses: &[Access<'c, 'a>], buffer| {
        let found = accesses
            .iter()
            .filter(|x| identity(x.value) == identity(buffer));
        found.map(|access| access.loops.clone()).collect::<Vec<_>>()
    };
    let (reads, writes) = (
        of(&member.generic.inputs, read),
        of(&member.generic.outputs, written),
    );
    let updates = of(&member.generic.outputs, read);
    let alike = reads
        .iter()
        .all(|loops| writes.iter().all(|other| other == loops));
    member.generic.is_parallel() && updates.is_empty() && alike
}

/// Whether two temporaries of one type have the same sizes, as far as can be seen.
fn same_sizes<'c: 'a, 'a>(a: Value<'c, 'a>, b: Value<'c, 'a>) -> bool {
    unknown_sizes(a) == unknown_sizes(b)
}

/// The buffers that members walk by rows.
fn by_rows<'c, 'a>(group: &Group<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut found: Vec<Value> = vec![];
    for member in &group.members {
        for access in member.generic.inputs.iter().chain(&member.generic.outputs) {
            let known = found.iter().any(|x| identity(*x) == identity(access.value));
            if access.loops.contains(&member.row) && !known {
                found.push(access.value);
            }
        }
    }
    found
}

/// An op on one row.
fn one<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
    row: Value<'c, 'a>,
    views: &Views<'c, 'a>,
) {
    if edit::name(member.op) == "linalg.fill" {
        several(e, member, row, views);
        return;
    }
    let view = |access: &Access<'c, 'a>| views[&identity(access.value)];
    let attributes = member.generic.attributes.clone();
    on_row(e, member, row, view, |_| (vec![], attributes));
}

/// An op on the rows from `start` on: the same, on views.
fn several<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
    start: Value<'c, 'a>,
    views: &Views<'c, 'a>,
) {
    let copy = e.insert((*member.op).clone());
    for (i, operand) in copy.operands().enumerate() {
        if let Some(view) = views.get(&identity(operand)) {
            edit::set_operand(copy, i, *view);
        }
    }
    let body = copy.region(0).ok().and_then(|region| region.first_block());
    for op in body.map(crate::alias::operations).unwrap_or_default() {
        if index_of(op) == Some(member.row) {
            let index = linalg::results(op)[0];
            let users = edit::uses(index);
            let next = op.next_in_block().expect("a body ends with a terminator");
            let place = Emitter::before(e.context(), next).add(index, start);
            for (user, operand) in users {
                edit::set_operand(user, operand, place);
            }
        }
    }
}
