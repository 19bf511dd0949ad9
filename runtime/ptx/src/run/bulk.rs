//! Bulk copies: runs of bytes and boxes of tensors, between global and shared memory.
//!
//! A load takes what global memory has when it begins and lands later, when its barrier is told. A store reads shared memory when its
//! thread waits for that, and writes global memory still later.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::Machine;
use super::Random;
use super::access::from_bytes;
use super::cluster::Cluster;
use super::copy::StartedCopy;
use super::global::Access;
use super::mbarrier::BarrierPlace;
use super::shared::{ALL_LANES, Agent, Clock};
use super::step::Context;
use super::warp::lanes;
use crate::fault::{Fault, FaultKind, Outcome, Trouble, fail};
use crate::op::{Bulk, Place, Side, Slot, Update};
use crate::syntax::Space;
use crate::tensor_map::Element;

/// How many instructions of a cluster late is.
const LATE: u64 = 20_000;

/// The most bytes of a copy; shared memory is smaller.
const MAX_BYTES: u64 = 1 << 20;

/// What is under way in a cluster.
#[derive(Default)]
pub(crate) struct Bulks {
    pending: Vec<Pending>,
    next_due: Option<u64>,
    /// What asynchronous units have done so far, by which their accesses count.
    numbers: u32,
    /// Stores of each warp and lane.
    stores: HashMap<(usize, usize), LaneStores>,
}

/// Something that completes later.
pub(crate) struct Pending {
    /// The time by which it completes.
    pub due: u64,
    pub warp: usize,
    pub line: u32,
    pub landing: Landing,
}

/// What happens when it completes.
pub(crate) enum Landing {
    /// Copies of a lane have landed, and it arrives at a barrier.
    Copies {
        copies: Vec<StartedCopy>,
        lane: usize,
        barrier: BarrierPlace,
        clock: Clock,
    },
    /// Data comes to shared memory of some blocks, each of which has a barrier at the same offset.
    Load {
        blocks: Vec<usize>,
        runs: Vec<(usize, Vec<u8>)>,
        barrier: u64,
        bytes: u64,
        number: u32,
        clock: Clock,
    },
    /// Data goes to global memory.
    Store {
        runs: Vec<(u64, Vec<u8>)>,
        reduce: Option<(usize, Arc<Update>)>,
    },
}

/// Stores of a lane whose sources have not been read.
#[derive(Default)]
struct LaneStores {
    open: Vec<StartedStore>,
    groups: VecDeque<Vec<StartedStore>>,
}

struct StartedStore {
    block: usize,
    /// Offsets in shared memory, lengths, and where they go.
    runs: Vec<(usize, usize, u64)>,
    reduce: Option<(usize, Arc<Update>)>,
    line: u32,
}

impl Bulks {
    /// Whether something must complete.
    pub fn is_due(&self, time: u64) -> bool {
        self.next_due.is_some_and(|due| due <= time)
    }

    /// When something that begins now completes.
    pub fn due(&self, random: &mut Random, now: u64) -> u64 {
        match random.below(4) {
            0 => now + LATE,
            _ => now + random.below(2000),
        }
    }

    /// The number of one thing more that an asynchronous unit does.
    pub fn next_number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub fn push(&mut self, pending: Pending) {
        let due = pending.due;
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
        self.pending.push(pending);
    }

    fn settle(&mut self) {
        self.next_due = self.pending.iter().map(|pending| pending.due).min();
    }
}

impl Cluster {
    /// Completes what is due.
    pub fn complete_due(&mut self, machine: &mut Machine<'_>) -> Result<(), Fault> {
        let time = self.time;
        self.complete(machine, |pending| pending.due <= time)
    }

    /// Completes something, as nothing else can go on; whether there was something.
    pub fn complete_one(&mut self, machine: &mut Machine<'_>) -> Result<bool, Fault> {
        if self.bulks.pending.is_empty() {
            return Ok(false);
        }
        let count = self.bulks.pending.len() as u64;
        let at = machine.random.below(count) as usize;
        let pending = self.bulks.pending.remove(at);
        self.bulks.settle();
        self.land_pending(machine, pending)?;
        Ok(true)
    }

