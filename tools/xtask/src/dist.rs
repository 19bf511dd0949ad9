//! `cargo xtask dist`: the compiler with LLVM inside, and packages of it.
//!
//! LLVM's, MLIR's and LLD's archives and those of the C++ library are linked in; what is left is glibc. Nothing of a debug
//! build is used, so it takes long.

mod check;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::llvm::{self, Llvm};
use crate::process::{self, command, read, target};

/// Archives that stand for libraries which not every system has: what the linker asks for, and what it gets.
const ARCHIVES: [(&str, &str); 5] = [
    ("libstdc++.a", "libstdc++.a"),
    ("libgcc_s.a", "libgcc_eh.a"),
    ("libffi.a", "libffi.a"),
    ("libz.a", "libz.a"),
    ("libzstd.a", "libzstd.a"),
];

/// Builds and packs; with `check` also installs the packages into systems without LLVM and uses them there.
pub fn run(check: bool) -> Result<()> {
    let llvm = llvm::ensure()?;
    let packages = target().join("dist");
    std::fs::create_dir_all(&packages)?;
    let host = read(command("rustc").args(["--print", "host-tuple"]));
    let host = host.context("rustc does not say for what it compiles")?;
    let dlc = build(&llvm, &host, &packages)?;
    pack(&llvm, &host, &dlc, &packages)?;
    match check {
        true => check::run_all(&packages),
        false => Ok(()),
    }
}

/// Builds the program; its path.
fn build(llvm: &Llvm, host: &str, packages: &Path) -> Result<PathBuf> {
    println!("== building the compiler with LLVM inside");
    let archives = packages.join("archives");
    link_archives(&archives)?;
    let mut cargo = cargo(llvm, &archives);
    cargo.args([
        "build",
        "--profile",
        "packed",
        "--target",
        host,
        "--package",
        "dlc",
    ]);
    // Libraries for the programs that use models.
    cargo.args(["--package", "dlc-pool-c", "--package", "dlc-gpu-c"]);
    process::run(&mut cargo)?;
    Ok(target().join(host).join("packed/dlc"))
}

/// Cargo for what goes into a package. That a target is named keeps these flags from build scripts, which run here.
fn cargo(llvm: &Llvm, archives: &Path) -> Command {
    let mut cargo = llvm.cargo();
    let flags = ["--cfg", "dlc_static_llvm", "-L"].map(String::from);
    let archives = format!("native={}", archives.display());
    let flags: Vec<_> = flags.into_iter().chain([archives]).collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    cargo
}

/// A folder in which the linker finds archives where it would else take shared libraries.
fn link_archives(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (asked, given) in ARCHIVES {
        let found = read(command("cc").arg(format!("-print-file-name={given}")));
        let found = PathBuf::from(found.context("there is no C compiler `cc`")?);
        ensure!(found.is_absolute(), "{given} is not installed");
        let link = folder.join(asked);
        if !link.exists() {
            std::os::unix::fs::symlink(&found, &link)
                .with_context(|| format!("cannot make {}", link.display()))?;
        }
    }
    Ok(())
}

/// Makes the packages.
fn pack(llvm: &Llvm, host: &str, dlc: &Path, packages: &Path) -> Result<()> {
    println!("== packing");
    let mut tree = cargo(llvm, &packages.join("archives"));
    tree.args([
        "tree",
        "--package",
        "dlc",
        "--edges",
        "normal",
        "--no-dedupe",
    ]);
    tree.args(["--prefix", "none", "--format", "{p}  {l}", "--target", host]);
    let crates = read(&mut tree).context("cargo does not list the crates")?;
    let crates_file = packages.join("crates.txt");
    std::fs::write(&crates_file, licences(&crates))?;
    let time = read(command("git").args(["log", "-1", "--format=%ct"]));
    let mut cargo = llvm.cargo();
    cargo.args(["run", "--quiet", "--package", "dlc-dist", "--", "--dlc"]);
    cargo.arg(dlc).arg("--out").arg(packages);
    cargo.arg("--crates").arg(crates_file);
    cargo.env("SOURCE_DATE_EPOCH", time.unwrap_or_else(|| "0".to_string()));
    process::run(&mut cargo)
}

/// The lines of others' crates that are linked, each once. Behind ours stands a path, behind macros a remark.
fn licences(tree: &str) -> String {
    let others = tree.lines().filter(|line| !line.contains(" ("));
    let mut others: Vec<_> = others.collect();
    others.sort_unstable();
    others.dedup();
    others.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_others_are_listed_once() {
        let tree = "dlc v0.1.0 (/a/b)  Apache-2.0\nb v1.0.0  MIT\na v2.0.0  MIT\nb v1.0.0  MIT\n\
                    m v1.0.0 (proc-macro)  MIT";
        assert_eq!(licences(tree), "a v2.0.0  MIT\nb v1.0.0  MIT\n");
    }
}
