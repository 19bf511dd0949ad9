//! Random texts: nothing panics, every span lies in the text, and what does not parse is reported.

use super::TINY;
use crate::ast::{ItemKind, Span};
use crate::ast_print;
use crate::diagnostic::Diagnostic;
use crate::parser::parse;
use crate::render::{Format, render};
use crate::source::{Source, SourceMap};

/// A generator of random numbers (xorshift), the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

fn check(text: &str) {
    let source = Source::new("fuzz.dl", text);
    let (file, diagnostics) = parse(&source);
    let inside = |span: Span| source.text.get(span.range()).is_some();
    for diagnostic in &diagnostics {
        assert!(
            inside(diagnostic.primary.span),
            "{diagnostic:?} in {text:?}"
        );
        assert!(
            diagnostic.secondary.iter().all(|label| inside(label.span)),
            "{diagnostic:?} in {text:?}"
        );
        let replaced = diagnostic.help.iter().flat_map(|help| &help.replacement);
        assert!(
            replaced.into_iter().all(|(span, _)| inside(*span)),
            "{diagnostic:?} in {text:?}"
        );
    }
    let sources = SourceMap::from(source.clone());
    for format in [Format::Plain, Format::Narrated, Format::Short, Format::Json] {
        let printed = render(&sources, &diagnostics, format);
        assert_eq!(printed.is_empty(), diagnostics.is_empty());
    }
    let printed = ast_print::print(&file);
    let bad = printed.contains("<error>")
        || file
            .items
            .iter()
            .any(|item| matches!(item.kind, ItemKind::Bad(_)));
    let wrong = diagnostics.iter().any(Diagnostic::is_error);
    assert!(wrong || !bad, "{text:?}");
    if !wrong {
        let (again, diagnostics) = parse(&Source::new("printed.dl", printed.as_str()));
        assert_eq!(diagnostics, [], "{printed}\nfrom {text:?}");
        assert_eq!(ast_print::print(&again), printed, "from {text:?}");
    }
    let checked = crate::check(&source);
    let wrong = checked.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(checked.program.is_none(), wrong, "{text:?}");
    render(&sources, &checked.diagnostics, Format::Plain);
}

#[test]
fn random_bytes() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..random.below(60))
            .map(|_| random.below(256) as u8)
            .collect();
        check(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn random_words() {
    const WORDS: &[&str] = &[
        "fn",
        "let",
        "var",
        "if",
        "else",
        "for",
        "in",
        "while",
        "return",
        "struct",
        "const",
        "export",
        "import",
        "use",
        "test",
        "where",
        "inout",
        "true",
        "none",
        "f",
        "x",
        "T",
        "f32",
        "0",
        "1.5",
        "\"s\"",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        "::",
        ".",
        "..",
        "..=",
        "...",
        "->",
        "=",
        "+=",
        "||",
        "&&",
        "|",
        "!",
        "==",
        "<",
        ">",
        "+",
        "-",
        "*",
        "/",
        "@",
        "**",
        "\n",
        "\n",
        "// c\n",
        "/// d\n",
        "//! e\n",
        "and",
        "not",
        "elif",
        "def",
        "mut",
        "$",
        "\"open",
        "é",
        "fn f() {",
        "}\n",
        "struct S {",
        "x: f32,",
        "@inline\n",
    ];
    let mut random = Random(42);
    for _ in 0..4000 {
        let n = random.below(40);
        let words: Vec<&str> = (0..n).map(|_| random.one_of(WORDS)).collect();
        check(&words.join(random.one_of(&[" ", "", " \n"])));
    }
}

#[test]
fn mutated_programs() {
    let mut random = Random(7);
    let pieces: Vec<&str> = TINY
        .split_inclusive([' ', '(', ')', ',', '\n', '[', ']', '{', '}'])
        .collect();
    for round in 0..1500 {
        let mut mutated = pieces.clone();
        for _ in 0..=round % 4 {
            let at = random.below(mutated.len());
            match random.below(4) {
                0 => drop(mutated.remove(at)),
                1 => mutated.insert(at, pieces[random.below(pieces.len())]),
                2 => mutated[at] = pieces[random.below(pieces.len())],
                _ => {
                    let other = random.below(mutated.len());
                    mutated.swap(at, other);
                }
            }
        }
        check(&mutated.concat());
    }
}

#[test]
fn truncated_programs() {
    for end in (0..TINY.len())
        .step_by(7)
        .filter(|end| TINY.is_char_boundary(*end))
    {
        check(&TINY[..end]);
        check(&TINY[end..]);
    }
}
