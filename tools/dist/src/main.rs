//! Packs the built compiler as an archive, a Debian package and a wheel for Python. `cargo xtask dist` calls it.
//!
//! Invariant: the same files and the same time give the same bytes.

mod archive;
mod contents;
mod deb;
mod elf;
mod wheel;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;

use contents::Contents;
use elf::Binary;

/// Packs the built compiler
#[derive(Parser)]
struct Cli {
    /// The program, with LLVM inside
    #[arg(long)]
    dlc: PathBuf,
    /// The folder for the packages
    #[arg(long)]
    out: PathBuf,
    /// A list of the crates inside, with their licences
    #[arg(long)]
    crates: PathBuf,
    /// The time that all files get, in seconds since 1970
    #[arg(long, env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
    time: u64,
}

/// What all packages are made of.
struct Release {
    version: &'static str,
    binary: Binary,
    contents: Contents,
    /// In seconds since 1970.
    time: u64,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let bytes = std::fs::read(&cli.dlc);
    let bytes = bytes.with_context(|| format!("cannot read {}", cli.dlc.display()))?;
    let crates = std::fs::read_to_string(&cli.crates)?;
    let contents = Contents::gather(&cli.dlc, bytes, &crates)?;
    let release = Release {
        version: env!("CARGO_PKG_VERSION"),
        binary: Binary::read_all(contents.binaries())?,
        contents,
        time: cli.time,
    };
    let binary = &release.binary;
    println!(
        "dlc: {}, needs {} and glibc {}",
        megabytes(release.contents.dlc().len()),
        binary.needed.join(", "),
        binary.glibc
    );
    for (name, bytes) in [
        archive::make(&release)?,
        deb::make(&release)?,
        wheel::make(&release)?,
    ] {
        write(&cli.out.join(&name), &bytes)?;
        println!("{name}: {}", megabytes(bytes.len()));
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
