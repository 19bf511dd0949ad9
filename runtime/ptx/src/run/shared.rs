//! A block's shared memory and what is known of the accesses to it.
//!
//! Accesses are ordered by vector clocks (Fidge, Mattern): each warp counts what it releases, and knows of every other warp up to
//! which count it has synchronised with it. What asynchronous units write counts as one more agent.

use crate::fault::{FaultKind, Outcome, fail};
use crate::memory::POISON;

/// Counts of all agents.
pub(crate) type Clock = Vec<u32>;

/// How many agents there are beside warps.
pub(crate) const UNITS: usize = 2;

/// The agent that asynchronous copies are, of so many.
pub(crate) fn copies(agents: usize) -> usize {
    agents - 2
}

/// The agent that asynchronous products are.
pub(crate) fn products(agents: usize) -> usize {
    agents - 1
}

/// Takes over what another clock knows.
pub(crate) fn join(clock: &mut Clock, other: &Clock) {
    for (mine, other) in clock.iter_mut().zip(other) {
        *mine = (*mine).max(*other);
    }
}

/// As the lane of an access of all lanes together.
pub(crate) const ALL_LANES: u8 = 32;

/// Who accesses memory.
pub(crate) struct Agent<'c> {
    /// The warp's number in the cluster.
    pub warp: usize,
    /// A lane, or [`ALL_LANES`].
    pub lane: u8,
    pub clock: &'c Clock,
}

/// An access's warp, lane and count.
pub(crate) type Stamp = (usize, u8, u32);

/// What is known of a granule.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// The last write's agent, lane and count; a count of 0 is none.
    agent: u16,
    lane: u8,
    is_defined: bool,
    clock: u32,
    /// Asynchronous operations under way that write or read it.
    writes: u32,
    reads: u32,
    /// Whether it was read since it was written.
    is_read: bool,
    /// Whether the last write was a store, which asynchronous units see only behind a proxy fence.
    is_store: bool,
}

/// Shared memory of a block.
pub(crate) struct Shared {
    pub bytes: Vec<u8>,
    granule: usize,
    agents: usize,
    cells: Vec<Cell>,
    /// For each cell and agent the count and the lane of its last read.
    last_reads: Vec<u32>,
    races: bool,
    uninitialised: bool,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Checks {
    pub races: bool,
    pub uninitialised: bool,
}

impl Shared {
    pub fn new(bytes: usize, granule: usize, agents: usize, checks: Checks) -> Self {
        let cells = bytes.div_ceil(granule);
        Self {
            bytes: vec![POISON; bytes],
            granule,
            agents,
            cells: vec![Cell::default(); cells],
            last_reads: match checks.races {
                true => vec![0; cells * agents],
                false => Vec::new(),
            },
            races: checks.races,
            uninitialised: checks.uninitialised,
        }
    }

    fn cells_of(&self, offset: usize, length: usize) -> std::ops::Range<usize> {
        offset / self.granule..(offset + length).div_ceil(self.granule)
    }

    /// Fails where a range is outside.
    pub fn check(&self, offset: u64, length: usize) -> Outcome<usize> {
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > self.bytes.len() as u64) {
            return fail(
                FaultKind::OutOfBounds,
                format!(
                    "{length} bytes at {offset:#x} of shared memory, which has {:#x}",
                    self.bytes.len()
                ),
            );
        }
        Ok(offset as usize)
    }

    fn say(&self, cell: usize, what: &str, warp: usize, lane: u8) -> String {
        let who = match (warp, lane) {
            _ if warp == copies(self.agents) => "an asynchronous copy".to_string(),
            _ if warp == products(self.agents) => "a wgmma".to_string(),
            (_, ALL_LANES..) => format!("warp {warp}"),
            _ => format!("warp {warp}, lane {lane}"),
        };
        format!(
            "byte {:#x} of shared memory {what} {who}",
            cell * self.granule
        )
    }

