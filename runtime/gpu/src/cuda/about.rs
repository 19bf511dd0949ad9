//! What the driver says of a device.

use std::ffi::{CStr, c_char};

use cudarc::driver::sys::{self, CUdevice, CUdevice_attribute as Attribute};

use super::driver::check;
use crate::device::{About, Capability, Limits};
use crate::error::GpuError;

/// The blocks of a cluster that all devices with clusters take.
const PORTABLE_CLUSTER: u32 = 8;

/// What a device of the driver is.
pub(super) fn about(device: CUdevice) -> Result<About, GpuError> {
    let number = |attribute: Attribute| attribute_of(device, attribute);
    let major = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = number(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let mut total_bytes = 0;
    // SAFETY: it writes a number.
    let total = unsafe { sys::cuDeviceTotalMem_v2(&raw mut total_bytes, device) };
    check("cuDeviceTotalMem", total)?;
    let cluster = match number(Attribute::CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH)? {
        0 => 1,
        _ => PORTABLE_CLUSTER,
    };
    Ok(About {
        name: name(device)?,
        capability: Capability(10 * major + minor),
        processors: number(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        total_bytes: total_bytes as u64,
        limits: Limits {
            grid: [
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X)?,
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y)?,
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)?,
            ],
            block: [
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X)?,
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y)?,
                number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)?,
            ],
            threads: number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
            shared: number(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
            cluster,
        },
    })
}

fn attribute_of(device: CUdevice, attribute: Attribute) -> Result<u32, GpuError> {
    let mut value = 0;
    // SAFETY: it writes a number.
    let found = unsafe { sys::cuDeviceGetAttribute(&raw mut value, attribute, device) };
    check("cuDeviceGetAttribute", found)?;
    Ok(u32::try_from(value).unwrap_or(0))
}

fn name(device: CUdevice) -> Result<String, GpuError> {
    let mut name: [c_char; 256] = [0; 256];
    // The last byte stays zero.
    // SAFETY: there is as much room as is said.
    let found = unsafe { sys::cuDeviceGetName(name.as_mut_ptr(), 255, device) };
    check("cuDeviceGetName", found)?;
    // SAFETY: a zero byte ends it.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Ok(name.to_string_lossy().into_owned())
}
