//! What is seen of code while it runs: when it did what, the lines that it comes from, and the numbers of rounds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{STEPS, says};
use object::{Object, ObjectSection};
use std::collections::HashMap;
use std::process::Command;

#[test]
fn a_timeline_of_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let inputs = "--input w=normal(64,64) --input count=0 --input x=ones(32,64)";
    let (traced, _) = says(
        folder,
        &format!("run m.dl {inputs} --trace t.json --repeat 2"),
    );
    let (plain, _) = says(folder, &format!("run m.dl {inputs} --repeat 2"));
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
    says(folder, "build m.dl --trace");
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
    says(folder, "build m.dl --emit=header,asm -o plain");
    let read = |name: &str| std::fs::read_to_string(folder.join("plain").join(name)).unwrap();
    assert!(!read("m.h").contains("m_trace"));
    assert!(!read("m.s").contains("m_trace") && !read("m.s").contains("m.tracer"));
}

/// A program that knows nothing of traces, and calls on several threads.
const CALLER: &str = r#"
#include "m.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *run(void *first) {
  float *w = calloc(64 * 64, 4), *x = calloc(32 * 64, 4), count = 0, out;
  size_t bytes = m_step_workspace();
  void *workspace = aligned_alloc(64, (bytes + 64) / 64 * 64);
  for (int i = 0; i < 20; ++i)
    if (m_step(w, &count, x, &out, workspace, bytes) != 0) abort();
  if (first) printf("%g\n", count);
  return NULL;
}
int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, run, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  return run(threads) != NULL;
}
"#;

/// Checks that on each thread what begins ends, in order; gives how many events say that something of a kind begins.
fn begun(events: &[serde_json::Value], what: &str) -> usize {
    let mut open: HashMap<&serde_json::Value, Vec<&serde_json::Value>> = HashMap::new();
    let mut times = HashMap::new();
    for event in events {
        let time = event["ts"].as_f64().unwrap();
        let last = times.insert(&event["tid"], time);
        assert!(last.is_none_or(|last| last <= time), "{event}");
        let open = open.entry(&event["tid"]).or_default();
        match event["ph"].as_str().unwrap() {
            "B" => open.push(&event["name"]),
            _ => assert_eq!(open.pop(), Some(&event["name"]), "{event}"),
        }
    }
    assert!(open.values().all(Vec::is_empty));
    let events = events.iter().filter(|event| event["ph"] == "B");
    events.filter(|event| event["args"]["what"] == what).count()
}

#[test]
fn a_traced_library_writes_a_file_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    std::fs::write(folder.join("main.c"), CALLER).unwrap();
    let levels = match cfg!(target_arch = "x86_64") {
        true => &["", " --target-cpu x86-64-v2,x86-64-v3"][..],
        false => &[""],
    };
    for more in levels {
        says(folder, &format!("build m.dl --trace{more}"));
        let built = Command::new("cc")
            .current_dir(folder)
            .args(["-std=c11", "-Wall", "-Werror", "main.c", "libm.a"])
            .args(["-lpthread", "-o", "main"])
            .output();
        let Ok(built) = built else {
            println!("skipped: no cc");
            return;
        };
        assert!(built.status.success(), "{built:?}");
        let run = |traces: &str| {
            let mut program = Command::new(folder.join("main"));
            program.current_dir(folder).env("DLC_TRACE", traces);
            let output = program.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "20\n");
            String::from_utf8(output.stderr).unwrap()
        };
        assert_eq!(run("traces"), "");
        let files: Vec<_> = std::fs::read_dir(folder.join("traces")).unwrap().collect();
        assert_eq!(files.len(), 1);
        let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
        let events: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(begun(&events, "call"), 100);
        assert_eq!(begun(&events, "product"), 300);
        let named = |name: &str| events.iter().any(|event| event["name"] == name);
        assert!(named("step") && named("m.dl:4 product"), "{text}");
        std::fs::remove_dir_all(folder.join("traces")).unwrap();

        assert_eq!(run(""), "");
        assert!(!folder.join("traces").exists());
        let said = run("main.c");
        assert!(said.contains("main.c/m-"), "{said}");
    }
}

#[test]
fn code_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    says(folder, "build m.dl --emit=obj=plain.o");
    says(folder, "build m.dl --emit=obj=placed.o,asm -g");
    let text = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let has_lines = file.section_by_name(".debug_line").is_some();
        let text = file.section_by_name(".text").unwrap();
        (text.data().unwrap().to_vec(), has_lines)
    };
    let (plain, placed) = (text("plain.o"), text("placed.o"));
    assert_eq!((plain.1, placed.1), (false, true));
    assert!(!plain.0.is_empty() && plain.0 == placed.0);
    let assembly = std::fs::read_to_string(folder.join("m.s")).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let file = assembly
        .lines()
        .find(|line| line.contains(".file") && line.contains("\"m.dl\""));
    assert!(file.is_some_and(|file| file.contains(name)), "{assembly}");
    for line in [4, 6, 8] {
        let place = format!(".loc\t1 {line} ");
        assert!(assembly.contains(&place), "{place} is not in {assembly}");
    }
}

#[test]
fn numbers_of_rounds_are_logged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("m.dl"), STEPS).unwrap();
    let inputs = "--input w=normal(64,64) --input count=0 --input x=ones(32,64)";
    let (said, _) = says(
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
