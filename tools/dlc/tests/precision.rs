//! `@precision`: products in rounded operands, beside programs that round by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const PROGRAM: &str = "\
fn bits(x: f32[...]) -> f32[...] { f32(bf16(x)) }

@precision(bf16)
fn product(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { a @ b }

fn plain(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { a @ b }

@precision(bf16)
fn called(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { plain(a, b) }

@precision(f32)
fn exact(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { a @ b }

@precision(bf16)
fn cancelled(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { exact(a, b) }

@precision(f16)
fn halves(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { a @ b }

@precision(bf16)
fn wide(a: f64[5, 7], b: f64[7, 6]) -> f64[5, 6] { a @ b }

@precision(bf16)
fn small(a: f16[5, 7], b: f16[7, 6]) -> f16[5, 6] { a @ b }

@precision(bf16)
fn summed(a: f32[5, 7]) -> f32 { sum(a * 1.003) }

@precision(bf16)
fn einsums(a: f32[5, 7], b: f32[7, 6]) -> (f32[6, 5], f32[5, 6]) {
  (einsum(\"ij,jk->ki\", a, b), tensordot(a, b, axes=1))
}

@precision(bf16)
fn windows(x: f32[2, 3, 8], w: f32[4, 3, 3]) -> f32[2, 4, 8] { conv1d(x, w, padding=\"same\") }

@precision(bf16)
fn attended(q: f32[4, 8], k: f32[4, 8], v: f32[4, 8]) -> f32[4, 8] { attention(q, k, v) }

@precision(bf16)
fn rounds(a: f32[5, 5], n: i32) -> f32[5, 5] {
  var x = a
  for _ in 0..n { x = tanh(x @ a) }
  x
}

@precision(bf16)
fn given(a: f32[5, 7], b: f32[7, 6]) -> f32[5, 6] { apply(|x| x @ b, a) }

fn apply(f: fn(f32[5, 7]) -> f32[5, 6], a: f32[5, 7]) -> f32[5, 6] { f(a) }

@precision(bf16)
fn loss(a: f32[5, 7], b: f32[7, 6]) -> f32 { sum(sin(plain(a, b))) }

fn data() -> (f32[5, 7], f32[7, 6]) {
  let (k1, k2) = split_key(key(0))
  (normal(k1, [5, 7]), normal(k2, [7, 6]))
}

test \"products\" {
  let (a, b) = data()
  let rounded = bits(a) @ bits(b)
  assert(any(abs(rounded - a @ b) > 1e-3))
  assert_close(product(a, b), rounded, rtol=1e-6)
  assert_close(called(a, b), rounded, rtol=1e-6)
  assert_close(given(a, b), rounded, rtol=1e-6)
  assert_close(plain(a, b), a @ b, rtol=1e-6)
  assert_close(exact(a, b), a @ b, rtol=1e-6)
  assert_close(cancelled(a, b), a @ b, rtol=1e-6)
  assert_close(halves(a, b), f32(f16(a)) @ f32(f16(b)), rtol=1e-6)
  let wider = wide(f64(a) + 1e-12, f64(b))
  assert_close(wider, f64(rounded), rtol=1e-6)
  assert_close(small(f16(a), f16(b)), f16(a) @ f16(b), rtol=0, atol=0)
  assert_close(summed(a), sum(a * 1.003), rtol=0, atol=0)
  let (turned, contracted) = einsums(a, b)
  assert_close(turned, matrix_transpose(rounded), rtol=1e-6)
  assert_close(contracted, rounded, rtol=1e-6)
}

test \"windows, attention, loops\" {
  let (k1, k2) = split_key(key(1))
  let (x, w) = (normal(k1, [2, 3, 8]), normal(k2, [4, 3, 3]))
  assert_close(windows(x, w), conv1d(bits(x), bits(w), padding=\"same\"), atol=1e-5)
  assert(any(abs(windows(x, w) - conv1d(x, w, padding=\"same\")) > 1e-3))
  let (q, k, v) = (reshape(x[0:2, 0:2], [4, 8]), reshape(x[0:2, 1:3], [4, 8]), reshape(x[0:2, 0:2], [4, 8]) + 1.0)
  let weights = softmax(bits(q) @ matrix_transpose(bits(k)) / sqrt(8.0), axis=-1)
  // The scale may be put into the queries before they are rounded.
  assert_close(attended(q, k, v), bits(weights) @ bits(v), atol=2e-2)
  assert(any(abs(attended(q, k, v) - attention(q, k, v)) > 1e-4))
  let a = reshape(x, [48])[0:25]
  let a = reshape(a, [5, 5])
  var y = a
  for _ in 0..3 { y = tanh(bits(y) @ bits(a)) }
  assert_close(rounds(a, 3), y, atol=1e-5)
}

test \"derivatives\" {
  let (a, b) = data()
  let (da, db) = grad(loss, wrt=(a, b))(a, b)
  let back = cos(bits(a) @ bits(b))
  assert_close(da, bits(back) @ matrix_transpose(bits(b)), atol=1e-5)
  assert_close(db, matrix_transpose(bits(a)) @ bits(back), atol=1e-5)
  assert(any(abs(da - back @ matrix_transpose(bits(b))) > 1e-3))
}
";

#[test]
fn products_in_a_precision_are_those_of_rounded_operands() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.dl"), PROGRAM).unwrap();
    for options in [&["-O3"][..], &["-O0"], &["--target", "reference"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
        command.current_dir(folder.path()).args(["test", "p.dl"]);
        let output = command.args(options).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stdout.ends_with("3 passed, 0 failed\n"),
            "{options:?}: {stdout}{stderr}"
        );
    }
}

/// Products of numbers between 1 and 2, or their opposites, whose rounding to tf32 is one to multiples of 2⁻¹⁰: odd multiples of
/// 2⁻¹², which are not between two of those.
const TF32: &str = "\
fn tf32(x: f32[...]) -> f32[...] { sign(x) * round(abs(x) * 1024.0) / 1024.0 }

fn numbers(n: i32) -> f32[9, 10] {
  let i = reshape(arange(90, i32), [9, 10])
  f32(4096 + 2 * ((i * 617 + n * 201) % 2048) + 1) / 4096.0 * f32(1 - 2 * ((i + n) % 3 % 2))
}

fn plain(a: f32[9, 8], b: f32[8, 10]) -> f32[9, 10] { a @ b }

@precision(tf32)
fn product(a: f32[9, 8], b: f32[8, 10]) -> f32[9, 10] { plain(a, b) }

@precision(tf32)
fn loss(a: f32[9, 8], b: f32[8, 10], y: f32[9, 10]) -> f32 { sum(plain(a, b) * y) }

@precision(tf32)
fn windows(x: f32[1, 2, 6, 6], w: f32[4, 2, 3, 3]) -> f32[1, 4, 4, 4] { conv2d(x, w) }

@precision(tf32)
fn wide(a: f64[9, 8], b: f64[8, 10]) -> f64[9, 10] { a @ b }

/// The product, the gradients of it by both sides, and the convolution.
fn all_four(x: f32[9, 10], y: f32[9, 10], z: f32[9, 10]) -> (f32[9, 10], f32[9, 8], f32[8, 10], f32[1, 4, 4, 4]) {
  let (a, b) = (x[:, :8], y[:8])
  let (da, db) = grad(loss, wrt=(a, b))(a, b, z)
  (product(a, b), da, db, windows(reshape(x[:8, :9], [1, 2, 6, 6]), reshape(y[:8, :9], [4, 2, 3, 3])))
}

/// The same without a precision.
fn exact(x: f32[9, 10], y: f32[9, 10], z: f32[9, 10]) -> (f32[9, 10], f32[9, 8], f32[8, 10], f32[1, 4, 4, 4]) {
  let (a, b) = (x[:, :8], y[:8])
  (
    a @ b,
    z @ matrix_transpose(b),
    matrix_transpose(a) @ z,
    conv2d(reshape(x[:8, :9], [1, 2, 6, 6]), reshape(y[:8, :9], [4, 2, 3, 3])),
  )
}

test \"exact\" {
  let (x, y, z) = (numbers(0), numbers(1), numbers(2))
  let (p, da, db, c) = all_four(x, y, z)
  let (q, ea, eb, d) = exact(x, y, z)
  assert_close(p, q, atol=1e-5)
  assert_close(da, ea, atol=1e-5)
  assert_close(db, eb, atol=1e-5)
  assert_close(c, d, atol=1e-5)
}

test \"rounded\" {
  let (x, y, z) = (numbers(0), numbers(1), numbers(2))
  let (p, da, db, c) = all_four(x, y, z)
  let (q, ea, eb, d) = exact(tf32(x), tf32(y), tf32(z))
  assert_close(p, q, atol=1e-5)
  assert_close(da, ea, atol=1e-5)
  assert_close(db, eb, atol=1e-5)
  assert_close(c, d, atol=1e-5)
  assert(any(abs(p - x[:, :8] @ y[:8]) > 1e-3))
  let (a, b) = (f64(x[:, :8]), f64(y[:8]))
  assert_close(wide(a, b), a @ b, rtol=1e-14)
}
";

/// Tensor cores round, everything else does not.
#[test]
fn products_in_tf32_are_rounded_where_a_target_has_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.dl"), TF32).unwrap();
    for (test, target) in [
        ("exact", "cpu"),
        ("exact", "reference"),
        ("rounded", "gpu-emulated"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dlc"));
        command.current_dir(folder.path()).args(["test", "t.dl"]);
        let output = command.args([test, "--target", target]).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stdout.contains("1 passed, 0 failed"),
            "{target}: {stdout}{stderr}"
        );
    }
}
