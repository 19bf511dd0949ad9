//! Memory of a device that is freed when no one has it any more.

use std::ffi::c_void;
use std::sync::Arc;

use super::Memory;
use crate::device::Address;
use crate::error::GpuError;

/// Some bytes in the memory of a device.
#[derive(Debug)]
pub struct DeviceBuffer {
    memory: Arc<Memory>,
    address: Address,
    bytes: u64,
}

impl DeviceBuffer {
    /// So many bytes with no value.
    ///
    /// # Errors
    /// As [`Memory::alloc`].
    pub fn new(memory: &Arc<Memory>, bytes: u64) -> Result<Self, GpuError> {
        Ok(Self {
            address: memory.alloc(bytes)?,
            memory: Arc::clone(memory),
            bytes,
        })
    }

    /// A copy of some bytes.
    ///
    /// # Errors
    /// As [`DeviceBuffer::new`] and [`DeviceBuffer::upload`].
    pub fn of(memory: &Arc<Memory>, bytes: &[u8]) -> Result<Self, GpuError> {
        let buffer = Self::new(memory, bytes.len() as u64)?;
        buffer.upload(bytes)?;
        Ok(buffer)
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Where it is, as entries of libraries take it.
    pub fn as_mut_ptr(&self) -> *mut c_void {
        self.address.as_mut_ptr()
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies all its bytes to it.
    ///
    /// # Errors
    /// [`GpuError::Argument`] for another number of bytes, else as the device.
    pub fn upload(&self, from: &[u8]) -> Result<(), GpuError> {
        self.expect_bytes(from.len())?;
        // SAFETY: there is as much room.
        unsafe { self.memory.device().upload(self.address, from) }
    }

    /// Copies all its bytes from it, when all work is done.
    ///
    /// # Errors
    /// [`GpuError::Argument`] for another number of bytes, else as the device.
    pub fn download(&self, to: &mut [u8]) -> Result<(), GpuError> {
        self.expect_bytes(to.len())?;
        // SAFETY: there is as much room.
        unsafe { self.memory.device().download(to, self.address) }
    }

    /// Sets all bytes.
    ///
    /// # Errors
    /// As the device.
    pub fn fill(&self, byte: u8) -> Result<(), GpuError> {
        // SAFETY: it is as large.
        unsafe { self.memory.device().fill(self.address, byte, self.bytes) }
    }

    fn expect_bytes(&self, bytes: usize) -> Result<(), GpuError> {
        match bytes as u64 == self.bytes {
            true => Ok(()),
            false => Err(GpuError::Argument(format!(
                "a copy of {bytes} bytes with a buffer of {}",
                self.bytes
            ))),
        }
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        let freed = self.memory.free(self.address);
        debug_assert!(freed.is_ok(), "a buffer is freed once");
    }
}
