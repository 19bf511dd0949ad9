//! The page: one file of HTML that needs nothing else, and that a browser lets load nothing else.

use crate::{
    chart::{self, Chart},
    format,
    graph::{self, Arrow, Drawing, Node},
    model::{Amount, Entry, File, Kind, Nest, Note, Place, Remark, Report, Workspace},
};
use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page/report.css");
const SCRIPT: &str = include_str!("page/report.js");

/// The most characters of a line of the source in a box.
const CLIP: usize = 34;
/// Of so many remarks of a kind the page shows those of the most bytes.
const SHOWN: usize = 400;
/// Graphs of more nests are not drawn, as nobody can read them; their nests are in a table.
const DRAWN: usize = 600;

/// Why there is no page.
#[derive(Debug)]
pub struct PageError(String);

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the report can't be written as a page: {}", self.0)
    }
}

impl std::error::Error for PageError {}

/// The page of a report.
///
/// # Errors
/// Says so where the template can't be filled in, which no report should cause.
pub fn html(report: &Report) -> Result<String, PageError> {
    let failed = |error: &dyn std::fmt::Display| PageError(error.to_string());
    let data = serde_json::to_string(&data(report)).map_err(|error| failed(&error))?;
    let page = Page {
        report,
        policy: policy(),
        // So that no text of the program ends the script.
        data: data.replace('<', "\\u003c"),
        rows: report.entries.iter().map(|one| row(report, one)).collect(),
        files: (0..report.files.len()).map(|i| lines(report, i)).collect(),
        calls: calls(report),
        graphs: report
            .entries
            .iter()
            .map(|one| nests(report, one))
            .collect(),
        missed: told(report, Note::Missed),
        passed: told(report, Note::Passed),
        analysis: told(report, Note::Analysis),
        charts: report
            .workspaces
            .iter()
            .map(|one| (one, chart::draw(one)))
            .collect(),
        times: times(report),
    };
    page.render().map_err(|error| failed(&error))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    policy: String,
    data: String,
    rows: Vec<Row<'a>>,
    files: Vec<Lines<'a>>,
    calls: Drawing,
    graphs: Vec<Nests<'a>>,
    missed: Told<'a>,
    passed: Told<'a>,
    analysis: Told<'a>,
    charts: Vec<(&'a Workspace, Chart)>,
    times: Vec<Spent<'a>>,
}

impl Page<'_> {
    fn style(&self) -> &'static str {
        STYLE
    }

    fn script(&self) -> &'static str {
        SCRIPT
    }
}

/// An export in the table of all.
struct Row<'a> {
    entry: &'a Entry,
    dims: String,
    flops: String,
    bytes: String,
    /// Operations for each byte that goes through memory.
    intensity: String,
    workspace: String,
}

/// A file with what is told at its lines.
struct Lines<'a> {
    number: usize,
    file: &'a File,
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    number: usize,
    text: &'a str,
    /// What is told here, in a few words.
    summary: String,
    remarks: Vec<&'a Remark>,
}

/// The nests of an export.
struct Nests<'a> {
    entry: &'a Entry,
    /// Nothing where there are too many.
    drawing: Option<Drawing>,
    rows: Vec<NestRow<'a>>,
}

struct NestRow<'a> {
    number: usize,
    nest: &'a Nest,
    what: String,
    text: String,
    members: Vec<(String, String)>,
    reads: String,
    writes: String,
}

/// Remarks of a kind, those of the most bytes first.
struct Told<'a> {
    rows: Vec<(&'a Remark, String, String)>,
    /// How many more there are.
    left_out: usize,
}

struct Spent<'a> {
    name: &'a str,
    milliseconds: f64,
    percent: f64,
}

/// What a browser may do with the page: run the script and use the style that stand in it, and load nothing.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// What the script needs.
fn data(report: &Report) -> Value {
    let entries = report.entries.iter();
    let entries: Vec<_> = entries
        .map(|entry| json!({ "name": entry.name, "symbol": entry.symbol, "costs": entry.costs }))
        .collect();
    json!({ "entries": entries, "levels": report.levels })
}

