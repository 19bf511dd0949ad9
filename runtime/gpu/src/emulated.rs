//! A device that interprets PTX: for programs and tests where there is no GPU.
//!
//! It does what it is asked for at once, and stops at the first fault of a kernel, such as a race or a read outside of what
//! is allocated, which it names with the line of the text. After that it is lost, as a GPU is.

mod command;

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dlc_abi::device::TensorMap;
use dlc_ptx::{Element, FaultKind, Memory, Module, Options, Swizzle};

use crate::device::{About, Address, Capability, Device, EncodedMap, Graph, Kernel, Limits};
use crate::error::GpuError;
use crate::image::Images;
use crate::launch::Shape;
use crate::tensor_map;
use command::{Command, packed};

/// What the device is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Its compute capability.
    pub capability: Capability,
    /// Its multiprocessors, of which kernels that stay on them take account.
    pub processors: u32,
    /// Bytes of memory that it has.
    pub memory_bytes: u64,
    /// How kernels are run and what is looked for in them.
    pub options: Options,
}

impl Default for Settings {
    /// Compute capability 9.0, few multiprocessors, 1 GiB, all that the interpreter looks for.
    fn default() -> Self {
        Self {
            capability: Capability(90),
            processors: 4,
            memory_bytes: 1 << 30,
            options: Options::default(),
        }
    }
}

/// A device that interprets PTX.
#[derive(Debug)]
pub struct Emulated {
    inner: Arc<Inner>,
}

/// What graphs need as well.
#[derive(Debug)]
struct Inner {
    about: About,
    options: Options,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: Memory,
    /// The size of each allocation.
    sizes: HashMap<Address, u64>,
    /// The module and the name of each kernel that was loaded.
    kernels: Vec<(Arc<Module>, String)>,
    /// What is being captured, if anything is.
    captured: Option<Vec<Command>>,
    /// The first fault.
    lost: Option<String>,
    /// Times that were noted.
    marks: Vec<Instant>,
}

impl Emulated {
    /// A device that nothing is on.
    pub fn new(settings: Settings) -> Self {
        let capability = settings.capability;
        Self {
            inner: Arc::new(Inner {
                about: About {
                    name: "the interpreter of PTX".to_string(),
                    capability,
                    processors: settings.processors,
                    total_bytes: settings.memory_bytes,
                    limits: limits(capability),
                },
                options: settings.options,
                state: Mutex::default(),
            }),
        }
    }
}

/// The limits of devices of a capability, as the CUDA programming guide lists them.
fn limits(capability: Capability) -> Limits {
    let (shared_kib, cluster) = match capability.0 {
        80 | 87 => (163, 1),
        90..120 => (227, 8),
        120.. => (99, 8),
        _ => (99, 1),
    };
    Limits {
        grid: [i32::MAX as u32, 65535, 65535],
        block: [1024, 1024, 64],
        threads: 1024,
        shared: shared_kib << 10,
        cluster,
    }
}

impl Inner {
    /// What it has, unless it is lost.
    fn state(&self) -> Result<MutexGuard<'_, State>, GpuError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.lost {
            None => Ok(state),
            Some(first) => Err(GpuError::Lost {
                first: first.clone(),
            }),
        }
    }

    /// What it has, while nothing is captured.
    fn now(&self, what: &str) -> Result<MutexGuard<'_, State>, GpuError> {
        let state = self.state()?;
        match state.captured {
            None => Ok(state),
            Some(_) => Err(GpuError::captured(what)),
        }
    }

    /// Does something, or notes it.
    fn submit(&self, command: Command) -> Result<(), GpuError> {
        let mut state = self.state()?;
        match state.captured.as_mut() {
            Some(captured) => {
                captured.push(command);
                Ok(())
            }
            None => state.perform(&command, &self.options),
        }
    }
}

