//! Makes views of the expansions of one axis into several of unknown sizes, which `expand-strided-metadata` of MLIR 22
//! cannot: it ends the process.
//!
//! Before:
//! ```mlir
//! %y = memref.expand_shape %x [[0, 1]] output_shape [%n, %m] : memref<?xf32> into memref<?x?xf32>
//! ```
//! After:
//! ```mlir
//! %base, %offset, %size, %stride = memref.extract_strided_metadata %x
//! %s = arith.muli %m, %stride
//! %y = memref.reinterpret_cast %x to offset: [0], sizes: [%n, %m], strides: [%s, %stride]
//! ```
//!
//! *Requires*: memrefs. *Ensures*: no expansion of an axis into several of unknown sizes. *Does not*: touch other expansions.

use crate::{
    emit::Emitter,
    view::{self, Mixed},
    walk,
};
use dlc_dialects::{
    ir::{
        edit,
        shape::{self, DYNAMIC},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, Value, ValueLike, operation::OperationLike, r#type::MemRefType},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "view-expansions",
    summary: "Make views of expansions of one axis into several of unknown sizes",
    anchor: Anchor::Func,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for op in walk::named(func, "memref.expand_shape") {
        let unreadable =
            || PassError::at(&op, "an expansion whose groups or strides cannot be read");
        let groups = groups(op).ok_or_else(unreadable)?;
        let result = op.result(0)?.into();
        let sizes = shape::shape_of(result);
        let unknown = |group: &Vec<usize>| {
            let unknown = group.iter().filter(|axis| sizes[**axis] == DYNAMIC);
            unknown.count() > 1
        };
        if groups.iter().any(unknown) {
            let view = view(cx, op, &groups).ok_or_else(unreadable)?;
            edit::replace_uses(result, view);
            edit::erase(cx, op);
        }
    }
    Ok(())
}

/// The axes of the result that each axis of the operand becomes.
fn groups(op: OperationRef) -> Option<Vec<Vec<usize>>> {
    let text = op.attribute("reassociation").ok()?.to_string();
    let groups = text.split('[').skip(2).map(|group| {
        let (axes, _) = group.split_once(']')?;
        let axes = axes.split(", ").filter(|axis| !axis.is_empty());
        let number = |axis: &str| axis.split_whitespace().next()?.parse().ok();
        axes.map(number).collect()
    });
    groups.collect()
}

fn view<'c, 'a>(
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
    groups: &[Vec<usize>],
) -> Option<Value<'c, 'a>> {
    let e = Emitter::before(cx, op);
    let whole = op.operand(0).ok()?;
    let ty = op.result(0).ok()?.r#type();
    let (strides, offset) = MemRefType::try_from(ty).ok()?.strides_and_offset();
    let known = shape::shape(ty);
    let parts = view::metadata(&e, whole);
    let rank = groups.len();

    let mut sizes = Mixed::default();
    let mut given = (1..op.operand_count()).filter_map(|i| op.operand(i).ok());
    let mut lengths = vec![];
    for size in &known {
        let length = match *size {
            DYNAMIC => given.next()?,
            size => e.index(size),
        };
        lengths.push(length);
        sizes.push(*size, || length);
    }
    let mut steps = vec![e.index(1); known.len()];
    for (from, group) in groups.iter().enumerate() {
        let mut step = parts[2 + rank + from];
        for axis in group.iter().rev() {
            steps[*axis] = step;
            step = e.mul(step, lengths[*axis]);
        }
    }
    let mut strided = Mixed::default();
    for (stride, step) in strides.iter().zip(steps) {
        strided.push(*stride, || step);
    }
    let mut offsets = Mixed::default();
    offsets.push(offset, || parts[1]);
    Some(view::reinterpreted(
        &e,
        whole,
        [offsets, sizes, strided],
        ty,
    ))
}
