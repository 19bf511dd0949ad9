//! Nests of loops whose rounds go in order, because they may write where an earlier one has, as rounds of a scatter do; and what of
//! them is independent all the same.
//!
//! A loop of the nest goes through *columns* if each element that the nest writes is written, and read, in rounds of one number of that
//! loop only. What is left when columns are taken out is the *sequence*. Its *row* is an index that names other elements
//! wherever it is another number.

use super::{
    kernel::{bounds, rounds},
    nest::{Nest, index, needed, outermost},
};
use crate::{
    alias::{self, blocks},
    copies::Copies,
    emit::Emitter,
    linalg::{arguments, results},
    tasks, walk,
};
use dlc_dialects::{ir::inspect::identity, pass::PassError};
use melior::ir::{OperationRef, Value, operation::OperationLike};
use std::collections::HashSet;

/// A nest.
pub struct Sequence<'c, 'a> {
    /// The outermost loop.
    pub op: OperationRef<'c, 'a>,
    /// The loops of the sequence, from the outside.
    pub ids: Vec<OperationRef<'c, 'a>>,
    /// The loops of columns, from the outside.
    pub columns: Vec<OperationRef<'c, 'a>>,
    /// What a round does, in order.
    pub body: Vec<OperationRef<'c, 'a>>,
    /// The row, if there is one that is the same in all columns.
    pub row: Option<Value<'c, 'a>>,
    /// The buffers that it writes.
    written: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Sequence<'c, 'a> {
    /// The nests of a function that the host goes through round by round, or one thread.
    ///
    /// # Errors
    /// Fails where the function has no body, which is our mistake.
    pub fn of(func: OperationRef<'c, 'a>) -> Result<Vec<Self>, PassError<'c>> {
        outermost(func, Self::read)
    }

    fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let nest = Nest::read(op).filter(|nest| nest.carried().is_none())?;
        let accesses = nest.accesses()?;
        let mut sequence = Self {
            op,
            ids: vec![],
            columns: vec![],
            body: nest.body.clone(),
            row: None,
            written: accesses.iter().map(|access| access.root).collect(),
        };
        for inner in &nest.loops {
            let is_column = accesses.iter().all(|access| access.holds(*inner));
            match is_column {
                true => sequence.columns.push(*inner),
                // Its rounds are independent for a reason that is not seen here.
                false if tasks::independent(*inner) == Some(true) => return None,
                false => sequence.ids.push(*inner),
            }
        }
        if let [access] = &accesses[..] {
            let rows = nest.rows(access);
            let suits = |row: &Value<'c, 'a>| {
                let needed = nest.needed(*row);
                let reads = needed.iter().filter(|op| walk::is(**op, "memref.load"));
                let read = reads.filter_map(|op| op.operand(0).ok());
                let of_ids = needed.iter().flat_map(|op| op.operands()).chain([*row]);
                let of_ids = of_ids.map(identity).collect::<HashSet<_>>();
                let column = |op: &OperationRef<'c, 'a>| of_ids.contains(&index(*op));
                let mut read = read.map(alias::root);
                read.all(|root| root.is_some_and(|root| root != access.root))
                    && !sequence.columns.iter().any(column)
            };
            sequence.row = rows.into_iter().find(suits);
        }
        Some(sequence)
    }

    /// How many rounds some of its loops have together.
    pub fn count(&self, e: &Emitter<'c, 'a>, loops: &[OperationRef<'c, 'a>]) -> Value<'c, 'a> {
        let rounds = loops.iter().map(|op| rounds(e, *op));
        let product = rounds.reduce(|a, b| e.mul(a, b));
        product.unwrap_or_else(|| e.index(1))
    }

    /// Writes a round, where something stands for what it reads.
    pub fn round(&self, e: &Emitter<'c, 'a>, mut copies: Copies<'c, 'a>) {
        for op in &self.body {
            let known = results(*op).into_iter().all(|x| copies.known(x).is_some());
            if !known || op.result_count() == 0 {
                copies.add(e, *op);
            }
        }
    }

    /// Writes what the row of a round follows from, where something stands for the numbers of its loops; gives the row.
    pub fn row_of(
        &self,
        e: &Emitter<'c, 'a>,
        row: Value<'c, 'a>,
        mut copies: Copies<'c, 'a>,
    ) -> Value<'c, 'a> {
        let needed = needed(&self.body, row);
        for op in self.body.iter().filter(|op| needed.contains(op)) {
            copies.add(e, *op);
        }
        copies.of(row)
    }

    /// Says of the memory that it writes that rounds of the loops in its place only use parts of it.
    pub fn share_memory(&self, e: &Emitter<'c, 'a>) {
        self.written
            .iter()
            .for_each(|root| tasks::share_buffer(e, *root));
    }
}

/// Lets indices of loops stand for the round of a number, of which the last loop's counts fastest.
pub fn number<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    loops: &[OperationRef<'c, 'a>],
    number: Value<'c, 'a>,
    copies: &mut Copies<'c, 'a>,
) {
    let mut left = number;
    for (depth, op) in loops.iter().enumerate().rev() {
        let [low, _, step] = bounds(*op);
        let round = match depth {
            0 => left,
            _ => {
                let count = rounds(e, *op);
                let round = e.op("arith.remui", &[left, count], e.index_type());
                left = e.div(left, count);
                round
            }
        };
        copies.put(arguments(blocks(*op)[0])[0], e.add(low, e.mul(round, step)));
    }
}
