//! Diagnostics: what is reported, apart from how it is printed (that is [`crate::render`]).
//!
//! ```text
//! Diagnostic::error(Code::DL0203, "`f32[T, D] @ f32[F, D]`: inner dims differ, D = 64 and F = 256", op_span)
//!     .label("said at the primary place")
//!     .secondary(left_span, "last axis is D")
//!     .note("`@` contracts the last axis on the left with the second-to-last on the right")
//!     .suggest("`b.w1` is `f32[D, F]` and fits here", field_span, "w1")
//! ```

pub use crate::codes::Code;

use crate::ast::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program is wrong; nothing is built.
    Error,
    /// The program is accepted, but it is probably not what was meant.
    Warning,
    /// What the compiler did and the user may want to know.
    Remark,
}

impl Severity {
    /// As printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Remark => "remark",
        }
    }
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said; may be empty.
    pub text: String,
}

/// Advice, with the change to make where it can be made by a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// The advice.
    pub text: String,
    /// The bytes to replace (possibly none, to insert) and what by (possibly nothing, to remove).
    pub replacement: Option<(Span, String)>,
}

/// One thing to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code; `dlc explain` has a page for each.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One line; names and code in backquotes.
    pub message: String,
    /// The place of the error.
    pub primary: Label,
    /// Where each fact came from.
    pub secondary: Vec<Label>,
    /// Further facts, one line each.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<Help>,
}

/// The most bytes of a text. Names and types may be longer.
const MAX_TEXT: usize = 1000;

/// A text without the middle of one that is too long to be read.
fn clipped(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > MAX_TEXT {
        let (mut from, mut to) = (MAX_TEXT / 2, text.len() - MAX_TEXT / 4);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        while !text.is_char_boundary(to) {
            to += 1;
        }
        text.replace_range(from..to, "…");
    }
    text
}

impl Diagnostic {
    /// A diagnostic at a place.
    pub fn new(severity: Severity, code: Code, message: impl Into<String>, span: Span) -> Self {
        Self {
            code,
            severity,
            message: clipped(message),
            primary: Label {
                span,
                text: String::new(),
            },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// An error at a place.
    pub fn error(code: Code, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Error, code, message, span)
    }

    /// A warning at a place.
    pub fn warning(code: Code, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Warning, code, message, span)
    }

    /// A remark at a place.
    pub fn remark(code: Code, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Remark, code, message, span)
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = clipped(text);
        self
    }

    /// Adds a place that a fact came from.
    #[must_use]
    pub fn secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: clipped(text),
        });
        self
    }

    /// Adds a further fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(clipped(text));
        self
    }

    /// Adds advice without a replacement.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(Help {
            text: clipped(text),
            replacement: None,
        });
        self
    }

    /// Adds advice with the change to make: `span` (may be empty, to insert) becomes `replacement`.
    #[must_use]
    pub fn suggest(
        mut self,
        text: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self.help = Some(Help {
            text: clipped(text),
            replacement: Some((span, replacement.into())),
        });
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Sorts by place and drops repetitions, so that the order in which checks run does not show.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.primary.span, a.severity, a.code, &a.message).cmp(&(
            b.primary.span,
            b.severity,
            b.code,
            &b.message,
        ))
    });
    diagnostics.dedup();
}

/// The name among `candidates` that `wanted` was probably meant to be, for "did you mean". Names of one or two letters
/// are similar only when they differ in case.
pub fn similar<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wanted.chars().count();
    let limit = if length < 3 { 0 } else { (length / 3).max(1) };
    // Each letter that one name has and the other has not is an edit, so most names need no closer look.
    let letters = |name: &str| {
        name.bytes().fold(0u128, |all, byte| {
            all | 1 << (byte.to_ascii_lowercase() & 127)
        })
    };
    let wanted_letters = letters(wanted);
    let may_be_near = |candidate: &&str| {
        candidate.len().abs_diff(wanted.len()) <= limit
            && (wanted_letters & !letters(candidate)).count_ones() as usize <= limit
    };
    let distance = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(wanted) {
            0
        } else {
            strsim::damerau_levenshtein(wanted, candidate).max(1)
        }
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .filter(may_be_near)
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}
