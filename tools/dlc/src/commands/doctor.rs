//! `dlc doctor`: what this installation can do, and what to do where something is missing.

use std::path::Path;
use std::process::Command as Process;

use dlc_driver::compile::{ARCHITECTURES, Options, Session, Source};
use dlc_driver::info;
use dlc_gpu::{Cuda, Device};
use dlc_runtime::library::Library;
use dlc_runtime::{Bound, Tensor};

use crate::cli::Common;
use crate::report::{Error, Status, to_stdout};

/// What was looked at.
struct Finding {
    what: &'static str,
    state: State,
}

enum State {
    /// It is there.
    Good(String),
    /// It is not, and only some things need it.
    Absent(String),
    /// It is not, and everybody needs it: what is wrong, and what to do.
    Missing(String, &'static str),
}

/// Runs the command.
pub fn run(common: &Common) -> Result<(), Error> {
    let findings = look(common);
    to_stdout(text(&findings).as_bytes())?;
    let missing = |one: &Finding| matches!(one.state, State::Missing(..));
    match findings.iter().any(missing) {
        true => Err(Error::Shown(Status::Input)),
        false => Ok(()),
    }
}

/// What the command says, for reports.
pub fn report(common: &Common) -> String {
    text(&look(common))
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { what, state } in findings {
        let (mark, told, help) = match state {
            State::Good(told) => ("ok", told, None),
            State::Absent(told) => ("--", told, None),
            State::Missing(told, help) => ("!!", told, Some(help)),
        };
        text += &format!("{mark}  {what:<14} {told}\n");
        if let Some(help) = help {
            text += &format!("    help: {help}\n");
        }
    }
    text
}

fn look(common: &Common) -> Vec<Finding> {
    let gpus: Vec<_> = ARCHITECTURES.iter().map(|one| one.name).collect();
    let finding = |what, state| Finding { what, state };
    vec![
        finding(
            "dlc",
            State::Good(format!(
                "{}, ABI {}",
                env!("CARGO_PKG_VERSION"),
                dlc_abi::ABI_VERSION
            )),
        ),
        finding(
            "LLVM",
            State::Good(format!("{}, MLIR of the same", info::llvm_version())),
        ),
        finding(
            "targets",
            State::Good(format!(
                "{} ({}) and {} with --target, GPUs {}",
                info::host_triple(),
                info::host_cpu(),
                info::targets().len(),
                gpus.join(", ")
            )),
        ),
        finding("C compiler", compiler()),
        finding("temporary", temporary()),
        finding("build and run", built()),
        finding("cache", cache(common)),
        finding("GPU", gpu()),
    ]
}

/// A C compiler, which is for programs that call models.
fn compiler() -> State {
    let version = Process::new("cc").arg("--version").output();
    match version {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            let first = said.lines().next().unwrap_or_default();
            State::Good(format!("cc: {first}"))
        }
        Ok(output) => State::Absent(format!("`cc --version` failed, {}", output.status)),
        Err(error) => State::Absent(format!(
            "`cc` can't be run: {error}; only programs in C and C++ need one"
        )),
    }
}

/// Whether temporary files can be made.
fn temporary() -> State {
    let folder = std::env::temp_dir();
    match tempfile::tempdir() {
        Ok(_) => State::Good(folder.display().to_string()),
        Err(error) => State::Missing(
            format!("{}: {error}", folder.display()),
            "set TMPDIR to a folder that can be written",
        ),
    }
}

/// Whether a program can be built, loaded and called.
fn built() -> State {
    match doubled() {
        Ok(()) => State::Good("a function was compiled, linked, loaded and called".to_string()),
        Err(message) => State::Missing(
            message,
            "see what is missing above; where nothing is, `dlc bugreport` makes a report of it",
        ),
    }
}

fn doubled() -> Result<(), String> {
    let source = Source {
        name: "doctor.dl",
        text: "export fn double<N>(x: f32[N]) -> f32[N] { x + x }\n",
        stem: "doctor",
    };
    let session = Session::new(Options::default());
    let library = dlc_driver::compile::temporary_library(&session, &source);
    let library = library.map_err(|failure| failure.to_string())?;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let opened = Library::with_manifest(&library.path, library.manifest.clone());
    let opened = opened.map_err(|error| text(&error))?;
    let entry = opened.entry("double").map_err(|error| text(&error))?;
    let x = Tensor::from_slice(&[3], &[1.0f32, 2.0, 4.0]).map_err(|error| text(&error))?;
    let bound = Bound::from_tensors(entry, vec![x], &[]);
    let mut bound = bound.map_err(|error| text(&error))?;
    let mut call = opened.prepare(&bound).map_err(|error| text(&error))?;
    call.run(&mut bound).map_err(|error| text(&error))?;
    match bound.results()[0].to_f64() == [2.0, 4.0, 8.0] {
        true => Ok(()),
        false => Err("a function that doubles gives wrong numbers on this machine".to_string()),
    }
}

/// Whether what is made can be kept.
fn cache(common: &Common) -> State {
    let Some(cache) = common.cache.cache() else {
        return State::Absent("none: everything is made anew each time".to_string());
    };
    let folder = &cache.folder;
    match writable(folder) {
        Ok(()) => State::Good(folder.display().to_string()),
        Err(error) => State::Absent(format!(
            "{}: {error}; everything is made anew, name another folder with --cache-dir",
            folder.display()
        )),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder).map(|_| ())
}

/// A GPU, which nothing needs.
fn gpu() -> State {
    match Cuda::open(0) {
        Ok(cuda) => State::Good(cuda.about().name.clone()),
        Err(error) => State::Absent(format!(
            "{error}; only `--target gpu` needs one, `--target gpu-emulated` does not"
        )),
    }
}
