//! `dlc grad`: what is printed compiles again and gives the same numbers; `--check` tells right gradients from wrong ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

fn dlc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dlc"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const MLP: &str = "\
const D = 4
struct Layer { w: f64[D, D], b: f64[D] }
struct Net { layers: [Layer; 2], pair: (f64[D], f64) }

fn made() -> Net {
  let layer = Layer { w: normal(key(1), [D, D], f64), b: normal(key(2), [D], f64) }
  Net { layers: [layer, layer], pair: (normal(key(3), [D], f64), 0.5) }
}

fn loss<B>(p: Net, x: f64[B, D]) -> f64 {
  var x = x
  for layer in p.layers { x = tanh(x @ layer.w + layer.b) }
  mean(square(x * p.pair.0 - p.pair.1)) + sum(max(x, axis=1))
}

fn rolled(x: f64[3], flag: bool) -> f64 {
  var y = x
  for i in 0..5 { y = if flag { sin(y) * x } else { y + f64(i) * x } }
  sum(where(y > 0, y, x) / (1 - 2 * x))
}
";

/// Trees of the standard library, windows, and writes to parts.
const NET: &str = "\
use std::nn::{Conv, Mlp, conv_init, conv_same, mlp, mlp_init}
use std::loss::{softmax_cross_entropy}

struct Net { conv: Conv<1, 2, 3, 3>, head: Mlp<8, 5, 3> }

fn made() -> Net {
  Net { conv: conv_init<I=1, O=2, KH=3, KW=3>(key(1)), head: mlp_init<I=8, H=5, O=3>(key(2)) }
}

fn loss<N>(p: Net, images: f32[N, 1, 4, 4], labels: i32[N]) -> f32 {
  let a = max_pool(tanh(conv_same(images, p.conv)), window=[2, 2])
  softmax_cross_entropy(mlp(reshape(a, [N, 8]), p.head), labels)
}

fn parts(x: f64[6, 5], ids: i32[3]) -> f64 {
  var y = x
  y[::2, 1:] = sin(x[1::2, :-1]) * 3
  y[ids] = 2 * x[:3]
  let z = avg_pool(y, window=[2, 3], stride=[2, 1]) + sum(y[1:4:2]) * cumsum(x[:3, :3], axis=1)
  sum(z * z) + sum(take_along_axis(y, argsort(x, axis=1)[:, :2], axis=1) * 0.5)
}
";

/// The programs, their functions, whether it is forward mode, and arguments.
const CASES: [(&str, &str, bool, &[&str]); 16] = [
    (
        "net",
        "loss",
        false,
        &["made()", "normal(key(9), [3, 1, 4, 4])", "i32([2, 0, 1])"],
    ),
    (
        "net",
        "loss",
        true,
        &["made()", "normal(key(9), [3, 1, 4, 4])", "i32([2, 0, 1])"],
    ),
    (
        "net",
        "parts",
        false,
        &["normal(key(9), [6, 5], f64)", "i32([2, 0, 2])"],
    ),
    (
        "net",
        "parts",
        true,
        &["normal(key(9), [6, 5], f64)", "i32([2, 0, 2])"],
    ),
    (
        "mlp",
        "loss",
        false,
        &["made()", "normal(key(9), [3, D], f64)"],
    ),
    (
        "mlp",
        "loss",
        true,
        &["made()", "normal(key(9), [3, D], f64)"],
    ),
    ("mlp", "rolled", false, &["f64([0.3, 0.4, -0.2])", "true"]),
    ("mlp", "rolled", false, &["f64([0.3, 0.4, -0.2])", "false"]),
    ("mlp", "rolled", true, &["f64([0.3, 0.4, -0.2])", "true"]),
    (
        "derivatives",
        "loss",
        false,
        &["params()", "normal(key(9), [5, 3], f64)"],
    ),
    (
        "derivatives",
        "model",
        true,
        &["params()", "normal(key(9), [5, 3], f64)"],
    ),
    ("derivatives", "second", false, &["f64(0.3)"]),
    ("derivatives", "thrown", false, &["f64([1.0, 2.0])"]),
    ("derivatives", "nested", false, &["f64([1.0, 2.0, 3.0])"]),
    ("derivatives", "nested", true, &["f64([1.0, 2.0, 3.0])"]),
    ("control", "euler", true, &["f64([1.0, 2.0])", "5"]),
];

