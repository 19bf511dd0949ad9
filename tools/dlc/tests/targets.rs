//! Other machines on the command line: what is refused and how, what is made where nothing can link it, and what lies in
//! the files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::stderr;

fn dlc(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
    command.current_dir(folder).args(arguments);
    command
}

/// A folder with a program without errors.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = "export fn f<B in 1..=64>(x: f16[B], y: bf16[B]) -> f32[B] { exp(f32(x)) + tanh(f32(y)) }\n";
    std::fs::write(folder.path().join("m.dl"), program).unwrap();
    folder
}

/// A triple of another architecture than this machine's, and what an ELF file says of its machine.
fn foreign() -> (&'static str, u8) {
    match cfg!(target_arch = "aarch64") {
        true => ("x86_64-unknown-linux-gnu", 62),
        false => ("aarch64-unknown-linux-gnu", 183),
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let folder = folder();
    let arm = "aarch64-unknown-linux-gnu";
    for (arguments, expected) in [
        (&["--target", "aarch64-unkown-linux-gnu"][..], arm),
        (&["--target", "vax"], "`dlc --print targets` lists them"),
        (
            &["--target", arm, "--target-cpu", "neoverse-n4"],
            "`neoverse-n",
        ),
        (
            &["--target", arm, "--target-feature", "sve"],
            "write +sve or -sve",
        ),
        (
            &["--target", arm, "--target-feature", "+sve3"],
            "unknown feature `sve3`",
        ),
        (
            &["--target", arm, "--target-cpu", "generic,cortex-a53"],
            "has its code for one CPU",
        ),
        (
            &["--target", arm, "--emit=js"],
            "add `--target wasm32-unknown-unknown`",
        ),
        (&["--target", "wasm32", "--threads"], "runs on one thread"),
        (
            &["--target", "wasm32", "--gpu", "sm_80"],
            "GPUs are run by programs on Linux",
        ),
    ] {
        let arguments = [&["build", "m.dl"], arguments].concat();
        let output = dlc(folder.path(), &arguments).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn only_code_for_this_machine_runs() {
    let folder = folder();
    let run = |triple: &str| {
        let inputs = ["--input", "x=ones(3):f16", "--input", "y=ones(3):bf16"];
        let arguments = [&["run", "m.dl::f", "--target", triple][..], &inputs].concat();
        dlc(folder.path(), &arguments).output().unwrap()
    };
    let (triple, _) = foreign();
    let output = run(triple);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("does not run on this machine"), "{said}");
    assert!(said.contains("dlc build --target"), "{said}");
    let listed = dlc(folder.path(), &["--print", "targets"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let here = listed.lines().find_map(|line| line.strip_suffix(" (here)"));
    if let Some(here) = here {
        let output = run(here);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

#[test]
fn libraries_for_another_machine_need_no_tools() {
    let folder = folder();
    let (triple, machine) = foreign();
    let out = folder.path().join("out");
    let mut command = dlc(
        folder.path(),
        &["build", "m.dl", "--target", triple, "-o", "out"],
    );
    let output = command.env("PATH", folder.path().join("none")).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for file in ["m.h", "m.json"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    for file in ["libm.a", "libm.so"] {
        let bytes = std::fs::read(out.join(file)).unwrap();
        let object = bytes.windows(4).position(|bytes| bytes == b"\x7fELF");
        assert_eq!(bytes[object.unwrap() + 18], machine, "{file}");
    }
    let arguments = [
        "build",
        "m.dl",
        "--target",
        "wasm32-unknown-unknown",
        "--emit=python",
    ];
    let output = dlc(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("needs a shared library"));
}

#[test]
fn several_cpus_are_told_by_header_and_manifest() {
    let folder = folder();
    let arguments = [
        "build",
        "m.dl",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--target-cpu",
        "x86-64-v3,x86-64-v2",
        "--emit=header,manifest",
        "-o",
        "out",
    ];
    let output = dlc(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let header = read("m.h");
    assert!(
        header.contains("const char *m_target_cpu(void);"),
        "{header}"
    );
    assert!(header.contains("DLC_CPU"), "{header}");
    let manifest = read("m.json");
    assert!(
        manifest.contains("\"x86-64-v2\",\n    \"x86-64-v3\""),
        "{manifest}"
    );
}
