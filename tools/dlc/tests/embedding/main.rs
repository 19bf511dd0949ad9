//! Models in programs of other languages, as their users build them: with CMake, `pkg-config`, cargo and Python.
//!
//! `hosts.rs` trains the same model through all of them. What a tool is not there for is skipped, with a message.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cpp;
mod hosts;
mod models;
mod python;
mod schema;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file beside this one.
fn source(name: &str) -> PathBuf {
    root().join("tools/dlc/tests/embedding").join(name)
}

/// The compiler, without a cache, as tests are of what is made.
fn dlc() -> Command {
    let mut dlc = Command::new(env!("CARGO_BIN_EXE_dlc"));
    dlc.env("DLC_CACHE_DIR", "");
    dlc
}

/// Builds a model into a folder.
fn build(model: &Path, folder: &Path, more: &[&str]) {
    let mut dlc = dlc();
    run(dlc.arg("build").arg(model).arg("-o").arg(folder).args(more));
}

/// CMake on a project, which finds our package and the compiler.
fn configure(source: &Path, build: &Path) -> Command {
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(source).arg("-B").arg(build);
    cmake.arg(format!(
        "-Ddlc_DIR={}",
        root().join("tools/cmake").display()
    ));
    cmake.arg(format!("-DDLC_EXECUTABLE={}", env!("CARGO_BIN_EXE_dlc")));
    cmake
}

/// What a command prints; it has to succeed.
fn run(command: &mut Command) -> String {
    let output = output(command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn output(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

/// Whether programs of the system are there; else a message says that a test is skipped.
fn have(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = tools
        .iter()
        .find(|tool| !std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    if let Some(tool) = missing {
        println!("skipped: {tool} is not installed");
    }
    missing.is_none()
}

/// A Python that has a module: that of `DLC_PYTHON`, else the system's.
fn python_with(module: &str) -> Option<String> {
    let named = std::env::var("DLC_PYTHON").ok();
    let known = ["/usr/bin/python3", "python3"].map(String::from);
    let found = named.into_iter().chain(known).find(|python| {
        let import = format!("import {module}");
        let output = Command::new(python).args(["-c", &import]).output();
        output.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        println!("skipped: no Python has {module}; name one by DLC_PYTHON");
    }
    found
}
