//! Barriers in shared memory, which also count bytes of asynchronous copies.

use super::cluster::Cluster;
use super::shared::{Agent, Clock, join};
use super::step::{Context, Flow};
use super::warp::lanes;
use crate::fault::{FaultKind, Outcome, Trouble, fail};
use crate::op::{MBarrier, MBarrierKind};

/// The greatest number of arrivals, and of bytes under way.
const MAX_COUNT: u64 = (1 << 20) - 1;

/// A barrier in shared memory.
#[derive(Debug)]
pub(crate) struct MBarrierState {
    /// Arrivals of a phase.
    expected: u32,
    /// Arrivals that are missing in this phase.
    pending: i64,
    /// Bytes that are expected and have not come.
    bytes: i64,
    /// How many phases have ended.
    phase: u64,
    joining: Clock,
    released: Clock,
}

/// A barrier's block and its offset there.
pub(crate) type BarrierPlace = (usize, u64);

impl Cluster {
    fn mbarrier(&mut self, (block, offset): BarrierPlace) -> Outcome<&mut MBarrierState> {
        match self.blocks[block].mbarriers.get_mut(&offset) {
            Some(state) => Ok(state),
            None => fail(
                FaultKind::Barrier,
                format!("no mbarrier was initialised at {offset:#x} of shared memory"),
            ),
        }
    }

    /// So many arrivals by one who knows what a clock says.
    pub fn arrive(&mut self, place: BarrierPlace, count: i64, clock: &Clock) -> Outcome<()> {
        let state = self.mbarrier(place)?;
        join(&mut state.joining, clock);
        state.pending -= count;
        if state.pending < 0 {
            let message = format!(
                "more arrivals at the mbarrier at {:#x} than the {} that a phase has",
                place.1, state.expected
            );
            return fail(FaultKind::Barrier, message);
        }
        self.settle_mbarrier(place)
    }

    /// So many bytes more are expected; fewer where they have come.
    pub fn expect(
        &mut self,
        place: BarrierPlace,
        bytes: i64,
        clock: Option<&Clock>,
    ) -> Outcome<()> {
        let state = self.mbarrier(place)?;
        state.bytes += bytes;
        if let Some(clock) = clock {
            join(&mut state.joining, clock);
        }
        if state.bytes.unsigned_abs() > MAX_COUNT {
            let message = format!("{} bytes under way at an mbarrier", state.bytes);
            return fail(FaultKind::Barrier, message);
        }
        self.settle_mbarrier(place)
    }

    /// One arrival more in this phase.
    pub fn add_arrival(&mut self, place: BarrierPlace) -> Outcome<()> {
        self.mbarrier(place)?.pending += 1;
        Ok(())
    }

    fn settle_mbarrier(&mut self, place: BarrierPlace) -> Outcome<()> {
        let state = self.mbarrier(place)?;
        if state.pending == 0 && state.bytes == 0 {
            state.phase += 1;
            state.pending = i64::from(state.expected);
            state.released.clone_from(&state.joining);
            self.events += 1;
        }
        Ok(())
    }
}

impl Context<'_, '_> {
    fn mbarrier_place(&mut self, mbarrier: &MBarrier, lane: usize) -> Outcome<BarrierPlace> {
        let address = self.address(&mbarrier.place, lane);
        if !address.is_multiple_of(8) {
            let message = format!("an mbarrier at {address:#x}, no multiple of 8");
            return fail(FaultKind::Misaligned, message);
        }
        let (block, offset) = self.shared_range(address, 8)?;
        Ok((block, offset as u64))
    }

    /// Checks that a lane knows of the barrier's initialisation.
    fn see_mbarrier(&mut self, place: BarrierPlace, lane: usize) -> Outcome<()> {
        self.cluster.mbarrier(place)?;
        let agent = Agent {
            warp: self.warp,
            lane: lane as u8,
            clock: &self.cluster.warps[self.warp].clock,
        };
        self.cluster.blocks[place.0]
            .shared
            .read(place.1 as usize, 8, &agent)
    }

    pub fn mbarrier(&mut self, mbarrier: &MBarrier, active: u32) -> Outcome<Flow> {
        match &mbarrier.kind {
            MBarrierKind::PendingCount { result, token } => {
                for lane in lanes(active) {
                    let value = self.warp_ref().lane(*token, lane) & 0xffff_ffff;
                    self.warp().set(*result, lane, value);
                }
            }
            MBarrierKind::Test { .. } => return self.test_mbarrier(mbarrier, active),
            _ => {
                for lane in lanes(active) {
                    self.mbarrier_lane(mbarrier, lane)
                        .map_err(|trouble: Trouble| trouble.at_lane(lane))?;
                }
            }
        }
        Ok(Flow::Next)
    }

