//! When the tensors of a block are alive, where they take the most memory, and the same computation with some of them made
//! anew behind that place.

use super::{Candidate, recomputed};
use crate::functions::{block_arguments, copy_op, inside, operations};
use dlc_dialects::{
    ir::{
        builder::Builder,
        edit,
        inspect::identity,
        shape::{DYNAMIC, element_of, is_tensor, shape_of, width},
    },
    ops::OpKind,
};
use melior::{
    Context,
    ir::{BlockRef, OperationRef, Value, ValueLike, operation::OperationLike},
};
use std::collections::HashMap;

/// What a dim counts that is known when the function is called.
const TYPICAL: i64 = 512;
/// More bytes than this count as this.
const HUGE: u64 = 1 << 40;

/// A tensor that an op of a block makes.
struct Made<'c, 'a> {
    value: Value<'c, 'a>,
    bytes: u64,
    /// The position of its op.
    at: usize,
    /// Positions of the ops that use it, or that have such an op inside, and the uses.
    uses: Vec<(usize, OperationRef<'c, 'a>, usize)>,
}

impl Made<'_, '_> {
    fn last_use(&self) -> usize {
        self.uses
            .iter()
            .map(|(at, ..)| *at)
            .max()
            .unwrap_or(self.at)
    }

    fn crosses(&self, place: usize) -> bool {
        self.at < place && self.last_use() > place
    }
}

/// The tensors that the ops of a block make, with where they are used.
pub struct Liveness<'c, 'a> {
    ops: Vec<OperationRef<'c, 'a>>,
    made: Vec<Made<'c, 'a>>,
    /// The number in `made` of a value.
    number: HashMap<usize, usize>,
    /// The last position that uses an argument of the block.
    arguments: HashMap<usize, usize>,
}

impl<'c, 'a> Liveness<'c, 'a> {
    /// Those of a block.
    pub fn of(block: BlockRef<'c, 'a>) -> Self {
        let ops = operations(block).collect::<Vec<_>>();
        let mut position = HashMap::new();
        for (at, op) in ops.iter().enumerate() {
            position.insert(edit::identity(*op), at);
            position.extend(inside(*op).into_iter().map(|op| (edit::identity(op), at)));
        }
        let uses = |value: Value<'c, 'a>| {
            let mut uses = edit::uses(value)
                .into_iter()
                .map(|(user, i)| (position[&edit::identity(user)], user, i))
                .collect::<Vec<_>>();
            uses.sort_by_key(|(at, _, i)| (*at, *i));
            uses
        };
        let mut made = vec![];
        let mut number = HashMap::new();
        for (at, op) in ops.iter().enumerate() {
            for value in op.results().map(Value::from) {
                if is_tensor(value.r#type()) && cost(*op, 0) != Some(Cost::Free) {
                    number.insert(identity(value), made.len());
                    let (bytes, uses) = (bytes(value), uses(value));
                    made.push(Made {
                        value,
                        bytes,
                        at,
                        uses,
                    });
                }
            }
        }
        let last = |x: Value<'c, 'a>| uses(x).last().map_or(0, |(at, ..)| *at);
        let arguments = block_arguments(block)
            .into_iter()
            .map(|x| (identity(x), last(x)));
        Self {
            arguments: arguments.collect(),
            ops,
            made,
            number,
        }
    }

    /// The op, by position, at which the values that are made before and used after it take the most bytes. It is one
    /// that is not computed again: what is fused with it is never kept.
    pub fn peak(&self) -> Option<(usize, u64)> {
        let mut change = vec![0i128; self.ops.len() + 1];
        for made in &self.made {
            let last = made.last_use();
            if last > made.at + 1 {
                change[made.at + 1] += i128::from(made.bytes);
                change[last] -= i128::from(made.bytes);
            }
        }
        let mut live = 0;
        let mut peak = None;
        for (at, op) in self.ops.iter().enumerate() {
            live += change[at];
            let bytes = u64::try_from(live).expect("what begins to live ends later");
            let fixed = cost(*op, 0).is_none() && op.result_count() > 0;
            if fixed && peak.is_none_or(|(_, most)| bytes > most) {
                peak = Some((at, bytes));
            }
        }
        peak
    }