fn row<'a>(report: &Report, entry: &'a Entry) -> Row<'a> {
    let intensity = match (entry.flops.value, entry.bytes.value) {
        (Some(flops), Some(bytes)) if bytes > 0 => format!("{:.2}", flops as f64 / bytes as f64),
        _ => "?".to_string(),
    };
    let workspace = report.workspaces.iter().find(|one| one.entry == entry.name);
    Row {
        dims: format::dims(&entry.dims),
        flops: format::amount(&entry.flops),
        bytes: format::amount(&entry.bytes),
        intensity,
        workspace: workspace.map_or("?".to_string(), |one| format::short(one.bytes)),
        entry,
    }
}

fn lines(report: &Report, number: usize) -> Lines<'_> {
    let file = &report.files[number];
    let lines = file.text.lines().enumerate().map(|(i, text)| {
        let here = |remark: &&Remark| {
            remark
                .place
                .is_some_and(|place| place.file == number && place.line == i + 1)
        };
        let remarks: Vec<_> = report.remarks.iter().filter(here).collect();
        Line {
            number: i + 1,
            text,
            summary: summary(&remarks),
            remarks,
        }
    });
    Lines {
        number,
        file,
        lines: lines.collect(),
    }
}

/// How many remarks of each kind there are, as in `2 fused, 1 not fused`.
fn summary(remarks: &[&Remark]) -> String {
    let count = |kind: Note, word: &str| {
        let count = remarks.iter().filter(|remark| remark.kind == kind).count();
        (count > 0).then(|| format!("{count} {word}"))
    };
    let counts = [
        count(Note::Missed, "not fused"),
        count(Note::Passed, "fused"),
        count(Note::Analysis, "other"),
    ];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    counts.join(", ")
}

/// The functions of the program and which calls which.
fn calls(report: &Report) -> Drawing {
    let used = |i: usize| {
        let mut calls = report.calls.iter();
        let exported = |entry: &Entry| entry.name == report.functions[i].name;
        calls.any(|call| call.caller == i || call.callee == i)
            || report.entries.iter().any(exported)
    };
    let kept: Vec<_> = (0..report.functions.len()).filter(|i| used(*i)).collect();
    let nodes = kept.iter().map(|i| {
        let function = &report.functions[*i];
        let exported = report
            .entries
            .iter()
            .any(|entry| entry.name == function.name);
        let file = &report.files[function.file].name;
        Node {
            lines: vec![function.name.clone()],
            class: if exported { "export" } else { "function" },
            title: format!("{file}:{}", function.lines.0),
            anchor: Some(format!("f{}-{}", function.file, function.lines.0)),
        }
    });
    let position = |function| kept.iter().position(|i| *i == function);
    let arrows = report.calls.iter().filter_map(|call| {
        Some(Arrow {
            from: position(call.caller)?,
            to: position(call.callee)?,
            title: format!("{} operations", call.operations),
        })
    });
    let arrows: Vec<_> = arrows.collect();
    graph::draw(nodes.collect(), &arrows)
}

fn nests<'a>(report: &'a Report, entry: &'a Entry) -> Nests<'a> {
    let rows: Vec<_> = (entry.nests.iter().enumerate())
        .map(|(number, nest)| nest_row(report, number, nest))
        .collect();
    let nodes = rows.iter().map(|row| {
        let mut lines = vec![format!("{} {}", row.number + 1, row.text)];
        lines.push(match row.nest.members.len() {
            0 | 1 => row.what.clone(),
            count => format!("{} of {count} places", row.what),
        });
        lines.push(format!(
            "reads {}B, writes {}B",
            unit(&row.reads),
            unit(&row.writes)
        ));
        let places: Vec<_> = row.members.iter().map(|(_, text)| text.as_str()).collect();
        Node {
            lines,
            class: class(row.nest.kind),
            title: format!("{}\n{}", row.what, places.join("\n")),
            anchor: row.nest.place.map(anchor),
        }
    });
    let arrows: Vec<_> = (entry.edges.iter())
        .map(|edge| Arrow {
            from: edge.from,
            to: edge.to,
            title: format!("{}, {}B", edge.ty, unit(&format::amount(&edge.bytes))),
        })
        .collect();
    let drawing = (rows.len() <= DRAWN).then(|| graph::draw(nodes.collect(), &arrows));
    Nests {
        entry,
        drawing,
        rows,
    }
}

