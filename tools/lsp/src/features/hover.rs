//! What is under the cursor: an item with its doc comment, or a value with its type, shape and bytes.

use dlc_frontend::ast::{Item, ItemKind, Span};
use dlc_frontend::resolve::{Bound, BoundKind, Target};
use dlc_frontend::{Cost, SeenType, builtins};
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use crate::names::{self, Declaration};
use crate::position::range;
use crate::world::{Analysis, Place};

/// What is there.
pub fn hover(place: &Place) -> Option<Hover> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset);
    let (span, text) = match named {
        Some(named) => (named.span, target(analysis, &named.target, named.span)?),
        None => {
            let expressions = names::expressions_at(analysis, place.offset);
            let mut typed = expressions.iter().rev().filter_map(|expr| {
                let seen = analysis.inspected.seen.type_at(expr.span)?;
                Some((expr.span, seen))
            });
            let (span, seen) = typed.next()?;
            (span, code(&seen.text) + &details(&seen))
        }
    };
    let text = match line_cost(place) {
        Some(cost) => format!("{}\n\n{cost}", text.trim_end()),
        None => text,
    };
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: text,
        }),
        range: Some(range(analysis.source(), span)),
    })
}

/// What a name that stands at a place is.
pub fn target(analysis: &Analysis, target: &Target, at: Span) -> Option<String> {
    let seen = analysis.inspected.seen.type_at(at);
    let seen = seen.as_ref();
    Some(match target {
        Target::Std => "the standard library".to_owned(),
        Target::Module(file) => {
            let source = analysis.inspected.sources.get(*file);
            let docs = names::docs(&analysis.inspected.trees[*file as usize].docs);
            format!("{}{docs}", code(&source.name))
        }
        Target::Builtin(name) => {
            let known = builtins();
            let found = known.iter().find(|(known, _)| known == name);
            match (found, seen) {
                (Some((name, params)), _) => {
                    code(&format!("{name}({params})")) + "a built-in operation"
                }
                (None, Some(seen)) => code(&format!("{name}: {}", seen.text)) + &details(seen),
                (None, None) => code(name) + "a dtype",
            }
        }
        Target::Place(span) => match names::declaration(analysis, *span) {
            Some(Declaration::Item(item)) => {
                let head = match &item.kind {
                    ItemKind::Fn(f) => f.header_span,
                    _ => item.span,
                };
                let value = match &item.kind {
                    ItemKind::Const(c) => analysis.inspected.seen.type_at(c.value.span),
                    _ => None,
                };
                let mut text = code(analysis.text(head));
                text += &value.as_ref().map_or(String::new(), details);
                text += &function_cost(analysis, item).unwrap_or_default();
                text + &names::docs(&item.docs)
            }
            Some(Declaration::Field(s, field)) => {
                let ty = seen.map_or(analysis.text(field.ty.span), |seen| &seen.text);
                let mut text = code(&format!("{}.{}: {ty}", s.name.name, field.name.name));
                text += &seen.map_or(String::new(), details);
                text + &names::docs(&field.docs)
            }
            None => {
                let bound = analysis.inspected.names.bound_at(*span)?;
                let declared = analysis.inspected.seen.type_at(*span);
                local(analysis, bound, seen.or(declared.as_ref()))
            }
        },
    })
}

/// A name of a body.
fn local(analysis: &Analysis, bound: &Bound, seen: Option<&SeenType>) -> String {
    let word = match bound.kind {
        BoundKind::Var => "var ",
        BoundKind::Let => "let ",
        BoundKind::Generic => return code(generic(analysis, bound)),
        _ => "",
    };
    match seen {
        Some(seen) if seen.is_type => {
            code(&format!("{word}{}: {}", bound.name, seen.text)) + &details(seen)
        }
        Some(seen) => code(&format!("{word}{}", bound.name)) + &seen.text,
        None => code(&format!("{word}{}", bound.name)),
    }
}

/// A dim as it is declared: `B in 1..=64`.
fn generic<'a>(analysis: &'a Analysis, bound: &'a Bound) -> &'a str {
    let tree = analysis.inspected.trees.get(bound.span.file as usize);
    let items = tree.into_iter().flat_map(|tree| &tree.items);
    let mut dims = items.flat_map(|item| match &item.kind {
        ItemKind::Fn(f) => f.dims.as_slice(),
        ItemKind::Struct(s) => s.dims.as_slice(),
        _ => &[],
    });
    let dim = dims.find(|dim| dim.name.span == bound.span);
    dim.map_or(bound.name.as_str(), |dim| analysis.text(dim.span))
}

/// What a call of a function takes.
fn function_cost(analysis: &Analysis, item: &Item) -> Option<String> {
    let ItemKind::Fn(f) = &item.kind else {
        return None;
    };
    let cost = analysis.inspected.seen.cost_of(f.name.span)?;
    let bytes = format!("arguments and results of `{}` bytes", cost.bytes);
    Some(format!("a call: {}, {bytes}\n\n", flops(&cost)))
}

/// What the line of a place takes, if it is in a function and does anything.
fn line_cost(place: &Place) -> Option<String> {
    let analysis = &place.analysis;
    let holds = |item: &&Item| item.span.start <= place.offset && place.offset <= item.span.end;
    let item = analysis.tree().items.iter().find(holds)?;
    let ItemKind::Fn(f) = &item.kind else {
        return None;
    };
    let source = analysis.source();
    let line = source.line_col(place.offset).line;
    let line = Span::new(source.line_start(line), source.line_start(line + 1));
    let cost = analysis.inspected.seen.cost_within(f.name.span, line)?;
    let bytes = format!("`{}` bytes read and written", cost.bytes);
    Some(format!(
        "this line, in a call of `{}`: {}, {bytes}\n",
        f.name.name,
        flops(&cost)
    ))
}

fn flops(cost: &Cost) -> String {
    match (cost.is_whole, cost.flops.as_const()) {
        (true, Some(0)) => "no FLOPs".to_owned(),
        (true, _) => format!("`{}` FLOPs", cost.flops),
        // Derivatives, and loops that values end.
        (false, Some(0)) => "FLOPs that are not known".to_owned(),
        (false, _) => format!("at least `{}` FLOPs", cost.flops),
    }
}

/// A fenced block of the language.
fn code(text: &str) -> String {
    format!("```dl\n{text}\n```\n")
}

/// What else is known of a value.
fn details(seen: &SeenType) -> String {
    let mut facts = Vec::new();
    if let Some(value) = &seen.value {
        facts.push(format!("value `{value}`"));
    }
    if let Some(bytes) = &seen.bytes {
        facts.push(format!("`{bytes}` bytes"));
    }
    if let Some(known) = seen.known.strip_prefix(", ") {
        facts.push(known.to_owned());
    }
    match facts.is_empty() {
        true => String::new(),
        false => facts.join(", ") + "\n\n",
    }
}
