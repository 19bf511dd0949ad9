//! Indices out of range at run time: compiled code clamps them; the reference evaluator and `--check-bounds` refuse
//! them, and say where.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

/// A program with an export `f`, its calls, and what is said of an index that is out of range.
struct Case {
    program: &'static str,
    /// Inputs, what compiled code gives, and whether an index is out of range.
    calls: &'static [(&'static [&'static str], &'static str, bool)],
    refused: &'static str,
}

const CASES: &[Case] = &[
    Case {
        program: "export fn f<N, M>(x: f32[N, 2], ids: i32[M]) -> f32[M, 2] { x[ids] }",
        calls: &[
            (&["x=ones(3,2)", "ids=zeros(2):i32"], "f32[2, 2]", false),
            (&["x=ones(0,2)", "ids=zeros(0):i32"], "f32[0, 2]", false),
            (&["x=ones(0,2)", "ids=zeros(2):i32"], "f32[2, 2]", true),
        ],
        refused: "an index is outside axis 0 of `f32[N, 2]`, which has size N (b.dl:1); ",
    },
    Case {
        program: "export fn f<N>(x: f32[3, N], i: i32, j: u8) -> f32 {\n  x[i, j]\n}",
        calls: &[
            (&["x=ones(3,3)", "i=-3", "j=2"], "f32 = 1", false),
            (&["x=ones(3,200)", "i=2", "j=200"], "f32 = 1", true),
        ],
        refused: "an index is outside axis 1 of `f32[3, N]`, which has size N (b.dl:2); N = 200",
    },
    Case {
        program: "export fn f(x: f32[2], i: u64) -> f32 { take(x, i) }",
        calls: &[
            (&["x=ones(2)", "i=1"], "f32 = 1", false),
            (&["x=ones(2)", "i=18446744073709551615"], "f32 = 1", true),
        ],
        refused: "an index is outside axis 0 of `f32[2]`, which has size 2 (b.dl:1)",
    },
    Case {
        program: "export fn f<N>(x: f32[N, 2], i: i64) -> f32 {
  sum(take_along_axis(x, full([1, 2], i, i64), axis=0))
}",
        calls: &[
            (&["x=ones(3,2)", "i=-3"], "f32 = 2", false),
            (&["x=ones(3,2)", "i=3"], "f32 = 2", true),
        ],
        refused: "an index is outside axis 0 of `f32[N, 2]`, which has size N (b.dl:2)",
    },
    Case {
        program: "export fn f<N>(x: f32[N], i: i32) -> f32 {
  var y = x
  y[i] = 5.0
  sum(y)
}",
        calls: &[
            (&["x=ones(3)", "i=-3"], "f32 = 7", false),
            (&["x=ones(3)", "i=99"], "f32 = 7", true),
            (&["x=ones(3)", "i=-4"], "f32 = 7", true),
            (&["x=ones(0)", "i=0"], "f32 = 0", true),
        ],
        refused: "an index is outside axis 0 of `f32[N]`, which has size N (b.dl:3); N = ",
    },
    Case {
        program: "export fn f<N>(x: f32[N, 2], i: i32) -> f32 {
  var y = x
  y[stack([i, 0]), 1] += 5.0
  sum(y)
}",
        calls: &[
            (&["x=ones(3,2)", "i=2"], "f32 = 16", false),
            (&["x=ones(3,2)", "i=3"], "f32 = 16", true),
        ],
        refused: "an index is outside axis 0 of `f32[N, 2]`, which has size N (b.dl:3)",
    },
    Case {
        program: "export fn f<N>(x: f32[N], i: i32) -> f32 { sum(scatter_add(x, stack([i, 0]), ones([2]))) }",
        calls: &[(&["x=ones(3)", "i=-4"], "f32 = 5", true)],
        refused: "an index is outside axis 0 of `f32[N]`, which has size N (b.dl:1)",
    },
    Case {
        program: "export fn f<N>(x: f32[N], i: i32) -> f32 where N >= 2 { sum(dynamic_slice(x, [i], [2])) }",
        calls: &[
            (&["x=ones(3)", "i=-2"], "f32 = 2", false),
            (&["x=ones(2)", "i=0"], "f32 = 2", false),
            (&["x=ones(3)", "i=2"], "f32 = 2", true),
            (&["x=ones(2)", "i=-3"], "f32 = 2", true),
        ],
        refused: "a part of 2 reaches outside axis 0 of `f32[N]`, which has size N (b.dl:1); N = ",
    },
    Case {
        program: "export fn f(x: f32[2], i: i32) -> f32 { sum(dynamic_update_slice(x, ones([2]), [i])) }",
        calls: &[
            (&["x=zeros(2)", "i=0"], "f32 = 2", false),
            (&["x=zeros(2)", "i=1"], "f32 = 2", true),
        ],
        refused: "a part of 2 reaches outside axis 0 of `f32[2]`, which has size 2 (b.dl:1)",
    },
    Case {
        program: "export fn f<N>(x: f32[N], n: i32) -> f32 {
  var s = 0.0
  for i in 0..n {
    if i > 0 { s += x[i] }
  }
  s
}",
        calls: &[
            (&["x=ones(3)", "n=3"], "f32 = 2", false),
            (&["x=ones(0)", "n=1"], "f32 = 0", false),
            (&["x=ones(3)", "n=4"], "f32 = 3", true),
        ],
        refused: "an index is outside axis 0 of `f32[N]`, which has size N (b.dl:4); N = 3",
    },
    Case {
        program: "export fn f<N>(x: f32[1, N], i: i32) -> f32 { round(sum(cross_entropy(x, expand_dims(i, axis=0)))) }",
        calls: &[(&["x=ones(1,3)", "i=3"], "f32 = 1", true)],
        refused: "an index is outside axis 1 of `f32[1, N]`, which has size N (b.dl:1)",
    },
    Case {
        program: "fn pick<M>(x: f32[M], i: i32) -> f32 { square(x[i]) }
export fn f<N>(x: f32[N], i: i32) -> f32 { sum(grad(pick)(x, i)) }",
        calls: &[
            (&["x=ones(3)", "i=-1"], "f32 = 2", false),
            (&["x=ones(3)", "i=3"], "f32 = 2", true),
        ],
        refused: "an index is outside axis 0 of `f32[M]`, which has size M (b.dl:1); N = 3",
    },
    Case {
        program: "export fn f(k: key, i: i32) -> bool { uniform(split_key(k, 3)[i], []) < 2.0 }",
        calls: &[
            (&["k=key(0)", "i=-1"], "bool = true", false),
            (&["k=key(0)", "i=3"], "bool = true", true),
        ],
        refused: "an index is outside axis 0 of `key[3]`, which has size 3 (b.dl:1)",
    },
];

