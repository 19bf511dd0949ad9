//! `cargo xtask fuzz-programs`: random programs on all targets; `cargo xtask fuzz-fmt`: and through the formatter.

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

/// Puts programs in layouts at random through the formatter for so many seconds, from a seed on.
pub fn layouts(release: bool, seconds: u64, seed: Option<u64>) -> Result<()> {
    let mut arguments = vec!["--layouts".to_owned(), seconds.to_string()];
    if let Some(seed) = seed {
        arguments.extend(["--seed".to_owned(), seed.to_string()]);
    }
    run(release, &arguments)
}
