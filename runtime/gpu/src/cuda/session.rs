//! A context and a stream: where all calls of the driver for one device are made.

use std::ffi::c_void;
use std::sync::OnceLock;

use cudarc::driver::sys::{self, CUcontext, CUdevice, CUresult, CUstream};

use super::driver::{self, Failure, check};
use crate::error::GpuError;

/// A context and a stream.
#[derive(Debug)]
pub(super) struct Session {
    device: CUdevice,
    context: CUcontext,
    stream: CUstream,
    owner: Owner,
    /// What failed for good.
    lost: OnceLock<String>,
}

/// Who made the stream and keeps the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Us,
    Program,
}

/// What a call of the driver ended with.
#[derive(Debug)]
pub(super) enum Ended {
    /// The device was lost, now or before.
    Lost(GpuError),
    /// This call failed, and others may not.
    Failed(Failure),
}

impl From<Ended> for GpuError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Lost(error) => error,
            Ended::Failed(failure) => failure.into(),
        }
    }
}

// SAFETY: the driver takes contexts and streams from any thread.
unsafe impl Send for Session {}
// SAFETY: as above, and from several at a time.
unsafe impl Sync for Session {}

impl Session {
    /// The primary context of a device, which other parts of the program use too, and a stream of our own.
    pub(super) fn open(ordinal: i32) -> Result<Self, GpuError> {
        driver::start()?;
        let (mut count, mut device) = (0, 0);
        let mut context = std::ptr::null_mut();
        // SAFETY: the driver is there, and writes what is named.
        unsafe {
            check("cuDeviceGetCount", sys::cuDeviceGetCount(&raw mut count))?;
            if !(0..count).contains(&ordinal) {
                return Err(GpuError::NoDevice { ordinal, count });
            }
            check("cuDeviceGet", sys::cuDeviceGet(&raw mut device, ordinal))?;
            let retained = sys::cuDevicePrimaryCtxRetain(&raw mut context, device);
            check("cuDevicePrimaryCtxRetain", retained)?;
        }
        // From here on it is dropped as a whole.
        let mut session = Self {
            device,
            context,
            stream: std::ptr::null_mut(),
            owner: Owner::Us,
            lost: OnceLock::new(),
        };
        let mut stream = std::ptr::null_mut();
        let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: the context is there.
        session.run("cuStreamCreate", || unsafe {
            sys::cuStreamCreate(&raw mut stream, flags)
        })?;
        session.stream = stream;
        Ok(session)
    }

    /// The context of a stream of the program.
    ///
    /// # Safety
    /// It is a stream of the driver, or null for the default one of the current context, and outlives the session.
    pub(super) unsafe fn of_stream(stream: *mut c_void) -> Result<Self, GpuError> {
        driver::start()?;
        let stream: CUstream = stream.cast();
        let mut context = std::ptr::null_mut();
        // SAFETY: the caller's promise.
        let found = unsafe { sys::cuStreamGetCtx(stream, &raw mut context) };
        check("cuStreamGetCtx", found)?;
        if context.is_null() {
            return Err(GpuError::Argument(
                "the stream has no context; make one current first".to_string(),
            ));
        }
        let mut session = Self {
            device: 0,
            context,
            stream,
            owner: Owner::Program,
            lost: OnceLock::new(),
        };
        let mut device = 0;
        // SAFETY: the context is there.
        session.run("cuCtxGetDevice", || unsafe {
            sys::cuCtxGetDevice(&raw mut device)
        })?;
        session.device = device;
        Ok(session)
    }

    pub(super) fn device(&self) -> CUdevice {
        self.device
    }

    pub(super) fn stream(&self) -> CUstream {
        self.stream
    }

    /// Makes one call with the context current, which it is not afterwards unless it was before.
    pub(super) fn run(
        &self,
        call: &'static str,
        work: impl FnOnce() -> CUresult,
    ) -> Result<(), Ended> {
        if let Some(first) = self.lost.get() {
            return Err(lost(first));
        }
        let _entered = self.enter().map_err(|failure| self.ended(failure))?;
        check(call, work()).map_err(|failure| self.ended(failure))
    }

    /// Waits for all work on the stream.
    pub(super) fn synchronise(&self) -> Result<(), Ended> {
        // SAFETY: the stream is there.
        self.run("cuStreamSynchronize", || unsafe {
            sys::cuStreamSynchronize(self.stream)
        })
    }

    fn ended(&self, failure: Failure) -> Ended {
        match failure.is_sticky() {
            // Of two threads the first says what it was.
            true => lost(self.lost.get_or_init(|| failure.to_string())),
            false => Ended::Failed(failure),
        }
    }

    fn enter(&self) -> Result<Entered, Failure> {
        let mut current = std::ptr::null_mut();
        // SAFETY: the driver is there and writes a context; ours may be made current.
        unsafe {
            check("cuCtxGetCurrent", sys::cuCtxGetCurrent(&raw mut current))?;
            if current == self.context {
                return Ok(Entered::Before);
            }
            check("cuCtxPushCurrent", sys::cuCtxPushCurrent_v2(self.context))?;
        }
        Ok(Entered::Now)
    }
}

fn lost(first: &str) -> Ended {
    Ended::Lost(GpuError::Lost {
        first: first.to_string(),
    })
}

/// Whether the context was made current for a call.
enum Entered {
    Before,
    Now,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Entered::Now = self {
            let mut popped = std::ptr::null_mut();
            // SAFETY: what was pushed is popped; that it fails changes nothing for the caller.
            let _ = unsafe { sys::cuCtxPopCurrent_v2(&raw mut popped) };
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.owner == Owner::Program {
            return;
        }
        if !self.stream.is_null() {
            // A device that is lost has no stream any more.
            // SAFETY: the stream is ours and no one has it any more.
            let _ = self.run("cuStreamDestroy", || unsafe {
                sys::cuStreamDestroy_v2(self.stream)
            });
        }
        // SAFETY: it was retained once.
        let _ = unsafe { sys::cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}
