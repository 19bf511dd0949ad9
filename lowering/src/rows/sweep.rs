//! One loop over the rows of a group, and in it the ops on a row.

use super::{Group, Member};
use crate::{
    alias,
    emit::{Emitter, Prefetch},
    linalg::{self, Access, Generic},
    loops::nest::{AHEAD, Ahead, index_of},
    tasks,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape::{self, DYNAMIC},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, RegionLike, Value, ValueLike, operation::OperationLike, r#type::MemRefType},
};
use std::collections::HashMap;

/// Writes the loop in the place of the group.
pub fn sweep<'c: 'a, 'a>(context: &'c Context, group: Group<'c, 'a>) {
    let rewriter = IrRewriter::new(context);
    let first = group.members[0].op;
    for op in &group.before {
        rewriter.as_rewriter_base().move_op_before(*op, first);
    }
    let e = Emitter::before(context, first);
    let mut sources = HashMap::new();
    let mut rows = None;
    for value in group.temporaries() {
        if shape::shape_of(value)[0] == DYNAMIC {
            rows = rows.or(super::unknown_sizes(value).first().copied());
        }
        sources.insert(identity(value), Source::Whole(shrunk(&e, value)));
    }
    let Some(rows) = rows.or_else(|| row_count(&e, &group.members[0])) else {
        return;
    };
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
    let ahead = Rows::of(&group, &sources);
    let op = e.plain_loop((e.index(0), rows, e.index(1)), |e, row| {
        let next = e.min(e.plus(row, 1), e.sub(rows, e.index(1)));
        for (number, member) in group.members.iter().enumerate() {
            let ahead = match &ahead {
                Some(ahead) if ahead.carrier == number => &ahead.rows[..],
                _ => &[],
            };
            write(e, member, (row, next), &sources, ahead);
        }
    });
    // What adds up over rows does so in their order.
    tasks::mark(&e, op, group.touched.iter().all(|buffer| !buffer.sum));
    for member in &group.members {
        edit::erase(context, member.op);
    }
    for value in group
        .touched
        .iter()
        .map(|t| t.value)
        .filter(|value| super::made_here(*value))
    {
        let mut unused = Some(value);
        while let Some(op) = unused
            .filter(|x| edit::uses(*x).is_empty())
            .and_then(defining_op)
        {
            // A view leaves what it was of.
            unused = match edit::name(op) {
                "memref.subview" => op.operand(0).ok(),
                _ => None,
            };
            edit::erase(context, op);
        }
    }
}

/// Where an op on a row finds a buffer's row.
enum Source<'c, 'a> {
    /// In a buffer of one row.
    Whole(Value<'c, 'a>),
    /// In the buffer.
    Part(Sizes<'c, 'a>),
}

/// The sizes of a buffer but for one axis; values where they are not known.
pub(super) struct Sizes<'c, 'a> {
    pub(super) values: Vec<Option<Value<'c, 'a>>>,
}

impl<'c, 'a> Sizes<'c, 'a> {
    pub(super) fn new(e: &Emitter<'c, 'a>, buffer: Value<'c, 'a>) -> Self {
        let values = shape::shape_of(buffer)
            .into_iter()
            .enumerate()
            .map(|(axis, dim)| {
                (dim == DYNAMIC).then(|| {
                    let axis = e.index(axis as i64);
                    e.op("memref.dim", &[buffer, axis], e.index_type())
                })
            });
        Self {
            values: values.collect(),
        }
    }
}

pub(super) fn row_count<'c, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
) -> Option<Value<'c, 'a>> {
    let accesses = member.generic.outputs.iter().chain(&member.generic.inputs);
    let found = accesses.into_iter().find_map(|access| {
        let axis = access.loops.iter().position(|l| *l == member.row)?;
        Some((access.value, axis))
    });
    let (value, axis) = found?;
    Some(match shape::shape_of(value)[axis] {
        DYNAMIC => {
            let axis = e.index(axis as i64);
            e.op("memref.dim", &[value, axis], e.index_type())
        }
        known => e.index(known),
    })
}

/// A buffer of one row in the place of one of all rows.
pub(super) fn shrunk<'c, 'a>(e: &Emitter<'c, 'a>, buffer: Value<'c, 'a>) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let drop = usize::from(shape[0] == DYNAMIC);
    let sizes = super::unknown_sizes(buffer).split_off(drop);
    let dims = shape[1..].iter().map(|dim| match *dim {
        DYNAMIC => "?x".to_string(),
        dim => format!("{dim}x"),
    });
    let ty = e.ty(&format!(
        "memref<{}{}>",
        dims.collect::<String>(),
        shape::element_of(buffer)
    ));
    let segments = e.attr(&format!("array<i32: {}, 0>", sizes.len()));
    let attributes = [
        ("operandSegmentSizes", segments),
        ("alignment", e.attr("64 : i64")),
    ];
    let op = e.build("memref.alloc", &sizes, &[ty], &attributes, vec![]);
    op.result(0).expect("built with one result").into()
}

