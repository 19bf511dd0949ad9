//! The source, with what is told at its lines; the script fills in what they cost.

use super::{choice, fusion};
use crate::model::{File, Note, Remark, Report};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #source {
            h2 { "Source, with its cost by line" }
            p.controls {
                (choice(report, "cost-entry"))
                label { input #cost-calls type="checkbox"; " with what is called" }
            }
            @for (number, one) in report.files.iter().enumerate() { (file(report, number, one)) }
        }
    }
}

fn file(report: &Report, number: usize, file: &File) -> Markup {
    html! {
        details.file open[number == 0] {
            summary { code { (file.name) } }
            div.wide {
                table.source data-file=(number) {
                    thead { tr { th.number { "line" } th { "FLOP" } th { "bytes" } th { "source" } } }
                    tbody {
                        @for (at, text) in file.text.lines().enumerate() {
                            (line(report, (number, at + 1), text))
                        }
                    }
                }
            }
        }
    }
}

/// A line of a file, both by number.
fn line(report: &Report, (file, line): (usize, usize), text: &str) -> Markup {
    let is_here = |remark: &&Remark| {
        let place = remark.place;
        place.is_some_and(|place| place.file == file && place.line == line)
    };
    let remarks: Vec<_> = report.remarks.iter().filter(is_here).collect();
    let id = format!("f{file}-{line}");
    html! {
        tr id=(id) {
            td.number { a href={ "#" (id) } { (line) } }
            td.cost {}
            td.cost {}
            td.text {
                code { (text) }
                @if !remarks.is_empty() {
                    details.told {
                        summary { (summary(&remarks)) }
                        ul {
                            @for same in fusion::same(remarks.iter().copied()) {
                                li class=(mark(same.remark)) {
                                    (fusion::message(same.remark))
                                    @if same.count > 1 { " " em { (same.count) " times" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn mark(remark: &Remark) -> &'static str {
    match remark.kind {
        Note::Missed => "missed",
        Note::Passed | Note::Analysis => "passed",
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
