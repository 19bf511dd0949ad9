//! Whether memory is the same where programs read it as where the ops did that they replace.

use super::{
    part::Part,
    pattern::{Found, Gradient},
    terms::Read,
};
use crate::{
    alias::{self, Effects},
    matmul::contraction::Operand,
};
use melior::ir::{BlockLike, OperationRef, Value, operation::OperationLike};

/// What ops of the block do that stay, up to the last that goes.
pub(super) struct Others<'c, 'a> {
    reads: Vec<Touch<'c, 'a>>,
    writes: Vec<Touch<'c, 'a>>,
}

/// The buffer that an op touches, if there is but one that it may be, and the op.
type Touch<'c, 'a> = (Option<Value<'c, 'a>>, OperationRef<'c, 'a>);

impl<'c: 'a, 'a> Others<'c, 'a> {
    /// Those among what attention is made of.
    pub fn of(found: &Found<'c, 'a>) -> Self {
        let parts = found.parts();
        let own = parts.iter().flat_map(|part| [part.op, part.fill]);
        let own: Vec<_> = own.chain(found.between.iter().copied()).collect();
        let last = own.iter().copied().reduce(later);
        let mut others = Self {
            reads: vec![],
            writes: vec![],
        };
        let block = found.values.op.block();
        let mut next = block.and_then(|block| block.first_operation());
        while let Some(op) = next.filter(|op| Some(*op) != last) {
            if !own.contains(&op) {
                let effects = Effects::of(op);
                let of = |list: Vec<Value<'c, 'a>>| {
                    let roots = list.into_iter().map(alias::root);
                    roots.map(move |root| (root, op))
                };
                others.reads.extend(of(effects.reads));
                others.writes.extend(of(effects.writes));
            }
            next = op.next_in_block();
        }
        others
    }

    /// Whether memory that an op read is the same at another place.
    pub fn keep(&self, (memory, reader): Read<'c, 'a>, until: OperationRef<'c, 'a>) -> bool {
        !touches(&self.writes, memory, [reader, until])
    }

    /// Leaves out what an op does.
    pub fn without(mut self, op: OperationRef<'c, 'a>) -> Self {
        self.reads.retain(|(_, other)| *other != op);
        self.writes.retain(|(_, other)| *other != op);
        self
    }

    /// Whether nobody reads or writes what an op writes before another place.
    fn leave(&self, (memory, writer): Read<'c, 'a>, until: OperationRef<'c, 'a>) -> bool {
        let all = [&self.reads, &self.writes].into_iter();
        !all.into_iter()
            .any(|list| touches(list, memory, [writer, until]))
    }
}

impl<'c: 'a, 'a> Gradient<'c, 'a> {
    /// The last of its products, in whose place all programs stand.
    pub fn last(&self) -> OperationRef<'c, 'a> {
        let ops = self.parts().into_iter().map(|part| part.op);
        ops.reduce(later).expect("a gradient has products")
    }

    /// What programs read: Q, K, V and the result's gradient, each with the product that reads it.
    pub fn operands<'x>(
        &'x self,
        scores: &'x Part<'c, 'a>,
    ) -> [(&'x Part<'c, 'a>, &'x Operand<'c, 'a>); 4] {
        let by = |part: &'x Option<Part<'c, 'a>>, other: &'x Operand<'c, 'a>| match part {
            Some(part) => (part, &part.x.b),
            None => (scores, other),
        };
        [
            by(&self.of_k, &scores.x.a),
            by(&self.of_q, &scores.x.b),
            (&self.change, &self.change.x.b),
            (&self.change, &self.change.x.a),
        ]
    }
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Whether the programs may read and write where they stand.
    pub(super) fn is_still(&mut self, others: &Others<'c, 'a>) -> bool {
        let (scores, values) = (&self.scores, &self.values);
        let end = values.op;
        let both = [scores.x.a.value, scores.x.b.value];
        let forward = both
            .into_iter()
            .all(|memory| others.keep((memory, scores.op), end));
        let last = match &self.gradient {
            Some(gradient) => gradient.last(),
            None => end,
        };
        let after = end == last || end.is_before_in_block(last);
        // What scores read besides products.
        let mut read = vec![];
        for op in &self.between {
            for memory in Effects::of(*op).reads {
                if !self.buffers.contains(&memory) && *op != self.scores.op {
                    self.terms.reads((memory, *op), &mut read);
                }
            }
        }
        forward && after && self.gradient_is_still(others, &mut read) && {
            let mut read = read.into_iter();
            read.all(|access| others.keep(access, last))
        }
    }

    /// The same of what is the gradient's alone; adds what has to stay where it reads copies.
    fn gradient_is_still(&mut self, others: &Others<'c, 'a>, read: &mut Vec<Read<'c, 'a>>) -> bool {
        let Some(gradient) = &self.gradient else {
            return true;
        };
        let last = gradient.last();
        let operands = gradient.operands(&self.scores);
        let (scores, values) = (&self.scores, &self.values);
        let mut pairs = vec![
            (operands[0], (scores, &scores.x.a)),
            (operands[1], (scores, &scores.x.b)),
            (operands[2], (values, &values.x.b)),
        ];
        pairs.extend(
            gradient
                .of_v
                .iter()
                .map(|of_v| (operands[3], (of_v, &of_v.x.b))),
        );
        for ((part, operand), (other_part, other)) in pairs {
            let terms = [(part, operand), (other_part, other)].map(|(part, operand)| {
                let at = part.variables(operand)?;
                Some(self.terms.element(operand.value, &at))
            });
            if terms[0].is_none() || terms[0] != terms[1] {
                return false;
            }
            self.terms.reads((operand.value, part.op), read);
            self.terms.reads((other.value, other_part.op), read);
        }
        let results: Vec<_> = gradient
            .parts()
            .into_iter()
            .map(|part| (part.x.c.value, part.op))
            .collect();
        let apart = results.iter().enumerate().all(|(at, (memory, _))| {
            let mut others = results[..at].iter();
            others.all(|(other, _)| other != memory)
        });
        let kept = operands
            .iter()
            .all(|(part, operand)| others.keep((operand.value, part.op), last));
        apart && kept && results.iter().all(|result| others.leave(*result, last))
    }
}

fn later<'c, 'a>(a: OperationRef<'c, 'a>, b: OperationRef<'c, 'a>) -> OperationRef<'c, 'a> {
    if a.is_before_in_block(b) { b } else { a }
}

/// Whether an op between two places is in a list for what may be the same memory. Of places in other blocks nothing is known.
fn touches<'c: 'a, 'a>(
    list: &[Touch<'c, 'a>],
    memory: Value<'c, 'a>,
    [from, to]: [OperationRef<'c, 'a>; 2],
) -> bool {
    let root = alias::root(memory);
    let may_be = |other: Option<Value<'c, 'a>>| other.is_none() || root.is_none() || other == root;
    let mut touching = list.iter().filter(|(other, _)| may_be(*other));
    let between =
        |op: OperationRef<'c, 'a>| from.is_before_in_block(op) && op.is_before_in_block(to);
    from.block() != to.block() || touching.any(|(_, op)| between(*op))
}