    fn complete(
        &mut self,
        machine: &mut Machine<'_>,
        which: impl Fn(&Pending) -> bool,
    ) -> Result<(), Fault> {
        let (now, later) = std::mem::take(&mut self.bulks.pending)
            .into_iter()
            .partition(which);
        self.bulks.pending = later;
        self.bulks.settle();
        let now: Vec<Pending> = now;
        for pending in now {
            self.land_pending(machine, pending)?;
        }
        Ok(())
    }

    /// Completes the copies of a lane that arrive at barriers.
    pub fn complete_arrivals(
        &mut self,
        machine: &mut Machine<'_>,
        warp: usize,
        lane: usize,
    ) -> Outcome<()> {
        let is_its = |pending: &Pending| {
            let Landing::Copies { lane: of, .. } = &pending.landing else {
                return false;
            };
            pending.warp == warp && *of == lane
        };
        while let Some(at) = self.bulks.pending.iter().position(is_its) {
            let pending = self.bulks.pending.remove(at);
            self.bulks.settle();
            self.land_one(machine, pending.warp, pending.landing)?;
        }
        Ok(())
    }

    /// Completes everything when all warps are done.
    pub fn finish(&mut self, machine: &mut Machine<'_>) -> Result<(), Fault> {
        let stores: Vec<_> = self.bulks.stores.keys().copied().collect();
        for (warp, lane) in stores {
            let all = |stores: &mut LaneStores| {
                let open = std::mem::take(&mut stores.open);
                std::mem::take(&mut stores.groups)
                    .into_iter()
                    .flatten()
                    .chain(open)
                    .collect()
            };
            self.read_stores(machine, warp, lane, all);
        }
        self.complete(machine, |_| true)
    }

    fn land_pending(&mut self, machine: &mut Machine<'_>, pending: Pending) -> Result<(), Fault> {
        let (warp, line) = (pending.warp, pending.line);
        self.land_one(machine, warp, pending.landing)
            .map_err(|trouble| self.fault(machine, warp, 1, trouble, line))
    }

    fn land_one(
        &mut self,
        machine: &mut Machine<'_>,
        warp: usize,
        landing: Landing,
    ) -> Outcome<()> {
        self.events += 1;
        match landing {
            Landing::Copies {
                copies,
                lane,
                barrier,
                clock,
            } => {
                self.land(&copies, (warp, lane as u8, clock[warp]));
                self.arrive(barrier, 1, &clock)
            }
            Landing::Load {
                blocks,
                runs,
                barrier,
                bytes,
                number,
                mut clock,
            } => {
                let unit = super::shared::copies(clock.len());
                clock[unit] = clock[unit].max(number);
                for block in blocks {
                    let shared = &mut self.blocks[block].shared;
                    for (offset, data) in &runs {
                        shared.end_write(*offset, data, (unit, 0, number), false);
                    }
                    self.expect((block, barrier), -(bytes as i64), Some(&clock))?;
                }
                Ok(())
            }
            Landing::Store { runs, reduce } => {
                for (address, data) in runs {
                    self.write_out(machine, address, data, reduce.as_ref())?;
                }
                Ok(())
            }
        }
    }

    fn write_out(
        &mut self,
        machine: &mut Machine<'_>,
        address: u64,
        mut data: Vec<u8>,
        reduce: Option<&(usize, Arc<Update>)>,
    ) -> Outcome<()> {
        let mut access = Access::Write;
        if let Some((size, update)) = reduce {
            access = Access::StrongWrite;
            let range = machine.memory.range(address, data.len())?;
            let old = machine.memory.bytes(range);
            for (new, old) in data.chunks_exact_mut(*size).zip(old.chunks_exact(*size)) {
                let value = update(from_bytes(old), from_bytes(new), 0);
                new.copy_from_slice(&value.to_le_bytes()[..*size]);
            }
        }
        machine.write_global(self.number, &mut self.before, address, &data, access)
    }

