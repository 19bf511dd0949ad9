//! Loads, stores and atomics.

use super::global::Access;
use super::shared::Agent;
use super::step::Context;
use super::warp::lanes;
use crate::address::{RANK_SHIFT, generic, inside, space};
use crate::fault::{FaultKind, Outcome, Trouble, fail};
use crate::op::{Atomic, Load, Place, Store};
use crate::syntax::Space;
use crate::types::sign_extend;

/// The most bytes that a thread accesses at once.
const MAX: usize = 64;

impl Context<'_, '_> {
    /// The generic address of a place in a lane.
    pub fn address(&self, place: &Place, lane: usize) -> u64 {
        let address = self.warp_ref().lane(place.base, lane);
        generic(place.space, address.wrapping_add_signed(place.offset))
    }

    /// The block and the offset of an address of shared memory.
    pub fn shared_place(&self, address: u64) -> Outcome<(usize, u64)> {
        if space(address) != Some(Space::Shared) {
            let message = format!("{address:#x} is no address of shared memory");
            return fail(FaultKind::OutOfBounds, message);
        }
        let inner = inside(address);
        let rank = (inner >> RANK_SHIFT) as usize;
        if rank >= self.cluster.blocks.len() {
            let message = format!("{inner:#x} is in shared memory of block {rank} of the cluster");
            return fail(FaultKind::OutOfBounds, message);
        }
        Ok((rank, inner & ((1 << RANK_SHIFT) - 1)))
    }

    /// The same, checked for so many bytes, as an index of the block's bytes.
    pub fn shared_range(&self, address: u64, length: usize) -> Outcome<(usize, usize)> {
        let (block, offset) = self.shared_place(address)?;
        let offset = self.cluster.blocks[block].shared.check(offset, length)?;
        Ok((block, offset))
    }

    fn check_space(&self, place: &Place, address: u64, length: usize) -> Outcome<Space> {
        if !address.is_multiple_of(length as u64) {
            let message = format!("{address:#x} is no multiple of the {length} bytes accessed");
            return fail(FaultKind::Misaligned, message);
        }
        let found = space(address);
        let wanted = match place.space {
            Space::Const | Space::Global => Some(Space::Global),
            _ => found,
        };
        match found {
            Some(found) if Some(found) == wanted => Ok(found),
            _ => fail(
                FaultKind::OutOfBounds,
                format!("{address:#x} is no address of this space"),
            ),
        }
    }

    fn local_range(&self, address: u64, length: usize, lane: usize) -> Outcome<usize> {
        let size = self.warp_ref().local_bytes as u64;
        let offset = inside(address);
        if offset
            .checked_add(length as u64)
            .is_none_or(|end| end > size)
        {
            let message =
                format!("{length} bytes at {offset:#x} of local memory, which has {size:#x}");
            return fail(FaultKind::OutOfBounds, message);
        }
        Ok(lane * size as usize + offset as usize)
    }

    fn read(&mut self, place: &Place, lane: usize, bytes: &mut [u8], strong: bool) -> Outcome<()> {
        let address = self.address(place, lane);
        let length = bytes.len();
        match self.check_space(place, address, length)? {
            Space::Shared => {
                let (block, offset) = self.shared_range(address, length)?;
                let shared = &mut self.cluster.blocks[block].shared;
                match strong {
                    true => shared.check_atomic(offset, length)?,
                    false => {
                        let agent = Agent {
                            warp: self.warp,
                            lane: lane as u8,
                            clock: &self.cluster.warps[self.warp].clock,
                        };
                        shared.read(offset, length, &agent)?;
                    }
                }
                bytes.copy_from_slice(&shared.bytes[offset..offset + length]);
            }
            Space::Local => {
                let start = self.local_range(address, length, lane)?;
                bytes.copy_from_slice(&self.warp_ref().local[start..start + length]);
            }
            Space::Param => {
                let start = inside(address) as usize;
                let Some(found) = self.machine.params.get(start..start + length) else {
                    let message = format!("{length} bytes at {start:#x} of the parameters");
                    return fail(FaultKind::OutOfBounds, message);
                };
                bytes.copy_from_slice(found);
            }
            _ => {
                let access = if strong {
                    Access::StrongRead
                } else {
                    Access::Read
                };
                self.read_global(address, bytes, access)?;
            }
        }
        Ok(())
    }

