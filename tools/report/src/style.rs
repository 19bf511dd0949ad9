//! How pages and pictures look.

const COLOURS: &str = include_str!("page/colours.css");
const GRAPH: &str = include_str!("page/graph.css");
const PAGE: &str = include_str!("page/report.css");

/// The style sheet of the page.
pub fn page() -> String {
    [COLOURS, GRAPH, PAGE].concat()
}

/// The style sheet of a picture of graphs by itself, on white. It has no variables, which few programs but browsers know.
pub fn graph() -> String {
    let mut parts = GRAPH.split("var(--");
    let mut style = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once(')').unwrap_or((part, ""));
        style += colour(name);
        style += rest;
    }
    style
}

/// A colour by its name, on white.
pub fn colour(name: &str) -> &'static str {
    let declared = COLOURS.split(['{', ';']).find_map(|declaration| {
        let (found, value) = declaration.trim().strip_prefix("--")?.split_once(": ")?;
        (found == name).then_some(value)
    });
    declared.expect("the style sheet declares all colours that it uses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_colours_of_white_pages() {
        assert_eq!(colour("back"), "#ffffff");
        let style = graph();
        assert!(!style.contains("var("), "{style}");
        assert!(
            style.contains(".node.product rect { fill: #cfe3ff; }"),
            "{style}"
        );
    }
}
