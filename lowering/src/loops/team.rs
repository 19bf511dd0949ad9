//! Nests that the threads of a GPU's block do together: they share out points of the result, or the steps of a sum, whose parts go
//! from thread to thread in a fixed order, so the bits do not depend on which runs first.

use super::{
    body::Output,
    nest::Extent,
    plan::{Walk, walk},
    vectors::neutral_element,
    write::{State, Writer},
};
use crate::{
    emit::{Emitter, Int},
    gpu::{self, shared},
    linalg::{self, Iterator},
    schedule::gpu::{SHORTEST, WARP, threads},
    tasks,
};
use dlc_dialects::ir::shape::{self, width};
use melior::ir::{OperationRef, TypeLike, Value, ValueLike};

/// The threads that do a nest together.
#[derive(Clone, Copy)]
pub(super) struct Team {
    /// How many there are.
    threads: i64,
    share: Share,
}

/// What threads share out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// Points of the result.
    Points,
    /// Steps of the innermost loop, which adds up.
    Steps,
    /// Nothing: the first does all.
    Nothing,
}

impl Team {
    /// Whether the steps of sums are shared out.
    pub fn shares_steps(&self) -> bool {
        self.share == Share::Steps
    }

    /// Where a thread's steps begin, and what is between them.
    pub fn steps<'c, 'a>(&self, e: &Emitter<'c, 'a>) -> (Value<'c, 'a>, Value<'c, 'a>) {
        (gpu::thread(e), e.index(self.threads))
    }

