//! The C functions of a built library, called from C: statuses, messages, workspace, updates in place.

use dlc_driver::compile::{Emit, Options, Session, Source};
use std::{path::Path, process::Command};

/// `w` is updated in place, `s` comes by value, the result is a struct of two.
const MODULE: &str = r#"
module {
  func.func @f(%B: index,
      %w: tensor<?x4xf32> {dl.path = "p.w", dl.shape = ["B", "4"], dl.inout},
      %b: tensor<4xf64> {dl.path = "p.b", dl.shape = ["4"], dl.inout},
      %s: tensor<f32> {dl.path = "s", dl.shape = []},
      %flag: tensor<i1> {dl.path = "flag", dl.shape = []})
      -> (tensor<?x4xf32> {dl.path = "p.w", dl.shape = ["B", "4"]}, tensor<4xf64> {dl.path = "p.b", dl.shape = ["4"]},
          tensor<?xf32> {dl.path = "out.rows", dl.shape = ["B"]}, tensor<f32> {dl.path = "out.total", dl.shape = []})
      attributes {dl.entry = "m_f", dl.name = "f", dl.dims = ["B"], dl.ranges = [[0, 64]],
        dl.checks = [{cond = "B % 2 == 0", lhs = "B % 2", rel = "==", rhs = "0", message = "DL1002 f: B is odd"}]} {
    %sb = dl.broadcast %s axes [] sizes(%B) : tensor<f32> -> tensor<?x4xf32>
    %w1 = dl.mul %w, %sb : tensor<?x4xf32>
    %e = dl.exp %w1 : tensor<?x4xf32>
    %m = dl.reduce "max" %e axes [1] : tensor<?x4xf32> -> tensor<?xf32>
    %mb = dl.broadcast %m axes [0] sizes(%B) : tensor<?xf32> -> tensor<?x4xf32>
    %d = dl.div %e, %mb : tensor<?x4xf32>
    %rows = dl.reduce "sum" %d axes [1] : tensor<?x4xf32> -> tensor<?xf32>
    %total = dl.reduce "sum" %rows axes [0] : tensor<?xf32> -> tensor<f32>
    %fb = dl.broadcast %flag axes [] sizes() : tensor<i1> -> tensor<4xi1>
    %n = dl.neg %b : tensor<4xf64>
    %b1 = dl.select %fb, %n, %b : tensor<4xi1>, tensor<4xf64>
    return %w1, %b1, %rows, %total : tensor<?x4xf32>, tensor<4xf64>, tensor<?xf32>, tensor<f32>
  }
  func.func @big(%N: index, %M: index, %x: tensor<?x?xf32> {dl.path = "x", dl.shape = ["N", "M"]})
      -> (tensor<f32> {dl.path = "out", dl.shape = []})
      attributes {dl.entry = "m_big", dl.name = "big", dl.dims = ["N", "M"], dl.ranges = [[0, -1], [0, -1]]} {
    %t = dl.transpose %x [1, 0] : tensor<?x?xf32> -> tensor<?x?xf32>
    %y = dl.dot_general %x, %t batch [] x [] contract [1] x [0] : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
    %z = dl.reduce "sum" %y axes [0, 1] : tensor<?x?xf32> -> tensor<f32>
    return %z : tensor<f32>
  }
}
"#;

const PROGRAM: &str = r#"
#include "m.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); return 1; } } while (0)