    /// Reads global memory.
    pub fn read_global(&mut self, address: u64, bytes: &mut [u8], access: Access) -> Outcome<()> {
        let machine = &mut *self.machine;
        let range = machine.memory.range(address, bytes.len())?;
        if machine.options.uninitialised
            && let Some(at) = machine.memory.undefined(range)
        {
            let (base, size) = machine.memory.extent(range.allocation);
            let message = format!(
                "offset {} in the allocation of {size} bytes at {base:#x} is read, but nothing was written to it",
                range.start + at
            );
            return fail(FaultKind::Uninitialised, message);
        }
        if machine.options.races {
            let number = self.cluster.number;
            let before = &mut self.cluster.before;
            machine
                .races
                .note(machine.memory, range, number, access, before)?;
        }
        bytes.copy_from_slice(machine.memory.bytes(range));
        machine.report.global_read += bytes.len() as u64;
        Ok(())
    }

    /// Writes global memory.
    pub fn write_global(&mut self, address: u64, bytes: &[u8], access: Access) -> Outcome<()> {
        let number = self.cluster.number;
        let before = &mut self.cluster.before;
        self.machine
            .write_global(number, before, address, bytes, access)
    }

    fn store_bytes(
        &mut self,
        place: &Place,
        lane: usize,
        bytes: &[u8],
        strong: bool,
    ) -> Outcome<()> {
        let address = self.address(place, lane);
        let length = bytes.len();
        match self.check_space(place, address, length)? {
            Space::Shared => {
                let (block, offset) = self.shared_range(address, length)?;
                let agent = Agent {
                    warp: self.warp,
                    lane: lane as u8,
                    clock: &self.cluster.warps[self.warp].clock,
                };
                let shared = &mut self.cluster.blocks[block].shared;
                match strong {
                    true => shared.update(offset, bytes, &agent),
                    false => shared.write(offset, bytes, &agent)?,
                }
                Ok(())
            }
            Space::Local => {
                let start = self.local_range(address, length, lane)?;
                self.warp().local[start..start + length].copy_from_slice(bytes);
                Ok(())
            }
            Space::Param => fail(FaultKind::OutOfBounds, "a store to the kernel's parameters"),
            _ => {
                let access = if strong {
                    Access::StrongWrite
                } else {
                    Access::Write
                };
                self.write_global(address, bytes, access)
            }
        }
    }

    pub fn load(&mut self, load: &Load, active: u32) -> Outcome<()> {
        let count = load.results.len();
        let length = load.bytes * count;
        let mut buffer = [0; MAX];
        self.note_traffic(&load.place, length, active);
        for lane in lanes(active) {
            let bytes = &mut buffer[..length];
            self.read(&load.place, lane, bytes, load.strong)
                .map_err(|trouble| trouble.at_lane(lane))?;
            for (part, result) in bytes.chunks_exact(load.bytes).zip(&load.results) {
                let value = from_bytes(part);
                let value = match load.extend {
                    None => value,
                    Some(bits) => {
                        let all = crate::types::mask(bits);
                        sign_extend(value, 8 * load.bytes as u32) & all
                    }
                };
                self.warp().set(*result, lane, value);
            }
        }
        Ok(())
    }

    pub fn store(&mut self, store: &Store, active: u32) -> Outcome<()> {
        let length = store.bytes * store.values.len();
        let mut buffer = [0; MAX];
        self.note_traffic(&store.place, length, active);
        for lane in lanes(active) {
            for (at, value) in store.values.iter().enumerate() {
                let value = self.warp_ref().lane(*value, lane);
                let start = at * store.bytes;
                buffer[start..start + store.bytes]
                    .copy_from_slice(&value.to_le_bytes()[..store.bytes]);
            }
            self.store_bytes(&store.place, lane, &buffer[..length], store.strong)
                .map_err(|trouble| trouble.at_lane(lane))?;
        }
        Ok(())
    }

    pub fn atomic(&mut self, atomic: &Atomic, active: u32) -> Outcome<()> {
        for lane in lanes(active) {
            self.atomic_lane(atomic, lane)
                .map_err(|trouble: Trouble| trouble.at_lane(lane))?;
        }
        Ok(())
    }

