//! Points in the order of a stream's work, as events of the driver.

use cudarc::driver::sys::{self, CUevent};

use super::session::{Ended, Session};
use crate::error::GpuError;

/// Those that were made and not read yet.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<CUevent>);

// SAFETY: the driver takes events from any thread.
unsafe impl Send for Marks {}

impl Marks {
    /// One more; gives its number.
    pub(super) fn add(&mut self, session: &Session) -> Result<usize, GpuError> {
        let mut event = std::ptr::null_mut();
        // SAFETY: it writes an event.
        session.run("cuEventCreate", || unsafe {
            sys::cuEventCreate(&raw mut event, 0)
        })?;
        self.0.push(event);
        // SAFETY: event and stream are there.
        session.run("cuEventRecord", || unsafe {
            sys::cuEventRecord(event, session.stream())
        })?;
        Ok(self.0.len() - 1)
    }

    /// When they were reached, in microseconds after the first; all work is done. They are gone then.
    pub(super) fn take(&mut self, session: &Session) -> Result<Vec<f64>, GpuError> {
        let Some(first) = self.0.first().copied() else {
            return Ok(vec![]);
        };
        let since = |event: CUevent| -> Result<f64, Ended> {
            let mut milliseconds = 0.0_f32;
            // SAFETY: both are there and were recorded; it writes a number.
            session.run("cuEventElapsedTime", || unsafe {
                sys::cuEventElapsedTime(&raw mut milliseconds, first, event)
            })?;
            Ok(f64::from(milliseconds) * 1e3)
        };
        let times = self.0.iter().map(|event| since(*event));
        let times = times.collect::<Result<Vec<_>, _>>();
        self.free(session);
        Ok(times?)
    }

    /// Gives all back.
    pub(super) fn free(&mut self, session: &Session) {
        for event in self.0.drain(..) {
            // A device that is lost has none any more.
            // SAFETY: it is there, and no one has it any more.
            let _ = session.run("cuEventDestroy", || unsafe {
                sys::cuEventDestroy_v2(event)
            });
        }
    }
}
