//! PTX to functions: by the driver's compiler, or from what it made before.

use std::ffi::{CStr, CString, c_void};

use cudarc::driver::sys::{self, CUfunction, CUjit_option, CUmodule};

use super::session::{Ended, Session};
use crate::cubins::{Cubins, Key};
use crate::device::{About, Kernel};
use crate::error::GpuError;
use crate::image::Images;

/// How much the driver's compiler may say.
const LOG_BYTES: usize = 16 << 10;

/// Above so many bytes, dynamic shared memory must be asked for.
const SHARED_ANYWAY: u32 = 48 << 10;

/// All that was loaded on a device.
#[derive(Debug, Default)]
pub(super) struct Modules {
    modules: Vec<CUmodule>,
    functions: Vec<Function>,
}

// SAFETY: the driver takes modules and functions from any thread.
unsafe impl Send for Modules {}

#[derive(Debug, Clone, Copy)]
struct Function {
    handle: CUfunction,
    /// The dynamic shared memory that it may have.
    shared: u32,
}

impl Modules {
    /// Loads the kernels of a library.
    pub(super) fn load(
        &mut self,
        session: &Session,
        about: &About,
        images: &Images<'_>,
    ) -> Result<Vec<Kernel>, GpuError> {
        let image = images.choose(about)?;
        let module = load(session, about, image.text)?;
        self.modules.push(module);
        let first = self.functions.len();
        let found = images.kernels.iter().map(|(name, _)| {
            let handle = function(session, module, name)?;
            Ok(Function {
                handle,
                shared: SHARED_ANYWAY,
            })
        });
        let found: Vec<_> = found.collect::<Result<_, GpuError>>()?;
        self.functions.extend(found);
        let kernels = images.kernels.iter().enumerate();
        Ok(kernels
            .map(|(index, (name, parameters))| Kernel {
                name: (*name).to_string(),
                parameters: *parameters,
                id: first + index,
            })
            .collect())
    }

    /// The function of a kernel, which may have so many bytes of dynamic shared memory.
    pub(super) fn function(
        &mut self,
        session: &Session,
        kernel: &Kernel,
        shared: u32,
    ) -> Result<CUfunction, GpuError> {
        let function = self.functions.get_mut(kernel.id);
        let function = function.ok_or_else(|| GpuError::another_device(&kernel.name))?;
        if shared > function.shared {
            let attribute =
                sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is there.
            let set = session.run("cuFuncSetAttribute", || unsafe {
                sys::cuFuncSetAttribute(function.handle, attribute, shared as i32)
            });
            set.map_err(|ended| match ended {
                Ended::Failed(failure) => GpuError::BadLaunch {
                    kernel: kernel.name.clone(),
                    message: format!(
                        "{shared} bytes of shared memory beside its own: {}",
                        failure.message()
                    ),
                },
                lost => lost.into(),
            })?;
            function.shared = shared;
        }
        Ok(function.handle)
    }

    /// Unloads all; no work is left that uses it.
    pub(super) fn unload(&mut self, session: &Session) {
        self.functions.clear();
        for module in self.modules.drain(..) {
            // A device that is lost has none any more.
            // SAFETY: it is there, and no one uses it.
            let _ = session.run("cuModuleUnload", || unsafe { sys::cuModuleUnload(module) });
        }
    }
}

fn function(session: &Session, module: CUmodule, name: &str) -> Result<CUfunction, GpuError> {
    let missing = |why: &str| GpuError::Kernels {
        log: format!("there is no kernel {name} in their text: {why}"),
    };
    let text = CString::new(name).map_err(|_| missing("its name has a zero byte"))?;
    let mut handle = std::ptr::null_mut();
    // SAFETY: the module is there, and the name ends with a zero byte.
    let found = session.run("cuModuleGetFunction", || unsafe {
        sys::cuModuleGetFunction(&raw mut handle, module, text.as_ptr())
    });
    match found {
        Ok(()) => Ok(handle),
        Err(Ended::Failed(failure)) => Err(missing(&failure.message())),
        Err(lost) => Err(lost.into()),
    }
}