/// What is brought nearer while an op goes through a row: the one that computes most, beside which memory would idle.
struct Rows<'c, 'a> {
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

impl<'c: 'a, 'a> Rows<'c, 'a> {
    /// Of a group, if one of its ops goes through long rows.
    fn of(group: &Group<'c, 'a>, sources: &HashMap<usize, Source<'c, 'a>>) -> Option<Self> {
        let members = group.members.iter().enumerate();
        let long = members.filter(|(_, member)| member.generic.iterators.len() == 2);
        let (carrier, member) = long.rev().max_by_key(|(_, member)| work(member))?;
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
fn work(member: &Member) -> usize {
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

/// Ops that a function of `math` counts for.
const FUNCTION: usize = 16;

/// The op on one row; it brings others nearer.
fn write<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
    (row, next): (Value<'c, 'a>, Value<'c, 'a>),
    sources: &HashMap<usize, Source<'c, 'a>>,
    ahead: &[Row<'c, 'a>],
) {
    let context = e.context();
    let inner = |l: &usize| if *l > member.row { l - 1 } else { *l };
    let access = |access: &Access<'c, 'a>| {
        let loops = access
            .loops
            .iter()
            .filter(|l| **l != member.row)
            .map(inner)
            .collect();
        let value = match access.loops.iter().position(|l| *l == member.row) {
            None => access.value,
            Some(axis) => match &sources[&identity(access.value)] {
                Source::Whole(value) => *value,
                Source::Part(sizes) => part(e, access.value, axis, row, sizes),
            },
        };
        Access { value, loops }
    };
    let mut iterators = member.generic.iterators.clone();
    iterators.remove(member.row);
    let mut inputs = member.generic.inputs.iter().map(access).collect::<Vec<_>>();
    let own = inputs.len();
    let mut prefetched = vec![];
    for Row {
        buffer,
        access,
        next: is_next,
    } in ahead
    {
        let Source::Part(sizes) = &sources[&identity(*buffer)] else {
            continue;
        };
        prefetched.push(Ahead {
            input: inputs.len(),
            access: *access,
        });
        let which = if *is_next { next } else { row };
        inputs.push(Access {
            value: part(e, *buffer, 0, which, sizes),
            loops: vec![0],
        });
    }
    let generic = Generic {
        iterators,
        inputs,
        outputs: member.generic.outputs.iter().map(access).collect(),
        attributes: vec![(AHEAD, Ahead::attribute(e, &prefetched))],
    };
    let old = member
        .op
        .region(0)
        .ok()
        .and_then(|region| region.first_block());
    let old = old.expect("an op of linalg has a body");
    let mut next = old.first_operation();
    while let Some(op) = next {
        next = op.next_in_block();
        if let Some(index) = index_of(op) {
            if index == member.row {
                edit::replace_uses(linalg::results(op)[0], row);
                edit::erase(context, op);
            } else {
                edit::set_attribute(op, "dim", e.attr(&format!("{} : i64", inner(&index))));
            }
        }
    }
    let (_, block) = generic.declare(e);
    let mut arguments = linalg::arguments(block);
    arguments.drain(own..own + prefetched.len());
    IrRewriter::new(context)
        .as_rewriter_base()
        .merge_blocks(old, block, &arguments);
}

/// A row of a buffer: a view without the axis.
pub(super) fn part<'c, 'a>(
    e: &Emitter<'c, 'a>,
    buffer: Value<'c, 'a>,
    axis: usize,
    row: Value<'c, 'a>,
    sizes: &Sizes<'c, 'a>,
) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let ty = MemRefType::try_from(buffer.r#type()).expect("members work on memrefs");
    let (strides, _) = ty.strides_and_offset();
    let text = |n: i64| match n {
        DYNAMIC => "?".to_string(),
        n => n.to_string(),
    };
    let others = (0..shape.len()).filter(|i| *i != axis).collect::<Vec<_>>();
    let dims = others
        .iter()
        .map(|i| format!("{}x", text(shape[*i])))
        .collect::<String>();
    let strides = others.iter().map(|i| text(strides[*i])).collect::<Vec<_>>();
    let ty = e.ty(&format!(
        "memref<{dims}{}, strided<[{}], offset: ?>>",
        shape::element_of(buffer),
        strides.join(", ")
    ));
    let list = |f: &dyn Fn(usize) -> i64| {
        let entries = (0..shape.len())
            .map(|i| f(i).to_string())
            .collect::<Vec<_>>();
        e.attr(&format!("array<i64: {}>", entries.join(", ")))
    };
    let mut operands = vec![buffer, row];
    operands.extend(others.iter().filter_map(|i| sizes.values[*i]));
    let segments = format!("array<i32: 1, 1, {}, 0>", operands.len() - 2);
    let attributes = [
        (
            "static_offsets",
            list(&|i| if i == axis { DYNAMIC } else { 0 }),
        ),
        (
            "static_sizes",
            list(&|i| if i == axis { 1 } else { shape[i] }),
        ),
        ("static_strides", list(&|_| 1)),
        ("operandSegmentSizes", e.attr(&segments)),
    ];
    e.op_with("memref.subview", &operands, ty, &attributes)
}
