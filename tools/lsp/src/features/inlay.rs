//! The types of names that are bound without one.

use dlc_frontend::resolve::BoundKind;
use lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, Range};

use crate::position::{offset, position};
use crate::world::Analysis;

/// The longest type that is shown, in characters.
const MAX_LENGTH: usize = 80;

/// The hints in a range of the document.
pub fn hints(analysis: &Analysis, within: Range) -> Vec<InlayHint> {
    let source = analysis.source();
    let (from, to) = (offset(source, within.start), offset(source, within.end));
    let mut hints = Vec::new();
    for bound in &analysis.inspected.names.bound {
        let inferred = matches!(
            bound.kind,
            BoundKind::Let | BoundKind::Var | BoundKind::Loop
        );
        let inside = bound.span.file == 0 && from <= bound.span.start && bound.span.end <= to;
        if !inferred || !inside {
            continue;
        }
        let rest = &source.text[bound.span.end as usize..];
        let is_written = rest.trim_start().starts_with(':');
        let seen = analysis.inspected.seen.type_at(bound.span);
        let Some(seen) = seen.filter(|seen| seen.is_type && !is_written) else {
            continue;
        };
        let short = match seen.text.char_indices().nth(MAX_LENGTH) {
            Some((end, _)) => format!("{}…", &seen.text[..end]),
            None => seen.text.clone(),
        };
        hints.push(InlayHint {
            position: position(source, bound.span.end),
            label: InlayHintLabel::String(format!(": {short}")),
            kind: Some(InlayHintKind::TYPE),
            text_edits: None,
            tooltip: None,
            padding_left: None,
            padding_right: None,
            data: None,
        });
    }
    hints
}
