//! Copies to the device that the program does not wait for, though it may write the memory again at once.

use cudarc::driver::sys::{self, CUdeviceptr};

use super::session::Session;
use crate::error::GpuError;

/// How much may be on its way.
const ROOM: usize = 1 << 20;

/// Memory that the device copies from by itself.
#[derive(Debug)]
pub(super) struct Staging {
    memory: *mut u8,
    /// What is on its way, since the stream was waited for.
    used: usize,
}

// SAFETY: the memory is the process's and one thread at a time has it.
unsafe impl Send for Staging {}

impl Staging {
    /// None yet; it is made at the first copy.
    pub(super) fn new() -> Self {
        Self {
            memory: std::ptr::null_mut(),
            used: 0,
        }
    }

    /// Copies to the device. What does not fit in the room is waited for.
    ///
    /// # Safety
    /// There is that much room at `to`.
    pub(super) unsafe fn upload(
        &mut self,
        session: &Session,
        to: CUdeviceptr,
        from: &[u8],
    ) -> Result<(), GpuError> {
        if from.len() > ROOM {
            // SAFETY: the caller's promise; `from` is there until all is done.
            unsafe { copy(session, to, from.as_ptr(), from.len())? };
            return Ok(session.synchronise()?);
        }
        self.make(session)?;
        if self.used + from.len() > ROOM {
            session.synchronise()?;
            self.used = 0;
        }
        // SAFETY: there is room behind what is on its way.
        let staged = unsafe { self.memory.add(self.used) };
        // SAFETY: as above; and no one writes there until the stream was waited for.
        unsafe {
            std::ptr::copy_nonoverlapping(from.as_ptr(), staged, from.len());
            copy(session, to, staged, from.len())?;
        }
        self.used += from.len();
        Ok(())
    }

    fn make(&mut self, session: &Session) -> Result<(), GpuError> {
        if self.memory.is_null() {
            let mut memory = std::ptr::null_mut();
            // SAFETY: it writes where the memory is.
            session.run("cuMemAllocHost", || unsafe {
                sys::cuMemAllocHost_v2(&raw mut memory, ROOM)
            })?;
            self.memory = memory.cast();
        }
        Ok(())
    }

    /// Frees the memory; nothing is on its way.
    pub(super) fn free(&mut self, session: &Session) {
        let memory = std::mem::replace(&mut self.memory, std::ptr::null_mut());
        if !memory.is_null() {
            // The process keeps it where the device is lost.
            // SAFETY: it was allocated and no one has it.
            let _ = session.run("cuMemFreeHost", || unsafe {
                sys::cuMemFreeHost(memory.cast())
            });
        }
    }
}

/// Lets the stream copy to the device.
///
/// # Safety
/// There are so many bytes at both, at `from` until it is done.
pub(super) unsafe fn copy(
    session: &Session,
    to: CUdeviceptr,
    from: *const u8,
    bytes: usize,
) -> Result<(), GpuError> {
    // SAFETY: the caller's promise.
    session.run("cuMemcpyHtoDAsync", || unsafe {
        sys::cuMemcpyHtoDAsync_v2(to, from.cast(), bytes, session.stream())
    })?;
    Ok(())
}