int main(void) {
  enum { B = 6 };
  float w[B * 4], old[B * 4], rows[B], total = -1;
  double b[4] = {1, 2, 3, 4};
  for (int i = 0; i < B * 4; ++i) old[i] = w[i] = (float)(i % 5) / 4;
  m_p p = {w, b};
  m_out out = {rows, &total};
  size_t bytes = m_f_workspace(B);
  CHECK(bytes != SIZE_MAX && bytes < 4096);
  void *ws = aligned_alloc(64, (bytes + 127) / 64 * 64);

  // Refused calls write nothing.
  CHECK(m_f(-1, &p, 2, 1, &out, ws, bytes) == 16);
  CHECK(m_f(66, &p, 2, 1, &out, ws, bytes) == 16);
  CHECK(m_f(7, &p, 2, 1, &out, ws, bytes) == 17);
  CHECK(m_f(B, NULL, 2, 1, &out, ws, bytes) == 1);
  CHECK(m_f(B, &p, 2, 1, NULL, ws, bytes) == 1);
  m_p hole = {w, NULL};
  CHECK(m_f(B, &hole, 2, 1, &out, ws, bytes) == 1);
  if (bytes) {
    CHECK(m_f(B, &p, 2, 1, &out, NULL, bytes) == 1);
    CHECK(m_f(B, &p, 2, 1, &out, (char *)ws + 4, bytes) == 4);
    CHECK(m_f(B, &p, 2, 1, &out, ws, bytes - 1) == 2);
  }
  CHECK(memcmp(w, old, sizeof w) == 0 && total == -1 && b[0] == 1);

  CHECK(m_f(B, &p, 2, 1, &out, ws, bytes) == 0);
  float sum = 0;
  for (int i = 0; i < B; ++i) {
    float most = 0, row = 0;
    for (int j = 0; j < 4; ++j) most = fmaxf(most, expf(2 * old[i * 4 + j]));
    for (int j = 0; j < 4; ++j) {
      CHECK(w[i * 4 + j] == 2 * old[i * 4 + j]);
      row += expf(2 * old[i * 4 + j]) / most;
    }
    CHECK(fabsf(rows[i] - row) < 1e-5f);
    sum += row;
  }
  CHECK(fabsf(total - sum) < 1e-4f);
  CHECK(b[0] == -1 && b[3] == -4);
  CHECK(m_f(B, &p, 1, 0, &out, ws, bytes) == 0 && b[0] == -1);
  // No rows at all.
  CHECK(m_f(0, &p, 2, 0, &out, ws, m_f_workspace(0)) == 0 && total == 0);

  CHECK(strcmp(m_f_message(0), "ok") == 0);
  CHECK(strstr(m_f_message(16), "DL1001 f: B is outside its declared range 0..=64"));
  CHECK(strcmp(m_f_message(17), "DL1002 f: B is odd") == 0);
  CHECK(strstr(m_f_message(1), "DL1011 f:") && strstr(m_f_message(99), "unknown"));
  CHECK(strcmp(m_abi_hash(), M_ABI_HASH) == 0);

  // Sizes beyond 64 bits.
  CHECK(m_big_workspace(INT64_C(1) << 40, INT64_C(1) << 40) == SIZE_MAX);
  CHECK(m_big_workspace(-1, 4) == SIZE_MAX);
  CHECK(m_big(INT64_C(1) << 40, INT64_C(1) << 40, w, &total, ws, SIZE_MAX) == 3);
  CHECK(m_big(INT64_MAX, 1, w, &total, ws, SIZE_MAX) == 3);
  CHECK(m_big(-1, 4, w, &total, ws, SIZE_MAX) == 16);
  free(ws);
  puts("good");
  return 0;
}
"#;

/// A DL source, and a program that calls each of its entries.
const VARIETY: &str = include_str!("variety.dl");

const VARIETY_PROGRAM: &str = r#"
#include "v.h"
#include <stdio.h>
#include <string.h>

#define CHECK(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); return 1; } } while (0)

static _Alignas(64) char ws[1 << 16];

int main(void) {
  float one = 0;
  CHECK(v_nothing_workspace() <= sizeof ws);
  CHECK(v_nothing(&one, ws, sizeof ws) == 0 && one == 1.5f);
  CHECK(v_nothing(NULL, ws, sizeof ws) == 1);

  int64_t seven = 0;
  CHECK(v_bump(&one, 0.25, &seven, ws, sizeof ws) == 0 && one == 1.75f && seven == 7);

  uint32_t key[2] = {0, 42};
  float u[4] = {-1, -1, -1, -1}, again[4];
  CHECK(v_keyed(key, u, ws, sizeof ws) == 0);
  CHECK(v_keyed(key, again, ws, sizeof ws) == 0 && memcmp(u, again, sizeof u) == 0);
  for (int i = 0; i < 4; ++i) CHECK(u[i] >= 0 && u[i] < 1);
  CHECK(u[0] != u[1]);

  float x[3] = {1, 2, 3}, a[3] = {10, 20, 30}, sum = 0, ra[3];
  uint8_t flag = 0, rflag = 9;
  int32_t counts[2] = {-1, -1};
  v_tree_p_t p = {x, {a, &flag}};
  v_Out out = {{ra, &rflag}, {&sum, counts}};
  /* 0x3800 is 0.5 in f16. */
  CHECK(v_tree(&p, 1, 0x3800, &out, ws, sizeof ws) == 0);
  CHECK(ra[0] == 6 && ra[1] == 12 && ra[2] == 18 && rflag == 1 && sum == 6 && counts[0] == 0 && counts[1] == 1);
  v_tree_p_t hole = {x, {a, NULL}};
  CHECK(v_tree(&hole, 1, 0x3800, &out, ws, sizeof ws) == 1);

  float y[4] = {1, 2, 3, 4};
  CHECK(v_only_inout(y, ws, sizeof ws) == 0 && y[3] == 8);

  float o[4];
  CHECK(v_outer(2, y, o, ws, sizeof ws) == 0 && o[0] == 4 && o[1] == 8 && o[3] == 16);
  CHECK(v_outer(9, y, o, ws, sizeof ws) == 16);
  CHECK(v_outer(3, y, o, ws, sizeof ws) == 17);
  CHECK(strstr(v_outer_message(17), "DL1002 outer: ") && strstr(v_outer_message(17), "v.dl:"));
  puts("good");
  return 0;
}
"#;

