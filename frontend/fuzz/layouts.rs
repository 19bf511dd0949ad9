//! Programs in layouts at random, and what holds of the formatter on every text. The unit tests and
//! `cargo xtask fuzz-fmt` share it.

use std::ops::Range;

use dlc_frontend::ast_print;
use dlc_frontend::diagnostic::Diagnostic;
use dlc_frontend::format::{Refused, format};
use dlc_frontend::lexer::lex;
use dlc_frontend::parser::parse;
use dlc_frontend::source::Source;
use dlc_frontend::token::Tok;
use dlc_programs::random::Random;

/// What may be put between two tokens. Much of it changes what a program means somewhere, and is not put there then.
const GAPS: &[&str] = &[
    "",
    " ",
    " ",
    "   ",
    "\t",
    " \t ",
    "\n",
    "\n",
    "\r\n",
    "\n\n\n",
    " // c\n",
    " //\n",
    "\n  // d é\n",
    "\n// e\n\n\n  //f\n",
    ",",
    " , ",
    ",\n",
    ";",
    " ;\n",
    ",// g\n",
];

/// What may be put beside a comment that is there.
const BESIDE: &[&str] = &["", " ", "\n", "\n\n\n", "\t\n  ", " // h\n"];

/// The tree of a text as it is printed, if it has no errors of syntax.
pub fn tree(text: &str) -> Option<String> {
    let (tree, diagnostics) = parse(&Source::new("a.dl", text));
    let wrong = diagnostics.iter().any(Diagnostic::is_error);
    (!wrong).then(|| ast_print::print(&tree))
}

/// A text with other blanks, ends of lines, comments, commas and semicolons between its tokens, that means the same.
pub fn shaken(text: &str, random: &mut Random) -> String {
    let Some(meaning) = tree(text) else {
        return text.to_owned();
    };
    let often = *random.choose(&[0.02, 0.1, 0.4, 0.9]);
    let mut edits = Vec::new();
    for (gap, _) in tokens(text) {
        if random.chance(often) {
            let old = &text[gap.clone()];
            let new = match old.contains("//") {
                true => format!("{}{old}{}", random.choose(BESIDE), random.choose(BESIDE)),
                false => (*random.choose(GAPS)).to_owned(),
            };
            edits.push((gap, new));
        }
    }
    made(text.to_owned(), &edits, &meaning)
}

/// The tokens of a text, as ranges of bytes, each with what stands before it; ends of lines are no tokens here, and
/// the end of the text is one.
fn tokens(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let (tokens, _) = lex(&Source::new("a.dl", text));
    let tokens = tokens.iter().filter(|token| token.tok != Tok::Newline);
    let ranges = tokens.map(|token| token.span.range());
    let mut end = 0;
    ranges
        .chain(std::iter::once(text.len()..text.len()))
        .map(|token| (std::mem::replace(&mut end, token.end)..token.start, token))
        .collect()
}

/// A text with all these edits, or with those that do not change what it means: those of the second half are tried
/// first, so that the places of the others stay right.
fn made(text: String, edits: &[(Range<usize>, String)], meaning: &str) -> String {
    let mut all = text.clone();
    for (gap, new) in edits.iter().rev() {
        all.replace_range(gap.clone(), new);
    }
    if tree(&all).as_deref() == Some(meaning) {
        return all;
    }
    if edits.len() < 2 {
        return text;
    }
    let (first, second) = edits.split_at(edits.len() / 2);
    made(made(text, second, meaning), first, meaning)
}

/// The tokens and comments of a text in their order, without what the formatter adds and leaves out: ends of lines,
/// semicolons, and commas, which the tree tells of.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (gap, token) in tokens(text) {
        let comments = text[gap]
            .lines()
            .filter_map(|line| line.find("//").map(|at| &line[at..]));
        words.extend(comments.map(str::trim_end));
        match text[token].trim_end() {
            "," | ";" | "" => {}
            // Of a slice without an end, where the two may stand together.
            "::" => words.extend([":", ":"]),
            token => words.push(token),
        }
    }
    words
}

/// What is wrong with the formatter on a text; nothing where it is right, or rightly refuses it.
pub fn fault(text: &str) -> Option<&'static str> {
    let formatted = |text: &str| format(&Source::new("a.dl", text));
    let meaning = tree(text);
    let once = match (formatted(text), &meaning) {
        (Err(Refused::Errors(_)), None) => return None,
        (Err(Refused::Errors(_)), Some(_)) => return Some("it refuses what parses"),
        (Ok(_), None) => return Some("it takes what does not parse"),
        (Err(Refused::Changed), _) => return Some("it finds itself wrong"),
        (Ok(once), Some(_)) => once,
    };
    let ends_well = |line: &str| line.trim_end() == line;
    if tree(&once) != meaning {
        Some("the tree is another one")
    } else if words(&once) != words(text) {
        Some("tokens or comments are others")
    } else if !once.lines().all(ends_well) || once.contains(['\r', '\t']) && !text.contains('"') {
        Some("blanks stay")
    } else if once.contains("\n\n\n") || !(once.is_empty() || once.ends_with('\n')) {
        Some("ends of lines are too many or too few")
    } else {
        match formatted(&once) {
            Ok(twice) if twice == once => None,
            _ => Some("it does not stay"),
        }
    }
}
