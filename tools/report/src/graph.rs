//! Pictures of graphs: boxes in layers, by the algorithm of Sugiyama and others.

use rust_sugiyama::{configure::Config, from_vertices_and_edges};

/// The height of a line in a box, in pixels.
const LINE: f64 = 15.0;
/// The width of a character of the text, in pixels.
const CHARACTER: f64 = 6.7;
/// What is around the text of a box.
const PADDING: f64 = 8.0;
/// What is around the whole.
const MARGIN: f64 = 12.0;
/// Between boxes.
const GAP: f64 = 22.0;
/// Graphs of more boxes are laid out without trying swaps of neighbours, which takes cubic time.
const MANY: usize = 150;

/// A box to be placed.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its text.
    pub lines: Vec<String>,
    /// What it is, for the style sheet.
    pub class: &'static str,
    /// What is shown of it when it is pointed at.
    pub title: String,
    /// The line of the source that it leads to: the name of an anchor in the page.
    pub anchor: Option<String>,
}

/// An arrow.
#[derive(Debug, Clone)]
pub struct Arrow {
    /// The number of the node that it begins at.
    pub from: usize,
    /// The number of the node that it leads to.
    pub to: usize,
    /// What is shown of it when it is pointed at.
    pub title: String,
}

/// Boxes and arrows, to be placed.
#[derive(Debug, Default)]
pub struct Graph {
    /// The boxes.
    pub nodes: Vec<Node>,
    /// The arrows between them.
    pub arrows: Vec<Arrow>,
}

/// A picture.
#[derive(Debug, Default)]
pub struct Drawing {
    /// Its width in pixels.
    pub width: i64,
    /// Its height in pixels.
    pub height: i64,
    /// The boxes.
    pub boxes: Vec<Placed>,
    /// The arrows.
    pub curves: Vec<Curve>,
}

/// A box in its place.
#[derive(Debug)]
pub struct Placed {
    /// What it shows.
    pub node: Node,
    /// The left edge.
    pub x: i64,
    /// The upper edge.
    pub y: i64,
    /// The width.
    pub width: i64,
    /// The height.
    pub height: i64,
    /// The lines with the places where they begin.
    pub lines: Vec<(i64, i64, String)>,
}

/// An arrow in its place.
#[derive(Debug)]
pub struct Curve {
    /// The number of the box that it begins at.
    pub from: usize,
    /// The number of the box that it leads to.
    pub to: usize,
    /// The path, in SVG's notation.
    pub path: String,
    /// What is shown of it when it is pointed at.
    pub title: String,
}

/// Lays out a graph from top to bottom. Nodes that no arrow touches stand in rows beneath.
pub fn draw(graph: Graph) -> Drawing {
    let Graph { nodes, arrows } = graph;
    let sizes: Vec<_> = nodes.iter().map(size).collect();
    let places = places(&sizes, &arrows);
    let boxes = nodes.into_iter().zip(&sizes).zip(&places);
    let boxes: Vec<_> = boxes
        .map(|((node, size), place)| placed(node, *size, *place))
        .collect();
    let right = boxes.iter().map(|one| one.x + one.width).max();
    let bottom = boxes.iter().map(|one| one.y + one.height).max();
    Drawing {
        width: right.unwrap_or(0) + MARGIN as i64,
        height: bottom.unwrap_or(0) + MARGIN as i64,
        curves: arrows.iter().map(|arrow| curve(arrow, &boxes)).collect(),
        boxes,
    }
}

fn size(node: &Node) -> (f64, f64) {
    let characters = node.lines.iter().map(|line| line.chars().count()).max();
    let width = characters.unwrap_or(0) as f64 * CHARACTER + 2.0 * PADDING;
    (
        width.ceil(),
        node.lines.len() as f64 * LINE + 2.0 * PADDING - 4.0,
    )
}

/// The middle of each node.
fn places(sizes: &[(f64, f64)], arrows: &[Arrow]) -> Vec<(f64, f64)> {
    let touched = |node: usize| {
        let mut arrows = arrows.iter();
        arrows.any(|arrow| arrow.from != arrow.to && (arrow.from == node || arrow.to == node))
    };
    let (together, alone): (Vec<_>, Vec<_>) = (0..sizes.len()).partition(|node| touched(*node));
    // Those that are laid out have numbers of their own, without gaps.
    let number = |node: &usize| together.binary_search(node).ok().map(|at| at as u32);
    let vertices: Vec<_> = (together.iter().enumerate())
        .map(|(at, node)| (at as u32, sizes[*node]))
        .collect();
    let mut edges: Vec<_> = arrows
        .iter()
        .filter(|arrow| arrow.from != arrow.to)
        .filter_map(|arrow| Some((number(&arrow.from)?, number(&arrow.to)?)))
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let config = Config {
        vertex_spacing: GAP,
        // Arrows go behind boxes, as a picture with room for them between boxes is four times as wide.
        dummy_vertices: false,
        transpose: vertices.len() <= MANY,
        ..Config::default()
    };
    let mut places = vec![(0.0, 0.0); sizes.len()];
    let mut left = MARGIN;
    let mut bottom = MARGIN;
    let mut parts = from_vertices_and_edges(&vertices, &edges, &config);
    let nodes = parts.iter_mut().flat_map(|(part, ..)| part);
    nodes.for_each(|(node, _)| *node = together[*node]);
    // What is apart is handed out in no fixed order.
    parts.sort_by_key(|(part, ..)| part.iter().map(|(node, _)| *node).min());
    for (part, ..) in parts {
        let edge = |axis: fn(&(f64, f64)) -> f64| {
            let edges = part
                .iter()
                .map(|(node, place)| axis(place) - axis(&sizes[*node]) / 2.0);
            edges.fold(f64::INFINITY, f64::min)
        };
        let corner = (edge(|place| place.0), edge(|place| place.1));
        let mut right = left;
        for (node, (x, y)) in &part {
            let place = (x - corner.0 + left, y - corner.1 + MARGIN);
            places[*node] = place;
            right = right.max(place.0 + sizes[*node].0 / 2.0);
            bottom = bottom.max(place.1 + sizes[*node].1 / 2.0 + GAP);
        }
        left = right + GAP;
    }
    rows(&alone, sizes, (left.max(900.0), bottom), &mut places);
    places
}