const SOURCE: Source = Source {
    name: "m.mlir",
    text: MODULE,
    stem: "m",
};

fn run(program: &Path) -> String {
    let output = Command::new(program).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Builds a library and a C program on it, and gives what the program prints.
fn c_program(source: &Source, options: Options, program: &str) -> String {
    let session = Session::new(options);
    let kinds = [Emit::Staticlib, Emit::Header];
    let compiled = session
        .compile(source, &kinds)
        .unwrap_or_else(|failure| panic!("{failure}"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let header = format!("{}.h", source.stem);
    std::fs::write(at("lib.a"), &compiled.artefacts[&Emit::Staticlib]).unwrap();
    std::fs::write(at(&header), &compiled.artefacts[&Emit::Header]).unwrap();
    std::fs::write(at("main.c"), program).unwrap();
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([at("main"), at("main.c"), at("lib.a")])
        .arg("-lm")
        .status()
        .unwrap();
    assert!(built.success());
    run(&at("main"))
}

#[test]
fn c_program_gets_statuses_and_values() {
    for opt_level in [0, 3] {
        let options = Options {
            opt_level,
            ..Options::default()
        };
        assert_eq!(c_program(&SOURCE, options, PROGRAM), "good\n");
    }
}

#[test]
fn c_program_calls_entries_of_every_kind() {
    let source = Source {
        name: "v.dl",
        text: VARIETY,
        stem: "v",
    };
    assert_eq!(
        c_program(&source, Options::default(), VARIETY_PROGRAM),
        "good\n"
    );
}

#[test]
fn builds_are_identical() {
    let build = || {
        let session = Session::new(Options::default());
        let kinds = [
            Emit::Obj,
            Emit::Staticlib,
            Emit::Cdylib,
            Emit::Header,
            Emit::Manifest,
            Emit::LlvmIr,
        ];
        session
            .compile(&SOURCE, &kinds)
            .unwrap_or_else(|failure| panic!("{failure}"))
            .artefacts
    };
    assert_eq!(build(), build());
}

#[test]
fn every_stage_can_be_looked_at() {
    let session = Session::new(Options {
        target_cpu: "cascadelake".into(),
        ..Options::default()
    });
    let kinds = [
        Emit::Dl,
        Emit::Linalg,
        Emit::Loops,
        Emit::LlvmMlir,
        Emit::LlvmIr,
        Emit::Asm,
    ];
    let compiled = session
        .compile(&SOURCE, &kinds)
        .unwrap_or_else(|failure| panic!("{failure}"));
    let text = |kind| String::from_utf8(compiled.artefacts[&kind].clone()).unwrap();
    assert!(text(Emit::Dl).contains("dl.exp"));
    assert!(text(Emit::Linalg).contains("linalg.generic"));
    let loops = text(Emit::Loops);
    assert!(
        loops.contains("scf.for") && !loops.contains("memref.alloc(") && !loops.contains("tensor<")
    );
    assert!(text(Emit::LlvmMlir).contains("llvm.func @m_f_packed"));
    assert!(text(Emit::LlvmIr).contains(" @m_f(i64"));
    assert!(text(Emit::Asm).contains("m_f_workspace:"));
}

#[test]
fn wrong_options_and_modules_are_the_users() {
    use dlc_driver::compile::Failure;
    let session = Session::new(Options {
        target_cpu: "pentium-9".into(),
        ..Options::default()
    });
    assert!(
        matches!(session.compile(&SOURCE, &[Emit::Obj]), Err(Failure::Usage(text)) if text.contains("help: "))
    );
    let options = Options {
        print_ir_after: vec!["cze".into()],
        ..Options::default()
    };
    let failure = Session::new(options).compile(&SOURCE, &[Emit::Obj]);
    assert!(matches!(failure, Err(Failure::Usage(text)) if text.contains("`cse`")));
    let source = Source {
        text: "func.func @f() {",
        ..SOURCE
    };
    let failure = Session::new(Options::default()).compile(&source, &[Emit::Obj]);
    assert!(
        matches!(failure, Err(Failure::User { rendered, errors: 1 }) if rendered.contains("m.mlir"))
    );
}
