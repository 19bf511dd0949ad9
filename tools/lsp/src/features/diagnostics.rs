//! What the checker reports, as the editor shows it.

use dlc_frontend::diagnostic::{Diagnostic as Found, Severity};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, NumberOrString,
};

use crate::position::range;
use crate::world::{Analysis, World};

/// The most diagnostics shown for one document.
const MAX_SHOWN: usize = 500;

/// All diagnostics of a document. What is wrong in a file that it imports is shown at the beginning.
pub fn all(world: &World<'_>, analysis: &Analysis) -> Vec<Diagnostic> {
    let found = &analysis.inspected.diagnostics;
    let own = found.iter().filter(|one| one.primary.span.file == 0);
    let mut shown: Vec<Diagnostic> = own.map(|one| convert(world, analysis, one)).collect();
    let foreign = |one: &&Found| one.primary.span.file > 0 && one.is_error();
    if let Some(first) = found.iter().find(foreign) {
        let mut diagnostic = convert(world, analysis, first);
        let file = analysis.inspected.sources.get(first.primary.span.file);
        diagnostic.message = format!("in `{}`: {}", file.name, diagnostic.message);
        diagnostic.range = Default::default();
        shown.push(diagnostic);
    }
    shown.truncate(MAX_SHOWN);
    shown
}

/// A diagnostic as the protocol has it.
pub fn convert(world: &World<'_>, analysis: &Analysis, found: &Found) -> Diagnostic {
    let sources = &analysis.inspected.sources;
    let mut message = found.message.clone();
    let further = [found.primary.text.as_str()].into_iter();
    let further = further.chain(found.notes.iter().map(String::as_str));
    for text in further.filter(|text| !text.is_empty()) {
        message += &format!("\n{text}");
    }
    if let Some(help) = &found.help {
        message += &format!("\nhelp: {}", help.text);
        if let Some((_, replacement)) = &help.replacement
            && !replacement.is_empty()
        {
            message += &format!(": `{replacement}`");
        }
    }
    let mut places = vec![];
    if found.primary.span.file > 0 {
        places.push((found.primary.span, found.message.as_str()));
    }
    places.extend(found.secondary.iter().map(|one| (one.span, &*one.text)));
    let related = places.into_iter().filter_map(|(span, text)| {
        Some(DiagnosticRelatedInformation {
            location: world.location(analysis, span)?,
            message: text.to_owned(),
        })
    });
    let related: Vec<_> = related.collect();
    let unused = ["DL0904", "DL0905"].contains(&found.code.name());
    Diagnostic {
        range: range(sources.get(found.primary.span.file), found.primary.span),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Remark => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(found.code.name().to_owned())),
        source: Some("dlc".into()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: unused.then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..Diagnostic::default()
    }
}
