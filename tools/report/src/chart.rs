//! The picture of a workspace: memory from top to bottom, time from left to right.

use crate::{
    format,
    model::{Buffer, Workspace},
};

/// The width of the picture, in pixels.
pub const WIDTH: f64 = 960.0;
/// The height of its memory.
const HEIGHT: f64 = 320.0;
/// The height of the curve of what is alive.
const CURVE: f64 = 80.0;
/// How many colours the style sheet has for buffers.
const COLOURS: usize = 8;
/// Slots of fewer pixels have no line between them, as there would be nothing but lines.
const APART: f64 = 6.0;
/// Boxes of fewer pixels have no text.
const READABLE: (f64, f64) = (60.0, 13.0);

/// A picture.
#[derive(Debug)]
pub struct Chart {
    /// Its width in pixels.
    pub width: i64,
    /// Its height in pixels.
    pub height: i64,
    /// The buffers.
    pub boxes: Vec<Bar>,
    /// What is alive, as the points of a polygon.
    pub alive: String,
    /// Where the curve begins.
    pub base: i64,
    /// The lines between slots.
    pub slots: Vec<String>,
}

/// A buffer in the picture. Lengths are decimal numbers as text.
#[derive(Debug)]
pub struct Bar {
    /// The left edge.
    pub x: String,
    /// The upper edge.
    pub y: String,
    /// The width.
    pub width: String,
    /// The height.
    pub height: String,
    /// The number of its colour.
    pub colour: usize,
    /// What stands in it.
    pub label: Option<String>,
    /// What is shown of it when it is pointed at.
    pub title: String,
}

/// The picture of a workspace.
pub fn draw(workspace: &Workspace) -> Chart {
    let steps = workspace.alive_bytes.len().max(1) as f64;
    let bytes = workspace.bytes.max(1) as f64;
    let across = |step: usize| step as f64 * WIDTH / steps;
    let down = |at: u64| at as f64 * HEIGHT / bytes;
    let boxes = workspace.buffers.iter().enumerate().map(|(i, buffer)| {
        let slot = workspace.slots.get(buffer.slot);
        let begin = slot.map_or(0, |slot| slot.offset) + buffer.offset;
        let width = across(buffer.to + 1) - across(buffer.from);
        let height = down(buffer.bytes).max(1.0);
        let readable = width >= READABLE.0 && height >= READABLE.1;
        Bar {
            x: pixels(across(buffer.from)),
            y: pixels(down(begin)),
            width: pixels(width),
            height: pixels(height),
            colour: i % COLOURS,
            label: readable.then(|| format::clipped(&buffer.ty, (width / 7.0) as usize)),
            title: title(buffer),
        }
    });
    let base = HEIGHT + 16.0 + CURVE;
    let mut alive = format!("0,{}", pixels(base));
    for (step, amount) in workspace.alive_bytes.iter().enumerate() {
        let y = pixels(base - *amount as f64 * CURVE / bytes);
        let (left, right) = (pixels(across(step)), pixels(across(step + 1)));
        alive += &format!(" {left},{y} {right},{y}");
    }
    alive += &format!(" {WIDTH},{}", pixels(base));
    Chart {
        width: WIDTH as i64,
        height: base as i64 + 2,
        boxes: boxes.collect(),
        alive,
        base: base as i64,
        slots: workspace
            .slots
            .iter()
            .skip(1)
            .filter(|slot| down(slot.bytes) >= APART)
            .map(|slot| pixels(down(slot.offset)))
            .collect(),
    }
}

fn pixels(length: f64) -> String {
    format!("{length:.1}")
}

fn title(buffer: &Buffer) -> String {
    let place = |place: &Option<(String, usize)>| match place {
        Some((file, line)) => format!("{file}:{line}"),
        None => "no place".to_string(),
    };
    format!(
        "{}: {}B, steps {}-{}, slot {}, offset {}\nmade at {}, last used at {}",
        buffer.ty,
        format::short(buffer.bytes) + if buffer.bytes < 1000 { " " } else { "" },
        buffer.from,
        buffer.to,
        buffer.slot,
        buffer.offset,
        place(&buffer.made),
        place(&buffer.last),
    )
}
