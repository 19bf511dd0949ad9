//! `cp.async`: copies by threads, which land when their thread waits for them.

use std::collections::VecDeque;

use super::bulk::{Landing, Pending};
use super::cluster::Cluster;
use super::global::Access;
use super::shared::Agent;
use super::step::Context;
use super::warp::lanes;
use crate::fault::{FaultKind, Outcome, Trouble, fail};
use crate::op::{Copy, Place};

/// A copy under way; the data is what global memory had when it began.
#[derive(Debug, Clone)]
pub(crate) struct StartedCopy {
    block: usize,
    offset: usize,
    data: [u8; 16],
    length: usize,
}

/// The copies of a lane.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneCopies {
    open: Vec<StartedCopy>,
    groups: VecDeque<Vec<StartedCopy>>,
}

impl Cluster {
    /// Writes what was copied, as a store of a lane with a count.
    pub fn land(&mut self, copies: &[StartedCopy], (warp, lane, count): (usize, u8, u32)) {
        for copy in copies {
            self.blocks[copy.block].shared.end_write(
                copy.offset,
                &copy.data[..copy.length],
                (warp, lane, count),
                true,
            );
        }
    }
}

impl Context<'_, '_> {
    pub fn copy(&mut self, copy: &Copy, active: u32) -> Outcome<()> {
        for lane in lanes(active) {
            let done = match copy {
                Copy::Start { .. } => self.start_copy(copy, lane),
                Copy::Commit => {
                    let copies = &mut self.warp().copies[lane];
                    let open = std::mem::take(&mut copies.open);
                    copies.groups.push_back(open);
                    Ok(())
                }
                Copy::Wait(left) => self.wait_copies(*left, lane),
                Copy::Arrive { place, increments } => self.arrive_copies(place, *increments, lane),
            };
            done.map_err(|trouble: Trouble| trouble.at_lane(lane))?;
        }
        Ok(())
    }

    fn start_copy(&mut self, copy: &Copy, lane: usize) -> Outcome<()> {
        let Copy::Start {
            to,
            from,
            bytes,
            size,
            ignore,
        } = copy
        else {
            return Ok(());
        };
        let warp = self.warp_ref();
        let size = match size {
            Some(size) => warp.lane(*size, lane) as usize,
            None => *bytes,
        };
        if size > *bytes {
            let message = format!("{size} bytes are read for a copy of {bytes}");
            return fail(FaultKind::InvalidOperand, message);
        }
        let size = match ignore {
            Some(ignore) if warp.lane(*ignore, lane) != 0 => 0,
            _ => size,
        };
        let (target, source) = (self.address(to, lane), self.address(from, lane));
        for address in [target, source] {
            if !address.is_multiple_of(*bytes as u64) {
                let message = format!("{address:#x} is no multiple of the {bytes} bytes copied");
                return fail(FaultKind::Misaligned, message);
            }
        }
        let (block, offset) = self.shared_range(target, *bytes)?;
        let mut data = [0; 16];
        if size > 0 {
            self.read_global(source, &mut data[..size], Access::Read)?;
        }
        let agent = Agent {
            warp: self.warp,
            lane: lane as u8,
            clock: &self.cluster.warps[self.warp].clock,
        };
        let shared = &mut self.cluster.blocks[block].shared;
        shared.begin_write(offset, *bytes, &agent)?;
        self.warp().copies[lane].open.push(StartedCopy {
            block,
            offset,
            data,
            length: *bytes,
        });
        Ok(())
    }

    fn wait_copies(&mut self, left: Option<u32>, lane: usize) -> Outcome<()> {
        self.cluster
            .complete_arrivals(self.machine, self.warp, lane)?;
        let warp = self.warp;
        let stamp = (warp, lane as u8, self.warp_ref().clock[warp]);
        let kept = left.unwrap_or(0) as usize;
        while self.warp_ref().copies[lane].groups.len() > kept {
            if let Some(group) = self.warp().copies[lane].groups.pop_front() {
                self.cluster.land(&group, stamp);
            }
        }
        if left.is_none() {
            let open = std::mem::take(&mut self.warp().copies[lane].open);
            self.cluster.land(&open, stamp);
        }
        Ok(())
    }

    /// All copies so far land before an arrival at a barrier, some time from now.
    fn arrive_copies(&mut self, place: &Place, increments: bool, lane: usize) -> Outcome<()> {
        let address = self.address(place, lane);
        let (block, offset) = self.shared_range(address, 8)?;
        let barrier = (block, offset as u64);
        if increments {
            self.cluster.add_arrival(barrier)?;
        }
        let copies = std::mem::take(&mut self.warp().copies[lane]);
        let copies = copies.groups.into_iter().flatten().chain(copies.open);
        let clock = self.warp_ref().clock.clone();
        let landing = Landing::Copies {
            copies: copies.collect(),
            lane,
            barrier,
            clock,
        };
        self.start(landing);
        let warp = self.warp;
        self.warp().clock[warp] += 1;
        Ok(())
    }

    /// Something that completes later.
    pub fn start(&mut self, landing: Landing) {
        let due = self
            .cluster
            .bulks
            .due(&mut self.machine.random, self.cluster.time);
        self.cluster.bulks.push(Pending {
            due,
            warp: self.warp,
            line: self.line,
            landing,
        });
    }
}