fn run(folder: &Path, inputs: &[&str], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
    command.current_dir(folder).arg("run").args(options);
    for input in inputs {
        command.args(["--input", input]);
    }
    command.arg("b.dl").output().unwrap()
}

/// Loops with more rounds than declared: the call fails, in reverse too, and with no option at all.
#[test]
fn a_while_with_more_rounds_than_declared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let grown = "fn grown(x: f32, n: i32) -> f32 {
  var y = x
  var i = 0
  while i < n
    within 3 { y = y * x; i += 1 }
  y
}
export fn f(x: f32, n: i32) -> f32 ";
    for (body, given) in [
        ("{ grown(x, n) }", "f32 = 16"),
        ("{ grad(grown)(x, n) }", "f32 = 32"),
    ] {
        std::fs::write(folder.path().join("b.dl"), format!("{grown}{body}\n")).unwrap();
        for options in [&[][..], &["--target", "reference"]] {
            for (n, fits) in [("3", true), ("4", false)] {
                let output = run(folder.path(), &["x=2", &format!("n={n}")], options);
                let stdout = String::from_utf8_lossy(&output.stdout);
                let stderr = String::from_utf8_lossy(&output.stderr);
                let told = format!("{body} {n} {options:?}: {stderr}{stdout}");
                let refused =
                    "error: DL1008 f: a `while` has more rounds than its `within` allows (b.dl:5)";
                assert_eq!(stdout.contains(given), fits, "{told}");
                assert_eq!(stderr.starts_with(refused), !fits, "{told}");
                assert_eq!(output.status.success(), fits, "{told}");
            }
        }
    }
}

#[test]
fn an_index_out_of_range_is_clamped_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    for case in CASES {
        std::fs::write(folder.path().join("b.dl"), case.program).unwrap();
        for (inputs, clamped, out_of_range) in case.calls {
            let checked: [&[&str]; 2] = [&["--check-bounds"], &["--target", "reference"]];
            for options in [&[][..]].into_iter().chain(checked) {
                let output = run(folder.path(), inputs, options);
                let stdout = String::from_utf8_lossy(&output.stdout);
                let stderr = String::from_utf8_lossy(&output.stderr);
                let told = format!("{}\n{inputs:?} {options:?}: {stderr}{stdout}", case.program);
                if *out_of_range && !options.is_empty() {
                    let expected = format!("error: DL1007 f: {}", case.refused);
                    assert!(stderr.starts_with(&expected), "{told}");
                    assert_eq!(output.status.code(), Some(1), "{told}");
                } else {
                    assert!(stdout.contains(clamped), "{told}");
                    assert!(output.status.success(), "{told}");
                }
            }
        }
    }
}
