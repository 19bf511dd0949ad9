//! What was fused, what was not, and what else passes have to say, by what it costs.

use crate::{
    format,
    model::{Note, Remark, Report},
    places,
};
use maud::{Markup, html};

/// Of so many remarks of a kind the page shows those of the most bytes.
const SHOWN: usize = 400;

pub(super) fn section(report: &Report) -> Markup {
    let analysis = of_kind(report, Note::Analysis);
    html! {
        section #fusion {
            h2 { "Fusion" }
            h3 #missed { "What was not fused, and why" }
            (told(report, of_kind(report, Note::Missed), "Everything that could be was fused."))
            h3 #fused { "What was fused" }
            (told(report, of_kind(report, Note::Passed), "Nothing."))
            @if !analysis.is_empty() {
                h3 #analysis { "What else was found" }
                (told(report, analysis, ""))
            }
        }
    }
}

/// Remarks of a kind, those of the most bytes first.
fn of_kind(report: &Report, kind: Note) -> Vec<&Remark> {
    let remarks = report.remarks.iter();
    let mut remarks: Vec<_> = remarks.filter(|remark| remark.kind == kind).collect();
    let bytes = |remark: &Remark| remark.bytes.as_ref().and_then(|bytes| bytes.value);
    remarks.sort_by_key(|remark| std::cmp::Reverse(bytes(remark)));
    remarks
}

fn told(report: &Report, remarks: Vec<&Remark>, empty: &str) -> Markup {
    let left_out = remarks.len().saturating_sub(SHOWN);
    html! {
        @if remarks.is_empty() {
            p.note { (empty) }
        } @else {
            div.wide {
                table {
                    thead { tr { th.number { "bytes" } th { "where" } th { "what" } } }
                    tbody { @for remark in remarks.into_iter().take(SHOWN) { (row(report, remark)) } }
                }
            }
        }
        @if left_out > 0 {
            p.note {
                (left_out) " more of fewer bytes are left out; "
                code { "--emit=remarks" }
                " has all."
            }
        }
    }
}

fn row(report: &Report, remark: &Remark) -> Markup {
    let bytes = remark.bytes.as_ref();
    let bytes = bytes.map(|bytes| format::unit(&format::amount(bytes)) + "B");
    html! {
        tr {
            td.number { (bytes.unwrap_or_default()) }
            td {
                @if let Some(at) = remark.place {
                    a href={ "#" (places::anchor(at)) } { code { (places::named(report, at)) } }
                }
            }
            td { (message(remark)) }
        }
    }
}

/// What a remark says, with the other place that it is about.
pub(super) fn message(remark: &Remark) -> Markup {
    html! {
        (remark.message)
        @if let Some((place, what)) = &remark.other {
            " ("
            a href={ "#" (places::anchor(*place)) } { (what) ": line " (place.line) }
            ")"
        }
    }
}
