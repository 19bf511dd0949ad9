//! Loops and branches from source to numbers that are known, compiled and by the reference evaluator.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const PROGRAM: &str = "\
export fn fibonacci(n: i32) -> i64 {
  var (a, b) = (i64(0), i64(1))
  for _ in 0..n { (a, b) = (b, a + b) }
  a
}

export fn bytes(a: i8, b: i8) -> i32 {
  var s = 0
  for i in a..=b { s += i32(i) }
  s
}

export fn unsigned(a: u64, b: u64) -> u64 {
  var last: u64 = 0
  for i in a..b { last = i }
  last
}

export fn backwards(n: i64) -> i64 {
  var digits: i64 = 0
  for i in reversed(1..=n) { digits = digits * 10 + i }
  digits
}

export fn collatz(n: i64) -> i32 {
  var m = n
  var steps = 0
  while m > 1 {
    if m % 2 == 0 { m = m / 2 } else { m = 3 * m + 1 }
    steps += 1
  }
  steps
}

fn digits<N>(x: i32[N]) -> i32 {
  var n = 0
  for v in x { n = n * 10 + v }
  n
}

export fn sorted(k: i32) -> i32 {
  var y = arange(7, i32) * k % 7
  for i in 0..7 {
    for j in 0..6 - i {
      if y[j] > y[j + 1] { (y[j], y[j + 1]) = (y[j + 1], y[j]) }
    }
  }
  digits(y)
}

export fn written(i: i32, v: i32) -> i32 {
  var x = arange(5, i32)
  x[i] = v
  digits(x)
}

export fn doubled(i: u8) -> i32 {
  var x = arange(5, i32)
  x[i] += x[i]
  digits(x)
}

export fn into_nothing<N>(x: i32[N], i: i32) -> i32 {
  var y = x
  y[i] = 5
  for j in 0..N { y[j] += 1 }
  sum(y)
}

export fn side(n: i32) -> i32 {
  if n == 0 { 10 } else if n < 0 { -n } else { 2 * n }
}
";

/// A call, and what it prints.
const CALLS: &[(&str, &[&str], &str)] = &[
    ("fibonacci", &["n=50"], "out: i64 = 12586269025"),
    ("fibonacci", &["n=1"], "out: i64 = 1"),
    ("fibonacci", &["n=0"], "out: i64 = 0"),
    ("fibonacci", &["n=-3"], "out: i64 = 0"),
    ("bytes", &["a=-128", "b=127"], "out: i32 = -128"),
    ("bytes", &["a=127", "b=127"], "out: i32 = 127"),
    ("bytes", &["a=5", "b=4"], "out: i32 = 0"),
    (
        "unsigned",
        &["a=18446744073709551612", "b=18446744073709551615"],
        "out: u64 = 18446744073709551614",
    ),
    ("backwards", &["n=5"], "out: i64 = 54321"),
    ("collatz", &["n=27"], "out: i32 = 111"),
    ("collatz", &["n=1"], "out: i32 = 0"),
    ("sorted", &["k=4"], "out: i32 = 123456"),
    ("sorted", &["k=6"], "out: i32 = 123456"),
    ("written", &["i=-2", "v=9"], "out: i32 = 1294"),
    ("written", &["i=0", "v=9"], "out: i32 = 91234"),
    ("doubled", &["i=4"], "out: i32 = 1238"),
    ("into_nothing", &["x=zeros(3):i32", "i=-1"], "out: i32 = 8"),
    ("side", &["n=0"], "out: i32 = 10"),
    ("side", &["n=-4"], "out: i32 = 4"),
    ("side", &["n=4"], "out: i32 = 8"),
];

#[test]
fn programs_with_loops_and_branches_give_known_numbers() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.dl"), PROGRAM).unwrap();
    for (export, inputs, expected) in CALLS {
        for target in ["cpu", "reference"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
            command.current_dir(folder.path());
            command.args(["run", "--target", target]);
            for input in *inputs {
                command.args(["--input", input]);
            }
            let output = command.arg(format!("c.dl::{export}")).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert_eq!(
                stdout.trim(),
                *expected,
                "{export} {inputs:?} {target}: {stderr}"
            );
        }
    }
}
