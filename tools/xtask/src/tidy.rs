//! `cargo xtask tidy`: the rules of the code base that a program can check.

mod crates;
mod paths;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::process::root;
use source::Source;

/// How long a source file may be.
const MAX_LINES: usize = 600;

/// How much C++ may be written by hand.
const MAX_CXX: usize = 340;

/// How long a pass may be, and half of them, in lines of code.
const MAX_PASS: usize = 300;
const MAX_MEDIAN_PASS: usize = 150;

/// Where unsafe code and MLIR's raw API may stand.
const UNSAFE: [&str; 16] = [
    "dialects/src/ir/",
    // libFuzzer is a C library.
    "frontend/fuzz/",
    "lowering/src/target/",
    "lowering/src/target.rs",
    "runtime/src/",
    "runtime/pool/src",
    "runtime/pool-c/src",
    "runtime/gpu/src",
    "runtime/gpu-c/src",
    // The types of functions that C calls.
    "runtime/abi/src/choice.rs",
    "runtime/abi/src/executor.rs",
    "runtime/abi/src/device.rs",
    "runtime/abi/src/trace.rs",
    // The names by which a page calls it.
    "tools/playground/src/wasm.rs",
    // A program that brings threads of its own, as a user's would.
    "test/end_to_end/threads.rs",
    // One that calls C.
    "test/end_to_end/resident.rs",
];

/// A rule and what breaks it.
struct Rule {
    name: &'static str,
    limit: String,
    value: String,
    violations: Vec<String>,
}

impl Rule {
    /// A rule that nothing may break.
    fn none(name: &'static str, violations: Vec<String>) -> Self {
        Self {
            name,
            limit: "0".to_string(),
            value: violations.len().to_string(),
            violations,
        }
    }

    /// A rule on a number.
    fn at_most(name: &'static str, limit: usize, value: usize) -> Self {
        let violations = match value > limit {
            true => vec![format!("{value}, {limit} at most")],
            false => Vec::new(),
        };
        Self {
            name,
            limit: limit.to_string(),
            value: value.to_string(),
            violations,
        }
    }
}

/// Checks all rules and prints a table; an error when one is broken.
pub fn run() -> Result<()> {
    let files = files(&root())?;
    let sources = read_sources(&files)?;
    let mut rules = vec![
        Rule::none("files without //!", each(&sources, without_header)),
        Rule::none("files over 600 lines", each(&sources, too_long)),
        Rule::none("unsafe outside its places", each(&sources, unsafe_outside)),
        Rule::none("mlir_sys outside its places", each(&sources, raw_outside)),
        Rule::none("unfinished or misnamed", each(&sources, unfinished)),
        Rule::none("crate graph", crates::violations(&root())?),
        Rule::none("paths in documents", paths::violations(&root())?),
    ];
    let cxx = sources.iter().filter(|source| source.is_cxx());
    let cxx = cxx.map(Source::code_lines).sum();
    rules.push(Rule::at_most("lines of C++", MAX_CXX, cxx));
    let mut passes: Vec<(usize, &str)> = sources
        .iter()
        .filter(|source| source.is_pass())
        .map(|source| (source.code_lines(), source.path.as_str()))
        .collect();
    passes.sort();
    if let Some((median, _)) = passes.get(passes.len() / 2) {
        rules.push(Rule::at_most(
            "median pass, lines",
            MAX_MEDIAN_PASS,
            *median,
        ));
    }
    let long = passes.iter().filter(|(lines, _)| *lines > MAX_PASS);
    rules.push(Rule::none(
        "passes over 300 lines",
        long.map(|(lines, path)| format!("{path}: {lines}"))
            .collect(),
    ));
    print(&rules, &sources);
    let broken = rules.iter().filter(|rule| !rule.violations.is_empty());
    let broken: Vec<_> = broken.map(|rule| rule.name).collect();
    ensure!(broken.is_empty(), "tidy: {}", broken.join(", "));
    Ok(())
}

