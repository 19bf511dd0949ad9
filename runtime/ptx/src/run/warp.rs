//! A warp: its registers, where its lanes are, and what it has under way.

use crate::lanes::Lanes;
use crate::op::Slot;

use super::copy::LaneCopies;
use super::shared::Clock;
use super::wgmma::Products;

/// Lanes that are at the same place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub pc: u32,
    pub mask: u32,
    pub wait: Wait,
}

/// What a group of lanes waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Nothing.
    Ready,
    /// To try its instruction again after another event than the one of this number.
    Event(u64),
    /// The end of a barrier's phase of this number.
    Barrier(usize, u32),
}

/// A warp of a block.
pub(crate) struct Warp {
    /// Its block in the cluster, and its number in the block.
    pub block: usize,
    pub number: usize,
    pub registers: Vec<Lanes>,
    pub groups: Vec<Group>,
    /// Lanes that have not exited.
    pub live: u32,
    /// Bytes of local memory of all lanes, one lane after the other.
    pub local: Vec<u8>,
    pub local_bytes: usize,
    pub clock: Clock,
    /// The phase of the cluster's barrier that it arrived in last.
    pub cluster_phase: u32,
    pub copies: Vec<LaneCopies>,
    pub products: Products,
    /// The line of the wait at an mbarrier that it gave up last.
    pub gave_up: u32,
    /// How often it had its turn.
    pub turns: u64,
}

impl Warp {
    pub fn lane(&self, slot: Slot, lane: usize) -> u64 {
        self.registers[slot as usize][lane]
    }

    pub fn set(&mut self, slot: Slot, lane: usize, value: u64) {
        self.registers[slot as usize][lane] = value;
    }

    /// The lanes of a mask in which a predicate holds.
    pub fn holds(&self, slot: Slot, negated: bool) -> u32 {
        let mut mask = 0;
        for (lane, value) in self.registers[slot as usize].iter().enumerate() {
            mask |= u32::from((*value != 0) != negated) << lane;
        }
        mask
    }
}

/// The lanes of a mask.
pub(crate) fn lanes(mask: u32) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let lane = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        (lane < 32).then_some(lane as usize)
    })
}
