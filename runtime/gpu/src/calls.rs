//! What libraries call: the functions of [`dlc_abi::device::Device`] over any [`Device`].
//!
//! No error and no panic leaves them but as a status; its words are kept. The kernels of a library are loaded when the
//! first of them is launched, and found by their address from then on, if the hash there is still theirs: another library
//! may have been loaded where one was.

use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dlc_abi::device::{
    FROM_DEVICE, Kernels, Launch, ON_DEVICE, TENSOR_MAP_BYTES, TO_DEVICE, TensorMap,
};

use crate::device::{Address, Device, Kernel};
use crate::error::GpuError;
use crate::image::{Images, text};
use crate::launch::Shape;

/// How many digits the hash of kernels has.
const DIGITS: usize = 32;

type Hash = [u8; DIGITS];

/// What is behind the `context` of a library's device.
#[derive(Debug)]
pub(crate) struct Calls {
    device: Arc<dyn Device>,
    loaded: Mutex<Loaded>,
    failed: Mutex<Option<GpuError>>,
}

#[derive(Debug, Default)]
struct Loaded {
    by_address: HashMap<usize, (Hash, Arc<[Kernel]>)>,
    by_hash: HashMap<Hash, Arc<[Kernel]>>,
}

impl Calls {
    pub(crate) fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            loaded: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// What libraries take; it is used no longer than `self` is there.
    pub(crate) fn device(&self) -> dlc_abi::device::Device {
        let about = self.device.about();
        dlc_abi::device::Device {
            capability: i64::from(about.capability.0),
            processors: i64::from(about.processors),
            launch,
            copy,
            tensor_map,
            context: std::ptr::from_ref(self).cast_mut().cast::<c_void>(),
        }
    }

    /// The words of the last error; none before the first.
    pub(crate) fn message(&self) -> String {
        let failed = self.failed();
        failed.map_or_else(String::new, |error| error.to_string())
    }

    /// The last error; none before the first.
    pub(crate) fn failed(&self) -> Option<GpuError> {
        locked(&self.failed).clone()
    }

