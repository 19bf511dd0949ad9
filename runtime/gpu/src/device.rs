//! What a device does: the trait that the driver and the emulator are behind.

use std::ffi::c_void;
use std::fmt;

use dlc_abi::device::{TENSOR_MAP_BYTES, TensorMap};

use crate::error::GpuError;
use crate::image::Images;
use crate::launch::Shape;

/// An address in the memory of a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u64);

impl Address {
    /// As entries of libraries take it.
    pub fn as_mut_ptr(self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.0 as usize)
    }

    /// The address so many bytes on.
    pub fn offset(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A compute capability: ten times the major number and the minor one. It is written as `9.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Capability(pub u32);

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// What a launch must keep within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of shared memory of a block.
    pub shared: u32,
    /// Blocks of a cluster; 1 where there are no clusters.
    pub cluster: u32,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its compute capability.
    pub capability: Capability,
    /// Its multiprocessors.
    pub processors: u32,
    /// Bytes of memory that it has.
    pub total_bytes: u64,
    /// What launches keep within.
    pub limits: Limits,
}

/// A kernel that a device has loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its name.
    pub name: String,
    /// How many parameters it has.
    pub parameters: usize,
    /// What the device knows it by.
    pub(crate) id: usize,
}

/// A tensor map, to be passed to kernels by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct EncodedMap(pub [u8; TENSOR_MAP_BYTES]);

/// Work that was captured, to be done many times.
pub trait Graph: fmt::Debug + Send {
    /// Does it once more, after all that was asked for before.
    ///
    /// # Errors
    /// Fails as what was captured does.
    ///
    /// # Safety
    /// What the captured calls were promised still holds: the memory is there.
    unsafe fn launch(&self) -> Result<(), GpuError>;
}

/// A device. Its work is done in the order of the calls, on whatever threads they are; [`Device::download`] and
/// [`Device::synchronise`] wait for all before, and an error of a kernel may only come up there.
pub trait Device: fmt::Debug + Send + Sync {
    /// What it is.
    fn about(&self) -> &About;

    /// Bytes of memory that are free.
    ///
    /// # Errors
    /// Fails where the device is lost.
    fn free_bytes(&self) -> Result<u64, GpuError>;

    /// Makes room for so many bytes, at an address that is a multiple of 256. For 0 bytes there is room too.
    ///
    /// # Errors
    /// [`GpuError::Memory`] where there is too little.
    fn alloc(&self, bytes: u64) -> Result<Address, GpuError>;

    /// Gives room back.
    ///
    /// # Errors
    /// Fails where nothing was allocated there.
    ///
    /// # Safety
    /// All work on it is done.
    unsafe fn free(&self, address: Address) -> Result<(), GpuError>;

    /// Copies to the device; `from` may be written again at once.
    ///
    /// # Errors
    /// Fails where the device is lost, or knows that there is no such room.
    ///
    /// # Safety
    /// There is that much room at `to`.
    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), GpuError>;

    /// Copies from the device, and waits for it.
    ///
    /// # Errors
    /// As [`Device::upload`]; and for what failed before.
    ///
    /// # Safety
    /// There is that much room at `from`.
    unsafe fn download(&self, to: &mut [u8], from: Address) -> Result<(), GpuError>;

    /// Copies within the device.
    ///
    /// # Errors
    /// As [`Device::upload`].
    ///
    /// # Safety
    /// There is that much room at both, and they do not overlap.
    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Result<(), GpuError>;

    /// Sets bytes.
    ///
    /// # Errors
    /// As [`Device::upload`].
    ///
    /// # Safety
    /// There is that much room at `to`.
    unsafe fn fill(&self, to: Address, byte: u8, bytes: u64) -> Result<(), GpuError>;

    /// Loads the kernels of a library from the image that fits the device, in the order of the library.
    ///
    /// # Errors
    /// [`GpuError::OldDevice`] where no image fits, [`GpuError::Kernels`] where its text is refused.
    fn load(&self, images: &Images<'_>) -> Result<Vec<Kernel>, GpuError>;

    /// Launches a kernel. A grid without blocks is nothing to do.
    ///
    /// # Errors
    /// [`GpuError::BadLaunch`] where the shape is none for the device, [`GpuError::Launch`] where it fails at once.
    ///
    /// # Safety
    /// The kernel is this device's. At each argument there is a value of the parameter's type; what the kernel reads
    /// and writes of the device's memory is there.
    unsafe fn launch(
        &self,
        kernel: &Kernel,
        shape: &Shape,
        arguments: &[*const c_void],
    ) -> Result<(), GpuError>;

    /// A tensor map.
    ///
    /// # Errors
    /// [`GpuError::Argument`] where a limit of such maps is not kept, or the device has none.
    fn tensor_map(&self, how: &TensorMap) -> Result<EncodedMap, GpuError>;

    /// Waits for all work.
    ///
    /// # Errors
    /// Fails for what failed before.
    fn synchronise(&self) -> Result<(), GpuError>;

    /// From now on copies to and on the device, fills and launches are noted and not done.
    ///
    /// # Errors
    /// Fails where that is so already, or the stream can't be captured.
    fn begin_capture(&self) -> Result<(), GpuError>;

    /// What was noted, to be done by [`Graph::launch`].
    ///
    /// # Errors
    /// Fails where nothing is captured, or where something in between can't be.
    fn end_capture(&self) -> Result<Box<dyn Graph>, GpuError>;

    /// Notes when all work before it is done; gives the number of the mark, from 0.
    ///
    /// # Errors
    /// Fails while work is captured, and where the device is lost.
    fn mark(&self) -> Result<usize, GpuError>;

    /// When each mark was reached, in microseconds after the first; waits for all work. Marks are counted anew afterwards.
    ///
    /// # Errors
    /// As [`Device::synchronise`].
    fn marks(&self) -> Result<Vec<f64>, GpuError>;
}
