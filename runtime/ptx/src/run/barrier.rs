//! Barriers of blocks and clusters.

use super::shared::{Clock, join};
use super::step::{Context, Flow};
use super::warp::lanes;
use crate::fault::{FaultKind, Outcome, fail};
use crate::op::{Barrier, BarrierKind, Reduction};

/// One of the barriers of a block.
#[derive(Debug, Clone)]
pub(crate) struct BlockBarrier {
    /// The lanes of each warp that arrived.
    arrived: Vec<u32>,
    /// How many threads it waits for, where they say so.
    expected: Option<u64>,
    /// How many phases have ended.
    pub phase: u32,
    joining: Clock,
    /// What all who took part in the last phase had done.
    pub released: Clock,
    /// Predicates of a reduction: how many hold, of how many.
    holding: u64,
    counted: u64,
    /// Where results of a reduction go: warp, lanes and register.
    results: Vec<(usize, u32, u32, Reduction)>,
}

impl BlockBarrier {
    pub fn new(warps: usize, agents: usize) -> Self {
        Self {
            arrived: vec![0; warps],
            expected: None,
            phase: 0,
            joining: vec![0; agents],
            released: vec![0; agents],
            holding: 0,
            counted: 0,
            results: Vec::new(),
        }
    }

    /// Threads that arrived, and those that are waited for; `live` has the lanes of each warp that have not exited. Warps count as
    /// a whole, as on hardware.
    fn counts(&self, live: &[u32]) -> (u64, u64) {
        let threads = |arrived: u32, live: u32| match arrived & live == live {
            true => 32,
            false => u64::from(arrived.count_ones()),
        };
        let mut counts = (0, 0);
        for (arrived, live) in self.arrived.iter().zip(live) {
            if *arrived != 0 {
                counts.0 += threads(*arrived, *live);
            }
            if *arrived != 0 || *live != 0 {
                counts.1 += 32;
            }
        }
        counts.1 = self.expected.unwrap_or(counts.1);
        counts
    }
}

impl Context<'_, '_> {
    pub fn barrier(&mut self, barrier: &Barrier, active: u32) -> Outcome<Flow> {
        if barrier.aligned && !self.is_whole(active) {
            return Ok(Flow::Again);
        }
        let first = active.trailing_zeros() as usize;
        let warp = self.warp_ref();
        let uniform =
            |slot| lanes(active).all(|lane| warp.lane(slot, lane) == warp.lane(slot, first));
        if !uniform(barrier.id) || !barrier.count.is_none_or(uniform) {
            return fail(
                FaultKind::InvalidOperand,
                "lanes of a warp at different barriers",
            );
        }
        let id = warp.lane(barrier.id, first) as usize;
        let expected = barrier.count.map(|count| warp.lane(count, first));
        let (block, number) = (warp.block, warp.number);
        let state = &mut self.cluster.blocks[block].barriers;
        let Some(state) = state.get_mut(id) else {
            return fail(FaultKind::InvalidOperand, format!("barrier {id} of 16"));
        };
        if expected.is_some_and(|count| count == 0 || !count.is_multiple_of(32)) {
            let message = format!("a barrier of {expected:?} threads, no multiple of 32");
            return fail(FaultKind::Barrier, message);
        }
        let is_fresh = state.arrived.iter().all(|arrived| *arrived == 0);
        if is_fresh {
            state.expected = expected;
        } else if state.expected != expected {
            return fail(
                FaultKind::Barrier,
                format!(
                    "{expected:?} threads are expected at barrier {id}, where others expect {:?}",
                    state.expected
                ),
            );
        }
        if state.arrived[number] & active != 0 {
            let message = format!("the warp arrives twice in one phase of barrier {id}");
            return fail(FaultKind::Barrier, message);
        }
        state.arrived[number] |= active;
        let phase = state.phase;
        join(&mut state.joining, &self.cluster.warps[self.warp].clock);
        if let BarrierKind::Reduce {
            reduction,
            value,
            result,
        } = barrier.kind
        {
            let holding = self.cluster.warps[self.warp].holds(value, false) & active;
            state.holding += u64::from(holding.count_ones());
            state.counted += u64::from(active.count_ones());
            state.results.push((self.warp, active, result, reduction));
        }
        let warp = self.warp;
        self.warp().clock[warp] += 1;
        self.settle_barrier(id)?;
        Ok(match barrier.kind {
            BarrierKind::Arrive => Flow::Next,
            _ => Flow::Barrier(id, phase),
        })
    }

