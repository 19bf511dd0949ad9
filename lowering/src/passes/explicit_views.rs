//! Makes views of what `expand-strided-metadata` of MLIR 22 cannot: it ends the process at the expansion of an axis into several of
//! unknown sizes, and of a slice that drops some of its axes of size 1 it may drop the wrong ones.
//!
//! Before:
//! ```mlir
//! %y = memref.expand_shape %x [[0, 1]] output_shape [%n, %m] : memref<?xf32> into memref<?x?xf32>
//! %b = memref.subview %a[0, 0, %i] [1, %n, 1] [1, 1, 1] : memref<1x?x3xf32> to memref<1x?xf32, strided<[?, 3], offset: ?>>
//! ```
//! After:
//! ```mlir
//! %base, %offset, %size, %stride = memref.extract_strided_metadata %x
//! %s = arith.muli %m, %stride
//! %y = memref.reinterpret_cast %x to offset: [0], sizes: [%n, %m], strides: [%s, %stride]
//! %b = memref.reinterpret_cast %a to offset: [%i], sizes: [1, %n], strides: [%t, 3]
//! ```
//!
//! *Requires*: memrefs. *Ensures*: no expansion of an axis into several of unknown sizes; no slice of whose axes of size 1 only some are
//! dropped. *Does not*: touch other expansions and slices.

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
    ir::{
        OperationRef, Value, ValueLike, attribute::DenseI64ArrayAttribute,
        operation::OperationLike, r#type::MemRefType,
    },
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "explicit-views",
    summary: "Make views of expansions and slices that MLIR gets wrong",
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
            let view = expanded(cx, op, &groups).ok_or_else(unreadable)?;
            edit::replace_uses(result, view);
            edit::erase(cx, op);
        }
    }
    for op in walk::named(func, "memref.subview") {
        let unreadable = || PassError::at(&op, "a slice whose sizes or strides cannot be read");
        let slice = Slice::read(cx, op).ok_or_else(unreadable)?;
        if slice.is_ambiguous() {
            let view = slice.view().ok_or_else(unreadable)?;
            edit::replace_uses(op.result(0)?.into(), view);
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

fn expanded<'c, 'a>(
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

/// A `memref.subview`.
struct Slice<'c, 'a> {
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
    /// Offsets, sizes and strides as they are known.
    known: [Vec<i64>; 3],
}

impl<'c, 'a> Slice<'c, 'a> {
    fn read(cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<Self> {
        let list = |name: &str| -> Option<Vec<i64>> {
            let list = DenseI64ArrayAttribute::try_from(op.attribute(name).ok()?).ok()?;
            (0..list.len()).map(|i| list.element(i).ok()).collect()
        };
        let known = [
            list("static_offsets")?,
            list("static_sizes")?,
            list("static_strides")?,
        ];
        Some(Self { cx, op, known })
    }

    fn result_sizes(&self) -> Vec<i64> {
        let result = self.op.result(0).expect("a slice has a result");
        shape::shape(result.r#type())
    }

    /// Whether some of the axes of size 1 are dropped, and others are not.
    fn is_ambiguous(&self) -> bool {
        let sizes = &self.known[1];
        let dropped = sizes.len() - self.result_sizes().len();
        let ones = sizes.iter().filter(|size| **size == 1).count();
        (1..ones).contains(&dropped)
    }

    /// The axes that are kept, in order. Which of those of size 1 are makes no difference to what is where.
    fn kept(&self) -> Option<Vec<usize>> {
        let mut wanted = self.result_sizes().into_iter().peekable();
        let mut kept = vec![];
        for (axis, size) in self.known[1].iter().enumerate() {
            if wanted.next_if_eq(size).is_some() {
                kept.push(axis);
            } else if *size != 1 {
                return None;
            }
        }
        wanted.next().is_none().then_some(kept)
    }

    fn view(&self) -> Option<Value<'c, 'a>> {
        let e = Emitter::before(self.cx, self.op);
        let whole = self.op.operand(0).ok()?;
        let ty = self.op.result(0).ok()?.r#type();
        let (strides, offset) = MemRefType::try_from(ty).ok()?.strides_and_offset();
        let parts = view::metadata(&e, whole);
        let rank = self.known[0].len();
        let mut given = (1..self.op.operand_count()).filter_map(|i| self.op.operand(i).ok());
        let mut values = self.known.iter().map(|known| {
            let value = |known: &i64| match *known {
                DYNAMIC => given.next(),
                known => Some(e.index(known)),
            };
            known.iter().map(value).collect::<Option<Vec<_>>>()
        });
        let [starts, lengths, steps] = [values.next()??, values.next()??, values.next()??];
        let from = &parts[2 + rank..];
        let start = starts
            .iter()
            .zip(from)
            .fold(parts[1], |start, (at, stride)| {
                e.add(start, e.mul(*at, *stride))
            });
        let mut offsets = Mixed::default();
        offsets.push(offset, || start);
        let (mut sizes, mut strided) = (Mixed::default(), Mixed::default());
        for (axis, stride) in self.kept()?.into_iter().zip(strides) {
            sizes.push(self.known[1][axis], || lengths[axis]);
            strided.push(stride, || e.mul(steps[axis], from[axis]));
        }
        Some(view::reinterpreted(
            &e,
            whole,
            [offsets, sizes, strided],
            ty,
        ))
    }
}
