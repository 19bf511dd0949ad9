//! `dlc fmt`: files in the language's one layout.

use std::io::Write;
use std::path::Path;

use dlc_driver::{Severity, format::format};
use similar::TextDiff;
use tempfile::NamedTempFile;

use crate::cli::{Common, Fmt};
use crate::report::{Error, Status, to_stdout};
use crate::source::{SourceFile, find_dl};

/// What became of a file.
enum Outcome {
    /// It is in the one layout.
    Done,
    /// `--check` found that it is not.
    Differs,
}

/// Runs the command.
pub fn run(fmt: &Fmt, common: &Common) -> Result<(), Error> {
    let output = common.output();
    let mut failed = None;
    let mut files = Vec::new();
    for path in &fmt.paths {
        if let Err(error) = find_dl(path, &mut files) {
            failed = Some(output.error(&error));
        }
    }
    for path in files {
        match one(&path, fmt, common) {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Differs) => failed = failed.or(Some(Status::Input)),
            // The last file's status is the command's.
            Err(error) => failed = Some(output.error(&error)),
        }
    }
    match failed {
        None => Ok(()),
        Some(status) => Err(Error::Shown(status)),
    }
}

fn one(path: &str, fmt: &Fmt, common: &Common) -> Result<Outcome, Error> {
    let output = common.output();
    let file = SourceFile::read(path)?;
    let source = file.source();
    let formatted = format(&source, output.format, output.color)
        .map_err(|failure| Error::of_compilation(failure, &file.name))?;
    let same = formatted == source.text;
    if fmt.check {
        if same {
            return Ok(Outcome::Done);
        }
        let diff = TextDiff::from_lines(source.text, &formatted);
        let mut diff = diff.unified_diff();
        to_stdout(diff.header(&file.name, "formatted").to_string().as_bytes())?;
        let message = format!("{} is not formatted", file.name);
        let help = (!file.is_stdin()).then(|| format!("run `dlc fmt {path}`"));
        output.message(Severity::Error, &message, help.as_deref());
        return Ok(Outcome::Differs);
    }
    if file.is_stdin() {
        to_stdout(formatted.as_bytes())?;
    } else if !same {
        replace(Path::new(path), &formatted)?;
        if common.verbose {
            to_stdout(format!("{path}\n").as_bytes())?;
        }
    }
    Ok(Outcome::Done)
}

/// Gives a file another text, at once: whenever this ends, the file has the old text or the new one. A link stays one.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let write = || {
        let path = path.canonicalize()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let permissions = std::fs::metadata(&path)?.permissions();
        // Nobody may write to it, so neither may we, though the folder would let us.
        if permissions.readonly() {
            return Err(std::io::ErrorKind::PermissionDenied.into());
        }
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| {
        Error::io(format!("cannot write {}: {error}", path.display()))
    })
}
