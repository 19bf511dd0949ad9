//! The items of a document, with the fields of structs; and those of all files that open programs are made of.

use std::collections::HashSet;

use dlc_frontend::ast::{Ident, Item, ItemKind, Span};
use dlc_frontend::modules::is_std;
use lsp_types::{DocumentSymbol, Location, SymbolInformation, SymbolKind};

use crate::position::range;
use crate::world::{Analysis, World};

/// The most symbols of several files that are given at once.
const MAX_FOUND: usize = 256;

/// All symbols of a file of a program; 0 is the document.
pub fn symbols(analysis: &Analysis, file: usize) -> Vec<DocumentSymbol> {
    let items = analysis.inspected.trees[file].items.iter();
    items.filter_map(|item| symbol(analysis, item)).collect()
}

/// The symbols of the open programs whose names have the letters of a query in its order. The standard library is not
/// looked through.
#[allow(deprecated, reason = "the protocol's struct has a field that is")]
pub fn found(world: &mut World<'_>, query: &str) -> Vec<SymbolInformation> {
    let names: Vec<String> = world.documents.0.keys().cloned().collect();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for name in names {
        let Some(analysis) = world.analysis_of(&name) else {
            continue;
        };
        for source in analysis.inspected.sources.files() {
            if is_std(source) || !seen.insert(source.name.clone()) {
                continue;
            }
            let Some(uri) = world.uri(source) else {
                continue;
            };
            let information =
                |symbol: &DocumentSymbol, container: Option<&str>| SymbolInformation {
                    name: symbol.name.clone(),
                    kind: symbol.kind,
                    tags: None,
                    deprecated: None,
                    location: Location::new(uri.clone(), symbol.selection_range),
                    container_name: container.map(str::to_owned),
                };
            for symbol in symbols(&analysis, source.file as usize) {
                found.push(information(&symbol, None));
                let parts = symbol.children.iter().flatten();
                found.extend(parts.map(|part| information(part, Some(&symbol.name))));
            }
        }
    }
    found.retain(|symbol| has_letters(&symbol.name, query));
    // Names that begin as the query does come first.
    let query = query.to_lowercase();
    found.sort_by_key(|symbol| !symbol.name.to_lowercase().starts_with(&query));
    found.truncate(MAX_FOUND);
    found
}

/// Whether the letters of a query are in a name, in their order, small or large.
fn has_letters(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    let mut wanted = query.chars().flat_map(char::to_lowercase);
    wanted.all(|wanted| letters.any(|letter| letter == wanted))
}

fn symbol(analysis: &Analysis, item: &Item) -> Option<DocumentSymbol> {
    let new = |name: &Ident, kind, detail: Option<Span>| {
        let detail = detail.map(|span| analysis.text(span).to_owned());
        made(analysis, (&name.name, name.span), item.span, kind, detail)
    };
    match &item.kind {
        ItemKind::Const(c) => Some(new(&c.name, SymbolKind::CONSTANT, Some(c.value.span))),
        ItemKind::Fn(f) => Some(new(&f.name, SymbolKind::FUNCTION, Some(f.header_span))),
        ItemKind::Struct(s) => {
            let fields = s.fields.iter().map(|field| {
                let name = (field.name.name.as_str(), field.name.span);
                let detail = Some(analysis.text(field.ty.span).to_owned());
                made(analysis, name, field.span, SymbolKind::FIELD, detail)
            });
            let mut symbol = new(&s.name, SymbolKind::STRUCT, None);
            symbol.children = Some(fields.collect());
            Some(symbol)
        }
        ItemKind::Test(test) => {
            let name = format!("test {:?}", test.name);
            let name = (name.as_str(), test.name_span);
            Some(made(analysis, name, item.span, SymbolKind::EVENT, None))
        }
        ItemKind::Import(_) | ItemKind::Use(_) | ItemKind::Bad(_) => None,
    }
}

#[allow(deprecated, reason = "the protocol's struct has a field that is")]
fn made(
    analysis: &Analysis,
    (name, name_span): (&str, Span),
    whole: Span,
    kind: SymbolKind,
    detail: Option<String>,
) -> DocumentSymbol {
    // The name has to lie inside, also where broken text made the item shorter.
    let whole = whole.to(name_span);
    let source = analysis.inspected.sources.get(name_span.file);
    DocumentSymbol {
        name: match name.is_empty() {
            true => "_".to_owned(),
            false => name.to_owned(),
        },
        detail: detail.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        kind,
        tags: None,
        deprecated: None,
        range: range(source, whole),
        selection_range: range(source, name_span),
        children: None,
    }
}

#[cfg(test)]
mod tests {
    use super::has_letters;

    #[test]
    fn letters_of_names() {
        assert!(has_letters("train_step", "TS"));
        assert!(has_letters("train_step", ""));
        assert!(!has_letters("train_step", "st_"));
    }
}
