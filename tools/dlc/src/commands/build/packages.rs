//! Kinds that are made of other kinds, or know where these go: Python packages, wheels, what `pkg-config` reads.

use std::collections::BTreeMap;
use std::path::Path;

use dlc_abi::Manifest;
use dlc_driver::artefact::Artefact;
use dlc_driver::compile::Emit;
use dlc_driver::wheel::{self, Wheel};
use dlc_driver::{pkg_config, python};

use crate::report::Error;

/// Kinds with those that they need.
pub fn with_needed(wanted: impl Iterator<Item = Emit>) -> Vec<Emit> {
    let mut kinds: Vec<Emit> = Vec::new();
    for kind in wanted {
        for kind in kind.needs().iter().copied().chain([kind]) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    kinds
}

/// What is known of a build when its artefacts are there.
pub struct Package<'a> {
    /// The library's manifest.
    pub manifest: &'a Manifest,
    /// The version that the user gave.
    pub version: &'a str,
}

impl Package<'_> {
    /// The bytes of a kind that the compiler does not make by itself.
    pub fn make(
        &self,
        kind: Emit,
        artefacts: &BTreeMap<Emit, Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        match kind {
            Emit::Wheel => Ok(Some(self.wheel(artefacts)?.bytes)),
            Emit::PkgConfig => {
                let text = pkg_config::text(self.manifest, self.version);
                Ok(Some(text.map_err(Error::usage)?.into_bytes()))
            }
            _ => Ok(None),
        }
    }

    /// The file of a kind whose name is not made of the stem alone.
    pub fn file_name(&self, kind: Emit) -> Result<Option<String>, Error> {
        match kind {
            Emit::Wheel => Ok(Some(
                wheel::pack(self.manifest, self.version, &[])
                    .map_err(refused)?
                    .name,
            )),
            _ => Ok(None),
        }
    }

    /// The files of the Python package in its folder.
    pub fn files(&self, folder: &Path, artefacts: &BTreeMap<Emit, Vec<u8>>) -> Vec<Artefact> {
        let files = self.python(artefacts).into_iter();
        files
            .map(|file| Artefact {
                path: folder.join(file.name),
                bytes: file.bytes,
            })
            .collect()
    }

    fn python(&self, artefacts: &BTreeMap<Emit, Vec<u8>>) -> Vec<python::File> {
        let bytes = |kind| artefacts.get(&kind).map(Vec::as_slice).unwrap_or_default();
        python::package(
            &self.manifest.stem,
            bytes(Emit::Python),
            bytes(Emit::Cdylib),
        )
    }

    fn wheel(&self, artefacts: &BTreeMap<Emit, Vec<u8>>) -> Result<Wheel, Error> {
        wheel::pack(self.manifest, self.version, &self.python(artefacts)).map_err(refused)
    }
}

fn refused(error: wheel::Error) -> Error {
    Error::usage(error.to_string()).help(Some(error.help().to_string()))
}
