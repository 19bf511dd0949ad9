//! `dlc test` as people and scripts see it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{dlc, stdout};

const PROGRAM: &str = r#"
import "lib/layers.dl"

struct P { w: f32[3], b: f32 }

fn loss<B>(p: P, x: f32[B, 3]) -> f32 { mean(square(tanh(x @ p.w + p.b))) }

fn any<N, float F>(x: F[..., N]) -> F { sum(relu(x) * sin(x)) }

fn applied<N>(f: fn(f32[N]) -> f32[N], x: f32[N]) -> f32 { sum(f(x)) }

fn halved<N>(x: f32[N]) -> f32 { sum(x * stop_gradient(x)) }

fn noisy<N>(x: f64[N], k: key, ids: i32[4]) -> f64 { sum(x * normal(k, [N], f64)) + sum(take(x, ids)) }

test "holds" {
  assert(sum(ones([3])) == 3.0)
  assert_close(arange(3), [0, 1, 2])
  assert_close(stack([nan, inf, -inf]), [nan, inf, -inf])
}

test "grad right" {
  check_grad(loss, B=5)
  check_grad(loss, wrt=(p, x), B=40)
  check_grad(any, N=3)
  check_grad(|x: f32[4]| applied(|v| tanh(v), x))
  check_grad(noisy, N=6, rtol=1e-6)
}

test "grad wrong" { check_grad(halved, N=4) }

test "does not hold" {
  let p = P { w: layers::twice(ones([3])), b: 1.0 }
  assert(all(p.w == 1.0))
  assert_close(p, P { w: 2.0 * ones([3]), ..p })
  assert_close(p.w, [2.0, 2.0, 2.5], rtol=0.1)
}
"#;

/// A folder with a program and a file that it imports.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    let layers =
        "fn twice(x: f32[3]) -> f32[3] { x * 2.0 }\ntest \"of the import\" { assert(false) }\n";
    std::fs::write(
        folder.path().join("lib/layers.dl"),
        layers.replace("false", "any(zeros([2]) > 0.0)"),
    )
    .unwrap();
    std::fs::write(folder.path().join("m.dl"), PROGRAM).unwrap();
    folder
}

#[test]
fn results_on_all_targets() {
    let folder = folder();
    for target in ["cpu", "reference", "gpu-emulated"] {
        let output = dlc(folder.path(), &["test", "m.dl", "--target", target]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let begins = "test holds ... ok\ntest grad right ... ok\ntest grad wrong ... FAILED\ntest does not hold ... FAILED\n";
        assert!(text.starts_with(begins), "{text}");
        assert!(text.ends_with("\n2 passed, 2 failed\n"), "{text}");
        for part in [
            "the derivative with respect to `x` is wrong",
            "--> m.dl:34:3",
            "the condition does not hold",
            "at 3 of 3 elements, the first at [0]: 2 and 1",
            "1 of 3 elements differ",
            "first difference at [2]: 2 and 2.5",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("m.dl:35"), "{text}");
    }
}

#[test]
fn filters_and_lists() {
    let folder = folder();
    let output = dlc(folder.path(), &["test", "m.dl", "right"]);
    assert_eq!(
        stdout(&output),
        "test grad right ... ok\n1 passed, 0 failed, 3 filtered out\n"
    );
    assert_eq!(output.status.code(), Some(0));
    let output = dlc(folder.path(), &["test", "m.dl", "grad", "--list"]);
    assert_eq!(stdout(&output), "grad right\ngrad wrong\n");
    let output = dlc(folder.path(), &["test", "m.dl", "grad", "--exact"]);
    assert_eq!(output.status.code(), Some(1));
    let output = dlc(folder.path(), &["test", "m.dl", "holds", "--exact", "-O0"]);
    assert_eq!(
        stdout(&output),
        "test holds ... ok\n1 passed, 0 failed, 3 filtered out\n"
    );
    let output = dlc(folder.path(), &["test", "std::nm"]);
    assert_eq!(output.status.code(), Some(2));
    let output = dlc(folder.path(), &["test", "std::nn", "--list"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!stdout(&output).is_empty());
}

#[test]
fn results_as_json() {
    let folder = folder();
    let output = dlc(
        folder.path(),
        &[
            "test",
            "m.dl",
            "ho",
            "--format=json",
            "--error-format=short",
        ],
    );
    let lines: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["test"], &lines[0]["status"]),
        (&"holds".into(), &"passed".into())
    );
    assert_eq!(lines[1]["failures"][0]["line"], 34);
    assert_eq!(lines[1]["failures"][0]["code"], "DL1021");
    assert_eq!(
        lines[2],
        serde_json::json!({"passed": 1, "failed": 1, "filtered_out": 2})
    );
}

