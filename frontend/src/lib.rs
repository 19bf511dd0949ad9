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
pub mod format;
pub mod golden;
mod hints;
mod in_place;
mod layout;
pub mod levels;
pub mod lexer;
mod lint;
pub mod modules;
pub mod parser;
mod recover;
pub mod render;
pub mod source;
mod summary;
pub mod token;
pub mod words;

#[cfg(test)]
mod tests;

/// The fuzz targets name the crate from outside; what they share with the tests does so inside, too.
#[cfg(test)]
extern crate self as dlc_frontend;

use diagnostic::{Code, Diagnostic};
use modules::{Loader, NoFiles};
use render::Format;
use source::{Source, SourceMap};

/// The built-in operations: names, and parameters as they are shown.
pub fn builtins() -> Vec<(&'static str, String)> {
    builtins::signatures()
}

/// What [`check`] finds out about a program.
pub struct Checked {
    /// The program, if there are no errors.
    pub program: Option<core::Program>,
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The file that was given, and all that it imports.
    pub sources: SourceMap,
}

/// Parses and checks a source file and what it imports.
pub fn check(source: Source, loader: &dyn Loader) -> Checked {
    check_for(source, loader, core::Options::default())
}

/// Parses and checks a source file and what it imports, and makes the program that the options ask for.
pub fn check_for(source: Source, loader: &dyn Loader, options: core::Options) -> Checked {
    let (files, mut diagnostics) = modules::load(source, loader);
    let program = check::check_files(&files, options, &mut diagnostics);
    diagnostics.retain(|one| one.code != Code::DL0601 || !follows(one, &files));
    if let Some(program) = &program {
        diagnostics.extend(in_place::remarks(program));
        for (tree, source) in files.trees.iter().zip(files.sources.files()) {
            // What stands in the standard library is none of the user's business.
            if !modules::is_std(source) {
                diagnostics.extend(lint::unused_variables(tree));
            }
        }
        diagnostic::sort(&mut diagnostics);
    }
    Checked {
        program,
        diagnostics,
        sources: files.sources,
    }
}

/// Whether a name is not known because what defines it did not parse.
fn follows(diagnostic: &Diagnostic, files: &modules::Files) -> bool {
    let span = diagnostic.primary.span;
    files.trees[span.file as usize]
        .broken_names
        .contains(files.sources.slice(span))
}

/// All diagnostics of a source file without imports as text, and whether it has no errors.
pub fn check_to_string(name: &str, text: &str, format: Format) -> (String, bool) {
    check_with(name, text, &NoFiles, format)
}

/// All diagnostics of a program as text, and whether it has no errors.
pub fn check_with(name: &str, text: &str, loader: &dyn Loader, format: Format) -> (String, bool) {
    let checked = check(Source::new(name, text), loader);
    let ok = checked.program.is_some();
    (
        render::render(&checked.sources, &checked.diagnostics, format),
        ok,
    )
}
