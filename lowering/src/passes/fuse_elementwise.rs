//! Joins elementwise ops with the ops around them, so that each element is read and written as seldom as can be.
//!
//! Before:
//! ```mlir
//! %1 = linalg.generic ins(%x, %y) outs(%a) { mulf }
//! %2 = linalg.generic ins(%1) outs(%b) { exp }
//! ```
//! After:
//! ```mlir
//! %2 = linalg.generic ins(%x, %y) outs(%b) { mulf, exp }
//! ```
//!
//! An op is joined with its only reader, unless that would repeat costly work; a broadcast with every reader; an op
//! whose result is also needed elsewhere with a reader of the same space, as one op with several results; two ops
//! that read one tensor over the same space likewise. Reductions take part as readers and beside others. A
//! contraction takes in transposes only.
//!
//! *Requires*: `linalg.generic` on tensors. *Ensures*: nothing; it is an optimisation.
//! *Does not*: reorder reductions, fuse across blocks, or join ops of which one needs the other through a third.

use crate::{
    alias::{blocks, operations},
    fuse::{
        Node, Spaces, join,
        join::Results,
        neighbours::{movable, users},
    },
    linalg,
    remarks::Remarks,
    schedule::FUSION,
    schedule::Target,
    walk,
};
use dlc_abi::Poly;
use dlc_dialects::{
    ir::{edit, inspect::identity},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockRef, OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "fuse-elementwise",
    summary: "Join elementwise ops with each other and with reductions",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let remarks = Remarks::of(module);
    for func in walk::named(module, "func.func") {
        let spaces = Spaces::of(func);
        let mut inner = walk::inside(func);
        inner.retain(|op| !edit::name(*op).starts_with("linalg."));
        for op in inner.into_iter().chain([func]) {
            for block in blocks(op) {
                // A reduction or a sibling taken in ends what can be done with an op, so they come last.
                for phase in [Phase::Elementwise, Phase::Reductions, Phase::Siblings] {
                    let fusion = Fusion {
                        cx,
                        block,
                        spaces: &spaces,
                        remarks: &remarks,
                        phase,
                        gpu: Target::of(module).gpu > 0,
                    };
                    while fusion.sweep() {}
                }
                sink(cx, block);
            }
        }
    }
    Ok(())
}

/// Moves what makes the start of a single op's result to that op, which other passes look for there.
fn sink<'c: 'a, 'a>(cx: &'c Context, block: BlockRef<'c, 'a>) {
    for op in operations(block).into_iter().rev() {
        if !["linalg.fill", "tensor.empty"].contains(&edit::name(op)) {
            continue;
        }
        let users = users(block, linalg::results(op)[0]);
        if let [user] = users[..] {
            IrRewriter::new(cx)
                .as_rewriter_base()
                .move_op_before(op, user);
        }
    }
}

/// Whether a contraction or a loop stands between two ops of a block: what the first reads has left the caches when the
/// second reads it, and what both make would be alive all the while.
fn apart<'c: 'a, 'a>(first: OperationRef<'c, 'a>, second: OperationRef<'c, 'a>) -> bool {
    std::iter::successors(first.next_in_block(), |op| op.next_in_block())
        .take_while(|op| *op != second)
        .any(|op| {
            edit::name(op).starts_with("scf.")
                || Node::read(op).is_some_and(|node| node.generic.is_contraction())
        })
}

struct Fusion<'x, 'c, 'a> {
    cx: &'c Context,
    block: BlockRef<'c, 'a>,
    spaces: &'x Spaces,
    remarks: &'x Remarks<'c>,
    phase: Phase,
    /// Whether the loops are for a GPU.
    gpu: bool,
}

/// What is joined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Producers with readers; results are kept only by elementwise readers.
    Elementwise,
    /// Producers with all readers.
    Reductions,
    /// Also ops that read the same.
    Siblings,
}

/// How a producer goes into a reader.
enum Way {
    /// A copy of it goes into the body; the op stays for other readers.
    Inline,
    /// It becomes part of the reader, and its result a result of that.
    Merge,
}

