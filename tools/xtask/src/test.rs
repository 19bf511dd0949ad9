//! `cargo xtask test` and `cargo xtask bless`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::packages::{self, Need};
use crate::process::{self, has};
use crate::{llvm, tidy};

/// Set for the tests that may rewrite goldens.
const BLESS: &str = "DLC_BLESS";

/// Set for the tests that take long (`test/src/levels.rs`).
const FULL: &str = "DLC_TEST_FULL";

/// Builds everything once, runs all tests, the long ones if they are asked for, then `tidy`.
pub fn run(filter: Option<&str>, full: bool) -> Result<()> {
    let llvm = llvm::ensure_for_tests()?;
    warn_of_little_room();
    // The binaries first: tests of one crate run those of another.
    process::run(llvm.cargo().args(["build", "--workspace"]))?;
    let mut cargo = llvm.cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    if full {
        cargo.env(FULL, "1");
    }
    if let Some(filter) = filter {
        cargo.args(["--", filter]);
    }
    let (passed, failed, ignored, ok) = count(&mut cargo)?;
    let tidied = match filter {
        Some(_) => Ok(()),
        None => {
            println!();
            tidy::run()
        }
    };
    let tools = packages::of(Need::Tests).filter_map(|package| package.program);
    for tool in tools.chain(["python3"]) {
        if !has(tool) {
            println!("skipped: tests that need {tool}, which is not installed");
        }
    }
    let skipped = match ignored {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    println!("\n{passed} passed, {failed} failed{skipped}");
    tidied?;
    ensure!(ok && failed == 0, "the tests failed");
    Ok(())
}

/// Says so where a first build may not fit: a linker that finds no room does not say it well.
fn warn_of_little_room() {
    const WANTED: u64 = 13_000_000_000;
    let is_first = !process::target().join("debug/deps").exists();
    let free = process::free_space(&process::root());
    if let Some(free) = free.filter(|free| is_first && *free < WANTED) {
        println!(
            "note: {:.1} GB are free; the tests and what they are built of take 12 GB, or 7 GB with CARGO_INCREMENTAL=0 and CARGO_PROFILE_DEV_DEBUG=0",
            free as f64 / 1e9
        );
    }
}

/// Rewrites the goldens.
pub fn bless(filter: Option<&str>) -> Result<()> {
    let llvm = llvm::ensure_for_tests()?;
    process::run(llvm.cargo().args(["build", "--workspace"]))?;
    let mut cargo = llvm.cargo();
    cargo.args(["test", "--package", "dlc-test", "--no-fail-fast"]);
    cargo.env(BLESS, "1");
    if let Some(filter) = filter {
        cargo.args(["--", filter]);
    }
    process::run(&mut cargo)?;
    println!("`git diff` shows what was rewritten");
    Ok(())
}

/// Runs tests and adds up what each of their programs reports: passed, failed, ignored, and
/// whether cargo was content.
fn count(cargo: &mut Command) -> Result<(usize, usize, usize, bool)> {
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what cargo prints")?;
        println!("{line}");
        if let Some(result) = line.trim_start().strip_prefix("test result: ") {
            passed += number_before(result, "passed");
            failed += number_before(result, "failed");
            ignored += number_before(result, "ignored");
        }
    }
    let status = child.wait().context("cargo was lost")?;
    if !status.success() && passed == 0 && failed == 0 {
        bail!("the tests could not be built");
    }
    Ok((passed, failed, ignored, status.success()))
}

/// The number in front of a word: 3 in `ok. 3 passed; 0 failed`.
fn number_before(line: &str, word: &str) -> usize {
    let words: Vec<&str> = line.split([' ', ';']).filter(|w| !w.is_empty()).collect();
    words
        .windows(2)
        .find(|pair| pair[1] == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read() {
        let line = "ok. 25 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(number_before(line, "passed"), 25);
        assert_eq!(number_before(line, "failed"), 1);
        assert_eq!(number_before(line, "ignored"), 2);
        assert_eq!(number_before("nothing", "passed"), 0);
    }
}
