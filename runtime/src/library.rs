//! The loader of built libraries.
//!
//! A library is opened together with its manifest. Before any call, its ABI hash is compared with
//! the manifest's, and every tensor of a call has been checked against the entry's types, shapes,
//! ranges and conditions (`bind`), so that a call passes exactly the memory the entry reads and
//! writes. Opening runs the initialisers of a shared object, as every loader does: open only
//! libraries that you trust as much as your own program.

mod on_device;

pub use on_device::DeviceCall;

use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};

use dlc_abi::{ABI_VERSION, Entry, Executor, Manifest, ManifestError, status, symbol};
use dlc_gpu::GpuError;
use dlc_pool::Pool;

use crate::bind::Bound;
use crate::buffer::Buffer;
use crate::dims::dim_values;
use crate::file::{self, FileError};
use crate::trace::Recording;

/// A library that can't be opened or called.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The manifest could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is none.
    #[error("{}: {error}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ManifestError,
    },
    /// The manifest is of another calling convention.
    #[error("the library has ABI version {found}, this loader has {ABI_VERSION}")]
    Version {
        /// The library's.
        found: u32,
    },
    /// The library could not be opened.
    #[error("cannot open {}: {message}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A symbol of the manifest is missing in the library.
    #[error("{}: no symbol {symbol}", path.display())]
    Symbol {
        /// The file.
        path: PathBuf,
        /// The symbol.
        symbol: String,
    },
    /// Library and manifest are not of one build.
    #[error("{} is not the library of this manifest: its ABI hash is {found}, not {expected}", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// The library's hash.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// There is no such export.
    #[error("there is no export {name}")]
    NoEntry {
        /// The name.
        name: String,
        /// The exports that there are.
        known: Vec<String>,
    },
    /// The library has no code for a GPU.
    #[error("{} was built for the CPU only", path.display())]
    NoGpu {
        /// The file.
        path: PathBuf,
    },
    /// The library does not tell what it does.
    #[error("{} was built without tracing", path.display())]
    NotTraced {
        /// The file.
        path: PathBuf,
    },
    /// The device failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// There is no memory for the workspace.
    #[error("{entry}: no memory for a workspace of {bytes} bytes{values}")]
    Memory {
        /// The entry.
        entry: String,
        /// Its size.
        bytes: usize,
        /// The dims with their values.
        values: String,
    },
    /// The entry returned a status.
    #[error("{message}{values}")]
    Status {
        /// The number.
        code: i32,
        /// What it means.
        message: String,
        /// The dims with their values.
        values: String,
    },
}

impl LibraryError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            LibraryError::File(error) => error.help(),
            LibraryError::Manifest { .. }
            | LibraryError::Version { .. }
            | LibraryError::Symbol { .. }
            | LibraryError::Hash { .. } => {
                Some("build library and manifest again with one `dlc build`".to_string())
            }
            LibraryError::Open { .. } | LibraryError::Gpu(_) => None,
            LibraryError::NoGpu { .. } => {
                Some("build it with `dlc build --gpu sm_80`, or sm_90a".to_string())
            }
            LibraryError::NotTraced { .. } => Some("build it with `dlc build --trace`".to_string()),
            LibraryError::NoEntry { known, .. } if known.is_empty() => {
                Some("it has no `export fn`".to_string())
            }
            LibraryError::NoEntry { known, .. } => {
                Some(format!("its exports are {}", known.join(", ")))
            }
            LibraryError::Memory { .. } => Some("make the dims smaller".to_string()),
            LibraryError::Status { .. } => None,
        }
    }
}

type PackedFn = unsafe extern "C" fn(*const i64, *const *mut c_void, *mut c_void, usize) -> i32;
type PackedOnFn = unsafe extern "C" fn(
    *const Executor,
    *const i64,
    *const *mut c_void,
    *mut c_void,
    usize,
) -> i32;
type MessageFn = unsafe extern "C" fn(i32) -> *const c_char;
type HashFn = unsafe extern "C" fn() -> *const c_char;

/// An open library with its manifest.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    library: libloading::Library,
    manifest: Manifest,
}

impl Library {
    /// Opens a shared object with the manifest file that was built with it.
    pub fn open(library: &Path, manifest: &Path) -> Result<Self, LibraryError> {
        let bytes = file::read(manifest)?;
        let text = String::from_utf8_lossy(&bytes);
        let parsed = Manifest::from_json(&text).map_err(|error| LibraryError::Manifest {
            path: manifest.to_path_buf(),
            error,
        })?;
        Self::with_manifest(library, parsed)
    }

