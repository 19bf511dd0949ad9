//! Files that a build leaves behind: all of them, or none.

use std::path::{Path, PathBuf};

use dlc_runtime::file::{self, FileError};

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Where it goes.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Writes one file; no one sees half of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    file::write(path, bytes)
}

/// Writes all files; when one can't be written, none is changed. Folders are not made.
pub fn write_all(artefacts: &[Artefact]) -> Result<(), FileError> {
    let files: Vec<(&Path, &[u8])> = artefacts
        .iter()
        .map(|artefact| (artefact.path.as_path(), artefact.bytes.as_slice()))
        .collect();
    file::write_all(&files)
}

/// Makes a folder for outputs, with those above it.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|error| FileError::Write {
        path: path.to_path_buf(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_when_one_fails() {
        let folder = tempfile::tempdir().unwrap();
        let artefact = |name: &str| Artefact {
            path: folder.path().join(name),
            bytes: b"x".to_vec(),
        };
        assert!(write_all(&[artefact("a"), artefact("none/b")]).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        write_all(&[artefact("a"), artefact("b")]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let file = folder.path().join("a");
        assert!(make_folder(&file.join("under")).is_err());
    }
}
