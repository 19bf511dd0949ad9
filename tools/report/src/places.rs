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

/// What stands at a place, to the end of the line.
pub fn at(report: &Report, place: Place) -> &str {
    let file = report.files.get(place.file);
    let line = file.and_then(|file| file.text.lines().nth(place.line.saturating_sub(1)));
    let line = line.unwrap_or_default();
    let skipped = line.char_indices().nth(place.column.saturating_sub(1));
    skipped.map_or(line, |(at, _)| &line[at..]).trim()
}

/// The name of a file without its folders.
fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}
