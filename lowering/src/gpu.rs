//! Programs for GPUs: what of an entry runs in kernels, and what on the host, which launches them.
//!
//! All memory of an entry is on the device. `form-kernels` makes kernels of loops whose rounds are independent, a thread a
//! round, and of whatever else touches memory, on one thread; sizes, loops around kernels and branches stay on the host.
//! What the host must know of the device's memory it reads by calls, which wait.

mod block;
mod callee;
mod kernel;
pub mod products;
pub mod programs;
mod regions;
pub mod shared;

pub use block::{
    BLOCK, DYNAMIC_SHARED, barrier, dynamic_shared, give_shared, give_to_block, in_block, thread,
    threads,
};
pub use kernel::Home;
pub use programs::{PROGRAM, Programs, is_program};
pub use regions::Former;

/// The attribute of a function that is a kernel. Its arguments begin with the device and where the status of what fails goes, which
/// only calls of it use, and the number of a thread, where a call of it has how many there are.
pub const KERNEL: &str = "dl.kernel";
/// How the names of functions begin by which the host reads the device's memory; the type of what is read follows.
pub const READ: &str = "dlc_read_";
/// How the names of kernels end that the device launches.
pub const ENTRY: &str = "__entry";
/// How the name of the table of all kernels ends, which begins with the library's.
pub const KERNELS: &str = "_kernels";