    /// Opens a shared object with its manifest.
    pub fn with_manifest(path: &Path, manifest: Manifest) -> Result<Self, LibraryError> {
        if manifest.abi_version != ABI_VERSION {
            return Err(LibraryError::Version {
                found: manifest.abi_version,
            });
        }
        // A bare file name would be searched for in the system's folders.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        // SAFETY: initialisers run; the module's text says what that asks of the caller.
        let library = unsafe { libloading::Library::new(&absolute) };
        let library = library.map_err(|error| LibraryError::Open {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
        let library = Self {
            path: path.to_path_buf(),
            library,
            manifest,
        };
        library.check_hash()?;
        Ok(library)
    }

    fn check_hash(&self) -> Result<(), LibraryError> {
        let name = symbol::abi_hash(&self.manifest.stem);
        // SAFETY: every library of ours has this function under this name.
        let function: HashFn = unsafe { self.symbol(&name)? };
        // SAFETY: it takes nothing and returns a static, NUL-terminated text or null.
        let found = unsafe {
            let text = function();
            if text.is_null() {
                String::new()
            } else {
                CStr::from_ptr(text).to_string_lossy().into_owned()
            }
        };
        if found != self.manifest.abi_hash {
            return Err(LibraryError::Hash {
                path: self.path.clone(),
                found,
                expected: self.manifest.abi_hash.clone(),
            });
        }
        Ok(())
    }

    /// # Safety
    /// `T` is the type of the function of that name, and the result is not used after `self`.
    unsafe fn symbol<T: Copy>(&self, name: &str) -> Result<T, LibraryError> {
        // SAFETY: the caller's promise.
        let symbol = unsafe { self.library.get::<T>(name.as_bytes()) };
        symbol
            .map(|symbol| *symbol)
            .map_err(|_| LibraryError::Symbol {
                path: self.path.clone(),
                symbol: name.to_string(),
            })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The entry of an export.
    pub fn entry(&self, name: &str) -> Result<&Entry, LibraryError> {
        find_entry(&self.manifest.entries, name)
    }

    /// Listens from now on to what calls tell of themselves, in a library that was built with `--trace`.
    pub fn record(self) -> Result<Recording, LibraryError> {
        if !self.manifest.traced {
            return Err(LibraryError::NotTraced { path: self.path });
        }
        // SAFETY: the hash agrees, so the library has this function.
        let set = unsafe { self.symbol(&symbol::trace(&self.manifest.stem))? };
        Ok(Recording::new(self, set))
    }

    /// Makes ready to call an entry with tensors of the types and dims of `bound`: finds the
    /// functions and allocates the workspace. Calls of a library for a GPU choose what they run on, as those from C do.
    pub fn prepare(&self, bound: &Bound) -> Result<Call<'_>, LibraryError> {
        let entry = self.entry(&bound.entry)?;
        // SAFETY: the hash agrees, so the library has the entries with these signatures.
        let packed: PackedFn = unsafe { self.symbol(&entry.packed_symbol)? };
        let packed_on: Option<PackedOnFn> = match self.manifest.threads {
            0 | 1 => None,
            // SAFETY: the same.
            _ => Some(unsafe { self.symbol(&entry.packed_on_symbol())? }),
        };
        let message: Option<MessageFn> = match self.manifest.gpu {
            None => None,
            // SAFETY: the same.
            Some(_) => Some(unsafe { self.symbol(&entry.message_symbol())? }),
        };
        let values = values_text(bound);
        let bytes = self.workspace_bytes(entry, &entry.workspace_symbol, bound)?;
        let workspace = Buffer::zeroed(bytes).ok_or_else(|| LibraryError::Memory {
            entry: entry.name.clone(),
            bytes,
            values,
        })?;
        Ok(Call {
            entry,
            packed,
            packed_on,
            message,
            pool: None,
            workspace,
            leaves: Vec::new(),
        })
    }

    /// The size of the workspace for the dims of `bound`, as a function of that name gives it.
    fn workspace_bytes(
        &self,
        entry: &Entry,
        name: &str,
        bound: &Bound,
    ) -> Result<usize, LibraryError> {
        match self.workspace_of(entry, name, &bound.dims)? {
            usize::MAX => Err(status_error(
                entry,
                status::SIZE_OVERFLOW,
                values_text(bound),
            )),
            bytes => Ok(bytes),
        }
    }

    /// The same; the function takes the dims as separate arguments.
    fn workspace_of(&self, entry: &Entry, name: &str, dims: &[i64]) -> Result<usize, LibraryError> {
        macro_rules! call {
            ($($i:literal),*) => {{
                type Function = unsafe extern "C" fn($(dim!($i)),*) -> usize;
                // SAFETY: the hash agrees, so the function takes one i64 for each dim.
                unsafe { self.symbol::<Function>(name)?($(dims[$i]),*) }
            }};
        }
        macro_rules! dim {
            ($i:literal) => {
                i64
            };
        }
        Ok(match dims.len() {
            0 => call!(),
            1 => call!(0),
            2 => call!(0, 1),
            3 => call!(0, 1, 2),
            4 => call!(0, 1, 2, 3),
            5 => call!(0, 1, 2, 3, 4),
            6 => call!(0, 1, 2, 3, 4, 5),
            7 => call!(0, 1, 2, 3, 4, 5, 6),
            8 => call!(0, 1, 2, 3, 4, 5, 6, 7),
            9 => call!(0, 1, 2, 3, 4, 5, 6, 7, 8),
            10 => call!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
            11 => call!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
            12 => call!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
            count => {
                return Err(LibraryError::Open {
                    path: self.path.clone(),
                    message: format!(
                        "{} has {count} dims, the loader calls entries of up to 12",
                        entry.name
                    ),
                });
            }
        })
    }
}

/// The entry of an export among those of a manifest.
pub fn find_entry<'a>(entries: &'a [Entry], name: &str) -> Result<&'a Entry, LibraryError> {
    let found = entries.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| LibraryError::NoEntry {
        name: name.to_string(),
        known: entries.iter().map(|e| e.name.clone()).collect(),
    })
}

