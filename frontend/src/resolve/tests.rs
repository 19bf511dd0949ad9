//! What names stand for, and that it is what the checker takes them for.

use crate::ast::{DType, Span};
use crate::lexer::lex;
use crate::modules::{MemoryFiles, NoFiles};
use crate::resolve::{BoundKind, Target};
use crate::source::Source;
use crate::tests::TINY;
use crate::token::Tok;
use crate::{Inspected, inspect};

fn inspected(text: &str) -> Inspected {
    inspect(Source::new("a.dl", text), &NoFiles)
}

/// The text of the place that the `n`th occurrence of `name` stands for, and its line.
fn target(all: &Inspected, name: &str, n: usize) -> Option<(String, usize)> {
    let text = &all.sources.root().text;
    let (at, _) = text.match_indices(name).nth(n).expect("it occurs");
    match &all.names.at(0, at as u32)?.target {
        Target::Place(span) => {
            let place = all.sources.line_col(*span);
            Some((all.sources.slice(*span).to_owned(), place.line))
        }
        Target::Builtin(name) => Some((name.clone(), 0)),
        other => Some((format!("{other:?}"), 0)),
    }
}

const SCOPES: &str = "\
const N = 4
struct P<D> { w: f32[D], b: f32 }
fn f<T>(x: f32[T], k: f32) -> f32 where T > 0 {
  let x = x * k
  var s = 0.0
  for i in 0..T { s = s + x[i] }
  s + sum(map(|x| x + 1.0, [k]))
}
fn g(p: P<D=N>) -> f32 {
  let q = P { w: p.w, b: f(p.w, k=p.b) }
  let d = grad(f, wrt=k)(q.w, 1.0)
  d + f<T=N>(q.w, 2.0)
}
";

#[test]
fn scopes_are_those_of_the_checker() {
    let all = inspected(SCOPES);
    let at = |name: &str, n: usize| target(&all, name, n).expect("it stands for something");
    // `x * k` is the parameter, `x[i]` the variable, `x + 1.0` the parameter of the function value.
    assert_eq!(at("x * k", 0), ("x".into(), 3));
    assert_eq!(at("x[i]", 0), ("x".into(), 4));
    assert_eq!(at("x + 1.0", 0), ("x".into(), 7));
    assert_eq!(at("i]", 0), ("i".into(), 6));
    assert_eq!(at("T > 0", 0), ("T".into(), 3));
    assert_eq!(at("sum", 0), ("sum".into(), 0));
    assert_eq!(at("N>)", 0), ("N".into(), 1));
    // Names of parts of other items.
    assert_eq!(at("D=N", 0), ("D".into(), 2));
    assert_eq!(at("w: p.w", 0), ("w".into(), 2));
    assert_eq!(at("k=p.b", 0), ("k".into(), 3));
    assert_eq!(at("k)(q", 0), ("k".into(), 3));
    assert_eq!(at("T=N", 0), ("T".into(), 3));
    // Fields, by what the checker saw.
    assert_eq!(at("w, 2.0", 0), ("w".into(), 2));
    assert_eq!(at("b) }", 0), ("b".into(), 2));
}

#[test]
fn types_are_seen_in_the_names_of_dims() {
    let all = inspected(SCOPES);
    let text = &all.sources.root().text;
    let seen = |name: &str| {
        let at = text.find(name).expect("it occurs") as u32;
        let end = at + name.len() as u32;
        all.seen.type_at(Span::new(at, end)).expect("it was seen")
    };
    assert_eq!(seen("x * k").text, "f32[T]");
    assert_eq!(seen("x * k").bytes.as_deref(), Some("4*T"));
    assert_eq!(seen("p.w").text, "f32[N]");
    assert_eq!(seen("p.w").known, ", where N = 4");
    assert_eq!(seen("P { w: p.w, b: f(p.w, k=p.b) }").text, "P<N>");
    assert_eq!(seen("d").text, "f32");
}

#[test]
fn what_is_in_reach() {
    let all = inspected(SCOPES);
    let at = SCOPES.find("s = s + x").expect("it occurs") as u32;
    let reach = all.names.in_reach(0, at);
    let mut names: Vec<(&str, BoundKind)> = reach.iter().map(|b| (&*b.name, b.kind)).collect();
    names.sort_by_key(|(name, _)| *name);
    let expected = [
        ("T", BoundKind::Generic),
        ("i", BoundKind::Loop),
        ("k", BoundKind::Param),
        ("s", BoundKind::Var),
        ("x", BoundKind::Let),
    ];
    assert_eq!(names, expected);
}

#[test]
fn names_of_other_files() {
    let mut files = MemoryFiles::default();
    files.0.insert(
        "lib.dl".into(),
        "fn twice(x: f32) -> f32 { 2.0 * x }\n".into(),
    );
    let text = "import \"lib.dl\"\nuse lib::twice\nuse std::nn\nfn h(x: f32) -> f32 { twice(x) + lib::twice(x) + sum(nn::linear([[x]], [[x]], [x])) }\n";
    let all = inspect(Source::new("a.dl", text), &files);
    for (name, n) in [("twice", 0), ("twice(x) +", 0), ("twice(x) +", 1)] {
        let found = text.match_indices(name).nth(n).expect("it occurs").0;
        let found = all
            .names
            .at(0, found as u32)
            .expect("it stands for something");
        let Target::Place(span) = found.target else {
            panic!("a place: {found:?}")
        };
        assert_eq!((span.file, all.sources.slice(span)), (1, "twice"));
    }
    let linear = text.find("linear").expect("it occurs") as u32;
    let Some(Target::Place(span)) = all.names.at(0, linear).map(|one| one.target.clone()) else {
        panic!("a place")
    };
    assert_eq!(all.sources.get(span.file).name, "<std>/nn.dl");
}

/// Every variable, dim, field and item of a whole program stands for something, but what is none.
#[test]
fn all_names_of_a_program_are_found() {
    let all = inspected(TINY);
    let (tokens, _) = lex(all.sources.root());
    let next = tokens.iter().map(|token| &token.tok).skip(1);
    let mut missing = Vec::new();
    for (token, next) in tokens.iter().zip(next) {
        let Tok::Ident(name) = &token.tok else {
            continue;
        };
        // Dtypes in types, the head of conditions, and names of arguments of built-ins.
        let is_dtype = DType::ALL.iter().any(|dtype| dtype.dl_name() == name);
        let passed_over = is_dtype || name == "where" || *next == Tok::Assign;
        if !passed_over && all.names.at(0, token.span.start).is_none() {
            missing.push(name.as_str());
        }
    }
    // An attribute, a function that the example leaves out, and the word of an item.
    assert_eq!(missing, ["checkpoint", "init_block", "test"]);
}
