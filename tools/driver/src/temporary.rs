//! Libraries for one process, in temporary folders.

use crate::compile::{Emit, Failure, Options, Session, Source};
use dlc_abi::Manifest;
use std::path::PathBuf;

/// A library in a temporary folder, removed with it.
pub struct TempLibrary {
    /// What it holds.
    pub manifest: Manifest,
    /// The shared object.
    pub path: PathBuf,
    folder: tempfile::TempDir,
}

impl TempLibrary {
    /// The folder; other files may be put there.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// Builds a shared library of a source for one process.
pub fn temporary_library(session: &Session, source: &Source) -> Result<TempLibrary, Failure> {
    let mut compiled = session.compile(source, &[Emit::Cdylib])?;
    let io =
        |error: std::io::Error| Failure::Io(format!("cannot write a temporary library: {error}"));
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join(format!("lib{}.so", source.stem));
    let bytes = compiled.artefacts.remove(&Emit::Cdylib).unwrap_or_default();
    std::fs::write(&path, bytes).map_err(io)?;
    Ok(TempLibrary {
        manifest: compiled.manifest,
        path,
        folder,
    })
}

/// Builds a textual `dl` module, whose functions with `dl.entry` are the entries, for one process.
pub fn compile_mlir_to_library(text: &str, options: Options) -> Result<TempLibrary, Failure> {
    let session = Session::new(options);
    temporary_library(
        &session,
        &Source {
            name: "module.mlir",
            text,
            stem: "m",
        },
    )
}
