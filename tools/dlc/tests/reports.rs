//! What the compiler tells of its own work: the workspace over time, what it has fused, and how fast its code is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{STEPS, says};
use std::process::Command;

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
    says(folder, &format!("{build} --emit=memory=plan.json"));
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

    let (text, _) = says(folder, &format!("{build} --emit=memory -o -"));
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
    says(folder, &format!("{build} --emit=memory"));
    assert_eq!(std::fs::read_to_string(stem).unwrap(), text);
}

#[test]
fn what_is_fused_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = "export fn f<B>(x: f32[B, 64], w: f32[64, 64]) -> f32[B, 64] {\n  let h = tanh(x @ w)\n  exp(2.0 * h) @ w\n}\n";
    std::fs::write(folder.join("m.dl"), program).unwrap();
    let build = "build m.dl --emit=loops -o a --error-format=short";
    let (_, silent) = says(folder, build);
    assert_eq!(silent, "");
    let (_, told) = says(folder, &format!("{build} --remarks=fusion"));
    for part in [
        "m.dl:3:3: remark[DL1101]: computed where it is read: 512*B bytes less are written and read",
        "m.dl:3:3: remark[DL1102]: not fused with what makes its operand, as a product writes all of its result first: 512*B bytes",
        "m.dl:3:3: remark[DL1101]: goes through the tiles of the product that makes its operand: 512*B bytes less are written and read",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let (_, told) = says(folder, &format!("{build} --remarks=fusion --dim B=10"));
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
        let (json, _) = says(folder, &format!("bench m.dl::{arguments} --json"));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json
    };
    let product = bench("product --dim M=7 --dim N=5 --dim K=3");
    assert_eq!(product["flops"], 2 * 7 * 5 * 3);
    assert_eq!(product["bytes"], 4 * (7 * 3 + 3 * 5 + 7 * 5));
    let interval = &product["median_interval_ms"];
    let [low, median, high] =
        [&interval[0], &product["median_ms"], &interval[1]].map(|number| number.as_f64().unwrap());
    assert!(low <= median && median <= high, "{product}");
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

#[test]
fn benches_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |entry: &str, median: f64, width: f64| {
        let (low, high) = (median / width, median * width);
        serde_json::json!({ "entry": entry, "threads": 1, "median_ms": median, "median_interval_ms": [low, high] })
    };
    let before = format!("{}\n{}\n", run("f", 2.0, 1.01), run("g", 1.0, 1.2));
    std::fs::write(folder.join("a.json"), before).unwrap();
    let after = format!("{}\n{}\n", run("g", 1.1, 1.2), run("f", 1.5, 1.01));
    std::fs::write(folder.join("b.json"), after).unwrap();
    std::fs::write(
        folder.join("old.json"),
        "{\"entry\": \"f\", \"median_ms\": 1}",
    )
    .unwrap();
    std::fs::write(folder.join("h.json"), run("h", 1.0, 1.0).to_string()).unwrap();
    let (text, _) = says(folder, "diff a.json b.json --assert-within 5%");
    assert_eq!(
        text,
        "g: 1.000 ms to 1.100 ms, 1.100 times (0.850 to 1.424): no significant difference\n\
         f: 2.000 ms to 1.500 ms, 0.750 times (0.740 to 0.761): faster\n"
    );
    let (json, _) = says(folder, "diff b.json a.json --json");
    let lines = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let significant: Vec<_> = lines
        .map(|line| (line["after"].clone(), line["significant"].clone()))
        .collect();
    assert_eq!(
        significant,
        [("f".into(), true.into()), ("g".into(), false.into())]
    );

    let fails = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
        let command = command.current_dir(folder).arg("diff");
        let output = command.args(arguments.split(' ')).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for (arguments, status, said) in [
        (
            "b.json a.json --assert-within 5%",
            1,
            "f: 1.333 times as long, and 1.050 times are allowed\n",
        ),
        (
            "a.json h.json",
            1,
            "error: no export is in both files\nhelp: a.json has f, g, and h.json has h\n",
        ),
        ("old.json a.json", 1, "there is no median_interval_ms"),
        ("a.json none.json", 3, "cannot read none.json"),
        (
            "a.json b.json --assert-within 1%%",
            2,
            "a factor of 1 and more",
        ),
    ] {
        let (found, text) = fails(arguments);
        assert!(
            found == Some(status) && text.contains(said),
            "{arguments}: {found:?} {text}"
        );
    }
}

