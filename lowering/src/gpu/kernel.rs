//! A kernel of a marked loop: one thread for each round of it and of the marked loops right inside.

use super::KERNEL;
use crate::{
    alias::{self, Effects, blocks, operations},
    emit::{Emitter, Int},
    entry::{self, FAILED},
    linalg::arguments,
    outline::Outlined,
    tasks::{
        self,
        divisible::{Divisible, move_out},
    },
    walk,
};
use dlc_dialects::{
    ir::{edit, inspect::identity},
    pass::{INTERNAL, PassError},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, BlockRef, OperationRef, Value, operation::OperationLike},
};

/// Bytes of buffers that a thread has for itself in registers and local memory.
const LOCAL: i64 = 1 << 10;

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

    /// Makes a loop over threads of a marked loop, which is gone then; nothing if its rounds can't be shared out.
    pub fn rounds(&self, op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let divisible = Divisible::read(self.cx, self.func, op, LOCAL)?;
        let loops = match divisible.private.is_empty() {
            true => nested(op),
            false => vec![op],
        };
        let e = Emitter::before(self.cx, op);
        let extents: Vec<_> = loops.iter().map(|op| rounds(&e, *op)).collect();
        let total = extents.iter().copied().reduce(|a, b| e.mul(a, b));
        let total = total.expect("there is the loop itself");
        let memory = divisible
            .private
            .iter()
            .map(|buffer| buffer.make(&e, total));
        let memory = memory.collect::<Vec<_>>();
        let threads = e.plain_loop((e.index(0), total, e.index(1)), |e, thread| {
            let mut left = thread;
            for (op, extent) in loops.iter().zip(&extents).skip(1).rev() {
                let round = e.op("arith.remui", &[left, *extent], e.index_type());
                self.number(e, *op, round);
                left = e.div(left, *extent);
            }
            self.number(e, loops[0], left);
            for (buffer, memory) in divisible.private.iter().zip(memory) {
                edit::replace_uses(buffer.value, buffer.own(e, memory, thread));
            }
        });
        let body = blocks(threads)[0];
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
        Some(threads)
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
        // Memory is the caller's, of whom there is one.
        for alloc in walk::named(thread, "memref.alloc") {
            move_out(self.cx, alloc, thread);
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
        outlined.into_function_of(name, &leading, &[(KERNEL, "unit")]);
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

fn bounds<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> [Value<'c, 'a>; 3] {
    [0, 1, 2].map(|i| op.operand(i).expect("a loop has bounds and a step"))
}

/// How many rounds a loop has.
fn rounds<'c: 'a, 'a>(e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>) -> Value<'c, 'a> {
    let [low, high, step] = bounds(op);
    let length = e.max(e.sub(high, low), e.index(0));
    let some = e.cmp(Int::Sgt, length, e.index(0));
    let count = e.plus(e.div(e.sub(length, e.index(1)), step), 1);
    e.select(some, count, e.index(0))
}

/// A marked loop, and in order those inside of it, of which each stands alone at the end of the one around it, beside ops that
/// every round can do again.
fn nested<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![op];
    let mut body: BlockRef<'c, 'a> = blocks(op)[0];
    loop {
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
    const VIEWS: [&str; 6] = [
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
