//! The playground: MLIR compiled to WebAssembly, in part, the crate `tools/playground` on it, and the page.
//!
//! All that is made lies in `target/playground-build`, and the site in `target/playground`. What MLIR's C++ becomes is kept;
//! a run that was stopped goes on where it was.

mod mlir;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::llvm;
use crate::process::{has, root, run, target};

/// The target of the module.
const TARGET: &str = "wasm32-wasip1";

/// The programs of the menu, after the one that the page begins with.
const EXAMPLES: [(&str, &str); 10] = [
    ("Multi-layer perceptron", "test/models/mlp.dl"),
    ("Indexing", "test/models/indexing.dl"),
    ("Jacobians", "test/models/jacobian.dl"),
    ("Loops and branches", "test/models/control.dl"),
    ("Gradients", "examples/gradients/gradients.dl"),
    ("Digits", "examples/digits/digits.dl"),
    ("LeNet", "examples/lenet/lenet.dl"),
    ("LSTM", "examples/co2/co2.dl"),
    ("Burgers' equation", "examples/burgers/burgers.dl"),
    ("Transformer", "test/models/transformer.dl"),
];

/// Builds the site.
pub fn build() -> Result<()> {
    for program in ["clang++-22", "llvm-ar-22", "mlir-tblgen-22", "curl", "xz"] {
        if !has(program) {
            bail!(
                "`{program}` is missing: the packages are {}",
                mlir::PACKAGES
            );
        }
    }
    let work = target().join("playground-build");
    let archive = mlir::archive(&work)?;
    let module = module(&work, &archive)?;
    let site = target().join("playground");
    fs::create_dir_all(&site)?;
    let page = root().join("tools/playground/page");
    for entry in fs::read_dir(&page)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension != "dl") {
            fs::copy(&path, site.join(path.file_name().unwrap_or_default()))?;
        }
    }
    fs::write(site.join("examples.json"), examples()?)?;
    fs::copy(&module, site.join("dlc.wasm"))?;
    if has("wasm-opt") {
        let out = site.join("dlc.wasm");
        run(std::process::Command::new("wasm-opt")
            .args(["-Os", "--enable-bulk-memory", "-o"])
            .args([&out, &module]))?;
    }
    let size = fs::metadata(site.join("dlc.wasm"))?.len();
    println!(
        "{}: dlc.wasm has {:.1} MB; serve the folder, as `python3 -m http.server -d {}`",
        site.display(),
        size as f64 / 1e6,
        site.display()
    );
    Ok(())
}

/// The module of WebAssembly.
fn module(work: &Path, archive: &Path) -> Result<PathBuf> {
    let prefix = mlir::prefix(work)?;
    let mut cargo = llvm::ensure()?.cargo();
    let variable = |name: &str| format!("{name}_{}", TARGET.replace('-', "_"));
    cargo
        .args(["build", "--package", "dlc-playground", "--profile", "wasm"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(work.join("cargo"))
        .env("MLIR_SYS_220_PREFIX", &prefix)
        .env("DLC_PLAYGROUND_MLIR", archive)
        .env(variable("CXX"), prefix.join("bin/clang++"))
        .env(variable("CXXSTDLIB"), "")
        .env(variable("AR"), "llvm-ar-22")
        .env(
            variable("BINDGEN_EXTRA_CLANG_ARGS"),
            "--target=wasm32-wasi -fvisibility=default -I/usr/include/wasm32-wasi",
        );
    run(&mut cargo)?;
    Ok(work.join(format!("cargo/{TARGET}/wasm/dlc_playground.wasm")))
}

/// The menu's programs as JSON.
fn examples() -> Result<String> {
    let first = [("Welcome", "tools/playground/page/welcome.dl")];
    let mut list = Vec::new();
    for (name, path) in first.iter().chain(&EXAMPLES) {
        let text = fs::read_to_string(root().join(path));
        let text = text.with_context(|| format!("cannot read {path}"))?;
        list.push(format!(
            "{{\"name\": {}, \"text\": {}}}",
            json(name),
            json(&text)
        ));
    }
    Ok(format!("[{}]\n", list.join(",\n")))
}

/// A text as JSON has it.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if (control as u32) < 0x20 => {
                write!(out, "\\u{:04x}", control as u32).expect("writing to a string succeeds");
            }
            other => out.push(other),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(json("a\"b\\\n\tç"), "\"a\\\"b\\\\\\u000a\\u0009ç\"");
    }

    #[test]
    fn every_example_is_there() {
        assert_eq!(examples().unwrap().matches("\"name\": ").count(), 11);
    }
}
