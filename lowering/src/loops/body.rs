//! What a body computes, and on which loops each of its values depends.

use super::{Nest, nest::index_of};
use crate::linalg::Iterator;
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, ElementClass, class, width},
};
use melior::ir::{
    BlockLike, OperationRef, TypeLike, Value, ValueLike,
    operation::{OperationLike, OperationResult},
};
use std::collections::HashMap;

/// A set of loops, one bit each.
pub type Loops = u64;

/// What an accumulator depends on: it is known only inside all loops.
pub const INNERMOST: Loops = u64::MAX;

/// The body of a nest.
pub struct Body<'c, 'a> {
    /// The ops, in order, without the yield.
    pub ops: Vec<OperationRef<'c, 'a>>,
    /// What is yielded for each output.
    pub yields: Vec<Value<'c, 'a>>,
    /// For each output how it adds up, if it lacks a loop that does.
    pub outputs: Vec<Output>,
    depends: HashMap<usize, Loops>,
}

/// How an output comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Each element once.
    Each,
    /// From steps of reduction loops, in any way.
    Carried,
    /// From steps of reduction loops by an associative op, whose name this is.
    Combined(String),
}

impl Output {
    /// Whether it adds up over loops.
    pub fn accumulates(&self) -> bool {
        *self != Output::Each
    }

    /// The name of the op by which it combines: only outputs that do are asked.
    pub fn name(&self) -> &str {
        match self {
            Output::Combined(name) => name,
            _ => unreachable!("the plan takes loops that combine"),
        }
    }
}

/// The set with one loop.
pub fn set(index: usize) -> Loops {
    1 << index
}

/// The set of an operand's loops.
pub fn set_of(loops: &[usize]) -> Loops {
    loops.iter().fold(0, |all, l| all | set(*l))
}

