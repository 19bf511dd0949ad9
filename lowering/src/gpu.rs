//! Programs for GPUs: what of an entry runs in kernels, and what on the host, which launches them.
//!
//! All memory of an entry is on the device. `form-kernels` makes kernels of loops whose rounds are independent, a thread a
//! round, and of whatever else touches memory, on one thread; sizes, loops around kernels and branches stay on the host.
//! What the host must know of the device's memory it reads by calls, which wait.

pub mod attention;
mod block;
mod callee;
mod hopper;
mod kernel;
mod nest;
pub mod products;
pub mod programs;
mod regions;
mod scan;
mod scatter;
mod sequence;
pub mod shared;
mod shuffle;
mod sort;

pub use block::{
    BLOCK, DYNAMIC_SHARED, barrier, dynamic_shared, give_shared, give_to_block, in_block, thread,
    threads,
};
pub use hopper::MAP;
pub use kernel::{Home, bounds};
pub use programs::{PROGRAM, Programs, is_program};
pub use regions::Former;
pub use scan::Scan;
pub use scatter::Scatter;
pub use sequence::Sequence;
pub use shuffle::{Shuffle, shuffled};
pub use sort::Sort;

/// The attribute of a function that is a kernel. Its arguments begin with the device and where the status of what fails goes, which
/// only calls of it use, and the number of a thread, where a call of it has how many there are.
pub const KERNEL: &str = "dl.kernel";
/// How the names of functions begin by which the host reads the device's memory; the type of what is read follows.
pub const READ: &str = "dlc_read_";
/// How the names of kernels end that the device launches.
pub const ENTRY: &str = "__entry";
/// The attribute of such a kernel: its place in the table of all kernels, an integer.
pub const NUMBER: &str = "dl.kernel_number";
/// How the name of the table of all kernels ends, which begins with the library's. No C function can have such a name.
pub const KERNELS: &str = ".kernels";
/// Bytes of parameters that a kernel takes at most.
pub const PARAMETER_BYTES: usize = 4096;

/// [`dlc_abi::device::Device`] in the `llvm` dialect.
pub const DEVICE_TYPE: &str = "!llvm.struct<(i64, i64, ptr, ptr, ptr, ptr)>";
/// [`dlc_abi::device::Launch`].
pub const LAUNCH_TYPE: &str =
    "!llvm.struct<(ptr, i64, array<3 x i64>, array<3 x i64>, array<3 x i64>, i64, ptr)>";
/// [`dlc_abi::device::Kernels`].
pub const KERNELS_TYPE: &str = "!llvm.struct<(ptr, i64, ptr, i64, ptr)>";
/// [`dlc_abi::device::Kernel`].
pub const KERNEL_TYPE: &str = "!llvm.struct<(ptr, i64)>";
/// [`dlc_abi::device::Image`].
pub const IMAGE_TYPE: &str = "!llvm.struct<(i64, ptr)>";

/// Fields of [`DEVICE_TYPE`] by their numbers.
pub mod device_field {
    /// How many multiprocessors there are.
    pub const COUNT: usize = 1;
    /// The function that launches a kernel.
    pub const LAUNCH: usize = 2;
    /// The function that copies.
    pub const COPY: usize = 3;
    /// The function that makes tensor maps.
    pub const MAKE: usize = 4;
    /// What all take first.
    pub const CONTEXT: usize = 5;
}
