//! `cargo xtask example`: builds the compiler, then the library and the host program of an example, and trains.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::process::{self, root, target};
use crate::{demo, llvm};

/// The folder of all examples; those with a package of the folder's name are trained here.
const EXAMPLES: &str = "examples";

/// Trains one example, or all in turn. Pictures are written to `examples` in the target folder.
pub fn run(name: Option<&str>, quick: bool, release: bool) -> Result<()> {
    let known = names()?;
    let chosen = match name {
        Some(name) => {
            ensure!(
                known.iter().any(|other| other == name),
                "there is no example `{name}`; there are {}",
                known.join(", ")
            );
            vec![name.to_string()]
        }
        None => known,
    };
    let llvm = llvm::ensure()?;
    let dlc = demo::build_dlc(&llvm, release)?;
    let pictures = target().join(EXAMPLES);
    std::fs::create_dir_all(&pictures)
        .with_context(|| format!("cannot make {}", pictures.display()))?;
    for name in chosen {
        println!("== {name}");
        let mut cargo = llvm.cargo();
        cargo
            .args(["run", "--quiet", "--release", "--package", &name])
            .arg("--manifest-path")
            .arg(root().join(EXAMPLES).join("Cargo.toml"))
            .env("DLC", &dlc)
            .env("CARGO_TARGET_DIR", target().join("examples-host"))
            .current_dir(&pictures);
        if quick {
            cargo.args(["--", "--quick"]);
        }
        process::run(&mut cargo)?;
    }
    Ok(())
}

/// The examples that are packages with a model of the same name.
fn names() -> Result<Vec<String>> {
    let folder = root().join(EXAMPLES);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        names.extend(
            name.filter(|name| is_example(&path, name))
                .map(String::from),
        );
    }
    names.sort();
    Ok(names)
}

fn is_example(folder: &Path, name: &str) -> bool {
    folder.join("Cargo.toml").is_file() && folder.join(format!("{name}.dl")).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_found() {
        let names = names().unwrap();
        assert!(names.contains(&"lenet".to_string()));
        // Its host programs have packages of their own.
        assert!(!names.contains(&"digits".to_string()));
        assert!(!names.contains(&"support".to_string()));
    }
}
