//! Which values differ between the elements of a batch.

use crate::{
    activity::{Edges, results},
    bounds::Counter,
    functions::{is, operations},
};
use dlc_dialects::ir::inspect::identity;
use melior::ir::{BlockRef, OperationRef, Value, operation::OperationLike};
use std::collections::HashSet;

/// The values that depend on a batched one, by `identity`.
pub(super) struct Spread(HashSet<usize>);

impl Spread {
    /// What depends on `batched` among the results of `ops`, which are in order, and inside their regions.
    pub fn of<'c: 'a, 'a>(ops: &[OperationRef<'c, 'a>], batched: &[Value<'c, 'a>]) -> Self {
        let mut spread = Self(batched.iter().map(|x| identity(*x)).collect());
        spread.follow(ops.iter().copied());
        spread
    }

    /// Whether a value differs between elements.
    pub fn contains(&self, value: Value) -> bool {
        self.0.contains(&identity(value))
    }

    fn follow<'c: 'a, 'a>(&mut self, ops: impl IntoIterator<Item = OperationRef<'c, 'a>>) {
        for op in ops {
            match Edges::of(op) {
                // What a round makes differ differs in the next one, until no more does.
                Some(edges) => loop {
                    let before = self.0.len();
                    self.through(op, &edges);
                    if self.0.len() == before {
                        break;
                    }
                },
                // The elements of a batch have one shape.
                None if is(op, "tensor.dim") => {}
                None if op.operands().any(|x| self.contains(x)) => self.all(&results(op)),
                None => {}
            }
        }
    }

    /// Once through the regions of a loop or a branch. Where elements do not agree on the way, all that it gives differs.
    fn through<'c: 'a, 'a>(&mut self, op: OperationRef<'c, 'a>, edges: &Edges<'c, 'a>) {
        match edges {
            Edges::For { carried, body } => {
                if op.operands().take(3).any(|bound| self.contains(bound)) {
                    self.all(&carried.arguments);
                }
                self.link(&carried.inits, &carried.arguments);
                self.follow(operations(*body));
                self.link(&carried.given, &carried.arguments);
                self.link(&carried.arguments, &carried.results);
            }
            Edges::While {
                carried,
                passed,
                received,
                before,
                after,
            } => {
                self.link(&carried.inits, &carried.arguments);
                self.follow(operations(*before));
                if condition(*before).is_some_and(|condition| self.contains(condition)) {
                    // Which round it is, is the same for all elements that take part in it; how many there are is not.
                    let counter = Counter::of(edges);
                    let place = counter.as_ref().map(|counter| counter.place);
                    self.all_but(&carried.arguments, place);
                    self.all_but(received, counter.map(|counter| counter.result));
                    self.all(&carried.results);
                }
                self.link(passed, received);
                self.link(passed, &carried.results);
                self.follow(operations(*after));
                self.link(&carried.given, &carried.arguments);
            }
            Edges::If { arms, results } => {
                for (block, given) in arms {
                    self.follow(operations(*block));
                    self.link(given, results);
                }
                if op.operands().any(|condition| self.contains(condition)) {
                    self.all(results);
                }
            }
        }
    }

    fn link<'c: 'a, 'a>(&mut self, from: &[Value<'c, 'a>], to: &[Value<'c, 'a>]) {
        for (from, to) in from.iter().zip(to) {
            if self.contains(*from) {
                self.0.insert(identity(*to));
            }
        }
    }

    fn all_but(&mut self, values: &[Value], same: Option<usize>) {
        let values = values.iter().enumerate();
        let differing = values.filter(|(place, _)| Some(*place) != same);
        self.0.extend(differing.map(|(_, x)| identity(*x)));
    }

    fn all(&mut self, values: &[Value]) {
        self.0.extend(values.iter().map(|x| identity(*x)));
    }
}

/// The condition that ends the first region of an `scf.while`.
pub(super) fn condition<'c: 'a, 'a>(before: BlockRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    operations(before).last()?.operand(0).ok()
}
