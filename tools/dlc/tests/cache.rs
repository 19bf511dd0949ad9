//! The cache on the command line: when something is found, and that it is what would be made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// A program with a warning, which imports a file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.dl", "fn g(x: f32) -> f32 { 2.0 * x }\n");
    write(
        "m.dl",
        "import \"lib.dl\"\nexport fn f(x: f32) -> f32 { let unread = x; lib::g(x) }\n\
         test \"f\" { assert(f(1.0) == 2.0) }\n",
    );
    folder
}

fn dlc(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
    command
        .current_dir(folder)
        .env("DLC_CACHE_DIR", folder.join("cache"))
        .args(arguments);
    command
}

/// What a command writes to the standard error.
fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// Builds into a folder; whether it was found in the cache, and what else was said.
fn build(folder: &Path, out: &str, arguments: &[&str]) -> (bool, String) {
    let common = ["build", "m.dl", "--verbose", "-o", out];
    let said = said(dlc(folder, &[&common, arguments].concat()));
    let is_news = |line: &&str| !line.contains(" in the cache ") && !line.starts_with("wrote ");
    let rest = said.lines().filter(is_news).map(|line| format!("{line}\n"));
    let found = said
        .lines()
        .any(|line| line.starts_with("found in the cache "));
    (found, rest.collect())
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_same_is_found_and_said_again() {
    let folder = folder();
    let folder = folder.path();
    let (found, first) = build(folder, "a", &[]);
    assert!(!found && first.contains("unread"), "{first}");
    assert_eq!(build(folder, "b", &["--jobs", "3"]), (true, first.clone()));
    assert_eq!(files(&folder.join("a")), files(&folder.join("b")));
    assert_eq!(files(&folder.join("a")).len(), 4);
    let others: [&[&str]; 7] = [
        &["-O1"],
        &["--target-cpu", "x86-64-v3"],
        &["--emit=header"],
        &["--threads=2"],
        &["--check-bounds"],
        &["--error-format=short"],
        &["-A", "warnings"],
    ];
    for arguments in others {
        assert!(!build(folder, "c", arguments).0, "{arguments:?}");
        assert!(build(folder, "c", arguments).0, "{arguments:?}");
    }
    for arguments in [&["--no-cache"][..], &["--cache-dir="]] {
        assert_eq!(build(folder, "c", arguments), (false, first.clone()));
    }
    std::fs::write(folder.join("lib.dl"), "fn g(x: f32) -> f32 { 3.0 * x }\n").unwrap();
    assert_eq!(build(folder, "b", &[]), (false, first));
    assert_ne!(files(&folder.join("a")), files(&folder.join("b")));
}

#[test]
fn errors_are_not_kept() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("lib.dl"), "fn g(x: f32) -> f32 { y }\n").unwrap();
    for _ in 0..2 {
        let output = dlc(folder, &["build", "m.dl", "-o", "a"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
    assert!(!folder.join("cache").exists());
}

#[test]
fn damage_is_noticed_and_mended() {
    let folder = folder();
    let folder = folder.path();
    build(folder, "a", &[]);
    for (name, mut bytes) in files(&folder.join("cache")) {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(folder.join("cache").join(name), bytes).unwrap();
    }
    assert!(!build(folder, "b", &[]).0);
    assert_eq!(files(&folder.join("a")), files(&folder.join("b")));
    assert!(build(folder, "b", &[]).0);
}

#[test]
fn calls_and_tests_use_it() {
    let folder = folder();
    let folder = folder.path();
    for line in [
        "run m.dl::f --input x=1.0",
        "test m.dl",
        "bench m.dl::f --input x=1.0",
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let count = || match folder.join("cache").exists() {
            true => files(&folder.join("cache")).len(),
            false => 0,
        };
        let before = count();
        said(dlc(folder, &arguments));
        let first = count();
        said(dlc(folder, &arguments));
        assert_eq!(count(), first, "{line}");
        // What `run` compiled is what `bench` wants.
        let more = !line.starts_with("bench");
        assert_eq!(first > before, more, "{line}");
    }
    let before = files(&folder.join("cache")).len();
    said(dlc(folder, &["test", "m.dl", "-O0", "--no-cache"]));
    assert_eq!(files(&folder.join("cache")).len(), before);
}

#[test]
fn it_stays_within_its_limit() {
    let folder = folder();
    let folder = folder.path();
    for level in ["-O0", "-O1", "-O2", "-O3"] {
        build(folder, "a", &[level, "--cache-limit=40K"]);
        let total: usize = files(&folder.join("cache"))
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum();
        assert!(total <= 40 << 10, "{total}");
    }
    assert!(build(folder, "a", &["-O3", "--cache-limit=40K"]).0);
    assert!(!build(folder, "a", &["-O0", "--cache-limit=40K"]).0);
}

#[test]
fn processes_share_it() {
    let folder = folder();
    let folder = folder.path();
    let arguments = ["build", "m.dl", "--emit=staticlib", "-o"];
    let started = ["a", "b", "c"].map(|out| {
        let mut command = dlc(folder, &[&arguments[..], &[out]].concat());
        command.stderr(std::process::Stdio::null()).spawn().unwrap()
    });
    for mut process in started {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(files(&folder.join("a")), files(&folder.join("b")));
    assert_eq!(files(&folder.join("a")), files(&folder.join("c")));
    let left = files(&folder.join("cache"));
    assert!(left.iter().all(|(name, _)| name.ends_with(".dlc-entry")));
}

#[test]
fn the_version_says_where_it_is() {
    let folder = folder();
    let folder = folder.path();
    let version = |arguments: &[&str]| {
        let output = dlc(folder, arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let line = format!("cache {}\n", folder.join("cache").display());
    assert!(version(&["--version", "--verbose"]).contains(&line));
    assert!(version(&["--version", "--verbose", "--no-cache"]).contains("no cache\n"));
}
