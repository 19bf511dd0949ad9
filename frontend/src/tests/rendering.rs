//! How diagnostics are printed.

use crate::ast::Span;
use crate::check_to_string;
use crate::diagnostic::{Code, Diagnostic, similar};
use crate::golden::{Golden, compare};
use crate::render::{Format, render};
use crate::source::{Source, SourceMap};

#[test]
fn every_part_is_shown() {
    let text = "fn f(b: B) -> f32 {\n  norm(y) @ b.w2\n}\n";
    let at = |what: &str| {
        let start = text.find(what).expect("it is there") as u32;
        Span::new(start, start + what.len() as u32)
    };
    let diagnostic = Diagnostic::error(
        Code::DL0203,
        "inner dims differ, D = 64 and F = 256",
        at("@"),
    )
    .secondary(at("norm(y)"), "last axis is D")
    .secondary(at("b.w2"), "first axis is F")
    .note("`@` contracts the last axis on the left with the second-to-last on the right")
    .suggest("`b.w1` is `f32[D, F]` and fits here", at("b.w2"), "b.w1");
    let sources = SourceMap::from(Source::new("tiny.dl", text));
    let expected = "\
error[DL0203]: inner dims differ, D = 64 and F = 256
 --> tiny.dl:2:11
  |
2 |   norm(y) @ b.w2
  |   ------- ^ ---- first axis is F
  |   |
  |   last axis is D
  |
  = note: `@` contracts the last axis on the left with the second-to-last on the right
help: `b.w1` is `f32[D, F]` and fits here
  |
2 -   norm(y) @ b.w2
2 +   norm(y) @ b.w1
  |
  = explain: dlc explain DL0203

";
    assert_eq!(
        render(&sources, std::slice::from_ref(&diagnostic), Format::Plain),
        expected
    );
    let short = render(&sources, std::slice::from_ref(&diagnostic), Format::Short);
    assert_eq!(
        short,
        "tiny.dl:2:11: error[DL0203]: inner dims differ, D = 64 and F = 256\n"
    );
    let json = render(&sources, std::slice::from_ref(&diagnostic), Format::Json);
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(value["primary"]["line"], 2);
    assert_eq!(value["secondary"][0]["label"], "last axis is D");
    assert_eq!(value["help"]["replacement"]["text"], "b.w1");
    let start = value["help"]["replacement"]["start"]
        .as_u64()
        .expect("a number") as usize;
    assert_eq!(&text[start..start + 4], "b.w2");
    let colour = render(&sources, &[diagnostic], Format::Colour);
    assert!(colour.contains("\u{1b}["));
}

#[test]
fn wide_characters_tabs_and_line_ends() {
    let (text, ok) = check_to_string("t.dl", "fn f() {\r\n\tlet é漢 = 1 $ 2\r\n}", Format::Plain);
    assert!(!ok);
    assert!(text.contains("--> t.dl:2:6\n"), "{text}");
    assert!(text.contains("--> t.dl:2:13\n"), "{text}");
    assert!(!text.contains('\r'), "{text}");
}

#[test]
fn errors_at_the_end_of_the_file() {
    for text in [
        "fn",
        "fn f(",
        "const A =",
        "fn f() {",
        "///",
        "struct A",
        "\"",
        "use a::",
    ] {
        for format in [
            Format::Plain,
            Format::Colour,
            Format::Narrated,
            Format::Short,
            Format::Json,
            Format::Sarif,
        ] {
            let (printed, ok) = check_to_string("t.dl", text, format);
            assert!(!ok && !printed.is_empty(), "{text}");
        }
    }
}

#[test]
fn similar_names() {
    let names = ["softmax", "sum", "mean", "matmul"];
    assert_eq!(similar("sofmax", names), Some("softmax"));
    assert_eq!(similar("maen", names), Some("mean"));
    assert_eq!(similar("conv2d", names), None);
    assert_eq!(similar("y", ["x", "Y", "z"]), Some("Y"));
    assert_eq!(similar("y", ["x", "z"]), None);
}

#[test]
fn golden_texts() {
    assert_eq!(compare(Some("a\r\nb\n"), "a\nb\n", false), Golden::Same);
    assert_eq!(compare(None, "", false), Golden::Same);
    assert_eq!(compare(Some("a"), "b", false), Golden::Differs);
    assert_eq!(compare(Some("a"), "b", true), Golden::Rewrite("b".into()));
}

#[test]
fn codes_have_names_and_titles() {
    assert_eq!(Code::parse("dl0203"), Some(Code::DL0203));
    assert_eq!(Code::parse("203"), Some(Code::DL0203));
    assert_eq!(Code::parse("DL9999"), None);
    let mut sorted = Code::ALL.to_vec();
    sorted.sort_by_key(|code| code.name());
    assert_eq!(sorted, Code::ALL);
}