#[test]
fn graphs_of_calls_and_nests() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), PROGRAM).unwrap();
    let inspect = "inspect m.dl --target-cpu x86-64-v3 --dim B=100";
    let (dot, _) = says(folder, &format!("{inspect} --graph=dot"));
    assert!(
        dot.starts_with("digraph \"m.dl\" {\n") && dot.ends_with("  }\n}\n"),
        "{dot}"
    );
    for part in [
        "label=\"Which function calls which\";",
        "n0_1 -> n0_0 [label=",
        "label=\"1. x @ w\\lline 1: product f32_nn_",
        "label=\"f32[B, 64], 25.6 kB\"];",
    ] {
        assert!(dot.contains(part), "{part} in {dot}");
    }
    says(folder, &format!("{inspect} --graph=svg -o m.svg"));
    let svg = std::fs::read_to_string(folder.join("m.svg")).unwrap();
    // A box and its arrows for each of the graph.
    for (in_svg, in_dot) in [("<rect ", "fillcolor="), ("<path class=\"arrow\"", " -> ")] {
        let paper = usize::from(in_svg == "<rect ");
        let counts = (
            svg.matches(in_svg).count() - paper,
            dot.matches(in_dot).count(),
        );
        assert!(counts.0 == counts.1 && counts.0 > 2, "{counts:?}");
    }
    assert!(!svg.contains("var(") && !svg.contains("href="), "{svg}");
    let (alone, _) = says(
        folder,
        "inspect m.dl::f --graph=dot --dim B=100 --target-cpu x86-64-v3",
    );
    assert!(
        !alone.contains("Which function") && alone.contains("label=\"f: 5 nests"),
        "{alone}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(["inspect", "m.dl::g", "--graph=dot"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said,
        "error: m.dl has no export `g`\nhelp: its exports are f\n"
    );
}

#[test]
fn passes_are_timed_and_shown_in_several_forms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let build = "build m.dl --emit=loops -o a";
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let (_, table) = says(folder, &format!("{build} --time-passes"));
    assert!(
        table.contains("fuse-rows") && table.contains("% total") || table.contains("total"),
        "{table}"
    );
    let (_, text) = says(folder, &format!("{build} --time-passes=json"));
    let passes = json(&text);
    let sum: f64 = passes["passes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pass| pass["milliseconds"].as_f64().unwrap())
        .sum();
    assert!(
        sum > 0.0 && sum <= passes["total_ms"].as_f64().unwrap(),
        "{text}"
    );
    let (_, text) = says(folder, &format!("{build} --time-passes=chrome"));
    let trace = json(&text);
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event["name"] == "fuse-rows" && event["ph"] == "X")
    );
    let (_, text) = says(folder, &format!("{build} --stats"));
    assert!(
        text.contains("linalg ") && text.lines().count() == 4,
        "{text}"
    );

    let header = |text: &str| text.matches("// -----// IR after ").count();
    let (_, all) = says(folder, &format!("{build} --print-ir-after-all"));
    let (_, changed) = says(folder, &format!("{build} --print-ir-after-change"));
    assert!(
        header(&changed) > 5 && header(&changed) < header(&all),
        "{}",
        header(&all)
    );

    let (_, passed) = says(
        folder,
        &format!("{build} --remarks=passed --error-format=short"),
    );
    let (_, missed) = says(
        folder,
        &format!("{build} --remarks=missed --error-format=short"),
    );
    assert!(
        passed.contains("DL1101") && !passed.contains("DL1102"),
        "{passed}"
    );
    assert!(
        missed.contains("DL1102") && !missed.contains("DL1101"),
        "{missed}"
    );
    let (_, both) = says(
        folder,
        &format!("{build} --remarks=fusion --error-format=short"),
    );
    assert_eq!(
        both.lines().count(),
        passed.lines().count() + missed.lines().count()
    );

    says(folder, "build m.dl --emit=remarks,remarks -o a");
    let yaml = std::fs::read_to_string(folder.join("a/m.opt.yaml")).unwrap();
    assert!(yaml.starts_with("--- !"), "{yaml}");
    assert!(
        yaml.contains("DebugLoc:        { File: \"m.dl\", Line: 4, Column: "),
        "{yaml}"
    );
    says(folder, "build m.dl --emit=remarks=a/r.json");
    let remarks = json(&std::fs::read_to_string(folder.join("a/r.json")).unwrap());
    let remarks = remarks["remarks"].as_array().unwrap().len();
    assert_eq!(remarks, yaml.matches("--- !").count());
}
