//! Files as a whole: reading, and writing beside the destination with a rename at the end, so
//! that no one ever sees half a file.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read {}: {}", path.display(), reason(error))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It could not be written.
    #[error("cannot write {}: {}", path.display(), reason(error))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl FileError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        let (FileError::Read { path, error } | FileError::Write { path, error }) = self;
        let text = match (self, error.kind()) {
            (FileError::Read { .. }, io::ErrorKind::NotFound) => {
                "check the path; it is taken from the current directory".to_string()
            }
            (FileError::Write { .. }, io::ErrorKind::NotFound) => {
                let folder = path.parent().unwrap_or(Path::new("."));
                format!("create the folder {} first", folder.display())
            }
            (_, io::ErrorKind::PermissionDenied) => "check the permissions".to_string(),
            (_, io::ErrorKind::NotADirectory) => {
                "check the path; a part of it is a file, not a folder".to_string()
            }
            (_, io::ErrorKind::IsADirectory) => "give a file, not a folder".to_string(),
            (_, io::ErrorKind::StorageFull) => "free some space on that disk".to_string(),
            _ => return None,
        };
        Some(text)
    }
}

/// The reason without the operating system's number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((start, _)) => start.to_lowercase(),
        None => text,
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_at_most(path, u64::MAX)
}

/// Reads a file, but no more than so many bytes of it: some files have no end.
pub fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::Read {
        path: path.to_path_buf(),
        error,
    };
    if path.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Writes a whole file: the destination has its old content or all of the new one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_all(&[(path, bytes)])
}

/// Writes several files; when one can't be written, none is changed.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<(), FileError> {
    let mut staged = Vec::with_capacity(files.len());
    for (path, bytes) in files {
        let result = Staged::new(path, bytes);
        staged.push(result.map_err(|error| failed(path, error))?);
    }
    for (staged, (path, _)) in staged.into_iter().zip(files) {
        staged.finish().map_err(|error| failed(path, error))?;
    }
    Ok(())
}

fn failed(path: &Path, error: io::Error) -> FileError {
    FileError::Write {
        path: path.to_path_buf(),
        error,
    }
}

/// A file that is written but not yet in its place.
enum Staged<'a> {
    /// A temporary file beside the destination.
    Beside(tempfile::NamedTempFile, PathBuf),
    /// A device or pipe, which no rename may replace.
    Stream(fs::File, &'a [u8]),
}

impl<'a> Staged<'a> {
    fn new(path: &Path, bytes: &'a [u8]) -> io::Result<Self> {
        let mut destination = path.to_path_buf();
        if let Ok(metadata) = fs::metadata(path) {
            if metadata.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            if !metadata.is_file() {
                let file = fs::OpenOptions::new().write(true).open(path)?;
                return Ok(Self::Stream(file, bytes));
            }
            // A link keeps pointing where it did.
            destination = fs::canonicalize(path)?;
        }
        let folder = match destination.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dlc-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder).map_err(without_path)?;
        file.write_all(bytes)?;
        file.flush()?;
        Ok(Self::Beside(file, destination))
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Beside(file, destination) => {
                file.persist(destination).map_err(|error| error.error)?;
                Ok(())
            }
            Self::Stream(mut file, bytes) => file.write_all(bytes),
        }
    }
}

/// The kind of an error without the name of the temporary file.
fn without_path(error: io::Error) -> io::Error {
    io::Error::from(error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a"), folder.path().join("none/b"));
        fs::write(&good, "old").unwrap();
        let error = write_all(&[(&good, b"new"), (&bad, b"new")]).unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
        assert!(error.help().unwrap().starts_with("create the folder"));
        assert_eq!(fs::read(&good).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert!(write(folder.path(), b"x").is_err());
        assert!(read(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_not_replaced() {
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_missing_file_says_so() {
        let error = read(Path::new("no/such.npy")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read no/such.npy: no such file or directory"
        );
        assert!(error.help().is_some());
    }
}