    /// Checks a read by a thread.
    pub fn read(&mut self, offset: usize, length: usize, agent: &Agent<'_>) -> Outcome<()> {
        for at in self.cells_of(offset, length) {
            self.check_read(at, agent)?;
            if self.races {
                let count = agent.clock[agent.warp];
                self.note_read(at, (agent.warp, agent.lane, count));
            }
        }
        Ok(())
    }

    fn check_read(&self, at: usize, agent: &Agent<'_>) -> Outcome<()> {
        let cell = &self.cells[at];
        if self.races && cell.writes > 0 {
            let message = format!(
                "byte {:#x} of shared memory is read while a copy to it is under way",
                at * self.granule
            );
            return fail(FaultKind::Pending, message);
        }
        if self.uninitialised && !cell.is_defined {
            let message = format!(
                "byte {:#x} of shared memory is read, but nothing was written to it",
                at * self.granule
            );
            return fail(FaultKind::Uninitialised, message);
        }
        if self.races && !self.is_ordered(cell, agent) {
            let what = "is read with no synchronisation after its write by";
            let message = self.say(at, what, usize::from(cell.agent), cell.lane);
            return fail(FaultKind::Race, message);
        }
        Ok(())
    }

    /// Whether the last write happened before.
    fn is_ordered(&self, cell: &Cell, agent: &Agent<'_>) -> bool {
        let writer = usize::from(cell.agent);
        match writer == agent.warp {
            true => cell.lane == agent.lane || cell.clock < agent.clock[writer],
            false => cell.clock <= agent.clock[writer],
        }
    }

    fn note_read(&mut self, at: usize, (warp, lane, count): Stamp) {
        self.cells[at].is_read = true;
        let last = &mut self.last_reads[at * self.agents + warp];
        let count = count << 6;
        let same_count = *last >> 6 == count >> 6;
        let lane = u32::from(lane);
        *last = match same_count && *last & 63 != lane {
            true => count | u32::from(ALL_LANES),
            false => count | lane,
        };
    }

    /// Fails where a read of a granule did not happen before.
    fn check_reads(&self, at: usize, agent: &Agent<'_>) -> Outcome<()> {
        let reads = &self.last_reads[at * self.agents..(at + 1) * self.agents];
        for (reader, last) in reads.iter().enumerate() {
            let (count, lane) = (last >> 6, (last & 63) as u8);
            let ordered = match reader == agent.warp {
                true => lane == agent.lane || count < agent.clock[reader],
                false => count <= agent.clock[reader],
            };
            if *last != 0 && !ordered {
                let what = "is written with no synchronisation after its read by";
                return fail(FaultKind::Race, self.say(at, what, reader, lane));
            }
        }
        Ok(())
    }

    /// Fails where a write would not be in order. Lanes that write what is there already may do so together.
    fn check_write(&self, at: usize, agent: &Agent<'_>, same: bool) -> Outcome<()> {
        if !self.races {
            return Ok(());
        }
        let cell = &self.cells[at];
        if cell.writes > 0 || cell.reads > 0 {
            let message = format!(
                "byte {:#x} of shared memory is written while an asynchronous operation on it is under way",
                at * self.granule
            );
            return fail(FaultKind::Pending, message);
        }
        let alike = same && usize::from(cell.agent) == agent.warp;
        if cell.clock > 0 && !alike && !self.is_ordered(cell, agent) {
            let what = "is written with no synchronisation after its write by";
            let message = self.say(at, what, usize::from(cell.agent), cell.lane);
            return fail(FaultKind::Race, message);
        }
        match cell.is_read {
            true => self.check_reads(at, agent),
            false => Ok(()),
        }
    }

