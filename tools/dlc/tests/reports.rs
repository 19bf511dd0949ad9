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
    let (text, _) = dlc(folder, "diff a.json b.json --assert-within 5%");
    assert_eq!(
        text,
        "g: 1.000 ms to 1.100 ms, 1.100 times (0.850 to 1.424): no significant difference\n\
         f: 2.000 ms to 1.500 ms, 0.750 times (0.740 to 0.761): faster\n"
    );
    let (json, _) = dlc(folder, "diff b.json a.json --json");
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
    let (dot, _) = dlc(folder, &format!("{inspect} --graph=dot"));
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
    dlc(folder, &format!("{inspect} --graph=svg -o m.svg"));
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
    let (alone, _) = dlc(
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

/// A product, a loop of the program around another one, and an update in place.
const STEPS: &str = "\
export fn step(inout w: f32[64, 64], inout count: f32, x: f32[32, 64]) -> f32 {
  var y = x
  for i in 0..3 {
    y = tanh(y @ w)
  }
  w = w - 0.01 * w
  count = count + 1.0
  mean(y ** 2)
}
";

#[test]
fn a_timeline_of_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let inputs = "--input w=normal(64,64) --input count=0 --input x=ones(32,64)";
    let (traced, _) = dlc(
        folder,
        &format!("run m.dl {inputs} --trace t.json --repeat 2"),
    );
    let (plain, _) = dlc(folder, &format!("run m.dl {inputs} --repeat 2"));
    assert_eq!(traced, plain);
    let text = std::fs::read_to_string(folder.join("t.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |what: &str| -> Vec<&serde_json::Value> {
        let events = events.iter();
        events
            .filter(|event| event["args"]["what"] == what)
            .collect()
    };
    assert_eq!(of("call").len(), 2);
    assert_eq!(of("call")[0]["name"], "step");
    assert_eq!(of("control").len(), 2);
    // Three rounds in each of two calls.
    let products = of("product");
    assert_eq!(products.len(), 6, "{text}");
    assert!(products.iter().all(|product| product["args"]["line"] == 4
        && product["args"]["file"] == "m.dl"
        && product["name"] == "m.dl:4 y = tanh(y @ w)"));
    let span = |event: &serde_json::Value| {
        let begin = event["ts"].as_f64().unwrap();
        (begin, begin + event["dur"].as_f64().unwrap())
    };
    let inside = |inner: (f64, f64), outer: (f64, f64)| outer.0 <= inner.0 && inner.1 <= outer.1;
    for product in products {
        let mut around = of("control").into_iter().map(span);
        assert!(around.any(|outer| inside(span(product), outer)), "{text}");
    }
    for event in &events[1..] {
        let mut calls = of("call").into_iter().map(span);
        assert!(calls.any(|call| inside(span(event), call)), "{text}");
    }
}

/// A program that counts what its library tells.
const LISTENER: &str = r#"
#include "m.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void listen(void *context, const dlc_span *span, int32_t ends) {
  int *depth = context;
  if (ends) --*depth;
  printf("%d %s %s %s:%d\n", *depth, ends ? "end" : "begin", span->what, span->file, span->line);
  if (!ends) ++*depth;
}
int main(void) {
  static float w[64 * 64], count, x[32 * 64], out;
  int depth = 0;
  size_t bytes = m_step_workspace();
  void *workspace = aligned_alloc(64, (bytes + 64) / 64 * 64);
  m_trace(listen, &depth);
  int status = m_step(w, &count, x, &out, workspace, bytes);
  m_trace(NULL, NULL);
  status |= m_step(w, &count, x, &out, workspace, bytes);
  printf("%d %d %g\n", status, depth, count);
  return 0;
}
"#;

