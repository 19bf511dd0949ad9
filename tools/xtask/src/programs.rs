//! `cargo xtask fuzz-programs`: random programs on all targets.

use anyhow::Result;

use crate::llvm;
use crate::process::{command, run as run_command, target};

/// Builds the command with the workspace's features, and runs it.
pub fn run(release: bool, arguments: &[String]) -> Result<()> {
    let llvm = llvm::ensure()?;
    let mut cargo = llvm.cargo();
    cargo.args(["build", "--workspace", "--bin", "fuzz-programs"]);
    cargo.args(release.then_some("--release"));
    run_command(&mut cargo)?;
    let folder = if release { "release" } else { "debug" };
    let binary = target().join(folder).join("fuzz-programs");
    run_command(command(binary).args(arguments))
}
