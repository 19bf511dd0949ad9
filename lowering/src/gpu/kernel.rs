//! A kernel of a marked loop: one thread for each round of it and of the marked loops right inside.

use super::{BLOCK, DYNAMIC_SHARED, KERNEL};
use crate::{
    alias::{self, Effects, blocks, operations},
    emit::{Emitter, Int},
    entry::{self, FAILED},
    gpu::{self, shared},
    linalg::arguments,
    outline::Outlined,
    schedule::gpu::SHARED,
    tasks::{
        self,
        divisible::{Divisible, move_out},
        private::{Memory, Private, static_bytes},
    },
    walk,
};
use dlc_dialects::{
    ir::{edit, inspect::identity, shape},
    pass::{INTERNAL, PassError},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, BlockRef, OperationRef, Value, operation::OperationLike},
};

/// Bytes of buffers that a thread has for itself in registers and local memory.
const LOCAL: i64 = 1 << 10;

/// Memory that a round has for itself.
enum Own<'c, 'a> {
    /// In the block's shared memory.
    OfBlock(Value<'c, 'a>),
    /// In the workspace, or on a thread's stack.
    OfRound(Option<Memory<'c, 'a>>),
}

/// The buffers of a kernel in its block's shared memory.
#[derive(Default)]
struct Shared {
    count: usize,
    bytes: i64,
}

impl Shared {
    /// Whether there is room for a buffer of which elements are read and written only.
    fn takes<'c: 'a, 'a>(&self, buffer: &Private<'c, 'a>) -> bool {
        let uses = edit::uses(buffer.value);
        let by_element =
            |op: &OperationRef<'c, 'a>| ["memref.load", "memref.store"].contains(&edit::name(*op));
        let bytes = static_bytes(buffer.value);
        bytes.is_some_and(|bytes| self.bytes + bytes <= SHARED)
            && uses.iter().all(|(op, _)| by_element(op))
    }

    fn memory<'c: 'a, 'a>(
        &mut self,
        e: &Emitter<'c, 'a>,
        buffer: &Private<'c, 'a>,
    ) -> Value<'c, 'a> {
        self.count += 1;
        self.bytes += static_bytes(buffer.value).unwrap_or(0);
        let name = format!("row{}", self.count);
        shared::memory(
            e,
            &name,
            &shape::shape_of(buffer.value),
            shape::element_of(buffer.value),
        )
    }
}

/// A place for kernels: the function whose loops they are, which calls them.
#[derive(Clone, Copy)]
pub struct Home<'c, 'a> {
    /// The context.
    pub cx: &'c Context,
    /// The function.
    pub func: OperationRef<'c, 'a>,
    /// Its argument that is the device.
    pub device: Value<'c, 'a>,
    /// Its argument where the status of what fails goes, which is the host's memory.
    pub failed: Value<'c, 'a>,
}

