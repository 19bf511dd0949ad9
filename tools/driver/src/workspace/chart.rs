//! A workspace as text: a table of its buffers, and a plot of its memory over time.

use super::{Buffer, Place, Workspace};
use std::{cmp::Reverse, fmt::Write, ops::Range};

/// The names of buffers in the plot; those beyond have one in common.
const NAMES: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const REST: char = '#';

/// The least width of the plot and of the source lines in the table.
const LEAST: usize = 20;

/// The most rows of a slot in the plot.
const ROWS: usize = 12;

/// The heights of the bars of what is alive.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A workspace in lines of at most so many characters, as far as its types and names allow.
pub fn text(workspace: &Workspace, width: usize) -> String {
    let mut text = head(workspace);
    if !workspace.buffers.is_empty() {
        text += &table(workspace, width);
        text += &plot(workspace, width);
    }
    text
}

fn head(workspace: &Workspace) -> String {
    let dims = workspace.dims.iter();
    let dims: Vec<_> = dims
        .map(|(name, size)| format!("{name} = {size}"))
        .collect();
    let at = match dims.is_empty() {
        true => String::new(),
        false => format!(" at {}", dims.join(", ")),
    };
    let slots = workspace.slots.iter().map(|slot| match &slot.sizes[..] {
        [size] => size.clone(),
        sizes => format!("max({})", sizes.join(", ")),
    });
    let slots: Vec<_> = slots.collect();
    let slots: Vec<_> = (slots.chunk_by(|a, b| a == b))
        .map(|same| match same.len() {
            1 => same[0].clone(),
            count => format!("{count}*({})", same[0]),
        })
        .collect();
    let formula = match workspace.dims.is_empty() || slots.is_empty() {
        true => String::new(),
        false => format!("  {}, each in whole cache lines\n", slots.join(" + ")),
    };
    format!(
        "{}: workspace {} bytes{at}, {} alive at the most: {:.3} of that\n{formula}",
        workspace.entry,
        workspace.bytes(),
        workspace.least,
        workspace.ratio(),
    )
}

fn name(buffer: usize) -> char {
    NAMES.get(buffer).map_or(REST, |name| char::from(*name))
}

fn table(workspace: &Workspace, width: usize) -> String {
    let place = |place: &Option<Place>| match place {
        Some(place) => format!("{}:{}", base(&place.file), place.line),
        None => "-".to_string(),
    };
    let row = |(i, buffer): (usize, &Buffer)| {
        [
            name(i).to_string(),
            buffer.slot.to_string(),
            buffer.bytes.to_string(),
            buffer.ty.clone(),
            format!("{}-{}", buffer.live.0, buffer.live.1),
            place(&buffer.places[0]),
            place(&buffer.places[2]),
        ]
    };
    let head = ["", "slot", "bytes", "type", "steps", "made", "last used"].map(String::from);
    let rows: Vec<_> = workspace.buffers.iter().enumerate().map(row).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|i| all().map(|row| row[i].chars().count()).max().unwrap_or(0))
        .collect();
    let used: usize = 2 + widths.iter().map(|width| width + 2).sum::<usize>();
    let left = width.saturating_sub(used).max(LEAST);
    let sources = workspace.buffers.iter().map(|buffer| &buffer.places[0]);
    let sources = sources.map(|place| place.as_ref().map_or("", |place| place.text.as_str()));
    let mut text = String::from("\n");
    for (row, source) in all().zip(std::iter::once("source").chain(sources)) {
        let mut line = " ".to_string();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Numbers end in one column, words begin in one.
            let _ = match (1..=2).contains(&i) {
                true => write!(line, " {cell:>width$} "),
                false => write!(line, " {cell:<width$} "),
            };
        }
        line.extend([' '].into_iter().chain(source.chars().take(left)));
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// The name of a file without its folders.
fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// Memory as rows and time as columns: each letter is the buffer that is there, and a last row has what is alive.
fn plot(workspace: &Workspace, width: usize) -> String {
    let rows = (0..workspace.slots.len()).flat_map(|slot| bands(workspace, slot));
    let rows: Vec<_> = rows.collect();
    let label = |band: &Band| match band.bytes.start {
        0 => format!("slot {}", band.slot),
        from => format!("+{from}"),
    };
    let margins = rows.iter().map(|band| label(band).len());
    let margin = margins.max().unwrap_or(0).max("alive".len());
    let steps = workspace.steps;
    let columns = steps.min(width.saturating_sub(margin + 6).max(LEAST));
    // The steps of a column; where there are fewer columns than steps, one has several.
    let range = |column: usize| column * steps / columns..(column + 1) * steps / columns;
    let mut text = match steps.div_ceil(columns.max(1)) {
        1 => "\n  Over time, a step in each column:\n".to_string(),
        _ => format!("\n  Over time, {steps} steps in {columns} columns:\n"),
    };
    for band in &rows {
        let row = (0..columns).map(|column| band.most(workspace, range(column)).map_or('.', name));
        let row: String = row.collect();
        text += &format!("  {:>margin$} |{row}|\n", label(band));
    }
    let alive = workspace.alive();
    let most = workspace.bytes().max(1);
    let bar = |column: usize| {
        let bytes = alive[range(column)].iter().max().copied().unwrap_or(0);
        BARS[(bytes * 8).div_ceil(most).min(8) as usize]
    };
    let row: String = (0..columns).map(bar).collect();
    text + &format!("  {:>margin$} |{row}|\n", "alive")
}

/// A part of a slot, which is a row of the plot.
struct Band {
    slot: usize,
    bytes: Range<u64>,
}

/// The parts of a slot: between the places where buffers begin, or of one size where these are many.
fn bands(workspace: &Workspace, slot: usize) -> Vec<Band> {
    let inside = workspace
        .buffers
        .iter()
        .filter(|buffer| buffer.slot == slot);
    let mut cuts: Vec<u64> = inside.map(|buffer| buffer.offset).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let bytes = workspace.slots[slot].bytes;
    if cuts.len() > ROWS {
        cuts = (0..ROWS as u64)
            .map(|row| bytes * row / ROWS as u64)
            .collect();
    }
    let ends = cuts.iter().skip(1).copied().chain([bytes]);
    let bands = cuts.iter().zip(ends);
    let bands = bands.map(|(from, to)| Band {
        slot,
        bytes: *from..to,
    });
    bands.collect()
}

impl Band {
    /// The number of the buffer that has most of it in some steps.
    fn most(&self, workspace: &Workspace, steps: Range<usize>) -> Option<usize> {
        let shares = workspace
            .buffers
            .iter()
            .enumerate()
            .filter_map(|(i, buffer)| {
                let end = buffer.offset + buffer.bytes;
                let bytes = end
                    .min(self.bytes.end)
                    .saturating_sub(buffer.offset.max(self.bytes.start));
                let time = (steps.end.min(buffer.live.1 + 1))
                    .saturating_sub(steps.start.max(buffer.live.0));
                let share = u128::from(bytes) * time as u128;
                (buffer.slot == self.slot && share > 0).then_some((share, Reverse(i)))
            });
        shares.max().map(|(_, Reverse(i))| i)
    }
}
