//! The functions without a device, and the header in both languages.

use super::*;
use dlc_abi::device::{C_DECLARATION, Image, Kernel, Kernels, Launch, TensorMap};
use std::ffi::CStr;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

fn message(gpu: *const Handle) -> String {
    // SAFETY: null is allowed, and the text is there until it is asked for again.
    unsafe { CStr::from_ptr(dlc_gpu_message(gpu)) }
        .to_string_lossy()
        .into_owned()
}

#[test]
fn null_is_refused_everywhere() {
    let null = std::ptr::null_mut::<Handle>();
    let nothing = std::ptr::null_mut::<c_void>();
    let mut address = std::ptr::without_provenance_mut(1);
    let mut graph = std::ptr::null_mut();
    // SAFETY: null is allowed.
    unsafe {
        let statuses = [
            dlc_gpu_open(0, std::ptr::null_mut()),
            dlc_gpu_open_stream(nothing, std::ptr::null_mut()),
            dlc_gpu_alloc(null, 8, &raw mut address),
            dlc_gpu_release(null, nothing),
            dlc_gpu_trim(null),
            dlc_gpu_upload(null, nothing, nothing, 8),
            dlc_gpu_download(null, nothing, nothing, 8),
            dlc_gpu_synchronize(null),
            dlc_gpu_begin_capture(null),
            dlc_gpu_end_capture(null, &raw mut graph),
            dlc_graph_launch(null, graph),
        ];
        assert_eq!(statuses, [8; 11]);
        assert!(dlc_gpu_device(null).is_null());
        dlc_gpu_free(null);
        dlc_graph_free(graph);
    }
    assert_eq!(message(null), "gpu is a null pointer");
}

#[test]
fn without_a_driver_opening_says_so() {
    let mut gpu = std::ptr::without_provenance_mut(1);
    // SAFETY: it may be written.
    let status = unsafe { dlc_gpu_open(0, &raw mut gpu) };
    if status == 0 {
        println!("skipped: there is a GPU");
        // SAFETY: it was opened.
        unsafe { dlc_gpu_free(gpu) };
        return;
    }
    assert!(gpu.is_null());
    let words = message(gpu);
    match status {
        1 => assert!(words.starts_with("no driver: libcuda.so.1"), "{words}"),
        2 => assert!(words.starts_with("there is no GPU 0"), "{words}"),
        other => panic!("status {other}: {words}"),
    }
}

#[test]
fn the_header_declares_the_device_as_libraries_do() {
    let header = include_str!("../include/dlc_gpu.h");
    assert!(header.contains(C_DECLARATION));
}

#[test]
fn the_header_lists_the_statuses() {
    let header = include_str!("../include/dlc_gpu.h");
    for (name, error) in [
        ("NO_DRIVER", GpuError::NoDriver),
        (
            "NO_DEVICE",
            GpuError::NoDevice {
                ordinal: 0,
                count: 0,
            },
        ),
        (
            "NO_MEMORY",
            GpuError::Memory {
                needed: 0,
                free: 0,
                total: 0,
            },
        ),
        ("KERNELS", GpuError::Kernels { log: String::new() }),
        (
            "LOST",
            GpuError::Lost {
                first: String::new(),
            },
        ),
        ("ARGUMENT", GpuError::Argument(String::new())),
        ("INTERNAL", GpuError::Internal(String::new())),
    ] {
        let line = format!("  DLC_GPU_{name} = {}", error.status());
        assert!(header.contains(&line), "{line}");
    }
}

/// Compiles a program that includes the header twice and asserts the layout that Rust has.
#[test]
fn the_header_compiles_with_the_same_layout() {
    let mut source =
        "#include \"dlc_gpu.h\"\n#include \"dlc_gpu.h\"\n#include <stddef.h>\n".to_string();
    macro_rules! same {
        ($c:literal, $rust:ty, $($field:ident),*) => {
            source += &format!("ASSERT(sizeof({}) == {}, \"size\");\n", $c, size_of::<$rust>());
            $(source += &format!(
                "ASSERT(offsetof({}, {}) == {}, \"offset\");\n",
                $c, stringify!($field), offset_of!($rust, $field)
            );)*
        };
    }
    same!("dlc_image", Image, capability, text);
    same!("dlc_kernel", Kernel, name, parameters);
    same!("dlc_kernels", Kernels, hash, images, image, count, kernel);
    same!(
        "dlc_launch",
        Launch,
        kernels,
        kernel,
        grid,
        block,
        cluster,
        shared,
        arguments
    );
    same!(
        "dlc_tensor_map",
        TensorMap,
        address,
        element,
        rank,
        sizes,
        strides,
        tile,
        swizzle
    );
    same!(
        "dlc_device",
        Device,
        capability,
        processors,
        launch,
        copy,
        tensor_map,
        context
    );
    source += "int main(void) { dlc_gpu_free(NULL); return 0; }\n";
    let folder = tempfile::tempdir().unwrap();
    for (compiler, file, standard, assert) in [
        ("cc", "main.c", "-std=c11", "_Static_assert"),
        ("c++", "main.cpp", "-std=c++17", "static_assert"),
    ] {
        if Command::new(compiler).arg("--version").output().is_err() {
            println!("skipped: no {compiler}");
            continue;
        }
        let path = folder.path().join(file);
        std::fs::write(&path, format!("#define ASSERT {assert}\n{source}")).unwrap();
        let status = Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-c"])
            .arg("-I")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("include"))
            .arg("-o")
            .arg(folder.path().join("main.o"))
            .arg(&path)
            .status();
        assert!(status.unwrap().success(), "{compiler}");
    }
}
