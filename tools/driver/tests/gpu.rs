//! `--gpu`: what is refused for a GPU.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlc_driver::compile::{ARCHITECTURES, Emit, Failure, Options, Session, Source};

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
    let session = Session::new(Options {
        gpu: Some(ARCHITECTURES[0]),
        ..Options::default()
    });
    let source = Source {
        name: "f.dl",
        text: &text,
        stem: "f",
    };
    match session.compile(&source, &[Emit::Ptx]) {
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
