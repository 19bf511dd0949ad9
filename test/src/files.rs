//! Where tests, tools and LLVM's programs are.

use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of this crate, which holds the tests.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The name that messages show: the path below the tests' folder.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// All files with an extension below a folder of the tests, in order of their names.
pub fn below(folder: &str, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The file that is checked in a folder of several.
pub const MAIN: &str = "main.dl";

/// The programs of a folder: its files, and `main.dl` of each folder in it, whose other files `main.dl` imports.
pub fn programs(folder: &str) -> Result<Vec<PathBuf>> {
    let whole = root().join(folder);
    let mut found = below(folder, "dl")?;
    found.retain(|path| path.parent() == Some(&whole) || path.ends_with(MAIN));
    Ok(found)
}

/// The models that are tested as wholes: those of `test/models` and the classifier of digits.
pub fn models() -> Result<Vec<PathBuf>> {
    let mut found = below("models", "dl")?;
    found.extend(below("../examples/digits", "dl")?);
    Ok(found)
}

/// Reads a text file; the error names it.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The folder of the built tools: that of the running test's profile.
pub fn tools() -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test
        .ancestors()
        .nth(2)
        .context("a test stands in deps/ of a profile")?;
    Ok(folder.to_path_buf())
}

/// Builds `dlc` and `dlc-opt` in the running test's profile, so that no test sees an old one. Who has just built them
/// sets `DLC_TOOLS_BUILT`.
pub fn build_tools() -> Result<()> {
    if env::var_os("DLC_TOOLS_BUILT").is_some() {
        return Ok(());
    }
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "-p",
            "dlc",
            "-p",
            "dlc-opt",
            "-p",
            "dlc-gpu-c",
        ])
        .current_dir(root());
    if tools()?.ends_with("release") {
        command.arg("--release");
    }
    match command.status()?.success() {
        true => Ok(()),
        false => bail!("`{command:?}` failed"),
    }
}

/// The folder of LLVM's programs (`FileCheck`, `not`, `count`).
pub fn llvm() -> Result<PathBuf> {
    if let Ok(prefix) = env::var("MLIR_SYS_220_PREFIX") {
        return Ok(Path::new(&prefix).join("bin"));
    }
    let output = Command::new("llvm-config-22").arg("--bindir").output();
    let output = output.context("neither MLIR_SYS_220_PREFIX nor llvm-config-22 is there")?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
