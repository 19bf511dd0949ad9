//! Each example: the `test` items of its model, and a quick run, in which its library is built and its host program
//! trains. The program exits with an error where the metric misses the goal of that run.

use crate::{files, host};
use anyhow::{Context, Result};
use std::{env, fs, path::PathBuf, process::Command};

fn folder() -> PathBuf {
    files::root().join("../examples")
}

/// The folders of `examples` that are packages with a model of the same name.
pub fn names() -> Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.context("an example has a name")?.to_string();
        if path.join("Cargo.toml").is_file() && path.join(format!("{name}.dl")).is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Tests and runs an example with the `dlc` of the running test's profile.
pub fn run(name: &str) -> Result<()> {
    let model = folder().join(name).join(format!("{name}.dl"));
    host::run(host::dlc()?.arg("test").arg(model))?;
    let tools = files::tools()?;
    let target = tools
        .parent()
        .context("a profile stands in a target folder")?;
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--quiet", "--release", "--package", name])
        .arg("--manifest-path")
        .arg(folder().join("Cargo.toml"))
        .args(["--", "--quick"])
        .env("DLC", tools.join("dlc"))
        .env("DLC_CACHE_DIR", "")
        .env("CARGO_TARGET_DIR", target.join("examples-host"));
    host::run(&mut command)?;
    Ok(())
}
