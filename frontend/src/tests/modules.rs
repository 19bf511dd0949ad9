//! Programs of several files.

use crate::ast::ItemKind;
use crate::core::{Goal, Options};
use crate::modules::{
    Library, LoadError, Loader, MemoryFiles, NoFiles, STD, load_with, std_source,
};
use crate::parser::parse;
use crate::render::{Format, render};
use crate::source::Source;
use crate::{check, check_for, check_with};

fn files(texts: &[(&str, &str)]) -> MemoryFiles {
    let texts = texts.iter();
    MemoryFiles(
        texts
            .map(|(name, text)| (name.to_string(), text.to_string()))
            .collect(),
    )
}

/// The codes of what is said of the first file, which imports the others.
fn codes(texts: &[(&str, &str)]) -> Vec<String> {
    let (name, text) = texts[0];
    let (said, _) = check_with(name, text, &files(texts), Format::Short);
    let code = |line: &str| line.split(['[', ']']).nth(1).unwrap_or(line).to_owned();
    said.lines().map(code).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn every_item_of_the_standard_library_has_a_doc_comment() {
    let mut missing = Vec::new();
    for (module, text) in STD {
        let (tree, _) = parse(&Source::new(*module, *text));
        assert!(!tree.docs.is_empty(), "{module} says nothing of itself");
        for item in tree.items.iter().filter(|item| item.docs.is_empty()) {
            let name = match &item.kind {
                ItemKind::Const(c) => &c.name,
                ItemKind::Struct(s) => &s.name,
                ItemKind::Fn(f) => &f.name,
                _ => continue,
            };
            missing.push(format!("{module}::{}", name.name));
        }
    }
    assert!(missing.is_empty(), "no doc comment: {}", missing.join(", "));
}

#[test]
fn the_standard_library_has_nothing_to_complain_of() {
    for (module, _) in STD {
        let source = std_source(module).expect("it is in the list");
        let checked = check(source, &MemoryFiles::default());
        let said = render(&checked.sources, &checked.diagnostics, Format::Plain);
        assert!(said.is_empty() && checked.program.is_some(), "{said}");
    }
}

#[test]
fn names_are_those_of_the_file_they_stand_in() {
    let found = codes(&[
        (
            "a.dl",
            "import \"b.dl\"\nconst N = 4\nfn relu(x: f32[N]) -> bool { true }\nexport fn f(x: f32[2]) -> f32[2] { b::g(x) }",
        ),
        ("b.dl", "const N = 2\nfn g(x: f32[N]) -> f32[N] { relu(x) }"),
    ]);
    assert_eq!(found, NONE);
}

#[test]
fn a_file_is_one_module_by_whatever_path() {
    let found = codes(&[
        (
            "d/a.dl",
            "import \"b.dl\"\nimport \"../d/./e/c.dl\"\nexport fn f(x: b::S) -> f32 { c::g(x) }",
        ),
        ("d/b.dl", "struct S { x: f32 }"),
        (
            "d/e/c.dl",
            "import \"../../d/b.dl\"\nfn g(s: b::S) -> f32 { s.x }",
        ),
    ]);
    assert_eq!(found, NONE);
}

#[test]
fn circles_within_the_standard_library_are_found() {
    const LIBRARY: Library = &[
        ("a", "use std::b\nfn f(x: f32) -> f32 { b::g(x) }"),
        ("b", "fn g(x: f32) -> f32 { std::c::h(x) }"),
        ("c", "use std::a::f\nfn h(x: f32) -> f32 { f(x) }"),
        (
            "d",
            "use std::a\nfn k(x: f32) -> f32 { std::d::k(a::f(x)) }",
        ),
    ];
    let said = |module: &str| {
        let root = Source::new("m.dl", format!("use std::{module}"));
        let (files, diagnostics) = load_with(root, &NoFiles, LIBRARY);
        render(&files.sources, &diagnostics, Format::Short)
    };
    assert_eq!(
        said("a"),
        "<std>/c.dl:1:10: error[DL0606]: files import each other in a circle: \
         `<std>/a.dl` -> `<std>/b.dl` -> `<std>/c.dl` -> `<std>/a.dl`\n"
    );
    assert!(said("d").contains("<std>/d.dl:2:28: error[DL0606]: `<std>/d.dl` imports itself\n"));
}

#[test]
fn circles_end() {
    let a = (
        "a.dl",
        "import \"b.dl\"\nexport fn f(x: f32) -> f32 { b::g(x) }",
    );
    let b = ("b.dl", "import \"c.dl\"\nfn g(x: f32) -> f32 { c::h(x) }");
    let c = (
        "c.dl",
        "import \"a.dl\"\nimport \"c.dl\"\nfn h(x: f32) -> f32 { a::f(x) + c::h(x) }",
    );
    assert_eq!(codes(&[a, b, c]), ["DL0606", "DL0606"]);
    let long: Vec<(String, String)> = (0..2000)
        .map(|i| {
            (
                format!("f{i}.dl"),
                format!("import \"f{}.dl\"", (i + 1) % 2000),
            )
        })
        .collect();
    let long: Vec<(&str, &str)> = long.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let found = codes(&long);
    assert_eq!(found.iter().filter(|code| *code == "DL0606").count(), 1);
}

#[test]
fn constants_of_other_files() {
    let found = codes(&[
        (
            "a.dl",
            "import \"b.dl\"\nuse b::D\nconst N = b::D * 2 + D\nconst L = if b::WIDE && N > 5 { 2 } else { 1 }\nexport fn f(x: [f32[N]; L]) -> f32[6] { x[1] + f32(b::EPS) }",
        ),
        ("b.dl", "const D = 2\nconst WIDE = D >= 2\nconst EPS = 1e-5"),
    ]);
    assert_eq!(found, NONE);
    let circle = codes(&[
        ("a.dl", "import \"b.dl\"\nconst A = b::B + 1"),
        ("b.dl", "const B = B * 2"),
    ]);
    assert_eq!(circle, ["DL0606"]);
}

#[test]
fn structs_of_one_name_are_told_apart() {
    let texts = [
        (
            "a.dl",
            "import \"b.dl\"\nstruct S { x: f32 }\nfn f(s: b::S) -> S { s }",
        ),
        ("b.dl", "struct S { x: f32 }"),
    ];
    let (said, ok) = check_with("a.dl", texts[0].1, &files(&texts), Format::Short);
    assert!(
        !ok && said.contains("`b::S`") && said.contains("`S`"),
        "{said}"
    );
}

#[test]
fn mistakes_in_what_is_imported_are_shown_there() {
    let texts = [
        (
            "a.dl",
            "import \"d/b.dl\"\nexport fn f(x: f32) -> f32 { b::g(x) + b::h(x) }",
        ),
        ("d/b.dl", "fn g(x: f32) -> f32 { y }\nfn h(x: f32) -> { x }"),
    ];
    let (said, _) = check_with("a.dl", texts[0].1, &files(&texts), Format::Short);
    let places: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(places, ["d/b.dl:1:23", "d/b.dl:2:17"], "{said}");
}

#[test]
fn imports_are_not_entries_and_their_tests_are_not_run() {
    let texts = [
        (
            "a.dl",
            "import \"b.dl\"\nexport fn f(x: f32) -> f32 { b::g(x) }\ntest \"own\" { assert(f(1.0) == 1.0) }",
        ),
        (
            "b.dl",
            "export fn g(x: f32) -> f32 { x }\ntest \"other\" { assert(g(1.0) == 1.0) }",
        ),
    ];
    let source = || Source::new("a.dl", texts[0].1);
    let program = check(source(), &files(&texts))
        .program
        .expect("it is right");
    assert_eq!(program.entries.len(), 1);
    let tests: Vec<&str> = program
        .tests
        .iter()
        .map(|test| test.name.as_str())
        .collect();
    assert_eq!(tests, ["own"]);
    let options = Options {
        goal: Goal::Test(0),
        ..Options::default()
    };
    let program = check_for(source(), &files(&texts), options).program;
    let program = program.expect("it is right");
    let entries: Vec<&str> = program
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(entries, ["test"]);
    assert_eq!(program.tests[0].assertions.len(), 1);
}

#[test]
fn files_that_cannot_be_read() {
    struct Broken;
    impl Loader for Broken {
        fn identity(&self, name: &str) -> String {
            name.to_owned()
        }
        fn read(&self, name: &str) -> Result<String, LoadError> {
            Err(match name {
                "text.dl" => LoadError::NotUtf8(3),
                "long.dl" => LoadError::TooLong,
                _ => LoadError::Other("it is a folder".to_owned()),
            })
        }
    }
    let text = "import \"text.dl\"\nimport \"long.dl\"\nimport \"folder\"\nfn f(x: f32) -> f32 { text::g(x) + long::g(x) + folder::g(x) }";
    let (said, _) = check_with("a.dl", text, &Broken, Format::Short);
    for part in ["not UTF-8 text, on line 3", "bytes long", "it is a folder"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
}
