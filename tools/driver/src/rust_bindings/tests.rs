//! The bindings are compiled, and called against a library written in C.

use super::*;
use crate::layout::tests::{sample, tensor};
use dlc_abi::{DimRange, Mode, Param};
use std::path::Path;
use std::process::{Command, Output};

fn rustc(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc)
        .current_dir(folder)
        .args(arguments)
        .output();
    if output.is_err() {
        println!("skipped: no rustc");
    }
    output.ok()
}

fn succeeded(output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn every_kind_of_parameter_compiles_without_a_warning() {
    compiles(&sample());
    compiles(&sample().with_threads(4).with_gpu(Some("sm_80")));
}

/// Compiles the bindings of a library, which have a struct `Params`.
fn compiles(manifest: &Manifest) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.rs"), generate(manifest)).unwrap();
    std::fs::write(
        folder.path().join("lib.rs"),
        "//! Uses the bindings.\n#![deny(warnings, missing_docs)]\n/// The bindings.\npub mod tiny;\n\
         /// Makes parameters.\npub fn params() -> Option<tiny::ParamsBuf> { tiny::ParamsBuf::zeros(4) }\n",
    )
    .unwrap();
    for edition in ["2021", "2024"] {
        let arguments = [
            "--edition",
            edition,
            "--crate-type=lib",
            "--emit=metadata",
            "lib.rs",
        ];
        let Some(output) = rustc(folder.path(), &arguments) else {
            return;
        };
        succeeded(&output);
    }
}

#[test]
fn shapes_become_checked_arithmetic() {
    assert_eq!(
        axes(&["B".into(), "2*D + 1".into(), "(D / 4)".into()]),
        "&[B, dlc_support::sum(&[&[::std::option::Option::Some(2), D], \
         &[::std::option::Option::Some(1)]]), \
         dlc_support::sum(&[&[D.map(|v: i64| v.div_euclid(4))]])]"
    );
}

/// `add<B in 1..=64>(inout p: P { w: f32[B], n: i32 }, x: f32[B], a: f32) -> f32`
fn small() -> Manifest {
    let mut manifest = sample();
    let mut entry = manifest.entries.remove(0);
    entry.name = "add".into();
    entry.symbol = "t_add".into();
    entry.packed_symbol = "t_add_packed".into();
    entry.workspace_symbol = "t_add_workspace".into();
    entry.dims = vec![DimRange {
        name: "B".into(),
        min: 1,
        max: Some(64),
    }];
    entry.conditions.clear();
    let struct_p = Tree::Struct {
        name: "P".into(),
        fields: vec![
            ("w".into(), tensor(DType::F32, &["B"])),
            ("n".into(), tensor(DType::I32, &[])),
        ],
    };
    let param = |name: &str, mode, tree| Param {
        name: name.into(),
        mode,
        tree,
    };
    entry.params = vec![
        param("p", Mode::InOut, struct_p),
        param("x", Mode::In, tensor(DType::F32, &["B"])),
        param("a", Mode::In, tensor(DType::F32, &[])),
    ];
    entry.result = Some(tensor(DType::F32, &[]));
    Manifest::new("dlc", "t", "test", vec![entry])
}

const LIBRARY: &str = r#"
    #include <stddef.h>
    #include <stdint.h>
    const char *t_abi_hash(void) { return "HASH"; }
    const char *t_add_message(int32_t s) { return s == 16 ? "DL1001 add: B is out" : "?"; }
    size_t t_add_workspace(int64_t B) { return B < 0 ? SIZE_MAX : (size_t)B * 4; }
    int32_t t_add_packed(const int64_t *dims, void *const *leaves, void *ws, size_t bytes) {
        float *w = leaves[0], *x = leaves[2], *a = leaves[3], *out = leaves[4];
        int32_t *n = leaves[1];
        if (dims[0] < 1 || dims[0] > 64) return 16;
        if ((uintptr_t)ws % 64 || bytes < (size_t)dims[0] * 4) return 2;
        *out = 0;
        for (int64_t i = 0; i < dims[0]; i++) *out += w[i] += *a * x[i];
        ++*n;
        return 0;
    }
"#;

const PROGRAM: &str = r#"
    mod t;
    fn main() {
        let mut ws = t::Workspace::new();
        let mut p = t::PBuf::zeros(3).unwrap();
        let x = [1.0, 2.0, 3.0];
        for _ in 0..2 {
            t::add(3, &mut p.view_mut(), &x, 0.5, &mut ws).unwrap();
        }
        assert_eq!(p.w, [1.0, 2.0, 3.0]);
        assert_eq!(p.n, 2);
        let error = t::add(3, &mut p.view_mut(), &x[1..], 0.5, &mut ws).unwrap_err();
        println!("{error}");
        let mut q = t::PBuf::zeros(65).unwrap();
        let error = t::add(65, &mut q.view_mut(), &[0.0; 65], 0.5, &mut ws).unwrap_err();
        println!("{error}");
        let mut w = [];
        let mut n = 0;
        let mut none = t::PMut { w: &mut w, n: &mut n };
        println!("{}", t::add(usize::MAX, &mut none, &[], 0.5, &mut ws).unwrap_err());

        let mut library = t::Library::new().unwrap();
        let mut p = t::PBuf::zeros(3).unwrap();
        library.add(&mut p.view_mut(), &x, 0.5).unwrap();
        library.add(&mut p.view_mut(), (&x[..], [3]), 0.5).unwrap();
        assert_eq!((&p.w[..], p.n), (&[1.0, 2.0, 3.0][..], 2));
        assert!(library.workspace_bytes() >= 12);
        println!("{}", library.add(&mut p.view_mut(), &x[1..], 0.5).unwrap_err());
        println!("{}", library.add(&mut p.view_mut(), (&x[..], [1, 3]), 0.5).unwrap_err());
        println!("{}", library.add(&mut q.view_mut(), &vec![0.0; 65], 0.5).unwrap_err());
    }
"#;

fn run_against(folder: &Path, hash: &str) -> Option<Output> {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("t.rs", &generate(&small()));
    write("main.rs", PROGRAM);
    write("lib.c", &LIBRARY.replace("HASH", hash));
    let compiled = Command::new("cc")
        .current_dir(folder)
        .args(["-c", "-o", "lib.o", "lib.c"])
        .status();
    if compiled.is_err() {
        println!("skipped: no C compiler");
        return None;
    }
    let output = rustc(folder, &["--edition=2024", "main.rs", "-Clink-arg=lib.o"])?;
    succeeded(&output);
    Some(Command::new(folder.join("main")).output().unwrap())
}

#[test]
fn calls_are_checked_and_made() {
    let folder = tempfile::tempdir().unwrap();
    let Some(output) = run_against(folder.path(), &small().abi_hash) else {
        return;
    };
    succeeded(&output);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "DL1003 add: x has 2 numbers, expected f32[B], that is 3 with B = 3\n\
         DL1001 add: B is out; B = 65\n\
         DL1013 add: no memory for the workspace; B = 18446744073709551615\n\
         DL1003 add: x has 2 numbers, expected f32[B], that is 3 with B = 3\n\
         DL1003 add: x has shape [1, 3], expected f32[B] with B = 3\n\
         DL1001 add: B is out; B = 65\n"
    );
}

#[test]
fn another_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(output) = run_against(folder.path(), "other") else {
        return;
    };
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("Library { found: \"other\" }"), "{stderr}");
}
