//! The header is compiled, with uses of all that it declares.

use super::*;
use crate::layout::tests::sample;
use std::path::Path;
use std::process::Command;

/// Compiles a program that has the headers of a library.
fn compiles(folder: &Path, manifest: &Manifest, program: &str) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("tiny.h", &header::generate(manifest));
    write("tiny.hpp", &generate(manifest));
    write("use.cpp", program);
    for standard in ["-std=c++17", "-std=c++20"] {
        let mut compiler = Command::new("c++");
        compiler.current_dir(folder).arg(standard).args([
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
        ]);
        match compiler.args(["-fsyntax-only", "use.cpp"]).output() {
            Ok(output) => assert!(
                output.status.success(),
                "{standard}: {}",
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(_) => println!("skipped: no c++"),
        }
    }
}

const PROGRAM: &str = r#"
#include "tiny.hpp"
#include "tiny.hpp"
#include <vector>
#if __cplusplus >= 202002L
#include <span>
using Floats = std::span<const float>;
#else
using Floats = const std::vector<float> &;
#endif
float train(tiny::library &model, tiny::Params &p, Floats x) {
  std::vector<std::uint32_t> k(2);
  float in_place = 0;
  tiny::Params other = tiny::Params::zeros(4);
  model.init(1, {0, 42}, p);
  return model.step(p, x, 3, tiny::tensor<float>(&in_place, 1), k, true) + static_cast<float>(other.blocks[1].w.size());
}
void pair(tiny::library &model) {
  tiny::Pair first{std::vector<float>(2), 3};
  std::uint8_t second = 1;
  std::vector<std::uint16_t> a(2), b(2);
  std::vector<float> out(2);
  std::int32_t number = 0;
  model.pair(4, {first, tiny::tensor<const std::uint8_t>(&second, 1)}, {{a, b}}, {},
             {out, tiny::tensor<std::int32_t>(&number, {})});
}
"#;

#[test]
fn compilers_accept_it_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    compiles(folder.path(), &sample(), PROGRAM);
    let threads = sample().with_threads(4).with_gpu(Some("sm_80"));
    compiles(folder.path(), &threads, PROGRAM);
    assert_eq!(generate(&sample()), generate(&sample()));
}

#[test]
fn names_that_mean_something_in_cpp_are_changed() {
    let mut manifest = sample();
    manifest.entries[0].name = "library".into();
    manifest.entries[1].name = "delete".into();
    let text = generate(&manifest);
    assert!(text.contains(" library_2("), "{text}");
    assert!(text.contains(" delete_("), "{text}");
    assert_eq!(held_name("error", Held::Ref), "error__ref");
}

#[test]
fn sizes_become_checked_arithmetic() {
    let dim = |name: &str| name.to_lowercase();
    assert_eq!(number("B", &dim), "detail::number{b}");
    assert_eq!(
        number("2*D + 1", &dim),
        "detail::number{2} * detail::number{d} + detail::number{1}"
    );
    assert_eq!(
        number("(D / 4)", &dim),
        "detail::floor_div(detail::number{d}, 4)"
    );
    assert_eq!(number("0", &dim), "detail::number{0}");
}
