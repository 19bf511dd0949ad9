//! The exports, and what a call of each costs.

use crate::{format, model::Entry, model::Report};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #overview {
            h2 { "Overview" }
            div.wide {
                table {
                    thead {
                        tr {
                            th { "Export" }
                            th { "at" }
                            th.number { "FLOP" }
                            th.number { "bytes through memory" }
                            th.number { "FLOP per byte" }
                            th.number { "nests" }
                            th.number { "workspace, bytes" }
                        }
                    }
                    tbody { @for entry in &report.entries { (row(report, entry)) } }
                }
            }
            p.note {
                "A nest is what goes through memory by itself: a product with what goes through its tiles, or one nest of loops. \
                 Numbers hold at the dims given; a pointer over them shows the formula. "
                code { "--dim NAME=SIZE" }
                " chooses others."
            }
        }
    }
}

fn row(report: &Report, entry: &Entry) -> Markup {
    let workspace = report.workspaces.iter().find(|one| one.entry == entry.name);
    html! {
        tr {
            th scope="row" { code { (entry.name) } }
            td { (format::dims(&entry.dims)) }
            td.number title=(entry.flops.formula) { (format::amount(&entry.flops)) }
            td.number title=(entry.bytes.formula) { (format::amount(&entry.bytes)) }
            td.number { (intensity(entry)) }
            td.number { (entry.nests.len()) }
            td.number { (workspace.map_or("?".to_string(), |one| format::short(one.bytes))) }
        }
    }
}

/// Operations for each byte that goes through memory.
fn intensity(entry: &Entry) -> String {
    match (entry.flops.value, entry.bytes.value) {
        (Some(flops), Some(bytes)) if bytes > 0 => format!("{:.2}", flops as f64 / bytes as f64),
        _ => "?".to_string(),
    }
}