    /// Reads the sources of stores of a lane, which then go out.
    fn read_stores(
        &mut self,
        machine: &mut Machine<'_>,
        warp: usize,
        lane: usize,
        which: impl Fn(&mut LaneStores) -> Vec<StartedStore>,
    ) {
        let Some(stores) = self.bulks.stores.get_mut(&(warp, lane)) else {
            return;
        };
        for store in which(stores) {
            let stamp = (warp, lane as u8, self.warps[warp].clock[warp]);
            let shared = &mut self.blocks[store.block].shared;
            let mut runs = Vec::with_capacity(store.runs.len());
            for (offset, length, address) in store.runs {
                shared.end_read(offset, length, stamp);
                runs.push((address, shared.bytes[offset..offset + length].to_vec()));
            }
            let due = self.bulks.due(&mut machine.random, self.time);
            self.bulks.push(Pending {
                due,
                warp,
                line: store.line,
                landing: Landing::Store {
                    runs,
                    reduce: store.reduce,
                },
            });
        }
    }
}

impl Context<'_, '_> {
    pub fn bulk(&mut self, bulk: &Bulk, active: u32) -> Outcome<()> {
        for lane in lanes(active) {
            let done = match bulk {
                Bulk::Load { .. } => self.bulk_load(bulk, lane),
                Bulk::Store {
                    to,
                    from,
                    size,
                    reduce,
                } => self.bulk_store(to, from, *size, reduce.clone(), lane),
                Bulk::Prefetch => Ok(()),
                Bulk::Commit => {
                    let stores = self.lane_stores(lane);
                    let open = std::mem::take(&mut stores.open);
                    stores.groups.push_back(open);
                    Ok(())
                }
                Bulk::Wait { left, reads } => self.bulk_wait(*left as usize, *reads, lane),
            };
            done.map_err(|trouble: Trouble| trouble.at_lane(lane))?;
        }
        Ok(())
    }

    fn lane_stores(&mut self, lane: usize) -> &mut LaneStores {
        let key = (self.warp, lane);
        self.cluster.bulks.stores.entry(key).or_default()
    }

    fn bulk_wait(&mut self, left: usize, reads: bool, lane: usize) -> Outcome<()> {
        let warp = self.warp;
        self.cluster
            .read_stores(self.machine, warp, lane, |stores| {
                let count = stores.groups.len().saturating_sub(left);
                stores.groups.drain(..count).flatten().collect()
            });
        if reads {
            return Ok(());
        }
        let is_its = |pending: &Pending| {
            pending.warp == warp && matches!(pending.landing, Landing::Store { .. })
        };
        while let Some(at) = self.cluster.bulks.pending.iter().position(is_its) {
            let pending = self.cluster.bulks.pending.remove(at);
            self.cluster.bulks.settle();
            self.cluster
                .land_one(self.machine, pending.warp, pending.landing)?;
        }
        Ok(())
    }

    fn size(&self, size: Option<Slot>, lane: usize) -> Outcome<u64> {
        let size = size.map_or(0, |size| self.warp_ref().lane(size, lane));
        match size.is_multiple_of(16) && size <= MAX_BYTES {
            true => Ok(size),
            false => fail(
                FaultKind::InvalidOperand,
                format!("{size} bytes, no multiple of 16 up to {MAX_BYTES}"),
            ),
        }
    }

    pub fn aligned(&self, address: u64, align: u64) -> Outcome<u64> {
        match address.is_multiple_of(align) {
            true => Ok(address),
            false => fail(
                FaultKind::Misaligned,
                format!("{address:#x} is no multiple of {align}"),
            ),
        }
    }

