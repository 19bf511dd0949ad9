//! Texts of the language in pieces, with colours and links.

use dlc_doc::model::{Class, Code, Piece};
use dlc_frontend::Inspected;
use dlc_frontend::ast::{DType, Span};
use dlc_frontend::resolve::{BoundKind, Reference, Target};
use dlc_frontend::token::{Tok, Token};

/// A file whose parts are taken to pieces.
pub(super) struct Text<'a> {
    /// What was found in it.
    pub inspected: &'a Inspected,
    /// Its number there.
    pub file: u32,
    /// Its tokens.
    pub tokens: &'a [Token],
    /// The address of what a name stands for.
    pub link: &'a dyn Fn(&Reference) -> Option<String>,
}

/// What of doc comments is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DocLines {
    Keep,
    LeaveOut,
}

/// Names that are values of the language.
const CONSTANTS: &[&str] = &["inf", "nan", "pi", "newaxis"];

/// Words that mean something in some places only.
const WORDS: &[&str] = &["test", "where", "within", "tree", "float", "dtype"];

impl Text<'_> {
    /// The pieces of a part.
    pub fn pieces(&self, part: Span, docs: DocLines) -> Code {
        let text = &self.inspected.sources.get(self.file).text;
        let first = self
            .tokens
            .partition_point(|token| token.span.start < part.start);
        let mut code = Code::new();
        let mut at = part.start as usize;
        // Whether the line has only a doc comment that is left out.
        let mut left_out = false;
        for (index, token) in self.tokens.iter().enumerate().skip(first) {
            if token.span.end > part.end {
                break;
            }
            // What is read as a token without standing there.
            if token.span.is_empty() || (token.span.start as usize) < at {
                continue;
            }
            let gap = &text[at..token.span.start as usize];
            at = token.span.end as usize;
            let is_doc = matches!(token.tok, Tok::Doc(_) | Tok::FileDoc(_));
            if is_doc && docs == DocLines::LeaveOut {
                push_gap(&mut code, gap.trim_end());
                left_out = true;
                continue;
            }
            if std::mem::take(&mut left_out) && token.tok == Tok::Newline {
                continue;
            }
            push_gap(&mut code, gap);
            let before = index.checked_sub(1).map(|before| &self.tokens[before].tok);
            let (class, link) = self.class(token, before);
            push(&mut code, &text[token.span.range()], class, link);
        }
        push_gap(
            &mut code,
            &text[at.min(part.end as usize)..part.end as usize],
        );
        code
    }

    fn class(&self, token: &Token, before: Option<&Tok>) -> (Class, Option<String>) {
        let references = &self.inspected.names.references;
        let found = references.binary_search_by_key(&token.span, |one| one.span);
        let reference = found.ok().map(|index| &references[index]);
        let link = reference.and_then(|reference| (self.link)(reference));
        let class = match (&token.tok, reference) {
            (Tok::Doc(_) | Tok::FileDoc(_), _) => Class::Comment,
            (Tok::Number(_), _) => Class::Number,
            (Tok::Str(_), _) => Class::Text,
            (Tok::Ident(_), Some(reference)) => self.class_of(&reference.target),
            (Tok::Ident(name), None) => match before {
                Some(Tok::At | Tok::AttrAt) if !WORDS.contains(&name.as_str()) => Class::Attribute,
                _ if is_dtype(name) => Class::Type,
                _ if WORDS.contains(&name.as_str()) => Class::Keyword,
                _ => Class::Plain,
            },
            (other, _) if other.text().starts_with(|c: char| c.is_ascii_lowercase()) => {
                Class::Keyword
            }
            _ => Class::Plain,
        };
        (class, link)
    }

    fn class_of(&self, target: &Target) -> Class {
        match target {
            Target::Module(_) | Target::Std => Class::Module,
            Target::Builtin(name) if is_dtype(name) => Class::Type,
            Target::Builtin(name) if CONSTANTS.contains(&name.as_str()) => Class::Constant,
            Target::Builtin(_) => Class::Function,
            Target::Place(span) => {
                let bound = self.inspected.names.bound_at(*span);
                match bound.map(|bound| bound.kind) {
                    Some(BoundKind::Fn) => Class::Function,
                    Some(BoundKind::Struct) => Class::Type,
                    Some(BoundKind::Const) => Class::Constant,
                    Some(BoundKind::Generic) => Class::Dim,
                    Some(BoundKind::Field) => Class::Field,
                    Some(BoundKind::Param | BoundKind::Let | BoundKind::Var | BoundKind::Loop)
                    | None => Class::Plain,
                }
            }
        }
    }
}

fn is_dtype(name: &str) -> bool {
    DType::ALL.iter().any(|dtype| dtype.dl_name() == name)
}

/// A text in one piece.
pub(super) fn plain(text: &str, class: Class) -> Piece {
    Piece {
        text: text.to_owned(),
        class,
        link: None,
    }
}

fn push(code: &mut Code, text: &str, class: Class, link: Option<String>) {
    match code.last_mut() {
        Some(last) if last.class == class && last.link.is_none() && link.is_none() => {
            last.text += text;
        }
        _ if text.is_empty() => {}
        _ => code.push(Piece {
            text: text.to_owned(),
            class,
            link,
        }),
    }
}

/// What stands between tokens: blanks and comments.
fn push_gap(code: &mut Code, gap: &str) {
    for line in gap.split_inclusive('\n') {
        let comment = line.find("//").unwrap_or(line.len());
        let end = line.trim_end_matches(['\r', '\n']).len().max(comment);
        push(code, &line[..comment], Class::Plain, None);
        push(code, &line[comment..end], Class::Comment, None);
        push(code, &line[end..], Class::Plain, None);
    }
}
