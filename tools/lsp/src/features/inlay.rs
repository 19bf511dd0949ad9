//! What is not written: the types of names that are bound without one, the dims that a call infers, and the names of
//! parameters that are given a literal.

use dlc_frontend::ast::visit::{self, Visitor};
use dlc_frontend::ast::{Arg, Expr, ExprKind, ItemKind, Span};
use dlc_frontend::resolve::BoundKind;
use lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, Range, TextEdit};

use crate::features::signature;
use crate::position::{offset, position};
use crate::world::Analysis;

/// The longest type or list of dims that is shown, in characters.
const MAX_LENGTH: usize = 80;

/// The hints in a range of the document.
pub fn hints(analysis: &Analysis, within: Range) -> Vec<InlayHint> {
    let source = analysis.source();
    let within = Span::new(offset(source, within.start), offset(source, within.end));
    let mut hints = types(analysis, within);
    let mut calls = Calls {
        analysis,
        within,
        hints: Vec::new(),
    };
    for item in &analysis.tree().items {
        if item.span.start <= within.end && within.start <= item.span.end {
            match &item.kind {
                ItemKind::Const(c) => calls.expr(&c.value),
                ItemKind::Fn(f) => calls.block(&f.body),
                ItemKind::Test(test) => calls.block(&test.body),
                _ => {}
            }
        }
    }
    hints.append(&mut calls.hints);
    hints.sort_by_key(|hint| hint.position);
    hints
}

fn holds(outer: Span, inner: Span) -> bool {
    inner.file == 0 && outer.start <= inner.start && inner.end <= outer.end
}

/// The types of bound names, which may be written by a click where the language has a place for them.
fn types(analysis: &Analysis, within: Span) -> Vec<InlayHint> {
    let source = analysis.source();
    let mut hints = Vec::new();
    for bound in &analysis.inspected.names.bound {
        let may_be_written = matches!(bound.kind, BoundKind::Let | BoundKind::Var);
        let inferred = may_be_written || bound.kind == BoundKind::Loop;
        if !inferred || !holds(within, bound.span) {
            continue;
        }
        let rest = source.text[bound.span.end as usize..].trim_start();
        let seen = analysis.inspected.seen.type_at(bound.span);
        let Some(seen) = seen.filter(|seen| seen.is_type && !rest.starts_with(':')) else {
            continue;
        };
        let label = format!(": {}", seen.text);
        let at = position(source, bound.span.end);
        // Names of a pattern have no type of their own.
        let alone = rest.starts_with('=') && !rest.starts_with("==");
        let edit = TextEdit::new(Range::new(at, at), label.clone());
        hints.push(InlayHint {
            text_edits: (may_be_written && alone).then(|| vec![edit]),
            ..hint(analysis, bound.span.end, label, InlayHintKind::TYPE)
        });
    }
    hints
}

fn hint(analysis: &Analysis, at: u32, label: String, kind: InlayHintKind) -> InlayHint {
    let label = match label.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label,
    };
    InlayHint {
        position: position(analysis.source(), at),
        label: InlayHintLabel::String(label),
        kind: Some(kind),
        text_edits: None,
        tooltip: None,
        padding_left: None,
        padding_right: None,
        data: None,
    }
}

/// Finds calls.
struct Calls<'a> {
    analysis: &'a Analysis,
    within: Span,
    hints: Vec<InlayHint>,
}

impl<'a> Visitor<'a> for Calls<'a> {
    fn expr(&mut self, expr: &'a Expr) {
        if let ExprKind::Call {
            callee, dims, args, ..
        } = &expr.kind
            && holds(self.within, callee.span)
        {
            if dims.is_empty() {
                self.dims(callee.span);
            }
            if let ExprKind::Path(path) = &callee.kind {
                let parts = path.segments.iter().map(|part| part.name.clone());
                self.parameters(parts.collect(), args);
            }
        }
        visit::expr_parts(self, expr);
    }
}

impl Calls<'_> {
    /// The dims that a call infers, but those that are called the same on both sides.
    fn dims(&mut self, callee: Span) {
        let inferred = self
            .analysis
            .inspected
            .seen
            .dims_at(callee)
            .unwrap_or_default();
        let other = inferred.iter().filter(|(name, value)| name != value);
        let texts: Vec<String> = other
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !texts.is_empty() {
            let label = format!("<{}>", texts.join(", "));
            self.hints
                .push(hint(self.analysis, callee.end, label, InlayHintKind::TYPE));
        }
    }

    /// The names of parameters that are given a literal by position, where there are several.
    fn parameters(&mut self, callee: Vec<String>, args: &[Arg]) {
        let positional = args.iter().take_while(|arg| arg.name.is_none());
        if !positional.clone().any(|arg| is_literal(&arg.value)) {
            return;
        }
        let Some((params, ..)) = signature::of(self.analysis, &callee) else {
            return;
        };
        for (arg, param) in positional.zip(&params) {
            let name = signature::name(param);
            if params.len() > 1 && !name.is_empty() && is_literal(&arg.value) {
                let label = format!("{name}=");
                let start = arg.value.span.start;
                self.hints
                    .push(hint(self.analysis, start, label, InlayHintKind::PARAMETER));
            }
        }
    }
}

/// Whether an argument does not say by itself what it is for.
fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::None => true,
        ExprKind::Unary { operand, .. } => is_literal(operand),
        _ => false,
    }
}