/// Loads PTX: what was made of it before, or is made now and kept. Where making it by itself fails, the
/// driver loads the text, and its verdict counts.
fn load(session: &Session, about: &About, ptx: &CStr) -> Result<CUmodule, GpuError> {
    let cubins = Cubins::of_environment();
    if cubins.keeps() {
        let key = key(session, about, ptx)?;
        if let Some(cubin) = cubins.get(&key) {
            match load_data(session, &cubin) {
                Ok(module) => return Ok(module),
                Err(lost @ GpuError::Lost { .. }) => return Err(lost),
                Err(_) => cubins.remove(&key),
            }
        }
        if let Ok(cubin) = link(session, ptx)
            && let Ok(module) = load_data(session, &cubin)
        {
            cubins.put(&key, &cubin);
            return Ok(module);
        }
    }
    load_data(session, ptx.to_bytes_with_nul())
}

/// The text, what it is compiled for, and by which driver.
fn key(session: &Session, about: &About, ptx: &CStr) -> Result<Key, GpuError> {
    let mut version = 0;
    // SAFETY: it writes a number.
    session.run("cuDriverGetVersion", || unsafe {
        sys::cuDriverGetVersion(&raw mut version)
    })?;
    let capability = about.capability.0.to_le_bytes();
    Ok(Key::of(&[
        ptx.to_bytes(),
        &capability,
        about.name.as_bytes(),
        &version.to_le_bytes(),
    ]))
}

/// Room for what the driver's compiler says, and the options that tell it so.
struct Log {
    text: Vec<u8>,
    options: [CUjit_option; 2],
    values: [*mut c_void; 2],
}

impl Log {
    fn new() -> Self {
        let mut text = vec![0; LOG_BYTES];
        let values = [
            text.as_mut_ptr().cast(),
            std::ptr::without_provenance_mut(LOG_BYTES),
        ];
        Self {
            text,
            options: [
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
            ],
            values,
        }
    }

    fn refusal(&self, ended: Ended) -> GpuError {
        let Ended::Failed(failure) = ended else {
            return ended.into();
        };
        let said = self.text.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let said = String::from_utf8_lossy(said);
        let message = failure.message();
        GpuError::Kernels {
            log: match said.trim() {
                "" => message,
                said => format!("{message}\n{said}"),
            },
        }
    }
}

/// Loads PTX, ended by a zero byte, or a cubin.
fn load_data(session: &Session, data: &[u8]) -> Result<CUmodule, GpuError> {
    let mut log = Log::new();
    let mut module = std::ptr::null_mut();
    // SAFETY: data and log are there, and the options say how long the log is.
    let loaded = session.run("cuModuleLoadDataEx", || unsafe {
        sys::cuModuleLoadDataEx(
            &raw mut module,
            data.as_ptr().cast(),
            2,
            log.options.as_mut_ptr(),
            log.values.as_mut_ptr(),
        )
    });
    loaded.map_err(|ended| log.refusal(ended))?;
    Ok(module)
}

/// Compiles PTX for the device.
fn link(session: &Session, ptx: &CStr) -> Result<Vec<u8>, GpuError> {
    /// Ends the linking, whose result lies in it.
    struct Link<'a>(&'a Session, sys::CUlinkState);
    impl Drop for Link<'_> {
        fn drop(&mut self) {
            // SAFETY: it is there, and no one reads its result any more.
            let _ = self
                .0
                .run("cuLinkDestroy", || unsafe { sys::cuLinkDestroy(self.1) });
        }
    }
    let mut log = Log::new();
    let mut state = std::ptr::null_mut();
    // SAFETY: the options say how long the log is, which outlives the linking.
    session.run("cuLinkCreate", || unsafe {
        sys::cuLinkCreate_v2(
            2,
            log.options.as_mut_ptr(),
            log.values.as_mut_ptr(),
            &raw mut state,
        )
    })?;
    let link = Link(session, state);
    let text = ptx.to_bytes_with_nul();
    // SAFETY: the text is there and is not changed.
    let added = session.run("cuLinkAddData", || unsafe {
        sys::cuLinkAddData_v2(
            link.1,
            sys::CUjitInputType::CU_JIT_INPUT_PTX,
            text.as_ptr().cast_mut().cast(),
            text.len(),
            c"kernels".as_ptr(),
            0,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    });
    added.map_err(|ended| log.refusal(ended))?;
    let (mut cubin, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: it writes where the result is.
    let completed = session.run("cuLinkComplete", || unsafe {
        sys::cuLinkComplete(link.1, &raw mut cubin, &raw mut bytes)
    });
    completed.map_err(|ended| log.refusal(ended))?;
    // SAFETY: there are so many bytes until the linking ends.
    Ok(unsafe { std::slice::from_raw_parts(cubin.cast::<u8>(), bytes) }.to_vec())
}
