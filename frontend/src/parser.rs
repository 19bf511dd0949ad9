//! From a source to its syntax tree.

use lalrpop_util::ParseError;

use crate::ast::{File, Ident, Item, ItemKind, Span};
use crate::build_ast::Builder;
use crate::diagnostic::{self, Diagnostic};
use crate::expected;
use crate::layout::{Chunk, lay_out};
use crate::lexer::lex;
use crate::recover;
use crate::source::Source;
use crate::token::{Tok, Token};

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unused,
    reason = "generated"
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/grammar.rs"));
}

/// The most syntax errors reported for one item.
const MAX_ERRORS_PER_ITEM: usize = 20;

/// The most errors in characters and grammar reported for one file.
const MAX_ERRORS: usize = 100;

/// An error of the LR parser: the number of the token it stopped at, and what would have been accepted there.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) at: usize,
    pub(crate) expected: Vec<String>,
}

/// The syntax tree of a source, and what is wrong with it. What does not parse stands in the tree as `Error` or
/// `Bad` nodes.
pub fn parse(source: &Source) -> (File, Vec<Diagnostic>) {
    let (tokens, mut diagnostics) = lex(source);
    let bad_text: Vec<Span> = diagnostics
        .iter()
        .filter(|one| one.is_error())
        .map(|one| one.primary.span)
        .collect();
    let (layout, problems) = lay_out(&tokens, &|offset| source.indent(offset));
    diagnostics.extend(problems);
    let mut items = Vec::with_capacity(layout.chunks.len());
    for chunk in layout.chunks {
        items.extend(parse_item(source, chunk, &bad_text, &mut diagnostics));
    }
    diagnostic::sort(&mut diagnostics);
    diagnostics.truncate(MAX_ERRORS);
    let span = Span::in_file(source.file, 0, source.text.len() as u32);
    (
        File {
            docs: layout.docs,
            items,
            span,
        },
        diagnostics,
    )
}

/// One item. Each syntax error is reported, the statement or expression around it is taken out, and the item is read
/// again, until it parses. An error just behind text that is no token, or where brackets did not match, follows from
/// that and is not reported.
fn parse_item(
    source: &Source,
    chunk: Chunk,
    bad_text: &[Span],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Item> {
    let follows_bad_text = |before: Span, place: Span| {
        let first = bad_text.partition_point(|bad| bad.end < before.end);
        bad_text
            .get(first)
            .is_some_and(|bad| bad.start <= place.start)
    };
    let damaged = |place: Span| {
        chunk
            .damaged
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&place.start))
    };
    let separators: Vec<u32> = chunk
        .tokens
        .iter()
        .filter(|token| matches!(token.tok, Tok::Newline | Tok::Semi))
        .map(|token| token.span.start)
        .collect();
    let one_statement = |from: u32, to: u32| !separators.iter().any(|at| (from..to).contains(at));
    let first_own = diagnostics.len();
    let item = parse_tokens(
        source,
        chunk.tokens,
        (damaged, follows_bad_text),
        diagnostics,
    );
    let mut reported: Vec<u32> = diagnostics[first_own..]
        .iter()
        .map(|diagnostic| diagnostic.primary.span.start)
        .collect();
    for stray in chunk.strays {
        let at = stray.primary.span;
        let brace = source.slice(at) == "}";
        let explains =
            |start: &u32| *start < at.start && (brace || one_statement(*start, at.start));
        match reported.iter().position(explains) {
            Some(before) => drop(reported.swap_remove(before)),
            None => diagnostics.push(stray),
        }
    }
    item
}

/// What [`parse_item`] does about syntax errors. The conditions, on the place of an error and the token before it, are
/// those under which it is not reported.
fn parse_tokens(
    source: &Source,
    mut tokens: Vec<Token>,
    (damaged, follows_bad_text): (impl Fn(Span) -> bool, impl Fn(Span, Span) -> bool),
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Item> {
    let whole = tokens.first()?.span.to(tokens.last()?.span);
    let mut reported = 0;
    loop {
        let stop = match run(&tokens) {
            Ok((item, problems)) => {
                diagnostics.extend(problems);
                return Some(item);
            }
            Err(stop) => stop,
        };
        let place = tokens
            .get(stop.at)
            .map_or(whole.at_end(), |token| token.span);
        let before = stop
            .at
            .checked_sub(1)
            .map_or(whole.at_start(), |last| tokens[last].span);
        if !damaged(place) && !follows_bad_text(before, place) {
            diagnostics.push(expected::explain(source, &tokens, &stop));
            reported += 1;
        }
        let next = recover::without(&tokens, stop.at, |candidate| {
            run(candidate).map_or_else(|stop| Some(stop.at), |_| None)
        });
        match next {
            Some(next) if reported < MAX_ERRORS_PER_ITEM => tokens = next,
            _ => {
                let kind = ItemKind::Bad(name_of(&tokens));
                return Some(Item {
                    docs: Vec::new(),
                    attrs: Vec::new(),
                    kind,
                    span: whole,
                });
            }
        }
    }
}

/// The item of these tokens and what its actions found wrong, or where the parser stopped.
fn run(tokens: &[Token]) -> Result<(Item, Vec<Diagnostic>), Stop> {
    let end = tokens
        .last()
        .map_or(Span::default(), |token| token.span.at_end());
    let mut builder = Builder::new(tokens, end);
    let stream = tokens
        .iter()
        .enumerate()
        .map(|(at, token)| Ok((at, token.tok.clone(), at + 1)));
    let result = grammar::ItemParser::new().parse(&mut builder, stream);
    match result {
        Ok(item) => Ok((item, builder.finish())),
        Err(ParseError::UnrecognizedToken {
            token: (at, ..),
            expected,
        }) => Err(Stop { at, expected }),
        Err(ParseError::UnrecognizedEof { expected, .. }) => Err(Stop {
            at: tokens.len(),
            expected,
        }),
        Err(ParseError::ExtraToken { token: (at, ..) }) => Err(Stop {
            at,
            expected: Vec::new(),
        }),
        Err(ParseError::InvalidToken { location }) => Err(Stop {
            at: location,
            expected: Vec::new(),
        }),
        Err(ParseError::User { error: () }) => Err(Stop {
            at: tokens.len(),
            expected: Vec::new(),
        }),
    }
}

/// The name of an item that does not parse.
fn name_of(tokens: &[Token]) -> Option<Ident> {
    let keyword = tokens
        .iter()
        .position(|token| matches!(token.tok, Tok::Const | Tok::Struct | Tok::Fn))?;
    let token = tokens.get(keyword + 1)?;
    match &token.tok {
        Tok::Ident(name) => Some(Ident {
            name: name.clone(),
            span: token.span,
        }),
        _ => None,
    }
}
