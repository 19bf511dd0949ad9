//! One loop over the rows of a group with products, or over blocks of rows, and in it the ops on these.

use super::{
    Group, Member,
    sweep::{Sizes, part, row_count, shrunk},
    unknown_sizes,
};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic},
    loops::nest::index_of,
    tasks,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape::{self, DYNAMIC},
};
use melior::{
    Context, IrRewriter,
    ir::{
        OperationRef, RegionLike, Value, ValueLike, operation::OperationLike, r#type::MemRefType,
    },
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
    let rewriter = IrRewriter::new(context);
    let first = group.members[0].op;
    for op in &group.before {
        rewriter.as_rewriter_base().move_op_before(*op, first);
    }
    let e = Emitter::before(context, first);
    let by_rows = by_rows(&group);
    let temporaries = group.temporaries();
    // Asking an old temporary for its size would keep it.
    let size = temporaries
        .iter()
        .find_map(|buffer| match shape::shape_of(*buffer)[0] {
            DYNAMIC => unknown_sizes(*buffer).first().copied(),
            known => Some(e.index(known)),
        });
    let rows = size.or_else(|| row_count(&e, &group.members[0]))?;
    let shared = shared(&group, &temporaries);
    let own = temporaries
        .iter()
        .filter(|old| !shared.contains_key(&identity(**old)));
    let own = own.map(|old| {
        let new = match step {
            Step::One => shrunk(&e, *old),
            Step::Block(size) => of_rows(&e, *old, size),
        };
        (identity(*old), new)
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
        let views = by_rows.iter().zip(&sizes).map(|(buffer, sizes)| {
            let temporary = temporaries.get(&identity(*buffer));
            let from = if temporary.is_some() { e.index(0) } else { row };
            let memory = *temporary.unwrap_or(buffer);
            let view = match (sizes, count) {
                (None, _) => memory,
                (Some(sizes), None) => part(e, memory, 0, from, sizes),
                (Some(sizes), Some(count)) => block(e, memory, (from, count), sizes),
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
    for member in &group.members {
        edit::erase(context, member.op);
    }
    let made = group.touched.iter().filter_map(|t| defining_op(t.value));
    for op in made.filter(|op| edit::name(*op) == "memref.alloc") {
        if op
            .result(0)
            .is_ok_and(|buffer| edit::uses(buffer.into()).is_empty())
        {
            edit::erase(context, op);
        }
    }
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
    let inner = |l: &usize| if *l > member.row { l - 1 } else { *l };
    let access = |access: &Access<'c, 'a>| match access.loops.contains(&member.row) {
        false => Access {
            value: access.value,
            loops: access.loops.iter().map(inner).collect(),
        },
        true => Access {
            value: views[&identity(access.value)],
            loops: access.loops[1..].iter().map(inner).collect(),
        },
    };
    let mut iterators = member.generic.iterators.clone();
    iterators.remove(member.row);
    let generic = Generic {
        iterators,
        inputs: member.generic.inputs.iter().map(access).collect(),
        outputs: member.generic.outputs.iter().map(access).collect(),
        attributes: member.generic.attributes.clone(),
    };
    let old = member
        .op
        .region(0)
        .ok()
        .and_then(|region| region.first_block());
    let old = old.expect("an op of linalg has a body");
    for op in crate::alias::operations(old) {
        if let Some(index) = index_of(op) {
            if index == member.row {
                edit::replace_uses(linalg::results(op)[0], row);
                edit::erase(e.context(), op);
            } else {
                edit::set_attribute(op, "dim", e.attr(&format!("{} : i64", inner(&index))));
            }
        }
    }
    let (_, block) = generic.declare(e);
    let arguments = linalg::arguments(block);
    IrRewriter::new(e.context())
        .as_rewriter_base()
        .merge_blocks(old, block, &arguments);
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

/// A buffer of so many rows in the place of one of all.
fn of_rows<'c, 'a>(
    e: &Emitter<'c, 'a>,
    buffer: Value<'c, 'a>,
    rows: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let drop = usize::from(shape[0] == DYNAMIC);
    let mut sizes = vec![rows];
    sizes.extend(unknown_sizes(buffer).split_off(drop));
    let dims = shape[1..]
        .iter()
        .map(|dim| text(*dim) + "x")
        .collect::<String>();
    let ty = e.ty(&format!("memref<?x{dims}{}>", shape::element_of(buffer)));
    let segments = e.attr(&format!("array<i32: {}, 0>", sizes.len()));
    let attributes = [
        ("operandSegmentSizes", segments),
        ("alignment", e.attr("64 : i64")),
    ];
    e.op_with("memref.alloc", &sizes, ty, &attributes)
}

/// Rows of a buffer, which has its other axes whole.
fn block<'c, 'a>(
    e: &Emitter<'c, 'a>,
    buffer: Value<'c, 'a>,
    (start, count): (Value<'c, 'a>, Value<'c, 'a>),
    sizes: &Sizes<'c, 'a>,
) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let ty = MemRefType::try_from(buffer.r#type()).expect("members work on memrefs");
    let strides = ty.strides_and_offset().0;
    let dims = shape[1..]
        .iter()
        .map(|dim| text(*dim) + "x")
        .collect::<String>();
    let strides = strides.iter().map(|n| text(*n)).collect::<Vec<_>>();
    let ty = e.ty(&format!(
        "memref<?x{dims}{}, strided<[{}], offset: ?>>",
        shape::element_of(buffer),
        strides.join(", ")
    ));
    let list = |f: &dyn Fn(usize) -> i64| {
        let entries = (0..shape.len()).map(|i| f(i).to_string());
        let entries = entries.collect::<Vec<_>>();
        e.attr(&format!("array<i64: {}>", entries.join(", ")))
    };
    let mut operands = vec![buffer, start, count];
    operands.extend(sizes.values[1..].iter().flatten());
    let segments = format!("array<i32: 1, 1, {}, 0>", operands.len() - 2);
    let attributes = [
        (
            "static_offsets",
            list(&|i| if i == 0 { DYNAMIC } else { 0 }),
        ),
        (
            "static_sizes",
            list(&|i| if i == 0 { DYNAMIC } else { shape[i] }),
        ),
        ("static_strides", list(&|_| 1)),
        ("operandSegmentSizes", e.attr(&segments)),
    ];
    e.op_with("memref.subview", &operands, ty, &attributes)
}

fn text(n: i64) -> String {
    match n {
        DYNAMIC => "?".to_string(),
        n => n.to_string(),
    }
}