    fn note_write(&mut self, at: usize, warp: usize, lane: u8, count: u32, is_store: bool) {
        let cell = &mut self.cells[at];
        if cell.is_read && self.races {
            self.last_reads[at * self.agents..(at + 1) * self.agents].fill(0);
        }
        *cell = Cell {
            agent: warp as u16,
            lane,
            is_defined: true,
            clock: count,
            writes: cell.writes,
            reads: cell.reads,
            is_read: false,
            is_store,
        };
    }

    /// A write by a thread, with its check.
    pub fn write(&mut self, offset: usize, bytes: &[u8], agent: &Agent<'_>) -> Outcome<()> {
        let target = offset..offset + bytes.len();
        let same = self.bytes[target.clone()] == *bytes;
        for at in self.cells_of(offset, bytes.len()) {
            self.check_write(at, agent, same)?;
            let count = agent.clock[agent.warp];
            self.note_write(at, agent.warp, agent.lane, count, true);
        }
        self.bytes[target].copy_from_slice(bytes);
        Ok(())
    }

    /// An update by an atomic, which other atomics may do at the same time.
    pub fn update(&mut self, offset: usize, bytes: &[u8], agent: &Agent<'_>) {
        for at in self.cells_of(offset, bytes.len()) {
            let count = agent.clock[agent.warp];
            self.note_write(at, agent.warp, agent.lane, count, true);
        }
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Checks what an atomic reads: only that it is there.
    pub fn check_atomic(&self, offset: usize, length: usize) -> Outcome<()> {
        for at in self.cells_of(offset, length) {
            let cell = &self.cells[at];
            if cell.writes > 0 || cell.reads > 0 || self.uninitialised && !cell.is_defined {
                let kind = match cell.is_defined {
                    true => FaultKind::Pending,
                    false => FaultKind::Uninitialised,
                };
                let message = format!(
                    "byte {:#x} of shared memory is not ready for an atomic",
                    at * self.granule
                );
                return fail(kind, message);
            }
        }
        Ok(())
    }

    /// Begins an asynchronous write.
    pub fn begin_write(&mut self, offset: usize, length: usize, agent: &Agent<'_>) -> Outcome<()> {
        for at in self.cells_of(offset, length) {
            self.check_write(at, agent, false)?;
            self.cells[at].writes += 1;
        }
        Ok(())
    }

    /// Ends an asynchronous write, as one by `warp` with a count; `is_store` says whether it counts as a store.
    pub fn end_write(
        &mut self,
        offset: usize,
        bytes: &[u8],
        (warp, lane, count): Stamp,
        is_store: bool,
    ) {
        for at in self.cells_of(offset, bytes.len()) {
            self.cells[at].writes -= 1;
            self.note_write(at, warp, lane, count, is_store);
        }
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Begins an asynchronous read; `fences` has what each warp knew at its last proxy fence.
    pub fn begin_read(
        &mut self,
        offset: usize,
        length: usize,
        agent: &Agent<'_>,
        fences: &[Clock],
    ) -> Outcome<()> {
        for at in self.cells_of(offset, length) {
            self.check_read(at, agent)?;
            let cell = &mut self.cells[at];
            let writer = usize::from(cell.agent);
            // The writer's fence does, and so does one of the reader behind what orders the write before it.
            let fenced = |warp: usize| {
                let known = fences.get(warp).map(|known| known[writer]);
                known.is_none_or(|count| count >= cell.clock)
            };
            if self.races && cell.is_store && !fenced(writer) && !fenced(agent.warp) {
                let message = format!(
                    "byte {:#x} of shared memory was stored by warp {writer}, but no fence.proxy.async \
                     stands between that and its use by an asynchronous operation",
                    at * self.granule
                );
                return fail(FaultKind::ProxyFence, message);
            }
            cell.reads += 1;
        }
        Ok(())
    }

    /// Ends an asynchronous read.
    pub fn end_read(&mut self, offset: usize, length: usize, stamp: Stamp) {
        for at in self.cells_of(offset, length) {
            self.cells[at].reads -= 1;
            if self.races {
                self.note_read(at, stamp);
            }
        }
    }
}
