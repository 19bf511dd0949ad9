//! Which crate may use which.

use std::path::Path;

use anyhow::{Context, Result};

/// The crates of the workspace with those that they may use.
const MAY_USE: &[(&str, &str, &[&str])] = &[
    ("runtime/abi", "dlc-abi", &[]),
    ("runtime/pool", "dlc-pool", &["dlc-abi"]),
    ("runtime/pool-c", "dlc-pool-c", &["dlc-abi", "dlc-pool"]),
    ("runtime/ptx", "dlc-ptx", &[]),
    ("runtime/gpu", "dlc-gpu", &["dlc-abi", "dlc-ptx"]),
    ("runtime/gpu-c", "dlc-gpu-c", &["dlc-abi", "dlc-gpu"]),
    (
        "runtime",
        "dlc-runtime",
        &["dlc-abi", "dlc-gpu", "dlc-pool"],
    ),
    ("dialects", "dlc-dialects", &[]),
    ("frontend", "dlc-frontend", &["dlc-abi", "dlc-dialects"]),
    ("autodiff", "dlc-autodiff", &["dlc-dialects"]),
    (
        "lowering",
        "dlc-lowering",
        &["dlc-abi", "dlc-dialects", "dlc-kernels"],
    ),
    ("lowering/kernels", "dlc-kernels", &[]),
    ("test/programs", "dlc-programs", &[]),
    (
        "test/reference",
        "dlc-reference",
        &["dlc-abi", "dlc-dialects", "dlc-runtime"],
    ),
    (
        "tools/driver",
        "dlc-driver",
        &[
            "dlc-abi",
            "dlc-autodiff",
            "dlc-derivative",
            "dlc-dialects",
            "dlc-doc",
            "dlc-frontend",
            "dlc-gpu",
            "dlc-lowering",
            "dlc-reference",
            "dlc-report",
            "dlc-runtime",
            "dlc-wheel",
        ],
    ),
    ("tools/doc", "dlc-doc", &[]),
    (
        "tools/derivative",
        "dlc-derivative",
        &["dlc-dialects", "dlc-frontend"],
    ),
    (
        "tools/playground",
        "dlc-playground",
        &[
            "dlc-abi",
            "dlc-autodiff",
            "dlc-derivative",
            "dlc-dialects",
            "dlc-frontend",
            "dlc-lsp",
            "dlc-reference",
            "dlc-runtime",
        ],
    ),
    ("tools/lsp", "dlc-lsp", &["dlc-frontend"]),
    ("tools/report", "dlc-report", &[]),
    (
        "tools/dlc",
        "dlc",
        &[
            "dlc-abi",
            "dlc-driver",
            "dlc-gpu",
            "dlc-lsp",
            "dlc-report",
            "dlc-runtime",
        ],
    ),
    // It stands in build scripts of users, who have no MLIR.
    ("tools/dlc-build", "dlc-build", &[]),
    ("tools/dlc-opt", "dlc-opt", &["dlc-driver"]),
    ("tools/dist", "dlc-dist", &["dlc-wheel"]),
    ("tools/wheel", "dlc-wheel", &[]),
    (
        "test",
        "dlc-test",
        &[
            "dlc-abi",
            "dlc-autodiff",
            "dlc-dialects",
            "dlc-driver",
            "dlc-frontend",
            "dlc-programs",
            "dlc-reference",
            "dlc-gpu",
            "dlc-runtime",
        ],
    ),
    ("tools/xtask", "xtask", &[]),
];

/// Crates that only some may use, as they bring LLVM, MLIR or the driver of GPUs with them.
const ONLY: &[(&str, &[&str])] = &[
    ("cudarc", &["dlc-gpu"]),
    ("inkwell", &["dlc-lowering"]),
    ("mlir-sys", &["dlc-dialects", "dlc-lowering"]),
    (
        "melior",
        &[
            "dlc-dialects",
            "dlc-frontend",
            "dlc-autodiff",
            "dlc-lowering",
            "dlc-reference",
            "dlc-derivative",
            "dlc-driver",
            "dlc-playground",
            "dlc-test",
        ],
    ),
];

/// What breaks the rules in the manifests of the workspace.
pub fn violations(root: &Path) -> Result<Vec<String>> {
    let read = |path: &str| {
        let text = std::fs::read_to_string(root.join(path));
        text.with_context(|| format!("cannot read {path}"))
    };
    let mut violations = Vec::new();
    for folder in members(&read("Cargo.toml")?) {
        let Some((_, name, may_use)) = MAY_USE.iter().find(|(known, ..)| *known == folder) else {
            violations.push(format!(
                "{folder}: tools/xtask/src/tidy/crates.rs does not list it"
            ));
            continue;
        };
        for used in dependencies(&read(&format!("{folder}/Cargo.toml"))?) {
            let ours = MAY_USE.iter().any(|(_, name, _)| *name == used);
            let refused = match ONLY.iter().find(|(other, _)| *other == used) {
                Some((_, users)) => !users.contains(name),
                None => ours && !may_use.contains(&used.as_str()),
            };
            if refused {
                violations.push(format!("{name} uses {used}"));
            }
        }
    }
    Ok(violations)
}

/// The members of the workspace.
fn members(manifest: &str) -> Vec<String> {
    let list = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    let words = list.split(',').map(|word| word.trim().trim_matches('"'));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_string)
        .collect()
}

/// The names of the crates that a manifest's sections of dependencies list.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            // Those of tests may be any.
            inside = line.ends_with("dependencies]") && !line.contains("dev-");
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let end = line.find(['.', '=', ' ']).unwrap_or(line.len());
            names.push(line[..end].to_string());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read() {
        let manifest = "[workspace]\nmembers = [\n  \"a\", \"b/c\",\n]\n";
        assert_eq!(members(manifest), ["a", "b/c"]);
        let manifest = "[package]\nname = \"x\"\n[dependencies]\ndlc-abi.workspace = true\n\
                        cc = \"1\"\n[dev-dependencies]\ntempfile = \"3\"\n[build-dependencies]\ntblgen = \"1\"\n";
        assert_eq!(dependencies(manifest), ["dlc-abi", "cc", "tblgen"]);
    }

    #[test]
    fn no_crate_uses_itself_in_a_circle() {
        // Each may use only crates that come before it, in some order: sort by what is left.
        let mut known: Vec<&str> = Vec::new();
        while known.len() < MAY_USE.len() {
            let before = known.len();
            for (_, name, uses) in MAY_USE {
                if !known.contains(name) && uses.iter().all(|used| known.contains(used)) {
                    known.push(name);
                }
            }
            assert!(known.len() > before, "a circle among the rest of {known:?}");
        }
    }
}
