//! The changes that diagnostics advise, as code actions.

use std::collections::HashMap;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse,
    TextEdit, WorkspaceEdit,
};

use crate::features::diagnostics::convert;
use crate::position::range;
use crate::world::World;

/// What can be changed in a range.
pub fn actions(world: &mut World<'_>, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let analysis = world.analysis(&params.text_document.uri)?;
    let sources = &analysis.inspected.sources;
    let mut actions = Vec::new();
    for found in &analysis.inspected.diagnostics {
        let Some((span, replacement)) = found
            .help
            .as_ref()
            .and_then(|help| help.replacement.as_ref())
        else {
            continue;
        };
        let at = range(sources.root(), found.primary.span);
        let apart = at.end < params.range.start || params.range.end < at.start;
        if found.primary.span.file > 0 || span.file > 0 || apart {
            continue;
        }
        let text = found.help.as_ref().map_or("", |help| help.text.as_str());
        let title = match (replacement.is_empty(), span.is_empty()) {
            (true, _) => format!("{text}: remove `{}`", short(analysis.text(*span))),
            (false, true) => format!("{text}: insert `{}`", short(replacement)),
            (false, false) => format!("{text}: `{}`", short(replacement)),
        };
        let edit = TextEdit::new(range(sources.root(), *span), replacement.clone());
        let changes = HashMap::from([(params.text_document.uri.clone(), vec![edit])]);
        actions.push(CodeActionOrCommand::CodeAction(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![convert(world, &analysis, found)]),
            edit: Some(WorkspaceEdit::new(changes)),
            is_preferred: Some(true),
            ..CodeAction::default()
        }));
    }
    Some(actions)
}

/// A text on one line, its end left out where it is long.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
