//! `dlc bisect` and `dlc reduce` on planted miscompiles: ten wrong rewrites in ten passes, each with a program whose line that
//! goes wrong says so. `DLC_BISECT=all` reduces all of them, else some are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{dlc, stderr, stdout};

/// A fault, the pass that it comes with, and dims of its program.
struct Planted {
    fault: &'static str,
    pass: &'static str,
    dims: &'static [&'static str],
}

const fn planted(
    fault: &'static str,
    pass: &'static str,
    dims: &'static [&'static str],
) -> Planted {
    Planted { fault, pass, dims }
}

const PLANTED: [Planted; 10] = [
    planted("derivative", "expand-derivatives", &["B=3"]),
    planted("folding", "simplify-dl", &["B=3"]),
    planted("merging", "cse", &["N=5"]),
    planted("lowering", "dl-to-linalg", &["B=2", "T=5"]),
    planted("fusion", "fuse-elementwise", &["B=3"]),
    planted("product", "emit-matmul", &["B=5"]),
    planted("rows", "fuse-rows", &["B=3", "T=20"]),
    planted("vectors", "vectorize-generics", &[]),
    planted("workspace", "plan-workspace", &["B=7"]),
    planted("maths", "expand-math", &["N=40"]),
];

/// Those that every run of the tests makes small.
const REDUCED: [&str; 2] = ["derivative", "maths"];

fn reduced() -> impl Iterator<Item = &'static Planted> {
    let all = std::env::var("DLC_BISECT").is_ok_and(|value| value == "all");
    let planted = PLANTED.iter();
    planted.filter(move |one| all || REDUCED.contains(&one.fault))
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../test/miscompiles/{name}.dl"))
}

/// Runs a command on a planted miscompile, whose program is a copy in a folder.
fn on(folder: &Path, command: &str, planted: &Planted, more: &[&str]) -> Output {
    let name = format!("{}.dl", planted.fault);
    std::fs::copy(program(planted.fault), folder.join(&name)).unwrap();
    let callee = format!("{name}::f");
    let option = format!("-Zmiscompile={}", planted.fault);
    let mut arguments = vec![command, &callee, &option];
    for dim in planted.dims {
        arguments.extend(["--dim", dim]);
    }
    arguments.extend(more);
    dlc(folder, &arguments)
}

