//! Work that was captured, as a graph of the driver.

use std::sync::Arc;

use cudarc::driver::sys::{self, CUgraph, CUgraphExec, CUresult, CUstreamCaptureMode};

use super::Inner;
use super::session::{Ended, Session};
use crate::device::Graph;
use crate::error::GpuError;

/// What a capture keeps for its graph: copies of what is copied to the device.
pub(super) type Copied = Vec<Box<[u8]>>;

/// Lets the stream note what it is to do.
pub(super) fn begin(session: &Session) -> Result<(), GpuError> {
    // Kernels may be loaded meanwhile, which stricter modes refuse.
    let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
    // SAFETY: the stream is there.
    let begun = session.run("cuStreamBeginCapture", || unsafe {
        sys::cuStreamBeginCapture_v2(session.stream(), mode)
    });
    begun.map_err(|ended| match ended {
        Ended::Failed(failure)
            if failure.code == CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED =>
        {
            GpuError::Argument(
                "the default stream can't be captured; open the GPU with another".to_string(),
            )
        }
        other => other.into(),
    })
}

/// Makes a graph of what was noted since [`begin`].
pub(super) fn end(inner: &Arc<Inner>, copied: Copied) -> Result<CudaGraph, GpuError> {
    /// Destroyed when it is instantiated, or is not.
    struct Noted<'a>(&'a Session, CUgraph);
    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            if !self.1.is_null() {
                // SAFETY: it is there, and no one has it.
                let _ = self
                    .0
                    .run("cuGraphDestroy", || unsafe { sys::cuGraphDestroy(self.1) });
            }
        }
    }
    let session = &inner.session;
    let mut noted = Noted(session, std::ptr::null_mut());
    // SAFETY: the stream is there, and a graph is written.
    session.run("cuStreamEndCapture", || unsafe {
        sys::cuStreamEndCapture(session.stream(), &raw mut noted.1)
    })?;
    let mut exec = std::ptr::null_mut();
    // SAFETY: the graph is there, and what is launched is written.
    session.run("cuGraphInstantiate", || unsafe {
        sys::cuGraphInstantiateWithFlags(&raw mut exec, noted.1, 0)
    })?;
    Ok(CudaGraph {
        inner: Arc::clone(inner),
        exec,
        _copied: copied,
    })
}

/// A graph that can be launched; it keeps the kernels loaded.
#[derive(Debug)]
pub(super) struct CudaGraph {
    inner: Arc<Inner>,
    exec: CUgraphExec,
    _copied: Copied,
}

// SAFETY: the driver takes graphs from any thread, one at a time.
unsafe impl Send for CudaGraph {}

impl Graph for CudaGraph {
    unsafe fn launch(&self) -> Result<(), GpuError> {
        self.inner.not_captured("launching a graph")?;
        let session = &self.inner.session;
        // SAFETY: the graph is there; the caller promises the rest.
        session.run("cuGraphLaunch", || unsafe {
            sys::cuGraphLaunch(self.exec, session.stream())
        })?;
        Ok(())
    }
}

impl Drop for CudaGraph {
    fn drop(&mut self) {
        let session = &self.inner.session;
        // It may be running, and reads what was copied. A device that is lost runs nothing.
        let _ = session.synchronise();
        // SAFETY: no one has it any more.
        let _ = session.run("cuGraphExecDestroy", || unsafe {
            sys::cuGraphExecDestroy(self.exec)
        });
    }
}
