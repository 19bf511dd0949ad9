//! The items of a document, with the fields of structs.

use dlc_frontend::ast::{Ident, Item, ItemKind, Span};
use lsp_types::{DocumentSymbol, SymbolKind};

use crate::position::range;
use crate::world::Analysis;

/// All symbols.
pub fn symbols(analysis: &Analysis) -> Vec<DocumentSymbol> {
    let items = analysis.tree().items.iter();
    items.filter_map(|item| symbol(analysis, item)).collect()
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
    DocumentSymbol {
        name: match name.is_empty() {
            true => "_".to_owned(),
            false => name.to_owned(),
        },
        detail: detail.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        kind,
        tags: None,
        deprecated: None,
        range: range(analysis.source(), whole),
        selection_range: range(analysis.source(), name_span),
        children: None,
    }
}
