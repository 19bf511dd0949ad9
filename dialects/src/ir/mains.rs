//! Programs of MLIR with our dialects.

use super::{context::registry, ffi};
use std::ffi::{CString, c_char, c_int};

/// `dlc-opt`: mlir-opt's main with our dialects and what has been registered of passes; the exit status.
pub fn opt_main(args: impl IntoIterator<Item = String>) -> i32 {
    main_of(ffi::dlcOptMain, args)
}

/// `dlc-opt --lsp`: the main of MLIR's language server with our dialects; the exit status.
pub fn lsp_main(args: impl IntoIterator<Item = String>) -> i32 {
    main_of(ffi::dlcLspMain, args)
}

type Main = unsafe extern "C" fn(c_int, *mut *mut c_char, mlir_sys::MlirDialectRegistry) -> c_int;

fn main_of(main: Main, args: impl IntoIterator<Item = String>) -> i32 {
    let args = args
        .into_iter()
        .map(|a| CString::new(a).unwrap_or_default())
        .collect::<Vec<_>>();
    let mut pointers = args
        .iter()
        .map(|a| a.as_ptr() as *mut c_char)
        .collect::<Vec<_>>();
    let registry = registry();
    unsafe {
        main(
            pointers.len() as c_int,
            pointers.as_mut_ptr(),
            registry.to_raw(),
        )
    }
}
