//! Runs libFuzzer from a `main` of our own: MLIR's libraries have one as well, which the linker might choose.

use std::ffi::{CString, c_char, c_int};

unsafe extern "C" {
    fn LLVMFuzzerRunDriver(
        argc: *mut c_int,
        argv: *mut *mut *mut c_char,
        run: extern "C" fn(*const u8, usize) -> c_int,
    ) -> c_int;
    safe fn LLVMFuzzerTestOneInput(data: *const u8, size: usize) -> c_int;
}

extern "C" fn run(data: *const u8, size: usize) -> c_int {
    LLVMFuzzerTestOneInput(data, size)
}

/// Runs the fuzzer with the arguments of the process.
pub fn main() {
    let arguments: Vec<CString> = std::env::args()
        .map(|argument| CString::new(argument).expect("arguments have no zero bytes"))
        .collect();
    let mut pointers: Vec<*mut c_char> = arguments.iter().map(|one| one.as_ptr().cast_mut()).collect();
    let mut argc = pointers.len() as c_int;
    pointers.push(std::ptr::null_mut());
    let mut argv = pointers.as_mut_ptr();
    // SAFETY: `argv` has `argc` strings and a null after them, all alive until the process ends.
    std::process::exit(unsafe { LLVMFuzzerRunDriver(&mut argc, &mut argv, run) });
}
