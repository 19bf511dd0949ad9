//! Calls on a GPU.

use std::ffi::c_void;

use dlc_abi::{Entry, device::Device, status};
use dlc_gpu::{DeviceBuffer, Gpu, GpuError};

use super::{Library, LibraryError, status_error, values_text};
use crate::bind::Bound;

type PackedGpuFn =
    unsafe extern "C" fn(*const Device, *const i64, *const *mut c_void, *mut c_void, usize) -> i32;

impl Library {
    /// Makes ready to call an entry on a GPU with tensors of the types and dims of `bound`: finds the functions, and allocates
    /// memory for all tensors and the workspace there.
    ///
    /// # Errors
    /// [`LibraryError::NoGpu`] for a library without kernels, [`LibraryError::Gpu`] where the device has too little memory.
    pub fn prepare_on<'a>(
        &'a self,
        gpu: &'a Gpu,
        bound: &Bound,
    ) -> Result<DeviceCall<'a>, LibraryError> {
        let entry = self.entry(&bound.entry)?;
        if self.manifest.gpu.is_none() {
            return Err(LibraryError::NoGpu {
                path: self.path.clone(),
            });
        }
        // SAFETY: the hash agrees, so the library has the entries with these signatures.
        let packed: PackedGpuFn = unsafe { self.symbol(&entry.packed_gpu_symbol())? };
        let bytes = self.workspace_bytes(entry, &entry.workspace_gpu_symbol(), bound)?;
        let tensors = bound.params.iter().chain(&bound.results);
        let sizes = tensors.map(|tensor| tensor.bytes().len() as u64);
        let mut leaves = buffers(gpu, sizes.chain([bytes as u64]))?;
        let workspace = leaves.pop().expect("the workspace is the last");
        Ok(DeviceCall {
            entry,
            packed,
            gpu,
            leaves,
            workspace,
        })
    }
}

/// Memory for all, or an error that says how much all of it is.
fn buffers(gpu: &Gpu, sizes: impl Iterator<Item = u64>) -> Result<Vec<DeviceBuffer>, GpuError> {
    let free = gpu.memory().device().free_bytes()?;
    let sizes = sizes.collect::<Vec<_>>();
    let made = sizes.iter().map(|bytes| gpu.buffer(*bytes));
    made.collect::<Result<_, _>>().map_err(|error| match error {
        GpuError::Memory { total, .. } => GpuError::Memory {
            needed: sizes.iter().sum(),
            free,
            total,
        },
        other => other,
    })
}

/// An entry with its tensors and its workspace on a GPU, ready to be called many times. Tensors stay there between
/// calls: only what [`DeviceCall::upload`] and [`DeviceCall::download`] copy goes over.
#[derive(Debug)]
pub struct DeviceCall<'a> {
    entry: &'a Entry,
    packed: PackedGpuFn,
    gpu: &'a Gpu,
    /// The parameters' leaves, then those of the results.
    leaves: Vec<DeviceBuffer>,
    workspace: DeviceBuffer,
}

impl DeviceCall<'_> {
    /// Copies all parameters to the device.
    ///
    /// # Errors
    /// [`LibraryError::Gpu`] where the device fails.
    pub fn upload(&self, bound: &Bound) -> Result<(), LibraryError> {
        for (buffer, tensor) in self.leaves.iter().zip(&bound.params) {
            buffer.upload(tensor.bytes())?;
        }
        Ok(())
    }

    /// Calls the entry, with what is on the device. It is done when something is copied from there.
    ///
    /// # Errors
    /// [`LibraryError::Status`] for what the entry refuses, [`LibraryError::Gpu`] where the device fails.
    pub fn launch(&self, bound: &Bound) -> Result<(), LibraryError> {
        assert_eq!(self.entry.name, bound.entry, "a call is for one entry");
        let leaves = self.leaves.iter().map(DeviceBuffer::as_mut_ptr);
        let leaves = leaves.collect::<Vec<_>>();
        let device = self.gpu.device();
        // SAFETY: the hash agrees; the buffers were made for these dims, with the size of each leaf of the entry in order, and of
        // the workspace. They and the device's functions live as long as `self`.
        let code = unsafe {
            (self.packed)(
                &raw const device,
                bound.dims.as_ptr(),
                leaves.as_ptr(),
                self.workspace.as_mut_ptr(),
                self.workspace.bytes() as usize,
            )
        };
        match code {
            status::OK => Ok(()),
            status::DEVICE => Err(LibraryError::Status {
                code,
                message: format!("{}: {}", self.entry.name, self.gpu.message()),
                values: values_text(bound),
            }),
            code => Err(status_error(self.entry, code, values_text(bound))),
        }
    }

    /// Copies the parameters that are updated in place and the results from the device.
    ///
    /// # Errors
    /// [`LibraryError::Gpu`] where the device fails, or failed since.
    pub fn download(&self, bound: &mut Bound) -> Result<(), LibraryError> {
        let tensors = bound.params.iter_mut().chain(&mut bound.results);
        for (buffer, tensor) in self.leaves.iter().zip(tensors) {
            buffer.download(tensor.bytes_mut())?;
        }
        Ok(())
    }

    /// All three: copies the parameters there, calls the entry, and copies everything back.
    ///
    /// # Errors
    /// Those of each.
    pub fn run(&self, bound: &mut Bound) -> Result<(), LibraryError> {
        self.upload(bound)?;
        self.launch(bound)?;
        self.download(bound)
    }

    /// The size of the workspace in bytes.
    pub fn workspace_bytes(&self) -> u64 {
        self.workspace.bytes()
    }
}
