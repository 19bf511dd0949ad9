//! `dlc run`, `dlc build` and `dlc bench` on a small model, from source to numbers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use dlc_abi::DType;
use dlc_runtime::formats::{read_tensor, read_tensors, write_tensor, write_tensors};
use dlc_runtime::{NamedTensors, Tensor};

const MODEL: &str = "\
struct P { w: f32[2], n: i32 }

export fn step<B in 1..=64>(inout p: P, x: f32[B, 2], lr: f32) -> f32 {
  let s = mean(x * p.w)
  p = P { w: p.w - lr * s, n: p.n + 1 }
  s
}

export fn double<N>(x: f32[N]) -> f32[N] { 2.0 * x }
";

/// A folder with the model and files of inputs.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("m.dl"), MODEL).unwrap();
    let p = NamedTensors::from_iter([
        (
            "w".to_string(),
            Tensor::from_slice(&[2], &[1.0f32, 3.0]).unwrap(),
        ),
        ("n".to_string(), Tensor::scalar(DType::I32, "4").unwrap()),
    ]);
    write_tensors(&path("p.npz"), &p).unwrap();
    write_tensors(&path("p.safetensors"), &p).unwrap();
    let wide = Tensor::zeros(DType::F32, &[7, 3]).unwrap();
    write_tensor(&path("wide.npy"), &wide).unwrap();
    std::fs::write(path("junk.npy"), "junk").unwrap();
    let bytes = std::fs::read(path("p.npz")).unwrap();
    std::fs::write(path("short.npz"), &bytes[..bytes.len() / 2]).unwrap();
    folder
}

fn dlc(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// That a command line ends with a status and a message.
fn refused(folder: &Path, line: &str, status: i32, message: &str) {
    let output = dlc(folder, line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{line}: {stderr}");
    assert!(stderr.contains(message), "{line}: {stderr}");
}

#[test]
fn one_program_serves_every_batch() {
    let folder = folder();
    for batch in [1, 7, 64] {
        for (file, target) in [("p.npz", "cpu"), ("p.safetensors", "reference")] {
            let line = format!(
                "run m.dl::step --input p=@{file} --input x=ones({batch},2) --input lr=0.5 \
                 --output out=@out.npy --output p=@new.npz --target {target}"
            );
            assert_eq!(stdout(&dlc(folder.path(), &line)), "");
            let out = read_tensor(&folder.path().join("out.npy")).unwrap();
            assert_eq!(out.to_f64(), [2.0], "{line}");
            let new = read_tensors(&folder.path().join("new.npz")).unwrap();
            assert_eq!(new.get("w").unwrap().to_f64(), [0.0, 2.0], "{line}");
            assert_eq!(new.get("n").unwrap().to_f64(), [5.0], "{line}");
        }
    }
}

#[test]
fn a_summary_is_printed_without_outputs() {
    let folder = folder();
    let line = "run m.dl::double --input x=ones(3)";
    assert_eq!(
        stdout(&dlc(folder.path(), line)),
        "out: f32[3]  mean 2  first values 2 2 2\n"
    );
    let line = "run m.dl::double --input x=ones(0)";
    assert_eq!(stdout(&dlc(folder.path(), line)), "out: f32[0] empty\n");
}

#[test]
fn wrong_inputs_are_refused() {
    let folder = folder();
    let step = "run m.dl::step --input p=@p.npz --input lr=0.5 --output p=@new.npz --input";
    for (end, status, message) in [
        (
            "x=@wide.npy",
            1,
            "DL1003 step: x has shape [7, 3], expected [B, 2] with B = 7",
        ),
        (
            "x=zeros(65,2)",
            1,
            "DL1001 step: B = 65 exceeds declared range 1..=64 (m.dl:3)",
        ),
        (
            "x=zeros(0,2)",
            1,
            "DL1001 step: B = 0 is below declared range",
        ),
        ("x=zeros(7,2):f64", 1, "DL1006 step: x is f64, expected f32"),
        (
            "x=zeros(4294967296,4294967296)",
            1,
            "more bytes than an address space",
        ),
        ("x=@junk.npy", 1, "junk.npy: not a .npy file"),
        ("x=@none.npy", 3, "cannot read none.npy"),
        ("x=@p.npz", 1, "one tensor is wanted"),
        ("y=1", 1, "there is no parameter y"),
        ("lr=1", 1, "two inputs for lr"),
        ("x=zeros(7,2) --dim Q=1", 1, "there is no dim Q"),
        ("x=zeros(7,2) --dim B=8", 1, "expected [B, 2] with B = 8"),
        ("x=zeros(7,2) --output q=@q.npy", 2, "step has no output q"),
        (
            "x=zeros(7,2) --output out=@none/q.npy",
            3,
            "cannot write none/q.npy",
        ),
        (
            "x=zeros(7,2) --output out=@q.npz",
            2,
            "the value is one tensor",
        ),
    ] {
        refused(folder.path(), &format!("{step} {end}"), status, message);
        assert!(!folder.path().join("new.npz").exists(), "{end}");
    }
    refused(
        folder.path(),
        "run m.dl::step --input x=zeros(7,2)",
        1,
        "no input for p: P",
    );
    refused(
        folder.path(),
        "run m.dl::stop",
        1,
        "there is no export stop",
    );
    refused(folder.path(), "run m.dl", 2, "which export of m.dl?");
    let short = "run m.dl::step --input p=@short.npz --input x=zeros(7,2) --input lr=1";
    refused(folder.path(), short, 1, "short.npz: malformed .npz archive");
    let names = std::fs::read_dir(folder.path()).unwrap();
    assert!(names.into_iter().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.starts_with(".dlc-") && !name.starts_with("dlc-crash-")
    }));
}