#[test]
fn a_crash_is_one_test_s_own() {
    let folder = folder();
    let output = dlc(folder.path(), &["test", "m.dl", "ri", "-Z", "crash=test:1"]);
    let text = stdout(&output);
    assert!(text.contains("test grad right ... CRASHED\n"), "{text}");
    assert!(text.contains("ended by SIGABRT"), "{text}");
    assert!(
        text.ends_with("0 passed, 1 failed, 3 filtered out\n"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
    let output = dlc(
        folder.path(),
        &["test", "m.dl", "o", "-Z", "crash=test:1", "--threads", "3"],
    );
    assert!(stdout(&output).contains("test holds ... ok\n"));
}

#[test]
fn what_is_compared_is_shown() {
    let folder = folder();
    let tests = "fn f<N>(x: f32[N]) -> f32 { sum(x) }\ntest \"a\" {\n  assert(f(ones([3])) > 3.0)\n  assert(sum(arange(4, i8)) == 7)\n  assert(isnan(f(ones([3]))))\n}\n";
    std::fs::write(folder.path().join("c.dl"), tests).unwrap();
    for target in ["cpu", "reference", "gpu-emulated"] {
        let text = stdout(&dlc(folder.path(), &["test", "c.dl", "--target", target]));
        let notes: Vec<_> = text
            .lines()
            .filter(|line| line.contains("note: "))
            .collect();
        assert_eq!(
            notes,
            [
                "  = note: left:  f32 = 3",
                "  = note: right: f32 = 3",
                "  = note: left:  i8 = 6",
                "  = note: right: i8 = 7",
            ],
            "{text}"
        );
        assert_eq!(
            text.matches("the condition does not hold").count(),
            3,
            "{text}"
        );
    }
}

#[test]
fn assertions_of_one_line_are_told_apart() {
    let folder = folder();
    let test = "test \"branch\" {\n  let x = ones([4])\n  if sum(x) > 3.0 { assert(all(x == 2.0)) } else { assert(all(x == 1.0)) }\n}\n";
    std::fs::write(folder.path().join("b.dl"), test).unwrap();
    for target in ["cpu", "reference"] {
        let text = stdout(&dlc(folder.path(), &["test", "b.dl", "--target", target]));
        assert!(text.contains("--> b.dl:3:21\n"), "{text}");
    }
}

#[test]
fn a_test_that_hangs_is_ended() {
    let folder = folder();
    let hangs = "test \"hangs\" {\n  var n = sum(ones([3], i64))\n  while n > 0 { n = n % 5 + 1 }\n  assert(n == 0)\n}\ntest \"ends\" { assert(sum(ones([3])) == 3.0) }\n";
    std::fs::write(folder.path().join("h.dl"), hangs).unwrap();
    for target in ["cpu", "reference"] {
        let arguments = ["test", "h.dl", "--timeout", "3", "--target", target];
        let output = dlc(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            stdout(&output),
            "test hangs ... TIMED OUT\ntest ends ... ok\n\n---- hangs ----\nended after the limit of 3 s\n\n1 passed, 1 failed\n"
        );
    }
    let arguments = ["test", "h.dl", "hangs", "--timeout=1", "--format=json"];
    let text = stdout(&dlc(folder.path(), &arguments));
    assert!(text.contains("\"status\":\"timed_out\""), "{text}");
    // Without a limit, what ends by itself is waited for.
    let output = dlc(folder.path(), &["test", "h.dl", "ends", "--timeout", "0"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn errors_are_shown_once() {
    let folder = folder();
    let wrong = "test \"a\" { assert_close(ones([2]), ones([3])) }\ntest \"b\" { assert(1.0) }\n";
    std::fs::write(folder.path().join("wrong.dl"), wrong).unwrap();
    for command in ["test", "check"] {
        let output = dlc(folder.path(), &[command, "wrong.dl"]);
        let text = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).is_empty());
        assert_eq!(text.matches("error[").count(), 2, "{text}");
    }
}

#[test]
fn a_program_from_standard_input() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(["test", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = b"test \"a\" { assert(sum(ones([2])) == 2.0) }\n";
    process.stdin.take().unwrap().write_all(text).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(stdout(&output), "test a ... ok\n1 passed, 0 failed\n");
}

#[test]
fn assertions_in_loops_and_branches() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
struct P { a: f32[2], b: i64 }

test \"hold\" {
  let x = stack([0.0, 1.0, nan, inf])
  for i in 0..2 { assert_close(x[i], f32(i)) }
  for i in 2..4 { assert_close(x[i:i + 1], x[i:i + 1]) }
  for v in x {
    if v > 0.5 { assert_close(v * (1.0 + 1e-6), v) }
    assert(v > -1.0 || isnan(v))
  }
  var k = 0
  while k < 3 {
    k += 1
    assert_close(P { a: ones([2]), b: i64(k) }, P { a: ones([2]), b: i64(k) })
  }
}
test \"condition\" {
  for i in 0..4 {
    if i > 2 { assert(i == 2) }
  }
}
test \"close\" {
  var p = P { a: ones([2]), b: 1 }
  for i in 0..4 {
    assert_close(p, P { a: ones([2]), b: 1 })
    p.b += i64(i)
  }
}
test \"order\" {
  for i in 0..4 {
    assert(i < 3)
    assert_close(f32(i), 0.0, atol=1.5)
  }
}
test \"index\" {
  let x = arange(4.0)
  for i in 0..i32(sum(x)) { assert(x[i] < 5.0) }
}
";
    std::fs::write(folder.path().join("l.dl"), program).unwrap();
    for options in [
        &["--target", "cpu", "--check-bounds"][..],
        &["--target", "reference"],
        &["--target", "cpu", "-O0", "--check-bounds"],
    ] {
        let output = dlc(folder.path(), &[&["test", "l.dl"], options].concat());
        let text = stdout(&output);
        assert!(text.starts_with("test hold ... ok\n"), "{text}");
        for part in [
            "error[DL1021]: the condition does not hold\n  --> l.dl:19:16",
            "error[DL1021]: both sides of `b` differ\n  --> l.dl:25:5",
            "error[DL1021]: both sides differ\n  --> l.dl:32:5",
            "error[DL1007]: an index is outside axis 0 of `f32[4]`, which has size 4\n  --> l.dl:37:38",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.ends_with("1 passed, 4 failed\n"), "{text}");
    }
    // Where indices are clamped, the last test passes.
    let output = dlc(folder.path(), &["test", "l.dl", "index"]);
    assert!(stdout(&output).contains("1 passed, 0 failed"));
    let wrong =
        "fn f(x: f32) -> f32 { x }\ntest \"g\" { for i in 0..3 { if i > 1 { check_grad(f) } } }\n";
    std::fs::write(folder.path().join("w.dl"), wrong).unwrap();
    let output = dlc(folder.path(), &["test", "w.dl"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("`check_grad` stands in the test itself"),
        "{text}"
    );
}
