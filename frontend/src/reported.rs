//! What passes report of a program, as diagnostics: MLIR's locations as places in the source.

use dlc_dialects::ir::context::Record;
use dlc_dialects::pass::INTERNAL;

use crate::ast::Span;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceMap};

/// The passes that find errors in the user's program.
const USER: [&str; 3] = ["expand-derivatives", "dl-to-linalg", "emit-launches"];

/// The message without the pass's name, if it tells of the user's program.
pub fn users(message: &str) -> Option<&str> {
    let (pass, message) = message.split_once(": ")?;
    (USER.contains(&pass) && !message.starts_with(INTERNAL)).then_some(message)
}

/// An error or remark of DL begins with its code; one without is about IR that the frontend should not have made.
pub fn diagnostic(sources: &SourceMap, record: &Record, message: &str) -> Option<Diagnostic> {
    let (code, message) = message.split_once(' ')?;
    let code = code.starts_with("DL").then(|| Code::parse(code))??;
    let start = place_of(sources, &record.location);
    let mut diagnostic = match record.error {
        true => Diagnostic::error(code, message, start),
        false => Diagnostic::remark(code, message, start),
    };
    for note in &record.notes {
        let at = span(sources, &note.location);
        diagnostic = match (note.message.strip_prefix("help: "), at) {
            (Some(help), _) => diagnostic.help(help),
            (None, Some(at)) if at != start => diagnostic.secondary(at, note.message.as_str()),
            _ => diagnostic.note(note.message.as_str()),
        };
    }
    Some(diagnostic)
}

/// Line and column in MLIR's text of a location; the innermost place in this file, where there are several.
pub fn place(file: &str, location: &str) -> Option<(usize, usize)> {
    let (_, rest) = location.split_once(&format!("{file:?}:"))?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The word at a location, or the beginning of the program.
pub fn place_of(sources: &SourceMap, location: &str) -> Span {
    span(sources, location).unwrap_or(Span::in_file(0, 0, 0))
}

/// The word at a location: at the innermost place in the file given to the compiler, else in another.
pub fn span(sources: &SourceMap, location: &str) -> Option<Span> {
    sources.files().iter().find_map(|source| {
        let place = place(sources.ir_name(source.file), location)?;
        Some(word(source, place))
    })
}

/// The bytes of the word, or at least of the character, at a line and column, which count characters from 1.
fn word(source: &Source, (line, column): (usize, usize)) -> Span {
    let start = source.line_start(line) as usize;
    let rest = source.text.get(start..).unwrap_or_default();
    let skipped: usize = rest
        .chars()
        .take(column.saturating_sub(1))
        .map(char::len_utf8)
        .sum();
    let rest = &rest[skipped..];
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let length = word.max(rest.chars().next().map_or(0, char::len_utf8));
    let start = start + skipped;
    Span::in_file(source.file, start as u32, (start + length) as u32)
}