#[test]
fn what_is_printed_computes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/models");
    for (model, function, forward, arguments) in CASES {
        let source = match model {
            "mlp" => MLP.to_string(),
            "net" => NET.to_string(),
            name => std::fs::read_to_string(models.join(format!("{name}.dl"))).unwrap(),
        };
        let path = folder.path().join("m.dl");
        std::fs::write(&path, &source).unwrap();
        let callee = format!("{}::{function}", path.display());
        let mode = if forward { "forward" } else { "reverse" };
        let printed = dlc(&["grad", &callee, "--mode", mode]);
        assert!(
            printed.status.success(),
            "{callee}: {}",
            text(&printed.stderr)
        );
        let printed = text(&printed.stdout);
        let alone = folder.path().join("alone.dl");
        std::fs::write(&alone, &printed).unwrap();
        let checked = dlc(&["check", &alone.display().to_string()]);
        assert!(
            checked.status.success(),
            "{printed}\n{}",
            text(&checked.stderr)
        );

        let name = format!("fn {function}_{}", if forward { "jvp" } else { "grad" });
        let made = &printed[printed.find(&name).unwrap()..];
        let (first, rest) = arguments.split_first().unwrap();
        let nones = rest.iter().map(|_| "none, ").collect::<String>();
        let arguments = arguments.join(", ");
        let expected = match forward {
            true => format!("jvp({function}, ({arguments},), ({first}, {nones})).1"),
            false => format!("grad({function})({arguments})"),
        };
        let given = match forward {
            true => format!("{function}_jvp({arguments}, {first})"),
            false => format!("{function}_grad({arguments})"),
        };
        let test = format!(
            "{source}\n{made}\ntest \"agree\" {{\n  assert_close({given}, {expected}, rtol=1e-12)\n}}\n"
        );
        std::fs::write(&path, &test).unwrap();
        let ran = dlc(&["test", &path.display().to_string(), "agree", "--exact"]);
        assert!(
            ran.status.success(),
            "{test}\n{}{}",
            text(&ran.stdout),
            text(&ran.stderr)
        );
    }
}

const RULES: &str = "\
fn half(x: f64[2], ct: f64[2]) -> f64[2] { ct * x }
@custom_vjp(half)
fn f(x: f64[2]) -> f64[2] { square(x) }
fn wrong(x: f64[2], s: f64) -> f64 { sum(f(x)) * s }
fn right<N>(x: f32[N, 2], ids: i32[N]) -> f32 { sum(sin(x) * f32(expand_dims(ids, axis=1))) }
fn whole(ids: i32[3]) -> i32[3] { ids }
fn whiles(x: f64) -> f64 {
  var y = x
  while y < 10 { y = y * 2 }
  y
}
";

#[test]
fn a_check_tells_wrong_gradients() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.dl");
    std::fs::write(&path, RULES).unwrap();
    let callee = |name: &str| format!("{}::{name}", path.display());

    let right = dlc(&[
        "grad",
        &callee("right"),
        "--check",
        "--dims",
        "N=4",
        "--seed",
        "3",
    ]);
    assert_eq!(right.status.code(), Some(0), "{}", text(&right.stderr));
    let shown = text(&right.stdout);
    assert!(shown.starts_with("x: worst relative difference"), "{shown}");
    assert!(shown.ends_with("ok\n"), "{shown}");

    for target in ["reference", "gpu-emulated"] {
        let wrong = dlc(&["grad", &callee("wrong"), "--check", "--target", target]);
        assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong.stderr));
        let shown = text(&wrong.stdout);
        assert!(
            shown.contains("x: worst relative difference 5.0e-1 ... WRONG"),
            "{shown}"
        );
        assert!(shown.contains("s: worst"), "{shown}");
    }

    // `check_grad` in a test names the rule.
    let tested = format!("{RULES}test \"rule\" {{ check_grad(wrong) }}\n");
    let tests = folder.path().join("t.dl");
    std::fs::write(&tests, tested).unwrap();
    let failed = dlc(&["test", &tests.display().to_string()]);
    let shown = text(&failed.stdout) + &text(&failed.stderr);
    assert!(
        shown.contains("differentiated by a rule of their own, not by their bodies: `f`"),
        "{shown}"
    );

    for (arguments, said) in [
        (vec!["grad", &callee("absent")], "has no function `absent`"),
        (
            vec!["grad", &callee("right"), "--wrt", "y"],
            "has no parameter `y`",
        ),
        (
            vec!["grad", &callee("right"), "--check", "--dims", "M=4"],
            "has no dim `M`",
        ),
        (
            vec!["grad", &callee("right"), "--check", "--dims", "N"],
            "is no size of a dim",
        ),
        (vec!["grad", &callee("whole")], "DL0301"),
        (
            vec!["grad", &callee("whiles"), "--mode", "forward"],
            "`while`",
        ),
        (vec!["grad", "r.dl"], "a function is missing"),
    ] {
        let refused = dlc(&arguments);
        assert!(!refused.status.success());
        let message = text(&refused.stderr);
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
}