    fn bulk_load(&mut self, bulk: &Bulk, lane: usize) -> Outcome<()> {
        let Bulk::Load {
            to,
            from,
            size,
            barrier,
            multicast,
        } = bulk
        else {
            return Ok(());
        };
        let target = self.address(to, lane);
        let (own, first) = self.shared_place(target)?;
        let (barrier_block, barrier) = self.shared_place(self.address(barrier, lane))?;
        if own != barrier_block {
            return fail(
                FaultKind::InvalidOperand,
                "the barrier is in another block than the target",
            );
        }
        let (runs, bytes) = match from {
            Side::Plain(place) => {
                let bytes = self.size(*size, lane)?;
                self.aligned(target, 16)?;
                let source = self.aligned(self.address(place, lane), 16)?;
                let mut data = vec![0; bytes as usize];
                match place.space {
                    Space::Shared => self.read_shared(source, &mut data)?,
                    _ => self.read_global(source, &mut data, Access::Read)?,
                }
                (vec![(first as usize, data)], bytes)
            }
            Side::Box(place, coordinates) => {
                self.aligned(target, 128)?;
                let (map, pieces) = self.pieces(place, coordinates, first, lane)?;
                let mut runs = Vec::with_capacity(pieces.len());
                for piece in pieces {
                    let mut data = vec![0; piece.length];
                    if piece.inside.1 > 0 {
                        let (skipped, length) = piece.inside;
                        let part = &mut data[skipped..skipped + length];
                        self.read_global(piece.address, part, Access::Read)?;
                    }
                    runs.push((piece.offset, data));
                }
                (runs, map.box_bytes())
            }
        };
        let mask = multicast.map(|mask| self.warp_ref().lane(mask, lane));
        let blocks: Vec<usize> = match mask {
            None => vec![own],
            Some(mask) => (0..16).filter(|block| mask >> block & 1 == 1).collect(),
        };
        let agent = Agent {
            warp: self.warp,
            lane: lane as u8,
            clock: &self.cluster.warps[self.warp].clock,
        };
        for block in &blocks {
            let Some(block) = self.cluster.blocks.get_mut(*block) else {
                let message = format!("block {block} of a cluster that has none");
                return fail(FaultKind::InvalidOperand, message);
            };
            for (offset, data) in &runs {
                block.shared.check(*offset as u64, data.len())?;
                block.shared.begin_write(*offset, data.len(), &agent)?;
            }
        }
        let number = self.cluster.bulks.next_number();
        let landing = Landing::Load {
            blocks,
            runs,
            barrier,
            bytes,
            number,
            clock: self.warp_ref().clock.clone(),
        };
        self.start(landing);
        Ok(())
    }

    fn read_shared(&mut self, address: u64, data: &mut [u8]) -> Outcome<()> {
        let (block, offset) = self.shared_range(address, data.len())?;
        let agent = Agent {
            warp: self.warp,
            lane: ALL_LANES,
            clock: &self.cluster.warps[self.warp].clock,
        };
        let shared = &mut self.cluster.blocks[block].shared;
        shared.begin_read(offset, data.len(), &agent, &self.cluster.fences)?;
        let stamp = (self.warp, ALL_LANES, agent.clock[self.warp]);
        shared.end_read(offset, data.len(), stamp);
        data.copy_from_slice(&shared.bytes[offset..offset + data.len()]);
        Ok(())
    }

    fn bulk_store(
        &mut self,
        to: &Side,
        from: &Place,
        size: Option<Slot>,
        reduce: Option<(usize, Arc<Update>)>,
        lane: usize,
    ) -> Outcome<()> {
        let source = self.address(from, lane);
        let (block, first) = self.shared_place(source)?;
        let mut reduce = reduce;
        let runs = match to {
            Side::Plain(place) => {
                let bytes = self.size(size, lane)?;
                self.aligned(source, 16)?;
                let target = self.aligned(self.address(place, lane), 16)?;
                vec![(first as usize, bytes as usize, target)]
            }
            Side::Box(place, coordinates) => {
                self.aligned(source, 128)?;
                let (map, pieces) = self.pieces(place, coordinates, first, lane)?;
                if let Some((bytes, _)) = &mut reduce {
                    if map.element != Element::F32 {
                        let message = format!("a reduction of {:?}", map.element);
                        return fail(FaultKind::InvalidOperand, message);
                    }
                    *bytes = 4;
                }
                pieces
                    .into_iter()
                    .filter(|piece| piece.inside.1 > 0)
                    .map(|piece| (piece.offset + piece.inside.0, piece.inside.1, piece.address))
                    .collect()
            }
        };
        let agent = Agent {
            warp: self.warp,
            lane: lane as u8,
            clock: &self.cluster.warps[self.warp].clock,
        };
        let shared = &mut self.cluster.blocks[block].shared;
        for (offset, length, _) in &runs {
            shared.check(*offset as u64, *length)?;
            shared.begin_read(*offset, *length, &agent, &self.cluster.fences)?;
        }
        let store = StartedStore {
            block,
            runs,
            reduce,
            line: self.line,
        };
        self.lane_stores(lane).open.push(store);
        Ok(())
    }
}
