//! The formatter: a program in the one layout of this repository.
//!
//! The tokens that the grammar sees are gone through once more, by a descent that knows where lines may break, and
//! become a document of Wadler's kind (the crate `pretty`), which is laid out to [`WIDTH`] columns. Every token is
//! written as it stands in the text. What is added or left out has no meaning: commas behind the last element of a
//! list, `;` where a line ends, blanks. Comments belong to the gap before a token ([`gaps`]) and stay in it.
//!
//! What an author decides: a list whose first element stands on a line of its own stays on several lines, with the
//! author's line breaks between elements; so does a block; one blank line stays between statements, items and
//! such elements. Everything else follows from the width.
//!
//! The result is parsed again, and refused ([`Refused::Changed`]) unless it is the same tree with the same comments.

mod expressions;
mod gaps;
mod items;
mod printer;
mod statements;
#[cfg(test)]
mod tests;
mod types;

use pretty::Arena;

use crate::ast::Span;
use crate::ast_print;
use crate::diagnostic::Diagnostic;
use crate::layout::{Layout, lay_out};
use crate::lexer::lex;
use crate::parser::parse;
use crate::source::Source;
use crate::token::{Tok, Token};
use gaps::Gap;
use printer::Printer;

/// How long lines are at most where they can be broken, in columns; comments stay as they are.
pub const WIDTH: usize = 120;

/// How far what is inside brackets is indented, in columns.
const INDENT: isize = 2;

/// Why a source is not formatted.
#[derive(Debug)]
pub enum Refused {
    /// It has errors of syntax; all that is wrong with it.
    Errors(Vec<Diagnostic>),
    /// The formatted text would mean something else or lack a comment: an error of the formatter.
    Changed,
}

/// The text of a source in the one layout, with lines that end in `\n`.
pub fn format(source: &Source) -> Result<String, Refused> {
    let (tree, diagnostics) = parse(source);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Refused::Errors(diagnostics));
    }
    let tokens = tokens(source);
    let gaps = gaps_of(source, &tokens);
    let comments = all_comments(&gaps);
    let text = print(source, tokens, gaps.clone());
    let again = Source::in_file(source.file, source.name.clone(), text);
    let (formatted, diagnostics) = parse(&again);
    let same = !diagnostics.iter().any(Diagnostic::is_error)
        && ast_print::print(&formatted) == ast_print::print(&tree)
        && all_comments(&gaps_of(&again, &self::tokens(&again))) == comments;
    if same {
        Ok(again.text)
    } else {
        Err(Refused::Changed)
    }
}

/// The tokens of a file as the grammar sees them, its `//!` comments among them.
fn tokens(source: &Source) -> Vec<Token> {
    let (tokens, _) = lex(source);
    let (Layout { docs, chunks, .. }, _) = lay_out(&tokens, &|offset| source.indent(offset));
    let docs = docs.into_iter().map(|doc| Token {
        tok: Tok::FileDoc(doc.text),
        span: doc.span,
    });
    docs.chain(chunks.into_iter().flat_map(|chunk| chunk.tokens))
        .collect()
}

/// What stands before each token, and after the last one.
fn gaps_of<'a>(source: &'a Source, tokens: &[Token]) -> Vec<Gap<'a>> {
    let mut before = 0;
    let mut gap_to = |start: u32, end: u32| {
        let between = Span::in_file(source.file, before, start.max(before));
        before = end.max(before);
        Gap::read(source.slice(between))
    };
    let mut gaps: Vec<Gap> = tokens
        .iter()
        .map(|token| gap_to(token.span.start, token.span.end))
        .collect();
    let end = source.text.len() as u32;
    gaps.push(gap_to(end, end));
    gaps
}

fn all_comments<'a>(gaps: &[Gap<'a>]) -> Vec<&'a str> {
    gaps.iter()
        .flat_map(|gap| gap.comments.iter().map(|comment| comment.text))
        .collect()
}

fn print(source: &Source, tokens: Vec<Token>, gaps: Vec<Gap<'_>>) -> String {
    let arena = Arena::new();
    let doc = Printer::new(&arena, source, tokens, gaps).file();
    let mut laid_out = String::new();
    doc.render_fmt(WIDTH, &mut laid_out)
        .expect("writing to a string does not fail");
    let mut text = String::with_capacity(laid_out.len());
    for line in laid_out.trim().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
