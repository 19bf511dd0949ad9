//! Graphs as SVG: in the page, and as files of their own.

use maud::{Markup, html};

use crate::graph::Drawing;

/// The tip of arrows, which pictures in the same document refer to.
pub fn tip() -> Markup {
    html! {
        defs {
            marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                path.tip d="M0 0L8 4L0 8z" {}
            }
        }
    }
}

/// What is in a picture: arrows, and boxes above them.
pub fn content(drawing: &Drawing) -> Markup {
    html! {
        @for curve in &drawing.curves {
            path.arrow d=(curve.path) data-from=(curve.from) data-to=(curve.to) marker-end="url(#tip)" { title { (curve.title) } }
        }
        @for one in &drawing.boxes {
            a href=[one.node.anchor.as_ref().map(|anchor| format!("#{anchor}"))] {
                g class={ "node " (one.node.class) } {
                    title { (one.node.title) }
                    rect x=(one.x) y=(one.y) width=(one.width) height=(one.height) rx="5" {}
                    @for (x, y, text) in &one.lines { text x=(x) y=(y) { (text) } }
                }
            }
        }
    }
}
