//! The source text that a command works on.

use std::io::Read;
use std::path::{Path, PathBuf};

use dlc_abi::symbol;
use dlc_driver::compile::Source;
use dlc_runtime::file;

use crate::report::Error;

/// A source file in memory.
#[derive(Debug)]
pub struct SourceFile {
    /// As shown in messages.
    pub name: String,
    text: String,
    stem: String,
}

/// How large a source file may be, in bytes.
const MAX_SOURCE: usize = 64 << 20;

/// The name of standard input.
pub const STDIN: &str = "<stdin>";

impl SourceFile {
    /// Reads a file, or standard input for `-`.
    pub fn read(path: &str) -> Result<Self, Error> {
        let limit = MAX_SOURCE as u64 + 1;
        let (name, bytes, stem) = if path == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
            read.map_err(|error| Error::io(format!("cannot read standard input: {error}")))?;
            (STDIN.to_string(), bytes, "stdin".to_string())
        } else {
            let path = Path::new(path);
            let bytes = file::read_at_most(path, limit)?;
            let stem = path.file_stem().unwrap_or_default();
            (
                path.display().to_string(),
                bytes,
                stem.to_string_lossy().into_owned(),
            )
        };
        if bytes.len() > MAX_SOURCE {
            return Err(Error::input(format!("{name} is larger than 64 MiB")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
                + 1;
            Error::input(format!("{name}:{line}: not UTF-8 text"))
                .help(Some("save the file as UTF-8".to_string()))
        })?;
        Ok(Self {
            name,
            text,
            stem: symbol::identifier(&stem),
        })
    }

    /// A text with this name and prefix.
    pub fn of_text(name: String, text: String, stem: &str) -> Self {
        Self {
            name,
            text,
            stem: symbol::identifier(stem),
        }
    }

    /// Whether it was read from standard input.
    pub fn is_stdin(&self) -> bool {
        self.name == STDIN
    }

    /// The form in which the driver takes it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
            stem: &self.stem,
        }
    }

    /// The C prefix of everything in it.
    pub fn stem(&self) -> &str {
        &self.stem
    }
}

/// The sources that a path stands for: itself, or what is called `.dl` in a folder and those below it, in the order of
/// their names.
pub fn find_dl(path: &str, files: &mut Vec<String>) -> Result<(), Error> {
    if path == "-" || !Path::new(path).is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let found = find(Path::new(path), &["dl"])?;
    if found.is_empty() {
        return Err(Error::input(format!("there are no .dl files in {path}")));
    }
    for path in found {
        let name = path
            .to_str()
            .ok_or_else(|| Error::input(format!("the name of {} is not UTF-8", path.display())))?;
        files.push(name.to_owned());
    }
    Ok(())
}

/// The files in a folder and those below it whose names end so, in order. Hidden folders and links to folders are left
/// out.
pub fn find(folder: &Path, ends: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let cannot = |error| Error::io(format!("cannot read {}: {error}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().map_err(cannot)?.is_dir() {
                folders.extend((!hidden).then_some(path));
            } else if path
                .extension()
                .is_some_and(|end| ends.iter().any(|one| end == *one))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Splits `FILE::EXPORT`.
pub fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.rsplit_once("::") {
        Some((file, export)) if !export.contains('/') => (file, Some(export)),
        _ => (target, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split() {
        assert_eq!(split_target("a.dl::f"), ("a.dl", Some("f")));
        assert_eq!(split_target("a.dl"), ("a.dl", None));
        assert_eq!(split_target("x::y/a.dl"), ("x::y/a.dl", None));
        assert_eq!(split_target("-::f"), ("-", Some("f")));
    }

    #[test]
    fn bad_text_is_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my-model.dl");
        std::fs::write(&path, b"a\nb\xff").unwrap();
        let Err(Error::Message { message, .. }) = SourceFile::read(path.to_str().unwrap()) else {
            panic!("a message");
        };
        assert!(
            message.ends_with("my-model.dl:2: not UTF-8 text"),
            "{message}"
        );
        std::fs::write(&path, "a").unwrap();
        let source = SourceFile::read(path.to_str().unwrap()).unwrap();
        assert_eq!(source.stem(), "my_model");
    }
}
