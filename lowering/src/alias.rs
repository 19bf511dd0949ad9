//! Which buffers a memref value may be a view of, what an op reads and writes, and in which order ops run:
//! what passes on bufferised, structured functions ask before they move or share memory.

use dlc_dialects::ir::{edit, inspect, shape};
use melior::ir::{
    Block, BlockLike, BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike,
    operation::{OperationLike, OperationResult},
};
use std::collections::{BTreeMap, BTreeSet};

/// The place of each op in a function: its number in order, and the last number inside it.
pub struct Order {
    spans: BTreeMap<usize, (usize, usize)>,
}

impl Order {
    /// Numbers the ops of a function.
    pub fn new(func: OperationRef) -> Self {
        let mut order = Self {
            spans: BTreeMap::new(),
        };
        order.number(func, &mut 0);
        order
    }

    fn number(&mut self, op: OperationRef, next: &mut usize) {
        let start = *next;
        *next += 1;
        for block in blocks(op) {
            for inner in operations(block) {
                self.number(inner, next);
            }
        }
        self.spans.insert(edit::identity(op), (start, *next - 1));
    }

    /// The numbers of an op and of the last one inside it.
    pub fn span(&self, op: OperationRef) -> (usize, usize) {
        self.spans[&edit::identity(op)]
    }
}

/// The blocks of an op's regions.
pub fn blocks<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<BlockRef<'c, 'a>> {
    let mut found = vec![];
    for region in (0..op.region_count()).filter_map(|i| op.region(i).ok()) {
        let mut block = region.first_block();
        while let Some(here) = block {
            found.push(here);
            block = here.next_in_region();
        }
    }
    found
}

/// The ops of a block.
pub fn operations<'c, 'a>(block: BlockRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![];
    let mut next = block.first_operation();
    while let Some(op) = next {
        found.push(op);
        next = op.next_in_block();
    }
    found
}

/// The ops around an op, from itself outwards, to the function.
pub fn ancestors<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![op];
    let mut at = op;
    while let Some(parent) = at.parent_operation() {
        found.push(parent);
        if name(parent).ends_with(".func") {
            break;
        }
        at = parent;
    }
    found
}

/// The name of an op.
pub fn name<'c>(op: OperationRef<'c, '_>) -> &'c str {
    edit::name(op)
}

/// Whether a value is a memref.
pub fn is_memref(value: Value) -> bool {
    value.r#type().is_mem_ref()
}

/// The values that may be views of a buffer, and the ops that use any of them.
pub struct Views<'c, 'a> {
    /// The buffer itself first.
    pub values: Vec<Value<'c, 'a>>,
    /// Every use: the op and which operand.
    pub uses: Vec<(OperationRef<'c, 'a>, usize)>,
    /// A use by which the buffer leaves the function or the round of a loop that makes it.
    pub escape: Option<OperationRef<'c, 'a>>,
}

/// Follows a buffer through views, loops and branches.
pub fn views<'c, 'a>(buffer: Value<'c, 'a>) -> Views<'c, 'a> {
    let made_in = OperationResult::try_from(buffer)
        .ok()
        .map(|result| ancestors(result.owner()));
    let inside = |op: OperationRef| made_in.as_ref().is_some_and(|all| all[1..].contains(&op));
    let mut found = Views {
        values: vec![buffer],
        uses: vec![],
        escape: None,
    };
    let mut next = 0;
    while next < found.values.len() {
        let value = found.values[next];
        next += 1;
        for (op, index) in edit::uses(value) {
            found.uses.push((op, index));
            let aliases: Vec<Value> = match name(op) {
                "func.return" => {
                    found.escape = Some(op);
                    vec![]
                }
                "func.call" | "memref.alloc" => vec![],
                "scf.yield" | "scf.condition" => {
                    let Some(parent) = op.parent_operation() else {
                        continue;
                    };
                    if name(parent) != "scf.if" && inside(parent) {
                        found.escape = Some(op);
                    }
                    carried(parent)
                }
                "scf.for" | "scf.while" | "scf.forall" | "scf.parallel" => carried(op),
                _ => results(op),
            };
            for alias in aliases {
                if is_memref(alias) && !found.values.contains(&alias) {
                    found.values.push(alias);
                }
            }
        }
    }
    found
}

fn results<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    (0..op.result_count())
        .filter_map(|i| Some(op.result(i).ok()?.into()))
        .collect()
}

/// The results of a loop or branch, and the arguments of its blocks.
fn carried<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut values = results(op);
    for block in blocks(op) {
        values.extend(
            (0..block.argument_count()).filter_map(|i| Some(Value::from(block.argument(i).ok()?))),
        );
    }
    values
}

/// The buffer that a value is a view of: an argument of the function, or the result of an op that makes memory.
/// `None` where more than one are possible.
pub fn root<'c: 'a, 'a>(value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
    let at = source(value);
    if let Some(argument) = inspect::argument(at) {
        let parent = argument.owner().parent_operation()?;
        return name(parent).ends_with(".func").then_some(at);
    }
    let op = OperationResult::try_from(at).ok()?.owner();
    ["memref.alloc", "memref.alloca", "memref.get_global"]
        .contains(&name(op))
        .then_some(at)
}

/// What a value is a view of, as far as ops that make views tell: a buffer, or one of several that a loop or branch gives.
pub fn source<'c: 'a, 'a>(value: Value<'c, 'a>) -> Value<'c, 'a> {
    let mut at = value;
    while let Some(op) = inspect::defining_op(at) {
        let viewed = match name(op) {
            "memref.cast"
            | "memref.subview"
            | "memref.view"
            | "memref.reinterpret_cast"
            | "memref.expand_shape"
            | "memref.collapse_shape"
            | "memref.transpose"
            | "memref.reshape"
            | "memref.memory_space_cast"
            | "memref.assume_alignment"
            | "memref.extract_strided_metadata" => op.operand(0).ok(),
            _ => None,
        };
        match viewed {
            Some(viewed) => at = viewed,
            None => break,
        }
    }
    at
}

