//! From a source to its syntax tree.

use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    clippy::unwrap_used,
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

/// The most attempts at one item.
const MAX_ROUNDS: usize = 60;

/// An error of the LR parser: the number of the token it stopped at, and what would have been accepted there.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) at: usize,
    pub(crate) expected: Vec<String>,
}

/// The syntax tree of a source, and what is wrong with it. What does not parse stands in the tree as `Error` or
/// `Bad` nodes.
pub fn parse(source: &Source) -> (File, Vec<Diagnostic>) {
    let (tokens, diagnostics) = lex(source);
    let std_modules = std_modules(&tokens);
    let is_error = |one: &&Diagnostic| one.is_error();
    let bad_text = diagnostics
        .iter()
        .filter(is_error)
        .map(|one| one.primary.span)
        .collect();
    let (layout, problems) = lay_out(&tokens, &|offset| source.indent(offset));
    let mut parsing = Parsing {
        source,
        bad_text,
        diagnostics,
        broken_names: BTreeSet::new(),
        mentioned: BTreeSet::new(),
    };
    parsing.diagnostics.extend(problems);
    parsing
        .broken_names
        .extend(names(&layout.unread).map(|(_, name)| name.to_owned()));
    let items = layout
        .chunks
        .into_iter()
        .filter_map(|chunk| parsing.item(chunk))
        .collect();
    let Parsing {
        mut diagnostics,
        broken_names,
        mentioned,
        ..
    } = parsing;
    diagnostic::sort(&mut diagnostics);
    diagnostics.truncate(MAX_ERRORS);
    let span = Span::in_file(source.file, 0, source.text.len() as u32);
    (
        File {
            docs: layout.docs,
            items,
            broken_names,
            mentioned,
            std_modules,
            span,
        },
        diagnostics,
    )
}

/// The parsing of a file.
struct Parsing<'a> {
    source: &'a Source,
    /// Where the lexer found something wrong.
    bad_text: Vec<Span>,
    diagnostics: Vec<Diagnostic>,
    broken_names: BTreeSet<String>,
    mentioned: BTreeSet<String>,
}

impl Parsing<'_> {
    /// One item, its syntax errors and its stray closing brackets.
    fn item(&mut self, chunk: Chunk) -> Option<Item> {
        let Chunk {
            tokens,
            damaged,
            strays,
        } = chunk;
        let whole = tokens.first()?.span.to(tokens.last()?.span);
        let ends = |token: &&Token| matches!(token.tok, Tok::Newline | Tok::Semi);
        let separators: Vec<u32> = tokens
            .iter()
            .filter(ends)
            .map(|token| token.span.start)
            .collect();
        let first_own = self.diagnostics.len();
        let (item, left) = self.recovered(tokens.clone(), &damaged);
        let kept: HashSet<Span> = names(&left).map(|(span, _)| span).collect();
        let lost = names(&tokens).filter(|(span, _)| !kept.contains(span));
        self.broken_names
            .extend(lost.map(|(_, name)| name.to_owned()));
        let own = &self.diagnostics[first_own..];
        let mut reported: Vec<u32> = own.iter().map(|one| one.primary.span.start).collect();
        for stray in strays {
            let at = stray.primary.span;
            let brace = self.source.slice(at) == "}";
            let apart = |start: u32| separators.iter().any(|end| (start..at.start).contains(end));
            let explains = |start: &u32| *start < at.start && (brace || !apart(*start));
            match reported.iter().position(explains) {
                Some(before) => drop(reported.swap_remove(before)),
                None => self.diagnostics.push(stray),
            }
        }
        let first = match &item {
            Some(item) => match &item.kind {
                ItemKind::Import(_) => Some(None),
                ItemKind::Use(u) => Some(u.prefix.first().map(|first| first.name.as_str())),
                _ => None,
            },
            None => None,
        };
        match first {
            Some(first) => self.mentioned.extend(first.map(str::to_owned)),
            None => {
                for (_, name) in names(&tokens) {
                    if !self.mentioned.contains(name) {
                        self.mentioned.insert(name.to_owned());
                    }
                }
            }
        }
        let bad = || Item {
            docs: Vec::new(),
            attrs: Vec::new(),
            kind: ItemKind::Bad(name_of(&tokens)),
            span: whole,
        };
        Some(item.unwrap_or_else(bad))
    }

    /// Each syntax error is reported, the statement or expression around it is taken out, and the item is read again,
    /// until it parses. Gives the item, unless nothing could be taken out, and the tokens that were left.
    ///
    /// An error just behind text that is no token, or where brackets did not match, follows from that and is not
    /// reported.
    fn recovered(
        &mut self,
        mut tokens: Vec<Token>,
        damaged: &[(u32, u32)],
    ) -> (Option<Item>, Vec<Token>) {
        let (mut rounds, mut reported) = (0, 0);
        loop {
            let stop = match run(&tokens) {
                Ok((item, problems)) => {
                    self.diagnostics.extend(problems);
                    return (Some(item), tokens);
                }
                Err(stop) => stop,
            };
            if !self.follows(&tokens, stop.at, damaged) {
                self.diagnostics
                    .push(expected::explain(self.source, &tokens, &stop));
                reported += 1;
            }
            rounds += 1;
            let stop_of = |candidate: &[Token]| run(candidate).err().map(|stop| stop.at);
            match recover::without(&tokens, stop.at, stop_of) {
                Some(next) if reported < MAX_ERRORS_PER_ITEM && rounds < MAX_ROUNDS => {
                    tokens = next
                }
                _ => return (None, Vec::new()),
            }
        }
    }

    /// Whether an error at token `at` follows from what has been reported.
    fn follows(&self, tokens: &[Token], at: usize, damaged: &[(u32, u32)]) -> bool {
        let before = at.checked_sub(1).map_or(0, |last| tokens[last].span.end);
        let place = tokens.get(at).map_or(before, |token| token.span.start);
        let first = self.bad_text.partition_point(|bad| bad.end < before);
        let after_bad_text = self
            .bad_text
            .get(first)
            .is_some_and(|bad| bad.start <= place);
        after_bad_text
            || damaged
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&place))
    }
}

/// The names behind `std::`, and where each stands first.
fn std_modules(tokens: &[Token]) -> BTreeMap<String, Span> {
    let mut modules = BTreeMap::new();
    for window in tokens.windows(3) {
        if let (Tok::Ident(std), Tok::ColonColon, Tok::Ident(name)) =
            (&window[0].tok, &window[1].tok, &window[2].tok)
            && std == "std"
        {
            modules.entry(name.clone()).or_insert(window[2].span);
        }
    }
    modules
}

/// The names among tokens, and where they stand.
fn names(tokens: &[Token]) -> impl Iterator<Item = (Span, &str)> {
    tokens.iter().filter_map(|token| match &token.tok {
        Tok::Ident(name) => Some((token.span, name.as_str())),
        _ => None,
    })
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