impl State {
    fn perform(&mut self, command: &Command, options: &Options) -> Result<(), GpuError> {
        match command {
            Command::Upload { to, bytes } => self.memory.write(to.0, bytes),
            Command::Fill { to, byte, bytes } => self.memory.fill(to.0, *byte, *bytes),
            Command::Copy { to, from, bytes } => self
                .memory
                .read(from.0, *bytes)
                .and_then(|bytes| self.memory.write(to.0, &bytes)),
            Command::Launch {
                kernel,
                launch,
                params,
            } => {
                let (module, name) = &self.kernels[*kernel];
                let ran = module.launch(name, launch, params, &mut self.memory, options);
                return ran.map(|_| ()).map_err(|fault| match fault.kind {
                    FaultKind::InvalidLaunch => GpuError::Launch {
                        kernel: name.clone(),
                        message: fault.message,
                    },
                    _ => {
                        let first = fault.to_string();
                        self.lost = Some(first.clone());
                        GpuError::Lost { first }
                    }
                });
            }
        }
        .map_err(|error| GpuError::Argument(error.to_string()))
    }
}

impl Device for Emulated {
    fn about(&self) -> &About {
        &self.inner.about
    }

    fn free_bytes(&self) -> Result<u64, GpuError> {
        let used: u64 = self.inner.state()?.sizes.values().sum();
        Ok(self.inner.about.total_bytes - used)
    }

    fn alloc(&self, bytes: u64) -> Result<Address, GpuError> {
        let mut state = self.inner.now("memory is asked for")?;
        let total = self.inner.about.total_bytes;
        let free = total - state.sizes.values().sum::<u64>();
        if bytes > free {
            return Err(GpuError::Memory {
                needed: bytes,
                free,
                total,
            });
        }
        let address = Address(state.memory.alloc(bytes as usize));
        state.sizes.insert(address, bytes);
        Ok(address)
    }

    unsafe fn free(&self, address: Address) -> Result<(), GpuError> {
        let mut state = self.inner.now("memory is freed")?;
        let freed = state.memory.free(address.0);
        freed.map_err(|error| GpuError::Argument(error.to_string()))?;
        state.sizes.remove(&address);
        Ok(())
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), GpuError> {
        let bytes = from.into();
        self.inner.submit(Command::Upload { to, bytes })
    }

