//! What was fused, what was not, and what else passes have to say, by what it costs.

use crate::{
    format,
    model::{Note, Remark, Report},
    places,
};
use maud::{Markup, html};
use std::collections::HashMap;

/// Of so many sorts of remarks the page shows those of the most bytes.
const SHOWN: usize = 400;

/// Remarks that say the same of the same place: what stands in a line is often made several times.
pub(super) struct Same<'a> {
    /// One of them.
    pub remark: &'a Remark,
    /// How many there are.
    pub count: usize,
}

impl Same<'_> {
    /// What is saved by all of them, or what they cost.
    fn bytes(&self) -> Option<u64> {
        let each = self.remark.bytes.as_ref()?.value?;
        each.checked_mul(self.count as u64)
    }
}

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

/// Remarks put together, in the order in which the first of each comes.
pub(super) fn same<'a>(remarks: impl Iterator<Item = &'a Remark>) -> Vec<Same<'a>> {
    let mut found: Vec<Same> = vec![];
    let mut known = HashMap::new();
    for remark in remarks {
        let key = (remark.kind, remark.place, &remark.message, &remark.other);
        let at = *known.entry(key).or_insert(found.len());
        match found.get_mut(at) {
            Some(same) => same.count += 1,
            None => found.push(Same { remark, count: 1 }),
        }
    }
    found
}

/// Remarks of a kind, those of the most bytes first.
fn of_kind(report: &Report, kind: Note) -> Vec<Same<'_>> {
    let remarks = report.remarks.iter();
    let mut found = same(remarks.filter(|remark| remark.kind == kind));
    found.sort_by_key(|same| std::cmp::Reverse(same.bytes()));
    found
}

fn told(report: &Report, remarks: Vec<Same>, empty: &str) -> Markup {
    let left_out = remarks.len().saturating_sub(SHOWN);
    html! {
        @if remarks.is_empty() {
            p.note { (empty) }
        } @else {
            div.wide {
                table.told {
                    thead {
                        tr {
                            th.number { "bytes" }
                            th.number { "times" }
                            th { "where" }
                            th { "what" }
                        }
                    }
                    tbody { @for one in remarks.iter().take(SHOWN) { (row(report, one)) } }
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

fn row(report: &Report, same: &Same) -> Markup {
    let Same { remark, count } = *same;
    let bytes = match same.bytes() {
        Some(bytes) => format::short(bytes),
        None => remark.bytes.as_ref().map_or(String::new(), format::amount),
    };
    html! {
        tr {
            td.number { (bytes) }
            td.number { (count) }
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
