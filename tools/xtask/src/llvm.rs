//! LLVM and MLIR 22: finding them, saying what is missing, installing it where that is possible.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::packages::{self, Need, Package};
use crate::process::{command, has, read, run};

/// The version that the bindings are made for.
const VERSION: &str = "22.1.";

/// Where Debian's packages put it, and what `.cargo/config.toml` says.
const USUAL_PREFIX: &str = "/usr/lib/llvm-22";

/// A usable LLVM with MLIR.
#[derive(Debug)]
pub struct Llvm {
    prefix: PathBuf,
}

impl Llvm {
    /// Cargo with the environment that the crates which bind LLVM need.
    pub fn cargo(&self) -> Command {
        let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for name in [
            "MLIR_SYS_220_PREFIX",
            "LLVM_SYS_221_PREFIX",
            "TABLEGEN_220_PREFIX",
        ] {
            cargo.env(name, &self.prefix);
        }
        if self.prefix != Path::new(USUAL_PREFIX) {
            // The system's loader and bindgen know the usual place only.
            let libraries = self.prefix.join("lib");
            let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            let folders = std::iter::once(libraries.clone()).chain(std::env::split_paths(&before));
            if let Ok(path) = std::env::join_paths(folders) {
                cargo.env("LD_LIBRARY_PATH", path);
            }
            if std::env::var_os("LIBCLANG_PATH").is_none() {
                cargo.env("LIBCLANG_PATH", libraries);
            }
        }
        cargo
    }

    /// A program that comes with it.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.prefix.join("bin").join(name)
    }

    /// Its headers.
    pub fn include(&self) -> PathBuf {
        self.prefix.join("include")
    }
}

/// LLVM, with what building needs, installed first where it is missing and can be.
pub fn ensure() -> Result<Llvm> {
    ensure_for(Need::Build)
}

/// LLVM, with what building and the tests need, installed first where it is missing and can be.
pub fn ensure_for_tests() -> Result<Llvm> {
    ensure_for(Need::Tests)
}

fn ensure_for(need: Need) -> Result<Llvm> {
    let missing = missing_packages(need);
    match find() {
        Ok(llvm) if missing.is_empty() => return Ok(llvm),
        Ok(llvm) if !is_debian() => return Ok(llvm),
        _ => {}
    }
    install(&missing, need)?;
    find()
}

/// Looks for LLVM; an error says what was found instead.
fn find() -> Result<Llvm> {
    let mut seen = Vec::new();
    for config in candidates() {
        let Some(version) = read(command(&config).arg("--version")) else {
            continue;
        };
        let name = config.display();
        if !version.starts_with(VERSION) {
            seen.push(format!("{name} is version {version}, wanted is {VERSION}x"));
            continue;
        }
        let Some(prefix) = read(command(&config).arg("--prefix")) else {
            continue;
        };
        let prefix = PathBuf::from(prefix);
        let lacking = lacking(&prefix);
        if lacking.is_empty() {
            return Ok(Llvm { prefix });
        }
        seen.push(format!(
            "LLVM {version} at {} lacks {lacking}",
            prefix.display()
        ));
    }
    if seen.is_empty() {
        bail!(
            "LLVM {VERSION}x is not installed (no llvm-config-22; LLVM_PREFIX may name its folder)"
        );
    }
    bail!("{}", seen.join("; "));
}

fn candidates() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Some(prefix) = std::env::var_os("LLVM_PREFIX") {
        return vec![Path::new(&prefix).join("bin/llvm-config")];
    }
    candidates.push(PathBuf::from("llvm-config-22"));
    candidates.push(Path::new(USUAL_PREFIX).join("bin/llvm-config"));
    if let Some(prefix) = read(command("brew").args(["--prefix", "llvm@22"])) {
        candidates.push(Path::new(&prefix).join("bin/llvm-config"));
    }
    candidates.push(PathBuf::from("llvm-config"));
    candidates
}

/// The parts of MLIR that an installation lacks.
fn lacking(prefix: &Path) -> String {
    [
        ("include/mlir-c/IR.h", "MLIR's headers"),
        ("lib/libMLIRIR.a", "MLIR's libraries"),
        ("lib/liblldELF.a", "LLD's libraries"),
        ("bin/mlir-tblgen", "mlir-tblgen"),
        ("bin/FileCheck", "FileCheck"),
    ]
    .iter()
    .filter(|(path, _)| !path.contains("lld") || cfg!(target_os = "linux"))
    .filter(|(path, _)| !prefix.join(path).exists())
    .map(|(_, what)| *what)
    .collect::<Vec<_>>()
    .join(", ")
}

fn is_debian() -> bool {
    has("apt-get") && has("dpkg-query")
}