    /// Ends a barrier's phase where all have arrived.
    fn settle_barrier(&mut self, id: usize) -> Outcome<()> {
        let block = self.warp_ref().block;
        let warps = self.cluster.warps.iter();
        let live: Vec<u32> = warps
            .filter(|warp| warp.block == block)
            .map(|warp| warp.live)
            .collect();
        let state = &mut self.cluster.blocks[block].barriers[id];
        let (arrived, expected) = state.counts(&live);
        if arrived > expected {
            let message = format!("{arrived} threads at barrier {id}, which expects {expected}");
            return fail(FaultKind::Barrier, message);
        }
        if arrived == 0 || arrived < expected {
            return Ok(());
        }
        state.arrived.fill(0);
        state.phase += 1;
        state.released.clone_from(&state.joining);
        let (holding, counted) = (state.holding, state.counted);
        (state.holding, state.counted) = (0, 0);
        for (warp, mask, result, reduction) in std::mem::take(&mut state.results) {
            let value = match reduction {
                Reduction::And => u64::from(holding == counted),
                Reduction::Or => u64::from(holding > 0),
                Reduction::Count => holding,
            };
            for lane in lanes(mask) {
                self.cluster.warps[warp].set(result, lane, value);
            }
        }
        self.cluster.events += 1;
        Ok(())
    }

    /// Lanes have exited; barriers do not wait for them any more.
    pub fn exited(&mut self) {
        self.cluster.events += 1;
        if self.warp_ref().live != 0 {
            return;
        }
        let block = self.warp_ref().block;
        for id in 0..self.cluster.blocks[block].barriers.len() {
            self.settle_barrier(id)
                .expect("fewer threads do not make a barrier overfull");
        }
        self.settle_cluster();
    }

    pub fn cluster_arrive(&mut self, active: u32) -> Outcome<()> {
        let warp = self.warp;
        if self.cluster.arrived[warp] & active != 0 {
            return fail(
                FaultKind::Barrier,
                "a second arrival in one phase of the cluster's barrier",
            );
        }
        self.cluster.arrived[warp] |= active;
        let phase = self.cluster.phase;
        self.warp().cluster_phase = phase;
        join(&mut self.cluster.released, &self.cluster.warps[warp].clock);
        self.warp().clock[warp] += 1;
        self.settle_cluster();
        Ok(())
    }

    fn settle_cluster(&mut self) {
        let all = self
            .cluster
            .warps
            .iter()
            .zip(&self.cluster.arrived)
            .all(|(warp, arrived)| warp.live & !arrived == 0);
        if all && self.cluster.arrived.iter().any(|arrived| *arrived != 0) {
            self.cluster.arrived.fill(0);
            self.cluster.phase += 1;
            self.cluster.events += 1;
        }
    }

    pub fn cluster_wait(&mut self) -> Outcome<Flow> {
        let phase = self.warp_ref().cluster_phase;
        if phase == 0 {
            return fail(
                FaultKind::Barrier,
                "a wait at the cluster's barrier without an arrival",
            );
        }
        if self.cluster.phase == phase {
            return Ok(Flow::Again);
        }
        let warp = self.warp;
        join(&mut self.cluster.warps[warp].clock, &self.cluster.released);
        Ok(Flow::Next)
    }
}
