//! Libraries call a device that is memory of the program.

use super::*;
use crate::fake::{Failure, Fake};
use dlc_abi::device::Image;

struct Library {
    _image: Box<[Image]>,
    _kernel: Box<[dlc_abi::device::Kernel]>,
    kernels: Kernels,
}

/// A library of the kernels `first` and `second`, which take an `i64`.
fn library(hash: &'static std::ffi::CStr) -> Library {
    let image: Box<[_]> = [80, 90]
        .map(|capability| Image {
            capability,
            text: c"ptx".as_ptr(),
        })
        .into();
    let kernel: Box<[_]> = [c"first", c"second"]
        .map(|name| dlc_abi::device::Kernel {
            name: name.as_ptr(),
            parameters: 1,
        })
        .into();
    let kernels = Kernels {
        hash: hash.as_ptr(),
        images: 2,
        image: image.as_ptr(),
        count: 2,
        kernel: kernel.as_ptr(),
    };
    Library {
        _image: image,
        _kernel: kernel,
        kernels,
    }
}

const A: &std::ffi::CStr = c"0123456789abcdef0123456789abcdef";
const B: &std::ffi::CStr = c"0123456789abcdef0123456789abcdee";

fn calls() -> (Arc<Fake>, Calls) {
    let device = Arc::new(Fake::new());
    (device.clone(), Calls::new(device))
}

/// Launches a kernel of 3 blocks with one argument, after a change.
fn launch_with(calls: &Calls, kernels: *const Kernels, change: impl FnOnce(&mut Launch)) -> i32 {
    let device = calls.device();
    let value = 42_i64;
    let arguments = [(&raw const value).cast::<c_void>()];
    let mut launch = Launch {
        kernels,
        kernel: 1,
        grid: [3, 1, 1],
        block: [32, 1, 1],
        cluster: [1; 3],
        shared: 0,
        arguments: arguments.as_ptr(),
    };
    change(&mut launch);
    // SAFETY: all that it points to is there.
    unsafe { (device.launch)(device.context, &raw const launch) }
}

#[test]
fn kernels_are_loaded_once_and_launched() {
    let (device, calls) = calls();
    let library = library(A);
    for _ in 0..3 {
        assert_eq!(launch_with(&calls, &library.kernels, |_| {}), 0);
    }
    assert_eq!(launch_with(&calls, &library.kernels, |l| l.kernel = 0), 0);
    let state = device.state();
    assert_eq!(state.loads, 1);
    assert_eq!(state.launches.len(), 4);
    assert_eq!(state.launches[0], ("second".into(), 3, 42));
    assert_eq!(state.launches[3].0, "first");
    assert_eq!(calls.message(), "");
}

#[test]
fn a_library_is_known_by_address_and_hash() {
    let (device, calls) = calls();
    let mut one = library(A);
    let again = library(A);
    let loads = || device.state().loads;
    assert_eq!(launch_with(&calls, &one.kernels, |_| {}), 0);
    assert_eq!(launch_with(&calls, &again.kernels, |_| {}), 0);
    assert_eq!(loads(), 1, "the same kernels elsewhere");
    one.kernels.hash = B.as_ptr();
    assert_eq!(launch_with(&calls, &one.kernels, |_| {}), 0);
    assert_eq!(loads(), 2, "other kernels where some were");
    one.kernels.hash = c"short".as_ptr();
    assert_eq!(launch_with(&calls, &one.kernels, |_| {}), 8);
    assert_eq!(calls.message(), "the hash of kernels has not 32 digits");
}