fn values_text(bound: &Bound) -> String {
    let values = dim_values(&bound.by_name, bound.by_name.keys().map(String::as_str));
    if values.is_empty() {
        String::new()
    } else {
        format!("; {values}")
    }
}

fn status_error(entry: &Entry, code: i32, values: String) -> LibraryError {
    let listed = entry.statuses.iter().find(|status| status.code == code);
    let message = listed
        .map(|status| status.message.clone())
        .or_else(|| status::common_message(&entry.name, code))
        .unwrap_or_else(|| {
            format!(
                "{} returned status {code}, which its manifest does not list",
                entry.name
            )
        });
    LibraryError::Status {
        code,
        message,
        values,
    }
}

/// An entry with its workspace, ready to be called many times.
#[derive(Debug)]
pub struct Call<'a> {
    entry: &'a Entry,
    packed: PackedFn,
    packed_on: Option<PackedOnFn>,
    /// Of libraries whose calls choose a device, which has words of its own.
    message: Option<MessageFn>,
    pool: Option<&'a Pool>,
    workspace: Buffer,
    /// The leaves of the call in progress; kept to not allocate in each.
    leaves: Vec<*mut c_void>,
}

impl<'a> Call<'a> {
    /// Lets calls run on a pool; a library for one thread runs on one.
    pub fn on(self, pool: &'a Pool) -> Self {
        Self {
            pool: Some(pool),
            ..self
        }
    }

    /// Calls the entry: writes its `inout` parameters and its results.
    pub fn run(&mut self, bound: &mut Bound) -> Result<(), LibraryError> {
        assert_eq!(self.entry.name, bound.entry, "a call is for one entry");
        let tensors = bound.params.iter_mut().chain(&mut bound.results);
        self.leaves.clear();
        self.leaves
            .extend(tensors.map(|tensor| tensor.as_mut_ptr().cast::<c_void>()));
        // SAFETY: the hash agrees and `Bound` holds, for these dims, every leaf of the entry in
        // order with its type and shape; all are distinct buffers. The entry itself refuses a
        // workspace that is too small for the dims.
        let code = unsafe {
            let (dims, leaves) = (bound.dims.as_ptr(), self.leaves.as_ptr());
            let (workspace, bytes) = (self.workspace.as_mut_ptr().cast(), self.workspace.len());
            match (self.packed_on, self.pool) {
                (Some(packed_on), Some(pool)) => {
                    packed_on(&pool.executor(), dims, leaves, workspace, bytes)
                }
                _ => (self.packed)(dims, leaves, workspace, bytes),
            }
        };
        match (code, self.message) {
            (status::OK, _) => Ok(()),
            (code, Some(message)) if status::ON_CHOSEN.contains(&code) => {
                // SAFETY: the hash agrees; the text is there until this thread's next call.
                let message = unsafe { CStr::from_ptr(message(code)) };
                Err(LibraryError::Status {
                    code,
                    message: message.to_string_lossy().into_owned(),
                    values: values_text(bound),
                })
            }
            (code, _) => Err(status_error(self.entry, code, values_text(bound))),
        }
    }