/// Places nodes in rows of some width, beneath what is there.
fn rows(
    nodes: &[usize],
    sizes: &[(f64, f64)],
    (width, top): (f64, f64),
    places: &mut [(f64, f64)],
) {
    let (mut left, mut top, mut height) = (MARGIN, top, 0.0_f64);
    for node in nodes {
        let size = sizes[*node];
        if left > MARGIN && left + size.0 > width {
            (left, top, height) = (MARGIN, top + height + GAP, 0.0);
        }
        places[*node] = (left + size.0 / 2.0, top + size.1 / 2.0);
        left += size.0 + GAP;
        height = height.max(size.1);
    }
}

fn placed(node: Node, (width, height): (f64, f64), (x, y): (f64, f64)) -> Placed {
    let (left, upper) = (x - width / 2.0, y - height / 2.0);
    let lines = node.lines.iter().enumerate();
    let lines = lines.map(|(i, line)| {
        let base = upper + PADDING + (i as f64 + 0.6) * LINE;
        ((left + PADDING) as i64, base as i64, line.clone())
    });
    Placed {
        lines: lines.collect(),
        node,
        x: left as i64,
        y: upper as i64,
        width: width as i64,
        height: height as i64,
    }
}

/// From the lower edge of a box to the upper edge of another; an arrow that goes up leaves at the side.
fn curve(arrow: &Arrow, boxes: &[Placed]) -> Curve {
    let (from, to) = (&boxes[arrow.from], &boxes[arrow.to]);
    let path = match to.y >= from.y + from.height {
        true => {
            let (x1, y1) = (from.x + from.width / 2, from.y + from.height);
            let (x2, y2) = (to.x + to.width / 2, to.y - 3);
            let middle = (y2 - y1) / 2;
            format!(
                "M{x1} {y1}C{x1} {},{x2} {},{x2} {y2}",
                y1 + middle,
                y2 - middle
            )
        }
        false => {
            let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
            let (x2, y2) = (to.x + to.width + 3, to.y + to.height / 2);
            let side = x1.max(x2) + 2 * GAP as i64;
            format!("M{x1} {y1}C{side} {y1},{side} {y2},{x2} {y2}")
        }
    };
    Curve {
        from: arrow.from,
        to: arrow.to,
        path,
        title: arrow.title.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node {
            lines: vec![text.to_string(), "second line".to_string()],
            class: "product",
            ..Node::default()
        }
    }

    fn arrow(from: usize, to: usize) -> Arrow {
        Arrow {
            from,
            to,
            title: String::new(),
        }
    }

    #[test]
    fn boxes_do_not_overlap_and_arrows_go_down() {
        let nodes: Vec<_> = (0..9).map(|i| node(&"x".repeat(1 + 7 * i))).collect();
        let arrows = [(0, 2), (0, 3), (2, 4), (3, 4), (0, 4), (5, 7), (7, 8)];
        let arrows = arrows.map(|(from, to)| arrow(from, to));
        let drawing = draw(Graph {
            nodes,
            arrows: arrows.to_vec(),
        });
        let boxes = &drawing.boxes;
        for (i, a) in boxes.iter().enumerate() {
            assert!(a.x >= 0 && a.x + a.width <= drawing.width, "{a:?}");
            assert!(a.y >= 0 && a.y + a.height <= drawing.height, "{a:?}");
            for b in &boxes[..i] {
                let beside = a.x + a.width <= b.x || b.x + b.width <= a.x;
                let above = a.y + a.height <= b.y || b.y + b.height <= a.y;
                assert!(beside || above, "{a:?} {b:?}");
            }
        }
        for arrow in &arrows {
            assert!(boxes[arrow.from].y < boxes[arrow.to].y);
        }
        assert_eq!(drawing.curves.len(), arrows.len());
    }

    #[test]
    fn graphs_with_circles_or_without_anything_are_drawn() {
        assert_eq!(draw(Graph::default()).boxes.len(), 0);
        let circle = Graph {
            nodes: vec![node("a"), node("b")],
            arrows: vec![arrow(0, 1), arrow(1, 0), arrow(1, 1)],
        };
        assert_eq!(draw(circle).curves.len(), 3);
    }
}
