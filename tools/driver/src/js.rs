//! A module of JavaScript that calls a library built as a module of WebAssembly, for Node and browsers: `--emit=js`.
//!
//! It has tables of the entries, made here, and code that is the same for all libraries, `js/runtime.mjs`: that lays tensors
//! out in the module's memory, checks types, lengths and dims, and calls the packed entries.

use crate::layout::{dl_signature, visible};
use dlc_abi::{Entry, Manifest, Mode, Poly, Tree, dim::Factor, symbol};
use std::fmt::Write;

/// What all libraries have.
const RUNTIME: &str = include_str!("js/runtime.mjs");
const WRITTEN: &str = "writing to a string succeeds";

/// The text of `STEM.mjs`.
pub fn generate(manifest: &Manifest) -> String {
    let stem = &manifest.stem;
    let mut text = format!(
        "// {stem}.mjs, made by {} for {}; do not edit.\n//\n// import {{ load }} from './{stem}.mjs';\n// const model = await load();\n",
        visible(&manifest.compiler),
        visible(&manifest.target)
    );
    text += RUNTIME;
    write!(
        text,
        "\nconst MODULE = {};\nconst HASH = {};\nconst HASH_FUNCTION = {};\n\n/** The exports, as the library has them. */\nconst ENTRIES = [\n",
        quoted(&format!("./{stem}.wasm")),
        quoted(&manifest.abi_hash),
        quoted(&symbol::abi_hash(stem))
    )
    .expect(WRITTEN);
    for entry in &manifest.entries {
        text += &self::entry(entry);
    }
    text + "];\n"
}

fn entry(entry: &Entry) -> String {
    let signature = visible(&dl_signature(entry)).replace("*/", "* /");
    let mut text = format!("  /** {signature} */\n  {{\n");
    for (key, value) in [
        ("name", &entry.name),
        ("packed", &entry.packed_symbol),
        ("workspace", &entry.workspace_symbol),
        ("message", &entry.message_symbol()),
    ] {
        writeln!(text, "    {key}: {},", quoted(value)).expect(WRITTEN);
    }
    let dims = entry.dims.iter().map(|dim| {
        let max = dim.max.map_or("null".to_string(), |max| max.to_string());
        let name = quoted(&dim.name);
        format!("{{ name: {name}, min: {}, max: {max} }}", dim.min)
    });
    let dims = dims.collect::<Vec<_>>().join(", ");
    writeln!(text, "    dims: [{dims}],\n    params: [").expect(WRITTEN);
    for param in &entry.params {
        let mode = match param.mode {
            Mode::In => "in",
            Mode::InOut => "inout",
        };
        let (name, tree) = (quoted(&param.name), tree(&param.tree));
        writeln!(
            text,
            "      {{ name: {name}, mode: '{mode}', tree: {tree} }},"
        )
        .expect(WRITTEN);
    }
    let result = entry.result.as_ref().map_or("null".into(), tree);
    text + &format!("    ],\n    result: {result},\n  }},\n")
}

fn tree(of: &Tree) -> String {
    match of {
        Tree::Tensor { dtype, shape } => {
            let axes: Vec<_> = shape.iter().map(|axis| expression(axis)).collect();
            format!("tensor('{dtype}', (d) => [{}])", axes.join(", "))
        }
        Tree::Struct { fields, .. } => {
            let fields = fields
                .iter()
                .map(|(name, part)| format!("{}: {}", quoted(name), tree(part)));
            let fields = fields.collect::<Vec<_>>().join(", ");
            format!("struct({{ {fields} }})")
        }
        Tree::Tuple(items) | Tree::List(items) => {
            let items: Vec<_> = items.iter().map(tree).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

/// The value of a dim's text where `d` has the dims.
fn expression(text: &str) -> String {
    let poly = Poly::parse(text).expect("manifests hold polynomials");
    sum(&poly)
}

fn sum(poly: &Poly) -> String {
    let terms = poly.terms().into_iter().map(|(coefficient, factors)| {
        let mut product = match (coefficient, factors.is_empty()) {
            (1, false) => vec![],
            _ => vec![coefficient.to_string()],
        };
        product.extend(factors.into_iter().map(|factor| match factor {
            Factor::Name(name) => format!("d[{}]", quoted(name)),
            Factor::FloorDiv(inner, by) => format!("div({}, {by})", sum(inner)),
            Factor::Rem(inner, by) => format!("rem({}, {by})", sum(inner)),
        }));
        product.join(" * ")
    });
    let terms: Vec<_> = terms.collect();
    match terms.is_empty() {
        true => "0".into(),
        false => terms.join(" + "),
    }
}

/// A text of JavaScript.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text has a form in JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::sample;

    #[test]
    fn shapes_are_functions_of_dims() {
        assert_eq!(expression("64"), "64");
        assert_eq!(expression("2*D + 1"), "2 * d[\"D\"] + 1");
        assert_eq!(expression("(D / 4)"), "div(d[\"D\"], 4)");
        assert_eq!(expression("B - 3"), "d[\"B\"] + -3");
    }

    #[test]
    fn every_entry_is_in_the_table() {
        let manifest = sample();
        let text = generate(&manifest);
        for entry in &manifest.entries {
            assert!(text.contains(&format!("packed: \"{}\"", entry.packed_symbol)));
        }
        assert_eq!(generate(&manifest), text);
    }
}
