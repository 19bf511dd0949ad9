//! Large modules are divided: what is made is the same on any number of threads and computes the same as small ones, no more
//! symbols come out, and a change leaves the parts of other exports as they are.

use dlc_driver::cache::{Cache, LIMIT};
use dlc_driver::compile::{Compiled, Emit, Options, Session, Source, temporary_library};
use dlc_runtime::{Tensor, bind::Bound, library::Library};
use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;

const STEM: &str = "m";

/// A library of several exports, each with products and loops of its own; `scale` is a constant of one of them.
fn program(exports: &[usize], scale: &str) -> String {
    let export = |i: &usize| {
        let scale = if *i == 2 { scale } else { "1.5" };
        let size = 5 + i;
        format!(
            "export fn f{i}<B>(x: f32[B, {size}], w: f32[{size}, {size}], v: f32[{size}, 3]) -> f32[B, 3] {{\n\
               let y = tanh({scale} * x @ w + x)\n\
               softmax(y @ matrix_transpose(w), axis=-1) @ v + exp(-x @ v)\n\
             }}\n"
        )
    };
    exports.iter().map(export).collect()
}

fn compile(text: &str, options: Options, kinds: &[Emit]) -> Compiled {
    let source = Source {
        name: "m.dl",
        text,
        stem: STEM,
    };
    let compiled = Session::new(options).compile(&source, kinds);
    compiled.unwrap_or_else(|failure| panic!("{failure}"))
}

fn jobs(jobs: usize) -> Options {
    Options {
        jobs,
        ..Options::default()
    }
}

const ALL: [usize; 6] = [0, 1, 2, 3, 4, 5];
const CODE: [Emit; 5] = [
    Emit::LlvmIr,
    Emit::Asm,
    Emit::Obj,
    Emit::Staticlib,
    Emit::Cdylib,
];

/// How many objects an archive has.
fn members(archive: &[u8]) -> usize {
    let name = format!("{STEM}.");
    let headers = archive.windows(2).filter(|end| end == b"`\n").count();
    let text = String::from_utf8_lossy(archive);
    assert!(text.contains(&format!("{name}0.o/")) || text.contains(&format!("{name}o/")));
    headers
}

#[test]
fn threads_do_not_show() {
    let text = program(&ALL, "2.0");
    let one = compile(&text, jobs(1), &CODE);
    // The table of symbols counts as a member.
    assert!(members(&one.artefacts[&Emit::Staticlib]) > 3, "not divided");
    for count in [2, 5] {
        assert!(compile(&text, jobs(count), &CODE).artefacts == one.artefacts);
    }
}

#[test]
fn no_other_symbols_come_out() {
    let made = compile(&program(&ALL, "2.0"), jobs(2), &CODE);
    let expected: BTreeSet<_> = made.manifest.exported_symbols().into_iter().collect();
    let library = object::File::parse(made.artefacts[&Emit::Cdylib].as_slice()).unwrap();
    let symbols = library
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition());
    let found: BTreeSet<_> = symbols
        .map(|symbol| symbol.name().unwrap().to_owned())
        .collect();
    assert_eq!(found, expected);
    let object = object::File::parse(made.artefacts[&Emit::Obj].as_slice()).unwrap();
    let mut found = BTreeSet::new();
    for symbol in object.symbols().filter(|symbol| symbol.is_global()) {
        let name = symbol.name().unwrap().to_owned();
        match symbol.scope() {
            object::SymbolScope::Linkage => {
                assert!(
                    name.starts_with("m."),
                    "{name} may clash with another library's"
                );
            }
            _ if symbol.is_definition() => _ = found.insert(name),
            _ => {}
        }
    }
    assert_eq!(found, expected);
}

/// What an export gives for some numbers.
fn call(text: &str, export: &str) -> Tensor {
    let source = Source {
        name: "m.dl",
        text,
        stem: STEM,
    };
    let built = temporary_library(&Session::new(jobs(2)), &source);
    let built = built.unwrap_or_else(|failure| panic!("{failure}"));
    let library = Library::with_manifest(&built.path, built.manifest.clone()).unwrap();
    let entry = library.entry(export).unwrap();
    let mut next = 0.0;
    let leaf = |leaf: dlc_abi::Leaf| {
        let extent = |text: &String| text.parse().unwrap_or(7);
        let shape: Vec<_> = leaf.shape.iter().map(extent).collect();
        let mut tensor = Tensor::zeros(leaf.dtype, &shape).unwrap();
        let values = || {
            next += 0.37;
            f64::sin(next)
        };
        tensor.fill_with(values).unwrap();
        tensor
    };
    let params = entry.param_leaves().into_iter().map(leaf).collect();
    let mut bound = Bound::from_tensors(entry, params, &[("B".into(), 7)]).unwrap();
    library.prepare(&bound).unwrap().run(&mut bound).unwrap();
    bound.results()[0].clone()
}

#[test]
fn parts_compute_what_the_whole_does() {
    for i in [0, 3, 5] {
        let export = format!("f{i}");
        let (divided, whole) = (
            call(&program(&ALL, "2.0"), &export),
            call(&program(&[i], "2.0"), &export),
        );
        for (a, b) in divided.to_f64().iter().zip(whole.to_f64()) {
            assert!(
                (a - b).abs() <= 1e-5 * (1.0 + b.abs()),
                "{export}: {a}, not {b}"
            );
        }
    }
}

#[test]
fn a_change_leaves_most_parts() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache {
        folder: folder.path().to_path_buf(),
        limit: LIMIT,
    };
    let kept = |scale: &str| {
        let options = Options {
            cache: Some(cache.clone()),
            ..jobs(2)
        };
        let made = compile(&program(&ALL, scale), options, &[Emit::Staticlib]);
        assert!(!made.from_cache);
        let anew = compile(&program(&ALL, scale), jobs(2), &[Emit::Staticlib]);
        assert!(made.artefacts == anew.artefacts);
        std::fs::read_dir(folder.path()).unwrap().count()
    };
    // Each time also what all parts became.
    let first = kept("2.0");
    let second = kept("3.0") - first;
    assert!(
        first > 3 && second < first,
        "{first} entries, then {second}"
    );
}