#[test]
fn bad_launches_are_statuses_with_words() {
    let (device, calls) = calls();
    let library = library(A);
    let kernels = &raw const library.kernels;
    let refused = |change: fn(&mut Launch), status: i32, words: &str| {
        assert_eq!(launch_with(&calls, kernels, change), status);
        assert_eq!(calls.message(), words);
    };
    refused(
        |l| l.block[0] = 2000,
        6,
        "the launch of second is refused: 2000 threads of a block along x, not 1 to 1024",
    );
    refused(|l| l.kernel = 2, 8, "there is no kernel 2 of 2");
    refused(|l| l.kernel = -1, 8, "there is no kernel -1 of 2");
    refused(
        |l| l.arguments = std::ptr::null(),
        8,
        "arguments: a null pointer",
    );
    refused(
        |l| l.kernels = std::ptr::null(),
        8,
        "kernels: a null pointer",
    );
    assert_eq!(launch_with(&calls, kernels, |l| l.grid[2] = 0), 0);
    assert_eq!(device.state().launches, [], "none of them ran");
    let table = calls.device();
    // SAFETY: null is allowed.
    unsafe {
        assert_eq!((table.launch)(table.context, std::ptr::null()), 8);
        assert_eq!((table.launch)(std::ptr::null_mut(), std::ptr::null()), 8);
        let map = (table.tensor_map)(table.context, std::ptr::null_mut(), std::ptr::null());
        assert_eq!(map, 8);
    }
}

#[test]
fn copies_go_all_three_ways() {
    let (device, calls) = calls();
    let table = calls.device();
    let address = device.alloc(64).unwrap();
    let (a, b) = (address.as_mut_ptr(), address.offset(32).as_mut_ptr());
    let source = [5_u8; 32];
    let mut back = [0_u8; 32];
    // SAFETY: there is as much at each.
    unsafe {
        let copy = |to, from, bytes, way| (table.copy)(table.context, to, from, bytes, way);
        assert_eq!(copy(a, source.as_ptr().cast(), 32, TO_DEVICE), 0);
        assert_eq!(copy(b, a, 32, ON_DEVICE), 0);
        let to = back.as_mut_ptr().cast::<c_void>();
        assert_eq!(copy(to, b, 32, FROM_DEVICE), 0);
        assert_eq!(back, source);
        assert_eq!(copy(a, b, -1, ON_DEVICE), 8);
        assert_eq!(calls.message(), "a copy of -1 bytes");
        assert_eq!(copy(a, b, 1, 7), 8);
        assert_eq!(calls.message(), "a copy of the way 7");
        assert_eq!(copy(std::ptr::null_mut(), b, 1, ON_DEVICE), 8);
        assert_eq!(
            copy(std::ptr::null_mut(), std::ptr::null(), 0, ON_DEVICE),
            0
        );
    }
}

#[test]
fn tensor_maps_are_checked_and_written() {
    let (_, calls) = calls();
    let table = calls.device();
    let mut how = crate::tensor_map::tests::sample();
    let mut map = crate::device::EncodedMap([0; TENSOR_MAP_BYTES]);
    let mut make = |how: &TensorMap| {
        // SAFETY: there is room for a map.
        unsafe { (table.tensor_map)(table.context, (&raw mut map).cast(), how) }
    };
    how.rank = 9;
    assert_eq!(make(&how), 8);
    assert_eq!(calls.message(), "a tensor map of 9 axes, not 1 to 5");
    how.rank = 2;
    assert_eq!(make(&how), 0);
    assert_eq!(map.0, [7; TENSOR_MAP_BYTES]);
}

#[test]
fn errors_and_panics_become_statuses() {
    let (device, calls) = calls();
    let library = library(A);
    device.fail(Failure::Error);
    assert_eq!(launch_with(&calls, &library.kernels, |_| {}), 7);
    assert!(calls.message().ends_with("it was told to fail"));
    device.fail(Failure::Panic);
    assert_eq!(launch_with(&calls, &library.kernels, |_| {}), 10);
    assert_eq!(calls.message(), "internal error: it was told to panic");
    device.fail(Failure::None);
    assert_eq!(launch_with(&calls, &library.kernels, |_| {}), 0, "goes on");
}

#[test]
fn the_device_says_what_it_is() {
    let (_, calls) = calls();
    let table = calls.device();
    assert_eq!((table.capability, table.processors), (90, 132));
}
