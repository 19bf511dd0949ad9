//! The graphs of a report as one picture that needs nothing else.

use crate::{
    graph::{self, Drawing},
    graphs::{self, Titled},
    model::Report,
    picture, style,
};
use maud::{Markup, PreEscaped, html};

/// What is above a graph, in pixels.
const HEAD: i64 = 34;
/// The width of a character of a title, in pixels.
const CHARACTER: i64 = 9;

/// The graphs of a report, or that of the nests of one export, as a document of SVG.
pub fn svg(report: &Report, only: Option<&str>) -> String {
    let titled = graphs::all(report, only).into_iter().map(drawn);
    let drawn: Vec<_> = titled.collect();
    let width = drawn.iter().map(|(title, drawing)| {
        let title = title.chars().count() as i64 * CHARACTER;
        drawing.width.max(title)
    });
    let width = width.max().unwrap_or(0);
    let height: i64 = drawn.iter().map(|(_, drawing)| HEAD + drawing.height).sum();
    let mut top = 0;
    let parts = drawn.iter().map(|(title, drawing)| {
        let begin = top;
        top += HEAD + drawing.height;
        part(title, drawing, begin)
    });
    let document = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
            title { (report.program) }
            style { (PreEscaped(style::graph())) }
            (picture::tip())
            rect width="100%" height="100%" fill=(style::colour("back")) {}
            @for part in parts { (part) }
        }
    };
    document.into_string() + "\n"
}

/// A graph in its place; its boxes lead nowhere.
fn drawn(Titled { title, mut graph }: Titled) -> (String, Drawing) {
    for node in &mut graph.nodes {
        node.anchor = None;
    }
    (title, graph::draw(graph))
}

fn part(title: &str, drawing: &Drawing, top: i64) -> Markup {
    html! {
        g transform={ "translate(0 " (top) ")" } {
            text x="12" y="22" style="font-size: 14px; font-weight: bold" { (title) }
            g transform={ "translate(0 " (HEAD - 12) ")" } { (picture::content(drawing)) }
        }
    }
}
