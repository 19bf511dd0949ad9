//! The one layout by example; over all programs of the repository; and from layouts at random.

use std::path::{Path, PathBuf};

use dlc_programs::{generate::generate, print::program, random::Random};

use super::{Refused, format};
use crate::source::Source;

#[path = "../../fuzz/layouts.rs"]
mod layouts;

fn formatted(text: &str) -> String {
    match format(&Source::new("a.dl", text)) {
        Ok(text) => text,
        Err(refused) => panic!("{refused:?}:\n{text}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "dl") {
            found.push(path);
        }
    }
}

/// The programs of the repository that parse.
fn programs() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root(), &mut found);
    found.sort();
    let texts = found
        .into_iter()
        .filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?)));
    texts
        .filter(|(_, text)| layouts::tree(text).is_some())
        .collect()
}

/// A program as it is formatted; the formatter makes no mistake there.
fn holds(text: &str) -> String {
    assert_eq!(layouts::fault(text), None, "{text}");
    formatted(text)
}

#[test]
fn every_program_of_the_repository_keeps_its_meaning() {
    let programs = programs();
    assert!(programs.len() > 100, "{}", programs.len());
    for (_, text) in programs {
        holds(&text);
    }
}

#[test]
fn programs_in_layouts_at_random_keep_their_meaning() {
    let mut random = Random::of("layouts");
    let of_repository = programs().into_iter().map(|(_, text)| text);
    let generated = (0..100).map(|seed| program(&generate(seed).0));
    for text in of_repository.chain(generated) {
        if text.len() < 4000 {
            holds(&layouts::shaken(&text, &mut random));
        }
    }
}

#[test]
fn blanks_and_lines_are_those_of_the_repository() {
    for (text, expected) in [
        ("", ""),
        ("// only\n", "// only\n"),
        (
            "const  A=-1+ 2*3 ;const B = A",
            "const A = -1 + 2 * 3\nconst B = A\n",
        ),
        (
            "fn f( x :f32[ 2,3 ] )->f32{ sum( x , axis = -1 , ) [ 0 ] }",
            "fn f(x: f32[2, 3]) -> f32 { sum(x, axis=-1)[0] }\n",
        ),
        (
            "fn f(x: f32) -> f32 { let y = x; var z=y ; z+=1\n\n\n z }",
            "fn f(x: f32) -> f32 {\n  let y = x\n  var z = y\n  z += 1\n\n  z\n}\n",
        ),
        (
            "@inline fn f(x: (f32,)) -> f32 { if x.0>0 {x.0} else {\n -x.0 } }",
            "@inline\nfn f(x: (f32,)) -> f32 {\n  if x.0 > 0 {\n    x.0\n  } else {\n    -x.0\n  }\n}\n",
        ),
        (
            "struct P<N>{\n a:f32[N],b:f32, // both\n /// A doc.\n c:[f32;2]}",
            "struct P<N> {\n  a: f32[N], b: f32, // both\n  /// A doc.\n  c: [f32; 2],\n}\n",
        ),
        (
            "fn f(x: f32[4]) -> f32[2] { x[ 0 : N : 2 ] + x[: :2] ** 2 }",
            "fn f(x: f32[4]) -> f32[2] { x[0:N:2] + x[::2] ** 2 }\n",
        ),
        (
            "fn f(x: P) -> P { P{a:1,..x} }\r\n",
            "fn f(x: P) -> P { P { a: 1, ..x } }\n",
        ),
        (
            "use std :: nn ::{ a,b, }\nimport  \"x y.dl\"",
            "use std::nn::{a, b}\nimport \"x y.dl\"\n",
        ),
        (
            "fn f() -> () { }\ntest  \"t\" {\n\n  // why\n\n  assert(true)\n\n}",
            "fn f() -> () {}\ntest \"t\" {\n  // why\n\n  assert(true)\n}\n",
        ),
        (
            "fn f(x: f32) -> f32 { map(| y:f32 ,z| {\n y\n }, x) }",
            "fn f(x: f32) -> f32 {\n  map(|y: f32, z| {\n    y\n  }, x)\n}\n",
        ),
        (
            "fn f(x: f32) -> f32 { g(x // why\n) }",
            "fn f(x: f32) -> f32 {\n  g(\n    x, // why\n  )\n}\n",
        ),
    ] {
        assert_eq!(holds(text), expected);
    }
}

#[test]
fn long_lines_are_broken_where_they_go_on() {
    let name = "a".repeat(30);
    let sum = format!("fn f() -> f32 {{ {name} - {name} - {name} - {name} }}");
    let expected =
        format!("fn f() -> f32 {{\n  {name} -\n    {name} -\n    {name} -\n    {name}\n}}\n");
    assert_eq!(holds(&sum), expected);
    let call = format!("const A = g({name}, {name}, b={name}, c={name})");
    let expected = format!("const A = g(\n  {name}, {name}, b={name},\n  c={name},\n)\n");
    assert_eq!(holds(&call), expected);
    let head = format!("fn {name}({name}: f32, {name}: f32) -> ({name}, {name}) {{ x }}");
    let expected =
        format!("fn {name}(\n  {name}: f32, {name}: f32,\n) -> ({name}, {name}) {{ x }}\n");
    assert_eq!(holds(&head), expected);
}

#[test]
fn what_would_become_another_token_stays_apart() {
    for text in [
        "fn f(x: P) -> P { x[a: :b] }",
        "fn f(x: P) -> P { x[a::2] }",
        "fn f(x: P) -> P { g(| | 1) }",
        "fn f(x: P) -> P { g(|| 1) }",
        "fn f(x: P) -> P { 1 .0 }",
        "fn f(x: P) -> P { x.0 .1.w }",
        "fn f(x: P) -> P { x; || 1 }",
        "fn f(x: P) -> P { x.1 . // c\n y }",
        "fn f(x: P) -> P { x.1 . // c\n 0 }",
        "fn f(x: P) -> P { x.  // c\n 1 .0 }",
        "fn f(x: P) -> P { map(|v, // c\n | v, x) }",
        "fn f(x: P) -> P { let f = |v, // c\n | v }",
        "fn f(x: P) -> P { var ; ; x }",
        "fn f(x: P) -> P { return ; x }",
        "fn f(x: P) -> P { - - ! x }",
        "fn f(x: P) -> P { x; -1; [2]; (3); {4} }",
    ] {
        holds(text);
    }
}

#[test]
fn errors_of_syntax_are_given_and_warnings_are_not_in_the_way() {
    let refused = format(&Source::new("a.dl", "fn f( -> f32 { 1 }"));
    let Err(Refused::Errors(diagnostics)) = refused else {
        panic!("{refused:?}");
    };
    assert!(diagnostics.iter().any(|one| one.is_error()));
    let deep = format!("const A = {}1{}", "(".repeat(200), ")".repeat(200));
    holds(&deep);
}
