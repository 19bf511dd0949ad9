//! Tests of the syntax half that need no files: what newlines mean, spans, printing and robustness.
//!
//! What each wrong program prints stands in `test/frontend/err`.

mod bad_input;
mod builtins;
mod control;
mod explain;
mod fuzz;
mod layout;
mod modules;
mod rendering;
mod windows;

use crate::ast::File;
use crate::ast_print;
use crate::core::Options;
use crate::diagnostic::{Code, Diagnostic};
use crate::modules::NoFiles;
use crate::parser::parse;
use crate::source::Source;

/// The program of the language document.
pub(crate) const TINY: &str = include_str!("tests/tiny.dl");

pub(crate) fn parsed(text: &str) -> (File, Vec<Diagnostic>) {
    parse(&Source::new("t.dl", text))
}

/// The tree of a program without errors, printed.
#[track_caller]
pub(crate) fn printed(text: &str) -> String {
    let (file, diagnostics) = parsed(text);
    assert_eq!(diagnostics, [], "{text}");
    ast_print::print(&file)
}

/// The body of a function without errors, printed, its lines joined by ` / `.
#[track_caller]
pub(crate) fn body(text: &str) -> String {
    let printed = printed(&format!("fn f() {{\n{text}\n}}\n"));
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    lines[1..lines.len() - 1].join(" / ")
}

#[test]
fn the_program_of_the_language_document_parses() {
    let (file, diagnostics) = parsed(TINY);
    assert_eq!(diagnostics, []);
    assert_eq!(file.items.len(), 16);
    assert_eq!(
        file.docs[0].text,
        "tiny.dl - a causal transformer and its SGD step"
    );
}

#[test]
fn printing_keeps_the_program() {
    let once = printed(TINY);
    assert_eq!(printed(&once), once);
}

#[test]
fn precedence() {
    for (written, printed) in [
        (
            "a || b && c == d + e * f ** g",
            "a || b && c == d + e * f ** g",
        ),
        ("((a || b) && c) == d", "((a || b) && c) == d"),
        ("-x ** 2", "-x ** 2"),
        ("(-x) ** 2", "(-x) ** 2"),
        ("2 ** -x ** y", "2 ** -x ** y"),
        ("(2 ** x) ** y", "(2 ** x) ** y"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("a @ b @ c / d", "a @ b @ c / d"),
        ("-a.b[0](c).0.1", "-a.b[0](c).0.1"),
        ("!a && !b", "!a && !b"),
        ("(a < b) == (c < d)", "(a < b) == (c < d)"),
        (
            "f(|x, (y, z)| x + y, k=|| 1)",
            "f(|x, (y, z)| x + y, k=|| 1)",
        ),
        (
            "x[1:3, ..., -1, :, none, ::2, a::b, a: :b, i]",
            "x[1:3, ..., -1, :, none, ::2, a::b, a: :b, i]",
        ),
        ("f<T=8, U=2 * T>(x)", "f<T=8, U=2 * T>(x)"),
        ("a < b", "a < b"),
        ("(x,)", "(x,)"),
        ("((x))", "x"),
        ("()", "()"),
        ("P { a: 1, b, ..old }", "P { a: 1, b: b, ..old }"),
        ("P {}", "P {  }"),
        ("std::nn::P<D=3> { a: 1 }", "std::nn::P<D=3> { a: 1 }"),
        (
            "1_000 + 0x1f + 0b11 + 1e-6 + 1.5e3",
            "1000 + 31 + 3 + 1e-6 + 1500.0",
        ),
        ("where(a, b, c)", "where(a, b, c)"),
        ("t.0.1 + 0.1", "t.0.1 + 0.1"),
    ] {
        assert_eq!(body(written), printed);
    }
}

#[test]
fn every_form_of_item() {
    let text = "\
@checkpoint
@precision(bf16)
/// doc
export fn f<A, B in 1..=64, C in 1.., D in ..=3, E in 0..N>(inout p: P<A, X=2>, g: fn(f32, (i32, bool)) -> key, l: [[f32[A]; 2]; N],) -> (f32,) where A % 2 == 0, B <= C, {
  return (1.0,)
}
use std::nn::{linear, layer_norm,}; use a::b
import \"x/y.dl\"
struct Empty {}
struct One<A,> { /// the first
  a: f32, }
test \"it works\" { assert(true); }
";
    let once = printed(text);
    assert_eq!(printed(&once), once);
    assert!(
        once.contains("E in 0..N>(inout p: P<A, X=2>, g: fn(f32, (i32, bool)) -> key"),
        "{once}"
    );
    assert!(
        once.starts_with("/// doc\n@checkpoint\n@precision(bf16)\nexport fn f<A, B in 1..=64, "),
        "{once}"
    );
    assert!(once.contains("/// the first\n  a: f32,"), "{once}");
    assert!(
        once.contains("use std::nn::{linear, layer_norm}\n\nuse a::b\n"),
        "{once}"
    );
}

#[test]
fn every_form_of_statement() {
    let text = "\
var x: f32[3] = zeros(3)
let (a, (_, b)) = f()
x[0] += 1; x.w -= 2; x.0 *= 3
(a, b) = (b, a)
x /= 1
x %= 2
x @= m
x **= 2
for i in 0..n { } for (i, x) in enumerate(reversed(xs)) { a }
for i in reversed(0..=n - 1) { a = i }
for b in p.blocks { x = b }
while x < 3 { x += 1 }
if a { b } else if c { d } else { e }
{ let y = 1; y }
return x";
    let once = body(text);
    assert!(
        once.contains("for i in 0..n { / } / for (i, x) in enumerate(reversed(xs)) { / a / }"),
        "{once}"
    );
    assert!(
        once.contains("for i in reversed(0..=n - 1) { / a = i / }"),
        "{once}"
    );
    assert!(once.ends_with("{ / let y = 1 / y / } / return x"), "{once}");
    assert_eq!(body(&once.replace(" / ", "\n")), once);
}

/// The variants with an executor are there where a library is made for several threads, those with a device where it is made
/// for a GPU, and so are their names.
#[test]
fn variants_have_names() {
    let plain = Options::default;
    let threads = Options {
        threads: true,
        ..plain()
    };
    let gpu = Options {
        gpu: true,
        ..plain()
    };
    for (others, with) in [
        (&["f_on", "f_packed_on"][..], threads),
        (&["f_gpu", "f_packed_gpu", "f_workspace_gpu"], gpu),
    ] {
        for other in others {
            let text = format!(
                "export fn f(x: f32) -> f32 {{ x }}\nexport fn {other}(x: f32) -> f32 {{ x }}\n"
            );
            for (options, expected) in [(plain(), vec![]), (with, vec![Code::DL0709])] {
                let source = Source::new("t.dl", text.as_str());
                let checked = crate::check_for(source, &NoFiles, options);
                let codes: Vec<Code> = checked.diagnostics.iter().map(|one| one.code).collect();
                assert_eq!(codes, expected, "{other}");
            }
        }
    }
}
