//! `cargo xtask demo`: the whole way from a model in DL to programs that train it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::llvm::{self, Llvm};
use crate::process::{self, command, has, run_and_read, target};

/// The example, from the root of the project, so that messages show no more of the path.
const EXAMPLE: &str = "examples/digits";

/// What the example has to reach.
const MIN_ACCURACY: f64 = 0.975;

/// Builds the compiler and the library, then trains from Rust and from C.
pub fn run(release: bool) -> Result<()> {
    let llvm = llvm::ensure()?;
    let library = target().join("demo");
    step("building the compiler");
    let dlc = build_dlc(&llvm, release)?;
    step("building the library");
    build_library(&dlc, &format!("{EXAMPLE}/digits.dl"), &library)?;
    step("training from Rust");
    let rust = accuracy(&run_rust_host(&llvm, &dlc, &library)?)?;
    if !has("cc") {
        println!("skipped: the C program, as there is no C compiler");
        return check(rust);
    }
    step("training from C");
    let c = accuracy(&run_c_host(&library)?)?;
    ensure!(
        c == rust,
        "the C program's accuracy {c} is not the Rust program's {rust}"
    );
    check(rust)
}

fn step(what: &str) {
    println!("== {what}");
}

/// Builds `dlc`; its path.
pub fn build_dlc(llvm: &Llvm, release: bool) -> Result<PathBuf> {
    let mut cargo = llvm.cargo();
    cargo.args(["build", "--quiet", "--package", "dlc"]);
    if release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    let profile = if release { "release" } else { "debug" };
    Ok(target().join(profile).join("dlc"))
}

/// Builds a source file to a folder, with everything that a host program may want.
pub fn build_library(dlc: &Path, source: &str, folder: &Path) -> Result<()> {
    let mut command = command(dlc);
    command.arg("build").arg(source).arg("-o").arg(folder);
    command.arg("--emit=staticlib,cdylib,header,rust,manifest");
    process::run(&mut command)
}

fn run_rust_host(llvm: &Llvm, dlc: &Path, library: &Path) -> Result<String> {
    let mut cargo = llvm.cargo();
    cargo
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(format!("{EXAMPLE}/host-rust/Cargo.toml"))
        .arg("--")
        .arg(format!("{EXAMPLE}/data"))
        .arg(library.join("loss.svg"))
        .env("DLC", dlc)
        .env("CARGO_TARGET_DIR", target().join("demo-host"));
    run_and_read(&mut cargo)
}

fn run_c_host(library: &Path) -> Result<String> {
    let program = library.join("digits-c");
    let mut compiler = command("cc");
    compiler
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-I"])
        .arg(library)
        .arg(format!("{EXAMPLE}/host-c/main.c"))
        .arg(library.join("libdigits.a"))
        .arg("-o")
        .arg(&program);
    process::run(&mut compiler)?;
    run_and_read(command(&program).arg(format!("{EXAMPLE}/data")))
}

/// The number after `test accuracy` in what a host program prints.
fn accuracy(text: &str) -> Result<f64> {
    let (_, after) = text
        .split_once("test accuracy ")
        .context("the program printed no test accuracy")?;
    let word = after.split_whitespace().next().unwrap_or_default();
    word.parse()
        .with_context(|| format!("`{word}` is no accuracy"))
}

fn check(accuracy: f64) -> Result<()> {
    ensure!(
        accuracy >= MIN_ACCURACY,
        "the test accuracy is {accuracy}, below {MIN_ACCURACY}"
    );
    println!("== done: test accuracy {accuracy}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accuracy_is_read() {
        let text = "C: mean loss of the last epoch 0.01, test accuracy 0.9833 (354 of 360)\n";
        assert_eq!(accuracy(text).unwrap(), 0.9833);
        assert!(accuracy("nothing").is_err());
        assert!(check(0.5).is_err());
    }
}
