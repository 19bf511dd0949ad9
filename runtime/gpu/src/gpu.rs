//! A device with its memory, as programs use it for the calls of libraries.

use std::ffi::c_void;
use std::sync::Arc;

use crate::calls::Calls;
use crate::cuda::Cuda;
use crate::device::{About, Device, Graph};
use crate::emulated::{Emulated, Settings};
use crate::error::GpuError;
use crate::memory::{DeviceBuffer, Memory};

/// A device that libraries are called on.
///
/// ```no_run
/// let gpu = dlc_gpu::Gpu::open(0)?;
/// let x = gpu.buffer_of(&[0; 4096])?;
/// let device = gpu.device();
/// // model_f_gpu(&device, …, x.as_mut_ptr(), …)
/// # Ok::<(), dlc_gpu::GpuError>(())
/// ```
#[derive(Debug)]
pub struct Gpu {
    memory: Arc<Memory>,
    /// In a place of its own, as libraries have its address.
    calls: Arc<Calls>,
}

impl Gpu {
    /// The libraries' way to a device.
    pub fn new(device: Arc<dyn Device>) -> Self {
        Self {
            calls: Arc::new(Calls::new(Arc::clone(&device))),
            memory: Arc::new(Memory::new(device)),
        }
    }

    /// A GPU by its number, from 0, with a stream of its own.
    ///
    /// # Errors
    /// As [`Cuda::open`].
    pub fn open(ordinal: i32) -> Result<Self, GpuError> {
        Ok(Self::new(Arc::new(Cuda::open(ordinal)?)))
    }

    /// The GPU of a stream that the program has, on which all work is done.
    ///
    /// # Errors
    /// As [`Cuda::with_stream`].
    ///
    /// # Safety
    /// As [`Cuda::with_stream`].
    pub unsafe fn with_stream(stream: *mut c_void) -> Result<Self, GpuError> {
        // SAFETY: the caller's promise.
        let cuda = unsafe { Cuda::with_stream(stream)? };
        Ok(Self::new(Arc::new(cuda)))
    }

    /// An interpreter in the place of a GPU.
    pub fn emulated(settings: Settings) -> Self {
        Self::new(Arc::new(Emulated::new(settings)))
    }

    /// What the device is.
    pub fn about(&self) -> &About {
        self.memory.device().about()
    }

    /// What to pass to `_gpu` entries, valid as long as `self`.
    pub fn device(&self) -> dlc_abi::device::Device {
        self.calls.device()
    }

    /// The words of the last error in a call of a library; none before the first.
    pub fn message(&self) -> String {
        self.calls.message()
    }

    /// The last error in a call of a library; none before the first.
    pub fn failed(&self) -> Option<GpuError> {
        self.calls.failed()
    }

    /// Runs something for a caller that takes a status, and keeps the words of its error or panic for
    /// [`Gpu::message`]; the status is 0 or that of the error.
    pub fn status_of(&self, work: impl FnOnce() -> Result<(), GpuError>) -> i32 {
        self.calls.run(work)
    }

    /// The device's memory.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// So many bytes on the device, with no value.
    ///
    /// # Errors
    /// As [`Memory::alloc`].
    pub fn buffer(&self, bytes: u64) -> Result<DeviceBuffer, GpuError> {
        DeviceBuffer::new(&self.memory, bytes)
    }

    /// A copy of some bytes on the device.
    ///
    /// # Errors
    /// As [`Memory::alloc`], and where the copy fails.
    pub fn buffer_of(&self, bytes: &[u8]) -> Result<DeviceBuffer, GpuError> {
        DeviceBuffer::of(&self.memory, bytes)
    }

    /// Waits for all work.
    ///
    /// # Errors
    /// Fails for what failed before.
    pub fn synchronise(&self) -> Result<(), GpuError> {
        self.memory.device().synchronise()
    }

    /// Captures what some calls do, a whole step say, to be done many times with one launch each. Nothing is done
    /// yet. Values that are no buffers stay what they are now; memory that it uses must be there at each launch. In the
    /// calls, nothing is copied from the device and no memory is taken.
    ///
    /// # Errors
    /// The error of `work`, or of what can't be captured.
    pub fn capture<E: From<GpuError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<Box<dyn Graph>, E> {
        /// Ends the capture of work that fails or panics.
        struct Ends<'a>(Option<&'a dyn Device>);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                if let Some(device) = self.0 {
                    // There is an error to report already.
                    let _ = device.end_capture();
                }
            }
        }
        let device = self.memory.device().as_ref();
        device.begin_capture()?;
        let mut ends = Ends(Some(device));
        work(self)?;
        ends.0 = None;
        Ok(device.end_capture()?)
    }
}
