//! Compiles models in a build script: runs `dlc`, links the library, and tells cargo when to do it again.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), dlc_build::Error> {
//!     dlc_build::compile("model.dl")
//! }
//! ```
//!
//! In the crate, `mod model { include!(concat!(env!("OUT_DIR"), "/model.rs")); }` has the bindings.
//!
//! Nothing of the compiler is in this crate. It runs the program that the environment variable `DLC` names, else the one in
//! `PATH`, which has to be of this crate's version, as the bindings are its work. With the feature `ndarray` tensors may be
//! arrays and views of the crate `ndarray`, too, which your crate then depends on.

#![allow(clippy::needless_doctest_main, reason = "a build script is a program")]

mod error;
mod rules;

pub use error::Error;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The environment variable that names the compiler.
const VARIABLE: &str = "DLC";

/// Compiles a model with the options that are usual; [`Build`] has others.
pub fn compile(source: impl AsRef<Path>) -> Result<(), Error> {
    Build::new(source).compile().map(drop)
}

/// A model and how to compile it.
#[derive(Debug, Clone)]
pub struct Build {
    source: PathBuf,
    arguments: Vec<OsString>,
    compiler: Option<PathBuf>,
    folder: Option<PathBuf>,
}

/// What was made of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The name of library and bindings, `libSTEM.a` and `STEM.rs`.
    pub stem: String,
    /// The folder that they are in.
    pub folder: PathBuf,
    /// The files that the model is made of.
    pub files: Vec<String>,
}

impl Build {
    /// A model, by its path from the folder of the package.
    pub fn new(source: impl AsRef<Path>) -> Self {
        Self {
            source: source.as_ref().to_path_buf(),
            arguments: vec![],
            compiler: None,
            folder: None,
        }
    }

    /// The processor to compile for, `native` or as `dlc --print target-cpus` lists them; that of this machine if not said.
    pub fn target_cpu(self, cpu: &str) -> Self {
        self.option("--target-cpu", cpu)
    }

    /// The most threads on which a call may run.
    pub fn threads(self, threads: u32) -> Self {
        self.argument(format!("--threads={threads}"))
    }

    /// The GPU to compile for as well, such as `sm_80`.
    pub fn gpu(self, gpu: &str) -> Self {
        self.option("--gpu", gpu)
    }

    /// The level of optimisation, 0 to 3; 3 if not said.
    pub fn opt_level(self, level: u8) -> Self {
        self.argument(format!("-O{level}"))
    }

    /// The most bytes of workspace that a call may need, such as `64M`.
    pub fn max_memory(self, bytes: &str) -> Self {
        self.option("--max-memory", bytes)
    }

    /// Any other argument of `dlc build`.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The compiler, where it is neither named by `DLC` nor in `PATH`.
    pub fn compiler(mut self, path: impl AsRef<Path>) -> Self {
        self.compiler = Some(path.as_ref().to_path_buf());
        self
    }

    /// The folder for what is made; cargo's `OUT_DIR` if not said.
    pub fn out_dir(mut self, path: impl AsRef<Path>) -> Self {
        self.folder = Some(path.as_ref().to_path_buf());
        self
    }

    fn option(self, name: &str, value: &str) -> Self {
        self.argument(name).argument(value)
    }

    /// Compiles the model, and tells cargo what to link and when to run again.
    pub fn compile(self) -> Result<Compiled, Error> {
        println!("cargo:rerun-if-env-changed={VARIABLE}");
        println!("cargo:rerun-if-changed={}", self.source.display());
        let compiled = self.compile_quietly()?;
        println!(
            "cargo:rustc-link-search=native={}",
            compiled.folder.display()
        );
        println!("cargo:rustc-link-lib=static={}", compiled.stem);
        for file in compiled.files.iter() {
            println!("cargo:rerun-if-changed={file}");
        }
        Ok(compiled)
    }

