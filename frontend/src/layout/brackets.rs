//! Closing brackets: those that are there, and those that are missing.

use super::{Head, Pass};
use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::token::Tok;

impl Pass<'_> {
    /// Takes a closing bracket.
    pub(super) fn close(&mut self, at: usize, tok: Tok, span: Span) {
        let Some(found) = self
            .stack
            .iter()
            .rposition(|frame| frame.open.closer() == tok)
        else {
            let before = self
                .chunk
                .tokens
                .last()
                .map_or(span.start, |token| token.span.start);
            self.chunk.damaged.push((before, span.end));
            if let Some(known) = self.added.iter().position(|added| *added == tok) {
                self.added.swap_remove(known);
                return;
            }
            let message = format!("this `{}` closes nothing", tok.text());
            let mut diagnostic = Diagnostic::error(Code::DL0103, message, span);
            if let Some(frame) = self.stack.last() {
                let text = format!("the open bracket here is `{}`", frame.open.text());
                diagnostic = diagnostic.secondary(frame.span, text);
            }
            let diagnostic = diagnostic.suggest("remove it", span, "");
            match self.layout.chunks.last_mut() {
                _ if !self.chunk.tokens.is_empty() => self.chunk.strays.push(diagnostic),
                Some(last) => last.strays.push(diagnostic),
                None => self.diagnostics.push(diagnostic),
            }
            return;
        };
        if found + 1 < self.stack.len() {
            let open = &self.stack[self.stack.len() - 1];
            let (text, expected) = (open.open.text(), open.open.closer().text());
            let message = format!("this `{text}` is never closed");
            let instead = format!("`{}` where `{expected}` must come first", tok.text());
            let end = self
                .chunk
                .tokens
                .last()
                .map_or(span, |token| token.span)
                .at_end();
            self.diagnostics.push(
                Diagnostic::error(Code::DL0102, message, open.span)
                    .secondary(span, instead)
                    .suggest(format!("add `{expected}`"), end, expected),
            );
            self.chunk.damaged.push((open.span.start, span.start));
            while self.stack.len() > found + 1 {
                self.close_one(span.at_start());
            }
        }
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let indent = (self.lines)(span.start);
        if tok == Tok::RBrace && frame.indent != indent && self.suspicious.is_none() {
            self.suspicious = Some((frame.span, span));
        }
        self.push(tok.clone(), span);
        if self.stack.is_empty() {
            if tok == Tok::RBrace && self.head != Head::Line && self.head != Head::Junk {
                self.finish_item();
            }
        } else if frame.is_loop {
            let follows = self.peek(at, 0);
            if follows.is_some_and(|next| !matches!(next, Tok::Semi | Tok::RBrace)) {
                self.push(Tok::Newline, span.at_end());
            }
        }
    }

    /// No statement begins inside parentheses: where a line begins with `let` and the like, they are not closed.
    pub(super) fn close_before_statement(&mut self, next: Span) {
        let Some(block) = self.stack.iter().rposition(|frame| frame.block) else {
            return;
        };
        let Some(open) = self.stack.last().filter(|_| block + 1 < self.stack.len()) else {
            return;
        };
        let (text, expected, span) = (open.open.text(), open.open.closer().text(), open.span);
        let end = self
            .chunk
            .tokens
            .last()
            .map_or(span, |token| token.span.at_end());
        self.diagnostics.push(
            Diagnostic::error(Code::DL0102, format!("this `{text}` is never closed"), span)
                .secondary(next, "the next statement begins here")
                .suggest(format!("add `{expected}`"), end, expected),
        );
        self.chunk.damaged.push((span.start, next.start));
        while self.stack.len() > block + 1 {
            self.close_one(end);
        }
    }

    /// Adds the bracket that closes the innermost open one.
    fn close_one(&mut self, span: Span) {
        if let Some(frame) = self.stack.pop() {
            self.added.push(frame.open.closer());
            self.push(frame.open.closer(), span);
        }
    }

    /// Reports brackets that are open at the end of the file or at the beginning of the next item, and closes them.
    pub(super) fn close_all(&mut self, next_item: Option<Span>) {
        let Some(open) = self.stack.last() else {
            return;
        };
        let (text, expected, span) = (open.open.text(), open.open.closer().text(), open.span);
        let end = self
            .chunk
            .tokens
            .last()
            .map_or(span, |token| token.span.at_end());
        let diagnostic = match self.suspicious {
            Some((first, second)) if open.open.closer() == Tok::RBrace => {
                Diagnostic::error(Code::DL0102, "this `{` is probably not closed", first)
                    .secondary(
                        second,
                        "it is closed by this `}`, which is indented differently",
                    )
                    .secondary(span, "so that this `{` stays open")
                    .help("add `}`")
            }
            _ => {
                let diagnostic =
                    Diagnostic::error(Code::DL0102, format!("this `{text}` is never closed"), span);
                match next_item {
                    Some(next) => diagnostic.secondary(next, "the next item begins here"),
                    None => diagnostic.note("the file ends before it is closed"),
                }
                .suggest(format!("add `{expected}`"), end, expected)
            }
        };
        self.diagnostics.push(diagnostic);
        let from = self
            .suspicious
            .map_or(span.start, |(first, _)| first.start.min(span.start));
        self.chunk.damaged.push((from, u32::MAX));
        while !self.stack.is_empty() {
            self.close_one(end);
        }
    }
}
