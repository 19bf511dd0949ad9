//! What calls run on for each value of the variable, and a call of an entry that copies by the device's functions.

use super::call::{RUNTIME, on};
use super::*;
use crate::device::Capability;
use crate::image;
use dlc_abi::choice::{Call, ON_CPU, VERSION};
use dlc_abi::device::{self, FROM_DEVICE, Image, Kernels, TO_DEVICE};
use dlc_abi::status;
use std::ffi::{CStr, c_void};

const IMAGE: Image = Image {
    capability: 80,
    text: c"".as_ptr(),
};

/// The kernels of a library for 8.0 and above.
fn kernels(image: &Image) -> Kernels {
    Kernels {
        hash: c"0123456789abcdef0123456789abcdef".as_ptr(),
        images: 1,
        image,
        count: 0,
        kernel: std::ptr::null(),
    }
}

fn emulated(capability: u32, memory_bytes: u64) -> Gpu {
    Gpu::emulated(Settings {
        capability: Capability(capability),
        memory_bytes,
        ..Settings::default()
    })
}

fn no_driver(which: Which) -> Result<Gpu, GpuError> {
    match which {
        Which::Cuda(_) => Err(GpuError::NoDriver),
        Which::Emulated => Ok(emulated(90, 1 << 20)),
    }
}

/// One that is too old, one that does not work, one for the library, one more.
fn four(which: Which) -> Result<Gpu, GpuError> {
    match which {
        Which::Cuda(0) => Ok(emulated(75, 1 << 20)),
        Which::Cuda(1) => Err(GpuError::Argument("broken".to_string())),
        Which::Cuda(ordinal @ 2..4) => Ok(emulated(80 + ordinal as u32, 1 << 20)),
        Which::Cuda(ordinal) => Err(GpuError::NoDevice { ordinal, count: 4 }),
        Which::Emulated => Ok(emulated(90, 1 << 20)),
    }
}

fn old(which: Which) -> Result<Gpu, GpuError> {
    match which {
        Which::Cuda(0) => Ok(emulated(75, 1 << 20)),
        other => Err(GpuError::NoDevice {
            ordinal: if let Which::Cuda(ordinal) = other {
                ordinal
            } else {
                0
            },
            count: 1,
        }),
    }
}

