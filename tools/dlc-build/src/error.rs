//! Why a model was not compiled.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a model was not compiled. A build script that returns it from `main` has cargo show it.
#[non_exhaustive]
pub enum Error {
    /// The compiler can't be run.
    NoCompiler {
        /// What was called.
        program: PathBuf,
        /// Why it can't be.
        error: std::io::Error,
    },
    /// The compiler is of another version, or something else.
    Version {
        /// What was called.
        program: PathBuf,
        /// What it says it is.
        found: String,
    },
    /// The compiler refused the model; what it said stands above.
    Failed {
        /// The model.
        source: PathBuf,
        /// How the compiler ended.
        status: ExitStatus,
    },
    /// A file of the build can't be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The path of the model does not end with a name.
    NoName(PathBuf),
    /// `OUT_DIR` is not set, as cargo does for build scripts.
    NoFolder,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = env!("CARGO_PKG_VERSION");
        match self {
            Error::NoCompiler { program, error } => write!(
                f,
                "cannot run the compiler `{}`: {error}; install dlc {own}, or name it by the environment variable DLC",
                program.display()
            ),
            Error::Version { program, found } => write!(
                f,
                "`{}` says that it is `{found}`, and dlc-build {own} needs the dlc of its own version; name another by the \
                 environment variable DLC",
                program.display()
            ),
            Error::Failed { source, status } => write!(
                f,
                "dlc could not compile {}: {status}; what it said stands above",
                source.display()
            ),
            Error::File { path, error } => write!(f, "{}: {error}", path.display()),
            Error::NoName(path) => write!(f, "`{}` names no model", path.display()),
            Error::NoFolder => f.write_str(
                "OUT_DIR is not set, as cargo does for build scripts; elsewhere say where by Build::out_dir",
            ),
        }
    }
}

/// As `Display`: it is what cargo shows of an error that `main` returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::NoCompiler { error, .. } | Error::File { error, .. } => Some(error),
            Error::Version { .. } | Error::Failed { .. } | Error::NoName(_) | Error::NoFolder => {
                None
            }
        }
    }
}