#[test]
fn two_builds_are_the_same_to_the_byte() {
    let folder = folder();
    let emit = "--emit=staticlib,cdylib,header,rust,manifest,dl,llvm-ir,asm,obj";
    for out in ["a", "b/c"] {
        stdout(&dlc(folder.path(), &format!("build m.dl -o {out} {emit}")));
    }
    let read = |out: &str, name: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
    for name in [
        "libm.a",
        "libm.so",
        "m.h",
        "m.rs",
        "m.json",
        "m.dl.mlir",
        "m.ll",
        "m.s",
        "m.o",
    ] {
        let first = read("a", name);
        assert!(!first.is_empty(), "{name}");
        assert_eq!(first, read("b/c", name), "{name}");
    }
}

#[test]
fn a_kind_can_go_to_standard_output() {
    let folder = folder();
    let text = stdout(&dlc(folder.path(), "build m.dl --emit=header -o -"));
    assert!(text.contains("int32_t m_step("), "{text}");
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 6, "nothing else is written");
}

#[test]
fn calls_are_timed() {
    let folder = folder();
    let text = stdout(&dlc(
        folder.path(),
        "bench m.dl::double --input x=ones(64) --json",
    ));
    for key in ["median_ms", "min_ms", "rounds", "threads"] {
        assert!(text.contains(&format!("\"{key}\":")), "{text}");
    }
}

