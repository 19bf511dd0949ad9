//! The one layout, as edits of those lines that it changes, so that an editor keeps its cursors, marks and folds.

use dlc_frontend::ast::Span;
use dlc_frontend::format::format;
use dlc_frontend::parser::parse;
use dlc_frontend::source::Source;
use lsp_types::{Range, TextEdit};
use similar::{DiffTag, TextDiff};

use crate::position::{offset, range};

/// Lines that become others: their bytes, and the new ones.
type Hunk = (std::ops::Range<usize>, String);

/// What formats a text; nothing if it does not parse.
pub fn all(source: &Source) -> Option<Vec<TextEdit>> {
    let formatted = format(source).ok()?;
    Some(edits(source, &hunks(&source.text, &formatted)))
}

/// What formats the items that stand in a range; nothing if the text does not parse, or if they cannot be formatted
/// without others.
pub fn part(source: &Source, within: Range) -> Option<Vec<TextEdit>> {
    let formatted = format(source).ok()?;
    let touched = touched(source, within);
    let mut hunks = hunks(&source.text, &formatted);
    hunks.retain(|(old, _)| match old.is_empty() {
        true => touched.start <= old.start && old.start <= touched.end,
        false => old.start < touched.end && touched.start < old.end,
    });
    // What is left of the changes has to lead to the same text in the end.
    let mut text = source.text.clone();
    for (old, new) in hunks.iter().rev() {
        text.replace_range(old.clone(), new);
    }
    let again = format(&Source::new("", text)).ok()?;
    (again == formatted).then(|| edits(source, &hunks))
}

/// The bytes of the lines of a range, and of the items there.
fn touched(source: &Source, within: Range) -> std::ops::Range<usize> {
    let line = |line: u32| source.line_start(line as usize + 1) as usize;
    let mut touched = line(within.start.line)..line(within.end.line.saturating_add(1));
    // A range of whole lines ends at the beginning of the next one.
    if within.end.character == 0 && within.start.line < within.end.line {
        touched.end = offset(source, within.end) as usize;
    }
    for item in &parse(source).0.items {
        let bytes = item.span.range();
        if bytes.start < touched.end && touched.start < bytes.end {
            touched = touched.start.min(bytes.start)..touched.end.max(bytes.end);
        }
    }
    touched
}

/// Where two texts differ, in whole lines.
fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(old, new);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(diff.old_slices().iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        }))
        .collect();
    let differ = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    let hunk = |op: &similar::DiffOp| {
        let lines = op.old_range();
        let new = diff.new_slices()[op.new_range()].concat();
        (starts[lines.start]..starts[lines.end], new)
    };
    differ.map(hunk).collect()
}

fn edits(source: &Source, hunks: &[Hunk]) -> Vec<TextEdit> {
    let edit = |(old, new): &Hunk| {
        let span = Span::new(old.start as u32, old.end as u32);
        TextEdit::new(range(source, span), new.clone())
    };
    hunks.iter().map(edit).collect()
}

#[cfg(test)]
mod tests {
    use lsp_types::Position;

    use super::*;

    const UGLY: &str = "const  A = 1\n\nfn f( x: f32 ) -> f32 {\n    x+1 }\nconst  B = 2";

    fn made(edits: Vec<TextEdit>) -> String {
        let source = Source::new("", UGLY);
        let mut text = UGLY.to_owned();
        for edit in edits.into_iter().rev() {
            let bytes = offset(&source, edit.range.start)..offset(&source, edit.range.end);
            text.replace_range(bytes.start as usize..bytes.end as usize, &edit.new_text);
        }
        text
    }

    #[test]
    fn all_is_what_the_formatter_writes() {
        let source = Source::new("", UGLY);
        let edits = all(&source).unwrap();
        assert!(edits.len() > 1, "{edits:?}");
        assert_eq!(made(edits), format(&source).unwrap());
        assert!(all(&Source::new("", "fn f(")).is_none());
    }

    #[test]
    fn a_part_is_whole_items() {
        let source = Source::new("", UGLY);
        let line = |line| Position::new(line, 3);
        let edits = part(&source, Range::new(line(0), line(0))).unwrap();
        assert_eq!(made(edits), UGLY.replace("const  A", "const A"));
        let edits = part(&source, Range::new(line(3), line(3))).unwrap();
        let text = made(edits);
        assert!(
            text.starts_with("const  A = 1\n\nfn f(x: f32) -> f32 {\n  x + 1\n}\n"),
            "{text}"
        );
        let nothing = Range::new(Position::new(1, 0), Position::new(1, 0));
        assert_eq!(made(part(&source, nothing).unwrap()), UGLY);
    }
}
