//! The files that a source imports, read from disk.

use std::io::{ErrorKind, Read};
use std::path::Path;

use dlc_frontend::modules::{LoadError, Loader};
use dlc_frontend::source::MAX_SOURCE_BYTES;

/// Files by their paths.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Loader for Disk {
    fn identity(&self, name: &str) -> String {
        match Path::new(name).canonicalize() {
            Ok(path) => path.to_string_lossy().into_owned(),
            Err(_) => name.to_owned(),
        }
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => LoadError::NotFound,
            ErrorKind::IsADirectory => LoadError::Other("it is a folder".into()),
            _ => LoadError::Other(error.to_string()),
        };
        let mut bytes = Vec::new();
        let limit = MAX_SOURCE_BYTES as u64 + 1;
        let file = std::fs::File::open(name).map_err(failed)?;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > MAX_SOURCE_BYTES {
            return Err(LoadError::TooLong);
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..valid];
            LoadError::NotUtf8(1 + before.iter().filter(|&&byte| byte == b'\n').count())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        assert_eq!(Disk.read(&path("a.dl")), Err(LoadError::NotFound));
        assert_eq!(
            Disk.read(&path(".")),
            Err(LoadError::Other("it is a folder".into()))
        );
        std::fs::write(path("a.dl"), b"const A = 1\n\xff").unwrap();
        assert_eq!(Disk.read(&path("a.dl")), Err(LoadError::NotUtf8(2)));
        std::fs::write(path("b.dl"), "const A = 1").unwrap();
        assert_eq!(Disk.read(&path("b.dl")).as_deref(), Ok("const A = 1"));
        assert_eq!(Disk.identity(&path("b.dl")), Disk.identity(&path("./b.dl")));
    }
}
