//! Random texts: nothing panics, every span lies in the text, and what does not parse is reported.

use super::TINY;
use super::explain::programs;
use crate::ast::{ItemKind, Span};
use crate::ast_print;
use crate::diagnostic::{Code, Diagnostic};
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
    let checked = crate::check(source.clone(), &crate::modules::NoFiles);
    let wrong = checked.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(checked.program.is_none(), wrong, "{text:?}");
    render(&checked.sources, &checked.diagnostics, Format::Plain);
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

/// The words of a program, each with the blanks or the punctuation after it.
fn pieces(program: &str) -> Vec<&str> {
    program
        .split_inclusive([' ', '(', ')', ',', '\n', '[', ']', '{', '}'])
        .collect()
}

/// A program with some words left out, added from others, replaced or exchanged.
fn mutated(program: &str, others: &[&str], times: usize, random: &mut Random) -> String {
    let mut words = pieces(program);
    for _ in 0..times {
        let at = random.below(words.len());
        let other = others[random.below(others.len())];
        match random.below(4) {
            0 if words.len() > 1 => drop(words.remove(at)),
            1 => words.insert(at, other),
            2 => words[at] = other,
            _ => {
                let with = random.below(words.len());
                words.swap(at, with);
            }
        }
    }
    words.concat()
}

#[test]
fn mutated_programs() {
    let mut random = Random(7);
    let words = pieces(TINY);
    for round in 0..600 {
        check(&mutated(TINY, &words, 1 + round % 4, &mut random));
    }
}

#[test]
fn mutated_pages() {
    let mut random = Random(11);
    let programs: Vec<String> = Code::ALL
        .iter()
        .flat_map(|code| {
            let (wrong, right) = programs(code.page());
            right.into_iter().chain(wrong)
        })
        .filter(|program| program.len() < 400)
        .collect();
    let words: Vec<&str> = programs
        .iter()
        .flat_map(|program| pieces(program))
        .collect();
    for round in 0..3000 {
        let program = &programs[round % programs.len()];
        check(&mutated(program, &words, 1 + round % 3, &mut random));
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
