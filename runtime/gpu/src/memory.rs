//! The memory of a device, kept for the next use: the one allocator, whatever the device.
//!
//! What is freed is kept by its size and given out again without the device being asked. As a device does all work in
//! the order of the calls, what comes next may use it at once. Sizes are rounded up, by 1/8 at most from 4 KiB on, so that
//! few differ. When the device has no more, what is kept is given back first.

mod buffer;
mod class;

pub use buffer::DeviceBuffer;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::{Address, Device};
use crate::error::GpuError;

/// What an allocator has and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes that were asked for and are in use.
    pub requested: u64,
    /// Bytes in use, as rounded.
    pub in_use: u64,
    /// Bytes that are kept for the next use.
    pub kept: u64,
    /// The most bytes that were in use.
    pub peak: u64,
    /// How often the device was asked for room and had it.
    pub taken: u64,
    /// How often what was kept did.
    pub reused: u64,
}

/// An allocator of a device's memory; it may be used from several threads.
#[derive(Debug)]
pub struct Memory {
    device: Arc<dyn Device>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The bytes asked for and the size, of what is in use.
    used: HashMap<Address, (u64, u64)>,
    /// What is kept, by size.
    kept: BTreeMap<u64, Vec<Address>>,
    statistics: Statistics,
}

impl Memory {
    /// An allocator that has nothing yet.
    pub fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            state: Mutex::default(),
        }
    }

    /// The device.
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// Room for so many bytes, at a multiple of 256, with no value.
    ///
    /// # Errors
    /// [`GpuError::Memory`] where there is too little even when nothing is kept.
    pub fn alloc(&self, bytes: u64) -> Result<Address, GpuError> {
        let mut state = self.state();
        let size = class::size(bytes).ok_or_else(|| self.too_large(bytes))?;
        let kept = state.kept.get_mut(&size).and_then(Vec::pop);
        let address = match kept {
            Some(address) => {
                state.statistics.kept -= size;
                state.statistics.reused += 1;
                address
            }
            None => {
                let address = self.take(&mut state, size)?;
                state.statistics.taken += 1;
                address
            }
        };
        state.used.insert(address, (bytes, size));
        let statistics = &mut state.statistics;
        statistics.requested += bytes;
        statistics.in_use += size;
        statistics.peak = statistics.peak.max(statistics.in_use);
        Ok(address)
    }

    fn take(&self, state: &mut State, size: u64) -> Result<Address, GpuError> {
        match self.device.alloc(size) {
            Err(GpuError::Memory { .. }) if state.statistics.kept > 0 => {
                self.give_back(state)?;
                self.device.alloc(size)
            }
            other => other,
        }
    }

    fn too_large(&self, bytes: u64) -> GpuError {
        GpuError::Memory {
            needed: bytes,
            free: self.device.free_bytes().unwrap_or(0),
            total: self.device.about().total_bytes,
        }
    }

    /// Keeps for the next use what [`Memory::alloc`] gave.
    ///
    /// # Errors
    /// [`GpuError::Argument`] where nothing is in use there.
    pub fn free(&self, address: Address) -> Result<(), GpuError> {
        let mut state = self.state();
        let Some((bytes, size)) = state.used.remove(&address) else {
            return Err(GpuError::Argument(format!(
                "no memory of this device is in use at {address:?}"
            )));
        };
        state.kept.entry(size).or_default().push(address);
        state.statistics.requested -= bytes;
        state.statistics.in_use -= size;
        state.statistics.kept += size;
        Ok(())
    }

    /// Gives back to the device all that is kept, after all work.
    ///
    /// # Errors
    /// Fails for what failed before.
    pub fn trim(&self) -> Result<(), GpuError> {
        self.give_back(&mut self.state())
    }

    fn give_back(&self, state: &mut State) -> Result<(), GpuError> {
        self.device.synchronise()?;
        while let Some((size, addresses)) = state.kept.pop_first() {
            for address in addresses {
                state.statistics.kept -= size;
                // SAFETY: no one uses what is kept, and all work is done.
                unsafe { self.device.free(address)? };
            }
        }
        Ok(())
    }

    /// What it has and did.
    pub fn statistics(&self) -> Statistics {
        self.state().statistics
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Memory {
    /// What is still in use is freed as well.
    fn drop(&mut self) {
        let used: Vec<_> = self.state().used.keys().copied().collect();
        for address in used {
            let freed = self.free(address);
            debug_assert!(freed.is_ok(), "it was in use");
        }
        // A device that is lost frees nothing, and there is no one to tell.
        let _ = self.trim();
    }
}

#[cfg(test)]
mod tests;
