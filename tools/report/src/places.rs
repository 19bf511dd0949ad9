//! Places of the source as people read them.

use crate::{
    format,
    model::{Place, Report},
};

/// The most characters of a line of the source in a box.
pub const CLIP: usize = 34;

/// The name of a line's anchor in the page.
pub fn anchor(place: Place) -> String {
    format!("f{}-{}", place.file, place.line)
}

/// File, line and what stands there.
pub fn named(report: &Report, place: Place) -> String {
    let file = report.files.get(place.file);
    let name = file.map_or("", |file| base(&file.name));
    let text = format::clipped(at(report, place), 2 * CLIP);
    format!("{name}:{}: {text}", place.line)
}

/// What stands at a place, to the end of the line or of what is in parentheses there.
pub fn at(report: &Report, place: Place) -> &str {
    let file = report.files.get(place.file);
    let line = file.and_then(|file| file.text.lines().nth(place.line.saturating_sub(1)));
    let line = line.unwrap_or_default();
    let skipped = line.char_indices().nth(place.column.saturating_sub(1));
    within(skipped.map_or(line, |(at, _)| &line[at..])).trim()
}

/// A text up to the comma or the closing parenthesis that belongs to what is around it.
fn within(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| match c {
        '(' | '[' | '{' => {
            depth += 1;
            false
        }
        ')' | ']' | '}' => {
            depth -= 1;
            depth < 0
        }
        _ => c == ',' && depth == 0,
    });
    &text[..end.unwrap_or(text.len())]
}

/// The name of a file without its folders.
fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_where_their_parentheses_do() {
        for (text, part) in [
            ("f(x, [1]) + y, z", "f(x, [1]) + y"),
            ("x @ w + b) @ v", "x @ w + b"),
            ("fn f(x) {", "fn f(x) {"),
            ("", ""),
        ] {
            assert_eq!(within(text), part);
        }
    }
}
