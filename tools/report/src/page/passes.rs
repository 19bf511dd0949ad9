//! What the compiler spent its time on.

use crate::model::{Report, Time};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    let total: f64 = report.times.iter().map(|time| time.milliseconds).sum();
    html! {
        section #passes {
            h2 { "Passes and their time" }
            p.controls { button #sort type="button" aria-pressed="false" { "Longest first" } }
            div.wide {
                table #times {
                    thead {
                        tr {
                            th.number { "order" }
                            th { "pass" }
                            th.number { "ms" }
                            th.number { "%" }
                            th { "share" }
                        }
                    }
                    tbody { @for (at, time) in report.times.iter().enumerate() { (row(at + 1, time, total)) } }
                }
            }
        }
    }
}

/// A pass, which number it is, and what share it has of all.
fn row(number: usize, time: &Time, total: f64) -> Markup {
    let percent = 100.0 * time.milliseconds / total.max(f64::MIN_POSITIVE);
    html! {
        tr data-ms=(time.milliseconds) {
            td.number { (number) }
            td { (time.name) }
            td.number { (format!("{:.3}", time.milliseconds)) }
            td.number { (format!("{percent:.1}")) }
            td {
                svg.share width="200" height="10" aria-hidden="true" {
                    rect width=(format!("{:.1}", percent * 2.0)) height="10" {}
                }
            }
        }
    }
}
