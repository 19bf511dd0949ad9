//! Races between blocks in global memory, and what is asked of its accesses.
//!
//! Blocks of a launch may run in any order, so what one writes no other may touch, unless both do so by atomics, or the one has seen
//! by an atomic or a strong access what the other did by one before.

use std::collections::{HashMap, HashSet};

use crate::fault::{FaultKind, Outcome, fail};
use crate::memory::{Memory, Range};

/// As the reader of what several clusters read.
const SEVERAL: u32 = u32::MAX;

/// What is known of a granule in this launch; clusters are numbered from 1.
#[derive(Clone, Copy, Default)]
struct Cell {
    writer: u32,
    reader: u32,
    /// Whether the last write, and whether all reads, took part in synchronisation.
    strong_write: bool,
    strong_reads: bool,
}

/// How an access is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// An atomic, or a load or store that takes part in synchronisation.
    StrongRead,
    StrongWrite,
}

/// What is known of all accesses of a launch.
pub(crate) struct GlobalRaces {
    granule: usize,
    /// Empty for allocations that were not accessed.
    allocations: Vec<Vec<Cell>>,
    /// For each place of synchronisation the clusters that wrote there.
    released: HashMap<(usize, usize), HashSet<u32>>,
}

impl GlobalRaces {
    pub fn new(granule: u64) -> Self {
        Self {
            granule: granule as usize,
            allocations: Vec::new(),
            released: HashMap::new(),
        }
    }

    /// Notes an access of a cluster; `before` has the clusters that it is ordered after.
    pub fn note(
        &mut self,
        memory: &Memory,
        range: Range,
        cluster: u32,
        access: Access,
        before: &mut HashSet<u32>,
    ) -> Outcome<()> {
        let strong = matches!(access, Access::StrongRead | Access::StrongWrite);
        if strong {
            let place = (range.allocation, range.start);
            let released = self.released.entry(place).or_default();
            match access {
                Access::StrongRead => {
                    before.extend(released.iter().filter(|other| **other != cluster));
                }
                _ => {
                    released.extend(before.iter());
                    released.insert(cluster);
                }
            }
        }
        let (base, size) = memory.extent(range.allocation);
        if self.allocations.len() <= range.allocation {
            self.allocations.resize(range.allocation + 1, Vec::new());
        }
        let cells = &mut self.allocations[range.allocation];
        if cells.is_empty() {
            cells.resize((size as usize).div_ceil(self.granule), Cell::default());
        }
        // What a box begins or ends within is not looked at.
        let first = range.start.div_ceil(self.granule);
        let last = (range.end / self.granule).max(first);
        let me = cluster + 1;
        for (at, cell) in cells[first..last].iter_mut().enumerate() {
            let other = |who: u32| who != 0 && who != me;
            let ordered = |who: u32, atomic: bool| {
                strong && atomic
                    || before.contains(&(who - 1))
                    || who == SEVERAL && !before.is_empty()
            };
            let writes = matches!(access, Access::Write | Access::StrongWrite);
            let after_write = other(cell.writer) && !ordered(cell.writer, cell.strong_write);
            let after_read =
                writes && other(cell.reader) && !ordered(cell.reader, cell.strong_reads);
            if after_write || after_read {
                let (what, who) = match after_write {
                    true => ("written", cell.writer),
                    false => ("read", cell.reader),
                };
                let by = match who {
                    SEVERAL => "several other blocks".to_string(),
                    who => format!("block or cluster {}", who - 1),
                };
                let offset = (first + at) * self.granule;
                let message = format!(
                    "offset {offset} in the allocation of {size} bytes at {base:#x} was {what} by {by} in the same launch"
                );
                return fail(FaultKind::Race, message);
            }
            if writes {
                let keeps = cell.reader == me;
                *cell = Cell {
                    writer: me,
                    reader: if keeps { me } else { 0 },
                    strong_write: strong,
                    strong_reads: strong || keeps && cell.strong_reads,
                };
            } else {
                cell.strong_reads = strong && (cell.strong_reads || cell.reader == 0);
                cell.reader = match cell.reader {
                    0 => me,
                    reader if reader == me => me,
                    _ => SEVERAL,
                };
            }
        }
        Ok(())
    }
}