#[test]
fn the_pass_and_the_line_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = vec![];
    for planted in &PLANTED {
        let output = on(folder.path(), "bisect", planted, &[]);
        let said = stderr(&output);
        let text = std::fs::read_to_string(program(planted.fault)).unwrap();
        let line = text.lines().position(|line| line.contains("// wrong"));
        let place = format!("{}.dl:{}:", planted.fault, line.unwrap() + 1);
        let pass = format!("since `{}`", planted.pass);
        if output.status.code() != Some(1) || !said.contains(&pass) || !said.contains(&place) {
            wrong.push(format!("{}: {:?}\n{said}", planted.fault, output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn programs_become_small() {
    let folder = tempfile::tempdir().unwrap();
    for planted in reduced() {
        let output = on(folder.path(), "reduce", planted, &["-o", "small.dl"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let small = std::fs::read_to_string(folder.path().join("small.dl")).unwrap();
        assert!(small.lines().count() < 15, "{}: {small}", planted.fault);
        let option = format!("-Zmiscompile={}", planted.fault);
        // What it says at the end shows it.
        let said = stderr(&output);
        let (_, again) = said.split_once("shown again by: dlc ").unwrap();
        let mut again: Vec<_> = again.split_whitespace().collect();
        assert!(again.contains(&option.as_str()), "{again:?}");
        again.push("--quick");
        let output = dlc(folder.path(), &again);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("DL1022"), "{}", stderr(&output));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    let names = left.iter().map(|entry| entry.as_ref().unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|name| !name.to_string_lossy().starts_with("dlc_reduce"))
    );
}

#[test]
fn a_program_without_a_difference() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program("derivative"), folder.path().join("m.dl")).unwrap();
    let output = dlc(
        folder.path(),
        &["bisect", "m.dl", "--dim", "B=3", "--threads", "2"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "f: no difference, B = 3: compiled code and the reference evaluator agree\n"
    );
    let output = dlc(folder.path(), &["reduce", "m.dl::f", "--dim", "B=3"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("there is nothing to reduce for"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program("folding"), folder.path().join("m.dl")).unwrap();
    std::fs::write(
        folder.path().join("bad.dl"),
        "export fn f(x: f32) -> f32 { y }\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("index.dl"),
        "export fn f(x: f32[3], i: i32) -> f32 { x[i] }\n",
    )
    .unwrap();
    for (line, status, message) in [
        ("bisect m.dl::g", 1, "there is no export g"),
        ("bisect m.dl::f", 1, "no input gives the dim B"),
        (
            "bisect m.dl::f --dim B=2 --target reference",
            2,
            "is what compiled code is compared with",
        ),
        (
            "bisect m.dl::f --dim B=2 --rtol x",
            2,
            "it is a number from 0 up",
        ),
        (
            "bisect m.dl::f --dim B=2 -Z miscompile=none",
            2,
            "there are derivative, folding",
        ),
        ("bisect bad.dl::f", 1, "error[DL0601]"),
        ("bisect none.dl::f", 3, "none.dl"),
        (
            "bisect index.dl::f --input i=7",
            1,
            "the reference evaluator refuses this call of f",
        ),
        ("reduce -", 2, "not standard input"),
        ("reduce m.dl::f --check false", 1, "does not end with 0"),
    ] {
        let output = dlc(folder.path(), &line.split(' ').collect::<Vec<_>>());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        assert!(said.contains(message), "{line}: {said}");
    }
}

#[test]
fn a_script_says_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program("product"), folder.path().join("m.dl")).unwrap();
    let check = "grep -q '@' \"$1\"";
    let output = dlc(folder.path(), &["reduce", "m.dl", "--check", check]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let small = stdout(&output);
    assert!(small.contains('@') && small.lines().count() < 5, "{small}");
}

#[test]
fn a_reproducer_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program("fusion"), folder.path().join("m.dl")).unwrap();
    let arguments = [
        "build",
        "m.dl",
        "-Zmiscompile=abort",
        "--crash-dir",
        "crash",
    ];
    let output = dlc(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
    let ir = std::fs::read_to_string(folder.path().join("crash/last-ir.mlir")).unwrap();
    assert!(ir.contains("mlir_reproducer"), "{ir}");
    assert!(ir.contains("fuse-elementwise"), "{ir}");
    // Built beside dlc by the tests of passes; not there where only this package is tested.
    let opt = Path::new(env!("CARGO_BIN_EXE_dlc")).with_file_name("dlc-opt");
    if !opt.exists() {
        eprintln!("skipped: {} is not built", opt.display());
        return;
    }
    let path = folder.path().join("crash/last-ir.mlir");
    let replayed = Command::new(&opt)
        .args(["--run-reproducer", path.to_str().unwrap(), "-o", "out.mlir"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(replayed.status.signal(), Some(6), "{}", stderr(&replayed));
    let output = dlc(folder.path(), &["bugreport", "m.dl", "--crash", "crash"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let listed = stdout(&output);
    for name in [
        "sources/m.dl",
        "versions.txt",
        "build.txt",
        "given-crash/last-ir.mlir",
    ] {
        assert!(listed.contains(name), "{listed}");
        assert!(
            folder.path().join("dlc-report-m").join(name).is_file(),
            "{name}"
        );
    }
    let output = dlc(folder.path(), &["bugreport", "m.dl"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("dlc-report-m is there already"));
}

#[test]
fn the_doctor_looks_at_everything() {
    let folder = tempfile::tempdir().unwrap();
    let output = dlc(folder.path(), &["doctor"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for what in [
        "dlc",
        "LLVM",
        "targets",
        "C compiler",
        "build and run",
        "cache",
        "GPU",
    ] {
        assert!(
            text.lines().any(|line| line[4..].starts_with(what)),
            "{what}: {text}"
        );
    }
    let without = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .env("TMPDIR", "/no/such/folder")
        .arg("doctor")
        .output()
        .unwrap();
    let text = stdout(&without);
    assert_eq!(without.status.code(), Some(1), "{text}");
    assert!(text.contains("!!  temporary"), "{text}");
    assert!(text.contains("help: set TMPDIR"), "{text}");
}
