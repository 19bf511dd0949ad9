//! `--emit=memory`: what the workspace of each entry holds over time, as data and as text.
//!
//! The plan is what `plan-workspace` noted on the entries. Sizes are those at dims that were asked for; a dim that was
//! not is as great as its range allows, but 256 at most, as when the pass compares buffers.

use crate::{
    compile::{Failure, Input},
    source,
};
use dlc_abi::{DimRange, Poly, WORKSPACE_ALIGN};
use dlc_frontend::reported;
use dlc_lowering::{
    entry::{self, Entry},
    workspace,
};
use melior::ir::Module;
use serde_json::{Value, json};
use std::collections::BTreeMap;

mod chart;

/// The workspace of an entry at some dims.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The entry's name in DL.
    pub entry: String,
    /// The dims for which bytes are given.
    pub dims: Vec<(String, i64)>,
    /// The slots, in the order in which they lie in memory.
    pub slots: Vec<Slot>,
    /// The buffers, in the order in which they are made.
    pub buffers: Vec<Buffer>,
    /// How many steps there are: times between which some buffer begins or ends.
    pub steps: usize,
    /// The greatest sum of the bytes of buffers that are alive at one step, each rounded up to whole cache lines.
    pub least: u64,
}

/// Memory for some buffers.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Polynomials whose maximum is its size.
    pub sizes: Vec<String>,
    /// Its bytes, with what aligns the next one.
    pub bytes: u64,
}

/// A buffer and its place.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Its type, such as `f32[B, 64]`.
    pub ty: String,
    /// Its size as a polynomial.
    pub size: String,
    /// Its bytes.
    pub bytes: u64,
    /// The number of its slot.
    pub slot: usize,
    /// Where it begins in the slot.
    pub offset: u64,
    /// The first and the last step in which it is alive.
    pub live: (usize, usize),
    /// Where it is made, and where it is used first and last.
    pub places: [Option<Place>; 3],
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there, to the end of the line.
    pub text: String,
}

impl Workspace {
    /// The bytes of the workspace.
    pub fn bytes(&self) -> u64 {
        self.slots.iter().map(|slot| slot.bytes).sum()
    }

    /// The bytes of the workspace in those that are needed at the least.
    pub fn ratio(&self) -> f64 {
        match self.least {
            0 => 1.0,
            least => self.bytes() as f64 / least as f64,
        }
    }

    /// The bytes that are alive in each step.
    fn alive(&self) -> Vec<u64> {
        let mut alive = vec![0; self.steps];
        for buffer in &self.buffers {
            for step in &mut alive[buffer.live.0..=buffer.live.1] {
                *step += aligned(buffer.bytes);
            }
        }
        alive
    }

    /// The workspace as a report has it.
    pub(crate) fn told(&self) -> dlc_report::Workspace {
        let dims = self.dims.iter().map(|(name, size)| dlc_report::Dim {
            name: name.clone(),
            size: *size,
        });
        let slots = self.slots.iter().scan(0, |end, slot| {
            let offset = *end;
            *end += slot.bytes;
            Some(dlc_report::Slot {
                offset,
                bytes: slot.bytes,
            })
        });
        let place = |place: &Option<Place>| {
            let place = place.as_ref()?;
            Some((place.file.clone(), place.line))
        };
        let buffers = self.buffers.iter().map(|buffer| dlc_report::Buffer {
            ty: buffer.ty.clone(),
            bytes: buffer.bytes,
            slot: buffer.slot,
            offset: buffer.offset,
            from: buffer.live.0,
            to: buffer.live.1,
            made: place(&buffer.places[0]),
            last: place(&buffer.places[2]),
        });
        dlc_report::Workspace {
            entry: self.entry.clone(),
            dims: dims.collect(),
            bytes: self.bytes(),
            least_bytes: self.least,
            alive_bytes: self.alive(),
            slots: slots.collect(),
            buffers: buffers.collect(),
        }
    }

    fn json(&self) -> Value {
        let place = |place: &Option<Place>| match place {
            Some(place) => json!({ "file": place.file, "line": place.line, "text": place.text }),
            None => Value::Null,
        };
        let buffers = self.buffers.iter().map(|buffer| {
            json!({
                "type": buffer.ty,
                "size": buffer.size,
                "bytes": buffer.bytes,
                "slot": buffer.slot,
                "offset": buffer.offset,
                "from": buffer.live.0,
                "to": buffer.live.1,
                "made": place(&buffer.places[0]),
                "first": place(&buffer.places[1]),
                "last": place(&buffer.places[2]),
            })
        });
        let slots = self.slots.iter().scan(0, |offset, slot| {
            let at = *offset;
            *offset += slot.bytes;
            Some(json!({ "offset": at, "bytes": slot.bytes, "sizes": slot.sizes }))
        });
        json!({
            "entry": self.entry,
            "dims": self.dims.iter().cloned().collect::<BTreeMap<_, _>>(),
            "bytes": self.bytes(),
            "least_bytes": self.least,
            "ratio": self.ratio(),
            "steps": self.steps,
            "alive_bytes": self.alive(),
            "slots": slots.collect::<Vec<_>>(),
            "buffers": buffers.collect::<Vec<_>>(),
        })
    }
}

