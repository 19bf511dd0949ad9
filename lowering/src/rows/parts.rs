//! What both loops over rows are made of: buffers of some rows, views of rows, and ops on one row.

use super::{Group, Member, made_here, unknown_sizes};
use crate::{
    alias::operations,
    emit::Emitter,
    linalg::{self, Access, Generic},
    loops::nest::index_of,
    view,
};
use dlc_dialects::ir::{
    edit,
    inspect::defining_op,
    shape::{self, DYNAMIC},
};
use melior::{
    Context, IrRewriter,
    ir::{Attribute, RegionLike, Value, ValueLike, operation::OperationLike, r#type::MemRefType},
};

/// Moves what is to stand before a group there; the place of the loop.
pub(super) fn begin<'c: 'a, 'a>(context: &'c Context, group: &Group<'c, 'a>) -> Emitter<'c, 'a> {
    let rewriter = IrRewriter::new(context);
    let first = group.members[0].op;
    for op in &group.before {
        rewriter.as_rewriter_base().move_op_before(*op, first);
    }
    Emitter::before(context, first)
}

/// Erases the ops of a group, and the buffers that none uses any more.
pub(super) fn end<'c: 'a, 'a>(context: &'c Context, group: &Group<'c, 'a>) {
    for member in &group.members {
        edit::erase(context, member.op);
    }
    let values = group.touched.iter().map(|touched| touched.value);
    for value in values.filter(|value| made_here(*value)) {
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

/// The number of rows of a group with these temporaries: asking one of them for its size would keep it.
pub(super) fn row_count<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    group: &Group<'c, 'a>,
    temporaries: &[Value<'c, 'a>],
) -> Option<Value<'c, 'a>> {
    let mut made = temporaries.iter();
    let size = made.find_map(|buffer| match shape::shape_of(*buffer)[0] {
        DYNAMIC => unknown_sizes(*buffer).first().copied(),
        known => Some(e.index(known)),
    });
    if size.is_some() {
        return size;
    }
    let member = &group.members[0];
    let accesses = member.generic.outputs.iter().chain(&member.generic.inputs);
    let found = accesses.into_iter().find_map(|access| {
        let axis = access.loops.iter().position(|l| *l == member.row)?;
        Some((access.value, axis))
    });
    let (value, axis) = found?;
    Some(view::size(e, value, axis))
}

/// The sizes of a buffer; values where they are not known.
pub(super) struct Sizes<'c, 'a>(Vec<Option<Value<'c, 'a>>>);

impl<'c, 'a> Sizes<'c, 'a> {
    pub(super) fn new(e: &Emitter<'c, 'a>, buffer: Value<'c, 'a>) -> Self {
        let axes = shape::shape_of(buffer).into_iter().enumerate();
        let values = axes.map(|(axis, dim)| (dim == DYNAMIC).then(|| view::size(e, buffer, axis)));
        Self(values.collect())
    }
}

/// A buffer in the place of one of all rows: of so many, or of one, whose axis it does not have.
pub(super) fn temporary<'c, 'a>(
    e: &Emitter<'c, 'a>,
    buffer: Value<'c, 'a>,
    rows: Option<Value<'c, 'a>>,
) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let drop = usize::from(shape[0] == DYNAMIC);
    let mut sizes = Vec::from_iter(rows);
    sizes.extend(unknown_sizes(buffer).split_off(drop));
    let dims = rows.map(|_| DYNAMIC).into_iter();
    let dims = dims.chain(shape[1..].iter().copied()).map(extent);
    let dims = dims.collect::<String>();
    let ty = format!("memref<{dims}{}>", shape::element_of(buffer));
    e.alloc(&sizes, &ty)
}

/// Which rows a view has.
#[derive(Clone, Copy)]
pub(super) enum Rows<'c, 'a> {
    /// One, whose axis the view does not have.
    One(Value<'c, 'a>),
    /// So many, from one on.
    Some(Value<'c, 'a>, Value<'c, 'a>),
}

