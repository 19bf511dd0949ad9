//! What `dlc run` and `dlc bench` share: from a command line to a library and its inputs.

use dlc_abi::Entry;
use dlc_driver::compile::{Emit, Session};
use dlc_gpu::GpuError;
use dlc_runtime::input::{parse_dim, parse_output};
use dlc_runtime::library::{Library, find_entry};
use dlc_runtime::{BindError, Bound, Input, InputError, LibraryError, Pool, WriteError, bind};

use crate::cli::{Call, Common};
use crate::report::{Error, to_stderr};
use crate::source::{SourceFile, split_target};

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Error::usage(error.to_string()).help(Some(error.help.to_string()))
    }
}

impl From<BindError> for Error {
    fn from(error: BindError) -> Self {
        let new = if error.is_io() {
            Error::io
        } else {
            Error::input
        };
        new(error.to_string()).help(error.help())
    }
}

impl From<LibraryError> for Error {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::NoEntry { .. } | LibraryError::Status { .. } => {
                Error::input(error.to_string()).help(error.help())
            }
            LibraryError::Memory { .. } => Error::input(error.to_string()).help(error.help()),
            LibraryError::Gpu(error) => error.into(),
            LibraryError::File(error) => error.into(),
            // The library was built a moment ago by this program.
            LibraryError::Manifest { .. }
            | LibraryError::Version { .. }
            | LibraryError::NoGpu { .. }
            | LibraryError::NotTraced { .. }
            | LibraryError::Open { .. }
            | LibraryError::Symbol { .. }
            | LibraryError::Hash { .. } => Error::Internal(error.to_string()),
        }
    }
}

impl From<GpuError> for Error {
    fn from(error: GpuError) -> Self {
        let help = match error {
            GpuError::NoDriver | GpuError::NoDevice { .. } => {
                Some("`--target gpu-emulated` needs none, and is slow".to_string())
            }
            _ => None,
        };
        Error::input(error.to_string()).help(help)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::File(error) => error.into(),
            error => Error::usage(error.to_string()).help(error.help()),
        }
    }
}

/// The same call of a library without code for a GPU, whose entries choose no device.
pub fn on_cpu(call: &Call) -> Result<Call, Error> {
    super::architecture(&call.compile.gpu)?;
    let mut call = call.clone();
    call.compile.gpu = "none".to_string();
    Ok(call)
}

/// The parsed command line of a call.
pub struct Request {
    /// The source.
    pub file: SourceFile,
    /// The export that was named.
    pub export: Option<String>,
    inputs: Vec<Input>,
    dims: Vec<(String, i64)>,
    seed: u64,
    /// The compiler.
    pub session: Session,
    /// The threads of calls.
    pub pool: Pool,
}

impl Request {
    /// Parses everything that can be wrong before anything is compiled.
    pub fn new(call: &Call, common: &Common) -> Result<Self, Error> {
        if call.threads == 0 {
            return Err(Error::usage("`--threads 0`: one thread at least"));
        }
        let threads = u32::try_from(call.threads)
            .map_err(|_| Error::usage(format!("`--threads {}`: too many", call.threads)))?;
        let pool = Pool::new(call.threads).map_err(|error| Error::io(error.to_string()))?;
        let (path, export) = split_target(&call.callee);
        let inputs = call.inputs.iter().map(|text| Input::parse(text));
        let dims = call.dims.iter().map(|text| parse_dim(text));
        let dims = dims.collect::<Result<Vec<_>, _>>()?;
        let sizes = dims.iter().cloned().collect();
        Ok(Self {
            export: export.map(str::to_string),
            inputs: inputs.collect::<Result<_, _>>()?,
            dims,
            seed: call.seed,
            pool,
            session: super::session(&call.compile, threads, sizes, common)?,
            file: SourceFile::read(path)?,
        })
    }

    /// Compiles to a shared library and opens it.
    pub fn library(&self) -> Result<Library, Error> {
        let (library, _) = self.library_of(&self.session, Emit::Cdylib)?;
        Ok(library)
    }

    /// Compiles with a session to a shared library, opens it, and gives another artefact too.
    pub fn library_of(&self, session: &Session, other: Emit) -> Result<(Library, Vec<u8>), Error> {
        let mut compiled = session
            .compile(&self.file.source(), &[Emit::Cdylib, other])
            .map_err(|failure| Error::of_compilation(failure, &self.file.name))?;
        to_stderr(&compiled.diagnostics);
        let more = compiled.artefacts.get(&other).cloned().unwrap_or_default();
        let bytes = compiled.artefacts.remove(&Emit::Cdylib).unwrap_or_default();
        let temporary = |error: std::io::Error| {
            Error::io(format!("cannot use the temporary folder: {error}")).help(Some(
                "set TMPDIR to a folder that can be written".to_string(),
            ))
        };
        let folder = tempfile::Builder::new().prefix("dlc-run-").tempdir();
        let folder = folder.map_err(temporary)?;
        let path = folder.path().join(format!("lib{}.so", self.file.stem()));
        std::fs::write(&path, bytes).map_err(temporary)?;
        // Once open, the library stays mapped; the folder goes.
        Ok((Library::with_manifest(&path, compiled.manifest)?, more))
    }

    /// The entry of the export that was named, or of the only one.
    pub fn entry<'a>(&self, manifest: &'a dlc_abi::Manifest) -> Result<&'a Entry, Error> {
        self.entry_among(&manifest.entries)
    }

    /// The same among some entries.
    pub fn entry_among<'a>(&self, entries: &'a [Entry]) -> Result<&'a Entry, Error> {
        match (&self.export, entries) {
            (Some(name), _) => Ok(find_entry(entries, name)?),
            (None, [only]) => Ok(only),
            (None, entries) => {
                let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
                let help = match names.is_empty() {
                    true => "write `export` before the `fn` to call".to_string(),
                    false => format!("its exports are {}", names.join(", ")),
                };
                let message = format!("which export of {}?", self.file.name);
                Err(Error::usage(message).help(Some(help)))
            }
        }
    }

    /// The tensors of the call.
    pub fn bind(&self, entry: &Entry) -> Result<Bound, Error> {
        Ok(bind(entry, &self.inputs, &self.dims, self.seed)?)
    }

    /// The tensors of a call whose results do not matter: parameters without an input are random.
    pub fn bind_or_random(&self, entry: &Entry) -> Result<Bound, Error> {
        let (inputs, dims) = (&self.inputs, &self.dims);
        Ok(dlc_runtime::example::bind_or_random(
            entry, inputs, dims, self.seed,
        )?)
    }
}

/// The outputs to write, by name.
pub fn output_files(texts: &[String]) -> Result<Vec<(String, std::path::PathBuf)>, Error> {
    Ok(texts
        .iter()
        .map(|text| parse_output(text))
        .collect::<Result<_, _>>()?)
}
