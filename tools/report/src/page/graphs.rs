//! The graphs: calls, and what is left of each export after fusion.

use crate::{
    graph::{self, Drawing},
    graphs::{self, Row},
    model::{Entry, Report},
    picture,
};
use maud::{Markup, html};

/// Graphs of more nests are not drawn, as nobody can read them; their nests are in a table.
const DRAWN: usize = 600;

/// The kinds of nests, by their classes.
const LEGEND: [(&str, &str); 6] = [
    ("product", "product"),
    ("elementwise", "elementwise"),
    ("reduction", "reduction"),
    ("loop", "other loops"),
    ("control", "control"),
    ("copy", "fill or copy"),
];

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #graphs {
            h2 { "Graphs" }
            svg.hidden width="0" height="0" aria-hidden="true" { (picture::tip()) }
            h3 { (graphs::CALLS) }
            (picture(&graph::draw(graphs::calls(report)), graphs::CALLS))
            h3 { "What is left after fusion" }
            p.legend { @for (class, name) in LEGEND { span class={ "key " (class) } { (name) } " " } }
            @for (number, entry) in report.entries.iter().enumerate() {
                details.graph open[number == 0] { (nests(report, entry)) }
            }
        }
    }
}

fn nests(report: &Report, entry: &Entry) -> Markup {
    let rows = graphs::rows(report, entry);
    html! {
        summary {
            code { (entry.name) } ": " (graphs::counted(entry))
        }
        @if rows.len() <= DRAWN {
            (picture(&graph::draw(graphs::nests(entry, &rows)), "Nests and the buffers between them"))
        } @else {
            p.note {
                "These are too many for a picture that could be read; the table has them, and "
                code { "dlc inspect --graph" }
                " draws them."
            }
        }
        details {
            summary { "As a table" }
            div.wide {
                table {
                    thead {
                        tr {
                            th.number { "nest" }
                            th { "what" }
                            th { "ends at" }
                            th.number { "reads, bytes" }
                            th.number { "writes, bytes" }
                            th { "fused in it" }
                        }
                    }
                    tbody { @for one in &rows { (row(one)) } }
                }
            }
        }
    }
}

fn row(row: &Row) -> Markup {
    html! {
        tr {
            td.number { (row.number + 1) }
            td { (row.what) }
            td { (row.line()) code { (row.text) } }
            td.number { (row.reads) }
            td.number { (row.writes) }
            td { @for (anchor, text) in &row.members { a href={ "#" (anchor) } { code { (text) } } br; } }
        }
    }
}

fn picture(drawing: &Drawing, label: &str) -> Markup {
    let Drawing { width, height, .. } = drawing;
    html! {
        div.picture tabindex="0" role="region" aria-label=(label) {
            svg width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label=(label) {
                (picture::content(drawing))
            }
        }
    }
}
