//! A device for the tests: memory of the program, and launches that are noted.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlc_abi::device::TensorMap;

use crate::device::{About, Address, Capability, Device, EncodedMap, Graph, Kernel, Limits};
use crate::error::GpuError;
use crate::image::Images;
use crate::launch::Shape;

/// What a device of a capability is, with the limits of an H100.
pub fn about(capability: u32) -> About {
    About {
        name: "Fake GPU".into(),
        capability: Capability(capability),
        processors: 132,
        total_bytes: 1 << 20,
        limits: Limits {
            grid: [i32::MAX as u32, 65535, 65535],
            block: [1024, 1024, 64],
            threads: 1024,
            shared: 232_448,
            cluster: 8,
        },
    }
}

/// How a fake device fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    None,
    Error,
    Panic,
}

#[derive(Debug)]
pub struct Fake {
    about: About,
    state: Mutex<State>,
}

#[derive(Debug)]
pub struct State {
    pub allocated: BTreeMap<u64, Vec<u8>>,
    next: u64,
    pub failure: Failure,
    /// How often kernels were loaded.
    pub loads: usize,
    /// The kernel, the blocks along x, and the first argument as an `i64`, of each launch.
    pub launches: Vec<(String, u32, i64)>,
}

impl Fake {
    pub fn new() -> Self {
        Self {
            about: about(90),
            state: Mutex::new(State {
                allocated: BTreeMap::new(),
                next: 0x1000,
                failure: Failure::None,
                loads: 0,
                launches: Vec::new(),
            }),
        }
    }

    /// What it has; there after a panic, too.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn fail(&self, failure: Failure) {
        self.state().failure = failure;
    }

    /// Bytes that are allocated.
    pub fn allocated(&self) -> u64 {
        let state = self.state();
        state.allocated.values().map(|a| a.len() as u64).sum()
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, GpuError>) -> Result<T, GpuError> {
        let mut state = self.state();
        match state.failure {
            Failure::None => work(&mut state),
            Failure::Error => Err(GpuError::Lost {
                first: "it was told to fail".into(),
            }),
            Failure::Panic => panic!("it was told to panic"),
        }
    }
}

impl State {
    fn at(&mut self, address: Address, bytes: usize) -> Result<&mut [u8], GpuError> {
        let found = self.allocated.range_mut(..=address.0).next_back();
        found
            .and_then(|(start, memory)| {
                let start = (address.0 - start) as usize;
                memory.get_mut(start..start.checked_add(bytes)?)
            })
            .ok_or_else(|| GpuError::Argument(format!("no {bytes} bytes at {address:?}")))
    }
}

impl Device for Fake {
    fn about(&self) -> &About {
        &self.about
    }

    fn free_bytes(&self) -> Result<u64, GpuError> {
        Ok(self.about.total_bytes - self.allocated())
    }

    fn alloc(&self, bytes: u64) -> Result<Address, GpuError> {
        let free = self.free_bytes()?;
        self.with(|state| {
            if bytes > free {
                return Err(GpuError::Memory {
                    needed: bytes,
                    free,
                    total: self.about.total_bytes,
                });
            }
            let address = state.next;
            state.next = (address + bytes + 1).next_multiple_of(256);
            state.allocated.insert(address, vec![0xff; bytes as usize]);
            Ok(Address(address))
        })
    }

    unsafe fn free(&self, address: Address) -> Result<(), GpuError> {
        self.with(|state| match state.allocated.remove(&address.0) {
            Some(_) => Ok(()),
            None => Err(GpuError::Argument(format!("nothing at {address:?}"))),
        })
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), GpuError> {
        self.with(|state| {
            state.at(to, from.len())?.copy_from_slice(from);
            Ok(())
        })
    }

    unsafe fn download(&self, to: &mut [u8], from: Address) -> Result<(), GpuError> {
        self.with(|state| {
            to.copy_from_slice(state.at(from, to.len())?);
            Ok(())
        })
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Result<(), GpuError> {
        self.with(|state| {
            let bytes = state.at(from, bytes as usize)?.to_vec();
            state.at(to, bytes.len())?.copy_from_slice(&bytes);
            Ok(())
        })
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: u64) -> Result<(), GpuError> {
        self.with(|state| {
            state.at(to, bytes as usize)?.fill(byte);
            Ok(())
        })
    }

    fn load(&self, images: &Images<'_>) -> Result<Vec<Kernel>, GpuError> {
        images.choose(&self.about)?;
        self.with(|state| {
            state.loads += 1;
            let kernels = images.kernels.iter().enumerate();
            Ok(kernels
                .map(|(id, (name, parameters))| Kernel {
                    name: (*name).to_string(),
                    parameters: *parameters,
                    id,
                })
                .collect())
        })
    }

    unsafe fn launch(
        &self,
        kernel: &Kernel,
        shape: &Shape,
        arguments: &[*const c_void],
    ) -> Result<(), GpuError> {
        let Some(fitted) = shape.fit(&self.about, kernel, arguments.len())? else {
            return Ok(());
        };
        // SAFETY: the tests' kernels take an i64 first.
        let first = unsafe { *arguments[0].cast::<i64>() };
        self.with(|state| {
            state
                .launches
                .push((kernel.name.clone(), fitted.grid[0], first));
            Ok(())
        })
    }

    fn tensor_map(&self, how: &TensorMap) -> Result<EncodedMap, GpuError> {
        crate::tensor_map::check(how, self.about.capability)?;
        self.with(|_| Ok(EncodedMap([7; 128])))
    }

    fn synchronise(&self) -> Result<(), GpuError> {
        self.with(|_| Ok(()))
    }

    fn begin_capture(&self) -> Result<(), GpuError> {
        Err(GpuError::Argument("no captures".into()))
    }

    fn end_capture(&self) -> Result<Box<dyn Graph>, GpuError> {
        Err(GpuError::Argument("no captures".into()))
    }

    fn mark(&self) -> Result<usize, GpuError> {
        Err(GpuError::Argument("no marks".into()))
    }

    fn marks(&self) -> Result<Vec<f64>, GpuError> {
        Err(GpuError::Argument("no marks".into()))
    }
}
