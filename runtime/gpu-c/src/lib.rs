//! GPUs for programs in C: the functions of `include/dlc_gpu.h`.
//!
//! None panics, and a null pointer is an error like any other.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dlc_abi::choice::Runtime;
use dlc_abi::device::Device;
use dlc_gpu::{Address, Capability, Gpu, GpuError, Graph, RUNTIME, Settings};

thread_local! {
    /// The words of the last error on this thread that is of no gpu, and the words that were last asked for.
    static FAILED: RefCell<String> = const { RefCell::new(String::new()) };
    static ASKED: RefCell<CString> = RefCell::default();
}

/// A GPU with what libraries take, which C programs hold a pointer to.
pub struct Handle {
    device: Device,
    gpu: Gpu,
}

/// Captured work, which C programs hold a pointer to.
pub struct GraphHandle(Box<dyn Graph>);

/// # Safety
/// `out` is null or may be written.
unsafe fn open(out: *mut *mut Handle, opened: impl FnOnce() -> Result<Gpu, GpuError>) -> i32 {
    // SAFETY: the caller's promise.
    let Some(out) = (unsafe { out.as_mut() }) else {
        return failed(&null("gpu"));
    };
    *out = std::ptr::null_mut();
    let opened = catch_unwind(AssertUnwindSafe(opened))
        .unwrap_or_else(|_| Err(GpuError::Internal("a panic while opening".to_string())));
    match opened {
        Ok(gpu) => {
            let device = gpu.device();
            *out = Box::into_raw(Box::new(Handle { device, gpu }));
            0
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &GpuError) -> i32 {
    FAILED.with_borrow_mut(|words| *words = error.to_string());
    error.status()
}

fn null(what: &str) -> GpuError {
    GpuError::Argument(format!("{what} is a null pointer"))
}

/// # Safety
/// `gpu` is null or not freed yet.
unsafe fn with(gpu: *const Handle, work: impl FnOnce(&Gpu) -> Result<(), GpuError>) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { gpu.as_ref() } {
        Some(handle) => handle.gpu.status_of(|| work(&handle.gpu)),
        None => failed(&null("gpu")),
    }
}

/// What libraries look for that choose a device for their calls.
#[unsafe(no_mangle)]
pub extern "C" fn dlc_gpu_runtime() -> *const Runtime {
    &raw const RUNTIME
}

/// Opens a GPU by its number.
///
/// # Safety
/// `gpu` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_open(ordinal: i32, gpu: *mut *mut Handle) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { open(gpu, || Gpu::open(ordinal)) }
}

/// Opens the GPU of a stream.
///
/// # Safety
/// `gpu` is null or may be written; the stream is one, or null, and outlives the gpu.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_open_stream(
    cuda_stream: *mut c_void,
    gpu: *mut *mut Handle,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { open(gpu, || Gpu::with_stream(cuda_stream)) }
}

/// Opens an interpreter in the place of a GPU.
///
/// # Safety
/// `gpu` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_open_emulated(capability: i64, gpu: *mut *mut Handle) -> i32 {
    let opened = || {
        let found = u32::try_from(capability).ok();
        let found = found.filter(|capability| (50..1000).contains(capability));
        let found = found.ok_or_else(|| {
            GpuError::Argument(format!("{capability} is no compute capability, as 80 is"))
        })?;
        Ok(Gpu::emulated(Settings {
            capability: Capability(found),
            ..Settings::default()
        }))
    };
    // SAFETY: the caller's promise.
    unsafe { open(gpu, opened) }
}

/// Ends a gpu.
///
/// # Safety
/// `gpu` is null or not freed yet, and is not used afterwards, nor are its graphs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_free(gpu: *mut Handle) {
    if !gpu.is_null() {
        // SAFETY: the caller's promise.
        let gpu = unsafe { Box::from_raw(gpu) };
        // There is no one to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(gpu)));
    }
}

/// What to pass to entries.
///
/// # Safety
/// `gpu` is null or not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_device(gpu: *const Handle) -> *const Device {
    // SAFETY: the caller's promise.
    let gpu = unsafe { gpu.as_ref() };
    gpu.map_or(std::ptr::null(), |gpu| &raw const gpu.device)
}

