//! Copies of ops at another place, which read copies of what the ops read.

use crate::{emit::Emitter, linalg::results, walk};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::ir::{
    OperationRef, Value,
    operation::{OperationLike, OperationMutLike},
};
use std::collections::HashMap;

/// What stands for a value at the other place. What is not known stands for itself.
#[derive(Clone, Default)]
pub struct Copies<'c, 'a>(HashMap<usize, Value<'c, 'a>>);

impl<'c: 'a, 'a> Copies<'c, 'a> {
    /// Lets a value stand for another.
    pub fn put(&mut self, old: Value<'c, 'a>, new: Value<'c, 'a>) {
        self.0.insert(identity(old), new);
    }

    /// What stands for a value, if that was said.
    pub fn known(&self, old: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.0.get(&identity(old)).copied()
    }

    /// What stands for a value.
    pub fn of(&self, old: Value<'c, 'a>) -> Value<'c, 'a> {
        self.known(old).unwrap_or(old)
    }

    /// Copies an op, whose results the copy's stand for from here on.
    pub fn add(&mut self, e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>) {
        let operands = op.operands().map(|old| self.of(old)).collect::<Vec<_>>();
        let mut copy = (*op).clone();
        copy.set_operands(&operands);
        let copy = e.insert(copy);
        for inner in walk::inside(copy) {
            for (i, old) in inner.operands().enumerate().collect::<Vec<_>>() {
                if let Some(new) = self.known(old) {
                    edit::set_operand(inner, i, new);
                }
            }
        }
        for (old, new) in results(op).into_iter().zip(results(copy)) {
            self.put(old, new);
        }
    }
}
