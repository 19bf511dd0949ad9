//! What the interpreter is asked for, as a value, so that it can be done later and again.

use std::ffi::c_void;

use dlc_ptx::{Entry, Launch};

use crate::device::Address;

/// What a stream of the device takes.
#[derive(Debug)]
pub(super) enum Command {
    /// A copy to the device.
    Upload { to: Address, bytes: Box<[u8]> },
    /// A copy within the device.
    Copy {
        to: Address,
        from: Address,
        bytes: usize,
    },
    /// Bytes that are set.
    Fill { to: Address, byte: u8, bytes: usize },
    /// A launch of a loaded kernel, with its parameters as they lie in memory.
    Launch {
        kernel: usize,
        launch: Launch,
        params: Vec<u8>,
    },
}

/// The values of a kernel's parameters as they lie in memory.
///
/// # Safety
/// There are as many arguments, and at each is a value of its parameter's size.
pub(super) unsafe fn packed(entry: &Entry, arguments: &[*const c_void]) -> Vec<u8> {
    let mut bytes = vec![0; entry.param_bytes()];
    for (param, argument) in entry.params().iter().zip(arguments) {
        // SAFETY: the caller's promise.
        let value = unsafe { std::slice::from_raw_parts(argument.cast::<u8>(), param.size) };
        bytes[param.offset..param.offset + param.size].copy_from_slice(value);
    }
    bytes
}
