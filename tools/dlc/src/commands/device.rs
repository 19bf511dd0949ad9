//! The device of `--target gpu` and `--target gpu-emulated`.

use dlc_driver::compile::Architecture;
use dlc_gpu::{Gpu, Settings};

use crate::cli::RunTarget;
use crate::report::Error;

/// The device of a target that has one.
pub fn open(target: RunTarget) -> Result<Option<Gpu>, Error> {
    Ok(match target {
        RunTarget::Gpu => Some(Gpu::open(0)?),
        RunTarget::GpuEmulated => Some(Gpu::emulated(Settings::default())),
        RunTarget::Cpu | RunTarget::Reference => None,
    })
}

/// What to compile for a device: the newest that it runs.
pub fn architecture(gpu: &Gpu) -> Architecture {
    Architecture::of_capability(gpu.about().capability.0.into())
}