/// What an op and the ops inside it do to memory.
#[derive(Default)]
pub struct Effects<'c, 'a> {
    /// Memrefs that are read.
    pub reads: Vec<Value<'c, 'a>>,
    /// Memrefs that are written.
    pub writes: Vec<Value<'c, 'a>>,
}

impl<'c, 'a> Effects<'c, 'a> {
    /// The effects of an op.
    pub fn of(op: OperationRef<'c, 'a>) -> Self {
        let mut effects = Self::default();
        effects.add(op);
        effects
    }

    fn add(&mut self, op: OperationRef<'c, 'a>) {
        let memrefs = || op.operands().filter(|operand| is_memref(*operand));
        match name(op) {
            "memref.dim"
            | "memref.cast"
            | "memref.subview"
            | "memref.view"
            | "memref.reinterpret_cast"
            | "memref.expand_shape"
            | "memref.collapse_shape"
            | "memref.transpose"
            | "memref.reshape"
            | "memref.memory_space_cast"
            | "memref.assume_alignment"
            | "memref.extract_strided_metadata"
            | "memref.alloc"
            | "memref.alloca"
            | "memref.dealloc"
            | "memref.prefetch" => {}
            "memref.load"
            | "vector.load"
            | "vector.transfer_read"
            | "vector.maskedload"
            | "vector.gather" => {
                self.reads.extend(memrefs());
            }
            "memref.store"
            | "vector.store"
            | "vector.transfer_write"
            | "vector.maskedstore"
            | "vector.scatter" => {
                self.writes.extend(memrefs());
            }
            "memref.copy" => {
                self.reads.extend(op.operand(0));
                self.writes.extend(op.operand(1));
            }
            name if name.starts_with("linalg.") && op.has_attribute("operandSegmentSizes") => {
                let outputs = destination_count(op);
                let all = op.operand_count();
                for (i, operand) in op
                    .operands()
                    .enumerate()
                    .filter(|(_, operand)| is_memref(*operand))
                {
                    match i + outputs < all {
                        true => self.reads.push(operand),
                        false => {
                            self.writes.push(operand);
                            if reads_output(op, i) {
                                self.reads.push(operand);
                            }
                        }
                    }
                }
                // The body of a generic op may itself load.
                self.inside(op);
            }
            name if name.starts_with("scf.") || name.starts_with("affine.") => {
                if op.region_count() == 0 {
                    self.reads.extend(memrefs());
                    self.writes.extend(memrefs());
                }
                self.inside(op);
            }
            _ => {
                self.reads.extend(memrefs());
                self.writes.extend(memrefs());
                self.inside(op);
            }
        }
    }

    fn inside(&mut self, op: OperationRef<'c, 'a>) {
        for block in blocks(op) {
            for inner in operations(block) {
                self.add(inner);
            }
        }
    }
}

/// How many operands of a linalg op are destinations.
pub fn destination_count(op: OperationRef) -> usize {
    use melior::ir::attribute::DenseI32ArrayAttribute;
    let sizes = op
        .attribute("operandSegmentSizes")
        .ok()
        .and_then(|a| DenseI32ArrayAttribute::try_from(a).ok());
    sizes.and_then(|sizes| sizes.element(1).ok()).unwrap_or(0) as usize
}

/// Whether the body of a linalg op uses what stood in a destination.
fn reads_output(op: OperationRef, operand: usize) -> bool {
    match blocks(op).first() {
        Some(block) if block.argument_count() == op.operand_count() => {
            let argument = block.argument(operand).expect("one for each operand");
            !edit::uses(argument.into()).is_empty()
        }
        _ => true,
    }
}

/// Whether two views may share memory. Buffers of different arguments do not: that is the contract of the entries.
pub fn may_alias(a: Value, b: Value) -> bool {
    match (root(a), root(b)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// The op of `block` that is or contains `op`.
pub fn in_block<'c, 'a>(
    op: OperationRef<'c, 'a>,
    block: &Block<'c>,
) -> Option<OperationRef<'c, 'a>> {
    ancestors(op)
        .into_iter()
        .find(|op| op.block().is_some_and(|b| *b == *block))
}

/// The blocks that ops stand in, from the function's body inwards, as far as they share them.
pub fn common_block<'c, 'a>(ops: &[OperationRef<'c, 'a>]) -> Option<BlockRef<'c, 'a>> {
    let chain = |op: &OperationRef<'c, 'a>| -> Vec<BlockRef<'c, 'a>> {
        let mut blocks: Vec<_> = ancestors(*op)
            .into_iter()
            .filter_map(|op| op.block())
            .collect();
        blocks.reverse();
        blocks
    };
    let chains: Vec<_> = ops.iter().map(chain).collect();
    let first = chains.first()?;
    let shared = (0..first.len())
        .take_while(|i| chains.iter().all(|chain| chain.get(*i) == Some(&first[*i])))
        .last()?;
    Some(first[shared])
}

/// The element-wise identity of shapes: a set of value identities, for callers that compare many.
pub fn value_set(values: &[Value]) -> BTreeSet<usize> {
    values
        .iter()
        .map(|value| value.to_raw().ptr as usize)
        .collect()
}

/// Whether two memref types have the same dims and element type, whatever their layouts.
pub fn same_shape(a: Value, b: Value) -> bool {
    shape::shape_of(a) == shape::shape_of(b) && shape::element_of(a) == shape::element_of(b)
}
