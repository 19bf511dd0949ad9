//! Between lexer and grammar: brackets, the ends of statements, and where items begin.
//!
//! The grammar is context-free and sees one item at a time; what depends on lines and brackets is settled here:
//!
//! - **Newlines.** A newline ends a statement when it stands directly in a block, the token before it can end an
//!   expression and the token after it does not go on with it ([`Tok::continues_line`]). So a line may end or begin
//!   with a binary operator or begin with `.`, `else` or a closing bracket, but `-`, `(`, `[`, `{`, `!` and `|` at
//!   the beginning of a line begin a new statement. Inside `()` and `[]`, in struct literals and in the heads of
//!   functions newlines mean nothing. The `{` of `if`, `while` and `for` may stand on the next line.
//! - **Loops.** `for` and `while` end with their `}`, whatever follows.
//! - **Braces.** `name {` begins a struct literal, but not in the head of `if`, `while` and `for`, where it begins
//!   the body; parentheses lift that.
//! - **Colons.** `::` between two names joins them; elsewhere in brackets it is the two colons of a slice, `x[::2]`.
//! - **Dims.** `<` before `name =` begins explicit dims: `f<T=8>(x)`.
//! - **Words.** `where` is a keyword in the head of a function and a name elsewhere, `test` is a keyword before a
//!   string outside of items, `var` is a keyword before what it binds.
//! - **Brackets** are made to match: what is missing is reported and added, what is too many is reported and dropped.
//!   Nesting deeper than [`MAX_DEPTH`] is reported and ends the file.
//! - **Items** end where a keyword begins another one, also when brackets are left open.

mod brackets;

use crate::ast::{Doc, MAX_DEPTH, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::token::{Tok, Token};
use crate::words::{self, Rewrite};

/// The tokens of one item, with matching brackets.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// The bytes between which brackets had to be added or dropped: errors there follow from that.
    pub damaged: Vec<(u32, u32)>,
    /// What to report of closing brackets that close nothing, in this item or after it. One of them follows from each
    /// other error before it in the statement: then rather the opening bracket is missing.
    pub strays: Vec<Diagnostic>,
}

/// A file as the grammar wants it.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The `//!` comments.
    pub docs: Vec<Doc>,
    /// The items.
    pub chunks: Vec<Chunk>,
    /// What is nested too deep, and all that comes after it.
    pub unread: Vec<Token>,
}

/// What kind of item the current chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Nothing but docs, attributes and `export` so far.
    Open,
    /// `const`, `import`: ends with its line.
    Line,
    /// `use`: ends with its line; its braces hold a list.
    Use,
    /// `struct`: its braces hold a list.
    Struct,
    /// `fn`, before or after `where`.
    Fn { conditions: bool },
    /// `test`.
    Test,
    /// Something that is no item.
    Junk,
}

/// An open bracket.
struct Frame {
    open: Tok,
    span: Span,
    /// How far the line of the bracket is indented.
    indent: u32,
    /// Newlines end statements here.
    block: bool,
    /// It is the body of a `for` or `while`.
    is_loop: bool,
    /// The `if`, `while` and `for` directly inside whose `{` is still to come; true for loops.
    heads: Vec<bool>,
}

struct Pass<'a> {
    tokens: &'a [Token],
    lines: &'a dyn Fn(u32) -> u32,
    layout: Layout,
    chunk: Chunk,
    head: Head,
    stack: Vec<Frame>,
    /// Closing brackets that were added: when they come later, they are not reported again.
    added: Vec<Tok>,
    /// A pair whose brackets stand on lines of different indentation.
    suspicious: Option<(Span, Span)>,
    diagnostics: Vec<Diagnostic>,
}

/// Splits the tokens of a file into items; `indent_of` tells how far the line of a byte is indented.
pub fn lay_out(tokens: &[Token], indent_of: &dyn Fn(u32) -> u32) -> (Layout, Vec<Diagnostic>) {
    let mut pass = Pass {
        tokens,
        lines: indent_of,
        layout: Layout::default(),
        chunk: Chunk::default(),
        head: Head::Open,
        stack: Vec::new(),
        added: Vec::new(),
        suspicious: None,
        diagnostics: Vec::new(),
    };
    let mut after_newline = true;
    for (at, token) in tokens.iter().enumerate() {
        if token.tok == Tok::Newline {
            after_newline = true;
            continue;
        }
        if !pass.step(at, after_newline) {
            pass.layout.unread = tokens[at..].to_vec();
            pass.layout.unread.append(&mut pass.chunk.tokens);
            return (pass.layout, pass.diagnostics);
        }
        after_newline = false;
    }
    pass.close_all(None);
    pass.finish_item();
    (pass.layout, pass.diagnostics)
}

