//! The graphs of a report in the language of Graphviz.

use crate::{
    graph::{Arrow, Node},
    graphs::{self, Titled},
    model::Report,
    style::colour,
};
use std::fmt::Write;

/// The graphs of a report, or that of the nests of one export, as one graph with a cluster for each.
pub fn dot(report: &Report, only: Option<&str>) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&report.program));
    text += "  node [shape=box, style=filled, fontname=monospace, fontsize=10];\n";
    text += "  edge [fontname=monospace, fontsize=9];\n";
    for (number, one) in graphs::all(report, only).iter().enumerate() {
        text += &cluster(number, one);
    }
    text + "}\n"
}

fn cluster(number: usize, Titled { title, graph }: &Titled) -> String {
    let mut text = format!(
        "  subgraph cluster_{number} {{\n    label={};\n",
        quoted(title)
    );
    for (at, node) in graph.nodes.iter().enumerate() {
        writeln!(text, "    n{number}_{at} [{}];", of_node(node)).expect(WRITTEN);
    }
    for Arrow { from, to, title } in &graph.arrows {
        let label = quoted(title);
        writeln!(
            text,
            "    n{number}_{from} -> n{number}_{to} [label={label}];"
        )
        .expect(WRITTEN);
    }
    text + "  }\n"
}

const WRITTEN: &str = "writing to a string succeeds";

fn of_node(node: &Node) -> String {
    // Lines of a label end with how they stand.
    let mut label = String::new();
    for line in &node.lines {
        label += &escaped(line);
        label += if node.lines.len() > 1 { "\\l" } else { "" };
    }
    let fill = match node.class {
        "export" => colour("product"),
        "function" => colour("panel"),
        class => colour(class),
    };
    format!(
        "label=\"{label}\", fillcolor=\"{fill}\", tooltip={}",
        quoted(&node.title)
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text in quotes: there, a backslash begins what stands for something else.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}
