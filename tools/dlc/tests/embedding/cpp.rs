//! The C++ header as a program uses it, and models in CMake.

use super::{build, configure, have, output, root, run, source};
use std::path::Path;
use std::process::Command;

/// A program that prints what calls give and refuse.
#[test]
fn calls_are_checked_and_made() {
    if !have(&["c++"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    build(&source("zoo.dl"), folder.path(), &["--emit=staticlib,hpp"]);
    for standard in ["-std=c++17", "-std=c++20"] {
        let program = folder.path().join("zoo");
        let mut compiler = Command::new("c++");
        compiler.args([
            standard,
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-fsanitize=undefined",
        ]);
        compiler.arg("-I").arg(folder.path()).arg(source("zoo.cpp"));
        run(compiler
            .arg(folder.path().join("libzoo.a"))
            .arg("-o")
            .arg(&program));
        let expected = std::fs::read_to_string(source("zoo.cpp")).unwrap();
        let expected: Vec<&str> = expected
            .lines()
            .filter_map(|line| line.split_once("//= "))
            .map(|(_, text)| text)
            .collect();
        let said = run(&mut Command::new(&program));
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
}

/// A header of another build is noticed before anything is called.
#[test]
fn another_library_is_refused() {
    if !have(&["c++"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let model = |body: &str| {
        std::fs::write(
            path("m.dl"),
            format!("export fn f({body}) -> f32 {{ sum(x) }}\n"),
        )
        .unwrap()
    };
    model("x: f32[2]");
    build(&path("m.dl"), folder.path(), &["--emit=staticlib"]);
    model("x: f32[3]");
    build(&path("m.dl"), folder.path(), &["--emit=hpp"]);
    let text = "#include \"m.hpp\"\n#include <cstdio>\nint main() {\n  try { m::library model; } catch (const m::error &error) {\n    \
                std::puts(error.what());\n    return M_ABI_IS_RIGHT() ? 3 : 0;\n  }\n  return 1;\n}\n";
    std::fs::write(path("main.cpp"), text).unwrap();
    let mut compiler = Command::new("c++");
    compiler
        .args(["-std=c++17", "-o"])
        .arg(path("main"))
        .arg(path("main.cpp"));
    run(compiler.arg(path("libm.a")));
    let said = run(&mut Command::new(path("main")));
    assert!(
        said.starts_with("the library m has the ABI hash "),
        "{said}"
    );
}

/// CMake on a project of a text.
fn project(folder: &Path, text: &str) -> Command {
    let source = folder.join("source");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(source.join("CMakeLists.txt"), text).unwrap();
    configure(&source, &folder.join("build"))
}

const PROJECT: &str = "\
cmake_minimum_required(VERSION 3.20)
project(use LANGUAGES C)
find_package(dlc 0.1 REQUIRED)
dlc_add_library(models SHARED SOURCES first.dl 2nd-model.dl OPTIONS -O1)
add_executable(use main.c)
target_link_libraries(use PRIVATE models)
";

const PROGRAM: &str = "\
#include \"first.h\"
#include \"_2nd_model.h\"
#include <stdio.h>
int main(void) {
  float x[2] = {1, 2}, a, b;
  _Alignas(64) static char scratch[4096];
  if (first_f(x, &a, scratch, sizeof scratch) || _2nd_model_f(x, &b, scratch, sizeof scratch)) return 1;
  printf(\"%g %g\\n\", a, b);
  return 0;
}
";

/// Models in a shared library each; what is imported is a dependency.
#[test]
fn cmake_builds_what_has_changed() {
    if !have(&["cc", "cmake", "make"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut cmake = project(folder, PROJECT);
    let write =
        |name: &str, text: &str| std::fs::write(folder.join("source").join(name), text).unwrap();
    write("main.c", PROGRAM);
    write("part.dl", "fn part(x: f32[2]) -> f32 { sum(x) }\n");
    write(
        "first.dl",
        "import \"part.dl\"\nexport fn f(x: f32[2]) -> f32 { part::part(x) }\n",
    );
    write(
        "2nd-model.dl",
        "export fn f(x: f32[2]) -> f32 { mean(x) }\n",
    );
    run(&mut cmake);
    let made = folder.join("build");
    let make = || {
        let said = run(Command::new("cmake")
            .arg("--build")
            .arg(&made)
            .env("DLC_CACHE_DIR", ""));
        (said, run(&mut Command::new(made.join("use"))))
    };
    assert_eq!(make().1, "3 1.5\n");
    let (said, _) = make();
    assert!(!said.contains("Compiling model"), "{said}");
    // Times of files are in whole seconds somewhere.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    write("part.dl", "fn part(x: f32[2]) -> f32 { 10 * sum(x) }\n");
    let (said, printed) = make();
    assert_eq!(printed, "30 1.5\n");
    assert!(!said.contains("Compiling model _2nd_model"), "{said}");
}

#[test]
fn what_is_wrong_in_cmake_is_said() {
    if !have(&["cc", "cmake"]) {
        return;
    }
    for (line, more, expected) in [
        (
            "find_package(dlc 0.1 REQUIRED)\ndlc_add_library(m SOURCES none.dl)",
            "",
            "there is no file",
        ),
        (
            "find_package(dlc 0.1 REQUIRED)\ndlc_add_library(m m.dl)",
            "",
            "models stand after SOURCES",
        ),
        ("find_package(dlc 0.2 REQUIRED)", "", "version: 0.1.0"),
        (
            "find_package(dlc 0.1 REQUIRED)",
            "-DDLC_EXECUTABLE=/bin/false",
            "says no version of dlc",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("cmake_minimum_required(VERSION 3.20)\nproject(m LANGUAGES C)\n{line}\n");
        let mut cmake = project(folder.path(), &text);
        cmake.args((!more.is_empty()).then_some(more));
        let output = output(&mut cmake);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains(expected),
            "{expected}\n{stderr}"
        );
    }
}

/// The version that `find_package` sees is that of the compiler.
#[test]
fn the_version_of_the_package_is_the_compiler_s() {
    let text = std::fs::read_to_string(root().join("tools/cmake/dlcConfigVersion.cmake")).unwrap();
    let expected = format!("set(PACKAGE_VERSION \"{}\")", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&expected), "{text}");
}
