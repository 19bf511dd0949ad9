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
const TYPICAL: u64 = 512;
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
    effort: Effort,
}

/// How much is computed again for the sake of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What takes less time than to keep it.
    Cheap,
    /// Also what widens: a product, say, that is larger than what it is made of. What narrows is kept, so nothing is
    /// computed again from further away than that, and no op more often than it is used.
    Wide,
}

/// How many times less computing again counts where memory is scarce.
const SCARCE: u64 = 8;

impl<'c, 'a> Liveness<'c, 'a> {
    /// Those of a block.
    pub fn of(block: BlockRef<'c, 'a>, effort: Effort) -> Self {
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
            effort,
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
        let (numbers, candidates) = self.candidates(place);
        let mut again = vec![false; self.made.len()];
        let mut uses = vec![];
        for (number, recomputed) in numbers.into_iter().zip(recomputed(&candidates)) {
            let made = &self.made[number];
            again[number] = recomputed;
            if recomputed && made.crosses(place) {
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
                copies.retain(|of, _| {
                    self.number
                        .get(of)
                        .is_some_and(|number| self.is_wide(*number))
                });
            }
            copied = *at;
            let builder = Builder::before(cx, self.ops[*at]);
            let copy = self.copy(builder, *value, &again, &mut copies);
            edit::set_operand(*user, *i, copy);
        }
        !uses.is_empty()
    }

    /// What the cut is about, with the number of each: what is needed behind a place, and what that is made of.
    fn candidates(&self, place: usize) -> (Vec<usize>, Vec<Candidate>) {
        let before = self.made.partition_point(|made| made.at < place);
        let mut wanted = self.made[..before]
            .iter()
            .map(|made| made.crosses(place))
            .collect::<Vec<_>>();
        let mut found = vec![];
        // Operands come before what is made of them.
        for number in (0..before).rev() {
            if !wanted[number] {
                continue;
            }
            let recompute = self.cost(number, place);
            let made = &self.made[number];
            let mut operands = vec![];
            if recompute.is_some() {
                let known = |x| self.number.get(&identity(x)).copied();
                operands.extend(self.ops[made.at].operands().filter_map(known));
            }
            operands.iter().for_each(|operand| wanted[*operand] = true);
            found.push((number, operands, recompute));
        }
        found.reverse();
        let numbers = found.iter().map(|(number, ..)| *number);
        let numbers = numbers.collect::<Vec<_>>();
        let place_of = |number: &usize| {
            numbers
                .binary_search(number)
                .expect("what is wanted has been found")
        };
        let candidates = found.iter().map(|(number, operands, recompute)| Candidate {
            bytes: self.made[*number].bytes,
            recompute: *recompute,
            operands: operands.iter().map(place_of).collect(),
            needed: self.made[*number].crosses(place),
        });
        let candidates = candidates.collect();
        (numbers, candidates)
    }

    /// What it costs to compute a value again behind a place, where that can be done.
    fn cost(&self, number: usize, place: usize) -> Option<u64> {
        let made = &self.made[number];
        let op = self.ops[made.at];
        // The memory of an argument may be written to after its last use.
        let gone = |x| {
            self.arguments
                .get(&identity(x))
                .is_some_and(|last| *last <= place)
        };
        if op.operands().any(gone) {
            return None;
        }
        match (cost(op, made.bytes), self.effort) {
            (Some(Cost::Bytes(bytes)), Effort::Cheap) => Some(bytes),
            (Some(Cost::Bytes(bytes)), Effort::Wide) => Some(bytes / SCARCE),
            _ => self.is_wide(number).then_some(made.bytes / SCARCE),
        }
    }

    /// Whether a value is made by an op that is not cheap, and yet is worth to be computed again where memory is scarce:
    /// it is larger than all that it is made of, arguments of the block aside.
    fn is_wide(&self, number: usize) -> bool {
        use OpKind::*;
        let made = &self.made[number];
        let op = self.ops[made.at];
        let kind = OpKind::of(&op);
        let widens = matches!(
            kind,
            Some(Concatenate | Conv | DotGeneral | Pad | RandomBits | Take | TakeAlongAxis)
        );
        let known = |x| self.number.get(&identity(x));
        let operands = op.operands().filter_map(known);
        let read: u64 = operands.map(|number| self.made[*number].bytes).sum();
        self.effort == Effort::Wide && widens && made.bytes > read
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
        if !again[number] {
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
pub enum Cost {
    /// Nothing: its result takes no memory of its own.
    Free,
    /// As much as to keep so many bytes.
    Bytes(u64),
}

/// What it takes to compute an op again whose result has so many bytes; `None` for ops that are not.
pub fn cost(op: OperationRef, bytes: u64) -> Option<Cost> {
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
pub fn bytes(value: Value) -> u64 {
    let dims = shape_of(value).into_iter().map(extent);
    let elements = dims.fold(1u64, u64::saturating_mul);
    elements
        .saturating_mul(u64::from(width(element_of(value)).div_ceil(8)))
        .min(HUGE)
}

/// The size of an axis of a type; of one that is known late a usual one.
pub fn extent(dim: i64) -> u64 {
    match dim {
        DYNAMIC => TYPICAL,
        d => d.unsigned_abs(),
    }
}
