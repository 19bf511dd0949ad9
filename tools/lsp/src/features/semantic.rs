//! What kind of thing each word is, for colours.

use dlc_frontend::ast::Span;
use dlc_frontend::lexer::lex;
use dlc_frontend::resolve::{BoundKind, Target};
use dlc_frontend::token::Tok;
use lsp_types::{SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokensLegend};

use crate::position::position;
use crate::world::Analysis;

/// The kinds that there are, by number.
const TYPES: &[SemanticTokenType] = &[
    SemanticTokenType::KEYWORD,
    SemanticTokenType::NUMBER,
    SemanticTokenType::STRING,
    SemanticTokenType::COMMENT,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::STRUCT,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::TYPE_PARAMETER,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::TYPE,
];

/// What further is said of a word: it declares, it does not change, it is part of the language.
const MODIFIERS: &[SemanticTokenModifier] = &[
    SemanticTokenModifier::DECLARATION,
    SemanticTokenModifier::READONLY,
    SemanticTokenModifier::DEFAULT_LIBRARY,
];

const DECLARATION: u32 = 1;
const READONLY: u32 = 2;
const LIBRARY: u32 = 4;

/// The kinds and what further is said.
pub fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: TYPES.to_vec(),
        token_modifiers: MODIFIERS.to_vec(),
    }
}

/// All words of the document.
pub fn tokens(analysis: &Analysis) -> Vec<SemanticToken> {
    let source = analysis.source();
    let mut words: Vec<(Span, SemanticTokenType, u32)> = Vec::new();
    for token in lex(source).0 {
        let kind = match &token.tok {
            Tok::Doc(_) | Tok::FileDoc(_) => SemanticTokenType::COMMENT,
            Tok::Number(_) => SemanticTokenType::NUMBER,
            Tok::Str(_) => SemanticTokenType::STRING,
            Tok::Ident(_) => continue,
            other if other.text().starts_with(|c: char| c.is_ascii_lowercase()) => {
                SemanticTokenType::KEYWORD
            }
            _ => continue,
        };
        words.push((token.span, kind, 0));
    }
    for named in &analysis.inspected.names.references {
        let span = named.span;
        // The path of an import is a string.
        if span.file == 0 && !analysis.text(span).starts_with('"') {
            let (kind, modifiers) = kind(analysis, &named.target, span);
            words.push((span, kind, modifiers));
        }
    }
    words.sort_by_key(|(span, ..)| *span);
    let mut tokens = Vec::new();
    let (mut line, mut column) = (0, 0);
    for (span, kind, modifiers) in words {
        let (start, end) = (position(source, span.start), position(source, span.end));
        // What goes over several lines is left to the editor.
        if start.line != end.line || start == end {
            continue;
        }
        if start.line != line {
            column = 0;
        }
        let number = TYPES.iter().position(|known| *known == kind);
        tokens.push(SemanticToken {
            delta_line: start.line - line,
            delta_start: start.character - column,
            length: end.character - start.character,
            token_type: number.unwrap_or_default() as u32,
            token_modifiers_bitset: modifiers,
        });
        (line, column) = (start.line, start.character);
    }
    tokens
}

fn kind(analysis: &Analysis, target: &Target, at: Span) -> (SemanticTokenType, u32) {
    let span = match target {
        Target::Module(_) => return (SemanticTokenType::NAMESPACE, 0),
        Target::Std => return (SemanticTokenType::NAMESPACE, LIBRARY),
        Target::Builtin(name) => {
            let is_dtype = dlc_frontend::ast::DType::ALL
                .iter()
                .any(|dtype| dtype.dl_name() == name);
            let kind = match (is_dtype, name.as_str()) {
                (true, _) => SemanticTokenType::TYPE,
                (false, "inf" | "nan" | "pi" | "newaxis") => SemanticTokenType::VARIABLE,
                (false, _) => SemanticTokenType::FUNCTION,
            };
            return (kind, LIBRARY);
        }
        Target::Place(span) => *span,
    };
    let declares = if span == at { DECLARATION } else { 0 };
    let bound = analysis.inspected.names.bound_at(span);
    let (kind, more) = match bound.map(|bound| bound.kind) {
        Some(BoundKind::Fn) => (SemanticTokenType::FUNCTION, 0),
        Some(BoundKind::Struct) => (SemanticTokenType::STRUCT, 0),
        Some(BoundKind::Field) => (SemanticTokenType::PROPERTY, 0),
        Some(BoundKind::Generic) => (SemanticTokenType::TYPE_PARAMETER, READONLY),
        Some(BoundKind::Param) => (SemanticTokenType::PARAMETER, 0),
        Some(BoundKind::Var) => (SemanticTokenType::VARIABLE, 0),
        Some(BoundKind::Const | BoundKind::Let | BoundKind::Loop) | None => {
            (SemanticTokenType::VARIABLE, READONLY)
        }
    };
    (kind, declares | more)
}