    fn mbarrier_lane(&mut self, mbarrier: &MBarrier, lane: usize) -> Outcome<()> {
        let place = self.mbarrier_place(mbarrier, lane)?;
        let (block, offset) = place;
        match &mbarrier.kind {
            MBarrierKind::Init(count) => {
                let count = self.warp_ref().lane(*count, lane);
                if !(1..=MAX_COUNT).contains(&count) {
                    return fail(
                        FaultKind::Barrier,
                        format!("an mbarrier of {count} arrivals"),
                    );
                }
                let agents = self.warp_ref().clock.len();
                let state = MBarrierState {
                    expected: count as u32,
                    pending: count as i64,
                    bytes: 0,
                    phase: 0,
                    joining: vec![0; agents],
                    released: vec![0; agents],
                };
                let old = self.cluster.blocks[block].mbarriers.insert(offset, state);
                if old.is_some() {
                    return fail(
                        FaultKind::Barrier,
                        "an mbarrier is initialised again, and was not invalidated",
                    );
                }
                let agent = Agent {
                    warp: self.warp,
                    lane: lane as u8,
                    clock: &self.cluster.warps[self.warp].clock,
                };
                let shared = &mut self.cluster.blocks[block].shared;
                shared.write(offset as usize, &[0; 8], &agent)
            }
            MBarrierKind::Invalidate => {
                self.see_mbarrier(place, lane)?;
                self.cluster.blocks[block].mbarriers.remove(&offset);
                Ok(())
            }
            MBarrierKind::Expect(bytes) => {
                self.see_mbarrier(place, lane)?;
                let bytes = self.warp_ref().lane(*bytes, lane) as i64;
                self.cluster.expect(place, bytes, None)
            }
            MBarrierKind::Complete(bytes) => {
                self.see_mbarrier(place, lane)?;
                let bytes = self.warp_ref().lane(*bytes, lane) as i64;
                self.cluster.expect(place, -bytes, None)
            }
            MBarrierKind::Arrive {
                count,
                expect,
                result,
                drops,
                no_complete,
            } => {
                self.see_mbarrier(place, lane)?;
                let read = |slot: &Option<_>| slot.map(|slot| self.warp_ref().lane(slot, lane));
                let (count, expect) = (read(count).unwrap_or(1) as i64, read(expect));
                let state = self.cluster.mbarrier(place)?;
                let token = state.phase << 32 | (state.pending.max(0) as u64);
                if *no_complete && state.pending <= count {
                    return fail(
                        FaultKind::Barrier,
                        "an arrival with .noComplete ends the phase",
                    );
                }
                if *drops {
                    state.expected = state.expected.saturating_sub(count as u32);
                }
                if let Some(bytes) = expect {
                    self.cluster.expect(place, bytes as i64, None)?;
                }
                let clock = self.warp_ref().clock.clone();
                self.cluster.arrive(place, count, &clock)?;
                let warp = self.warp;
                self.warp().clock[warp] += 1;
                if let Some(result) = result {
                    self.warp().set(*result, lane, token);
                }
                Ok(())
            }
            MBarrierKind::Test { .. } | MBarrierKind::PendingCount { .. } => Ok(()),
        }
    }

    fn test_mbarrier(&mut self, mbarrier: &MBarrier, active: u32) -> Outcome<Flow> {
        let MBarrierKind::Test {
            result,
            phase,
            by_parity,
            may_block,
        } = mbarrier.kind
        else {
            return Ok(Flow::Next);
        };
        let mut ended = 0u32;
        for lane in lanes(active) {
            let place = self
                .mbarrier_place(mbarrier, lane)
                .map_err(|trouble| trouble.at_lane(lane))?;
            self.see_mbarrier(place, lane)
                .map_err(|trouble| trouble.at_lane(lane))?;
            let wanted = self.warp_ref().lane(phase, lane);
            let state = self.cluster.mbarrier(place)?;
            let has_ended = match by_parity {
                true => state.phase & 1 != wanted & 1,
                false => state.phase > wanted >> 32,
            };
            if has_ended {
                ended |= 1 << lane;
                let released = state.released.clone();
                join(&mut self.warp().clock, &released);
            }
        }
        // Waiting may end without the phase, so it does the first time; a kernel that does not try again goes wrong.
        if ended == 0 && may_block {
            let line = self.line;
            if self.warp().gave_up == line {
                return Ok(Flow::Again);
            }
            self.warp().gave_up = line;
        } else {
            self.warp().gave_up = 0;
        }
        self.write(result, active, |lane| u64::from(ended >> lane & 1));
        Ok(Flow::Next)
    }
}
