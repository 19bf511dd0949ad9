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
            dlc_gpu_open_emulated(80, std::ptr::null_mut()),
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
        assert_eq!(statuses, [8; 12]);
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

/// Writes 5 to a number.
const PTX: &CStr = c"
.version 8.0
.target sm_80
.address_size 64
.visible .entry five(.param .u64 p)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p];
  mov.u32 %r1, 5;
  st.global.u32 [%rd1], %r1;
  ret;
}
";

/// Launches `five` as a library does.
fn five(device: &Device, address: *mut c_void) -> i32 {
    let image = Image {
        capability: 80,
        text: PTX.as_ptr(),
    };
    let kernel = Kernel {
        name: c"five".as_ptr(),
        parameters: 1,
    };
    let kernels = Kernels {
        hash: c"0123456789abcdef0123456789abcdef".as_ptr(),
        images: 1,
        image: &raw const image,
        count: 1,
        kernel: &raw const kernel,
    };
    let arguments = [(&raw const address).cast::<c_void>()];
    let launch = Launch {
        kernels: &raw const kernels,
        kernel: 0,
        grid: [1; 3],
        block: [1; 3],
        cluster: [1; 3],
        shared: 0,
        arguments: arguments.as_ptr(),
    };
    // SAFETY: all that it points to is there.
    unsafe { (device.launch)(device.context, &raw const launch) }
}

#[test]
fn a_program_on_the_interpreter() {
    let mut gpu = std::ptr::null_mut();
    let (mut address, mut graph) = (std::ptr::null_mut(), std::ptr::null_mut());
    let (four, mut back) = (4_u32, 0_u32);
    // SAFETY: what is opened is there until it is freed, and copies are of 4 bytes.
    unsafe {
        assert_eq!(dlc_gpu_open_emulated(7, &raw mut gpu), 8);
        assert_eq!(message(gpu), "7 is no compute capability, as 80 is");
        assert_eq!(dlc_gpu_open_emulated(80, &raw mut gpu), 0);
        let device = &*dlc_gpu_device(gpu);
        assert_eq!(device.capability, 80);
        assert_eq!(dlc_gpu_alloc(gpu, 4, &raw mut address), 0);
        let to = (&raw mut back).cast::<c_void>();
        let upload = || dlc_gpu_upload(gpu, address, (&raw const four).cast(), 4);
        assert_eq!((upload(), dlc_gpu_download(gpu, to, address, 4)), (0, 0));
        assert_eq!(back, 4);
        assert_eq!(five(device, address), 0, "{}", message(gpu));
        assert_eq!(dlc_gpu_download(gpu, to, address, 4), 0);
        assert_eq!(back, 5);

        assert_eq!(upload(), 0);
        assert_eq!(dlc_gpu_begin_capture(gpu), 0);
        assert_eq!(five(device, address), 0);
        assert_eq!(dlc_gpu_end_capture(gpu, &raw mut graph), 0);
        dlc_gpu_download(gpu, to, address, 4);
        assert_eq!(back, 4, "nothing is done yet");
        assert_eq!(dlc_graph_launch(gpu, graph), 0);
        dlc_gpu_download(gpu, to, address, 4);
        assert_eq!(back, 5);
        dlc_graph_free(graph);
        assert_eq!(dlc_graph_launch(gpu, std::ptr::null_mut()), 8);
        assert_eq!(message(gpu), "graph is a null pointer");

        assert_eq!(dlc_gpu_upload(gpu, std::ptr::null_mut(), to, 4), 8);
        assert_eq!(dlc_gpu_upload(gpu, address, to, -4), 8);
        assert_eq!(message(gpu), "-4 bytes");
        assert_eq!(dlc_gpu_alloc(gpu, 1 << 40, &raw mut address), 4);
        assert!(address.is_null() && message(gpu).starts_with("no memory on the device"));
        assert_eq!(dlc_gpu_release(gpu, address), 8);
        assert_eq!((dlc_gpu_synchronize(gpu), dlc_gpu_trim(gpu)), (0, 0));
        dlc_gpu_free(gpu);
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
