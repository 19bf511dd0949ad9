//! Messages of passes and tables of times, as text.

use crate::{
    compile::{COMPILER, Failure, Input, Ran, Session, Source, Stats, TimeFormat},
    report, source,
};
use dlc_dialects::ir::context::Record;
use dlc_frontend::{modules, reported};
use dlc_gpu::chrome;
use serde_json::json;
use std::{collections::HashSet, time::Duration};

/// The user's errors among what a failed pass reported, if that is all it reported.
pub fn user_errors(session: &Session, input: Input, records: &[Record]) -> Option<Failure> {
    let errors: Vec<_> = records.iter().filter(|record| record.error).collect();
    let messages: Vec<_> = errors
        .iter()
        .map(|record| reported::users(&record.message))
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
        .map(|(record, message)| reported::diagnostic(input.sources, record, message))
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
        !std.any(|file| {
            reported::place(input.sources.ir_name(file.file), &record.location).is_some()
        })
    };
    let remarks = remarks.filter(is_own);
    let mut diagnostics: Vec<_> = remarks
        .filter_map(|record| reported::diagnostic(input.sources, record, &record.message))
        .collect();
    session.options().lints.apply(&mut diagnostics);
    source::rendered(session, input.sources, &diagnostics)
}

/// One line about a textual module.
pub fn line(source: &Source, location: &str, severity: &str, message: &str) -> String {
    let (line, column) = reported::place("-", location).unwrap_or((1, 1));
    format!("{}:{line}:{column}: {severity}: {message}\n", source.name)
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
