//! A `linalg.generic` and the properties that fusion asks for.

use crate::linalg::{Access, Generic, Iterator};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, RegionLike, Value,
    operation::{OperationLike, OperationResult},
};

/// The op and its operands.
pub struct Node<'c, 'a> {
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// What it says.
    pub generic: Generic<'c, 'a>,
}

impl<'c: 'a, 'a> Node<'c, 'a> {
    /// The node of an op on tensors whose maps only select loops, each at most once.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let generic = Generic::read(op)?;
        let accesses = generic.inputs.iter().chain(&generic.outputs);
        let once = |access: &Access| {
            (1..access.loops.len()).all(|i| !access.loops[..i].contains(&access.loops[i]))
        };
        let reads = accesses.clone().all(once) && op.result_count() == generic.outputs.len();
        reads.then_some(Self { op, generic })
    }

    /// The node that makes a value.
    pub fn making(value: Value<'c, 'a>) -> Option<Self> {
        Self::read(OperationResult::try_from(value).ok()?.owner())
    }

    /// The body.
    pub fn body(&self) -> BlockRef<'c, 'a> {
        self.op
            .region(0)
            .ok()
            .and_then(|region| region.first_block())
            .expect("a generic has a body")
    }

    /// The ops of the body, without the yield.
    pub fn ops(&self) -> Vec<OperationRef<'c, 'a>> {
        let mut found = vec![];
        let mut next = self.body().first_operation();
        while let Some(op) = next {
            found.push(op);
            next = op.next_in_block();
        }
        found.pop();
        found
    }

    /// Whether all results are indexed by all loops in order, and nothing is read of what was there before.
    pub fn is_elementwise(&self) -> bool {
        let all = |access: &Access| access.loops.iter().copied().eq(0..self.loops());
        self.generic.is_parallel()
            && self.generic.outputs.iter().all(all)
            && !(0..self.generic.outputs.len()).any(|i| self.goes_on(i))
    }

    /// Whether the body reads what was in a result before, as a window of one element does.
    pub fn goes_on(&self, result: usize) -> bool {
        let argument = self.body().argument(self.generic.inputs.len() + result);
        !argument.is_ok_and(|argument| edit::uses(argument.into()).is_empty())
    }

    /// The number of loops.
    pub fn loops(&self) -> usize {
        self.generic.iterators.len()
    }

    /// Whether the op only moves elements of its one input.
    pub fn is_movement(&self) -> bool {
        let [input] = &self.generic.inputs[..] else {
            return false;
        };
        let body = self.body();
        if !self.ops().is_empty() || self.op.result_count() != 1 {
            return false;
        }
        let yielded = body.first_operation().and_then(|op| op.operand(0).ok());
        let element = body.argument(0).ok().map(Value::from);
        !input.loops.is_empty() && yielded == element
    }

    /// Whether the input's axes are the loops in another order.
    pub fn is_permutation(&self) -> bool {
        self.is_movement() && self.generic.inputs[0].loops.len() == self.loops()
    }

    /// Whether the body costs more than reading its result would.
    pub fn is_expensive(&self) -> bool {
        let ops = self.ops();
        let slow = |op: &OperationRef| {
            let name = edit::name(*op);
            let division = [
                "arith.divf",
                "arith.divsi",
                "arith.divui",
                "arith.remsi",
                "arith.remui",
                "arith.remf",
            ];
            (name.starts_with("math.") && name != "math.absf")
                || division.contains(&name)
                || name == "tensor.extract"
        };
        ops.len() > 10 || ops.iter().any(slow)
    }

    /// Whether each loop of `reader` is still an axis of some operand when this op, whose result it reads at `loops`, has
    /// become part of it: nothing else says how far the loop goes.
    pub fn bounds_loops_of(&self, reader: &Self, loops: &[usize]) -> bool {
        let joined = |access: &&Access| self.makes(access.value) && access.loops == loops;
        let inputs = reader.generic.inputs.iter();
        let kept = inputs.filter(|access| !joined(access));
        let mut bounded = kept
            .chain(&reader.generic.outputs)
            .flat_map(|access| access.loops.iter().copied())
            .collect::<Vec<_>>();
        let own = self.generic.inputs.iter().flat_map(|access| &access.loops);
        bounded.extend(own.map(|l| loops[*l]));
        (0..reader.loops()).all(|l| bounded.contains(&l))
    }

    /// Whether a thread can do a point of this op and of one with as many loops: they add up over the same loops, or one alone does,
    /// over the innermost ones.
    pub fn adds_up_like(&self, other: &Self) -> bool {
        let (own, others) = (self.sums(), other.sums());
        let innermost = |sums: &[usize]| {
            sums.iter()
                .copied()
                .eq(self.loops() - sums.len()..self.loops())
        };
        own == others
            || own.is_empty() && innermost(&others)
            || others.is_empty() && innermost(&own)
    }

    /// The loops over which the op adds up.
    fn sums(&self) -> Vec<usize> {
        let kinds = self.generic.iterators.iter().enumerate();
        let sums = kinds.filter(|(_, kind)| **kind == Iterator::Reduction);
        sums.map(|(i, _)| i).collect()
    }

    /// Whether a value is one of the results.
    pub fn makes(&self, value: Value) -> bool {
        crate::linalg::results(self.op)
            .into_iter()
            .any(|result| identity(result) == identity(value))
    }
}
