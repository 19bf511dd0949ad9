//! Shapes as Rust expressions, and names that Rust accepts.

use dlc_abi::dim::Factor;
use dlc_abi::{Poly, symbol};

/// An expression for the sizes of the axes, `&[Option<i64>]`, with dims as `Option<i64>`.
pub(super) fn axes(shape: &[String]) -> String {
    let axes: Vec<String> = shape
        .iter()
        .map(|text| match Poly::parse(text) {
            Ok(poly) => polynomial(&poly, &rust_name),
            Err(_) => NOTHING.to_string(),
        })
        .collect();
    format!("&[{}]", axes.join(", "))
}

const NOTHING: &str = "::std::option::Option::None";

/// An expression of type `Option<i64>`; nothing when it overflows. `dim` gives one for a dim.
pub(super) fn polynomial(poly: &Poly, dim: &dyn Fn(&str) -> String) -> String {
    let some = |value: i64| format!("::std::option::Option::Some({value})");
    if let Some(value) = poly.as_const() {
        return some(value);
    }
    if let Some(name) = poly.as_name() {
        return dim(name);
    }
    let mut terms = Vec::new();
    for (coefficient, factors) in poly.terms() {
        let mut product: Vec<String> = Vec::new();
        match i64::try_from(coefficient) {
            Ok(1) if !factors.is_empty() => {}
            Ok(value) => product.push(some(value)),
            Err(_) => product.push(NOTHING.to_string()),
        }
        product.extend(factors.iter().map(|factor| match factor {
            Factor::Name(name) => dim(name),
            Factor::FloorDiv(inner, by) => {
                format!(
                    "{}.map(|v: i64| v.div_euclid({by}))",
                    polynomial(inner, dim)
                )
            }
            Factor::Rem(inner, by) => {
                format!(
                    "{}.map(|v: i64| v.rem_euclid({by}))",
                    polynomial(inner, dim)
                )
            }
        }));
        terms.push(format!("&[{}]", product.join(", ")));
    }
    format!("dlc_support::sum(&[{}])", terms.join(", "))
}

/// A name that is no keyword of Rust.
pub(super) fn rust_name(name: &str) -> String {
    let name = symbol::identifier(name);
    if name == "_" || KEYWORDS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "call", "const",
    "continue", "crate", "dims", "do", "dyn", "else", "enum", "extern", "false", "final", "fn",
    "for", "gen", "if", "impl", "in", "leaves", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "scratch", "self", "static", "status",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized",
    "use", "virtual", "where", "while", "yield", "bytes",
];