    /// Lets what comes behind a place use values made anew, as the cut says; whether there are any.
    pub fn recompute_behind(&self, cx: &'c Context, place: usize) -> bool {
        let again = recomputed(&self.candidates(place));
        let mut uses = vec![];
        for (made, again) in self.made.iter().zip(&again) {
            if *again && made.crosses(place) {
                let late = made.uses.iter().filter(|(at, ..)| *at > place);
                uses.extend(late.map(|(at, user, i)| (*at, *user, *i, made.value)));
            }
        }
        uses.sort_by_key(|(at, _, i, _)| (*at, *i));
        // Copies are shared by what is fused with them; behind what is not there are new ones.
        let mut copies = HashMap::new();
        let mut copied = place;
        for (at, user, i, value) in &uses {
            if self.ops[copied..*at].iter().any(|op| is_barrier(*op)) {
                copies.clear();
            }
            copied = *at;
            let builder = Builder::before(cx, self.ops[*at]);
            let copy = self.copy(builder, *value, &again, &mut copies);
            edit::set_operand(*user, *i, copy);
        }
        !uses.is_empty()
    }

    /// What the cut is about: each value made before a place.
    fn candidates(&self, place: usize) -> Vec<Candidate> {
        let before = self.made.iter().take_while(|made| made.at < place);
        let candidates = before.map(|made| {
            let op = self.ops[made.at];
            let mut recompute = match cost(op, made.bytes) {
                Some(Cost::Bytes(bytes)) => Some(bytes),
                _ => None,
            };
            let mut operands = vec![];
            for x in op.operands().map(|x| identity(x)) {
                match (self.number.get(&x), self.arguments.get(&x)) {
                    (Some(number), _) => operands.push(*number),
                    // Its memory may be written to after its last use.
                    (None, Some(last)) if *last <= place => recompute = None,
                    _ => {}
                }
            }
            Candidate {
                bytes: made.bytes,
                recompute,
                operands,
                needed: made.crosses(place),
            }
        });
        candidates.collect()
    }

    /// A value made anew where a builder stands, unless it is kept or there is a copy already.
    fn copy(
        &self,
        to: Builder<'c, 'a>,
        value: Value<'c, 'a>,
        again: &[bool],
        copies: &mut HashMap<usize, Value<'c, 'a>>,
    ) -> Value<'c, 'a> {
        let Some(&number) = self.number.get(&identity(value)) else {
            return value;
        };
        if !again.get(number).copied().unwrap_or(false) {
            return value;
        }
        if let Some(copy) = copies.get(&identity(value)) {
            return *copy;
        }
        let op = self.ops[self.made[number].at];
        for x in op.operands() {
            self.copy(to, x, again, copies);
        }
        let copy = copy_op(op, to, copies);
        let copy = Value::from(copy.result(0).expect("what is computed again has a result"));
        copies.insert(identity(value), copy);
        copy
    }
}

/// Whether what stands before an op and what stands behind it are never one loop.
fn is_barrier(op: OperationRef) -> bool {
    op.region_count() > 0 || matches!(OpKind::of(&op), Some(OpKind::DotGeneral | OpKind::Conv))
}

/// What it takes to compute an op again.
#[derive(PartialEq)]
enum Cost {
    /// Nothing: its result takes no memory of its own.
    Free,
    /// As much as to keep so many bytes.
    Bytes(u64),
}

/// What it takes to compute an op again whose result has so many bytes; `None` for ops that are not.
fn cost(op: OperationRef, bytes: u64) -> Option<Cost> {
    use OpKind::*;
    let share = match OpKind::of(&op)? {
        Constant => return Some(Cost::Free),
        // An index map in a fused loop.
        Broadcast | Iota | Reshape | DimValue => 64,
        // Polynomials of some ten steps.
        Acos | Asin | Atan | Atan2 | Cos | Cosh | Erf | Exp | Expm1 | Log | Log1p | Pow | Rem
        | Sigmoid | Sin | Sinh | Softplus | Tan | Tanh => 2,
        kind if kind.elementwise().is_some() => 8,
        _ => return None,
    };
    Some(Cost::Bytes(bytes / share))
}

/// The bytes of a tensor; of a size that is known late as if it were a usual one.
fn bytes(value: Value) -> u64 {
    let dims = shape_of(value).into_iter().map(|d| match d {
        DYNAMIC => TYPICAL,
        d => d,
    });
    let elements = dims.map(i64::unsigned_abs).fold(1u64, u64::saturating_mul);
    elements
        .saturating_mul(u64::from(width(element_of(value)).div_ceil(8)))
        .min(HUGE)
}
