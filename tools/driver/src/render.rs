//! Messages of passes and tables of times, as text.

use crate::compile::{ErrorFormat, Failure, Options, Source};
use dlc_dialects::{ir::context::Record, pass::INTERNAL};
use std::{fmt::Write, time::Duration};

/// The passes whose errors are about the user's program, unless they say otherwise.
const USER: [&str; 2] = ["expand-derivatives", "dl-to-linalg"];

/// The user's errors among what a failed pass reported, if there are any.
pub fn user_errors(options: &Options, source: &Source, records: &[Record]) -> Option<Failure> {
    let mut rendered = String::new();
    let mut errors = 0;
    for record in records.iter().filter(|record| record.error) {
        let (pass, message) = record.message.split_once(": ")?;
        if !USER.contains(&pass) || message.starts_with(INTERNAL) {
            return None;
        }
        rendered += &one(options, source, record, message);
        errors += 1;
    }
    (errors > 0).then_some(Failure::User { rendered, errors })
}

fn one(options: &Options, source: &Source, record: &Record, message: &str) -> String {
    let (code, message) = match message.split_once(' ') {
        Some((code, rest)) if is_code(code) => (code, rest.trim_start_matches(": ")),
        _ => ("DL0301", message),
    };
    let place = place(&record.location);
    let written = "writing to a string succeeds";
    let mut text = String::new();
    match options.error_format {
        ErrorFormat::Short => {
            let (file, line, column) = place.unwrap_or((source.name.to_string(), 1, 1));
            writeln!(text, "{file}:{line}:{column}: error[{code}]: {message}").expect(written);
        }
        ErrorFormat::Json => {
            let (file, line, column) = place.unwrap_or((source.name.to_string(), 1, 1));
            let notes: Vec<_> = record
                .notes
                .iter()
                .map(|note| serde_json::json!(note.message))
                .collect();
            let object = serde_json::json!({
                "code": code, "severity": "error", "message": message,
                "file": file, "line": line, "column": column, "notes": notes,
            });
            writeln!(text, "{object}").expect(written);
        }
        ErrorFormat::Human => {
            writeln!(text, "error[{code}]: {message}").expect(written);
            if let Some((file, line, column)) = place {
                let shown = source
                    .text
                    .lines()
                    .nth(line.saturating_sub(1))
                    .unwrap_or_default();
                let margin = " ".repeat(line.to_string().len());
                let caret = " ".repeat(column.saturating_sub(1));
                writeln!(
                    text,
                    "{margin}--> {file}:{line}:{column}\n{margin} |\n{line} | {shown}"
                )
                .expect(written);
                writeln!(text, "{margin} | {caret}^").expect(written);
            }
            for note in &record.notes {
                writeln!(text, "  = note: {}", note.message).expect(written);
            }
        }
    }
    text
}

fn is_code(text: &str) -> bool {
    let text = text.trim_end_matches(':');
    text.len() == 6 && text.starts_with("DL") && text[2..].bytes().all(|b| b.is_ascii_digit())
}

/// File, line and column in MLIR's text of a location.
fn place(location: &str) -> Option<(String, usize, usize)> {
    let start = location.find('"')?;
    let rest = &location[start + 1..];
    let (file, rest) = rest.split_once('"')?;
    let mut numbers = rest.strip_prefix(':')?.split(|c: char| !c.is_ascii_digit());
    Some((
        file.to_string(),
        numbers.next()?.parse().ok()?,
        numbers.next()?.parse().ok()?,
    ))
}

/// Passes and times, the total last.
pub fn times(times: &[(String, Duration)]) -> String {
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    let share =
        |time: Duration| 100.0 * time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut text = String::new();
    for (name, time) in times
        .iter()
        .map(|(name, time)| (name.as_str(), *time))
        .chain([("total", total)])
    {
        let milliseconds = time.as_secs_f64() * 1e3;
        writeln!(text, "{milliseconds:10.3} ms {:5.1} %  {name}", share(time))
            .expect("writing to a string succeeds");
    }
    text
}
