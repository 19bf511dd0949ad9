//! Random texts, those of the fuzzer's corpus among them: nothing panics, every span lies in the text, and what does not parse is reported.

use super::TINY;
use super::explain::programs;
use crate::diagnostic::Code;

#[path = "../../fuzz/properties.rs"]
mod properties;

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
    properties::lexes(text);
    properties::parses(text);
    properties::checks(text);
}

/// What libFuzzer found, made small: texts that once went wrong, and others that go through different code.
#[test]
fn corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
    let mut texts = 0;
    for target in ["lex", "parse", "check"] {
        let entries = std::fs::read_dir(format!("{folder}/{target}")).expect("the corpus is there");
        for entry in entries {
            let bytes = std::fs::read(entry.expect("it can be read").path()).expect("it is a file");
            check(&String::from_utf8_lossy(&bytes));
            texts += 1;
        }
    }
    assert!(texts > 0);
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