impl<'c: 'a, 'a> Fusion<'_, 'c, 'a> {
    /// Goes through the block once; whether anything was joined.
    fn sweep(&self) -> bool {
        let mut changed = false;
        let mut next = operations(self.block).first().copied();
        while let Some(op) = next {
            let joined = Node::read(op).and_then(|node| match self.phase {
                Phase::Siblings => self
                    .with_producer(&node)
                    .or_else(|| self.with_sibling(&node)),
                _ => self.with_producer(&node),
            });
            changed |= joined.is_some();
            next = joined.or_else(|| op.next_in_block());
        }
        changed
    }

    /// Joins an op with one that makes an input.
    fn with_producer(&self, reader: &Node<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        for access in &reader.generic.inputs {
            let Some(producer) = Node::making(access.value) else {
                continue;
            };
            if producer.op.block() != Some(self.block) {
                continue;
            }
            match self.way(&producer, reader, &access.loops) {
                Some(Way::Inline) => return Some(self.inline(producer, reader, &access.loops)),
                Some(Way::Merge) => {
                    if let Some(op) = self.merge(&producer, reader) {
                        return Some(op);
                    }
                }
                None => {}
            }
        }
        None
    }

    fn way(&self, producer: &Node<'c, 'a>, reader: &Node<'c, 'a>, loops: &[usize]) -> Option<Way> {
        if !producer.is_elementwise()
            || producer.generic.is_contraction()
            || !producer.bounds_loops_of(reader, loops)
            || !self.small(producer, reader)
        {
            return None;
        }
        if reader.generic.is_contraction() {
            return producer.is_permutation().then_some(Way::Inline);
        }
        let readers = linalg::results(producer.op)
            .into_iter()
            .flat_map(|result| users(self.block, result))
            .collect::<Vec<_>>();
        let single = producer.op.result_count() == 1;
        let only = single && readers.iter().all(|op| *op == reader.op);
        let fusible = |op: &OperationRef<'c, 'a>| {
            Node::read(*op).is_some_and(|node| !node.generic.is_contraction())
        };
        // Work for the outer loops only is not repeated by the inner ones.
        let outermost = loops.iter().copied().eq(0..loops.len());
        let repeated = loops.len() < reader.loops() && !outermost;
        if only && !(repeated && producer.is_expensive()) {
            return Some(Way::Inline);
        }
        let broadcast = producer.is_movement() && !producer.is_permutation();
        if broadcast || (producer.is_permutation() && readers.iter().all(fusible)) {
            return Some(Way::Inline);
        }
        if outermost
            && loops.len() == reader.loops()
            && (reader.generic.is_parallel() || self.phase > Phase::Elementwise)
        {
            return Some(Way::Merge);
        }
        let cheap = !producer.is_expensive()
            && producer.ops().len() <= 3
            && producer.generic.inputs.len() <= 1;
        (single && cheap && readers.iter().all(fusible)).then_some(Way::Inline)
    }

    fn small(&self, a: &Node<'c, 'a>, b: &Node<'c, 'a>) -> bool {
        a.op.operand_count() + b.op.operand_count() <= FUSION.operands
            && a.ops().len() + b.ops().len() <= FUSION.body
    }

    /// A copy of the producer goes into the reader; the producer too, if nothing else needs it.
    fn inline(
        &self,
        producer: Node<'c, 'a>,
        reader: &Node<'c, 'a>,
        loops: &[usize],
    ) -> OperationRef<'c, 'a> {
        let rewriter = IrRewriter::new(self.cx);
        let rewriter = rewriter.as_rewriter_base();
        rewriter.set_insertion_point_before(reader.op);
        let copy = rewriter.clone_op(producer.op);
        let [old, new] = [producer.op, copy].map(|op| linalg::results(op)[0]);
        for (index, access) in reader.generic.inputs.iter().enumerate() {
            if identity(access.value) == identity(old) && access.loops == loops {
                edit::set_operand(reader.op, index, new);
            }
        }
        let last = edit::uses(old).is_empty();
        if self.remarks.asked() {
            let saved = Remarks::size(old, self.spaces, if last { 2 } else { 1 });
            let places = (producer.op.location(), reader.op.location());
            self.remarks
                .fused(places.0, places.1, "computed where it is read", &saved);
        }
        if last {
            edit::erase(self.cx, producer.op);
        }
        const COPIED: &str = "a copy of a node is one";
        let (copy, reader) = (
            Node::read(copy).expect(COPIED),
            Node::read(reader.op).expect(COPIED),
        );
        join(self.cx, &copy, &reader, loops, Results::Inside)
    }

