//! The DL language: from source text to the `dl` dialect.
//!
//! Source text → [`parser::parse`] → [`ast`] → checker → typed core → emission. Nothing here reads or writes files.

pub mod ast;
pub mod ast_print;
mod build_ast;
mod builtins;
mod check;
pub mod codes;
pub mod core;
pub mod diagnostic;
pub mod emit;
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

use diagnostic::{Code, Diagnostic};
use render::Format;
use source::Source;

/// What [`check`] finds out about a source file.
pub struct Checked {
    /// The program, if there are no errors.
    pub program: Option<core::Program>,
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and checks a source file.
pub fn check(source: &Source) -> Checked {
    let (file, mut diagnostics) = parser::parse(source);
    let program = check::check_file(source, &file, &mut diagnostics);
    diagnostics.retain(|one| one.code != Code::DL0601 || !follows(one, source, &file));
    Checked {
        program,
        diagnostics,
    }
}

/// Whether a name is not known because what defines it did not parse.
fn follows(diagnostic: &Diagnostic, source: &Source, file: &ast::File) -> bool {
    file.broken_names
        .contains(source.slice(diagnostic.primary.span))
}

/// All diagnostics of a source file as text, and whether it has no errors.
pub fn check_to_string(name: &str, text: &str, format: Format) -> (String, bool) {
    let source = Source::new(name, text);
    let checked = check(&source);
    let ok = checked.program.is_some();
    (
        render::render(&source.into(), &checked.diagnostics, format),
        ok,
    )
}
