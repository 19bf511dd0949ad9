//! The paths that documents name exist.

use std::path::Path;

use anyhow::{Context, Result};

/// The documents at the root of the project.
const DOCUMENTS: [&str; 2] = ["README.md", "ARCHITECTURE.md"];

/// The top-level folders; only what begins with one of them is taken for a path.
const FOLDERS: [&str; 9] = [
    "dialects", "lowering", "autodiff", "frontend", "tools", "test", "runtime", "examples", ".ci",
];

/// Paths that are named and do not exist, and documents that are missing.
pub fn violations(root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for document in DOCUMENTS {
        let path = root.join(document);
        if !path.exists() {
            violations.push(format!("{document} is missing"));
            continue;
        }
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {document}"))?;
        for (number, line) in text.lines().enumerate() {
            let missing = named_paths(line).filter(|path| !root.join(path).exists());
            violations.extend(missing.map(|path| format!("{document}:{}: {path}", number + 1)));
        }
    }
    Ok(violations)
}

/// The paths in a line: words in backquotes and targets of links.
fn named_paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let linked = line
        .match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split_once(')').map(|(target, _)| target));
    quoted
        .flat_map(|code| code.split([' ', ',']))
        .filter(|word| is_path(word))
        .chain(linked.filter(|target| !target.contains(':') && !target.starts_with('#')))
        .map(|path| path.split_once('#').map_or(path, |(path, _)| path))
        .map(|path| path.trim_end_matches('/'))
}

/// Whether a word in backquotes names a path of the project, and not a pattern of paths.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let Some((folder, _)) = word.split_once('/') else {
        return false;
    };
    word.chars().all(plain) && FOLDERS.contains(&folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found() {
        let line = "See `runtime/abi/src/lib.rs`, `a.rs`, [x](test/ops/), [y](https://z/w), `lowering/<pass>.rs`.";
        let paths: Vec<_> = named_paths(line).collect();
        assert_eq!(paths, ["runtime/abi/src/lib.rs", "test/ops"]);
        let line = "`dlc build examples/digits/digits.dl -o out`";
        assert_eq!(
            named_paths(line).collect::<Vec<_>>(),
            ["examples/digits/digits.dl"]
        );
    }
}