    /// Gives each round of a loop to a block.
    pub fn give<'c>(&self, e: &Emitter<'c, '_>, op: OperationRef<'c, '_>) {
        gpu::give_to_block(e, op, self.threads);
    }

    /// What only the first thread does.
    pub fn first<'c, 'a>(&self, e: &Emitter<'c, 'a>, body: impl FnOnce(&Emitter<'c, 'a>)) {
        e.if_then(e.cmp(Int::Eq, gpu::thread(e), e.index(0)), body);
    }
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// The threads of the block that the nest stands in.
    pub(super) fn team_here(&self, e: &Emitter<'c, 'a>) -> Option<Team> {
        let threads = e.around().find_map(gpu::threads)?;
        let points = &self.plan.order[..self.plan.carried];
        let adds_up = self.adds_up();
        let few = || {
            let known = points.iter().map(|i| known(self.nest.extents[*i]));
            let product = known.reduce(|a, b| Some(a? * b?));
            product.is_none_or(|product| product.is_none_or(|product| product < threads))
        };
        let share = match points.is_empty() {
            _ if adds_up && self.is_long() && few() => Share::Steps,
            true => Share::Nothing,
            false => Share::Points,
        };
        Some(Team { threads, share })
    }

    /// The threads of the blocks that a nest alone gets: a block for each of its points, if sums are long and lie in memory in
    /// their order.
    pub(super) fn team_alone(&self, e: &Emitter<'c, 'a>) -> Option<Team> {
        let in_round = || e.around().any(|op| tasks::independent(op) == Some(true));
        let last = *self.plan.order.last()?;
        let as_it_lies = |access: &linalg::Access<'c, 'a>| {
            let all = self.plan.order.iter().all(|i| access.loops.contains(i));
            all && access.value.r#type().is_mem_ref() && walk(access, last) == Walk::Contiguous
        };
        let suits = self.plan.gpu && self.adds_up() && self.is_long() && !in_round();
        if !suits || !self.nest.generic.inputs.iter().any(as_it_lies) {
            return None;
        }
        let threads = threads(known(self.nest.extents[last]));
        Some(Team {
            threads,
            share: Share::Steps,
        })
    }

    /// Whether there are sums, all of which can be taken in parts.
    fn adds_up(&self) -> bool {
        let sums = &self.plan.order[self.plan.carried..];
        let all = self
            .body
            .outputs
            .iter()
            .all(|output| *output != Output::Carried);
        let adds_up = |i: &usize| self.nest.generic.iterators[*i] == Iterator::Reduction;
        !sums.is_empty() && sums.iter().all(adds_up) && all && self.accumulating().next().is_some()
    }

    /// Whether the innermost loop has enough steps for a block.
    fn is_long(&self) -> bool {
        let last = self.plan.order.last();
        last.is_some_and(|i| known(self.nest.extents[*i]).is_none_or(|n| n >= SHORTEST))
    }

    /// Writes the nest for a block that it stands in. All threads have done it when one goes on.
    pub(super) fn together(&self, e: &Emitter<'c, 'a>, team: &Team, state: State<'c, 'a>) {
        match team.share {
            Share::Steps => self.level(e, 0, state),
            Share::Nothing => team.first(e, |e| self.level(e, 0, state)),
            Share::Points => self.points(e, team, &state),
        }
        gpu::barrier(e);
    }

    /// A loop over the points that are a thread's.
    fn points(&self, e: &Emitter<'c, 'a>, team: &Team, state: &State<'c, 'a>) {
        let points = &self.plan.order[..self.plan.carried];
        let extents = points.iter().map(|i| self.nest.extents[*i].value(e));
        let extents = extents.collect::<Vec<_>>();
        let total = extents.iter().copied().reduce(|a, b| e.mul(a, b));
        let total = total.expect("there are points");
        let (low, step) = team.steps(e);
        e.plain_loop((low, total, step), |e, number| {
            let mut state = state.clone();
            let mut left = number;
            for (index, extent) in points.iter().zip(&extents).skip(1).rev() {
                let place = e.op("arith.remui", &[left, *extent], e.index_type());
                state.bind(*index, place);
                left = e.div(left, *extent);
            }
            state.bind(points[0], left);
            self.ready(e, &mut state);
            self.level(e, self.plan.carried, state);
        });
    }

    /// Sums of which each thread has made a part, added up; all threads have them.
    pub(super) fn exchange(
        &self,
        e: &Emitter<'c, 'a>,
        team: &Team,
        mut parts: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let mut distance = WARP / 2;
        while distance > 0 {
            let others = parts.iter().map(|part| shuffled(e, *part, distance));
            parts = self.combined(e, &parts, &others.collect::<Vec<_>>());
            distance /= 2;
        }
        let warps = team.threads / WARP;
        if warps == 1 {
            return parts;
        }
        let own = gpu::thread(e);
        let warp = e.div(own, e.index(WARP));
        let lane = e.op("arith.remui", &[own, e.index(WARP)], own.r#type());
        let memory = parts.iter().enumerate();
        let memory = memory.map(|(number, part)| {
            let name = format!("sum{number}");
            shared::memory(e, &name, &[warps], part.r#type())
        });
        let memory = memory.collect::<Vec<_>>();
        e.if_then(e.cmp(Int::Eq, lane, e.index(0)), |e| {
            for (part, memory) in parts.iter().zip(&memory) {
                e.effect("memref.store", &[*part, *memory, warp], &[]);
            }
        });
        gpu::barrier(e);
        let of = |warp: i64| {
            let place = e.index(warp);
            let loads = parts.iter().zip(&memory);
            let loads =
                loads.map(|(part, memory)| e.op("memref.load", &[*memory, place], part.r#type()));
            loads.collect::<Vec<_>>()
        };
        let sums = (1..warps).fold(of(0), |sums, warp| self.combined(e, &sums, &of(warp)));
        // The memory is used again.
        gpu::barrier(e);
        sums
    }

    /// What sums begin with that are added to others in the end.
    pub(super) fn neutral(&self, e: &Emitter<'c, 'a>) -> Vec<Value<'c, 'a>> {
        let all = self.accumulating();
        let neutral = all.map(|(access, output)| {
            neutral_element(e, output.name(), shape::element_of(access.value))
        });
        neutral.collect()
    }

    /// Says of a loop that its rounds are independent, and who does them.
    pub(super) fn mark(&self, e: &Emitter<'c, 'a>, op: OperationRef<'c, 'a>, index: usize) {
        match &self.team {
            None => tasks::mark(e, op, self.is_parallel(index)),
            Some(team) if !gpu::in_block(e) => {
                tasks::mark(e, op, true);
                team.give(e, op);
            }
            Some(_) => {}
        }
    }

    /// A round that a block does, where a nest alone has no points.
    pub(super) fn alone(&self, e: &Emitter<'c, 'a>, team: &Team, state: State<'c, 'a>) {
        if self.plan.carried > 0 {
            self.level(e, 0, state);
            return;
        }
        let one = e.index(1);
        let op = e.plain_loop((e.index(0), one, one), |e, _| self.level(e, 0, state));
        tasks::mark(e, op, true);
        team.give(e, op);
    }
}

fn known(extent: Extent) -> Option<i64> {
    match extent {
        Extent::Known(n) => Some(n),
        Extent::Value(_) => None,
    }
}

/// A value of the thread of the warp whose number differs in one bit.
fn shuffled<'c: 'a, 'a>(e: &Emitter<'c, 'a>, value: Value<'c, 'a>, bit: i64) -> Value<'c, 'a> {
    let ty = value.r#type();
    let word = e.int_type(32);
    let number = |n: i64| e.constant(word, e.attr(&format!("{n} : i32")));
    let exchange = |piece: Value<'c, 'a>| {
        let kind = [("kind", e.attr("#nvvm<shfl_kind bfly>"))];
        let operands = [number(-1), piece, number(bit), number(WARP - 1)];
        e.op_with("nvvm.shfl.sync", &operands, word, &kind)
    };
    let bits = match ty.is_float() {
        true => e.op("arith.bitcast", &[value], e.int_type(width(ty))),
        false => value,
    };
    let of_bits = bits.r#type();
    let got = match width(ty) {
        64 => {
            let half = e.constant(of_bits, e.attr("32 : i64"));
            let low = e.op("arith.trunci", &[bits], word);
            let high = e.op("arith.shrui", &[bits, half], of_bits);
            let high = e.op("arith.trunci", &[high], word);
            let low = e.op("arith.extui", &[exchange(low)], of_bits);
            let high = e.op("arith.extui", &[exchange(high)], of_bits);
            let high = e.op("arith.shli", &[high, half], of_bits);
            e.op("arith.ori", &[low, high], of_bits)
        }
        32 => exchange(bits),
        _ => {
            let wide = e.op("arith.extui", &[bits], word);
            e.op("arith.trunci", &[exchange(wide)], of_bits)
        }
    };
    match ty.is_float() {
        true => e.op("arith.bitcast", &[got], ty),
        false => got,
    }
}
