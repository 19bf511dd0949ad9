//! The driver as a whole: whether it is there, and what its errors mean.

use std::ffi::CStr;
use std::fmt;

use cudarc::driver::sys::{self, CUresult};

use crate::error::GpuError;

/// The least version whose functions are all there, and which takes `sm_90a`: CUDA 12.0.
const NEEDED: i32 = 12000;

/// What tells a driver from other libraries of its name; the version says that the rest is there.
const FIRST_CALLED: [&CStr; 2] = [c"cuDriverGetVersion", c"cuInit"];

/// Errors after which the context does nothing more.
const STICKY: [CUresult; 13] = [
    CUresult::CUDA_ERROR_ECC_UNCORRECTABLE,
    CUresult::CUDA_ERROR_NVLINK_UNCORRECTABLE,
    CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
    CUresult::CUDA_ERROR_LAUNCH_TIMEOUT,
    CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED,
    CUresult::CUDA_ERROR_ASSERT,
    CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR,
    CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION,
    CUresult::CUDA_ERROR_MISALIGNED_ADDRESS,
    CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE,
    CUresult::CUDA_ERROR_INVALID_PC,
    CUresult::CUDA_ERROR_LAUNCH_FAILED,
    CUresult::CUDA_ERROR_EXTERNAL_DEVICE,
];

/// A function of the driver that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// Its name.
    pub call: &'static str,
    /// What it returned.
    pub code: CUresult,
}

impl Failure {
    /// Whether nothing goes on after it.
    pub(super) fn is_sticky(&self) -> bool {
        STICKY.contains(&self.code)
    }

    /// The error's name and the driver's words for it.
    pub(super) fn message(&self) -> String {
        let mut texts = [std::ptr::null(); 2];
        // SAFETY: the driver is there, as it returned something, and writes a pointer to a static text or none.
        unsafe {
            // What they return is seen by the pointers.
            let _ = sys::cuGetErrorName(self.code, &raw mut texts[0]);
            let _ = sys::cuGetErrorString(self.code, &raw mut texts[1]);
        }
        if texts.iter().any(|text| text.is_null()) {
            return format!("{:?}", self.code);
        }
        // SAFETY: the driver's texts end with a zero byte and stay.
        let [name, words] = texts.map(|text| unsafe { CStr::from_ptr(text) }.to_string_lossy());
        format!("{name} ({words})")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.message())
    }
}

impl From<Failure> for GpuError {
    fn from(failure: Failure) -> Self {
        GpuError::Driver {
            call: failure.call,
            message: failure.message(),
        }
    }
}

/// What a function of the driver returned.
pub(super) fn check(call: &'static str, code: CUresult) -> Result<(), Failure> {
    match code {
        CUresult::CUDA_SUCCESS => Ok(()),
        code => Err(Failure { call, code }),
    }
}

/// Whether the driver's library has some functions.
///
/// # Safety
/// It is present.
unsafe fn has(names: [&CStr; 2]) -> bool {
    // SAFETY: the caller's promise; what is found is not used.
    let found = |name: &CStr| unsafe {
        let library = sys::culib();
        library.get::<*const ()>(name.to_bytes_with_nul()).is_ok()
    };
    names.into_iter().all(found)
}

/// Makes sure that the driver is there, is new enough and has a device.
///
/// # Errors
/// [`GpuError::NoDriver`], [`GpuError::OldDriver`], or what the driver says.
pub(super) fn start() -> Result<(), GpuError> {
    // SAFETY: it opens the driver's library, whose initialisers are trusted. Nothing else of cudarc may be called before:
    // it panics where there is none, or lacks the function.
    let is_driver = unsafe { sys::is_culib_present() && has(FIRST_CALLED) };
    if !is_driver {
        return Err(GpuError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: the driver is there, and writes a number.
    check("cuDriverGetVersion", unsafe {
        sys::cuDriverGetVersion(&raw mut version)
    })?;
    if version < NEEDED {
        let written = |version: i32| format!("{}.{}", version / 1000, version % 1000 / 10);
        return Err(GpuError::OldDriver {
            found: written(version),
            needed: written(NEEDED),
        });
    }
    // SAFETY: the driver is there.
    match check("cuInit", unsafe { sys::cuInit(0) }) {
        Ok(()) => Ok(()),
        Err(Failure {
            code: CUresult::CUDA_ERROR_NO_DEVICE,
            ..
        }) => Err(GpuError::NoDevice {
            ordinal: 0,
            count: 0,
        }),
        // The library that CUDA brings to link programs with.
        Err(Failure {
            code: CUresult::CUDA_ERROR_STUB_LIBRARY,
            ..
        }) => Err(GpuError::NoDriver),
        Err(other) => Err(other.into()),
    }
}