    /// Runs something, keeps its error or panic and returns the status.
    pub(crate) fn run(&self, work: impl FnOnce() -> Result<(), GpuError>) -> i32 {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(GpuError::Internal(words.unwrap_or("a panic").to_string()))
        });
        match result {
            Ok(()) => 0,
            Err(error) => {
                let status = error.status();
                *locked(&self.failed) = Some(error);
                status
            }
        }
    }

    /// The kernels of a library on this device.
    ///
    /// # Safety
    /// They are as their type says, or null where a pointer is.
    unsafe fn kernels(&self, kernels: &Kernels) -> Result<Arc<[Kernel]>, GpuError> {
        // SAFETY: the caller's promise.
        let hash = unsafe { text(kernels.hash, "the hash of kernels")? };
        let hash: Hash = hash.to_bytes().try_into().map_err(|_| {
            GpuError::Argument(format!("the hash of kernels has not {DIGITS} digits"))
        })?;
        let address = std::ptr::from_ref(kernels).addr();
        let mut loaded = locked(&self.loaded);
        if let Some((_, found)) = loaded.by_address.get(&address).filter(|(h, _)| *h == hash) {
            return Ok(Arc::clone(found));
        }
        let found = match loaded.by_hash.get(&hash) {
            Some(found) => Arc::clone(found),
            None => {
                // SAFETY: the caller's promise.
                let images = unsafe { Images::of_library(kernels)? };
                let found: Arc<[Kernel]> = self.device.load(&images)?.into();
                loaded.by_hash.insert(hash, Arc::clone(&found));
                found
            }
        };
        loaded
            .by_address
            .insert(address, (hash, Arc::clone(&found)));
        Ok(found)
    }

    /// # Safety
    /// As the `launch` of a library's device asks.
    unsafe fn launch(&self, launch: &Launch) -> Result<(), GpuError> {
        // SAFETY: the caller's promise.
        let kernels = unsafe { launch.kernels.as_ref() }.ok_or_else(|| null("kernels"))?;
        // SAFETY: the caller's promise.
        let loaded = unsafe { self.kernels(kernels)? };
        let kernel = usize::try_from(launch.kernel).ok();
        let kernel = kernel.and_then(|kernel| loaded.get(kernel));
        let kernel = kernel.ok_or_else(|| {
            let (kernel, count) = (launch.kernel, loaded.len());
            GpuError::Argument(format!("there is no kernel {kernel} of {count}"))
        })?;
        let shape = Shape {
            grid: launch.grid,
            block: launch.block,
            cluster: launch.cluster,
            shared: launch.shared,
        };
        let arguments = match (kernel.parameters, launch.arguments.is_null()) {
            (0, _) => &[],
            (_, true) => return Err(null("arguments")),
            // SAFETY: the caller's promise.
            (parameters, false) => unsafe {
                std::slice::from_raw_parts(launch.arguments, parameters)
            },
        };
        if arguments.iter().any(|argument| argument.is_null()) {
            return Err(null("an argument"));
        }
        // SAFETY: the caller's promise.
        unsafe { self.device.launch(kernel, &shape, arguments) }
    }

    /// # Safety
    /// As the `copy` of a library's device asks.
    unsafe fn copy(
        &self,
        to: *mut c_void,
        from: *const c_void,
        bytes: i64,
        way: i32,
    ) -> Result<(), GpuError> {
        let length = usize::try_from(bytes)
            .map_err(|_| GpuError::Argument(format!("a copy of {bytes} bytes")))?;
        if length == 0 {
            return Ok(());
        }
        if to.is_null() || from.is_null() {
            return Err(null("an end of a copy"));
        }
        let (target, source) = (Address(to.addr() as u64), Address(from.addr() as u64));
        // SAFETY: the caller's promise: there is as much at both, where `way` says.
        unsafe {
            match way {
                TO_DEVICE => {
                    let from = std::slice::from_raw_parts(from.cast::<u8>(), length);
                    self.device.upload(target, from)
                }
                FROM_DEVICE => {
                    let to = std::slice::from_raw_parts_mut(to.cast::<u8>(), length);
                    self.device.download(to, source)
                }
                ON_DEVICE => self.device.copy(target, source, length as u64),
                other => Err(GpuError::Argument(format!("a copy of the way {other}"))),
            }
        }
    }

    /// # Safety
    /// As the `tensor_map` of a library's device asks.
    unsafe fn tensor_map(&self, map: *mut c_void, how: *const TensorMap) -> Result<(), GpuError> {
        // SAFETY: the caller's promise.
        let how = unsafe { how.as_ref() }.ok_or_else(|| null("the description of a tensor map"))?;
        if map.is_null() {
            return Err(null("a tensor map"));
        }
        let encoded = self.device.tensor_map(how)?;
        // SAFETY: the caller's promise: there is room for it.
        unsafe {
            std::ptr::copy_nonoverlapping(encoded.0.as_ptr(), map.cast::<u8>(), TENSOR_MAP_BYTES);
        }
        Ok(())
    }
}

/// # Safety
/// `context` is of a device that is there. The launch is as its type says; its kernels stay there for as long as the
/// launch takes, and the device's memory until the work is done.
unsafe extern "C" fn launch(context: *mut c_void, launch: *const Launch) -> i32 {
    // SAFETY: the caller's promise, here and in the following functions.
    unsafe {
        with(context, |calls| match launch.as_ref() {
            Some(launch) => calls.launch(launch),
            None => Err(null("a launch")),
        })
    }
}

/// # Safety
/// `context` is of a device that is there, and there are so many bytes at both ends.
unsafe extern "C" fn copy(
    context: *mut c_void,
    to: *mut c_void,
    from: *const c_void,
    bytes: i64,
    way: i32,
) -> i32 {
    // SAFETY: as above.
    unsafe { with(context, |calls| calls.copy(to, from, bytes, way)) }
}

/// # Safety
/// `context` is of a device that is there, and `map` has room for a tensor map.
unsafe extern "C" fn tensor_map(
    context: *mut c_void,
    map: *mut c_void,
    how: *const TensorMap,
) -> i32 {
    // SAFETY: as above.
    unsafe { with(context, |calls| calls.tensor_map(map, how)) }
}

/// # Safety
/// `context` is null or of a device that is there.
unsafe fn with(context: *mut c_void, work: impl FnOnce(&Calls) -> Result<(), GpuError>) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { context.cast_const().cast::<Calls>().as_ref() } {
        Some(calls) => calls.run(|| work(calls)),
        None => null("the context").status(),
    }
}

fn null(what: &str) -> GpuError {
    GpuError::Argument(format!("{what}: a null pointer"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
