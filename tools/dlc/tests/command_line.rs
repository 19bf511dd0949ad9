//! The command line as scripts see it: exit statuses, messages, and what a crash leaves behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::stderr;

fn dlc(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .args(arguments)
        .output()
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder with a program that has no errors.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = "export fn f<B in 1..=64>(x: f32[B]) -> f32[B] { x + 1 }\n";
    std::fs::write(folder.path().join("m.dl"), program).unwrap();
    folder
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = folder();
    for (arguments, expected) in [
        (&[][..], "no command is given"),
        (&["biuld"], "'build'"),
        (&["build"], "required"),
        (&["build", "m.dl", "-O9"], "-O"),
        (&["build", "m.dl", "--emit=objj"], "the kinds are ast, dl"),
        (&["build", "m.dl", "--gpu", "sm_90"], "no GPU is called"),
        (&["build", "m.dl", "-o", "-"], "one kind"),
        (&["run", "m.dl::f", "--input", "x"], "expected NAME=VALUE"),
        (
            &["run", "m.dl::f", "--output", "out=o.npy"],
            "begins with @",
        ),
        (&["run", "m.dl::f", "--dim", "B=x"], "no whole number"),
        (
            &["build", "m.dl", "--emit=ptx", "-o", "-"],
            "add `--gpu sm_80`",
        ),
        (&["fmt"], "required"),
        (&["import", "m.onnx"], "`dlc import` is not there yet"),
        (&["explain", "DL9999"], "no error code DL9999"),
        (&["check", "m.dl", "-Z", "x=y"], "no option -Z x=y"),
    ] {
        let output = dlc(folder.path(), arguments);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    assert_eq!(names(folder.path()), ["m.dl"]);
}

#[test]
fn files_that_cannot_be_used_end_with_3() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for arguments in [
        &["check", "none.dl"][..],
        &["check", "."],
        &["none.dl"],
        &["build", "m.dl", "-o", "file/out", "--emit=ast"],
        &["build", "m.dl", "--emit=ast=none/m.ast"],
    ] {
        let output = dlc(folder.path(), arguments);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {text}");
        assert!(text.starts_with("error: cannot "), "{arguments:?}: {text}");
        assert_eq!(names(folder.path()), ["file", "m.dl"], "{arguments:?}");
    }
}

#[test]
fn crashes_end_with_101_and_a_reproducer() {
    for (kind, said) in [
        ("panic", "panic at "),
        ("abort", "SIGABRT"),
        ("overflow", "SIG"),
        ("internal", "asked for by -Z crash=internal"),
    ] {
        let folder = folder();
        let option = format!("-Zcrash={kind}");
        let output = dlc(folder.path(), &["check", "m.dl", &option]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(101), "{kind}: {text}");
        assert!(
            text.starts_with("error: this is a bug in dlc "),
            "{kind}: {text}"
        );
        assert!(text.contains(said), "{kind}: {text}");
        assert!(!text.contains("RUST_BACKTRACE"), "{kind}: {text}");
        let written = names(folder.path());
        assert!(written[0].starts_with("dlc-crash-"), "{written:?}");
        let inside = names(&folder.path().join(&written[0]));
        assert_eq!(inside[..3], ["command.sh", "crash.txt", "m.dl"], "{kind}");
    }
}

#[test]
fn a_reproducer_has_what_the_file_imports() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a/m.dl", "import \"lib/x.dl\"\nfn f(\n");
    write(
        "a/lib/x.dl",
        "import \"../../b/y z.dl\"\nimport \"none.dl\"\n",
    );
    write("b/y z.dl", "fn g(x: f32) -> f32 { x }\n");
    for kind in ["panic", "abort"] {
        let crash = format!("-Zcrash={kind}");
        let output = dlc(
            folder.path(),
            &["check", "a/m.dl", &crash, "--crash-dir", kind],
        );
        assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
        for (name, begins) in [
            ("a/m.dl", "import \"lib"),
            ("a/lib/x.dl", "import \"../"),
            ("b/y z.dl", "fn g"),
        ] {
            let text = std::fs::read_to_string(folder.path().join(kind).join(name)).unwrap();
            assert!(text.starts_with(begins), "{name}: {text}");
        }
    }
}

