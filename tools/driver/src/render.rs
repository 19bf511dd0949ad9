//! Messages of passes and tables of times, as text.

use crate::{
    compile::{Failure, Input, Session, Source},
    source,
};
use dlc_dialects::ir::context::Record;
use dlc_frontend::{modules, reported};
use std::{collections::HashSet, fmt::Write, time::Duration};

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

/// Passes and times; then what else the time was spent on, and the whole.
pub fn times(times: &[(String, Duration)], total: Duration) -> String {
    let known: Duration = times.iter().map(|(_, time)| *time).sum();
    let share =
        |time: Duration| 100.0 * time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut text = String::new();
    for (name, time) in times
        .iter()
        .map(|(name, time)| (name.as_str(), *time))
        .chain([("(other)", total.saturating_sub(known)), ("total", total)])
    {
        let milliseconds = time.as_secs_f64() * 1e3;
        writeln!(text, "{milliseconds:10.3} ms {:5.1} %  {name}", share(time))
            .expect("writing to a string succeeds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up() {
        let spent = |name: &str, ms| (name.to_string(), Duration::from_millis(ms));
        let text = times(
            &[spent("(frontend)", 2), spent("cse", 5)],
            Duration::from_millis(8),
        );
        assert_eq!(
            text,
            "     2.000 ms  25.0 %  (frontend)\n     5.000 ms  62.5 %  cse\n     1.000 ms  12.5 %  (other)\n     8.000 ms 100.0 %  total\n"
        );
    }
}
