//! Where there is no driver, or a library of its name that is none, opening is an error and no panic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use dlc_gpu::{Cuda, Gpu, GpuError};

const WORDS: &str =
    "no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU";

#[test]
fn without_a_driver_opening_says_so() {
    match Gpu::open(0) {
        Err(GpuError::NoDriver) => {
            assert_eq!(GpuError::NoDriver.to_string(), WORDS);
            // SAFETY: null is a stream.
            let stream = unsafe { Cuda::with_stream(std::ptr::null_mut()) };
            assert_eq!(stream.unwrap_err(), GpuError::NoDriver);
            a_library_that_is_none();
        }
        _ => println!("skipped: there is a driver"),
    }
}

/// A library of the name that has no functions.
fn a_library_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libcuda.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-Wl,-soname,libcuda.so", "-x", "c", "/dev/null"]);
    let Ok(status) = cc.arg("-o").arg(&path).status() else {
        println!("skipped: no cc");
        return;
    };
    assert!(status.success());
    // SAFETY: it has no initialisers. While it is open, it is found by its name.
    let _library = unsafe { libloading::Library::new(&path) }.unwrap();
    assert_eq!(Gpu::open(0).unwrap_err(), GpuError::NoDriver);
}