impl<'c: 'a, 'a> Body<'c, 'a> {
    /// Whether all accumulators are indexed by the same loops.
    pub fn accumulates_alike(&self, nest: &Nest<'c, 'a>) -> bool {
        let outputs = nest.generic.outputs.iter().zip(&self.outputs);
        let mut loops = outputs
            .filter(|(_, output)| output.accumulates())
            .map(|(access, _)| access.loops.iter().fold(0, |all, index| all | set(*index)));
        loops
            .next()
            .is_none_or(|first| loops.all(|other| other == first))
    }

    /// Reads the body of a nest; `None` if it has regions or does something else than to compute and load.
    pub fn read(nest: &Nest<'c, 'a>) -> Option<Self> {
        let mut ops = vec![];
        let mut next = nest.block.first_operation();
        while let Some(op) = next {
            ops.push(op);
            next = op.next_in_block();
        }
        let end = ops.pop()?;
        let reductions = (0..nest.generic.iterators.len())
            .filter(|i| nest.generic.iterators[*i] == Iterator::Reduction)
            .fold(0, |all, i| all | set(i));
        let mut body = Self {
            yields: end.operands().collect(),
            ops,
            outputs: vec![],
            depends: HashMap::new(),
        };
        let arguments = crate::linalg::arguments(nest.block);
        let inputs = nest.generic.inputs.len();
        for (argument, access) in arguments.iter().zip(&nest.generic.inputs) {
            body.depends
                .insert(identity(*argument), set_of(&access.loops));
        }
        for (i, access) in nest.generic.outputs.iter().enumerate() {
            let loops = set_of(&access.loops);
            let argument = arguments[inputs + i];
            let output = match loops & reductions == reductions {
                true => Output::Each,
                false => body.combination(argument, body.yields[i]),
            };
            let depends = if output.accumulates() {
                INNERMOST
            } else {
                loops
            };
            body.depends.insert(identity(argument), depends);
            body.outputs.push(output);
        }
        for i in 0..body.ops.len() {
            let op = body.ops[i];
            let name = edit::name(op);
            let fine = name.starts_with("arith.")
                || name.starts_with("math.")
                || ["linalg.index", "memref.load"].contains(&name);
            if !fine || op.region_count() > 0 || op.result_count() != 1 {
                return None;
            }
            let loops = match index_of(op) {
                Some(index) => set(index),
                None => op
                    .operands()
                    .fold(0, |all, value| all | body.depends(value)),
            };
            body.depends
                .insert(identity(op.result(0).ok()?.into()), loops);
        }
        Some(body)
    }

    /// The loops that a value depends on; none for values from outside.
    pub fn depends(&self, value: Value) -> Loops {
        self.depends.get(&identity(value)).copied().unwrap_or(0)
    }

    /// How an accumulator and what is yielded for it hang together.
    fn combination(&self, argument: Value<'c, 'a>, yielded: Value<'c, 'a>) -> Output {
        let Ok(result) = OperationResult::try_from(yielded) else {
            return Output::Carried;
        };
        let op = result.owner();
        let name = edit::name(op);
        let takes = op
            .operands()
            .any(|value| identity(value) == identity(argument));
        // In vectors nothing else sees the combination of all steps so far.
        let alone = [argument, yielded]
            .iter()
            .all(|value| edit::uses(*value).len() == 1);
        match is_associative(name) && takes && alone {
            true => Output::Combined(name.into()),
            false => Output::Carried,
        }
    }

    /// What a step adds to an accumulator that combines by an op.
    pub fn added(&self, argument: Value<'c, 'a>, yielded: Value<'c, 'a>) -> Value<'c, 'a> {
        let result = OperationResult::try_from(yielded).expect("it combines by an op");
        let owner = result.owner();
        let mut operands = owner.operands();
        let other = operands.find(|value| identity(*value) != identity(argument));
        other.expect("the argument is used once")
    }

    /// Bits of the widest element that depends on a loop; an index that does counts too.
    pub fn bits(&self, nest: &Nest<'c, 'a>, index: usize) -> i64 {
        let mut bits = 8;
        let mut see = |value: Value| {
            let element = shape::element_of(value);
            if self.depends(value) & set(index) != 0 && class(element) != ElementClass::Bool {
                bits = bits.max(i64::from(width(element)));
            }
        };
        for op in &self.ops {
            op.results().for_each(|result| see(result.into()));
        }
        crate::linalg::arguments(nest.block)
            .into_iter()
            .for_each(see);
        bits
    }

    /// Vectors alive at once, at most, where values that depend on a loop are vectors.
    pub fn alive(&self, index: usize) -> i64 {
        let mut last: HashMap<usize, usize> = HashMap::new();
        for (i, op) in self.ops.iter().enumerate() {
            for value in op.operands() {
                last.insert(identity(value), i);
            }
        }
        for value in &self.yields {
            last.insert(identity(*value), self.ops.len());
        }
        let (mut alive, mut most): (Vec<usize>, i64) = (vec![], 1);
        for (i, op) in self.ops.iter().enumerate() {
            let Some(result) = op.results().next().map(Value::from) else {
                continue;
            };
            let values = op.operands().chain([result]);
            for value in values.filter(|value| self.depends(*value) & set(index) != 0) {
                if !alive.contains(&identity(value)) {
                    alive.push(identity(value));
                }
            }
            // A function expands to arithmetic that needs registers of its own.
            let own = if is_function(*op) { 4 } else { 0 };
            most = most.max(alive.len() as i64 + own);
            alive.retain(|value| last.get(value).is_some_and(|last| *last > i));
        }
        most
    }
}

/// Whether an op of a name combines numbers in any way of taking them together.
pub fn is_associative(name: &str) -> bool {
    const ASSOCIATIVE: [&str; 13] = [
        "arith.addf",
        "arith.addi",
        "arith.mulf",
        "arith.muli",
        "arith.maximumf",
        "arith.minimumf",
        "arith.maxsi",
        "arith.minsi",
        "arith.maxui",
        "arith.minui",
        "arith.ori",
        "arith.andi",
        "arith.xori",
    ];
    ASSOCIATIVE.contains(&name)
}

/// Whether an op becomes a whole computation.
fn is_function(op: OperationRef) -> bool {
    let name = edit::name(op);
    name.starts_with("math.")
        && ![
            "math.absf",
            "math.sqrt",
            "math.fma",
            "math.copysign",
            "math.floor",
            "math.ceil",
        ]
        .contains(&name)
}

/// Whether a value is of index type.
pub fn is_index(value: Value) -> bool {
    value.r#type().is_index()
}
