//! Sums so far by blocks: loops that carry what has been combined up to a round, where the op that combines is associative. The threads
//! of a block take a round each, combine in their warp what is before them, then what warps before theirs have; and go
//! on behind all of that. Parts are always combined in one order, so that results are the same in each run, but floats
//! are not added one after the other.

use super::{
    Shuffle, barrier, give_to_block,
    kernel::{bounds, rounds},
    nest::{Nest, outermost},
    shared, shuffled, thread,
};
use crate::{
    alias::{self, blocks},
    copies::Copies,
    emit::{Emitter, Int},
    linalg::{arguments, results},
    loops::{body::is_associative, neutral_element},
    schedule::gpu::{SHORTEST, WARP, threads},
    size::constant,
    tasks, walk,
};
use dlc_dialects::{
    ir::{edit, inspect::defining_op},
    pass::PassError,
};
use melior::ir::{BlockLike, OperationRef, Type, Value, ValueLike, operation::OperationLike};

/// A loop that carries a combination, and the loops around it, whose rounds are independent.
pub struct Scan<'c, 'a> {
    /// The outermost loop.
    pub op: OperationRef<'c, 'a>,
    outer: Vec<OperationRef<'c, 'a>>,
    inner: OperationRef<'c, 'a>,
    /// What a round does, in order.
    body: Vec<OperationRef<'c, 'a>>,
    /// The op that combines.
    combine: OperationRef<'c, 'a>,
    /// What a round adds.
    term: Value<'c, 'a>,
    written: Vec<Value<'c, 'a>>,
}

/// A thread of a block.
#[derive(Clone, Copy)]
struct Own<'c, 'a> {
    thread: Value<'c, 'a>,
    lane: Value<'c, 'a>,
    warp: Value<'c, 'a>,
    threads: i64,
}