/// The capability of the device for the library, the CPU, or the error.
fn chosen(value: &str, open: Open) -> String {
    // SAFETY: all that it points to is there.
    let suits = |gpu: &Gpu| unsafe { image::check(&kernels(&IMAGE), gpu.about()) };
    match Chooser::new(value, open).choose(suits) {
        Ok(Some(gpu)) => gpu.about().capability.to_string(),
        Ok(None) => "cpu".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_each_value_chooses() {
    let driver =
        "no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU";
    let too_old = "compute capability 7.5, the kernels of the library are for 8.0 and above; use a newer GPU, or the entries for the CPU";
    for (value, open, expected) in [
        ("", no_driver as Open, "cpu"),
        ("", four, "8.2"),
        ("", old, "cpu"),
        ("cpu", four, "cpu"),
        ("gpu", four, "8.2"),
        ("gpu:3", four, "8.3"),
        ("gpu:1", four, "broken"),
        ("gpu:4", four, "there is no GPU 4: the driver has 4"),
        ("gpu:0", old, too_old),
        ("gpu", old, too_old),
        ("gpu", no_driver, driver),
        ("emulated", no_driver, "9.0"),
    ] {
        let found = chosen(value, open);
        assert!(found.ends_with(expected), "`{value}`: {found}");
    }
    for value in ["GPU", "gpu:", "gpu:-1", "gpu:x", "cuda", " "] {
        assert!(
            chosen(value, four).starts_with("it is none of `cpu`"),
            "`{value}`"
        );
    }
}

/// A device's entry: 10 to the second leaf, the first and the second to the third. Its last dim is the status.
unsafe extern "C" fn entry(
    device: *const device::Device,
    dims: *const i64,
    leaves: *const *mut c_void,
    workspace: *mut c_void,
    bytes: usize,
) -> i32 {
    // SAFETY: it is called so by the test below.
    unsafe {
        let device = &*device;
        let pass = |to: *mut c_void, from: *mut c_void, way| {
            (device.copy)(device.context, to, from, 4, way)
        };
        assert!(workspace.addr().is_multiple_of(64) && bytes == 100);
        let mut values = [0_i32; 2];
        for (i, value) in values.iter_mut().enumerate() {
            assert_eq!(
                pass((&raw mut *value).cast(), *leaves.add(i), FROM_DEVICE),
                0
            );
        }
        let mut sums = [values[1] + 10, values[0] + values[1]];
        for (i, sum) in sums.iter_mut().enumerate() {
            assert_eq!(
                pass(*leaves.add(1 + i), (&raw mut *sum).cast(), TO_DEVICE),
                0
            );
        }
        if *dims as i32 == status::DEVICE {
            return match pass(std::ptr::null_mut(), *leaves, TO_DEVICE) {
                0 => 0,
                _ => status::DEVICE,
            };
        }
        *dims as i32
    }
}

/// The status, what the last two leaves are then, and the words of a status above 4.
fn call(
    value: &str,
    open: Open,
    change: impl FnOnce(&mut Call),
    gives: i32,
) -> (i32, [i32; 2], String) {
    let mut values = [1_i32, 2, 9];
    let leaves = [0, 1, 2].map(|i| (&raw mut values[i]).cast::<c_void>());
    let (dims, bytes) = ([i64::from(gives)], [4_i64; 3]);
    let kernels = kernels(&IMAGE);
    let mut call = Call {
        version: VERSION,
        entry: c"f".as_ptr(),
        kernels: &raw const kernels,
        packed: entry,
        workspace: 100,
        dims: dims.as_ptr(),
        count: 3,
        leaves: leaves.as_ptr(),
        bytes: bytes.as_ptr(),
        roles: b"iuo".as_ptr(),
    };
    change(&mut call);
    // SAFETY: all that it points to is there, and words are texts.
    let (status, words) = unsafe {
        let status = on(&Chooser::new(value, open), &call);
        let words = (RUNTIME.message)();
        let words = match status > 4 && !words.is_null() {
            true => CStr::from_ptr(words).to_string_lossy().into_owned(),
            false => String::new(),
        };
        (status, words)
    };
    (status, [values[1], values[2]], words)
}

#[test]
fn calls_go_there_and_back() {
    let done = |value, open| call(value, open, |_| (), 0);
    let cpu = (ON_CPU, [2, 9], String::new());
    let there = (0, [12, 3], String::new());
    assert_eq!(done("", four), there);
    assert_eq!(done("emulated", no_driver), there);
    assert_eq!(done("", no_driver), cpu);
    assert_eq!(done("cpu", four), cpu);
    // SAFETY: null is allowed.
    assert_eq!(unsafe { (RUNTIME.call)(std::ptr::null()) }, ON_CPU);
}

#[test]
fn what_fails_writes_nothing_and_has_words() {
    let small: Open = |_| Ok(emulated(80, 600));
    let (untouched, fine) = ([2, 9], |_: &mut Call| ());
    let refused = call("", four, fine, 17);
    assert_eq!(refused, (17, untouched, String::new()));
    let unsized_ = call("", four, |call| call.workspace = -1, 0);
    assert_eq!(unsized_, (status::SIZE_OVERFLOW, untouched, String::new()));
    for (found, status, words) in [
        (
            call("", four, fine, status::DEVICE),
            status::CHOSEN_DEVICE,
            "DL1018 f: an end of a copy: a null pointer",
        ),
        (
            call("", small, fine, 0),
            status::DEVICE_MEMORY,
            "DL1017 f: no memory on the device for 1024 bytes: 600 bytes of 600 are free; make the dims smaller, or set DLC_DEVICE=cpu",
        ),
        (
            call("gpu", no_driver, fine, 0),
            status::NO_DEVICE,
            "DL1016 f: DLC_DEVICE=gpu: no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU",
        ),
        (
            call("tpu", four, fine, 0),
            status::NO_DEVICE,
            "DL1016 f: DLC_DEVICE=tpu: it is none of `cpu`, `gpu`, `gpu:N` with the number of one, and `emulated`",
        ),
        (
            call("gpu", four, |call| call.version = 7, 0),
            status::NO_DEVICE,
            "DL1016 f: DLC_DEVICE=gpu: the library has version 7 of its calls, and libdlc_gpu_c version 1; take both from one version of dlc",
        ),
    ] {
        assert_eq!(found, (status, untouched, words.to_string()));
    }
    let other = call("", four, |call| call.version = 7, 0);
    assert_eq!(other, (ON_CPU, untouched, String::new()));
}
