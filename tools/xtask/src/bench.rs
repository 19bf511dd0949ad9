//! `cargo xtask bench`: built libraries against their peers, side by side.

use anyhow::Result;

use crate::process::{command, has, read, run as run_command, target};
use crate::{demo, llvm};

/// Builds the libraries with an optimised compiler and runs the comparison.
pub fn run(arguments: &[String]) -> Result<()> {
    let llvm = llvm::ensure()?;
    let dlc = demo::build_dlc(&llvm, true)?;
    let folder = target().join("bench");
    let (digits, matmul) = (folder.join("digits"), folder.join("matmul"));
    demo::build_library(&dlc, "examples/digits/digits.dl", &digits)?;
    demo::build_library(&dlc, "test/bench/matmul.dl", &matmul)?;
    if !has("python3") || read(command("python3").args(["-c", "import numpy"])).is_none() {
        println!("skipped: the peers, as there is no python3 with numpy");
        return Ok(());
    }
    let mut python = command("python3");
    python
        .arg("test/bench/bench.py")
        .args([&digits, &matmul])
        .args(arguments);
    run_command(&mut python)
}
