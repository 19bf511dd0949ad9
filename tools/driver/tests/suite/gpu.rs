//! `--gpu`: what is made for a GPU, and what is refused.

use dlc_driver::compile::{ARCHITECTURES, Architecture, Emit, Failure, Options, Session, Source};
use object::{Object, ObjectSymbol};
use std::collections::BTreeMap;

fn session(gpu: Option<Architecture>) -> Session {
    Session::new(Options {
        gpu,
        ..Options::default()
    })
}

fn source(text: &str) -> Source<'_> {
    Source {
        name: "f.dl",
        text,
        stem: "f",
    }
}

/// The device's artefacts are its own: functions of one thread before and after they are in its dialect, and their text.
#[test]
fn what_is_made() {
    let source = source("export fn f<N in 1..=64>(x: f32[N]) -> f32[N] { exp(x) }");
    let kinds = [Emit::Gpu, Emit::Nvvm, Emit::Ptx];
    for gpu in ARCHITECTURES {
        let made = session(Some(*gpu)).compile(&source, &kinds).unwrap();
        let text = |kind| str::from_utf8(&made.artefacts[&kind]).unwrap();
        for (kind, is_in, is_not) in [
            (Emit::Gpu, "math.exp", "llvm.func"),
            (Emit::Gpu, "call @f_f__impl__kernel0(", "memref.alloc"),
            (Emit::Nvvm, "nvvm.kernel", "@f_f_gpu"),
            (Emit::Nvvm, "nvvm.read.ptx.sreg.tid.x", "func.func"),
            (Emit::Ptx, gpu.name, "@f_f_gpu"),
            (Emit::Ptx, ".entry f_f__impl__kernel0__entry(", "llvm."),
        ] {
            let text = text(kind);
            assert!(text.contains(is_in), "{} lacks {is_in}", kind.name());
            assert!(!text.contains(is_not), "{} has {is_not}", kind.name());
        }
    }
    for kind in kinds {
        let Err(Failure::Usage(message)) = session(None).compile(&source, &[kind]) else {
            panic!("{} is made of no GPU", kind.name());
        };
        assert!(message.ends_with("help: add `--gpu sm_80`"), "{message}");
    }
}

/// The symbols that a shared library takes from elsewhere: whether each may be missing.
fn taken(gpu: Option<Architecture>) -> BTreeMap<String, bool> {
    let source = source("export fn f(x: f32) -> f32 { exp(x) }");
    let made = session(gpu).compile(&source, &[Emit::Cdylib]).unwrap();
    let library = made.artefacts[&Emit::Cdylib].as_slice();
    let file = object::File::parse(library).unwrap();
    let undefined = file.dynamic_symbols().filter(|one| one.is_undefined());
    let named = undefined.map(|one| (one.name().unwrap().to_string(), one.is_weak()));
    named.filter(|(name, _)| !name.is_empty()).collect()
}

/// Libraries for a GPU load where nothing of it is there.
#[test]
fn what_chooses_a_device_may_be_missing() {
    assert_eq!(taken(None), BTreeMap::new());
    let asked = ["dlc_gpu_runtime", "dlopen", "dlsym", "getenv"];
    let expected = asked.map(|name| (name.to_string(), true));
    assert_eq!(taken(Some(ARCHITECTURES[0])), expected.into());
}

/// What is said of a program of scalars that one thread adds up.
fn refused(scalars: usize) -> Option<String> {
    let list = |of: &str| {
        let items = (0..scalars).map(|i| format!("a{i}{of}"));
        items.collect::<Vec<_>>()
    };
    let lines = list("").join("\n  s = s + ");
    let text = format!(
        "export fn f({}) -> f32 {{\n  var s = 0.0\n  s = s + {lines}\n  s\n}}",
        list(": f32").join(", ")
    );
    match session(Some(ARCHITECTURES[0])).compile(&source(&text), &[Emit::Ptx]) {
        Ok(_) => None,
        Err(Failure::User { rendered, .. }) => Some(rendered),
        Err(other) => panic!("{other}"),
    }
}

/// A kernel takes no more parameters than a device gives it; where it would, the place is in the program.
#[test]
fn too_many_parameters() {
    assert_eq!(refused(160), None);
    let rendered = refused(300).unwrap();
    let first = rendered.lines().next().unwrap();
    assert_eq!(
        first,
        "error[DL0802]: what is done here in one kernel takes 7232 bytes of parameters, and a GPU takes 4096"
    );
    assert!(rendered.contains("--> f.dl:1:11"), "{rendered}");
    assert!(
        rendered.contains("help: make one tensor of many"),
        "{rendered}"
    );
}
