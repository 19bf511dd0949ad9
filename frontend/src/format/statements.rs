//! Statements.

use super::INDENT;
use super::printer::{Doc, Printer, Sep};
use crate::token::Tok;

impl<'a> Printer<'a> {
    /// A statement, or the value of a block.
    pub(super) fn statement(&mut self, sep: Sep) -> Doc<'a> {
        match self.peek(0) {
            Some(Tok::Let | Tok::Var) => {
                let mut doc = self.put(sep).append(self.pattern(Sep::Space));
                if self.sees(&Tok::Colon) {
                    doc = doc.append(self.put(Sep::None)).append(self.ty(Sep::Space));
                }
                doc.append(self.put(Sep::Space)).append(self.value())
            }
            Some(Tok::For) => self
                .put(sep)
                .append(self.pattern(Sep::Space))
                .append(self.put(Sep::Space))
                .append(self.range_or_expression(Sep::Space))
                .append(self.block(Sep::Space))
                .group(),
            Some(Tok::While) => {
                let mut doc = self.put(sep).append(self.expression(Sep::Space));
                if self.sees(&Tok::Within) {
                    doc = doc
                        .append(self.put(Sep::Space))
                        .append(self.expression(Sep::Space));
                }
                doc.append(self.block(Sep::Space)).group()
            }
            Some(Tok::Return) => {
                let doc = self.put(sep);
                match self.peek(0) {
                    Some(Tok::Newline | Tok::Semi | Tok::RBrace) | None => doc,
                    _ => doc.append(self.expression(Sep::Space)),
                }
            }
            _ => {
                let doc = self.expression(sep);
                if !self.peek(0).is_some_and(Tok::is_assignment) {
                    return doc;
                }
                doc.append(self.put(Sep::Space)).append(self.value())
            }
        }
    }

    /// The expression behind `=`.
    pub(super) fn value(&mut self) -> Doc<'a> {
        if self.commented() {
            return self.expression(Sep::Space).nest(INDENT);
        }
        self.expression(Sep::Space)
    }
}