/// A view of rows, which lie along an axis of a buffer.
pub(super) fn part<'c, 'a>(
    e: &Emitter<'c, 'a>,
    buffer: Value<'c, 'a>,
    axis: usize,
    rows: Rows<'c, 'a>,
    sizes: &Sizes<'c, 'a>,
) -> Value<'c, 'a> {
    let shape = shape::shape_of(buffer);
    let ty = MemRefType::try_from(buffer.r#type()).expect("members work on memrefs");
    let (strides, _) = ty.strides_and_offset();
    let (start, count) = match rows {
        Rows::One(row) => (row, None),
        Rows::Some(start, count) => (start, Some(count)),
    };
    let kept = (0..shape.len()).filter(|i| *i != axis || count.is_some());
    let kept = kept.collect::<Vec<_>>();
    let dims = kept.iter().map(|i| match *i == axis {
        true => extent(DYNAMIC),
        false => extent(shape[*i]),
    });
    let dims = dims.collect::<String>();
    let strides = kept.iter().map(|i| text(strides[*i])).collect::<Vec<_>>();
    let ty = e.ty(&format!(
        "memref<{dims}{}, strided<[{}], offset: ?>>",
        shape::element_of(buffer),
        strides.join(", ")
    ));
    let list = |f: &dyn Fn(usize) -> i64| {
        let entries = (0..shape.len()).map(|i| f(i).to_string());
        let entries = entries.collect::<Vec<_>>();
        e.attr(&format!("array<i64: {}>", entries.join(", ")))
    };
    let mut operands = vec![buffer, start];
    operands.extend(count);
    let others = sizes.0.iter().enumerate().filter(|(i, _)| *i != axis);
    operands.extend(others.filter_map(|(_, size)| *size));
    let segments = format!("array<i32: 1, 1, {}, 0>", operands.len() - 2);
    let along = if count.is_some() { DYNAMIC } else { 1 };
    let attributes = [
        (
            "static_offsets",
            list(&|i| if i == axis { DYNAMIC } else { 0 }),
        ),
        (
            "static_sizes",
            list(&|i| if i == axis { along } else { shape[i] }),
        ),
        ("static_strides", list(&|_| 1)),
        ("operandSegmentSizes", e.attr(&segments)),
    ];
    e.op_with("memref.subview", &operands, ty, &attributes)
}

fn extent(n: i64) -> String {
    text(n) + "x"
}

fn text(n: i64) -> String {
    match n {
        DYNAMIC => "?".to_string(),
        n => n.to_string(),
    }
}

/// What an op on a row has besides: inputs that its body does not know, and attributes.
pub(super) type Besides<'c, 'a> = (Vec<Access<'c, 'a>>, Vec<(&'static str, Attribute<'c>)>);

/// Writes an op on one row. `view` gives the row of what it walks by rows; `besides` is told the number of its inputs.
pub(super) fn on_row<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    member: &Member<'c, 'a>,
    row: Value<'c, 'a>,
    mut view: impl FnMut(&Access<'c, 'a>) -> Value<'c, 'a>,
    besides: impl FnOnce(usize) -> Besides<'c, 'a>,
) {
    let inner = |l: &usize| if *l > member.row { l - 1 } else { *l };
    let mut access = |access: &Access<'c, 'a>| {
        let others = access.loops.iter().filter(|l| **l != member.row);
        Access {
            loops: others.map(inner).collect(),
            value: match access.loops.contains(&member.row) {
                true => view(access),
                false => access.value,
            },
        }
    };
    let mut iterators = member.generic.iterators.clone();
    iterators.remove(member.row);
    let mut inputs = member
        .generic
        .inputs
        .iter()
        .map(&mut access)
        .collect::<Vec<_>>();
    let own = inputs.len();
    let (added, attributes) = besides(own);
    inputs.extend(added);
    let added = own..inputs.len();
    let outputs = member.generic.outputs.iter().map(access).collect();
    let generic = Generic {
        iterators,
        inputs,
        outputs,
        attributes,
    };
    let old = member.op.region(0).ok();
    let old = old.and_then(|region| region.first_block());
    let old = old.expect("an op of linalg has a body");
    for op in operations(old) {
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
    let mut arguments = linalg::arguments(block);
    arguments.drain(added);
    IrRewriter::new(e.context())
        .as_rewriter_base()
        .merge_blocks(old, block, &arguments);
}
