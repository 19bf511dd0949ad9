//! Chooses what calls with memory of the program run on: a GPU, the interpreter in its place, or the CPU.
//!
//! A variable of the environment says it, [`VARIABLE`], read at the first call. Without it the first GPU runs a call that is
//! new enough for the library, and the CPU where there is none. Devices that are opened stay open until the process ends. What a
//! device can't do once it was chosen is an error of the call: no call goes to another in the middle.

mod call;
#[cfg(test)]
mod tests;

pub use call::RUNTIME;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dlc_abi::choice::VARIABLE;

use crate::emulated::Settings;
use crate::error::GpuError;
use crate::gpu::Gpu;

/// What calls are to run on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    /// A GPU where there is one, else the CPU.
    Whatever,
    Cpu,
    /// The first GPU that is new enough.
    Gpu,
    /// The GPU of that number.
    Number(i32),
    Emulated,
    /// None of these.
    Unknown,
}

impl Asked {
    fn of(value: &str) -> Self {
        match value {
            "" => Self::Whatever,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            "emulated" => Self::Emulated,
            other => {
                let number = other.strip_prefix("gpu:").map(str::parse);
                match number {
                    Some(Ok(number)) if number >= 0 => Self::Number(number),
                    _ => Self::Unknown,
                }
            }
        }
    }
}

/// A device to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    Cuda(i32),
    Emulated,
}

impl Which {
    fn open(self) -> Result<Gpu, GpuError> {
        match self {
            Self::Cuda(ordinal) => Gpu::open(ordinal),
            Self::Emulated => Ok(Gpu::emulated(Settings::default())),
        }
    }
}

/// Opens a device; another in tests.
type Open = fn(Which) -> Result<Gpu, GpuError>;

/// A device that was opened, or why it could not be.
type Opened = Result<Arc<Gpu>, GpuError>;

/// Chooses a device for each call.
#[derive(Debug)]
struct Chooser {
    /// The variable's value.
    value: String,
    asked: Asked,
    open: Open,
    opened: Mutex<HashMap<Which, Opened>>,
}

impl Chooser {
    fn new(value: &str, open: Open) -> Self {
        Self {
            value: value.to_string(),
            asked: Asked::of(value),
            open,
            opened: Mutex::default(),
        }
    }

    /// The one of the process.
    fn of_process() -> &'static Self {
        static CHOOSER: OnceLock<Chooser> = OnceLock::new();
        CHOOSER.get_or_init(|| {
            let value = std::env::var_os(VARIABLE).unwrap_or_default();
            Self::new(&value.to_string_lossy(), Which::open)
        })
    }

    /// The device for a library that `suits` accepts one for; none for the CPU. An error is that of a device that is asked for.
    fn choose(
        &self,
        suits: impl Fn(&Gpu) -> Result<(), GpuError>,
    ) -> Result<Option<Arc<Gpu>>, GpuError> {
        let suitable = |which| {
            let gpu = self.opened(which)?;
            suits(&gpu).map(|()| gpu)
        };
        match self.asked {
            Asked::Cpu => Ok(None),
            Asked::Number(ordinal) => self.only(suitable(Which::Cuda(ordinal))),
            Asked::Emulated => self.only(suitable(Which::Emulated)),
            Asked::Whatever | Asked::Gpu => {
                let mut first = None;
                for ordinal in 0.. {
                    let error = match suitable(Which::Cuda(ordinal)) {
                        Ok(gpu) => return Ok(Some(gpu)),
                        Err(error) => error,
                    };
                    let none_left = ends(&error);
                    let first = first.get_or_insert(error);
                    if none_left {
                        return self.only(Err(first.clone()));
                    }
                }
                unreachable!("a driver has no more GPUs than numbers")
            }
            Asked::Unknown => self.only(Err(GpuError::Argument(
                "it is none of `cpu`, `gpu`, `gpu:N` with the number of one, and `emulated`"
                    .to_string(),
            ))),
        }
    }

    /// A device that was found, or the CPU where no device is asked for.
    fn only(&self, found: Result<Arc<Gpu>, GpuError>) -> Result<Option<Arc<Gpu>>, GpuError> {
        match found {
            Err(_) if self.asked == Asked::Whatever => Ok(None),
            found => found.map(Some),
        }
    }

    fn opened(&self, which: Which) -> Opened {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let found = opened.entry(which);
        found
            .or_insert_with(|| (self.open)(which).map(Arc::new))
            .clone()
    }
}

/// Whether no greater number has a GPU either.
fn ends(error: &GpuError) -> bool {
    matches!(
        error,
        GpuError::NoDriver | GpuError::OldDriver { .. } | GpuError::NoDevice { .. }
    )
}
