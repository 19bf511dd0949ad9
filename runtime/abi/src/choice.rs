//! What a library built for a GPU asks of the program, where a call does not say on what it runs: a device, or the CPU.
//!
//! A library links nothing for it. It looks once for [`FUNCTION`] in the program, then in [`LIBRARY`], and runs on the CPU where
//! there is none. What it finds is a [`Runtime`], whose `call` does the whole call on a device or leaves it to the library.

use crate::device::{Device, Kernels};
use std::ffi::{c_char, c_void};

/// The version of what is declared here.
pub const VERSION: i64 = 1;

/// The function that gives a [`Runtime`], `const dlc_runtime *dlc_gpu_runtime(void)`.
pub const FUNCTION: &str = "dlc_gpu_runtime";
/// The shared library that is loaded for it where the program has no such function.
pub const LIBRARY: &str = "libdlc_gpu_c.so";

/// The variable of the environment that says what calls run on, read at the first of them: `cpu`, `gpu`, `gpu:1` or `emulated`.
pub const VARIABLE: &str = "DLC_DEVICE";

/// What `call` gives for a call that the library is to do on the CPU; nothing was written then.
pub const ON_CPU: i32 = -1;

/// The role of a leaf that is only read, in [`Call::roles`].
pub const IN: u8 = b'i';
/// The role of a leaf that is read and written.
pub const INOUT: u8 = b'u';
/// The role of a leaf that is only written.
pub const OUT: u8 = b'o';

/// A packed entry for a device, as `STEM_EXPORT_packed_gpu` is.
pub type PackedGpu = unsafe extern "C" fn(
    device: *const Device,
    dims: *const i64,
    leaves: *const *mut c_void,
    workspace: *mut c_void,
    bytes: usize,
) -> i32;

/// A call with memory of the program, whose dims and pointers the library has checked.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// [`VERSION`] of the library.
    pub version: i64,
    /// The name of the entry, ended by a zero byte.
    pub entry: *const c_char,
    /// All kernels of the library.
    pub kernels: *const Kernels,
    /// The entry for a device.
    pub packed: PackedGpu,
    /// Bytes of the workspace that it takes; negative where that does not fit in 64 bits.
    pub workspace: i64,
    /// The dims.
    pub dims: *const i64,
    /// How many leaves there are.
    pub count: i64,
    /// The leaves, in the memory of the program.
    pub leaves: *const *mut c_void,
    /// Bytes of each.
    pub bytes: *const i64,
    /// The role of each.
    pub roles: *const u8,
}

/// What does calls on a device.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// Does a call; gives its status, or [`ON_CPU`].
    pub call: unsafe extern "C" fn(call: *const Call) -> i32,
    /// The words of the last status of [`crate::status::ON_CHOSEN`] on this thread, which stay until the next; null before the
    /// first.
    pub message: unsafe extern "C" fn() -> *const c_char,
}
