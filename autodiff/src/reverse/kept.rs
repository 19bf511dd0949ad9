//! What a loop keeps of its rounds beside what they begin with, where computing it again costs more than memory does.
//!
//! The way back of a loop is written as if each round were computed again. What of that does not depend on adjoints has
//! been computed on the way forth too; a minimum cut (`keep.rs`) says which of its values to read from tapes instead. Those
//! that nobody needs after that are not computed.

use super::{
    Sweep,
    control::{Recomputed, first_block},
    rounds::{Kind, Round},
    tape::{Content, Tape, live},
};
use crate::{
    activity::results,
    functions::{block_arguments, ends, inside, operations},
    keep::{
        Candidate,
        liveness::{Cost, bytes, cost, extent},
        recomputed,
    },
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        dims::{Source, source},
        edit,
        inspect::{defining_op, identity, region_of},
        shape::{is_tensor, shape_of},
    },
    ops::{DotGeneral, OpKind},
};
use melior::{
    Context,
    ir::{OperationRef, Value, ValueLike, operation::OperationLike},
};
use std::collections::{HashMap, HashSet};

/// Keeping a value with so many bytes is out of the question; its tape would have no size, or the way forth has not made it.
const NEVER: u64 = 1 << 44;
/// How many sums and products take as long as to write a byte and to read it.
const STEPS_A_BYTE: u64 = 16;

/// A loop and its way back, whose rounds are computed again.
pub(super) struct WayBack<'s, 'c, 'a> {
    /// The context of both.
    pub context: &'c Context,
    /// The loop.
    pub op: OperationRef<'c, 'a>,
    /// What its rounds are made of.
    pub round: &'s Round<'c, 'a>,
    /// The values of its regions, computed again.
    pub again: &'s Recomputed<'c, 'a>,
    /// Its way back.
    pub back: OperationRef<'c, 'a>,
    /// Tapes of what rounds begin with, and what has been read from them.
    pub begun: &'s [(Tape<'c, 'a>, Value<'c, 'a>)],
    /// The number of the round there.
    pub at: Value<'c, 'a>,
    /// The number that there are not more rounds than.
    pub bound: Dim<'c, 'a>,
}

impl<'c, 'a> WayBack<'_, 'c, 'a> {
    /// Lets the way back read values from tapes where that is better; gives the tapes.
    pub(super) fn keep(&self, sweep: &Sweep<'_, 'c, 'a>) -> Vec<Tape<'c, 'a>> {
        let block = first_block(self.back, 0);
        let adjoints = self.adjoints();
        let live = live(self.back);
        let made_forth = self.made_forth(sweep);
        let mut values = vec![];
        let mut number = HashMap::new();
        let mut candidates: Vec<Candidate> = vec![];
        for (_, x) in self.begun {
            number.insert(identity(*x), values.len());
            values.push((*x, None));
            candidates.push(Candidate {
                bytes: bytes(*x),
                recompute: None,
                operands: vec![],
                needed: false,
            });
        }
        for op in operations(block) {
            if !live.ops.contains(&edit::identity(op)) {
                continue;
            }
            let reads = std::iter::once(op).chain(inside(op));
            let reads = reads.flat_map(|op| op.operands().collect::<Vec<_>>());
            let operands = reads.filter_map(|x| number.get(&identity(x)).copied());
            if ends(op) || results(op).iter().any(|y| adjoints.contains(&identity(*y))) {
                operands.for_each(|i| candidates[i].needed = true);
                continue;
            }
            let operands = operands.collect::<Vec<_>>();
            for y in results(op) {
                if number.contains_key(&identity(y)) || !is_tensor(y.r#type()) {
                    continue;
                }
                let forth = made_forth.get(&identity(y)).copied();
                let dims = forth.and_then(|x| self.dims_outside(x));
                let kept = forth.zip(dims);
                number.insert(identity(y), values.len());
                candidates.push(Candidate {
                    bytes: kept.as_ref().map_or(NEVER, |_| bytes(y)),
                    recompute: Some(weight(op, bytes(y))),
                    operands: operands.clone(),
                    needed: false,
                });
                values.push((y, kept));
            }
        }
        let again = recomputed(&candidates);
        let mut read = candidates.iter().map(|c| c.needed).collect::<Vec<_>>();
        for (i, candidate) in candidates.iter().enumerate().filter(|(i, _)| again[*i]) {
            candidate.operands.iter().for_each(|x| read[*x] = true);
            read[i] = false;
        }
        let mut tapes = vec![];
        for (i, (y, kept)) in values.into_iter().enumerate() {
            if let (true, false, Some((x, dims))) = (read[i], again[i], kept) {
                tapes.push(self.read_from_tape(y, x, dims));
            }
        }
        tapes
    }

    /// A tape of a value of the way forth, from which the way back reads it.
    fn read_from_tape(
        &self,
        y: Value<'c, 'a>,
        x: Value<'c, 'a>,
        dims: Vec<Dim<'c, 'a>>,
    ) -> Tape<'c, 'a> {
        let op = defining_op(y).expect("what is computed again has an op");
        let cx = self.context;
        let b = Builder::before(cx, self.back);
        let tape = Tape::placeholder(&b, Content::Made(x), x, self.bound, dims);
        let e = Builder::before(cx, op);
        let read = tape.read(&e, self.at);
        edit::replace_uses(y, read);
        tape
    }

    /// What in the way back depends on adjoints.
    fn adjoints(&self) -> HashSet<usize> {
        let block = first_block(self.back, 0);
        let arguments = block_arguments(block).into_iter().skip(1);
        let mut found = arguments.map(identity).collect::<HashSet<_>>();
        for op in operations(block) {
            let reads = std::iter::once(op).chain(inside(op));
            let mut reads = reads.flat_map(|op| op.operands().collect::<Vec<_>>());
            if reads.any(|x| found.contains(&identity(x))) {
                found.extend(results(op).into_iter().map(identity));
            }
        }
        found
    }

    /// For values of the way back those of the way forth that are the same.
    fn made_forth(&self, sweep: &Sweep<'_, 'c, 'a>) -> HashMap<usize, Value<'c, 'a>> {
        let body = match &self.round.kind {
            Kind::For(body) => *body,
            Kind::While { after, .. } => *after,
        };
        let made = operations(body).flat_map(results);
        let pairs = made.map(|x| (identity(sweep.stands_for(self.again.of(x))), x));
        pairs.collect()
    }

    /// The dims of a value of the way forth, as they are known before the loop.
    fn dims_outside(&self, x: Value<'c, 'a>) -> Option<Vec<Dim<'c, 'a>>> {
        let axes = 0..shape_of(x).len();
        axes.map(|axis| self.dim_outside(x, axis)).collect()
    }

    fn dim_outside(&self, x: Value<'c, 'a>, axis: usize) -> Option<Dim<'c, 'a>> {
        let b = Builder::before(self.context, self.op);
        if !self.is_inside(x) {
            return Some(b.dim(x, axis));
        }
        match source(x, axis) {
            Source::Static(d) => Some(Dim::Static(d)),
            Source::Index(v) => (!self.is_inside(v)).then_some(Dim::Value(v)),
            Source::Axis(x, axis) => self.dim_outside(x, axis),
            Source::Sum(parts, axis) => {
                let dims = parts.into_iter().map(|x| self.dim_outside(x, axis));
                let dims = dims.collect::<Option<Vec<_>>>()?;
                dims.into_iter().reduce(|a, d| b.dim_add(a, d))
            }
            Source::Own => {
                let carried = &self.round.carried;
                let place = carried.arguments.iter().position(|y| *y == x)?;
                Some(b.dim(carried.inits[place], axis))
            }
        }
    }

    /// Whether a value is one of the loop's regions.
    fn is_inside(&self, x: Value<'c, 'a>) -> bool {
        let mut around = match defining_op(x) {
            Some(op) => op.parent_operation(),
            None => region_of(x),
        };
        while let Some(op) = around {
            if op == self.op {
                return true;
            }
            around = op.parent_operation();
        }
        false
    }
}

