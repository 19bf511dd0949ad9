//! What the compiler tells of its own work: the workspace over time, what it has fused, and how fast its code is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

fn dlc(folder: &Path, arguments: &str) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{arguments}: {stderr}");
    (stdout, stderr)
}

const PROGRAM: &str = "\
fn hidden<B>(x: f32[B, 64], w: f32[64, 64]) -> f32[B, 64] { softmax(x @ w, axis=-1) }

export fn f<B in 1..=1000>(x: f32[B, 64], w: f32[64, 64], v: f32[64, 64]) -> f32[B, 64] {
  hidden(hidden(x, w), v) @ w
}
";

#[test]
fn the_workspace_over_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), PROGRAM).unwrap();
    let build = "build m.dl --target-cpu x86-64-v3 --dim B=100";
    dlc(folder, &format!("{build} --emit=memory=plan.json"));
    let json = std::fs::read_to_string(folder.join("plan.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let plan = &json["workspaces"][0];
    assert_eq!(plan["entry"], "f");
    assert_eq!(plan["dims"]["B"], 100);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let (bytes, least) = (number(&plan["bytes"]), number(&plan["least_bytes"]));
    assert!(least > 0 && least <= bytes, "{plan}");
    let alive = plan["alive_bytes"].as_array().unwrap();
    assert_eq!(alive.iter().map(number).max(), Some(least));
    // Two buffers that are alive together do not overlap, and all are inside of their slots.
    let slots = plan["slots"].as_array().unwrap();
    let buffers = plan["buffers"].as_array().unwrap();
    let whole = |i: usize| {
        let buffer = &buffers[i];
        let slot = &slots[number(&buffer["slot"]) as usize];
        let begin = number(&buffer["offset"]);
        assert!(begin + number(&buffer["bytes"]) <= number(&slot["bytes"]));
        let begin = begin + number(&slot["offset"]);
        (begin, begin + number(&buffer["bytes"]))
    };
    for i in 0..buffers.len() {
        assert_eq!(buffers[i]["made"]["file"], "m.dl", "{}", buffers[i]);
        for j in 0..i {
            let steps = |i: usize| (number(&buffers[i]["from"]), number(&buffers[i]["to"]));
            let ((a, b), (c, d)) = (steps(i), steps(j));
            let ((e, f), (g, h)) = (whole(i), whole(j));
            assert!(b < c || d < a || f <= g || h <= e, "{plan}");
        }
    }

    let (text, _) = dlc(folder, &format!("{build} --emit=memory -o -"));
    assert!(
        text.starts_with(&format!(
            "f: workspace {bytes} bytes at B = 100, {least} alive"
        )),
        "{text}"
    );
    for part in [
        "softmax(x @ w, axis=-1)",
        "m.dl:1",
        "f32[B, 64]",
        "slot 0 |bb...ee...g|",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let stem = folder.join("m.memory.txt");
    dlc(folder, &format!("{build} --emit=memory"));
    assert_eq!(std::fs::read_to_string(stem).unwrap(), text);
}

#[test]
fn what_is_fused_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = "export fn f<B>(x: f32[B, 64], w: f32[64, 64]) -> f32[B, 64] {\n  let h = tanh(x @ w)\n  exp(2.0 * h) @ w\n}\n";
    std::fs::write(folder.join("m.dl"), program).unwrap();
    let build = "build m.dl --emit=loops -o a --error-format=short";
    let (_, silent) = dlc(folder, build);
    assert_eq!(silent, "");
    let (_, told) = dlc(folder, &format!("{build} --remarks=fusion"));
    for part in [
        "m.dl:3:3: remark[DL1101]: computed where it is read: 512*B bytes less are written and read",
        "m.dl:3:3: remark[DL1102]: not fused with what makes its operand, as a product writes all of its result first: 512*B bytes",
        "m.dl:3:3: remark[DL1101]: goes through the tiles of the product that makes its operand: 512*B bytes less are written and read",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let (_, told) = dlc(folder, &format!("{build} --remarks=fusion --dim B=10"));
    assert!(told.contains("5120 bytes less are"), "{told}");
}

/// Products, a convolution of windows, loops and branches of a size that is known when the call is.
const COUNTED: &str = "\
export fn product<M, N, K>(a: f32[M, K], b: f32[K, N]) -> f32[M, N] { a @ b }
export fn windows(x: f32[1, 8, 10, 10], w: f32[4, 8, 3, 3]) -> f32[1, 4, 8, 8] { conv2d(x, w) }
export fn rounds<B>(x: f32[B], labels: i32[B], flag: bool) -> f32[B] {
  var y = x
  for i in 0..10 {
    y = y * 2.0 + 1.0
  }
  where(flag, y, x)
}
export fn forever<B>(x: f32[B]) -> f32[B] {
  var y = x
  while sum(y) < 100.0 {
    y = y + 1.0
  }
  y
}
";

#[test]
fn a_bench_needs_no_inputs_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), COUNTED).unwrap();
    let bench = |arguments: &str| {
        let (json, _) = dlc(folder, &format!("bench m.dl::{arguments} --json"));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json
    };
    let product = bench("product --dim M=7 --dim N=5 --dim K=3");
    assert_eq!(product["flops"], 2 * 7 * 5 * 3);
    assert_eq!(product["bytes"], 4 * (7 * 3 + 3 * 5 + 7 * 5));
    for number in [
        "median_ms",
        "min_ms",
        "gflops",
        "limit_ms",
        "percent_of_limit",
    ] {
        assert!(product[number].as_f64().unwrap() > 0.0, "{product}");
    }
    assert_eq!(bench("windows")["flops"], 2 * 4 * 8 * 8 * 8 * 3 * 3);
    assert_eq!(bench("rounds --dim B=100")["flops"], 2000);

    let run = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
        let command = command.current_dir(folder).arg("bench");
        let output = command.args(arguments.split(' ')).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    // The earlier run took so long, or no time, that what holds is not in doubt.
    std::fs::write(folder.join("slow.json"), "{\"median_ms\": 1e6}").unwrap();
    std::fs::write(folder.join("fast.json"), "{\"median_ms\": 1e-9}").unwrap();
    std::fs::write(folder.join("none.json"), "{}").unwrap();
    let windows = "m.dl::windows --assert-within 5% --baseline";
    assert_eq!(run(&format!("{windows} slow.json")).0, Some(0));
    let (status, text) = run(&format!("{windows} fast.json"));
    assert!(
        status == Some(1) && text.contains("times the baseline's of"),
        "{text}"
    );
    let (status, text) = run(&format!("{windows} none.json"));
    assert!(
        status == Some(1) && text.contains("none.json has no median_ms"),
        "{text}"
    );
    let (status, text) = run(&format!("{windows} missing.json"));
    assert!(status == Some(3), "{text}");
    let (status, text) = run("m.dl::windows --assert-within 0.5");
    assert!(
        status == Some(2) && text.contains("a factor of 1 and more"),
        "{text}"
    );
}
