//! Messages of passes and tables of times, as text.

use crate::{
    compile::{COMPILER, Failure, Input, Ran, Session, Source, Stats, TimeFormat},
    report, source,
};
use dlc_dialects::{ir::context::Record, pass::INTERNAL};
use dlc_frontend::{ast::Span, codes::Code, diagnostic::Diagnostic, modules, source::SourceMap};
use dlc_gpu::chrome;
use serde_json::json;
use std::{collections::HashSet, time::Duration};

/// The passes that find errors in the user's program.
const USER: [&str; 3] = ["expand-derivatives", "dl-to-linalg", "emit-launches"];

/// The user's errors among what a failed pass reported, if that is all it reported.
pub fn user_errors(session: &Session, input: Input, records: &[Record]) -> Option<Failure> {
    let errors: Vec<_> = records.iter().filter(|record| record.error).collect();
    let messages: Vec<_> = errors
        .iter()
        .map(|record| users(&record.message))
        .collect::<Option<_>>()?;
    if messages.is_empty() {
        return None;
    }
    if source::is_module(input.source) {
        let lines = errors
            .iter()
            .zip(&messages)
            .map(|(record, message)| line(input.source, &record.location, "error", message));
        return Some(Failure::User {
            rendered: lines.collect(),
            errors: errors.len(),
        });
    }
    let diagnostics: Vec<_> = errors
        .iter()
        .zip(messages)
        .map(|(record, message)| diagnostic(input.sources, record, message))
        .collect::<Option<_>>()?;
    source::report(session, input.sources, &diagnostics).err()
}

/// What passes that succeeded have to say of the user's program, each thing once. Of what stands in the standard library
/// nothing: nobody can change it there.
pub fn remarks(session: &Session, input: Input, records: &[Record]) -> String {
    let mut shown = HashSet::new();
    let remarks = records.iter().filter(|record| {
        let place = (&record.location, &record.message);
        !record.error && record.message.starts_with("DL") && shown.insert(place)
    });
    if source::is_module(input.source) {
        let line =
            |record: &Record| line(input.source, &record.location, "remark", &record.message);
        return remarks.map(line).collect();
    }
    let is_own = |record: &&Record| {
        let files = input.sources.files().iter();
        let mut std = files.filter(|file| modules::is_std(file));
        !std.any(|file| place(input.sources.ir_name(file.file), &record.location).is_some())
    };
    let remarks = remarks.filter(is_own);
    let mut diagnostics: Vec<_> = remarks
        .filter_map(|record| diagnostic(input.sources, record, &record.message))
        .collect();
    session.options().lints.apply(&mut diagnostics);
    source::rendered(session, input.sources, &diagnostics)
}

/// The message without the pass's name, if it tells of the user's program.
fn users(message: &str) -> Option<&str> {
    let (pass, message) = message.split_once(": ")?;
    (USER.contains(&pass) && !message.starts_with(INTERNAL)).then_some(message)
}

/// One line about a textual module.
pub fn line(source: &Source, location: &str, severity: &str, message: &str) -> String {
    let (line, column) = place("-", location).unwrap_or((1, 1));
    format!("{}:{line}:{column}: {severity}: {message}\n", source.name)
}

/// An error or remark of DL begins with its code; one without is about IR that the frontend should not have made.
fn diagnostic(sources: &SourceMap, record: &Record, message: &str) -> Option<Diagnostic> {
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
fn word(source: &dlc_frontend::source::Source, (line, column): (usize, usize)) -> Span {
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

/// Passes and times in a form; then what else the time was spent on, and the whole.
pub fn times(ran: &Ran, total: Duration, format: TimeFormat) -> String {
    let times = report::times(ran);
    let total = total.as_secs_f64() * 1e3;
    match format {
        TimeFormat::Text => dlc_report::times::text(&times, total),
        TimeFormat::Json => dlc_report::times::json(&times, total),
        TimeFormat::Chrome => {
            let mut begin = 0.0;
            let spans = times.into_iter().map(|time| {
                let duration = time.milliseconds * 1e3;
                begin += duration;
                chrome::Span {
                    name: time.name,
                    category: "pass",
                    thread: 0,
                    begin: begin - duration,
                    duration,
                    about: json!({}),
                }
            });
            chrome::text(COMPILER, spans)
        }
    }
}

/// How many functions and operations there are at each level, those of each dialect from the most to the fewest.
pub fn stats(stats: &[Stats]) -> String {
    let mut text = String::from("level      functions  operations\n");
    for level in stats {
        let total: usize = level.operations.values().sum();
        let mut dialects: Vec<_> = level.operations.iter().collect();
        dialects.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let dialects = dialects
            .iter()
            .map(|(name, count)| format!("{name} {count}"));
        let dialects: Vec<_> = dialects.collect();
        let (name, functions) = (level.name, level.functions);
        text += &format!(
            "{name:<10} {functions:>9}  {total:>10}  {}\n",
            dialects.join(", ")
        );
    }
    text
}
