//! The workspaces of the repository's programs: how near they are to what is alive, below which no plan can be.

use crate::files;
use anyhow::{Context, Result, ensure};
use dlc_driver::compile::{Emit, Options, Session, Source};
use std::path::Path;

/// Folders of programs.
const FOLDERS: &[&str] = &["../examples", "bench", "models", "models_std"];

/// How many times as large as what is alive at the most a workspace may be.
const MOST: f64 = 1.1;

/// CPUs and numbers of threads, which decide what products pack and what lanes have.
const TARGETS: &[(&str, u32)] = &[("x86-64-v3", 1), ("x86-64-v4", 4)];

/// A check of a program, by name.
type Named = (String, Box<dyn FnOnce() -> Result<()> + Send>);

/// For each program, that the workspace of no entry is far greater than what is alive, where dims are typical.
pub fn trials() -> Result<Vec<Named>> {
    let mut found: Vec<Named> = vec![];
    for folder in FOLDERS {
        for path in files::below(folder, "dl")? {
            let name = files::shown(&path);
            let name = name.trim_start_matches("../").trim_end_matches(".dl");
            found.push((name.to_string(), Box::new(move || check(&path))));
        }
    }
    Ok(found)
}

fn check(path: &Path) -> Result<()> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let (name, text) = (path.display().to_string(), files::read(path)?);
    let source = Source {
        name: &name,
        text: &text,
        stem: stem.context("a program has a name")?,
    };
    for (cpu, threads) in TARGETS {
        let session = Session::new(Options {
            target_cpu: cpu.to_string(),
            threads: *threads,
            ..Options::default()
        });
        let compiled = session.compile(&source, &[Emit::Memory])?;
        ensure!(!compiled.workspaces.is_empty(), "{name} exports nothing");
        for workspace in compiled.workspaces {
            ensure!(
                workspace.ratio() <= MOST,
                "{cpu}, {threads} threads: the workspace of {} has {} bytes, and {} are alive at the most",
                workspace.entry,
                workspace.bytes(),
                workspace.least,
            );
        }
    }
    Ok(())
}