/// What it takes to compute an op again whose result has so many bytes, in bytes that one would keep instead.
fn weight(op: OperationRef, result: u64) -> u64 {
    if let Some(cost) = cost(op, result) {
        return match cost {
            Cost::Free => 0,
            Cost::Bytes(bytes) => bytes,
        };
    }
    let operands = op.operands().filter(|x| is_tensor(x.r#type()));
    let operands = operands.map(bytes).collect::<Vec<_>>();
    let largest = operands.iter().copied().max().unwrap_or(result).max(result);
    match OpKind::of(&op) {
        Some(OpKind::DotGeneral) => {
            let view = DotGeneral(op);
            let sides = shape_of(view.lhs());
            let contracted = view.lhs_contract().into_iter();
            let terms = contracted.map(|i| extent(sides[i as usize]));
            let terms = terms.fold(1u64, u64::saturating_mul);
            elements(op).saturating_mul(2 * terms) / STEPS_A_BYTE
        }
        Some(OpKind::Conv) => {
            let kernel = op.operand(1).map_or(1, |w| {
                shape_of(w)[1..].iter().map(|d| extent(*d)).product::<u64>()
            });
            elements(op).saturating_mul(2 * kernel) / STEPS_A_BYTE
        }
        // Parts that are read where they stand.
        Some(OpKind::Slice) => result / 64,
        Some(
            OpKind::Transpose
            | OpKind::Concatenate
            | OpKind::Pad
            | OpKind::Reverse
            | OpKind::Take
            | OpKind::TakeAlongAxis
            | OpKind::UpdateSlice,
        ) => largest / 4,
        Some(OpKind::Reduce | OpKind::ReduceWindow | OpKind::ArgReduce) => largest / 8,
        Some(_) => largest.saturating_mul(4),
        // Loops and branches; what is computed there has been weighed in their own way back.
        None if op.region_count() > 0 => largest.saturating_mul(64),
        None => 0,
    }
    .min(NEVER / 4096)
}

/// The elements of an op's result.
fn elements(op: OperationRef) -> u64 {
    let shape = op.result(0).map(|y| shape_of(y.into())).unwrap_or_default();
    let extents = shape.into_iter().map(extent);
    extents.fold(1, u64::saturating_mul)
}
