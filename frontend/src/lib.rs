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
mod cost;
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
pub mod reported;
pub mod resolve;
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

pub use check::seen::{Seen, SeenType};
pub use cost::Cost;

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
        diagnostics.extend(warnings(&files));
        diagnostic::sort(&mut diagnostics);
    }
    Checked {
        program,
        diagnostics,
        sources: files.sources,
    }
}

/// What [`inspect`] finds out about a program, for those who look at its text: the language server.
pub struct Inspected {
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The file that was given, and all that it imports.
    pub sources: SourceMap,
    /// The syntax tree of each file.
    pub trees: Vec<ast::File>,
    /// What the checker saw.
    pub seen: Seen,
    /// What names stand for.
    pub names: resolve::Names,
}

/// Parses and checks a source file and what it imports, and keeps what is seen on the way.
pub fn inspect(source: Source, loader: &dyn Loader) -> Inspected {
    let (files, mut diagnostics) = modules::load(source, loader);
    let (seen, found) = check::see_files(&files);
    diagnostics.extend(found);
    diagnostics.retain(|one| one.code != Code::DL0601 || !follows(one, &files));
    if !diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.extend(warnings(&files));
    }
    diagnostic::sort(&mut diagnostics);
    let names = resolve::names(&files, &seen);
    Inspected {
        diagnostics,
        seen,
        names,
        sources: files.sources,
        trees: files.trees,
    }
}

/// Warnings that are found in the trees of a program without errors. What stands in the standard library is none of
/// the user's business.
fn warnings(files: &modules::Files) -> Vec<Diagnostic> {
    let own = files.trees.iter().zip(files.sources.files());
    own.filter(|(_, source)| !modules::is_std(source))
        .flat_map(|(tree, _)| lint::unused_variables(tree))
        .collect()
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