    /// The size of the workspace in bytes.
    pub fn workspace_bytes(&self) -> usize {
        self.workspace.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{bind, tests as sample};
    use crate::input::Input;
    use dlc_abi::{DType, Mode, Param, Status, Tree};
    use std::process::Command;

    /// `f<B in 1..=64>(inout x: f32[B], lr: f32) -> f32[2]`, written in C.
    const SOURCE: &str = r#"
        #include <stddef.h>
        #include <stdint.h>
        const char *t_abi_hash(void) { return "HASH"; }
        size_t t_f_workspace(int64_t B) { return B == 63 ? SIZE_MAX : (size_t)B * 4; }
        int32_t t_f_packed(const int64_t *dims, void *const *leaves, void *ws, size_t bytes) {
            float *x = leaves[0], *lr = leaves[1], *out = leaves[2];
            if ((uintptr_t)ws % 64) return 4;
            if (bytes < (size_t)dims[0] * 4) return 2;
            if (dims[0] == 13) return 17;
            if (dims[0] == 14) return 99;
            out[0] = out[1] = 0;
            for (int64_t i = 0; i < dims[0]; i++) { x[i] += *lr; out[0] += x[i]; }
            return 0;
        }
    "#;

    fn manifest() -> Manifest {
        let mut entry = sample::entry(&[("B", 1, Some(64))], &[]);
        entry.name = "f".into();
        entry.packed_symbol = "t_f_packed".into();
        entry.workspace_symbol = "t_f_workspace".into();
        entry.statuses.push(Status {
            code: 17,
            message: "DL1002 f: the condition B != 13 does not hold (t.dl:1)".into(),
        });
        let tensor = |shape: &[&str]| Tree::Tensor {
            dtype: DType::F32,
            shape: shape.iter().map(|dim| dim.to_string()).collect(),
        };
        entry.params = vec![
            Param {
                name: "x".into(),
                mode: Mode::InOut,
                tree: tensor(&["B"]),
            },
            Param {
                name: "lr".into(),
                mode: Mode::In,
                tree: tensor(&[]),
            },
        ];
        entry.result = Some(tensor(&["2"]));
        Manifest::new("dlc", "t", "test", vec![entry])
    }

    /// Builds the library with the system's C compiler; nothing where there is none.
    fn build(folder: &Path, hash: &str) -> Option<PathBuf> {
        let (source, library) = (folder.join("t.c"), folder.join("libt.so"));
        std::fs::write(&source, SOURCE.replace("HASH", hash)).unwrap();
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status();
        match status {
            Ok(status) => {
                assert!(status.success());
                Some(library)
            }
            Err(_) => {
                println!("skipped: no C compiler");
                None
            }
        }
    }

    fn call(library: &Library, shape: usize) -> Result<Bound, LibraryError> {
        let x = Input::parse(&format!("x=ones({shape})")).unwrap();
        let lr = Input::parse("lr=0.5").unwrap();
        let mut bound = bind(library.entry("f")?, &[x, lr], &[], 0).unwrap();
        library.prepare(&bound)?.run(&mut bound)?;
        Ok(bound)
    }

    #[test]
    fn entries_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let Some(path) = build(folder.path(), &manifest().abi_hash) else {
            return;
        };
        let library = Library::with_manifest(&path, manifest()).unwrap();
        for size in [1, 7, 64] {
            let bound = call(&library, size).unwrap();
            assert_eq!(bound.params()[0].to_f64(), vec![1.5; size]);
            assert_eq!(bound.results()[0].to_f64(), [1.5 * size as f64, 0.0]);
        }
        let text = |size| call(&library, size).unwrap_err().to_string();
        assert_eq!(
            text(13),
            "DL1002 f: the condition B != 13 does not hold (t.dl:1); B = 13"
        );
        assert_eq!(
            text(14),
            "f returned status 99, which its manifest does not list; B = 14"
        );
        assert_eq!(
            text(63),
            "DL1013 f: a size in bytes does not fit in 64 bits; B = 63"
        );
        let error = library.entry("g").unwrap_err();
        assert_eq!(error.help().unwrap(), "its exports are f");
    }

    #[test]
    fn wrong_libraries_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let Some(path) = build(folder.path(), "other") else {
            return;
        };
        let error = Library::with_manifest(&path, manifest()).unwrap_err();
        assert!(matches!(error, LibraryError::Hash { .. }), "{error}");
        let mut newer = manifest();
        newer.abi_version += 1;
        let error = Library::with_manifest(&path, newer).unwrap_err();
        assert!(matches!(error, LibraryError::Version { .. }), "{error}");
        let mut other = manifest();
        other.stem = "u".into();
        let error = Library::with_manifest(&path, other).unwrap_err();
        assert!(matches!(error, LibraryError::Symbol { .. }), "{error}");
        let junk = folder.path().join("libjunk.so");
        std::fs::write(&junk, "junk").unwrap();
        let error = Library::with_manifest(&junk, manifest()).unwrap_err();
        assert!(matches!(error, LibraryError::Open { .. }), "{error}");
        let error = Library::open(&path, &folder.path().join("none.json")).unwrap_err();
        assert!(matches!(error, LibraryError::File(_)), "{error}");
        std::fs::write(folder.path().join("t.json"), "{").unwrap();
        let error = Library::open(&path, &folder.path().join("t.json")).unwrap_err();
        assert!(matches!(error, LibraryError::Manifest { .. }), "{error}");
    }
}
