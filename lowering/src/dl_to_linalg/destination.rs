//! Whose memory a tensor is made in. A chain of ops may work in one memory, each on what the one before left; a value
//! that goes to a known place is made there where its chain starts in fresh memory.

use super::{Content, Lowering, Mapped, shape::cast};
use crate::{
    chain::{changes_shape, result_of, root},
    emit::Emitter,
    fuse::neighbours::ancestor,
    linalg::{self, Access, Generic, Iterator},
    scalar, walk,
};
use dlc_dialects::ir::shape;
use melior::{
    Context, IrRewriter,
    ir::{BlockRef, Value, ValueLike},
};

/// Lets a value of `block` be made in a place, where it is made in fresh memory inside the block. What may not be
/// made there, because the place's old contents are still needed, gets memory of its own when tensors become buffers.
pub(super) fn build_in<'c: 'a, 'a>(
    context: &'c Context,
    block: BlockRef<'c, 'a>,
    value: Value<'c, 'a>,
    place: Value<'c, 'a>,
) {
    let root = root(value);
    let fresh = result_of(root).is_some_and(|result| {
        walk::is(result.owner(), "tensor.empty") && ancestor(block, result.owner()).is_some()
    });
    let sized = !shape::shape_of(place).contains(&shape::DYNAMIC) || !changes_shape(value, root);
    if fresh && sized && root.r#type() == place.r#type() {
        IrRewriter::new(context)
            .as_rewriter_base()
            .replace_all_uses_with(root, place);
    }
}

/// A tensor written over the place. Unlike [`materialize`] it gives way: where the place's old contents are needed
/// later, it gets other memory when tensors become buffers.
pub(super) fn write<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    place: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let loops = (0..shape::shape_of(place).len()).collect::<Vec<_>>();
    let access = |value| Access {
        value,
        loops: loops.clone(),
    };
    let generic = Generic {
        iterators: vec![Iterator::Parallel; loops.len()],
        inputs: vec![access(value)],
        outputs: vec![access(place)],
        attributes: vec![],
    };
    generic.build(e, |_, elements| vec![elements[0]])[0]
}

/// A tensor in the memory of the place, for good; see the `settle-carried` pass.
pub(super) fn materialize<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    place: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let name = "bufferization.materialize_in_destination";
    e.op(name, &[value, place], place.r#type())
}

/// How a value is put into a place.
type Put<'c, 'a> = fn(&Emitter<'c, 'a>, Value<'c, 'a>, Value<'c, 'a>) -> Value<'c, 'a>;

/// A value on its way to a place.
struct Move<'c, 'a> {
    index: usize,
    content: Content<'c, 'a>,
    place: Value<'c, 'a>,
}

impl<'c, 'a> Move<'c, 'a> {
    /// Whether the value lies in another value's place.
    fn lies_in(&self, place: Value<'c, 'a>) -> bool {
        match self.content {
            Content::Tensor(value) => root(value) == place,
            Content::Splat(_) => false,
        }
    }
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Puts values into places, tensors of their sizes, at the end of the current block. A value that lies in
    /// another's place is taken from there before that is overwritten.
    pub(super) fn settle(
        &self,
        e: &Emitter<'c, 'a>,
        values: &[(Mapped<'c, 'a>, Value<'c, 'a>)],
        put: Put<'c, 'a>,
    ) -> Vec<Value<'c, 'a>> {
        let mut settled: Vec<_> = values.iter().map(|(_, place)| *place).collect();
        let mut pending = vec![];
        for (index, (value, place)) in values.iter().enumerate() {
            let content = match value.content {
                Content::Tensor(value) => {
                    build_in(self.context, self.block, value, *place);
                    Content::Tensor(cast(e, value, place.r#type()))
                }
                Content::Splat(scalar) => Content::Splat(scalar::store(e, value.element, scalar)),
            };
            // What stays where it is has nothing to write.
            if !matches!(content, Content::Tensor(value) if value == *place) {
                let place = *place;
                pending.push(Move {
                    index,
                    content,
                    place,
                });
            }
        }
        while !pending.is_empty() {
            let free = |(i, this): (usize, &Move<'c, 'a>)| {
                let mut others = pending.iter().enumerate();
                !others.any(|(j, other)| j != i && other.lies_in(this.place))
            };
            let next = match pending.iter().enumerate().position(free) {
                Some(next) => next,
                None => {
                    // Each waits for another: one is saved.
                    if let Content::Tensor(value) = pending[0].content {
                        pending[0].content = Content::Tensor(linalg::copy(e, value));
                    }
                    continue;
                }
            };
            let Move {
                index,
                content,
                place,
            } = pending.remove(next);
            settled[index] = match content {
                Content::Splat(stored) => linalg::fill(e, stored, place),
                Content::Tensor(value) => put(e, value, place),
            };
        }
        settled
    }
}
