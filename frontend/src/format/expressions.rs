//! Expressions.

use pretty::DocAllocator;

use super::INDENT;
use super::printer::{Comma, Doc, Pad, Printer, Sep};
use crate::token::Tok;

/// The levels of operators that lines may break behind, loosest first, as in the grammar.
const LEVELS: usize = 5;

/// The level of `+` and `-`: dims have no looser operators outside of parentheses.
const SUMS: usize = 3;

/// The level of an operator between two operands, but for `**`.
fn level(tok: &Tok) -> Option<usize> {
    match tok {
        Tok::OrOr => Some(0),
        Tok::AndAnd => Some(1),
        Tok::EqEq | Tok::NotEq | Tok::Lt | Tok::Le | Tok::Gt | Tok::Ge => Some(2),
        Tok::Plus | Tok::Minus => Some(SUMS),
        Tok::Star | Tok::Slash | Tok::Percent | Tok::At => Some(4),
        _ => None,
    }
}

impl<'a> Printer<'a> {
    /// An expression.
    pub(super) fn expression(&mut self, sep: Sep) -> Doc<'a> {
        match self.peek(0) {
            Some(Tok::OrOr) => self.put(sep).append(self.expression(Sep::Space)),
            Some(Tok::Bar) => self.lambda(sep),
            _ => self.operators(0, sep),
        }
    }

    fn lambda(&mut self, sep: Sep) -> Doc<'a> {
        let mut doc = self.put(sep);
        let mut before = Sep::None;
        while self.peek(0).is_some_and(|tok| *tok != Tok::Bar) {
            doc = doc.append(self.pattern(before));
            if self.sees(&Tok::Colon) {
                doc = doc.append(self.put(Sep::None)).append(self.ty(Sep::Space));
            }
            before = Sep::Space;
            if self.sees(&Tok::Comma) {
                self.skip();
                // A line that begins with the closing bar would begin a statement.
                if !self.sees(&Tok::Bar) || self.commented() {
                    doc = doc.append(",");
                }
            }
        }
        // `||` would be another token.
        let close = if before == Sep::None {
            Sep::Space
        } else {
            Sep::None
        };
        doc.append(self.put(close))
            .append(self.expression(Sep::Space))
    }

    /// Sums and what binds more tightly.
    pub(super) fn sum(&mut self, sep: Sep) -> Doc<'a> {
        self.operators(SUMS, sep)
    }

    /// Operands of one level and the operators between them, behind which lines break.
    fn operators(&mut self, at: usize, sep: Sep) -> Doc<'a> {
        if at == LEVELS {
            return self.unary(sep);
        }
        let first = self.operators(at + 1, sep);
        if self.peek(0).and_then(level) != Some(at) {
            return first;
        }
        let mut rest = self.nil();
        while self.peek(0).and_then(level) == Some(at) {
            rest = rest
                .append(self.put(Sep::Space))
                .append(self.sep(Sep::Line))
                .append(self.operators(at + 1, Sep::None));
        }
        first.append(rest.nest(INDENT)).group()
    }

    fn unary(&mut self, sep: Sep) -> Doc<'a> {
        if matches!(self.peek(0), Some(Tok::Minus | Tok::Bang)) {
            return self.put(sep).append(self.unary(Sep::None));
        }
        let base = self.postfix(sep);
        if self.sees(&Tok::StarStar) {
            return base
                .append(self.put(Sep::Space))
                .append(self.unary(Sep::Space));
        }
        base
    }

    fn postfix(&mut self, sep: Sep) -> Doc<'a> {
        let mut doc = self.primary(sep);
        // Whether a comment stands between the last dot and what is behind it.
        let mut apart = false;
        loop {
            let next = match self.peek(0) {
                Some(Tok::LParen) => self.arguments().group(),
                Some(Tok::DimsOpen) => self.dims(),
                Some(Tok::StructBrace) => self
                    .list(Sep::Space, (Pad::Space, Comma::Optional), Self::initialiser)
                    .group(),
                Some(Tok::LBracket) => self
                    .list(Sep::None, (Pad::None, Comma::Optional), Self::index)
                    .group(),
                Some(Tok::Dot) => {
                    // `1.` and `1.0` would be other numbers; in `x.1.0` there is none, unless a comment stands before
                    // or behind the `1`.
                    let is_part = self.last(2) == Some(&Tok::Dot) && !apart;
                    apart = self.commented_behind();
                    let of_number =
                        matches!(self.last(1), Some(Tok::Number(_))) && (!is_part || apart);
                    let sep = if of_number { Sep::Space } else { Sep::None };
                    self.put(sep).append(self.put(Sep::None))
                }
                _ => return doc,
            };
            doc = doc.append(next);
        }
    }

    fn primary(&mut self, sep: Sep) -> Doc<'a> {
        match self.peek(0) {
            Some(Tok::LParen) => self
                .list(sep, (Pad::None, Comma::Significant), |printer| {
                    printer.expression(Sep::None)
                })
                .group(),
            Some(Tok::LBracket) => self
                .list(sep, (Pad::None, Comma::Optional), |printer| {
                    printer.expression(Sep::None)
                })
                .group(),
            Some(Tok::LBrace) => self.block(sep).group(),
            Some(Tok::If) => self.branches(sep).group(),
            Some(Tok::Ident(_)) => self.path(sep),
            _ => self.put(sep),
        }
    }

    /// `if` with all its branches, which are on one line together or not at all.
    fn branches(&mut self, sep: Sep) -> Doc<'a> {
        let head = self.put(sep).append(self.expression(Sep::Space));
        let doc = head.append(self.block(Sep::Space));
        if !self.sees(&Tok::Else) {
            return doc;
        }
        let doc = doc.append(self.put(Sep::Space));
        match self.peek(0) {
            Some(Tok::If) => doc.append(self.branches(Sep::Space)),
            _ => doc.append(self.block(Sep::Space)),
        }
    }

    /// The arguments of a call or an attribute, not a group yet.
    pub(super) fn arguments(&mut self) -> Doc<'a> {
        self.list(Sep::None, (Pad::None, Comma::Optional), |printer| {
            let name = printer.argument_name();
            name.append(printer.range_or_expression(Sep::None))
        })
    }

    /// `axis=`, where that is next.
    pub(super) fn argument_name(&mut self) -> Doc<'a> {
        match (self.peek(0), self.peek(1)) {
            (Some(Tok::Ident(_)), Some(Tok::Assign)) => {
                self.put(Sep::None).append(self.put(Sep::None))
            }
            _ => self.nil(),
        }
    }

    /// `0..n`, or any expression.
    pub(super) fn range_or_expression(&mut self, sep: Sep) -> Doc<'a> {
        let doc = self.expression(sep);
        match self.peek(0) {
            Some(Tok::DotDot | Tok::DotDotEq) => {
                doc.append(self.put(Sep::None)).append(self.sum(Sep::None))
            }
            _ => doc,
        }
    }

    /// `name: value`, `name` or `..base`.
    fn initialiser(&mut self) -> Doc<'a> {
        let first = self.put(Sep::None);
        match self.last(1) {
            Some(Tok::DotDot) => first.append(self.expression(Sep::None)),
            _ if self.sees(&Tok::Colon) => first.append(self.put(Sep::None)).append(self.value()),
            _ => first,
        }
    }

    /// `i`, `a:b:c`, `...`.
    fn index(&mut self) -> Doc<'a> {
        if self.sees(&Tok::Ellipsis) {
            return self.put(Sep::None);
        }
        let mut doc = self.arena.nil();
        let ends =
            |tok: Option<&Tok>| matches!(tok, None | Some(Tok::Colon | Tok::Comma | Tok::RBracket));
        if !ends(self.peek(0)) {
            doc = self.expression(Sep::None);
        }
        while self.sees(&Tok::Colon) {
            // `a::b` would be a path.
            let path = self.last(1) == Some(&Tok::Colon)
                && matches!(self.last(2), Some(Tok::Ident(_)))
                && matches!(self.peek(1), Some(Tok::Ident(_) | Tok::LBrace));
            let sep = if path { Sep::Space } else { Sep::None };
            doc = doc.append(self.put(sep));
            if !ends(self.peek(0)) {
                doc = doc.append(self.expression(Sep::None));
            }
        }
        doc
    }
}
