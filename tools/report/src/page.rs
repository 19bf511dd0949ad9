//! The page: one file of HTML that needs nothing else, and that a browser lets load nothing else.

mod fusion;
mod graphs;
mod memory;
mod overview;
mod passes;
mod source;

use crate::{model::Report, style};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;

const SCRIPT: &str = include_str!("page/report.js");

/// The parts of the page, by their names in addresses.
const PARTS: [(&str, &str); 7] = [
    ("overview", "Overview"),
    ("source", "Source"),
    ("graphs", "Graphs"),
    ("fusion", "Fusion"),
    ("memory", "Memory"),
    ("passes", "Passes"),
    ("levels", "Levels"),
];

/// The page of a report.
pub fn html(report: &Report) -> String {
    // So that no text of the program ends the script.
    let costs = costs(report).to_string().replace('<', "\\u003c");
    let texts = packed(&json!(report.levels).to_string());
    let style = style::page();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.program) ": what the compiler did" }
                style { (PreEscaped(&style)) }
            }
            body {
                header {
                    h1 { (report.program) }
                    p { (compiled(report)) }
                    nav aria-label="Parts of the report" {
                        @for (name, title) in PARTS { a href={ "#" (name) } { (title) } " " }
                    }
                }
                main {
                    (overview::section(report))
                    (source::section(report))
                    (graphs::section(report))
                    (fusion::section(report))
                    (memory::section(report))
                    (passes::section(report))
                    (levels(report))
                }
                script #data type="application/json" { (PreEscaped(costs)) }
                script #texts type="text/plain" { (texts) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What a browser may do with the page: run the script and use the style that stand in it, and load nothing.
fn policy(style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

/// What the script shows at lines.
fn costs(report: &Report) -> Value {
    let entries = report.entries.iter();
    let entries: Vec<_> = entries
        .map(|entry| json!({ "name": entry.name, "symbol": entry.symbol, "costs": entry.costs }))
        .collect();
    json!({ "entries": entries })
}

/// A text in the format of zlib, in base 64: the texts of levels are nearly all of a page, and of much that is the same.
fn packed(text: &str) -> String {
    let mut encoder = ZlibEncoder::new(vec![], Compression::default());
    let bytes = encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish());
    STANDARD.encode(bytes.expect("writing to memory does not fail"))
}

/// By what it was compiled, and for what.
fn compiled(report: &Report) -> String {
    let unit = &report.unit;
    let mut text = format!(
        "{} for {}, -O{}",
        report.compiler, unit.target, unit.opt_level
    );
    if unit.threads > 1 {
        text += &format!(", {} threads", unit.threads);
    }
    if let Some(gpu) = &unit.gpu {
        text += &format!(", and for {gpu}");
    }
    text
}

/// The texts of all levels, which the script fills in.
fn levels(report: &Report) -> Markup {
    html! {
        section #levels {
            h2 { "The program at every level" }
            p.controls {
                (choice(report, "level-entry"))
                span #level-choice role="group" aria-label="Levels that are shown" {}
            }
            p.note { "A line that is chosen, by a click or the arrow keys, shows what was made of its source at all levels." }
            div #panes {}
        }
    }
}

/// What an export is chosen with.
fn choice(report: &Report, id: &str) -> Markup {
    html! {
        label {
            "Export "
            select id=(id) {
                @for (number, entry) in report.entries.iter().enumerate() {
                    option value=(number) { (entry.name) }
                }
            }
        }
        " "
    }
}
