//! What the workspaces hold over time.

use crate::{
    chart, format,
    model::{Buffer, Report, Workspace},
};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #memory {
            h2 { "Memory over time" }
            p.note {
                "Time goes from left to right, in steps at which some buffer begins or another has ended; memory from top to bottom. \
                 Beneath it is what of it is alive."
            }
            @for (number, one) in report.workspaces.iter().enumerate() {
                details.memory open[number == 0] {
                    summary {
                        code { (one.entry) }
                        ": " (format::unit(&format::short(one.bytes))) "B (" (one.bytes) " bytes), of which "
                        (one.least_bytes) " bytes are alive at the most"
                    }
                    @if one.buffers.is_empty() {
                        p.note { "It needs no workspace." }
                    } @else {
                        (picture(one))
                        (table(one))
                    }
                }
            }
        }
    }
}

fn picture(workspace: &Workspace) -> Markup {
    let chart = chart::draw(workspace);
    let label = format!(
        "Buffers in the workspace of {}: time from left to right, memory from top to bottom",
        workspace.entry
    );
    html! {
        div.picture tabindex="0" role="region" aria-label={ "The workspace of " (workspace.entry) " over time" } {
            svg width=(chart.width) height=(chart.height) viewBox={ "0 0 " (chart.width) " " (chart.height) } role="img" aria-label=(label) {
                @for bar in &chart.boxes {
                    g class={ "buffer b" (bar.colour) } {
                        title { (bar.title) }
                        rect x=(bar.x) y=(bar.y) width=(bar.width) height=(bar.height) {}
                        @if let Some(label) = &bar.label { text x=(bar.x) y=(bar.y) dx="4" dy="12" { (label) } }
                    }
                }
                @for slot in &chart.slots { line.slot x1="0" x2=(chart.width) y1=(slot) y2=(slot) {} }
                polygon.alive points=(chart.alive) { title { "what is alive" } }
                line.slot x1="0" x2=(chart.width) y1=(chart.base) y2=(chart.base) {}
            }
        }
    }
}

fn table(workspace: &Workspace) -> Markup {
    html! {
        details {
            summary { "As a table" }
            div.wide {
                table {
                    thead {
                        tr {
                            th { "type" }
                            th.number { "bytes" }
                            th.number { "slot" }
                            th.number { "offset" }
                            th { "steps" }
                            th { "made" }
                            th { "last used" }
                        }
                    }
                    tbody { @for buffer in &workspace.buffers { (row(buffer)) } }
                }
            }
        }
    }
}

fn row(buffer: &Buffer) -> Markup {
    let place = |place: &Option<(String, usize)>| {
        let place = place.as_ref();
        place.map_or(String::new(), |(file, line)| format!("{file}:{line}"))
    };
    html! {
        tr {
            td { code { (buffer.ty) } }
            td.number { (buffer.bytes) }
            td.number { (buffer.slot) }
            td.number { (buffer.offset) }
            td { (buffer.from) "-" (buffer.to) }
            td { (place(&buffer.made)) }
            td { (place(&buffer.last)) }
        }
    }
}