    fn compile_quietly(self) -> Result<Compiled, Error> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or(Error::NoFolder)?,
        };
        let stem = stem(&self.source)?;
        let dlc = self.checked_compiler()?;
        let mut command = Command::new(&dlc);
        command
            .arg("build")
            .arg(&self.source)
            .arg("-o")
            .arg(&folder);
        command.arg("--emit=staticlib,rust,dep-info");
        command.args(cross()).args(&self.arguments);
        let output = run(&mut command, &dlc)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            eprint!("{said}");
            return Err(Error::Failed {
                source: self.source,
                status: output.status,
            });
        }
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            println!("cargo:warning={line}");
        }
        let rules = read(&folder.join(format!("{stem}.d")))?;
        if cfg!(feature = "ndarray") {
            let bindings = folder.join(format!("{stem}.rs"));
            let text = read(&bindings)? + NDARRAY;
            std::fs::write(&bindings, text).map_err(|error| Error::File {
                path: bindings,
                error,
            })?;
        }
        Ok(Compiled {
            stem,
            folder,
            files: rules::prerequisites(&rules),
        })
    }

    /// The compiler, of which cargo is told, if it is of this crate's version.
    fn checked_compiler(&self) -> Result<PathBuf, Error> {
        let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
        let dlc = match (&self.compiler, named) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => PathBuf::from(name),
            (None, None) => PathBuf::from("dlc"),
        };
        if dlc.components().count() > 1 {
            println!("cargo:rerun-if-changed={}", dlc.display());
        }
        let output = run(Command::new(&dlc).arg("--version"), &dlc)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let found = said.trim().strip_prefix("dlc ").unwrap_or_default();
        if series(found) != series(env!("CARGO_PKG_VERSION")) {
            return Err(Error::Version {
                program: dlc,
                found: said.lines().next().unwrap_or_default().to_string(),
            });
        }
        Ok(dlc)
    }
}

/// What tells versions apart that do not fit together: the first number that is not 0, and those before it.
fn series(version: &str) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = version
        .split('.')
        .take(2)
        .map(|part| part.parse().ok())
        .collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 2)?;
    Some(match numbers[0] {
        0 => numbers,
        major => vec![major],
    })
}

/// The target, where cargo builds for another than this machine's.
fn cross() -> Vec<String> {
    match (env::var("TARGET"), env::var("HOST")) {
        (Ok(target), Ok(host)) if target != host => vec!["--target".into(), target],
        _ => vec![],
    }
}

fn run(command: &mut Command, program: &Path) -> Result<Output, Error> {
    command.output().map_err(|error| Error::NoCompiler {
        program: program.to_path_buf(),
        error,
    })
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::File {
        path: path.to_path_buf(),
        error,
    })
}

/// The name of library and bindings, as `dlc` makes it of the file's.
fn stem(source: &Path) -> Result<String, Error> {
    let name = source
        .file_stem()
        .ok_or_else(|| Error::NoName(source.to_path_buf()))?;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.to_string_lossy().chars().map(plain).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => Ok(format!("_{name}")),
        false => Ok(name),
    }
}

/// What bindings have with the feature `ndarray`.
const NDARRAY: &str = include_str!("ndarray.rs.in");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_series_fit_together() {
        assert_eq!(series("0.1.0"), series("0.1.7"));
        assert_ne!(series("0.1.0"), series("0.2.0"));
        assert_eq!(series("1.2.0"), series("1.9.0"));
        assert_ne!(series("1.2.0"), series("2.0.0"));
        assert_eq!(series(""), None);
        assert_eq!(series("x.1"), None);
    }

    #[test]
    fn stems_are_those_of_the_compiler() {
        let stem = |path: &str| stem(Path::new(path)).unwrap();
        assert_eq!(stem("models/my-model.dl"), "my_model");
        assert_eq!(stem("3d.dl"), "_3d");
        assert!(super::stem(Path::new("..")).is_err());
    }
}