#[test]
fn schedules_are_written_and_read() {
    let folder = folder();
    let path = folder.path();
    stdout(&dlc(path, "build m.dl --emit=schedule,obj -o a"));
    stdout(&dlc(
        path,
        "build m.dl --emit=obj -o b --schedule a/m.schedule.toml",
    ));
    let read = |file: &str| std::fs::read(path.join(file)).unwrap();
    assert_eq!(
        read("a/m.o"),
        read("b/m.o"),
        "what holds anyway changes nothing"
    );
    std::fs::write(path.join("two.toml"), "[elementwise]\nunroll = 1").unwrap();
    stdout(&dlc(path, "build m.dl --emit=obj -o c --schedule two.toml"));
    assert_ne!(
        read("a/m.o"),
        read("c/m.o"),
        "another unrolling is other code"
    );
    for (text, message) in [
        (
            "[elementwise]\nunroll = 99",
            "`elementwise.unroll` is 99, not in 1..=16",
        ),
        ("[speed]\nwarp = 9", "there is no `speed.warp`"),
        ("[", "TOML parse error"),
    ] {
        std::fs::write(path.join("bad.toml"), text).unwrap();
        let output = dlc(path, "build m.dl -o d --schedule bad.toml");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    let output = dlc(path, "build m.dl -o d --schedule none.toml");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn what_is_tuned_is_a_file_of_schedules() {
    let folder = folder();
    let path = folder.path();
    let line = "tune m.dl::double --input x=ones(300) --seconds 2 -o found.toml";
    let output = dlc(path, line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("wrote found.toml"), "{stderr}");
    stdout(&dlc(path, "build m.dl -o a --schedule found.toml"));
}

const PRINTS: &str = "\
export fn f<N, M>(x: f32[N, M], b: bool[N], k: i8, long: f64[1001]) -> f32 {
  print(\"only text\")
  print(\"x\", x, k)
  print(b, N)
  print(\"halves\", f16(x), bf16(x))
  print(\"long\", long * 1e7)
  let s = sum(x)
  print(\"s\", s / 0.0, 0.0 * (s / 0.0), u8(k), u64(1))
  s
}
";

#[test]
fn both_targets_print_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.dl"), PRINTS).unwrap();
    let run = |target: &str| {
        let line = format!(
            "run p.dl::f --input x=normal(2,3) --input b=ones(2) --input k=-7 --input long=ones(1001) \
             --output out=@out.npy --target {target}"
        );
        stdout(&dlc(folder.path(), &line))
    };
    let compiled = run("cpu");
    assert_eq!(compiled, run("reference"));
    let lines: Vec<&str> = compiled.lines().collect();
    assert_eq!(lines[0], "only text");
    assert!(lines[1].starts_with("x f32[2, 3] [[") && lines[1].ends_with("]] i8 -7"));
    assert_eq!(lines[2], "bool[2] [true, true] i64 2");
    assert_eq!(
        lines[4],
        "long f64[1001] [1e+07, 1e+07, 1e+07, ..., 1e+07, 1e+07, 1e+07]"
    );
    assert!(lines[5].ends_with("f32 nan u8 249 u64 1"));
    assert_eq!(lines.len(), 6);
}

/// Elements of a batch that take other ways print where they come by alone.
const PRINTS_OF_A_BATCH: &str = "\
fn side(x: f32) -> f32 {
  if x > 0.0 { print(\"root of\", x); sqrt(x) } else { print(\"square of\", x, 2 * x); x * x }
}
fn rounds(x: f32, n: i32) -> f32 {
  var y = abs(x)
  while y < 8.0 {
    y = y * 2.0
    if y > 5.0 { print(\"y\", y) }
  }
  for i in 0..n { print(\"i\", i, x) }
  y
}
export fn f(s: f32) -> f32 {
  let x = s * f32([4, -4, 9])
  let n: i32[3] = [2, 0, 1]
  sum(vmap(side)(x) + vmap(rounds)(x, n))
}
";

#[test]
fn elements_of_a_batch_print_where_they_come_by() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.dl"), PRINTS_OF_A_BATCH).unwrap();
    for target in ["cpu", "reference"] {
        let line = format!("run p.dl::f --input s=1 --target {target}");
        let lines = [
            "root of f32 4",
            "root of f32 9",
            "square of f32 -4 f32 -8",
            "y f32 8",
            "y f32 8",
            "i i32 0 f32 4",
            "i i32 0 f32 9",
            "i i32 1 f32 4",
            "out: f32 = 46",
        ];
        assert_eq!(
            stdout(&dlc(folder.path(), &line))
                .lines()
                .collect::<Vec<_>>(),
            lines
        );
    }
}

#[test]
fn conditions_on_values_are_checked() {
    const CONDITIONS: &str = "\
export fn f<N in 1..=100>(n: i32, x: f32[N]) -> f32 where n <= N, n * 2 >= -6 { f32(n) * sum(x) }
";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.dl"), CONDITIONS).unwrap();
    for target in ["cpu", "reference"] {
        let line =
            |n: i32| format!("run c.dl::f --input n={n} --input x=ones(4) --target {target}");
        for (n, result) in [(4, "16"), (-3, "-12")] {
            let out = stdout(&dlc(folder.path(), &line(n)));
            assert_eq!(
                out,
                format!("out: f32 = {result}.0\n").replace(".0\n", "\n")
            );
        }
        let message = "the condition n <= N does not hold";
        refused(folder.path(), &line(5), 1, message);
        refused(folder.path(), &line(-4), 1, "does not hold");
    }
}
