//! A kernel that writes where nothing is: a device is lost by it, and says so from then on. It is alone in its process,
//! as a GPU is lost for all of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::c_void;

use dlc_gpu::{Capability, Gpu, GpuError, Image, Images, Settings, Shape};

const PTX: &std::ffi::CStr = c"
.version 8.0
.target sm_80
.address_size 64
.visible .entry nowhere(.param .u64 p)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p];
  mov.u32 %r1, 7;
  st.global.u32 [%rd1], %r1;
  ret;
}
";

#[test]
fn a_lost_device_says_so_at_each_call() {
    let mut devices = vec![Gpu::emulated(Settings::default())];
    match Gpu::open(0) {
        Ok(gpu) => devices.push(gpu),
        Err(GpuError::NoDriver | GpuError::NoDevice { .. }) => println!("skipped: no GPU"),
        Err(error) => panic!("{error}"),
    }
    for gpu in devices {
        let device = gpu.memory().device();
        let images = Images {
            images: vec![Image {
                capability: Capability(80),
                text: PTX,
            }],
            kernels: vec![("nowhere", 1)],
        };
        let kernel = device.load(&images).unwrap().remove(0);
        let buffer = gpu.buffer_of(&[1; 64]).unwrap();
        let address = 0x10_0000_u64;
        let arguments = [(&raw const address).cast::<c_void>()];
        // SAFETY: it is what the kernel takes; that nothing is there is what is tested.
        let launched = unsafe { device.launch(&kernel, &Shape::line(1, 1), &arguments) };
        // A GPU knows of it when it is waited for.
        let first = launched.and_then(|()| gpu.synchronise()).unwrap_err();
        assert!(matches!(first, GpuError::Lost { .. }), "{first}");
        let later = [
            gpu.synchronise().unwrap_err(),
            buffer.download(&mut [0; 64]).unwrap_err(),
            buffer.upload(&[0; 64]).unwrap_err(),
            gpu.buffer(1 << 12).unwrap_err(),
            device.begin_capture().unwrap_err(),
        ];
        assert!(later.iter().all(|error| *error == first), "{later:?}");
    }
}
