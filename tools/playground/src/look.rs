//! What is known of a text as one types: diagnostics, colours, types, and what can be called.

use dlc_frontend::ast::{Fn, ItemKind, Span, TypeKind};
use dlc_frontend::codes::Code;
use dlc_frontend::diagnostic::{Diagnostic, Severity};
use dlc_frontend::modules::NoFiles;
use dlc_frontend::render::{Format, render};
use dlc_frontend::source::{Source, SourceMap};
use dlc_lsp::Text;
use lsp_types::{HoverContents, Position, SemanticTokens};
use serde_json::{Value, json};

use crate::{NAME, Refused};

/// The text and what is seen in it.
pub fn look(text: &str) -> Value {
    let checked = Text::new(Source::new(NAME, text), &NoFiles);
    let inspected = checked.inspected();
    let diagnostics = &inspected.diagnostics;
    let shown = diagnostics.iter();
    let shown = shown.map(|one| diagnostic(&inspected.sources, one));
    let legend = Text::legend();
    json!({
        "diagnostics": shown.collect::<Vec<_>>(),
        "rendered": render(&inspected.sources, diagnostics, Format::Colour),
        "hints": checked.hints(),
        "tokens": SemanticTokens {
            result_id: None,
            data: checked.tokens(),
        },
        "kinds": legend.token_types,
        "functions": functions(&checked),
        "exports": exports(text),
    })
}

fn diagnostic(sources: &SourceMap, one: &Diagnostic) -> Value {
    let span = one.primary.span;
    // Nobody can see the standard library here; its diagnostics stand at the beginning.
    let span = if span.file == 0 {
        span
    } else {
        Span::in_file(0, 0, 0)
    };
    let place = sources.line_col(span);
    json!({
        "severity": match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Remark => "remark",
        },
        "code": one.code.name(),
        "message": one.message,
        "line": place.line,
        "col": place.col,
        "text": sources.slice(span),
    })
}

/// The functions with parameters, for the menu of derivatives.
fn functions(checked: &Text) -> Vec<Value> {
    let items = checked.inspected().trees[0].items.iter();
    let functions = items.filter_map(|item| match &item.kind {
        ItemKind::Fn(function) if !function.params.is_empty() => Some(function),
        _ => None,
    });
    functions
        .map(|function| {
            let params = function.params.iter();
            json!({
                "name": function.name.name,
                "params": params.map(|param| &param.name.name).collect::<Vec<_>>(),
                "scalar": is_scalar(function),
            })
        })
        .collect()
}

/// Whether a function gives one number, so that it has a gradient.
fn is_scalar(function: &Fn) -> bool {
    let result = function.result.as_ref().map(|ty| &ty.kind);
    matches!(result, Some(TypeKind::Tensor { dims, .. }) if dims.is_empty())
}

/// The exports of a program without errors, as its manifest has them.
fn exports(text: &str) -> Vec<Value> {
    let checked = dlc_frontend::check(Source::new(NAME, text), &NoFiles);
    let entries = checked.program.map(|program| program.entries);
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .map(|entry| {
            let params = entry.params.iter();
            let params =
                params.map(|param| json!({ "name": param.name, "type": param.tree.to_string() }));
            json!({
                "name": entry.name,
                "dims": entry.dims,
                "params": params.collect::<Vec<_>>(),
                "result": entry.result.as_ref().map(|tree| tree.to_string()),
            })
        })
        .collect()
}

/// What is at a place, in Markdown; lines and units of UTF-16 from 0.
pub fn hover(text: &str, line: u32, character: u32) -> Value {
    let checked = Text::new(Source::new(NAME, text), &NoFiles);
    let found = checked.hover(Position::new(line, character));
    let markdown = found.map(|hover| match hover.contents {
        HoverContents::Markup(markup) => markup.value,
        HoverContents::Scalar(_) | HoverContents::Array(_) => String::new(),
    });
    json!({ "markdown": markdown })
}

/// The page of a diagnostic's code.
pub fn explain(code: &str) -> Result<Value, Refused> {
    match Code::parse(code) {
        Some(code) => Ok(json!({ "markdown": code.page() })),
        None => Err(Refused::Message(format!("there is no error code {code}"))),
    }
}

/// The text in the layout of `dlc fmt`.
pub fn format(text: &str) -> Result<Value, Refused> {
    let formatted = dlc_frontend::format::format(&Source::new(NAME, text));
    match formatted {
        Ok(text) => Ok(json!({ "text": text })),
        Err(_) => Err(Refused::Message(
            "a text with errors of grammar is not formatted".to_owned(),
        )),
    }
}
