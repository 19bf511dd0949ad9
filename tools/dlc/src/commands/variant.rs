//! `dlc run-variant`: one variant of a compilation, run in a process of its own, as wrong code may end it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use dlc_driver::bisect::Called;
use dlc_runtime::formats::{read_tensors, write_tensors};
use dlc_runtime::input::parse_dim;
use dlc_runtime::{Bound, NamedTensors, Tensor};

use super::call::Request;
use super::device;
use crate::cli::{Common, Compared, RunTarget, RunVariant};
use crate::report::{Error, Output};
use crate::source::SourceFile;
use crate::supervise::{self, Ending};

/// Runs the command.
pub fn run(variant: &RunVariant, common: &Common) -> Result<(), Error> {
    let gpu = device::open(variant.target)?;
    let call = device::call_for(gpu.as_ref(), &variant.call)?;
    let mut request = Request::new(&call, common)?;
    if let Some(path) = &variant.module {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::io(format!("cannot read {}: {error}", path.display())))?;
        let stem = request.file.stem().to_string();
        request.file = SourceFile::of_text(format!("{stem}.mlir"), text, &stem);
        request.export = None;
    }
    let library = request.library()?;
    let entry = request.entry(library.manifest())?;
    let dims = call.dims.iter().map(|text| parse_dim(text));
    let dims = dims.collect::<Result<Vec<_>, _>>()?;
    let leaves = tensors(&variant.leaves)?;
    let keys = entry.param_leaves().into_iter().zip(leaves);
    let leaves = keys.map(|(leaf, tensor)| match leaf.dtype {
        dlc_abi::DType::Key => tensor.into_keys().unwrap_or_else(|tensor| tensor),
        _ => tensor,
    });
    let mut bound = Bound::from_tensors(entry, leaves.collect(), &dims)?;
    match &gpu {
        Some(gpu) => library.prepare_on(gpu, &bound)?.run(&mut bound)?,
        None => library.prepare(&bound)?.on(&request.pool).run(&mut bound)?,
    }
    let outputs = bound.into_outputs(entry).into_iter();
    let results = outputs.flat_map(|output| output.leaves);
    write(&variant.write, results.map(|(_, tensor)| tensor))
}

/// Writes tensors by their numbers.
fn write(path: &Path, tensors: impl Iterator<Item = Tensor>) -> Result<(), Error> {
    let named = tensors.enumerate();
    let named: NamedTensors = named
        .map(|(i, tensor)| (format!("{i:06}"), tensor))
        .collect();
    Ok(write_tensors(path, &named)?)
}

/// Tensors in the order of their numbers.
fn tensors(path: &Path) -> Result<Vec<Tensor>, Error> {
    let read = read_tensors(path).map_err(|error| Error::io(error.to_string()))?;
    let mut named: Vec<_> = read.iter().collect();
    named.sort_by_key(|(name, _)| name.to_string());
    Ok(named
        .into_iter()
        .map(|(_, tensor)| tensor.clone())
        .collect())
}

/// What became of a variant.
pub enum Outcome {
    /// It gave results.
    Gave(Vec<Tensor>),
    /// It ended the process.
    Died(String),
    /// It was not compiled, or the call failed.
    Refused(String),
}

/// What starts variants of one call.
pub struct Variants {
    program: std::path::PathBuf,
    arguments: Vec<OsString>,
    folder: tempfile::TempDir,
}

/// A variant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Variant<'a> {
    /// How many passes run as they should.
    pub limit: Option<usize>,
    /// A module in place of the source.
    pub module: Option<&'a str>,
}

impl Variants {
    /// Of a call.
    pub fn new(compared: &Compared, called: Called, common: &Common) -> Result<Self, Error> {
        let temporary =
            |error: std::io::Error| Error::io(format!("cannot use the temporary folder: {error}"));
        let folder = tempfile::Builder::new().prefix("dlc-bisect-").tempdir();
        let folder = folder.map_err(temporary)?;
        let leaves = folder.path().join("leaves.safetensors");
        write(&leaves, called.leaves.iter().cloned())?;
        let mut arguments: Vec<OsString> = vec!["run-variant".into()];
        let file = crate::source::split_target(&compared.call.callee).0;
        arguments.push(format!("{file}::{}", called.export).into());
        arguments.extend(compared.options());
        // Dims that were given stand there already.
        let given = |name: &str| {
            let mut dims = compared.call.dims.iter();
            dims.any(|dim| dim.split('=').next() == Some(name))
        };
        for (name, value) in called.dims.iter().filter(|(name, _)| !given(name)) {
            arguments.extend(["--dim".into(), format!("{name}={value}").into()]);
        }
        if compared.target == RunTarget::Cpu {
            arguments.extend(["--target".into(), "cpu".into()]);
        }
        arguments.extend(["--leaves".into(), leaves.into(), "--no-cache".into()]);
        arguments.extend(["--error-format".into(), "short".into()]);
        arguments.extend(common.unstable_arguments());
        let program = std::env::current_exe()
            .map_err(|error| Error::io(format!("cannot find the compiler's program: {error}")))?;
        Ok(Self {
            program,
            arguments,
            folder,
        })
    }

    /// Compiles and runs a variant.
    pub fn run(&self, variant: Variant) -> Result<Outcome, Error> {
        let results = self.folder.path().join("results.safetensors");
        let _ = std::fs::remove_file(&results);
        let mut process = Process::new(&self.program);
        process.args(&self.arguments);
        process.arg("--write").arg(&results);
        if let Some(limit) = variant.limit {
            process.arg(format!("-Zpass-limit={limit}"));
        }
        if let Some(text) = variant.module {
            let path = self.folder.path().join("module.mlir");
            std::fs::write(&path, text)
                .map_err(|error| Error::io(format!("cannot write {}: {error}", path.display())))?;
            process.arg("--module").arg(path);
        }
        process
            .env(supervise::CHILD, supervise::child_value(Output::default()))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let ended = process.stderr(Stdio::piped()).output().map_err(|error| {
            Error::io(format!("cannot start the compiler's own process: {error}"))
        })?;
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_string();
        Ok(match Ending::of(ended.status) {
            Ending::Status(crate::report::Status::Done) => Outcome::Gave(tensors(&results)?),
            Ending::Crash(how) if ended.status.code().is_none() => Outcome::Died(how),
            Ending::Status(_) | Ending::Crash(_) => Outcome::Refused(said),
        })
    }
}