impl Pass<'_> {
    /// The `n`-th token after `at`, whatever its line.
    fn peek_token(&self, at: usize, n: usize) -> Option<&Token> {
        self.tokens[at + 1..]
            .iter()
            .filter(|token| token.tok != Tok::Newline)
            .nth(n)
    }

    fn peek(&self, at: usize, n: usize) -> Option<&Tok> {
        self.peek_token(at, n).map(|token| &token.tok)
    }

    fn last(&self) -> Option<&Tok> {
        self.chunk.tokens.last().map(|token| &token.tok)
    }

    fn push(&mut self, tok: Tok, span: Span) {
        self.chunk.tokens.push(Token { tok, span });
    }

    fn finish_item(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        if !chunk.tokens.is_empty() {
            self.layout.chunks.push(chunk);
        }
        self.head = Head::Open;
        self.added.clear();
        self.suspicious = None;
    }

    /// Takes one token; false when nothing after it can be read.
    fn step(&mut self, at: usize, after_newline: bool) -> bool {
        let Token { mut tok, span } = self.tokens[at].clone();
        if tok == Tok::Var && self.var_is_name(at) {
            tok = Tok::Ident("var".into());
        }
        if self.bounds_while(&tok) {
            tok = Tok::Within;
        }
        let neighbours = words::Neighbours {
            last: self.chunk.tokens.last(),
            next: self.peek_token(at, 0),
            after_newline,
        };
        let (rewrite, problem) = words::rewrite(&neighbours, &mut tok, span);
        self.diagnostics.extend(problem);
        match rewrite {
            Rewrite::Keep => {}
            Rewrite::Drop => return true,
            Rewrite::ElseIf => self.push(Tok::Else, span),
            Rewrite::LetToVar => {
                if let Some(last) = self.chunk.tokens.last_mut() {
                    last.tok = Tok::Var;
                }
                return true;
            }
        }
        if !self.stack.is_empty() && after_newline {
            if self.begins_item(at) {
                self.close_all(Some(span));
                self.finish_item();
            } else if tok.starts_stmt() {
                self.close_before_statement(span);
            }
        }
        match &tok {
            Tok::FileDoc(text) => return self.file_doc(text.clone(), span),
            Tok::Doc(_) if !self.doc_allowed() => {
                let message = "this doc comment documents nothing";
                let help = "begin an ordinary comment with `//`";
                let slashes = Span {
                    end: span.start + 3,
                    ..span
                };
                self.diagnostics.push(
                    Diagnostic::error(Code::DL0110, message, span).suggest(help, slashes, "//"),
                );
                return true;
            }
            _ => {}
        }
        if self.stack.is_empty() {
            self.before_item(at, after_newline, &mut tok);
            if tok == Tok::Semi {
                if self.head != Head::Open {
                    self.finish_item();
                }
                return true;
            }
        } else {
            self.end_line(after_newline, &tok, span);
        }
        self.settle(at, &mut tok);
        match tok {
            Tok::LParen | Tok::LBracket | Tok::LBrace | Tok::StructBrace | Tok::BodyBrace => {
                return self.open(tok, span);
            }
            Tok::RParen | Tok::RBracket | Tok::RBrace => self.close(at, tok, span),
            Tok::ColonColon if !self.joins_path(at) => {
                let middle = span.start + 1;
                self.push(
                    Tok::Colon,
                    Span {
                        end: middle,
                        ..span
                    },
                );
                self.push(
                    Tok::Colon,
                    Span {
                        start: middle,
                        ..span
                    },
                );
            }
            _ => {
                if let (Some(frame), Tok::If | Tok::While | Tok::For) =
                    (self.stack.last_mut(), &tok)
                {
                    frame.heads.push(tok != Tok::If);
                }
                self.push(tok, span);
            }
        }
        true
    }

    /// Whether `var` is the built-in reduction, or a name, rather than the keyword: `var(x)`, but not `var (a, b) = x`.
    fn var_is_name(&self, at: usize) -> bool {
        match self.peek(at, 0) {
            Some(Tok::Ident(_)) => false,
            Some(Tok::LParen) if self.stack.last().is_some_and(|frame| frame.block) => {
                let mut depth = 0_usize;
                let close = self.tokens[at..].iter().position(|token| {
                    match token.tok {
                        Tok::LParen => depth += 1,
                        Tok::RParen => depth -= 1,
                        _ => return false,
                    }
                    depth == 0
                });
                let after = close.and_then(|close| self.peek(at + close, 0));
                !matches!(after, Some(Tok::Assign | Tok::Colon))
            }
            _ => true,
        }
    }

    /// Whether a token is the `within` behind a loop's condition rather than a name.
    fn bounds_while(&self, tok: &Tok) -> bool {
        let in_head = || self.stack.last()?.heads.last().copied();
        *tok == Tok::Ident("within".into())
            && in_head() == Some(true)
            && self.last().is_some_and(Tok::ends_expr)
    }

    /// Whether a token inside brackets can only be the beginning of an item; one that is indented deeper than the
    /// current item rather belongs to it.
    fn begins_item(&self, at: usize) -> bool {
        let outermost = self.stack.first().map_or(0, |frame| frame.indent);
        if (self.lines)(self.tokens[at].span.start) > outermost {
            return false;
        }
        match self.tokens[at].tok {
            Tok::Fn => matches!(self.peek(at, 0), Some(Tok::Ident(_))),
            Tok::Export => matches!(self.peek(at, 0), Some(Tok::Fn)),
            Tok::Struct | Tok::Const | Tok::Use => matches!(self.peek(at, 0), Some(Tok::Ident(_))),
            Tok::Import => matches!(self.peek(at, 0), Some(Tok::Str(_))),
            _ => false,
        }
    }

    fn file_doc(&mut self, text: String, span: Span) -> bool {
        if self.stack.is_empty() && self.layout.chunks.is_empty() && self.chunk.tokens.is_empty() {
            self.layout.docs.push(Doc { text, span });
        } else {
            let message = "`//!` documents the file and stands before its first item";
            let marker = Span {
                end: span.start + 3,
                ..span
            };
            let help = "`///` documents the next item";
            self.diagnostics
                .push(Diagnostic::error(Code::DL0110, message, span).suggest(help, marker, "///"));
        }
        true
    }

    /// Doc comments stand before items and before fields.
    fn doc_allowed(&self) -> bool {
        match self.stack.as_slice() {
            [] => true,
            [frame] => self.head == Head::Struct && frame.open == Tok::LBrace,
            _ => false,
        }
    }

    /// A token outside of all brackets: ends the item before and begins the next one.
    fn before_item(&mut self, at: usize, after_newline: bool, tok: &mut Tok) {
        if after_newline && matches!(self.head, Head::Line | Head::Use) {
            let goes_on = tok.continues_line() && *tok != Tok::At;
            if !goes_on && self.last().is_some_and(Tok::ends_expr) {
                self.finish_item();
            }
        }
        if *tok == Tok::At && (after_newline || self.head == Head::Open) {
            *tok = Tok::AttrAt;
        }
        if *tok == Tok::Ident("test".into()) && matches!(self.peek(at, 0), Some(Tok::Str(_))) {
            *tok = Tok::Test;
        }
        let type_follows = self.last() == Some(&Tok::Arrow);
        if self.head == Head::Junk && !after_newline {
            return;
        }
        let next_head = match tok {
            Tok::Doc(_) | Tok::AttrAt | Tok::Export => Some(Head::Open),
            Tok::Const | Tok::Import => Some(Head::Line),
            Tok::Use => Some(Head::Use),
            Tok::Struct => Some(Head::Struct),
            Tok::Fn if !type_follows => Some(Head::Fn { conditions: false }),
            Tok::Test => Some(Head::Test),
            _ => None,
        };
        match next_head {
            Some(next) => {
                if self.head != Head::Open {
                    self.finish_item();
                }
                self.head = next;
            }
            None if self.head == Head::Open => {
                let of_attribute = match tok {
                    Tok::Ident(_) => matches!(self.last(), Some(Tok::AttrAt)),
                    Tok::LParen => matches!(self.last(), Some(Tok::Ident(_))),
                    _ => false,
                };
                if !of_attribute && !matches!(tok, Tok::RParen | Tok::RBracket | Tok::RBrace) {
                    self.head = if *tok == Tok::Semi {
                        Head::Open
                    } else {
                        Head::Junk
                    };
                }
            }
            None => {}
        }
    }

    /// Puts a `Newline` token where a newline before `tok` ends a statement.
    fn end_line(&mut self, after_newline: bool, tok: &Tok, span: Span) {
        let Some(frame) = self.stack.last() else {
            return;
        };
        let body_follows = *tok == Tok::LBrace && !frame.heads.is_empty();
        let complete =
            self.last().is_some_and(Tok::ends_expr) && !tok.continues_line() && !body_follows;
        // A keyword of a statement begins one even where the line before is not complete.
        let cut_off = tok.starts_stmt()
            && self.last().is_some_and(|last| {
                !matches!(
                    last,
                    Tok::LBrace | Tok::BodyBrace | Tok::Semi | Tok::Newline
                )
            });
        let ends = frame.block && after_newline && (complete || cut_off);
        if ends {
            if let Some(frame) = self.stack.last_mut() {
                frame.heads.clear();
            }
            let end = self
                .chunk
                .tokens
                .last()
                .map_or(span.at_start(), |token| token.span.at_end());
            self.push(Tok::Newline, end);
        }
    }

    /// Gives tokens that are written alike their meaning.
    fn settle(&mut self, at: usize, tok: &mut Tok) {
        match tok {
            Tok::Ident(name)
                if name == "where"
                    && self.stack.is_empty()
                    && self.head == (Head::Fn { conditions: false }) =>
            {
                self.head = Head::Fn { conditions: true };
                *tok = Tok::Where;
            }
            Tok::Lt => {
                let named = matches!(self.peek(at, 0), Some(Tok::Ident(_)))
                    && self.peek(at, 1) == Some(&Tok::Assign);
                if named && matches!(self.last(), Some(Tok::Ident(_))) {
                    *tok = Tok::DimsOpen;
                }
            }
            Tok::LBrace => {
                let after_name = matches!(self.last(), Some(Tok::Ident(_) | Tok::Gt));
                let in_head = self
                    .stack
                    .last()
                    .is_some_and(|frame| !frame.heads.is_empty());
                let in_const = self.head == Head::Line
                    && !self.chunk.tokens.iter().any(|token| token.tok == Tok::If);
                let value_possible = !self.stack.is_empty() || in_const;
                if self.stack.is_empty() && matches!(self.head, Head::Fn { .. }) {
                    *tok = Tok::BodyBrace;
                } else if after_name && !in_head && value_possible {
                    *tok = Tok::StructBrace;
                }
            }
            _ => {}
        }
    }

    /// Whether `::` stands between names; elsewhere it is the two colons of a slice.
    fn joins_path(&self, at: usize) -> bool {
        let outside = self.stack.is_empty();
        let after_name = matches!(self.last(), Some(Tok::Ident(_)));
        let before_name = matches!(self.peek(at, 0), Some(Tok::Ident(_) | Tok::LBrace));
        outside || (after_name && before_name)
    }

    fn open(&mut self, tok: Tok, span: Span) -> bool {
        if self.stack.len() >= usize::from(MAX_DEPTH) {
            let first = self.stack.first().map_or(span, |frame| frame.span);
            self.diagnostics.push(
                Diagnostic::error(
                    Code::DL0006,
                    format!("brackets are nested more than {MAX_DEPTH} deep"),
                    span,
                )
                .label("this one is too deep; nothing after it is read")
                .secondary(first, "the outermost")
                .help("give a part of it a name, by `let` or as a function of its own"),
            );
            return false;
        }
        let list = self.stack.is_empty() && matches!(self.head, Head::Struct | Head::Use);
        let block = tok == Tok::BodyBrace || (tok == Tok::LBrace && !list);
        let mut is_loop = false;
        if tok == Tok::LBrace && self.last().is_some_and(Tok::ends_expr) {
            is_loop = self
                .stack
                .last_mut()
                .and_then(|frame| frame.heads.pop())
                .unwrap_or(false);
        }
        let indent = (self.lines)(span.start);
        self.push(tok.clone(), span);
        self.stack.push(Frame {
            open: tok,
            span,
            indent,
            block,
            is_loop,
            heads: Vec::new(),
        });
        true
    }
}