impl<'c: 'a, 'a> Home<'c, 'a> {
    /// Of an entry; nothing if it was not made for a device.
    pub fn of(cx: &'c Context, func: OperationRef<'c, 'a>) -> Option<Self> {
        let failed = entry::argument_with(func, FAILED)?;
        Some(Self {
            cx,
            func,
            device: tasks::executor(func)?,
            failed: entry::body(func).ok()?.argument(failed).ok()?.into(),
        })
    }

    /// Makes a loop over threads of a marked loop, or over blocks of threads, which is gone then; nothing if its rounds can't be
    /// shared out.
    pub fn rounds(&self, op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let inside = walk::inside(op).into_iter().chain([op]);
        let threads = inside.filter_map(gpu::threads).next();
        // What is on a thread's stack, other threads do not see.
        let local = match threads {
            Some(_) => 0,
            None => LOCAL,
        };
        let divisible = Divisible::read(self.cx, self.func, op, local)?;
        let loops = match divisible.private.is_empty() || threads.is_some() {
            true => nested(op),
            false => vec![op],
        };
        if loops.last().and_then(|last| gpu::threads(*last)) != threads {
            return None;
        }
        let e = Emitter::before(self.cx, op);
        let extents: Vec<_> = loops.iter().map(|op| rounds(&e, *op)).collect();
        let total = extents.iter().copied().reduce(|a, b| e.mul(a, b));
        let total = total.expect("there is the loop itself");
        let mut shared = Shared::default();
        let memory = divisible.private.iter().map(|buffer| match threads {
            Some(_) if shared.takes(buffer) => Own::OfBlock(shared.memory(&e, buffer)),
            _ => Own::OfRound(buffer.make(&e, total)),
        });
        let memory = memory.collect::<Vec<_>>();
        let rounds = e.plain_loop((e.index(0), total, e.index(1)), |e, number| {
            let mut left = number;
            for (op, extent) in loops.iter().zip(&extents).skip(1).rev() {
                let round = e.op("arith.remui", &[left, *extent], e.index_type());
                self.number(e, *op, round);
                left = e.div(left, *extent);
            }
            self.number(e, loops[0], left);
            for (buffer, memory) in divisible.private.iter().zip(memory) {
                let own = match memory {
                    Own::OfBlock(memory) => memory,
                    Own::OfRound(memory) => buffer.own(e, memory, number),
                };
                edit::replace_uses(buffer.value, own);
            }
        });
        if let (Some(threads), Some(last)) = (threads, loops.last()) {
            gpu::give_to_block(&e, rounds, threads);
            gpu::give_shared(&e, rounds, gpu::dynamic_shared(*last));
        }
        let body = blocks(rounds)[0];
        let end = body.terminator().expect("a loop's body ends");
        for (depth, op) in loops.iter().enumerate() {
            for inner in operations(blocks(*op)[0]) {
                let nested = loops.get(depth + 1).is_some_and(|next| *next == inner);
                if !nested && !walk::is(inner, "scf.yield") {
                    self.move_before(inner, end);
                }
            }
        }
        edit::erase(self.cx, op);
        for buffer in divisible.private {
            edit::erase(self.cx, buffer.alloc);
        }
        Some(rounds)
    }

    /// Makes a loop over one thread of ops of a block, in order, before another one.
    pub fn one(
        &self,
        ops: &[OperationRef<'c, 'a>],
        before: OperationRef<'c, 'a>,
    ) -> OperationRef<'c, 'a> {
        let e = Emitter::before(self.cx, before);
        let one = e.index(1);
        let thread = e.plain_loop((e.index(0), one, one), |_, _| {});
        let end = blocks(thread)[0].terminator().expect("a loop's body ends");
        for op in ops {
            self.move_before(*op, end);
        }
        // Memory is the caller's, of whom there is one. What has a size that the device computes stays, and the planner
        // refuses it.
        for alloc in walk::named(thread, "memref.alloc") {
            let _moved = move_out(self.cx, alloc, thread);
        }
        thread
    }

    /// Makes a kernel of a loop over threads, and a call of it in the loop's place.
    pub fn outline(&self, threads: OperationRef<'c, 'a>, name: &str) -> Result<(), PassError<'c>> {
        let [_, total, _] = bounds(threads);
        let outlined = Outlined::body(self.cx, self.func, threads).ok_or_else(|| {
            let message = format!("{INTERNAL}: a kernel reads what can't be passed to it");
            PassError::at(&threads, message)
        })?;
        let leading = [self.device, self.failed, total];
        let number = |number: i64| format!("{number} : i64");
        let block = gpu::threads(threads).map(|threads| (BLOCK, number(threads)));
        let shared = Some(gpu::dynamic_shared(threads)).filter(|bytes| *bytes > 0);
        let shared = shared.map(|bytes| (DYNAMIC_SHARED, number(bytes)));
        let numbers = block.iter().chain(&shared);
        let numbers = numbers.map(|(name, number)| (*name, number.as_str()));
        let attributes: Vec<_> = [(KERNEL, "unit")].into_iter().chain(numbers).collect();
        outlined.into_function_of(name, &leading, &attributes);
        Ok(())
    }

    /// Puts the value of a loop's index in its place, in a round.
    fn number(&self, e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>, round: Value<'c, 'a>) {
        let [low, _, step] = bounds(op);
        let index = e.add(low, e.mul(round, step));
        edit::replace_uses(arguments(blocks(op)[0])[0], index);
    }

    fn move_before(&self, op: OperationRef<'c, 'a>, before: OperationRef<'c, 'a>) {
        let rewriter = IrRewriter::new(self.cx);
        rewriter.as_rewriter_base().move_op_before(op, before);
    }
}