/// The packages of Debian that are not installed; none elsewhere.
fn missing_packages(need: Need) -> Vec<&'static Package> {
    if !is_debian() {
        return Vec::new();
    }
    let there = |package: &Package| match package.program {
        Some(program) => has(program),
        None => is_installed(package.name),
    };
    packages::of(need).filter(|one| !there(one)).collect()
}

fn is_installed(package: &str) -> bool {
    let query = ["-W", "-f=${db:Status-Status}", package];
    read(command("dpkg-query").args(query)).is_some_and(|status| status == "installed")
}

/// Installs packages with apt, or says what a person has to run.
fn install(missing: &[&'static Package], need: Need) -> Result<()> {
    let Some(apt) = apt_command() else {
        bail!("{}", by_hand(need));
    };
    let missing: Vec<&Package> = match missing.is_empty() {
        // LLVM is there but unusable, such as another version: take all of it.
        true => packages::of(need).collect(),
        false => missing.to_vec(),
    };
    println!("These packages are missing and are installed now with apt-get:");
    for package in &missing {
        println!("  {:<24} {}", package.name, package.reason);
    }
    let apt = |arguments: &[&str]| {
        let mut command = command(&apt[0]);
        command.args(&apt[1..]).args(arguments);
        run(&mut command)
    };
    apt(&["update", "-q"])?;
    if read(command("apt-cache").args(["policy", "llvm-22-dev"]))
        .is_none_or(|policy| !policy.contains(" 1:22."))
    {
        bail!(
            "this system's package sources have no LLVM 22; add LLVM's own and try again:\n  \
             wget https://apt.llvm.org/llvm.sh && sudo bash llvm.sh 22"
        );
    }
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|package| package.name));
    apt(&arguments)
}

/// `apt-get` as root, when that needs no password.
fn apt_command() -> Option<Vec<String>> {
    if !is_debian() {
        return None;
    }
    let with = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
    if read(command("id").arg("-u")).is_some_and(|id| id == "0") {
        return with(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    if has("sudo") && read(command("sudo").args(["-n", "true"])).is_some() {
        return with(&[
            "sudo",
            "-n",
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
        ]);
    }
    None
}

/// What to run on the systems that we know.
fn by_hand(need: Need) -> String {
    let found = match find() {
        Ok(_) => "packages are missing".to_string(),
        Err(error) => error.to_string(),
    };
    let how = if is_debian() {
        let packages: Vec<_> = packages::of(need).map(|package| package.name).collect();
        format!(
            "sudo apt-get update && sudo apt-get install {}",
            packages.join(" ")
        )
    } else if has("dnf") {
        "sudo dnf install llvm22-devel mlir22-devel lld22-devel clang22-devel libzstd-devel zlib-ng-compat-devel \
         libxml2-devel z3-devel libedit-devel gcc gcc-c++ valgrind"
            .to_string()
    } else if has("pacman") {
        "sudo pacman -S llvm mlir lld clang zstd zlib libxml2 z3 libedit gcc valgrind   # when they are at 22.1"
            .to_string()
    } else if has("brew") {
        "brew install llvm@22 zstd".to_string()
    } else {
        "install LLVM, MLIR and LLD 22.1 with their headers and static libraries, and set LLVM_PREFIX"
            .to_string()
    };
    format!("{found}\nrun this, then try again:\n  {how}")
}

/// Says what is there and what is not; with `install`, installs it.
pub fn doctor(install: bool) -> Result<()> {
    if install {
        ensure_for_tests()?;
    }
    let found = find();
    let line = |good: bool, name: &str, what: &str| {
        println!(
            "{} {name:<10} {what}",
            if good { "ok     " } else { "missing" }
        );
    };
    match &found {
        Ok(llvm) => {
            let version = read(command(llvm.tool("llvm-config")).arg("--version"));
            let version = version.unwrap_or_default();
            line(
                true,
                "LLVM",
                &format!("{version} at {}", llvm.prefix.display()),
            );
        }
        Err(error) => line(false, "LLVM", &error.to_string()),
    }
    let programs = packages::of(Need::Tests).filter_map(|one| Some((one.program?, one.reason)));
    let peers = (
        "python3",
        "optional: peers to compare with, in `cargo xtask bench`",
    );
    for (program, what) in programs.chain([peers]) {
        line(has(program), program, what);
    }
    let missing = missing_packages(Need::Tests);
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|package| package.name).collect();
        line(false, "packages", &names.join(" "));
    }
    if found.is_err() || !missing.is_empty() {
        bail!(
            "{}\n(`cargo xtask doctor --install` does it where it can)",
            by_hand(Need::Tests)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_mlir_lacks_all_of_it() {
        let all = lacking(Path::new("no/such/folder"));
        assert_eq!(
            all,
            "MLIR's headers, MLIR's libraries, LLD's libraries, mlir-tblgen, FileCheck"
        );
    }

    #[test]
    fn what_to_run_is_said() {
        assert!(by_hand(Need::Build).contains("run this, then try again"));
    }
}