    /// The two become one op in the place of the second; what needs the first and stands between moves behind.
    fn merge(&self, first: &Node<'c, 'a>, second: &Node<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let aligned = |node: &Node<'c, 'a>| {
            let inputs = node.generic.inputs.iter();
            let own = inputs.filter(|access| first.makes(access.value));
            own.into_iter()
                .all(|access| access.loops.iter().copied().eq(0..first.loops()))
        };
        let overwrites = second
            .generic
            .outputs
            .iter()
            .any(|access| first.makes(access.value));
        let captures = walk::inside(second.op)
            .iter()
            .any(|op| op.operands().any(|value| first.makes(value)));
        if !aligned(second)
            || self.gpu && !first.adds_up_like(second)
            || overwrites
            || captures
            || apart(first.op, second.op)
            || self.spaces.loops(&first.generic) != self.spaces.loops(&second.generic)
        {
            return None;
        }
        let between = movable(first.op, second.op)?;
        self.tell_merged(first, second);
        let loops = (0..first.loops()).collect::<Vec<_>>();
        let op = join(self.cx, first, second, &loops, Results::Kept);
        let mut last = op;
        for moved in between {
            IrRewriter::new(self.cx)
                .as_rewriter_base()
                .move_op_after(moved, last);
            last = moved;
        }
        Some(op)
    }

    /// What one of two ops makes or reads is not read again by the other.
    fn tell_merged(&self, first: &Node<'c, 'a>, second: &Node<'c, 'a>) {
        if !self.remarks.asked() {
            return;
        }
        let inputs = || second.generic.inputs.iter();
        let passed = inputs().filter(|access| first.makes(access.value));
        let shared = inputs().filter(|access| {
            let same = |other: &linalg::Access| identity(other.value) == identity(access.value);
            first.generic.inputs.iter().any(same)
        });
        let (how, read): (_, Vec<_>) = match passed.clone().count() {
            0 => ("read together", shared.collect()),
            _ => ("joined with what makes its operand", passed.collect()),
        };
        let sizes = read
            .iter()
            .map(|access| Remarks::size(access.value, self.spaces, 1));
        let saved = sizes.fold(Poly::zero(), |sum, size| sum + size);
        let (first, second) = (first.op.location(), second.op.location());
        self.remarks.fused(first, second, how, &saved);
    }

    /// Joins an op with an earlier one that reads the same tensor over the same space.
    fn with_sibling(&self, node: &Node<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        if node.generic.is_contraction() {
            return None;
        }
        let whole = |node: &Node<'c, 'a>, loops: &[usize]| {
            loops.iter().copied().eq(0..node.loops()) && !loops.is_empty()
        };
        for access in &node.generic.inputs {
            if !whole(node, &access.loops) {
                continue;
            }
            for op in users(self.block, access.value) {
                if op == node.op || !op.is_before_in_block(node.op) {
                    continue;
                }
                let Some(sibling) = Node::read(op) else {
                    continue;
                };
                let reads = |other: &linalg::Access| {
                    identity(other.value) == identity(access.value) && whole(&sibling, &other.loops)
                };
                if sibling.generic.is_parallel() != node.generic.is_parallel()
                    || sibling.generic.is_contraction()
                    || !sibling.generic.inputs.iter().any(reads)
                    || !self.small(&sibling, node)
                {
                    continue;
                }
                if let Some(op) = self.merge(&sibling, node) {
                    return Some(op);
                }
            }
        }
        None
    }
}
