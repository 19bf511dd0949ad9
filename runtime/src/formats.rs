//! The files that hold tensors, by extension: `.npy` for one, `.npz` and `.safetensors` for many.

use std::path::{Path, PathBuf};

use crate::file::{self, FileError};
use crate::tensor::{Tensor, TensorError};
use crate::tree::NamedTensors;
use crate::{npy, npz, safetensors};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// NumPy's file of one array.
    Npy,
    /// NumPy's archive of arrays.
    Npz,
    /// Named tensors with a JSON header.
    Safetensors,
}

/// Tensors could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name has no extension that says the format.
    #[error("{}: the extension does not say a format", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The content is not what the extension says.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What the user can do.
        help: &'static str,
    },
    /// One tensor is wanted, and this is a file of many.
    #[error("{}: a file of many tensors, and one tensor is wanted", path.display())]
    Many {
        /// The file.
        path: PathBuf,
    },
    /// Many tensors are wanted, and this is a file of one.
    #[error("{}: a file of one tensor, and a tree of them is wanted", path.display())]
    One {
        /// The file.
        path: PathBuf,
    },
}

impl ReadError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            ReadError::File(error) => error.help(),
            ReadError::Extension { .. } => Some(EXTENSIONS.to_string()),
            ReadError::Malformed { help, .. } => Some(help.to_string()),
            ReadError::Many { .. } => Some("give a .npy file".to_string()),
            ReadError::One { .. } => {
                Some("give a .npz or .safetensors file, keyed by dotted path".to_string())
            }
        }
    }
}

/// Tensors could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name has no extension that says the format.
    #[error("{}: the extension does not say a format", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The file format is for one tensor, and there is a tree of them, or the reverse.
    #[error("{}: {message}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// Which way round.
        message: &'static str,
    },
    /// The format can't hold it.
    #[error("{}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl WriteError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            WriteError::File(error) => error.help(),
            WriteError::Extension { .. } | WriteError::Count { .. } => Some(EXTENSIONS.to_string()),
            WriteError::Content { .. } => None,
        }
    }
}

const EXTENSIONS: &str = "use .npy for one tensor, .npz or .safetensors for a tree";

/// What is wrong with the bytes of a file, before its name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub message: String,
    /// What the user can do.
    pub help: &'static str,
}

impl Malformed {
    pub(crate) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
        }
    }

    fn at(self, path: &Path) -> ReadError {
        ReadError::Malformed {
            path: path.to_path_buf(),
            message: self.message,
            help: self.help,
        }
    }
}

impl From<TensorError> for Malformed {
    fn from(error: TensorError) -> Self {
        Self::new(error.to_string(), "the file is damaged or too large")
    }
}

/// The format that the extension of a path says.
pub fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "npy" => Some(Format::Npy),
        "npz" => Some(Format::Npz),
        "safetensors" => Some(Format::Safetensors),
        _ => None,
    }
}

fn known_format(path: &Path) -> Result<Format, ReadError> {
    format_of(path).ok_or_else(|| ReadError::Extension {
        path: path.to_path_buf(),
    })
}

/// Reads one tensor from a `.npy` file.
pub fn read_tensor(path: &Path) -> Result<Tensor, ReadError> {
    if known_format(path)? != Format::Npy {
        let path = path.to_path_buf();
        return Err(ReadError::Many { path });
    }
    let bytes = file::read(path)?;
    npy::decode(&bytes).map_err(|malformed| malformed.at(path))
}

/// Reads many tensors from a `.npz` or `.safetensors` file.
pub fn read_tensors(path: &Path) -> Result<NamedTensors, ReadError> {
    let decode = match known_format(path)? {
        Format::Npy => {
            let path = path.to_path_buf();
            return Err(ReadError::One { path });
        }
        Format::Npz => npz::decode,
        Format::Safetensors => safetensors::decode,
    };
    let bytes = file::read(path)?;
    decode(&bytes).map_err(|malformed| malformed.at(path))
}

/// The bytes of a file of one tensor.
pub fn encode_tensor(path: &Path, tensor: &Tensor) -> Result<Vec<u8>, WriteError> {
    match format_of(path) {
        Some(Format::Npy) => Ok(npy::encode(tensor)),
        Some(_) => Err(WriteError::Count {
            path: path.to_path_buf(),
            message: "a file of many tensors, and the value is one tensor",
        }),
        None => Err(WriteError::Extension {
            path: path.to_path_buf(),
        }),
    }
}

/// The bytes of a file of many tensors.
pub fn encode_tensors(path: &Path, tensors: &NamedTensors) -> Result<Vec<u8>, WriteError> {
    let content = |message| WriteError::Content {
        path: path.to_path_buf(),
        message,
    };
    match format_of(path) {
        Some(Format::Npz) => npz::encode(tensors).map_err(content),
        Some(Format::Safetensors) => safetensors::encode(tensors).map_err(content),
        Some(Format::Npy) => Err(WriteError::Count {
            path: path.to_path_buf(),
            message: "a file of one tensor, and the value is a tree of them",
        }),
        None => Err(WriteError::Extension {
            path: path.to_path_buf(),
        }),
    }
}

/// Writes one tensor to a `.npy` file.
pub fn write_tensor(path: &Path, tensor: &Tensor) -> Result<(), WriteError> {
    Ok(file::write(path, &encode_tensor(path, tensor)?)?)
}

/// Writes many tensors to a `.npz` or `.safetensors` file.
pub fn write_tensors(path: &Path, tensors: &NamedTensors) -> Result<(), WriteError> {
    Ok(file::write(path, &encode_tensors(path, tensors)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_say_the_format() {
        let tensor = Tensor::key(1);
        let named = NamedTensors::from_iter([("a".to_string(), tensor.clone())]);
        for bad in ["x", "x.txt", "x.NPY"] {
            let error = read_tensor(Path::new(bad)).unwrap_err();
            assert!(matches!(error, ReadError::Extension { .. }), "{bad}");
            assert!(encode_tensor(Path::new(bad), &tensor).is_err());
        }
        assert!(matches!(
            read_tensor(Path::new("x.npz")),
            Err(ReadError::Many { .. })
        ));
        assert!(matches!(
            read_tensors(Path::new("x.npy")),
            Err(ReadError::One { .. })
        ));
        assert!(encode_tensor(Path::new("x.npz"), &tensor).is_err());
        assert!(encode_tensors(Path::new("x.npy"), &named).is_err());
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        std::fs::write(&path, "not an array").unwrap();
        let error = read_tensor(&path).unwrap_err();
        assert!(error.to_string().contains("x.npy: "), "{error}");
        assert!(error.help().is_some());
    }
}
