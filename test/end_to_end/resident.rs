//! Calls the entry of chosen.dl on an interpreter in the place of a GPU, with tensors that stay there from call to call, beside the
//! calls on the CPU.

#[path = "bindings.rs"]
mod chosen;

use chosen::{Device, Error, OnDevice, ParamsMut, ParamsOnDevice, Workspace};
use std::ffi::c_void;
use std::mem::size_of_val;

// What dlc_gpu.h declares.
#[link(name = "dlc_gpu_c")]
unsafe extern "C" {
    fn dlc_gpu_open_emulated(capability: i64, gpu: *mut *mut c_void) -> i32;
    fn dlc_gpu_device(gpu: *const c_void) -> *const c_void;
    fn dlc_gpu_alloc(gpu: *mut c_void, bytes: i64, address: *mut *mut c_void) -> i32;
    fn dlc_gpu_upload(gpu: *mut c_void, to: *mut c_void, from: *const c_void, bytes: i64) -> i32;
    fn dlc_gpu_download(gpu: *mut c_void, to: *mut c_void, from: *const c_void, bytes: i64) -> i32;
    fn dlc_gpu_free(gpu: *mut c_void);
}

struct Gpu(*mut c_void);

impl Gpu {
    fn room<T>(&self, count: usize) -> OnDevice<T> {
        let (mut address, bytes) = (std::ptr::null_mut(), (count * size_of::<T>()) as i64);
        unsafe {
            assert_eq!(dlc_gpu_alloc(self.0, bytes, &mut address), 0);
            OnDevice::new(address, count)
        }
    }

    fn copy<T>(&self, values: &[T]) -> OnDevice<T> {
        let there = self.room(values.len());
        let (from, bytes) = (values.as_ptr().cast(), size_of_val(values) as i64);
        assert_eq!(unsafe { dlc_gpu_upload(self.0, there.address(), from, bytes) }, 0);
        there
    }

    fn read<T: Clone + Default>(&self, from: OnDevice<T>) -> Vec<T> {
        let mut values = vec![T::default(); from.len()];
        let (to, bytes) = (values.as_mut_ptr().cast(), size_of_val(&values[..]) as i64);
        assert_eq!(unsafe { dlc_gpu_download(self.0, to, from.address(), bytes) }, 0);
        values
    }
}

fn main() -> Result<(), Error> {
    const N: usize = 40;
    let mut w: Vec<f32> = (0..24).map(|i| (i % 5) as f32).collect();
    let x: Vec<f32> = (0..N * 6).map(|i| (i % 7) as f32).collect();
    let (mut out, mut rounds, mut scratch) = ([0.0; 4], 7, Workspace::new());

    let mut gpu = std::ptr::null_mut();
    assert_eq!(unsafe { dlc_gpu_open_emulated(80, &mut gpu) }, 0);
    let (gpu, device) = (Gpu(gpu), unsafe { Device::new(dlc_gpu_device(gpu)) });
    let p = ParamsOnDevice { w: gpu.copy(&w), rounds: gpu.copy(&[rounds]) };
    let (there, result) = (gpu.copy(&x), gpu.room::<f32>(4));
    let workspace = gpu.room::<u8>(chosen::step_workspace_gpu(N)?);
    for _ in 0..3 {
        let mut host = ParamsMut { w: &mut w, rounds: &mut rounds };
        chosen::step(N, &mut host, &x, 2.0, &mut out, &mut scratch)?;
        chosen::step_gpu(device, N, &p, there, 2.0, result, workspace)?;
        assert_eq!(gpu.read(result), out);
    }
    assert_eq!((gpu.read(p.w), gpu.read(p.rounds)), (w, vec![rounds]));

    let short = unsafe { OnDevice::new(there.address(), 7) };
    let error = chosen::step_gpu(device, N, &p, short, 2.0, result, workspace).unwrap_err();
    assert_eq!(error.to_string(), "DL1003 step: x has 7 numbers, expected f32[N, 6], that is 240 with N = 40");
    let none = unsafe { OnDevice::new(workspace.address(), 0) };
    let error = chosen::step_gpu(device, N, &p, there, 2.0, result, none).unwrap_err();
    assert!(matches!(error, Error::Status { code: 2, .. }), "{error}");
    unsafe { dlc_gpu_free(gpu.0) };
    Ok(())
}