    fn atomic_lane(&mut self, atomic: &Atomic, lane: usize) -> Outcome<()> {
        let first = self.address(&atomic.place, lane);
        let length = atomic.bytes * atomic.values.len();
        let found = self.check_space(&atomic.place, first, length)?;
        for (at, value) in atomic.values.iter().enumerate() {
            let address = first + (at * atomic.bytes) as u64;
            let operand = self.warp_ref().lane(*value, lane);
            let second = self.warp_ref().lane(atomic.second, lane);
            let mut bytes = [0; 8];
            let bytes = &mut bytes[..atomic.bytes];
            let old = match found {
                Space::Shared => {
                    let (block, offset) = self.shared_range(address, atomic.bytes)?;
                    let agent = Agent {
                        warp: self.warp,
                        lane: lane as u8,
                        clock: &self.cluster.warps[self.warp].clock,
                    };
                    let shared = &mut self.cluster.blocks[block].shared;
                    shared.check_atomic(offset, atomic.bytes)?;
                    let old = from_bytes(&shared.bytes[offset..offset + atomic.bytes]);
                    let new = (atomic.update)(old, operand, second);
                    shared.update(offset, &new.to_le_bytes()[..atomic.bytes], &agent);
                    old
                }
                Space::Global => {
                    let access = match atomic.results.is_some() {
                        true => Access::StrongRead,
                        false => Access::StrongWrite,
                    };
                    self.read_global(address, bytes, access)?;
                    let old = from_bytes(bytes);
                    let new = (atomic.update)(old, operand, second);
                    let new = &new.to_le_bytes()[..atomic.bytes];
                    self.write_global(address, new, Access::StrongWrite)?;
                    old
                }
                _ => {
                    return fail(
                        FaultKind::InvalidOperand,
                        "an atomic on memory of one thread",
                    );
                }
            };
            if let Some(results) = &atomic.results {
                self.warp().set(results[at], lane, old);
            }
        }
        Ok(())
    }

    /// Counts what the memory has to do for a load or store of a warp.
    fn note_traffic(&mut self, place: &Place, length: usize, active: u32) {
        let mut pieces = [u64::MAX; 32];
        match place.space {
            Space::Global => {
                for (piece, lane) in pieces.iter_mut().zip(lanes(active)) {
                    *piece = self.address(place, lane) / 32;
                }
                pieces.sort_unstable();
                let mut count = u64::from(pieces[0] != u64::MAX);
                for pair in pieces.windows(2) {
                    count += u64::from(pair[0] != pair[1] && pair[1] != u64::MAX);
                }
                self.machine.report.global_sectors += count * (length as u64).div_ceil(32);
            }
            Space::Shared => {
                // Wide accesses go in parts of a warp, of 128 bytes each.
                let lanes_at_once = 32 / (length / 4).clamp(1, 8);
                let words = (length / 4).max(1) as u64;
                for first in (0..32).step_by(lanes_at_once) {
                    let part = u32::MAX >> (32 - lanes_at_once) << first & active;
                    let mut banks = [0u64; 32];
                    let mut seen = [u64::MAX; 32];
                    for (count, lane) in lanes(part).enumerate() {
                        let word = self.address(place, lane) / 4;
                        if !seen[..count].contains(&word) {
                            seen[count] = word;
                            for next in word..word + words {
                                banks[(next % 32) as usize] += 1;
                            }
                        }
                    }
                    let most = banks.into_iter().max().unwrap_or(0);
                    self.machine.report.bank_conflicts += most.saturating_sub(1);
                }
            }
            _ => {}
        }
    }
}

impl super::Machine<'_> {
    /// Writes global memory for a cluster; `before` has the clusters that it is ordered after.
    pub fn write_global(
        &mut self,
        cluster: u32,
        before: &mut std::collections::HashSet<u32>,
        address: u64,
        bytes: &[u8],
        access: Access,
    ) -> Outcome<()> {
        let range = self.memory.range(address, bytes.len())?;
        if self.options.races {
            self.races
                .note(self.memory, range, cluster, access, before)?;
        }
        self.memory.bytes_mut(range).copy_from_slice(bytes);
        self.report.global_written += bytes.len() as u64;
        Ok(())
    }
}

/// A number of at most 8 bytes, the lowest first.
pub(crate) fn from_bytes(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(all)
}