#[test]
fn a_program_listens_to_a_traced_library() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    std::fs::write(folder.join("main.c"), LISTENER).unwrap();
    dlc(folder, "build m.dl --trace");
    let Ok(built) = Command::new("cc")
        .current_dir(folder)
        .args([
            "-std=c11", "-Wall", "-Werror", "main.c", "libm.a", "-o", "main",
        ])
        .output()
    else {
        println!("skipped: no cc");
        return;
    };
    assert!(built.status.success(), "{built:?}");
    let output = Command::new(folder.join("main")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"0 0 2"), "{text}");
    assert_eq!(lines[0], "0 begin call m.dl:1");
    assert_eq!(lines[lines.len() - 2], "0 end call m.dl:1");
    let count = |line: &str| lines.iter().filter(|other| **other == line).count();
    assert_eq!(count("1 begin control m.dl:3"), 1, "{text}");
    assert_eq!(count("2 begin product m.dl:4"), 3, "{text}");
    assert_eq!(count("2 end product m.dl:4"), 3, "{text}");

    // A library that was built without keeps nothing and has no such function.
    dlc(folder, "build m.dl --emit=header,asm -o plain");
    let read = |name: &str| std::fs::read_to_string(folder.join("plain").join(name)).unwrap();
    assert!(!read("m.h").contains("m_trace"));
    assert!(!read("m.s").contains("m_trace") && !read("m.s").contains("m.tracer"));
}

#[test]
fn numbers_of_rounds_are_logged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let inputs = "--input w=normal(64,64) --input count=0 --input x=ones(32,64)";
    let (said, _) = dlc(
        folder,
        &format!("run m.dl {inputs} --repeat 5 --log tb/one"),
    );
    assert!(said.contains("count: f32 = 5"), "{said}");
    let files: Vec<_> = std::fs::read_dir(folder.join("tb/one")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let bytes = std::fs::read(files[0].as_ref().unwrap().path()).unwrap();
    // Records: a length, a checksum, the message, another checksum.
    let mut rest = &bytes[..];
    let mut records = vec![];
    while let Some(length) = rest.first_chunk::<8>() {
        let length = u64::from_le_bytes(*length) as usize;
        records.push(&rest[12..12 + length]);
        rest = &rest[16 + length..];
    }
    assert_eq!(records.len(), 6);
    for (step, record) in records[1..].iter().enumerate() {
        let has = |bytes: &[u8]| record.windows(bytes.len()).any(|window| window == bytes);
        // A name, and the number behind it: what counts is one more in each round.
        let counted = (step + 1) as f32;
        let value = [b"\x05count\x15".as_slice(), &counted.to_le_bytes()].concat();
        assert!(has(&value), "{record:?}");
        assert!(has(b"\x03out\x15") && has(b"\x07time/ms\x15"), "{record:?}");
    }
    let refused = "run m.dl --target reference --log x";
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(refused.split(' '))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn passes_are_timed_and_shown_in_several_forms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let build = "build m.dl --emit=loops -o a";
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let (_, table) = dlc(folder, &format!("{build} --time-passes"));
    assert!(
        table.contains("fuse-rows") && table.contains("% total") || table.contains("total"),
        "{table}"
    );
    let (_, text) = dlc(folder, &format!("{build} --time-passes=json"));
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
    let (_, text) = dlc(folder, &format!("{build} --time-passes=chrome"));
    let trace = json(&text);
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event["name"] == "fuse-rows" && event["ph"] == "X")
    );
    let (_, text) = dlc(folder, &format!("{build} --stats"));
    assert!(
        text.contains("linalg ") && text.lines().count() == 4,
        "{text}"
    );

    let header = |text: &str| text.matches("// -----// IR after ").count();
    let (_, all) = dlc(folder, &format!("{build} --print-ir-after-all"));
    let (_, changed) = dlc(folder, &format!("{build} --print-ir-after-change"));
    assert!(
        header(&changed) > 5 && header(&changed) < header(&all),
        "{}",
        header(&all)
    );

    let (_, passed) = dlc(
        folder,
        &format!("{build} --remarks=passed --error-format=short"),
    );
    let (_, missed) = dlc(
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
    let (_, both) = dlc(
        folder,
        &format!("{build} --remarks=fusion --error-format=short"),
    );
    assert_eq!(
        both.lines().count(),
        passed.lines().count() + missed.lines().count()
    );

    dlc(folder, "build m.dl --emit=remarks,remarks -o a");
    let yaml = std::fs::read_to_string(folder.join("a/m.opt.yaml")).unwrap();
    assert!(yaml.starts_with("--- !"), "{yaml}");
    assert!(
        yaml.contains("DebugLoc:        { File: \"m.dl\", Line: 4, Column: "),
        "{yaml}"
    );
    dlc(folder, "build m.dl --emit=remarks=a/r.json");
    let remarks = json(&std::fs::read_to_string(folder.join("a/r.json")).unwrap());
    let remarks = remarks["remarks"].as_array().unwrap().len();
    assert_eq!(remarks, yaml.matches("--- !").count());
}
