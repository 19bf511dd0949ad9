//! What is shown of very many diagnostics: one that says the same again and again is shown a few times and then
//! counted, and of different ones so many that a person may still read them.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;

/// How often the same words are shown.
const SAME: usize = 3;

/// How many places of what is not shown are named.
const PLACES: usize = 5;

/// How many errors are shown, and how many warnings and remarks.
const SHOWN: usize = 100;

/// Those of the diagnostics that are shown, in their order; they say what is left out.
pub(crate) fn summarise(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut shown: Vec<Diagnostic> = Vec::new();
    // For each wording, those that are shown, by number, and those that are not.
    let mut wordings: HashMap<_, (Vec<usize>, Vec<&Diagnostic>)> = HashMap::new();
    let mut left_out = HashMap::new();
    for diagnostic in diagnostics {
        let key = (
            diagnostic.severity,
            diagnostic.code,
            diagnostic.message.as_str(),
        );
        let (same, others) = wordings.entry(key).or_default();
        if same.len() == SAME {
            others.push(diagnostic);
            continue;
        }
        let (count, last) = left_out
            .entry(diagnostic.is_error())
            .or_insert((0usize, 0usize));
        *count += 1;
        if *count <= SHOWN {
            *last = shown.len();
            same.push(shown.len());
            shown.push(diagnostic.clone());
        }
    }
    for (same, others) in wordings.values() {
        if let (Some(last), false) = (same.last(), others.is_empty()) {
            let note = repetitions(sources, shown[*last].primary.span.file, others);
            shown[*last].notes.push(note);
        }
    }
    for (is_error, (count, last)) in left_out {
        if count > SHOWN {
            let what = match is_error {
                true => "errors",
                false => "warnings and remarks",
            };
            let note = format!("{} more {what} are not shown", count - SHOWN);
            shown[last].notes.push(note);
        }
    }
    shown
}

/// How often the same is to be said, and in which lines of a file.
fn repetitions(sources: &SourceMap, file: u32, others: &[&Diagnostic]) -> String {
    let times = match others.len() {
        1 => "the same once more".to_owned(),
        count => format!("the same {count} more times"),
    };
    let mut lines: Vec<String> = others
        .iter()
        .map(|diagnostic| diagnostic.primary.span)
        .filter(|span| span.file == file)
        .map(|span| sources.line_col(span).line.to_string())
        .collect();
    lines.dedup();
    let named = lines[..lines.len().min(PLACES)].join(", ");
    match lines.len() {
        0 => times,
        1 => format!("{times}, in line {named}"),
        count if count > PLACES => format!("{times}, in lines {named} and others"),
        _ => format!("{times}, in lines {named}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Span;
    use crate::diagnostic::Code;
    use crate::source::Source;

    fn sources(lines: usize) -> SourceMap {
        Source::new("a.dl", "x\n".repeat(lines)).into()
    }

    fn at_line(message: &str, line: u32) -> Diagnostic {
        let start = 2 * (line - 1);
        Diagnostic::error(Code::DL0601, message, Span::in_file(0, start, start + 1))
    }

    #[test]
    fn the_same_words_are_counted() {
        let all: Vec<_> = (1..=4).map(|line| at_line("no `x`", line)).collect();
        let shown = summarise(&sources(20), &all);
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[2].notes, ["the same once more, in line 4"]);
        let all: Vec<_> = (1..=5).map(|line| at_line("no `x`", line)).collect();
        let shown = summarise(&sources(20), &all);
        assert_eq!(shown[2].notes, ["the same 2 more times, in lines 4, 5"]);
        let all: Vec<_> = (1..=20).map(|line| at_line("no `x`", line)).collect();
        let shown = summarise(&sources(20), &all);
        let note = "the same 17 more times, in lines 4, 5, 6, 7, 8 and others";
        assert_eq!(shown[2].notes, [note]);
    }

    #[test]
    fn a_hundred_are_shown() {
        let all: Vec<_> = (1..=4000)
            .map(|line| at_line(&format!("no `x{line}`"), line))
            .collect();
        let shown = summarise(&sources(4000), &all);
        assert_eq!(shown.len(), 100);
        assert_eq!(shown[99].notes, ["3900 more errors are not shown"]);
        assert_eq!(summarise(&sources(4000), &all[..100]), all[..100]);
    }
}