impl<'c: 'a, 'a> Scan<'c, 'a> {
    /// Those of a function that the host goes through round by round, or one thread.
    ///
    /// # Errors
    /// Fails where the function has no body, which is our mistake.
    pub fn of(func: OperationRef<'c, 'a>) -> Result<Vec<Self>, PassError<'c>> {
        outermost(func, Self::read)
    }

    fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let nest = Nest::read(op)?;
        let inner = nest.carried()?;
        let [index, sum] = arguments(blocks(inner)[0])[..] else {
            return None;
        };
        let [result] = results(inner)[..] else {
            return None;
        };
        let end = blocks(inner)[0].terminator()?;
        let next = end.operand(0).ok()?;
        let combine = defining_op(next).filter(|op| is_associative(edit::name(*op)))?;
        let term = combine.operands().find(|value| *value != sum)?;
        let once = edit::uses(sum).iter().all(|(user, _)| *user == combine);
        if !once || edit::uses(sum).len() != 1 || !edit::uses(result).is_empty() {
            return None;
        }
        // Rounds write apart from each other, and read nothing of that.
        let accesses = nest.accesses()?;
        let outer = nest.loops[..nest.loops.len() - 1].to_vec();
        let moves = |value: Value<'c, 'a>| {
            let back = defining_op(value).filter(|op| walk::is(*op, "arith.subi"));
            let turned = back.is_some_and(|op| {
                let [from, by] = [0, 1].map(|i| op.operand(i).ok());
                by == Some(index) && from.is_some_and(|from| !nest.varies(from))
            });
            value == index || turned
        };
        let apart = accesses.iter().all(|access| {
            let axes = 0..access.places[0].len();
            let mut indices = axes.filter_map(|axis| access.common(axis));
            let of_store = access.places.len() == 1;
            of_store && indices.any(moves) && outer.iter().all(|op| access.holds(*op))
        });
        let written: Vec<_> = accesses.iter().map(|access| access.root).collect();
        let mut loads = nest.body.iter().filter(|op| walk::is(**op, "memref.load"));
        let reads = loads.any(|op| {
            let root = op.operand(0).ok().and_then(alias::root);
            root.is_none_or(|root| written.contains(&root))
        });
        (apart && !reads).then(|| Self {
            op,
            outer,
            inner,
            body: nest.body.clone(),
            combine,
            term,
            written,
        })
    }

    /// Writes its blocks; where lines are short there are only threads.
    pub fn write(&self, e: &Emitter<'c, 'a>) {
        self.written
            .iter()
            .for_each(|root| tasks::share_buffer(e, *root));
        let [low, high, step] = bounds(self.inner).map(constant);
        let steps = low.zip(high).zip(step);
        let steps = steps.map(|((low, high), step)| (high - low + step - 1) / step);
        if self.outer.is_empty() {
            let one = e.index(1);
            let op = e.plain_loop((e.index(0), one, one), |e, _| {
                self.line(e, threads(steps), Copies::default());
            });
            tasks::mark(e, op, true);
            give_to_block(e, op, threads(steps));
        } else {
            self.around(e, 0, steps, Copies::default());
        }
    }

    /// The loops around from a depth on.
    fn around(
        &self,
        e: &Emitter<'c, 'a>,
        depth: usize,
        steps: Option<i64>,
        mut copies: Copies<'c, 'a>,
    ) {
        let op = self.outer[depth];
        let [low, high, step] = bounds(op);
        let last = depth + 1 == self.outer.len();
        let short = steps.is_some_and(|steps| steps < SHORTEST);
        let made = e.plain_loop((low, high, step), |e, index| {
            copies.put(arguments(blocks(op)[0])[0], index);
            match last {
                false => self.around(e, depth + 1, steps, copies),
                true if short => self.thread(e, copies),
                true => self.line(e, threads(steps), copies),
            }
        });
        tasks::mark(e, made, true);
        if last && !short {
            give_to_block(e, made, threads(steps));
        }
    }

    /// A line that one thread does.
    fn thread(&self, e: &Emitter<'c, 'a>, mut copies: Copies<'c, 'a>) {
        let [low, high, step] = bounds(self.inner);
        e.for_loop((low, high, step), &[self.start()], |e, index, carried| {
            let inner = arguments(blocks(self.inner)[0]);
            copies.put(inner[0], index);
            copies.put(inner[1], carried[0]);
            self.body.iter().for_each(|op| copies.add(e, *op));
            vec![copies.of(results(self.combine)[0])]
        });
    }

    /// A line that a block does.
    fn line(&self, e: &Emitter<'c, 'a>, threads: i64, copies: Copies<'c, 'a>) {
        let thread = thread(e);
        let own = Own {
            thread,
            lane: e.op("arith.remui", &[thread, e.index(WARP)], e.index_type()),
            warp: e.div(thread, e.index(WARP)),
            threads,
        };
        let ty = self.start().r#type();
        let count = rounds(e, self.inner);
        let steps = (e.index(0), count, e.index(threads));
        e.for_loop(steps, &[self.start()], |e, first, carried| {
            let round = e.add(first, own.thread);
            let some = e.cmp(Int::Slt, round, count);
            let [low, _, step] = bounds(self.inner);
            let mut copies = copies.clone();
            copies.put(
                arguments(blocks(self.inner)[0])[0],
                e.add(low, e.mul(round, step)),
            );
            let term = |e: &Emitter<'c, 'a>| {
                let mut copies = copies.clone();
                let needed = super::nest::needed(&self.body, self.term);
                let needed = self.body.iter().filter(|op| needed.contains(op));
                needed.for_each(|op| copies.add(e, *op));
                vec![copies.of(self.term)]
            };
            let neutral = |e: &Emitter<'c, 'a>| vec![self.neutral(e, ty)];
            let term = e.if_else(some, &[ty], term, neutral)[0];
            let [sum, all] = self.up_to(e, &own, term);
            let sum = self.combined(e, carried[0], sum);
            copies.put(results(self.combine)[0], sum);
            e.if_then(some, |e| {
                let others = self.body.iter().filter(|op| **op != self.combine);
                others.for_each(|op| copies.add(e, *op));
            });
            vec![self.combined(e, carried[0], all)]
        });
    }

    /// What threads up to each have, its own with it, and what all have.
    fn up_to(
        &self,
        e: &Emitter<'c, 'a>,
        own: &Own<'c, 'a>,
        term: Value<'c, 'a>,
    ) -> [Value<'c, 'a>; 2] {
        let ty = term.r#type();
        let mut sum = term;
        let mut distance = 1;
        while distance < WARP {
            let other = shuffled(e, sum, Shuffle::Before(distance));
            let some = e.cmp(Int::Sge, own.lane, e.index(distance));
            sum = e.select(some, self.combined(e, other, sum), sum);
            distance *= 2;
        }
        let memory = shared::memory(e, "scan", &[own.threads / WARP], ty);
        let is_last = e.cmp(Int::Eq, own.lane, e.index(WARP - 1));
        e.if_then(is_last, |e| {
            e.effect("memref.store", &[sum, memory, own.warp], &[]);
        });
        barrier(e);
        let (mut before, mut all) = (self.neutral(e, ty), self.neutral(e, ty));
        for warp in 0..own.threads / WARP {
            let part = e.op("memref.load", &[memory, e.index(warp)], ty);
            let earlier = e.cmp(Int::Slt, e.index(warp), own.warp);
            before = e.select(earlier, self.combined(e, before, part), before);
            all = self.combined(e, all, part);
        }
        // The memory is used again.
        barrier(e);
        [self.combined(e, before, sum), all]
    }

    fn start(&self) -> Value<'c, 'a> {
        let start = self.inner.operand(3);
        start.expect("the loop carries a number")
    }

    fn neutral(&self, e: &Emitter<'c, 'a>, ty: Type<'c>) -> Value<'c, 'a> {
        neutral_element(e, edit::name(self.combine), ty)
    }

    fn combined(&self, e: &Emitter<'c, 'a>, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        e.op(edit::name(self.combine), &[a, b], a.r#type())
    }
}
