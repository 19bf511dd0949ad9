//! Kernels in PTX, called as a library does.

use super::*;
use crate::Gpu;
use crate::image::Image;
use dlc_abi::device as abi;
use std::ffi::CStr;

/// Adds `d` to `n` numbers at `p`; `far` writes at an index without a check.
const PTX: &CStr = c"
.version 8.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 p, .param .u32 n, .param .u32 d)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [p];
  ld.param.u32 %r1, [n];
  ld.param.u32 %r7, [d];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra DONE;
  cvta.to.global.u64 %rd1, %rd1;
  mul.wide.s32 %rd2, %r5, 4;
  add.s64 %rd3, %rd1, %rd2;
  ld.global.u32 %r6, [%rd3];
  add.s32 %r6, %r6, %r7;
  st.global.u32 [%rd3], %r6;
DONE:
  ret;
}
.visible .entry far(.param .u64 p)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [p];
  mov.u32 %r1, 7;
  st.global.u32 [%rd1+1048576], %r1;
  ret;
}
";

const HASH: &CStr = c"00000000000000000000000000000001";

fn gpu() -> Gpu {
    Gpu::emulated(Settings {
        memory_bytes: 1 << 20,
        ..Settings::default()
    })
}

/// Launches a kernel of a library of `add` and `far`.
fn launch(gpu: &Gpu, kernel: i64, arguments: &[*const c_void]) -> i32 {
    let images = [abi::Image {
        capability: 80,
        text: PTX.as_ptr(),
    }];
    let named = [(c"add", 3), (c"far", 1)].map(|(name, parameters)| abi::Kernel {
        name: name.as_ptr(),
        parameters,
    });
    let kernels = abi::Kernels {
        hash: HASH.as_ptr(),
        images: 1,
        image: images.as_ptr(),
        count: 2,
        kernel: named.as_ptr(),
    };
    let launch = abi::Launch {
        kernels: &raw const kernels,
        kernel,
        grid: [3, 1, 1],
        block: [32, 1, 1],
        cluster: [1; 3],
        shared: 0,
        arguments: arguments.as_ptr(),
    };
    let device = gpu.device();
    // SAFETY: all that it points to is there.
    unsafe { (device.launch)(device.context, &raw const launch) }
}

/// Adds to the numbers of a buffer.
fn add(gpu: &Gpu, buffer: &crate::DeviceBuffer, difference: u32) -> i32 {
    let (address, count) = (buffer.as_mut_ptr(), (buffer.bytes() / 4) as u32);
    let arguments = [
        (&raw const address).cast(),
        (&raw const count).cast(),
        (&raw const difference).cast(),
    ];
    launch(gpu, 0, &arguments)
}

fn numbers(buffer: &crate::DeviceBuffer) -> Vec<u32> {
    let mut bytes = vec![0; buffer.bytes() as usize];
    buffer.download(&mut bytes).unwrap();
    let words = bytes.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

fn counted(gpu: &Gpu) -> crate::DeviceBuffer {
    let bytes: Vec<u8> = (0..77_u32).flat_map(u32::to_le_bytes).collect();
    gpu.buffer_of(&bytes).unwrap()
}

#[test]
fn kernels_of_a_library_run() {
    let gpu = gpu();
    let buffer = counted(&gpu);
    assert_eq!(add(&gpu, &buffer, 10), 0, "{}", gpu.message());
    assert_eq!(add(&gpu, &buffer, 100), 0);
    let expected: Vec<u32> = (110..187).collect();
    assert_eq!(numbers(&buffer), expected);
}

#[test]
fn a_step_is_captured_and_done_many_times() {
    let gpu = gpu();
    let buffer = counted(&gpu);
    let graph = gpu.capture::<GpuError>(|gpu| {
        assert_eq!(add(gpu, &buffer, 1), 0);
        assert_eq!(add(gpu, &buffer, 2), 0);
        Ok(())
    });
    let graph = graph.unwrap();
    assert_eq!(numbers(&buffer)[0], 0, "nothing is done yet");
    for _ in 0..4 {
        // SAFETY: the buffer is there.
        unsafe { graph.launch().unwrap() };
    }
    assert_eq!(numbers(&buffer)[..2], [12, 13]);
    let error = gpu.capture(|gpu| gpu.synchronise()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "waiting for the device while work is captured; do it before or after"
    );
    assert_eq!(gpu.synchronise(), Ok(()), "the capture has ended");
}

#[test]
fn a_fault_is_named_and_for_good() {
    let gpu = gpu();
    let buffer = counted(&gpu);
    let address = buffer.as_mut_ptr();
    assert_eq!(launch(&gpu, 1, &[(&raw const address).cast()]), 7);
    let message = gpu.message();
    assert!(message.starts_with("the device is lost"), "{message}");
    assert!(message.contains("kernel `far`"), "{message}");
    assert!(message.contains("st.global.u32"), "the line: {message}");
    assert_eq!(add(&gpu, &buffer, 1), 7);
    assert_eq!(gpu.message(), message);
    assert!(gpu.buffer(10).is_err());
}

#[test]
fn memory_is_limited() {
    let gpu = gpu();
    let _some = gpu.buffer(1 << 19).unwrap();
    let error = gpu.buffer((1 << 19) + 1).unwrap_err().to_string();
    assert!(
        error.contains("524288 bytes of 1048576 are free"),
        "{error}"
    );
    let outside = gpu.buffer(8).unwrap();
    // SAFETY: the device knows what is allocated.
    let error = unsafe {
        let to = outside.address().offset(4096);
        gpu.memory().device().upload(to, &[0; 8]).unwrap_err()
    };
    assert!(error.to_string().contains("not allocated"), "{error}");
}

#[test]
fn texts_that_do_not_fit_the_library_are_refused() {
    let device = Emulated::new(Settings::default());
    let refused = |text: &CStr, kernel: (&str, usize)| {
        let images = Images {
            images: vec![Image {
                capability: Capability(80),
                text,
            }],
            kernels: vec![kernel],
        };
        device.load(&images).unwrap_err().to_string()
    };
    let words = "the device refuses the kernels of the library: ";
    assert_eq!(
        refused(PTX, ("sub", 1)),
        format!("{words}there is no kernel sub in their text")
    );
    assert_eq!(
        refused(PTX, ("add", 2)),
        format!("{words}add has 3 parameters, not 2")
    );
    let text =
        c".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry add(.param .u64 p)\n{\n  frobnicate;\n}\n";
    let broken = refused(text, ("add", 1));
    assert!(broken.contains("frobnicate"), "{broken}");
}

#[test]
fn tensor_maps_are_those_of_the_interpreter() {
    let device = Emulated::new(Settings::default());
    let mut how = crate::tensor_map::tests::sample();
    let map = device.tensor_map(&how).unwrap();
    how.tile[0] = 32;
    assert_ne!(device.tensor_map(&how).unwrap(), map);
    how.element = 11;
    let error = device.tensor_map(&how).unwrap_err().to_string();
    assert!(error.contains("which the interpreter has not"), "{error}");
}
