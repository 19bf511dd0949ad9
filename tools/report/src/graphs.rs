//! The graphs of a report: which function calls which, and what is left of an export after fusion.

use crate::{
    format,
    graph::{Arrow, Graph, Node},
    model::{Entry, Kind, Nest, Place, Report},
    places::{self, CLIP},
};

/// What is above the graph of calls.
pub const CALLS: &str = "Which function calls which";

/// A graph and what is above it.
pub struct Titled {
    /// What is above it.
    pub title: String,
    /// The graph.
    pub graph: Graph,
}

/// All graphs of a report, or that of the nests of one export.
pub fn all(report: &Report, only: Option<&str>) -> Vec<Titled> {
    let calls = only.is_none().then(|| Titled {
        title: CALLS.to_string(),
        graph: calls(report),
    });
    let entries = report.entries.iter();
    let entries = entries.filter(|entry| only.is_none_or(|only| entry.name == only));
    let nests = entries.map(|entry| Titled {
        title: format!("{}: {}", entry.name, counted(entry)),
        graph: nests(entry, &rows(report, entry)),
    });
    calls.into_iter().chain(nests).collect()
}

/// How many nests an export has.
pub fn counted(entry: &Entry) -> String {
    let (nests, edges) = (entry.nests.len(), entry.edges.len());
    format!("{nests} nests, {edges} buffers between them")
}

/// The functions of the program and which calls which.
pub fn calls(report: &Report) -> Graph {
    let is_exported = |i: usize| {
        let mut entries = report.entries.iter();
        entries.any(|entry| entry.name == report.functions[i].name)
    };
    let is_used = |i: usize| {
        let mut calls = report.calls.iter();
        calls.any(|call| call.caller == i || call.callee == i) || is_exported(i)
    };
    let kept: Vec<_> = (0..report.functions.len())
        .filter(|i| is_used(*i))
        .collect();
    let nodes = kept.iter().map(|i| {
        let function = &report.functions[*i];
        let file = &report.files[function.file].name;
        Node {
            lines: vec![function.name.clone()],
            class: if is_exported(*i) {
                "export"
            } else {
                "function"
            },
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
    Graph {
        nodes: nodes.collect(),
        arrows: arrows.collect(),
    }
}

/// A nest in words.
pub struct Row<'a> {
    /// Its number in the export.
    pub number: usize,
    /// What it is.
    pub what: String,
    /// What stands where it ends.
    pub text: String,
    /// The anchors of what is fused in it, and what stands there.
    pub members: Vec<(String, String)>,
    /// What it reads, in bytes.
    pub reads: String,
    /// What it writes, in bytes.
    pub writes: String,
    nest: &'a Nest,
}

impl Row<'_> {
    /// The line that it ends in, with a colon.
    pub fn line(&self) -> String {
        let place = self.nest.place;
        place.map_or(String::new(), |place| format!("line {}: ", place.line))
    }
}

/// The nests of an export in words.
pub fn rows<'a>(report: &Report, entry: &'a Entry) -> Vec<Row<'a>> {
    let nests = entry.nests.iter().enumerate();
    nests
        .map(|(number, nest)| row(report, number, nest))
        .collect()
}

/// The nests of an export and the buffers between them.
pub fn nests(entry: &Entry, rows: &[Row]) -> Graph {
    let nodes = rows.iter().map(|row| {
        let places = match row.nest.members.len() {
            0 | 1 => String::new(),
            count => format!(", {count} places"),
        };
        let [reads, writes] = [&row.reads, &row.writes].map(|number| format::unit(number));
        let members: Vec<_> = row.members.iter().map(|(_, text)| text.as_str()).collect();
        Node {
            lines: vec![
                format!("{}. {}", row.number + 1, row.text),
                format!("{}{}{places}", row.line(), row.what),
                format!("reads {reads}B, writes {writes}B"),
            ],
            class: class(row.nest.kind),
            title: format!("{}\n{}", row.what, members.join("\n")),
            anchor: row.nest.place.map(places::anchor),
        }
    });
    let arrows = entry.edges.iter().map(|edge| Arrow {
        from: edge.from,
        to: edge.to,
        title: format!(
            "{}, {}B",
            edge.ty,
            format::unit(&format::amount(&edge.bytes))
        ),
    });
    Graph {
        nodes: nodes.collect(),
        arrows: arrows.collect(),
    }
}

fn row<'a>(report: &Report, number: usize, nest: &'a Nest) -> Row<'a> {
    let what = match (&nest.kernel, nest.inside) {
        (Some(kernel), _) => format!("product {kernel}"),
        (None, Some(around)) => format!("{} in {}", class(nest.kind), around + 1),
        (None, None) => class(nest.kind).to_string(),
    };
    let text = |place: Place| format::clipped(places::at(report, place), CLIP);
    let member = |place: &Place| (places::anchor(*place), places::named(report, *place));
    Row {
        number,
        what,
        text: nest.place.map_or(String::new(), text),
        members: nest.members.iter().map(member).collect(),
        reads: format::amount(&nest.reads),
        writes: format::amount(&nest.writes),
        nest,
    }
}

/// What a nest is, also for the style sheet.
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
