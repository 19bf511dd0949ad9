//! `dlc check`: all diagnostics of some files, and nothing written.

use std::collections::BTreeMap;

use crate::cli::{Check, Common};
use crate::report::{Error, to_stderr};
use crate::source::SourceFile;

/// Runs the command.
pub fn run(check: &Check, common: &Common) -> Result<(), Error> {
    let session = super::session(&check.compile, 1, BTreeMap::new(), common)?;
    let output = common.output();
    let mut failed = None;
    for path in &check.files {
        let checked = SourceFile::read(path).and_then(|file| {
            session
                .check(&file.source())
                .map_err(|failure| Error::of_compilation(failure, &file.name))
        });
        match checked {
            Ok(checked) => to_stderr(&checked.diagnostics),
            // The last file's status is the command's.
            Err(error) => failed = Some(output.error(&error)),
        }
    }
    match failed {
        None => Ok(()),
        Some(status) => Err(Error::Shown(status)),
    }
}