/// The dims of an export with the sizes at which reports give numbers: those asked for, else typical ones.
pub(crate) fn dims_at(dims: &[DimRange], sizes: &BTreeMap<String, i64>) -> Vec<(String, i64)> {
    let at = dims.iter().map(|dim| {
        let size = sizes.get(&dim.name).copied();
        let typical = || workspace::typical(&dim.name, dims);
        (dim.name.clone(), size.unwrap_or_else(typical))
    });
    at.collect()
}

/// Workspaces for programs to read.
pub fn json(workspaces: &[Workspace]) -> String {
    let all: Vec<_> = workspaces.iter().map(Workspace::json).collect();
    format!("{:#}\n", json!({ "workspaces": all }))
}

/// Workspaces for people to read, in lines of at most so many characters.
pub fn text(workspaces: &[Workspace], width: usize) -> String {
    let all: Vec<_> = workspaces
        .iter()
        .map(|workspace| chart::text(workspace, width))
        .collect();
    all.join("\n")
}

/// The workspaces of a module whose plans were asked for; `sizes` are dims to show them at.
pub(crate) fn of(
    input: Input,
    module: &Module,
    sizes: &BTreeMap<String, i64>,
) -> Result<Vec<Workspace>, Failure> {
    let entries = entry::entries(module.as_operation());
    let entries = entries.map_err(|error| Failure::internal(error.message))?;
    let workspaces = entries.iter().map(|entry| one(input, entry, sizes));
    workspaces.collect()
}

fn one(input: Input, entry: &Entry, sizes: &BTreeMap<String, i64>) -> Result<Workspace, Failure> {
    let placed = workspace::read(entry).map_err(Failure::internal)?;
    let placed = placed.unwrap_or_default();
    let dims = dims_at(&entry.dims, sizes);
    let bytes = |size: &Poly| -> Result<u64, Failure> {
        let of = |name: &str| dims.iter().find(|dim| dim.0 == name).map(|dim| dim.1);
        let bytes = size.eval(&of).map_err(|error| {
            Failure::Usage(format!("the workspace of `{}`: {error}", entry.name))
        })?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    };
    let greatest = |sizes: &[Poly]| -> Result<u64, Failure> {
        let sizes = sizes.iter().map(&bytes).collect::<Result<Vec<_>, _>>()?;
        Ok(sizes.into_iter().max().unwrap_or(0))
    };
    let slots = entry::slots(entry).map_err(|error| Failure::internal(error.message))?;
    let slots = slots.iter().map(|sizes| {
        Ok(Slot {
            sizes: sizes.iter().map(Poly::to_string).collect(),
            bytes: aligned(greatest(sizes)?),
        })
    });
    let slots = slots.collect::<Result<Vec<_>, Failure>>()?;
    // Time is told in steps: of the ops, only those count with which a buffer begins or after which one has ended.
    let begins = placed.iter().map(|buffer| buffer.live.0);
    let ends = placed.iter().map(|buffer| buffer.live.1 + 1);
    let mut times: Vec<usize> = begins.chain(ends).collect();
    times.sort_unstable();
    times.dedup();
    let step = |time: usize| times.partition_point(|start| *start <= time) - 1;
    let buffers = placed.iter().map(|buffer| {
        Ok(Buffer {
            ty: buffer.ty.clone(),
            size: buffer.bytes.to_string(),
            bytes: bytes(&buffer.bytes)?,
            slot: buffer.slot,
            offset: greatest(&buffer.offset)?,
            live: (step(buffer.live.0), step(buffer.live.1)),
            places: buffer.places.each_ref().map(|text| place(input, text)),
        })
    });
    let mut workspace = Workspace {
        entry: entry.name.clone(),
        dims: dims.clone(),
        slots,
        buffers: buffers.collect::<Result<_, Failure>>()?,
        steps: times.len().saturating_sub(1),
        least: 0,
    };
    workspace.least = workspace.alive().into_iter().max().unwrap_or(0);
    Ok(workspace)
}

/// Bytes in whole cache lines, where every buffer begins.
fn aligned(bytes: u64) -> u64 {
    bytes.next_multiple_of(WORKSPACE_ALIGN as u64)
}

fn place(input: Input, location: &str) -> Option<Place> {
    if source::is_module(input.source) {
        let (line, _) = reported::place("-", location)?;
        let text = input.source.text.lines().nth(line - 1).unwrap_or_default();
        return Some(Place {
            file: input.source.name.to_string(),
            line,
            text: text.trim().to_string(),
        });
    }
    let span = reported::span(input.sources, location)?;
    let file = input.sources.get(span.file);
    let line = input.sources.line_col(span).line;
    let rest = file.text.get(span.start as usize..).unwrap_or_default();
    Some(Place {
        file: file.name.clone(),
        line,
        text: rest.lines().next().unwrap_or_default().trim().to_string(),
    })
}
