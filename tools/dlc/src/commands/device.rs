//! The device of `--target gpu` and `--target gpu-emulated`.

use std::sync::Arc;

use dlc_driver::compile::Architecture;
use dlc_gpu::{Cuda, Device, Emulated, Gpu, Settings, Traced};

use super::call::on_cpu;
use crate::cli::{Call, RunTarget};
use crate::report::Error;

/// The device of a target that has one.
pub fn open(target: RunTarget) -> Result<Option<Gpu>, Error> {
    Ok(device(target)?.map(Gpu::new))
}

/// The same, with a timeline.
pub fn open_traced(target: RunTarget) -> Result<Option<(Gpu, Arc<Traced>)>, Error> {
    Ok(device(target)?.map(|device| {
        let traced = Arc::new(Traced::new(device));
        (Gpu::new(traced.clone()), traced)
    }))
}

fn device(target: RunTarget) -> Result<Option<Arc<dyn Device>>, Error> {
    Ok(match target {
        RunTarget::Gpu => Some(Arc::new(Cuda::open(0)?)),
        RunTarget::GpuEmulated => Some(Arc::new(Emulated::new(Settings::default()))),
        RunTarget::Cpu | RunTarget::Reference => None,
    })
}

/// The first GPU of this machine in words, or why there is none.
pub fn first() -> String {
    match Cuda::open(0) {
        Ok(gpu) => gpu.about().name.clone(),
        Err(error) => format!("none ({error})"),
    }
}

/// What to compile for a device: the newest that it runs.
pub fn architecture(gpu: &Gpu) -> Architecture {
    Architecture::of_capability(gpu.about().capability.0.into())
}

/// A call as it is compiled for a device, or for none.
pub fn call_for(gpu: Option<&Gpu>, call: &Call) -> Result<Call, Error> {
    match gpu {
        Some(gpu) if call.compile.gpu == "none" => {
            let mut call = call.clone();
            call.compile.gpu = architecture(gpu).name.to_string();
            Ok(call)
        }
        Some(_) => Ok(call.clone()),
        None => on_cpu(call),
    }
}
