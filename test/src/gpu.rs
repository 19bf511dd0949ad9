//! Kernels: a module through the pipeline for GPUs into a shared library, called on the interpreter of PTX. With `DLC_GPU=1`
//! the first GPU does each call as well, and both have to agree.

use crate::{
    compare,
    cpu::{CPU, build},
    runner::{Program, Runner},
};
use anyhow::{Context, Result, bail, ensure};
use dlc_driver::compile::{ARCHITECTURES, Options};
use dlc_gpu::{Gpu, Settings};
use dlc_runtime::{LibraryError, Tensor, bind::Bound, library::Library};
use std::sync::OnceLock;

/// Set where a GPU is to do what the interpreter does.
const ASKED: &str = "DLC_GPU";

/// Whether a GPU is to do what the interpreter does.
pub fn asked() -> bool {
    std::env::var_os(ASKED).is_some_and(|value| value == "1")
}

/// The first GPU, if it is asked for.
fn hardware() -> Result<Option<&'static Gpu>> {
    static GPU: OnceLock<Result<Gpu, dlc_gpu::GpuError>> = OnceLock::new();
    if !asked() {
        return Ok(None);
    }
    match GPU.get_or_init(|| Gpu::open(0)) {
        Ok(gpu) => Ok(Some(gpu)),
        Err(error) => bail!("{ASKED}=1: {error}"),
    }
}

/// How many times the tolerance of its type a result of a GPU may be off from that of the interpreter, where calls are short.
pub const SHORT: f64 = 16.0;

/// What calls kernels in tests: the interpreter, and the GPU if it is asked for.
pub struct Devices {
    emulated: Gpu,
    /// How many times the tolerance of its type a result may be off between them.
    slack: f64,
}

impl Devices {
    /// With nothing on the interpreter.
    pub fn new(slack: f64) -> Self {
        Self {
            emulated: Gpu::emulated(Settings::default()),
            slack,
        }
    }

    /// Does a call on each; `bound` has what the last of them gives.
    pub fn run(&self, library: &Library, bound: &mut Bound) -> Result<()> {
        match hardware()? {
            None => Ok(on(&self.emulated, library, bound)?),
            Some(gpu) => self.beside(gpu, library, bound),
        }
    }

    /// Does a call on the interpreter and on another device, which fail alike or agree.
    fn beside(&self, other: &Gpu, library: &Library, bound: &mut Bound) -> Result<()> {
        let mut first = bound.clone();
        match (
            on(&self.emulated, library, &mut first),
            on(other, library, bound),
        ) {
            (Ok(()), Ok(())) => {}
            (Err(first), Err(second)) => {
                let (expected, found) = (first.to_string(), second.to_string());
                ensure!(
                    expected == found,
                    "the interpreter fails with `{expected}`, the GPU with `{found}`"
                );
                return Err(second.into());
            }
            (Err(first), Ok(())) => bail!("on the interpreter only: {first}"),
            (Ok(()), Err(second)) => bail!("on the GPU only: {second}"),
        }
        let tensors = |bound: &Bound| [bound.params(), bound.results()].concat();
        for (i, (expected, found)) in tensors(&first).iter().zip(tensors(bound)).enumerate() {
            let allowed = self.slack * compare::tolerance(expected.dtype());
            compare::check(expected, &found, compare::Bound::Near(allowed))
                .with_context(|| format!("leaf {i} on the GPU, beside the interpreter's"))?;
        }
        Ok(())
    }
}

fn on(gpu: &Gpu, library: &Library, bound: &mut Bound) -> Result<(), LibraryError> {
    library.prepare_on(gpu, bound)?.run(bound)
}

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
            devices: Devices::new(SHORT),
            _folder: folder,
        }))
    }
}

/// A compiled program with its devices.
struct OnDevice {
    library: Library,
    devices: Devices,
    _folder: tempfile::TempDir,
}

impl Program for OnDevice {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        let entry = self.library.entry(function)?;
        let names = entry.dims.iter().map(|dim| dim.name.clone());
        let dims = names.zip(dims.iter().copied()).collect::<Vec<_>>();
        let mut bound = Bound::from_tensors(entry, args.to_vec(), &dims)?;
        self.devices.run(&self.library, &mut bound)?;
        Ok(bound.results().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_abi::DType;

    /// An interpreter stands for the GPU.
    #[test]
    fn two_devices_agree_or_the_call_fails() {
        let text = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}";
        let options = Options {
            gpu: Some(ARCHITECTURES[0]),
            ..Options::default()
        };
        let (library, _folder) = build(text, options, &[]).expect("it compiles");
        let entry = library.entry("f").expect("it is there");
        let x = Tensor::zeros(DType::F32, &[4]).expect("it is small");
        let bound = Bound::from_tensors(entry, vec![x], &[]).expect("it fits");
        let devices = Devices::new(SHORT);
        let call = |other: &Gpu| {
            let mut bound = bound.clone();
            devices.beside(other, &library, &mut bound)?;
            anyhow::Ok(bound.results()[0].to_f64())
        };
        let found = call(&Gpu::emulated(Settings::default())).expect("both do it");
        assert_eq!(found, [1.0; 4]);
        let small = Settings {
            memory_bytes: 8,
            ..Settings::default()
        };
        let error = call(&Gpu::emulated(small)).expect_err("it has too little memory");
        let error = error.to_string();
        assert!(error.starts_with("on the GPU only: no memory"), "{error}");
    }
}