    unsafe fn download(&self, to: &mut [u8], from: Address) -> Result<(), GpuError> {
        let mut state = self.inner.now("a copy from the device")?;
        let bytes = state.memory.read(from.0, to.len());
        to.copy_from_slice(&bytes.map_err(|error| GpuError::Argument(error.to_string()))?);
        Ok(())
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Result<(), GpuError> {
        let bytes = bytes as usize;
        self.inner.submit(Command::Copy { to, from, bytes })
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: u64) -> Result<(), GpuError> {
        let bytes = bytes as usize;
        self.inner.submit(Command::Fill { to, byte, bytes })
    }

    fn load(&self, images: &Images<'_>) -> Result<Vec<Kernel>, GpuError> {
        let image = images.choose(&self.inner.about)?;
        let refused = |log: String| GpuError::Kernels { log };
        let text = image.text.to_str();
        let text = text.map_err(|_| refused("the text is not UTF-8".to_string()))?;
        let module = Module::parse(text).map_err(|error| refused(error.to_string()))?;
        let module = Arc::new(module);
        for (name, parameters) in &images.kernels {
            let entry = module.entry(name);
            let entry =
                entry.ok_or_else(|| refused(format!("there is no kernel {name} in their text")))?;
            let found = entry.params().len();
            if found != *parameters {
                return Err(refused(format!(
                    "{name} has {found} parameters, not {parameters}"
                )));
            }
        }
        let mut state = self.inner.state()?;
        let loaded = images.kernels.iter().map(|(name, parameters)| {
            state.kernels.push((Arc::clone(&module), name.to_string()));
            Kernel {
                name: (*name).to_string(),
                parameters: *parameters,
                id: state.kernels.len() - 1,
            }
        });
        Ok(loaded.collect())
    }

    unsafe fn launch(
        &self,
        kernel: &Kernel,
        shape: &Shape,
        arguments: &[*const c_void],
    ) -> Result<(), GpuError> {
        let Some(fitted) = shape.fit(&self.inner.about, kernel, arguments.len())? else {
            return Ok(());
        };
        let found = self.inner.state()?.kernels.get(kernel.id).cloned();
        let entry = found
            .as_ref()
            .and_then(|(module, name)| module.entry(name))
            .filter(|entry| entry.name() == kernel.name);
        let entry = entry.ok_or_else(|| GpuError::another_device(&kernel.name))?;
        // SAFETY: the caller's promise.
        let params = unsafe { packed(entry, arguments) };
        let launch = dlc_ptx::Launch {
            grid: fitted.grid,
            block: fitted.block,
            cluster: (fitted.cluster != [1; 3]).then_some(fitted.cluster),
            dynamic_shared: fitted.shared,
        };
        self.inner.submit(Command::Launch {
            kernel: kernel.id,
            launch,
            params,
        })
    }

    fn tensor_map(&self, how: &TensorMap) -> Result<EncodedMap, GpuError> {
        tensor_map::check(how, self.inner.about.capability)?;
        let rank = how.rank as usize;
        let unsigned = |values: &[i64]| values.iter().map(|value| *value as u64).collect();
        let map = dlc_ptx::TensorMap {
            address: how.address.addr() as u64,
            element: element(how.element)?,
            dims: unsigned(&how.sizes[..rank]),
            strides: unsigned(&how.strides[1..rank]),
            box_dims: how.tile[..rank].iter().map(|tile| *tile as u32).collect(),
            swizzle: match how.swizzle {
                32 => Swizzle::Bytes32,
                64 => Swizzle::Bytes64,
                128 => Swizzle::Bytes128,
                _ => Swizzle::None,
            },
        };
        let encoded = map.encode();
        Ok(EncodedMap(
            encoded.map_err(|error| GpuError::Argument(error.to_string()))?,
        ))
    }

    fn synchronise(&self) -> Result<(), GpuError> {
        self.inner.now("waiting for the device").map(|_| ())
    }

    fn begin_capture(&self) -> Result<(), GpuError> {
        self.inner.now("a capture")?.captured = Some(Vec::new());
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Graph>, GpuError> {
        let commands = self.inner.state()?.captured.take();
        Ok(Box::new(Captured {
            inner: Arc::clone(&self.inner),
            commands: commands.ok_or_else(GpuError::not_captured)?,
        }))
    }

    fn mark(&self) -> Result<usize, GpuError> {
        let marks = &mut self.inner.now("a mark")?.marks;
        marks.push(Instant::now());
        Ok(marks.len() - 1)
    }

    fn marks(&self) -> Result<Vec<f64>, GpuError> {
        let marks = std::mem::take(&mut self.inner.now("reading marks")?.marks);
        let since = |mark: &Instant| (*mark - marks[0]).as_secs_f64() * 1e6;
        Ok(marks.iter().map(since).collect())
    }
}

/// The element type of a number of `CUtensorMapDataType` that was checked.
fn element(number: i64) -> Result<Element, GpuError> {
    let known = [
        Element::U8,
        Element::U16,
        Element::U32,
        Element::S32,
        Element::U64,
        Element::S64,
        Element::F16,
        Element::F32,
        Element::F64,
        Element::Bf16,
    ];
    let found = usize::try_from(number).ok();
    let found = found.and_then(|number| known.get(number)).copied();
    found.ok_or_else(|| {
        GpuError::Argument(format!(
            "a tensor map of the element type {number}, which the interpreter has not"
        ))
    })
}

/// What was captured.
#[derive(Debug)]
struct Captured {
    inner: Arc<Inner>,
    commands: Vec<Command>,
}

impl Graph for Captured {
    unsafe fn launch(&self) -> Result<(), GpuError> {
        let mut state = self.inner.now("launching a graph")?;
        let mut commands = self.commands.iter();
        commands.try_for_each(|command| state.perform(command, &self.inner.options))
    }
}

#[cfg(test)]
mod tests;
