//! The device's global memory: allocations with gaps between them and exact bounds.

use std::collections::HashMap;

use crate::fault::{FaultKind, Outcome, fail};

/// What addresses of allocations are multiples of.
const ALIGN: u64 = 256;

/// Unused addresses behind each allocation, at least.
const GAP: u64 = 4096;

/// The first address.
const FIRST: u64 = 0x7_0000_0000;

/// What fresh memory is filled with: NaN in all floating-point types.
pub(crate) const POISON: u8 = 0xff;

/// An access from the host that fails, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MemoryError(String);

/// Global memory. Addresses are never used twice, so what is freed stays known.
#[derive(Debug, Default)]
pub struct Memory {
    /// In the order of addresses.
    allocations: Vec<Allocation>,
    last: usize,
    /// Where the variables of modules are.
    pub(crate) variables: HashMap<u64, Vec<u64>>,
}

#[derive(Debug)]
struct Allocation {
    base: u64,
    size: u64,
    bytes: Vec<u8>,
    /// Bytes that nothing was written to.
    undefined: Vec<bool>,
    is_free: bool,
}

/// A range inside an allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub allocation: usize,
    pub start: usize,
    pub end: usize,
}

impl Memory {
    /// An empty memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many bytes, filled with 0xff and marked as uninitialised. The address is a multiple of 256.
    pub fn alloc(&mut self, bytes: usize) -> u64 {
        let end = self.allocations.last().map(|last| last.base + last.size);
        let base = end.map_or(FIRST, |end| (end + GAP).next_multiple_of(ALIGN));
        self.allocations.push(Allocation {
            base,
            size: bytes as u64,
            bytes: vec![POISON; bytes],
            undefined: vec![true; bytes],
            is_free: false,
        });
        base
    }

    /// Makes room for a copy of some bytes.
    pub fn alloc_copy(&mut self, bytes: &[u8]) -> u64 {
        let address = self.alloc(bytes.len());
        if let Some(last) = self.allocations.last_mut() {
            last.bytes.copy_from_slice(bytes);
            last.undefined.fill(false);
        }
        address
    }

    /// Frees an allocation.
    ///
    /// # Errors
    /// Fails where the address is none of an allocation that is there.
    pub fn free(&mut self, address: u64) -> Result<(), MemoryError> {
        let found = self
            .allocations
            .iter_mut()
            .find(|allocation| allocation.base == address && !allocation.is_free);
        let Some(allocation) = found else {
            return Err(MemoryError(format!("nothing is allocated at {address:#x}")));
        };
        allocation.is_free = true;
        allocation.bytes = Vec::new();
        allocation.undefined = Vec::new();
        Ok(())
    }

    /// Copies bytes to the device.
    ///
    /// # Errors
    /// Fails where they do not lie in one allocation.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        let range = self.host_range(address, bytes.len())?;
        self.bytes_mut(range).copy_from_slice(bytes);
        Ok(())
    }

    /// Copies so many bytes from the device.
    ///
    /// # Errors
    /// Fails where they do not lie in one allocation.
    pub fn read(&mut self, address: u64, bytes: usize) -> Result<Vec<u8>, MemoryError> {
        let range = self.host_range(address, bytes)?;
        Ok(self.bytes(range).to_vec())
    }

    /// Sets so many bytes.
    ///
    /// # Errors
    /// Fails where they do not lie in one allocation.
    pub fn fill(&mut self, address: u64, byte: u8, bytes: usize) -> Result<(), MemoryError> {
        let range = self.host_range(address, bytes)?;
        self.bytes_mut(range).fill(byte);
        Ok(())
    }

    fn host_range(&mut self, address: u64, bytes: usize) -> Result<Range, MemoryError> {
        self.range(address, bytes)
            .map_err(|trouble| MemoryError(trouble.message))
    }

    /// Where some bytes are.
    pub(crate) fn range(&mut self, address: u64, bytes: usize) -> Outcome<Range> {
        let inside = |allocation: &Allocation| {
            address >= allocation.base
                && !allocation.is_free
                && (address - allocation.base)
                    .checked_add(bytes as u64)
                    .is_some_and(|end| end <= allocation.size)
        };
        if !self.allocations.get(self.last).is_some_and(inside) {
            let after = self
                .allocations
                .partition_point(|allocation| allocation.base <= address);
            let found = after.checked_sub(1);
            let found = found.filter(|at| inside(&self.allocations[*at]));
            let Some(found) = found else {
                return fail(FaultKind::OutOfBounds, self.outside(address, bytes, after));
            };
            self.last = found;
        }
        let start = (address - self.allocations[self.last].base) as usize;
        Ok(Range {
            allocation: self.last,
            start,
            end: start + bytes,
        })
    }

    /// Says what an address outside of all allocations is near to.
    fn outside(&self, address: u64, bytes: usize, after: usize) -> String {
        let access = format!("{bytes} bytes at {address:#x} are not allocated");
        let before = after.checked_sub(1).map(|at| &self.allocations[at]);
        let next = self.allocations.get(after);
        let distance_after = next.map(|next| next.base - address);
        if let Some(before) = before {
            let offset = address - before.base;
            let past = offset.saturating_sub(before.size);
            if distance_after.is_none_or(|distance| past <= distance) {
                let state = if before.is_free {
                    ", which was freed"
                } else {
                    ""
                };
                return format!(
                    "{access}: offset {offset} in the allocation of {} bytes at {:#x}{state}",
                    before.size, before.base
                );
            }
        }
        match next {
            Some(next) => format!(
                "{access}: {} bytes before the allocation of {} bytes at {:#x}",
                next.base - address,
                next.size,
                next.base
            ),
            None => format!("{access}, and nothing is"),
        }
    }

    pub(crate) fn bytes(&self, range: Range) -> &[u8] {
        &self.allocations[range.allocation].bytes[range.start..range.end]
    }

    /// The bytes to be written, which count as initialised from then on.
    pub(crate) fn bytes_mut(&mut self, range: Range) -> &mut [u8] {
        let allocation = &mut self.allocations[range.allocation];
        allocation.undefined[range.start..range.end].fill(false);
        &mut allocation.bytes[range.start..range.end]
    }

    /// The first byte of a range that nothing was written to.
    pub(crate) fn undefined(&self, range: Range) -> Option<usize> {
        let allocation = &self.allocations[range.allocation];
        allocation.undefined[range.start..range.end]
            .iter()
            .position(|undefined| *undefined)
    }

    /// The base and the size of an allocation.
    pub(crate) fn extent(&self, allocation: usize) -> (u64, u64) {
        let allocation = &self.allocations[allocation];
        (allocation.base, allocation.size)
    }
}
