//! `dlc new`: what it makes builds and trains, with each language whose tools are here; and it changes nothing that is
//! there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::dlc;

const DLC: &str = env!("CARGO_BIN_EXE_dlc");

/// What a command prints; it has to end well.
fn printed(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).env("DLC", DLC);
    command
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {text}{errors}");
    text
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// The losses of the lines `step N  loss L`, and the points that are told right.
fn losses_and_right(text: &str) -> (Vec<f64>, f64) {
    let losses = text.lines().filter_map(|line| line.split_once("  loss "));
    let losses = losses.map(|(_, loss)| loss.parse().unwrap()).collect();
    let right = text.lines().find_map(|line| line.split_once(" of 300 "));
    (losses, right.unwrap().0.parse().unwrap())
}

/// Makes a project, runs the commands that build and train, and gives what the program prints.
fn trained(host: &str, commands: &[(&str, &[&str])]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let made = dlc(folder.path(), &["new", "a/first", "--host", host]);
    assert!(made.status.success(), "{made:?}");
    let project = folder.path().join("a/first");
    let mut text = String::new();
    for (program, arguments) in commands {
        text = printed(&project, program, arguments);
    }
    let (losses, right) = losses_and_right(&text);
    assert_eq!(losses.len(), 6, "{text}");
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{text}");
    assert!(losses[0] > 0.9 && losses[5] < 0.1, "{text}");
    assert!(right >= 290.0, "{text}");
    let lines = text
        .lines()
        .filter(|line| line.contains(" loss ") || line.contains(" of 300 "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// A Python that has NumPy: that of `DLC_PYTHON`, else the system's.
fn python() -> Option<String> {
    let known = ["python3", "/usr/bin/python3"].map(String::from);
    let all = std::env::var("DLC_PYTHON").into_iter().chain(known);
    all.into_iter()
        .find(|python| runs(python, &["-c", "import numpy"]))
}

#[test]
fn projects_train_and_print_the_same_whatever_the_language() {
    let mut printed = Vec::new();
    let mut one = |host: &str, there: bool, needs: &str, commands: &[(&str, &[&str])]| match there {
        true => printed.push(trained(host, commands)),
        false => println!("skipped: the project in {host}, as there is no {needs}"),
    };
    let cc = runs("cc", &["--version"]) && runs("make", &["--version"]);
    one("c", cc, "cc or make", &[("make", &["--silent"])]);
    let cpp = runs("c++", &["--version"]) && runs("cmake", &["--version"]);
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../cmake");
    let define = format!("-Ddlc_DIR={package}");
    let configure = ["-B", "build", &define];
    let commands: [(&str, &[&str]); 3] = [
        ("cmake", &configure),
        ("cmake", &["--build", "build"]),
        ("build/train", &[]),
    ];
    one("cpp", cpp, "c++ or cmake", &commands);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    let commands: [(&str, &[&str]); 1] = [(&cargo, &["run", "--quiet", "--offline"])];
    one("rust", runs(&cargo, &["--version"]), "cargo", &commands);
    let define = format!("PYTHON={}", python().unwrap_or_default());
    let commands: [(&str, &[&str]); 1] = [("make", &["--silent", &define])];
    let there = python().is_some() && runs("make", &["--version"]);
    one("python", there, "Python with NumPy, or make", &commands);
    assert!(
        printed.windows(2).all(|pair| pair[0] == pair[1]),
        "{printed:#?}"
    );
}

#[test]
fn the_model_is_laid_out_and_its_tests_pass() {
    let folder = tempfile::tempdir().unwrap();
    for host in ["c", "cpp", "rust", "python"] {
        assert!(
            dlc(folder.path(), &["new", host, "--host", host])
                .status
                .success()
        );
        let readme = std::fs::read_to_string(folder.path().join(host).join("README.md")).unwrap();
        assert!(readme.starts_with(&format!("# {host}\n")), "{readme}");
    }
    for arguments in [
        &["fmt", "--check", "c"][..],
        &["check", "c/spiral.dl", "-D", "warnings"],
        &["test", "c/spiral.dl"],
    ] {
        let output = dlc(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn nothing_that_is_there_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("file"), "mine").unwrap();
    for (arguments, status, said) in [
        (&["new", "empty"][..], 1, "error: empty is there already\n"),
        (&["new", "file"], 1, "error: file is there already\n"),
        (&["new", "file/x"], 3, "error: cannot make file/x: "),
        (&["new", "."], 2, "does not end with a name"),
        (&["new", "2x"], 2, "does not end with a name"),
        (&["new"], 2, "NAME"),
        (&["new", "x", "--host", "cobol"], 2, "cobol"),
    ] {
        let output = dlc(folder.path(), arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path().join("empty"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("file")).unwrap(),
        "mine"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn shells_and_man_know_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let output = dlc(folder.path(), &["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["build", "fmt", "--target-cpu", "completions"] {
            assert!(
                script.contains(word.trim_start_matches('-')),
                "{shell}: {word}"
            );
        }
        assert!(!script.contains("run-test"), "{shell}: a hidden command");
        let file = folder.path().join(shell);
        std::fs::write(&file, script).unwrap();
        match runs(check, &["--version"]) {
            true => assert!(runs(check, &["-n", file.to_str().unwrap()]), "{shell}"),
            false => println!("skipped: {shell} is not there to read its script"),
        }
    }
    assert!(dlc(folder.path(), &["man", "pages"]).status.success());
    let page =
        |name: &str| std::fs::read_to_string(folder.path().join("pages").join(name)).unwrap();
    assert!(
        page("dlc.1").contains("dlc\\-build(1)"),
        "{}",
        page("dlc.1")
    );
    assert!(
        page("dlc-build.1").contains("\\-\\-target\\-cpu"),
        "{}",
        page("dlc-build.1")
    );
    assert!(page("dlc-opt.1").contains("mlir"));
    let first = dlc(folder.path(), &["man"]);
    assert_eq!(String::from_utf8(first.stdout).unwrap(), page("dlc.1"));
}
