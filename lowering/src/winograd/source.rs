//! The image behind a copy with zeros around it, which is then read instead of the copy.

use crate::{
    alias::{Effects, may_alias},
    matmul::fill::is_zero,
    walk,
};
use dlc_dialects::ir::edit;
use melior::{
    Context,
    ir::{OperationRef, Value, attribute::DenseI64ArrayAttribute, operation::OperationLike},
};

/// An image and the zeros before each of its axes in the copy.
pub struct Source<'c, 'a> {
    /// The image.
    pub image: Value<'c, 'a>,
    /// Zeros before each axis.
    pub before: Vec<i64>,
    copy: Value<'c, 'a>,
    /// What makes the copy, the last first.
    makers: Vec<OperationRef<'c, 'a>>,
}

impl<'c: 'a, 'a> Source<'c, 'a> {
    /// The source of what `reader` reads, if that is a copy which no op changes and the image is still the same.
    pub fn of(copy: Value<'c, 'a>, reader: OperationRef<'c, 'a>) -> Option<Self> {
        let alloc = dlc_dialects::ir::inspect::defining_op(copy)?;
        if edit::name(alloc) != "memref.alloc" || alloc.block() != reader.block() {
            return None;
        }
        let users = edit::uses(copy).into_iter().map(|(user, _)| user);
        let users = users.collect::<Vec<_>>();
        let named = |name: &str| users.iter().copied().find(|user| walk::is(*user, name));
        let (fill, view) = (named("linalg.fill")?, named("memref.subview")?);
        let others = users.iter().filter(|user| ![fill, view].contains(user));
        let read_only = others.copied().all(|user| reads(user, copy));
        let uses = edit::uses(view.result(0).ok()?.into());
        let [(write, 1)] = uses[..] else {
            return None;
        };
        let in_order = [alloc, fill, write, reader];
        let order = in_order
            .windows(2)
            .all(|pair| pair[0].block() == pair[1].block() && pair[0].is_before_in_block(pair[1]));
        let steps = numbers(view, "static_strides")?;
        let before = numbers(view, "static_offsets")?;
        let image = write.operand(0).ok()?;
        let simple = read_only
            && walk::is(write, "memref.copy")
            && is_zero(fill.operand(0).ok()?)
            && steps.iter().all(|step| *step == 1)
            && before.iter().all(|count| *count >= 0);
        (simple && order && unchanged(image, write, reader)).then_some(Self {
            image,
            before,
            copy,
            makers: vec![write, view, fill],
        })
    }

    /// Erases what makes the copy if no op reads it any more.
    pub fn erase_if_unused(self, cx: &'c Context) {
        let users = edit::uses(self.copy).into_iter().map(|(user, _)| user);
        let mut others = users.filter(|user| !walk::is(*user, "memref.dim"));
        if others.all(|user| self.makers.contains(&user)) {
            for maker in self.makers {
                edit::erase(cx, maker);
            }
        }
    }
}

/// Whether an op reads a buffer or its size, and no more.
fn reads(op: OperationRef, buffer: Value) -> bool {
    let Effects { reads, writes } = Effects::of(op);
    walk::is(op, "memref.dim")
        || reads.contains(&buffer) && !writes.contains(&buffer) && op.result_count() == 0
}

/// Whether nothing writes a buffer from one op to another of the block.
fn unchanged<'c: 'a, 'a>(
    buffer: Value<'c, 'a>,
    from: OperationRef<'c, 'a>,
    to: OperationRef<'c, 'a>,
) -> bool {
    let between = std::iter::successors(from.next_in_block(), |op| op.next_in_block());
    let mut between = between.take_while(|op| *op != to);
    between.all(|op| {
        let writes = Effects::of(op).writes;
        writes.into_iter().all(|memory| !may_alias(memory, buffer))
    })
}

fn numbers(op: OperationRef, name: &str) -> Option<Vec<i64>> {
    let all = DenseI64ArrayAttribute::try_from(op.attribute(name).ok()?).ok()?;
    (0..all.len()).map(|i| all.element(i).ok()).collect()
}
