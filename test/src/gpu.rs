//! Kernels: a module through the pipeline for GPUs into a shared library, called on the interpreter of PTX.

use crate::{
    cpu::{CPU, build},
    runner::{Program, Runner},
};
use anyhow::Result;
use dlc_driver::compile::{ARCHITECTURES, Options};
use dlc_gpu::{Gpu, Settings};
use dlc_runtime::{Tensor, bind::Bound, library::Library};

/// Compiles for the least GPU, and runs on the interpreter.
pub struct Emulated {
    /// The runner's name.
    pub name: &'static str,
    /// 0 to 3.
    pub level: u8,
}

/// With all passes, and with none of the optional ones.
pub static EMULATED: [Emulated; 2] = [
    Emulated {
        name: "gpu-emulated",
        level: 3,
    },
    Emulated {
        name: "gpu-emulated-plain",
        level: 0,
    },
];

/// Tests that kernels do not run yet: the beginning of the name, and the reason.
const SKIPS: &[(&str, &str)] = &[];

impl Runner for Emulated {
    fn name(&self) -> &'static str {
        self.name
    }

    fn skips(&self, test: &str) -> Option<&'static str> {
        let found = SKIPS.iter().find(|(name, _)| test.starts_with(name));
        found.map(|(_, reason)| *reason)
    }

    fn load(&self, text: &str) -> Result<Box<dyn Program>> {
        let options = Options {
            gpu: Some(ARCHITECTURES[0]),
            opt_level: self.level,
            ..(CPU.options)()
        };
        let (library, folder) = build(text, options, &[])?;
        Ok(Box::new(OnDevice {
            library,
            gpu: Gpu::emulated(Settings::default()),
            _folder: folder,
        }))
    }
}

/// A compiled program with its device.
struct OnDevice {
    library: Library,
    gpu: Gpu,
    _folder: tempfile::TempDir,
}

impl Program for OnDevice {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        let entry = self.library.entry(function)?;
        let names = entry.dims.iter().map(|dim| dim.name.clone());
        let dims = names.zip(dims.iter().copied()).collect::<Vec<_>>();
        let mut bound = Bound::from_tensors(entry, args.to_vec(), &dims)?;
        self.library
            .prepare_on(&self.gpu, &bound)?
            .run(&mut bound)?;
        Ok(bound.results().to_vec())
    }
}