/// The words of the last error.
///
/// # Safety
/// `gpu` is null or not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_message(gpu: *const Handle) -> *const c_char {
    // SAFETY: the caller's promise.
    let words = match unsafe { gpu.as_ref() } {
        Some(handle) => handle.gpu.message(),
        None => FAILED.with_borrow(String::clone),
    };
    ASKED.with_borrow_mut(|asked| {
        *asked = CString::new(words.replace('\0', " ")).unwrap_or_default();
        asked.as_ptr()
    })
}

/// Memory on the device.
///
/// # Safety
/// `gpu` is null or not freed yet, `address` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_alloc(
    gpu: *mut Handle,
    bytes: i64,
    address: *mut *mut c_void,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        with(gpu, |gpu| {
            let out = address.as_mut().ok_or_else(|| null("address"))?;
            *out = std::ptr::null_mut();
            *out = gpu.memory().alloc(length(bytes)? as u64)?.as_mut_ptr();
            Ok(())
        })
    }
}

/// Gives memory back.
///
/// # Safety
/// `gpu` is null or not freed yet; what is called from now on does not use the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_release(gpu: *mut Handle, address: *mut c_void) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { with(gpu, |gpu| gpu.memory().free(of(address))) }
}

/// Gives memory that is kept back to the driver.
///
/// # Safety
/// `gpu` is null or not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_trim(gpu: *mut Handle) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { with(gpu, |gpu| gpu.memory().trim()) }
}

/// Copies to the device.
///
/// # Safety
/// `gpu` is null or not freed yet, and there are so many bytes at both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_upload(
    gpu: *mut Handle,
    to: *mut c_void,
    from: *const c_void,
    bytes: i64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        with(gpu, |gpu| {
            let bytes = length(bytes)?;
            if bytes == 0 {
                return Ok(());
            }
            if to.is_null() || from.is_null() {
                return Err(null("an end of a copy"));
            }
            let from = std::slice::from_raw_parts(from.cast::<u8>(), bytes);
            gpu.memory().device().upload(of(to), from)
        })
    }
}

/// Copies from the device.
///
/// # Safety
/// `gpu` is null or not freed yet, and there are so many bytes at both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_download(
    gpu: *mut Handle,
    to: *mut c_void,
    from: *const c_void,
    bytes: i64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        with(gpu, |gpu| {
            let bytes = length(bytes)?;
            if bytes == 0 {
                return Ok(());
            }
            if to.is_null() || from.is_null() {
                return Err(null("an end of a copy"));
            }
            let to = std::slice::from_raw_parts_mut(to.cast::<u8>(), bytes);
            gpu.memory().device().download(to, of(from))
        })
    }
}

/// Waits for all work.
///
/// # Safety
/// `gpu` is null or not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_synchronize(gpu: *mut Handle) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { with(gpu, Gpu::synchronise) }
}

/// Begins to note what calls would do.
///
/// # Safety
/// `gpu` is null or not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_begin_capture(gpu: *mut Handle) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { with(gpu, |gpu| gpu.memory().device().begin_capture()) }
}

/// Ends it.
///
/// # Safety
/// `gpu` is null or not freed yet, `graph` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_gpu_end_capture(
    gpu: *mut Handle,
    graph: *mut *mut GraphHandle,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        with(gpu, |gpu| {
            let out = graph.as_mut().ok_or_else(|| null("graph"))?;
            *out = std::ptr::null_mut();
            let noted = gpu.memory().device().end_capture()?;
            *out = Box::into_raw(Box::new(GraphHandle(noted)));
            Ok(())
        })
    }
}

/// Does what was captured.
///
/// # Safety
/// `gpu` is null or not freed yet, `graph` is null or of this gpu and not freed yet, and its memory is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_graph_launch(gpu: *mut Handle, graph: *mut GraphHandle) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        with(gpu, |_| match graph.as_ref() {
            Some(graph) => graph.0.launch(),
            None => Err(null("graph")),
        })
    }
}

/// Frees what was captured.
///
/// # Safety
/// `graph` is null or not freed yet, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_graph_free(graph: *mut GraphHandle) {
    if !graph.is_null() {
        // SAFETY: the caller's promise.
        let graph = unsafe { Box::from_raw(graph) };
        // There is no one to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(graph)));
    }
}

fn length(bytes: i64) -> Result<usize, GpuError> {
    usize::try_from(bytes).map_err(|_| GpuError::Argument(format!("{bytes} bytes")))
}

fn of(address: *const c_void) -> Address {
    Address(address.addr() as u64)
}

#[cfg(test)]
mod tests;