#[test]
fn a_build_says_what_it_depends_on() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("my lib")).unwrap();
    let lib = "fn g(x: f32) -> f32 { x }\n";
    std::fs::write(folder.path().join("my lib/x.dl"), lib).unwrap();
    let program =
        "import \"my lib/x.dl\"\nuse std::nn::linear\nexport fn f(x: f32) -> f32 { x::g(x) }\n";
    std::fs::write(folder.path().join("m.dl"), program).unwrap();
    let build = |arguments: &[&str]| {
        let output = dlc(
            folder.path(),
            &[&["build", "m.dl", "-Awarnings"], arguments].concat(),
        );
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let empty = "\nm.dl:\n\nmy\\ lib/x.dl:\n";
    build(&["-o", "out", "--emit=header,manifest=x.json,dep-info"]);
    let rules = std::fs::read_to_string(folder.path().join("out/m.d")).unwrap();
    let needed = "m.dl my\\ lib/x.dl";
    let expected = format!("out/m.h: {needed}\nx.json: {needed}\nout/m.d: {needed}\n{empty}");
    assert_eq!(rules, expected);
    let rules = build(&["--emit=dep-info", "-o", "-"]);
    assert_eq!(rules, format!("m.d: {needed}\n{empty}"));
    let rules = build(&["--emit=header=m.h,dep-info=-"]);
    assert_eq!(rules, format!("m.h: {needed}\n{empty}"));
}

#[test]
fn a_crash_folder_can_be_named() {
    let folder = folder();
    let output = dlc(
        folder.path(),
        &["build", "m.dl", "-Zcrash=abort", "--crash-dir", "c"],
    );
    assert_eq!(output.status.code(), Some(101));
    assert!(names(&folder.path().join("c")).contains(&"crash.txt".to_string()));
    let output = dlc(
        folder.path(),
        &[
            "check",
            "m.dl",
            "-Zcrash=abort",
            "--error-format=json",
            "--crash-dir",
            "m.dl/x",
        ],
    );
    assert_eq!(output.status.code(), Some(101));
    assert!(stderr(&output).contains("\"severity\":\"bug\""));
}

#[test]
fn formats_and_colors() {
    let folder = folder();
    let text = |arguments: &[&str]| stderr(&dlc(folder.path(), arguments));
    let json = text(&["check", "none.dl", "--error-format", "json"]);
    assert!(json.starts_with("{\"help\":\"check the path"), "{json}");
    let short = text(&["check", "none.dl", "--error-format", "short"]);
    assert_eq!(short.lines().count(), 1, "{short}");
    assert!(text(&["check", "none.dl", "--color", "always"]).contains("\x1b[1;31m"));
    assert!(!text(&["check", "none.dl"]).contains('\x1b'));
}

#[test]
fn lists_and_versions() {
    let folder = folder();
    for arguments in [
        &["--version"][..],
        &["--version", "--verbose"],
        &["--print", "passes"],
        &["--print", "ops"],
        &["--print", "target-cpus"],
        &["--print", "host-tuple"],
        &["--help"],
        &["build", "--help"],
        &["run", "-h"],
        &["explain", "DL0203"],
    ] {
        let output = dlc(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    let help = dlc(folder.path(), &["build", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    for heading in [
        "Input:",
        "Output:",
        "Target:",
        "Optimisation:",
        "Diagnostics:",
        "Examples:",
    ] {
        assert!(help.contains(heading), "{heading} in {help}");
    }
}

#[test]
fn a_good_file_is_checked() {
    let folder = folder();
    let output = dlc(folder.path(), &["check", "m.dl"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names(folder.path()), ["m.dl"]);
}

#[test]
fn the_codes_are_listed() {
    let folder = folder();
    let list = |arguments: &[&str]| {
        let output = dlc(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = list(&["explain"]);
    assert!(
        text.contains("DL0203  inner dims of a matrix product differ\n"),
        "{text}"
    );
    let markdown = list(&["explain", "--format", "markdown"]);
    assert_eq!(markdown.lines().count(), text.lines().count() + 2);
    assert!(markdown.contains("| DL0203 | inner dims"), "{markdown}");
}
