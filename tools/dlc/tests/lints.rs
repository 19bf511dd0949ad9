//! `-W`, `-A` and `-D` on the command line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// A folder with a program that has a warning of two lints, and a file of it that has one, too.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.dl", "fn g(x: f32) -> f32 { let unread = x; x }\n");
    write(
        "m.dl",
        "import \"lib.dl\"\nuse std::nn\nexport fn f(x: f32) -> f32 { let unread = x; lib::g(x) }\n\
         test \"f\" { assert(f(1.0) == 1.0) }\n",
    );
    folder
}

/// The exit status, and the level and code of each message.
fn said(folder: &Path, arguments: &[&str]) -> (i32, Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(arguments)
        .arg("--error-format=short")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let head = |line: &str| {
        let (place, rest) = line.split_once(": ").unwrap();
        match rest.split_once(": ") {
            Some((level, _)) if place.contains(".dl:") => level.to_owned(),
            _ => line.to_owned(),
        }
    };
    (
        output.status.code().unwrap(),
        text.lines().map(head).collect(),
    )
}

#[test]
fn levels_of_lints() {
    let folder = folder();
    let check = |flags: &[&str]| said(folder.path(), &[&["check", "m.dl"], flags].concat());
    let (import, variable) = ("warning[DL0904]", "warning[DL0905]");
    let all = || [import, variable, variable].map(str::to_owned).to_vec();
    assert_eq!(check(&[]), (0, all()));
    assert_eq!(check(&["-A", "warnings"]), (0, vec![]));
    assert_eq!(
        check(&["-A", "unused-variables"]),
        (0, vec![import.to_owned()])
    );
    assert_eq!(check(&["-ADL0905", "--warn=unused_variables"]), (0, all()));
    let (status, found) = check(&["-D", "warnings", "-W", "unused-imports"]);
    let denied = [import, "error[DL0905]", "error[DL0905]"];
    assert_eq!((status, found), (1, denied.map(str::to_owned).to_vec()));
}

#[test]
fn what_is_denied_is_not_built_run_or_tested() {
    let folder = folder();
    for command in [
        &["build", "m.dl", "--emit=header"][..],
        &["build", "m.dl", "--emit=ast"],
        &["run", "m.dl::f", "--input", "x=1.0"],
        &["test", "m.dl"],
    ] {
        let (status, _) = said(folder.path(), &[command, &["-A", "warnings"]].concat());
        assert_eq!(status, 0, "{command:?}");
        let ast = command.contains(&"--emit=ast");
        let (status, found) = said(folder.path(), &[command, &["-D", "warnings"]].concat());
        // What the parser does not find is no matter of the syntax tree.
        assert_eq!(status, if ast { 0 } else { 1 }, "{command:?}: {found:?}");
    }
    assert!(!folder.path().join("libm.so").exists());
}

#[test]
fn unknown_lints_are_wrong_usage() {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder.path())
        .args(["check", "m.dl", "-D", "unused-variable"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: there is no lint `unused-variable`\n\
         help: a lint with a similar name exists: `unused-variables`\n"
    );
    let (status, found) = said(folder.path(), &["check", "m.dl", "-A", "DL0203"]);
    assert_eq!(
        (status, found),
        (
            2,
            vec!["error: DL0203 is no lint: only warnings have a level".to_owned()]
        )
    );
}

#[test]
fn a_lint_is_explained() {
    let explained = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
            .args(["explain", name])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let page = explained("unused-variables");
    assert_eq!(page, explained("DL0905"));
    assert!(
        page.contains("`-D unused-variables` makes it an error"),
        "{page}"
    );
}
