//! The functions of `cxx/shim.h`.

use mlir_sys::{
    MlirDialectHandle, MlirDialectRegistry, MlirLocation, MlirPass, MlirPassManager, MlirStringRef,
};
use std::ffi::c_void;
#[cfg(not(target_family = "wasm"))]
use std::ffi::{c_char, c_int};

unsafe extern "C" {
    pub fn mlirGetDialectHandle__dl__() -> MlirDialectHandle;
    pub fn dlcRegisterPass(create: extern "C" fn(*mut c_void) -> MlirPass, data: *mut c_void);
    #[cfg(not(target_family = "wasm"))]
    pub fn dlcOptMain(argc: c_int, argv: *mut *mut c_char, registry: MlirDialectRegistry) -> c_int;
    #[cfg(not(target_family = "wasm"))]
    pub fn dlcLspMain(argc: c_int, argv: *mut *mut c_char, registry: MlirDialectRegistry) -> c_int;
    pub fn dlcRegisterDialects(registry: MlirDialectRegistry);
    #[cfg(target_family = "wasm")]
    pub fn dlcRegisterPasses();
    pub fn dlcEmit(
        is_error: bool,
        location: MlirLocation,
        message: MlirStringRef,
        count: isize,
        places: *const MlirLocation,
        notes: *const MlirStringRef,
    );
    pub fn dlcPassManagerEnableReproducer(manager: MlirPassManager, path: MlirStringRef);
}
