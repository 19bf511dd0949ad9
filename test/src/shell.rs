//! `RUN` lines, run by `sh` as lit would: `%s` is the file, `%t` a path for temporary files.

use crate::{files, host};
use anyhow::{Context, Result, ensure};
use std::{env, path::Path, process::Command};

/// Runs the commands of a file, one after another, until one fails.
pub fn run(path: &Path, commands: &[String]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let temporary = folder.path().join("t");
    let paths = [files::tools()?, files::llvm()?];
    let rest = env::var_os("PATH").unwrap_or_default();
    let search = env::join_paths(paths.iter().cloned().chain(env::split_paths(&rest)))?;
    for command in commands {
        let line = command
            .replace("%s", &path.display().to_string())
            .replace("%S", &path.parent().unwrap_or(path).display().to_string())
            .replace("%t", &temporary.display().to_string());
        // As lit does: a pipe fails where any of its commands does.
        let script = format!("set -o pipefail\n{line}");
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            .arg(&script)
            .env("PATH", &search)
            .env("DLC_CACHE_DIR", "")
            .current_dir(folder.path());
        let output = shell.output().context("cannot run bash")?;
        ensure!(
            output.status.success(),
            "`{command}`: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Runs `dlc`, which has to succeed.
pub fn dlc(arguments: &[&str]) -> Result<()> {
    let output = host::dlc()?
        .args(arguments)
        .output()
        .context("cannot run dlc")?;
    ensure!(
        output.status.success(),
        "`dlc {}`: {}\n{}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// What `dlc build` prints about a program, and whether it succeeds. The program stands alone in a folder.
pub fn build(path: &Path, name: &str) -> Result<(String, bool)> {
    let folder = tempfile::tempdir()?;
    std::fs::copy(path, folder.path().join(name))?;
    let output = host::dlc()?
        .args(["build", name, "-o", "out"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .output()
        .context("cannot run dlc")?;
    let printed = String::from_utf8(output.stderr)?;
    Ok((printed, output.status.success()))
}
