//! What the compiler tells of its own work: the workspace over time, and what it has fused.

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
        "remark[DL1102]: not fused with what makes its operand, as a product packs its operands itself: 512*B bytes",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let (_, told) = dlc(folder, &format!("{build} --remarks=fusion --dim B=10"));
    assert!(told.contains("5120 bytes less are"), "{told}");
}
