//! A whole call on a device: what the entry reads goes there, what it writes comes back when all of it is done.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dlc_abi::choice::{Call, IN, ON_CPU, OUT, Runtime, VARIABLE, VERSION};
use dlc_abi::status;

use super::Chooser;
use crate::device::Address;
use crate::error::GpuError;
use crate::gpu::Gpu;
use crate::image;

/// What libraries find.
pub static RUNTIME: Runtime = Runtime { call, message };

thread_local! {
    /// The words of the last failure on this thread.
    static WORDS: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// What each tensor begins at on the device is a multiple of this.
const ALIGN: u64 = 256;

/// Why a call is not done.
#[derive(Debug)]
struct Failed {
    status: i32,
    error: GpuError,
}

impl From<GpuError> for Failed {
    fn from(error: GpuError) -> Self {
        let status = match error {
            GpuError::Memory { .. } => status::DEVICE_MEMORY,
            _ => status::CHOSEN_DEVICE,
        };
        Self { status, error }
    }
}

/// # Safety
/// The call is as its type says, or null.
unsafe extern "C" fn call(call: *const Call) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { call.as_ref() } {
        // SAFETY: the caller's promise.
        Some(call) => unsafe { on(Chooser::of_process(), call) },
        None => ON_CPU,
    }
}

extern "C" fn message() -> *const c_char {
    WORDS.with_borrow(|words| {
        words
            .as_ref()
            .map_or(std::ptr::null(), |words| words.as_ptr())
    })
}

/// Does a call where it is to be done; gives its status.
///
/// # Safety
/// The call is as its type says.
pub(super) unsafe fn on(chooser: &Chooser, call: &Call) -> i32 {
    // SAFETY: the caller's promise.
    let done = catch_unwind(AssertUnwindSafe(|| unsafe { run(chooser, call) }));
    let failed = match done {
        Ok(Ok(status)) => return status,
        Ok(Err(failed)) => failed,
        Err(_) => GpuError::Internal("a panic in a call".to_string()).into(),
    };
    // SAFETY: the caller's promise.
    let entry = unsafe { CStr::from_ptr(call.entry) }.to_string_lossy();
    let known = status::ON_GPU
        .iter()
        .find(|(code, ..)| *code == failed.status);
    let code = known.map_or("", |(_, code, _)| code);
    let words = match failed.status {
        status::NO_DEVICE => format!("{VARIABLE}={}: {}", chooser.value, failed.error),
        status::DEVICE_MEMORY => format!("{}, or set {VARIABLE}=cpu", failed.error),
        _ => failed.error.to_string(),
    };
    let words = format!("{code} {entry}: {words}").replace('\0', " ");
    WORDS.set(CString::new(words).ok());
    failed.status
}

/// # Safety
/// The call is as its type says.
unsafe fn run(chooser: &Chooser, call: &Call) -> Result<i32, Failed> {
    let not_there = |error| Failed {
        status: status::NO_DEVICE,
        error,
    };
    let suits = |gpu: &Gpu| match call.version {
        // SAFETY: the caller's promise.
        VERSION => unsafe { image::check(&*call.kernels, gpu.about()) },
        other => Err(GpuError::Argument(format!(
            "the library has version {other} of its calls, and libdlc_gpu_c version {VERSION}; take both from one version of dlc"
        ))),
    };
    let Some(gpu) = chooser.choose(suits).map_err(not_there)? else {
        return Ok(ON_CPU);
    };
    // SAFETY: the caller's promise.
    let leaves = unsafe { leaves(call) };
    let Some(places) = Places::of(&leaves, call.workspace) else {
        return Ok(status::SIZE_OVERFLOW);
    };
    let memory = gpu.buffer(places.bytes)?;
    let at = |offset: &u64| memory.address().offset(*offset);
    let device = gpu.memory().device();
    for (leaf, offset) in leaves.iter().zip(&places.leaves) {
        if leaf.role != OUT && leaf.bytes > 0 {
            // SAFETY: the caller's promise, and there is as much room.
            unsafe {
                let from = std::slice::from_raw_parts(leaf.start.cast::<u8>(), leaf.bytes);
                device.upload(at(offset), from)?;
            }
        }
    }
    let pointers = places.leaves.iter().map(at).map(Address::as_mut_ptr);
    let pointers: Vec<*mut c_void> = pointers.collect();
    let library = gpu.device();
    // SAFETY: the caller's promise; leaves and workspace have the sizes that the library asks for.
    let status = unsafe {
        (call.packed)(
            &raw const library,
            call.dims,
            pointers.as_ptr(),
            at(&places.workspace).as_mut_ptr(),
            call.workspace as usize,
        )
    };
    match status {
        status::OK => {}
        status::DEVICE => {
            let silent = || GpuError::Internal("a device failed and says nothing".to_string());
            return Err(gpu.failed().unwrap_or_else(silent).into());
        }
        other => return Ok(other),
    }
    // Nothing is written before all is known to be well.
    gpu.synchronise()?;
    for (leaf, offset) in leaves.iter().zip(&places.leaves) {
        if leaf.role != IN && leaf.bytes > 0 {
            // SAFETY: the caller's promise, and there is as much.
            unsafe {
                let to = std::slice::from_raw_parts_mut(leaf.start.cast::<u8>(), leaf.bytes);
                device.download(to, at(offset))?;
            }
        }
    }
    Ok(status::OK)
}

/// A tensor of the program.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    start: *mut c_void,
    bytes: usize,
    role: u8,
}

/// # Safety
/// The call is as its type says.
unsafe fn leaves(call: &Call) -> Vec<Leaf> {
    // SAFETY: the caller's promise: there are so many of each, and no size is negative.
    let leaf = |i: usize| unsafe {
        Leaf {
            start: *call.leaves.add(i),
            bytes: *call.bytes.add(i) as usize,
            role: *call.roles.add(i),
        }
    };
    (0..call.count.max(0) as usize).map(leaf).collect()
}

/// Where everything is in one piece of the device's memory.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    leaves: Vec<u64>,
    workspace: u64,
    bytes: u64,
}

impl Places {
    /// Nothing where the sum does not fit in 64 bits, or the workspace's size does not.
    fn of(leaves: &[Leaf], workspace: i64) -> Option<Self> {
        let mut end = 0_u64;
        let mut place = |bytes: u64| {
            let place = end;
            end = end.checked_add(bytes)?.checked_next_multiple_of(ALIGN)?;
            Some(place)
        };
        let leaves = leaves.iter().map(|leaf| place(leaf.bytes as u64));
        let leaves = leaves.collect::<Option<_>>()?;
        let workspace = place(u64::try_from(workspace).ok()?)?;
        Some(Self {
            leaves,
            workspace,
            bytes: end,
        })
    }
}
