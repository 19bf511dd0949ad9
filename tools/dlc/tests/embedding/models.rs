//! Two models in one program, static and shared, with exports, structs and dims of the same names.

use super::{build, have, output, run};
use std::path::Path;
use std::process::Command;

/// What both models are made of; only the factor differs.
fn model(factor: u32) -> String {
    format!(
        "struct P {{ w: f32[2] }}\n\
         export fn step<B in 1..=4>(inout p: P, x: f32[B, 2]) -> f32 {{\n  \
         p = P {{ w: p.w + {factor} }}\n  sum(x @ p.w)\n}}\n"
    )
}

const PROGRAM: &str = "\
#include \"one.h\"
#include \"two.h\"
#include <stdio.h>
int main(void) {
  float w[2] = {0, 0}, x[2] = {1, 1}, a, b;
  one_P p = {w};
  two_P q = {w};
  _Alignas(64) static char scratch[4096];
  if (!ONE_ABI_IS_RIGHT() || !TWO_ABI_IS_RIGHT()) return 2;
  if (one_step(1, &p, x, &a, scratch, sizeof scratch)) return 3;
  if (two_step(1, &q, x, &b, scratch, sizeof scratch)) return 4;
  printf(\"%g %g %s\\n\", a, b, two_step_message(one_step(9, &p, x, &a, scratch, sizeof scratch)));
  return 0;
}
";

fn built(folder: &Path) {
    for (stem, factor) in [("one", 1), ("two", 10)] {
        let path = folder.join(format!("{stem}.dl"));
        std::fs::write(&path, model(factor)).unwrap();
        build(
            &path,
            folder,
            &["--emit=staticlib,cdylib,header,hpp,rust,python"],
        );
    }
    std::fs::write(folder.join("main.c"), PROGRAM).unwrap();
}

#[test]
fn programs_link_both() {
    if !have(&["cc", "c++"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    built(folder);
    // Prefer the archives, then the shared libraries, whose exports are all that they let out.
    for libraries in [
        ["libone.a", "libtwo.a"],
        ["libone.so", "libtwo.so"],
        ["libone.a", "libtwo.so"],
    ] {
        let program = folder.join("both");
        let mut cc = Command::new("cc");
        cc.current_dir(folder)
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "main.c"]);
        run(cc
            .args(libraries)
            .arg("-Wl,-rpath,.")
            .arg("-o")
            .arg(&program));
        let said = run(Command::new(&program).current_dir(folder));
        assert_eq!(
            said,
            "2 22 DL1001 step: B is outside its declared range 1..=4 (two.dl:2)\n"
        );
    }
    let text = "#include \"one.hpp\"\n#include \"two.hpp\"\nint main() {\n  one::library a;\n  two::library b;\n  \
                one::P p = one::P::zeros();\n  two::P q = two::P::zeros();\n  float x[2] = {1, 1};\n  \
                return a.step(p, x) == 2 && b.step(q, x) == 20 ? 0 : 1;\n}\n";
    std::fs::write(folder.join("main.cpp"), text).unwrap();
    let mut compiler = Command::new("c++");
    compiler
        .current_dir(folder)
        .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "main.cpp"]);
    run(compiler.args(["libone.a", "libtwo.a", "-o", "both"]));
    run(&mut Command::new(folder.join("both")));
    let text = "mod one;\nmod two;\nfn main() {\n    let (mut p, mut q) = (one::PBuf::zeros().unwrap(), two::PBuf::zeros().unwrap());\n    \
                let (mut a, mut b) = (one::Library::new().unwrap(), two::Library::new().unwrap());\n    \
                assert_eq!(a.step(&mut p.view_mut(), &[1.0; 2]).unwrap(), 2.0);\n    \
                assert_eq!(b.step(&mut q.view_mut(), &[1.0; 2]).unwrap(), 20.0);\n}\n";
    std::fs::write(folder.join("main.rs"), text).unwrap();
    let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
    rustc
        .current_dir(folder)
        .args(["--edition=2024", "main.rs", "-L.", "-o", "both"]);
    run(rustc.args(["-lstatic=one", "-lstatic=two"]));
    run(&mut Command::new(folder.join("both")));
}

/// A library that lacks a function, or is none, is no module.
#[test]
fn modules_stand_side_by_side_and_refuse_other_libraries() {
    let Some(python) = super::python_with("numpy") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    built(folder);
    let python = |text: &str| {
        let mut command = Command::new(&python);
        command.current_dir(folder).args(["-c", text]);
        command
    };
    let text = "import numpy as np, one, two\nw = np.zeros(2, 'f4')\n\
                print(one.step(one.P(w), np.ones((1, 2), 'f4')), two.step({'w': w}, np.ones((1, 2), 'f4')))";
    assert_eq!(run(&mut python(text)), "2.0 22.0\n");
    let library = folder.join("one/libone.so");
    let refused = |expected: &str| {
        let output = output(&mut python("import one"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("ImportError: ") && stderr.contains(expected),
            "{expected}\n{stderr}"
        );
    };
    std::fs::copy(folder.join("two/libtwo.so"), &library).unwrap();
    refused("libone.so has no function one_abi_hash; it is another library");
    std::fs::write(&library, "none").unwrap();
    refused("cannot load");
    let changed = model(1).replace("1..=4", "1..=5");
    std::fs::write(folder.join("one.dl"), changed).unwrap();
    build(&folder.join("one.dl"), folder, &["--emit=cdylib"]);
    std::fs::copy(folder.join("libone.so"), &library).unwrap();
    refused("is not the library of this module: its ABI hash is");
    std::fs::remove_file(&library).unwrap();
    refused("libone.so is missing; `dlc build --emit=python` writes it");
}