fn nest_row<'a>(report: &Report, number: usize, nest: &'a Nest) -> NestRow<'a> {
    let what = match (&nest.kernel, nest.inside) {
        (Some(kernel), _) => format!("product, {kernel}"),
        (None, Some(around)) => format!("{} in {}", class(nest.kind), around + 1),
        (None, None) => class(nest.kind).to_string(),
    };
    let member = |place: &Place| (anchor(*place), named(report, *place));
    NestRow {
        number,
        nest,
        what,
        text: nest.place.map_or(String::new(), |place| {
            format!(
                "{}: {}",
                place.line,
                format::clipped(at(report, place), CLIP)
            )
        }),
        members: nest.members.iter().map(member).collect(),
        reads: format::amount(&nest.reads),
        writes: format::amount(&nest.writes),
    }
}

/// A short number before a unit, with a space between them.
fn unit(number: &str) -> String {
    match number.ends_with(|last: char| last.is_ascii_digit()) {
        true => format!("{number} "),
        false => number.to_string(),
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Product => "product",
        Kind::Elementwise => "elementwise",
        Kind::Reduction => "reduction",
        Kind::Control => "control",
        Kind::Loop => "loop",
        Kind::Copy => "copy",
    }
}

fn anchor(place: Place) -> String {
    format!("f{}-{}", place.file, place.line)
}

/// File, line and what stands there.
fn named(report: &Report, place: Place) -> String {
    let file = report.files.get(place.file);
    let name = file.map_or("", |file| base(&file.name));
    let text = format::clipped(at(report, place), 2 * CLIP);
    format!("{name}:{}: {text}", place.line)
}

/// The name of a file without its folders.
fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// What stands at a place, to the end of the line.
fn at(report: &Report, place: Place) -> &str {
    let file = report.files.get(place.file);
    let line = file.and_then(|file| file.text.lines().nth(place.line.saturating_sub(1)));
    let line = line.unwrap_or_default();
    let skipped = line.char_indices().nth(place.column.saturating_sub(1));
    skipped.map_or(line, |(at, _)| &line[at..]).trim()
}

fn told(report: &Report, kind: Note) -> Told<'_> {
    let mut remarks: Vec<_> = (report.remarks.iter())
        .filter(|remark| remark.kind == kind)
        .collect();
    let bytes = |remark: &Remark| remark.bytes.as_ref().and_then(|bytes| bytes.value);
    remarks.sort_by_key(|remark| std::cmp::Reverse(bytes(remark)));
    let left_out = remarks.len().saturating_sub(SHOWN);
    remarks.truncate(SHOWN);
    let rows = remarks.into_iter().map(|remark| {
        let cost = |bytes: &Amount| unit(&format::amount(bytes)) + "B";
        let place = remark
            .place
            .map_or(String::new(), |place| named(report, place));
        (
            remark,
            remark.bytes.as_ref().map_or(String::new(), cost),
            place,
        )
    });
    Told {
        rows: rows.collect(),
        left_out,
    }
}

fn times(report: &Report) -> Vec<Spent<'_>> {
    let total: f64 = report.times.iter().map(|time| time.milliseconds).sum();
    let times = report.times.iter().map(|time| Spent {
        name: &time.name,
        milliseconds: time.milliseconds,
        percent: 100.0 * time.milliseconds / total.max(f64::MIN_POSITIVE),
    });
    times.collect()
}