fn print(rules: &[Rule], sources: &[Source]) {
    println!("{:<30} {:>6} {:>6}", "rule", "found", "limit");
    for rule in rules {
        let mark = if rule.violations.is_empty() {
            ""
        } else {
            "  <--"
        };
        println!(
            "{:<30} {:>6} {:>6}{mark}",
            rule.name, rule.value, rule.limit
        );
    }
    println!();
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for source in sources {
        let folder = source.path.split('/').next().unwrap_or_default();
        let (files, lines) = folders.entry(folder).or_default();
        *files += 1;
        *lines += source.lines();
    }
    println!("{:<30} {:>6} {:>6}", "folder", "files", "lines");
    for (folder, (files, lines)) in folders {
        println!("{folder:<30} {files:>6} {lines:>6}");
    }
    for rule in rules.iter().filter(|rule| !rule.violations.is_empty()) {
        println!("\n{}:", rule.name);
        for violation in &rule.violations {
            println!("  {violation}");
        }
    }
}

fn each(sources: &[Source], check: impl Fn(&Source) -> Option<String>) -> Vec<String> {
    sources.iter().filter_map(check).collect()
}

fn without_header(source: &Source) -> Option<String> {
    let bad = source.is_rust() && !source.text.starts_with("//!");
    bad.then(|| source.path.clone())
}

fn too_long(source: &Source) -> Option<String> {
    let lines = source.lines();
    (lines > MAX_LINES).then(|| format!("{}: {lines}", source.path))
}

fn unsafe_outside(source: &Source) -> Option<String> {
    outside(source, "unsafe")
}

fn raw_outside(source: &Source) -> Option<String> {
    outside(source, "mlir_sys")
}

/// The first line with a word outside the places for it. A test and a bench may call compiled code.
fn outside(source: &Source, word: &str) -> Option<String> {
    let allowed = UNSAFE.iter().any(|place| source.path.starts_with(place));
    let calls = ["/tests/", "/benches/"].map(|folder| source.path.contains(folder));
    if !source.is_rust() || allowed || calls.contains(&true) {
        return None;
    }
    let line = source.line_of_word(word)?;
    Some(format!("{}:{line}", source.path))
}

/// Notes to oneself, and files whose name says nothing.
fn unfinished(source: &Source) -> Option<String> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    if ["utils.rs", "util.rs", "misc.rs", "helpers.rs"].contains(&name) {
        return Some(source.path.clone());
    }
    // Put together, so that this file does not hold them.
    let notes = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let line = source
        .text
        .lines()
        .position(|line| notes.iter().any(|note| line.contains(note.as_str())))?;
    let in_test = source.path.starts_with("test/") || source.path.contains("/tests/");
    (!in_test).then(|| format!("{}:{}", source.path, line + 1))
}

/// The files of the project, relative to its root, sorted.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if ["target", "node_modules"].contains(&&*name)
                || (name.starts_with('.') && name != ".cargo" && name != ".ci")
            {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                files.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read_sources(files: &[PathBuf]) -> Result<Vec<Source>> {
    let is_source = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("rs" | "cpp" | "h" | "c" | "py"))
    };
    files
        .iter()
        .filter(|path| is_source(path))
        .map(|path| {
            let text = std::fs::read_to_string(root().join(path));
            Ok(Source {
                path: path.to_string_lossy().replace('\\', "/"),
                text: text.with_context(|| format!("cannot read {}", path.display()))?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn rules_find_what_breaks_them() {
        let good = source("runtime/src/a.rs", "//! A.\nunsafe {}\n");
        assert!(without_header(&good).is_none() && unsafe_outside(&good).is_none());
        let bad = source("frontend/src/a.rs", "// A.\nfn f() { unsafe {} }\n");
        assert_eq!(without_header(&bad).unwrap(), "frontend/src/a.rs");
        assert_eq!(unsafe_outside(&bad).unwrap(), "frontend/src/a.rs:2");
        let text = source(
            "frontend/src/a.rs",
            "//! A.\nlet s = \"unsafe\"; // unsafe\n",
        );
        assert!(unsafe_outside(&text).is_none());
        assert!(too_long(&source("a.rs", &"x\n".repeat(601))).is_some());
        assert!(too_long(&source("a.rs", &"x\n".repeat(600))).is_none());
        assert!(unfinished(&source("a/utils.rs", "")).is_some());
        let note = ["// TO", "DO later\n"].concat();
        assert_eq!(unfinished(&source("a.rs", &note)).unwrap(), "a.rs:1");
    }

    #[test]
    fn limits_are_inclusive() {
        assert!(Rule::at_most("x", 3, 3).violations.is_empty());
        assert_eq!(Rule::at_most("x", 3, 4).violations, ["4, 3 at most"]);
    }
}
