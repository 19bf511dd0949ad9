//! Keeps derivatives of elements that take no part out of those that do.
//!
//! Where some elements do not take a side of a branch or a round of a loop, it is computed for them all the same, and what
//! it gives is not chosen. A tangent then is not chosen either, but an adjoint of zero goes back through what has been
//! computed, and 0 · ∞ is NaN: in an element's own adjoint, which the choice at the entrance makes zero again, and in the
//! sums that values shared by all elements get. So elements that take no part compute with the numbers of the first
//! that does, which passes no adjoint on; and where none may take part, shared values get no adjoint either.

use super::{effect::extracted, values::Batcher};
use crate::{
    activity::results,
    functions::{captured_floats, inside, is_float_tensor, operations},
    rules::{Rule, Tangent, rule_of},
};
use dlc_dialects::{
    ir::shape::element_of,
    ops::{OpKind, build},
};
use melior::ir::{BlockRef, OperationRef, Value, ValueLike, operation::OperationLike};

/// What stood for a value before it was shielded.
pub(super) type Shielded<'c, 'a> = Vec<(Value<'c, 'a>, Option<Value<'c, 'a>>)>;

/// Whether an adjoint of zero may come back from an op as something else.
fn is_risky(op: OperationRef) -> bool {
    let gives_floats = results(op).iter().any(|y| is_float_tensor(y.r#type()));
    match (OpKind::of(&op), rule_of(op)) {
        _ if op.region_count() > 0 || !gives_floats => false,
        (Some(OpKind::Add | OpKind::Sub | OpKind::Neg | OpKind::Convert | OpKind::Select), _) => {
            false
        }
        (_, Rule::Inactive) => false,
        (_, Rule::Hand(hand)) => !matches!(hand.tangent, Tangent::Linear),
        _ => true,
    }
}

/// The operations of blocks, those inside them included.
fn all_inside<'c, 'a>(blocks: &[BlockRef<'c, 'a>]) -> Vec<OperationRef<'c, 'a>> {
    let ops = blocks.iter().flat_map(|block| operations(*block));
    ops.flat_map(|op| std::iter::once(op).chain(inside(op)))
        .collect()
}

impl<'c, 'a> Batcher<'c, 'a> {
    /// Lets blocks, which only elements of the mask take part in, read their floats in a way that keeps derivatives apart;
    /// `received` are floats that they get as arguments. `is_certain` says that some element does take part.
    pub(super) fn shield(
        &mut self,
        blocks: &[BlockRef<'c, 'a>],
        received: &[Value<'c, 'a>],
        is_certain: bool,
    ) -> Shielded<'c, 'a> {
        let Some(mask) = self.mask.filter(|_| self.is_differentiated) else {
            return vec![];
        };
        let ops = all_inside(blocks);
        if !ops.iter().any(|op| is_risky(*op)) {
            return vec![];
        }
        let b = self.builder;
        let any = b.reduce("any", mask, &[0]);
        let first = self.first(mask);
        let mut before = vec![];
        let mut read = captured_floats(blocks);
        for x in received {
            if is_float_tensor(x.r#type()) && !read.contains(x) {
                read.push(*x);
            }
        }
        for x in read {
            let value = self.value(x);
            let fixed = b.elementwise(OpKind::StopGradient, &[value]);
            let dims = b.dims(value);
            let shielded = match self.is_batched(x) {
                true => {
                    // Not read at an index: there may be no element at all.
                    let zero = b.full(&dims, element_of(value), "0");
                    let is_first = b.broadcast(first, &[0], &dims);
                    let one = b.elementwise(OpKind::Select, &[is_first, fixed, zero]);
                    let other = self.repeated(b.reduce("sum", one, &[0]));
                    let on = b.broadcast(mask, &[0], &dims);
                    b.elementwise(OpKind::Select, &[on, value, other])
                }
                false if is_certain => continue,
                false => {
                    let on = b.broadcast(any, &[], &dims);
                    b.elementwise(OpKind::Select, &[on, value, fixed])
                }
            };
            before.push((x, self.set(x, shielded)));
        }
        before
    }

    /// Which element is the first of a mask.
    fn first(&self, mask: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let number = b.convert(mask, self.i64());
        let count = build::cumulative(b.context, number, "sum", 0, false, b.location);
        let one = b.full(&b.dims(number), self.i64(), "1");
        let is_one = b.elementwise(OpKind::Equal, &[b.value(count), one]);
        b.elementwise(OpKind::BitwiseAnd, &[mask, is_one])
    }

    /// Lets values stand for themselves again.
    pub(super) fn unshield(&mut self, before: Shielded<'c, 'a>) {
        for (x, value) in before {
            match value {
                Some(value) => _ = self.set(x, value),
                None => self.unset(x),
            }
        }
    }

    /// Whether any element of a mask takes part, as a condition.
    pub(super) fn any(&self, mask: Value<'c, 'a>) -> Value<'c, 'a> {
        let any = self.builder.reduce("any", mask, &[0]);
        extracted(&self.builder, any)
    }
}
