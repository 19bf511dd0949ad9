//! The DL language: from source text to the `dl` dialect.
//!
//! Source text → [`parser::parse`] → [`ast`] → checker → typed core → emission. Nothing here reads or writes files.

pub mod ast;
pub mod ast_print;
mod build_ast;
pub mod codes;
pub mod diagnostic;
mod expected;
pub mod golden;
mod hints;
mod layout;
mod lexer;
pub mod parser;
mod recover;
pub mod render;
pub mod source;
mod token;
pub mod words;

#[cfg(test)]
mod tests;

use diagnostic::Diagnostic;
use render::Format;
use source::Source;

/// All diagnostics of a source file as text, and whether it has no errors.
pub fn check_to_string(name: &str, text: &str, format: Format) -> (String, bool) {
    let source = Source::new(name, text);
    let (_, diagnostics) = parser::parse(&source);
    let ok = !diagnostics.iter().any(Diagnostic::is_error);
    (render::render(&source.into(), &diagnostics, format), ok)
}
