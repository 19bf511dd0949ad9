//! Nests that the threads of a GPU's block do together: they share out points of the result, or the steps of a sum, whose parts go
//! from thread to thread in a fixed order, so the bits do not depend on which runs first.

use super::{
    Plan,
    body::Output,
    nest::Extent,
    plan::{Walk, walk},
    vectors::neutral_element,
    write::{State, Writer},
};
use crate::{
    emit::{Emitter, Int},
    gpu::{self, Shuffle, shared, shuffled},
    linalg::{self, Iterator},
    schedule::gpu::{COLUMNS, MOST, SHORTEST, WARP, threads},
    tasks,
};
use dlc_dialects::ir::shape;
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
    /// Columns of the result, side by side, and for each of them the steps of the outermost sum.
    Columns,
    /// Nothing: the first does all.
    Nothing,
}

impl Team {
    /// Whether the steps of sums are shared out.
    pub fn shares_steps(&self) -> bool {
        self.share == Share::Steps
    }

    /// Whether each thread has a part of the sums of a column.
    pub fn shares_columns(&self) -> bool {
        self.share == Share::Columns
    }

    /// Where a thread's steps of a loop begin, and what is between them; `depth` is its place among the loops of a plan.
    pub fn steps<'c: 'a, 'a>(
        &self,
        e: &Emitter<'c, 'a>,
        plan: &Plan,
        depth: usize,
    ) -> (Value<'c, 'a>, Value<'c, 'a>) {
        match self.share {
            Share::Steps if depth + 1 == plan.order.len() => self.own(e),
            Share::Columns if depth == plan.carried => (
                e.div(gpu::thread(e), e.index(COLUMNS)),
                e.index(self.threads / COLUMNS),
            ),
            _ => (e.index(0), e.index(1)),
        }
    }

    /// The first point of a thread, and what is between its points.
    fn own<'c, 'a>(&self, e: &Emitter<'c, 'a>) -> (Value<'c, 'a>, Value<'c, 'a>) {
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
        let last_is_long = || {
            self.plan
                .order
                .last()
                .is_some_and(|last| self.is_long(*last))
        };
        let few = || {
            let known = points.iter().map(|i| known(self.nest.extents[*i]));
            let product = known.reduce(|a, b| Some(a? * b?));
            product.is_none_or(|product| product.is_none_or(|product| product < threads))
        };
        let share = match points.is_empty() {
            _ if adds_up && last_is_long() && few() => Share::Steps,
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
        let as_it_lies = |access: &linalg::Access<'c, 'a>, last| {
            let all = self.plan.order.iter().all(|i| access.loops.contains(i));
            all && access.value.r#type().is_mem_ref() && walk(access, last) == Walk::Contiguous
        };
        let alone = self.plan.gpu && self.adds_up() && !in_round();
        let inputs = &self.nest.generic.inputs;
        if !alone {
            return None;
        }
        if self.is_long(last) && inputs.iter().any(|access| as_it_lies(access, last)) {
            return Some(Team {
                threads: threads(known(self.nest.extents[last])),
                share: Share::Steps,
            });
        }
        // Sums over rows: neighbours lie side by side.
        let (points, sums) = self.plan.order.split_at(self.plan.carried);
        let (column, row) = (*points.last()?, *sums.first()?);
        let each = self.body.outputs.iter().all(Output::accumulates);
        let suits = each && self.is_long(row);
        let suits = suits && inputs.iter().any(|access| as_it_lies(access, column));
        suits.then_some(Team {
            threads: MOST,
            share: Share::Columns,
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

    /// Whether a loop has enough steps for a block.
    fn is_long(&self, index: usize) -> bool {
        known(self.nest.extents[index]).is_none_or(|n| n >= SHORTEST)
    }

    /// Writes the nest for a block that it stands in. All threads have done it when one goes on.
    pub(super) fn together(&self, e: &Emitter<'c, 'a>, team: &Team, state: State<'c, 'a>) {
        match team.share {
            Share::Steps => self.level(e, 0, state),
            Share::Nothing => team.first(e, |e| self.level(e, 0, state)),
            Share::Points | Share::Columns => self.points(e, team, &state),
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
        let (low, step) = team.own(e);
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
            let others = parts
                .iter()
                .map(|part| shuffled(e, *part, Shuffle::Across(distance)));
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
        let memory = self.kept(e, &parts, warps);
        e.if_then(e.cmp(Int::Eq, lane, e.index(0)), |e| {
            for (part, memory) in parts.iter().zip(&memory) {
                e.effect("memref.store", &[*part, *memory, warp], &[]);
            }
        });
        gpu::barrier(e);
        let of = |warp: i64| loaded(e, &parts, &memory, e.index(warp));
        let sums = (1..warps).fold(of(0), |sums, warp| self.combined(e, &sums, &of(warp)));
        // The memory is used again.
        gpu::barrier(e);
        sums
    }

    /// Sums of columns, some of which are a block's: each of its threads adds up a part of one, in rows that are as many apart as
    /// threads share the column.
    pub(super) fn columns(
        &self,
        e: &Emitter<'c, 'a>,
        team: &Team,
        depth: usize,
        state: &State<'c, 'a>,
    ) {
        let index = self.plan.order[depth];
        let extent = self.nest.extents[index].value(e);
        let bounds = (e.index(0), e.ceil_div(extent, COLUMNS), e.index(1));
        let op = e.plain_loop(bounds, |e, tile| {
            let own = gpu::thread(e);
            let column = e.op("arith.remui", &[own, e.index(COLUMNS)], own.r#type());
            let column = e.add(e.mul(tile, e.index(COLUMNS)), column);
            // Beyond the last column the last one is added up again, and not stored.
            let inside = e.min(column, e.sub(extent, e.index(1)));
            let state = self.inside(e, state, index, inside, state.width);
            let parts = self.reduce(e, depth + 1, &state, self.neutral(e));
            let memory = self.kept(e, &parts, team.threads);
            for (part, memory) in parts.iter().zip(&memory) {
                e.effect("memref.store", &[*part, *memory, own], &[]);
            }
            gpu::barrier(e);
            let first = e.cmp(Int::Slt, own, e.index(COLUMNS));
            let some = e.cmp(Int::Slt, column, extent);
            let stores = e.op("arith.andi", &[first, some], first.r#type());
            e.if_then(stores, |e| {
                let accumulating = self.accumulating();
                let old = accumulating.map(|(access, _)| self.load(e, &state, access));
                let rows = team.threads / COLUMNS;
                let sums = (0..rows).fold(old.collect::<Vec<_>>(), |sums, row| {
                    let place = e.plus(own, row * COLUMNS);
                    self.combined(e, &sums, &loaded(e, &parts, &memory, place))
                });
                for ((access, _), sum) in self.accumulating().zip(sums) {
                    self.store(e, &state, access, sum);
                }
            });
        });
        self.mark(e, op, index);
    }

    /// Shared memory for so many of each part.
    fn kept(&self, e: &Emitter<'c, 'a>, parts: &[Value<'c, 'a>], count: i64) -> Vec<Value<'c, 'a>> {
        let memory = parts.iter().enumerate().map(|(number, part)| {
            let name = format!("sum{number}");
            shared::memory(e, &name, &[count], part.r#type())
        });
        memory.collect()
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
                // The rounds of loops around it are more blocks.
                if self.plan.order[..self.plan.carried].last() == Some(&index) {
                    team.give(e, op);
                }
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

/// What is kept at a place, of the types of `parts`.
fn loaded<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    parts: &[Value<'c, 'a>],
    memory: &[Value<'c, 'a>],
    place: Value<'c, 'a>,
) -> Vec<Value<'c, 'a>> {
    let each = parts.iter().zip(memory);
    let loads = each.map(|(part, memory)| e.op("memref.load", &[*memory, place], part.r#type()));
    loads.collect()
}

fn known(extent: Extent) -> Option<i64> {
    match extent {
        Extent::Known(n) => Some(n),
        Extent::Value(_) => None,
    }
}