/// Where a loop begins and ends, and its step.
pub fn bounds<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> [Value<'c, 'a>; 3] {
    [0, 1, 2].map(|i| op.operand(i).expect("a loop has bounds and a step"))
}

/// How many rounds a loop has.
pub(super) fn rounds<'c: 'a, 'a>(e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>) -> Value<'c, 'a> {
    let [low, high, step] = bounds(op);
    let length = e.max(e.sub(high, low), e.index(0));
    let some = e.cmp(Int::Sgt, length, e.index(0));
    let count = e.plus(e.div(e.sub(length, e.index(1)), step), 1);
    e.select(some, count, e.index(0))
}

/// A marked loop, and in order those inside of it, of which each stands alone at the end of the one around it, beside ops that
/// every round can do again.
pub(super) fn nested<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![op];
    let mut body: BlockRef<'c, 'a> = blocks(op)[0];
    loop {
        // Inside of a block's round its threads work together.
        if found
            .last()
            .is_some_and(|last| gpu::threads(*last).is_some())
        {
            return found;
        }
        let mut ops = operations(body);
        ops.pop();
        let Some(last) = ops.pop() else {
            return found;
        };
        let outside = |value: Value<'c, 'a>| is_outside(value, op);
        let fits = walk::is(last, "scf.for")
            && tasks::independent(last) == Some(true)
            && last.result_count() == 0
            && bounds(last).into_iter().all(outside)
            && ops.into_iter().all(|op| can_repeat(op, last));
        if !fits {
            return found;
        }
        found.push(last);
        body = blocks(last)[0];
    }
}

/// Whether a value is made outside of an op.
fn is_outside<'c: 'a, 'a>(value: Value<'c, 'a>, op: OperationRef<'c, 'a>) -> bool {
    let inside = walk::inside(op).into_iter().chain([op]);
    let mut own = inside.flat_map(|inner| {
        let made = crate::linalg::results(inner).into_iter();
        let of_blocks = blocks(inner).into_iter().flat_map(arguments);
        made.filter(move |_| inner != op).chain(of_blocks)
    });
    own.all(|other| identity(other) != identity(value))
}

/// Whether each round of a loop may do an op that stands before the loop: it only computes, or reads what rounds do not write.
fn can_repeat<'c: 'a, 'a>(op: OperationRef<'c, 'a>, before: OperationRef<'c, 'a>) -> bool {
    // Memory that rounds make is theirs, and made before the loop in the end.
    const VIEWS: [&str; 7] = [
        "memref.alloc",
        "memref.cast",
        "memref.collapse_shape",
        "memref.dim",
        "memref.expand_shape",
        "memref.reinterpret_cast",
        "memref.subview",
    ];
    let name = edit::name(op);
    let reads = || {
        let root = |value| alias::root(value).map(identity);
        let read = op.operand(0).ok().and_then(root);
        let mut written = Effects::of(before).writes.into_iter().map(root);
        read.is_some() && written.all(|other| other.is_some() && other != read)
    };
    match name {
        "memref.load" => reads(),
        _ => {
            op.region_count() == 0
                && (name.starts_with("arith.")
                    || name.starts_with("math.")
                    || VIEWS.contains(&name))
        }
    }
}
