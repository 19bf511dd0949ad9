//! Types and patterns.

use super::printer::{Comma, Doc, Pad, Printer, Sep};
use crate::token::Tok;

impl<'a> Printer<'a> {
    /// A type.
    pub(super) fn ty(&mut self, sep: Sep) -> Doc<'a> {
        match self.peek(0) {
            Some(Tok::Fn) => {
                let head = self.put(sep);
                let parameters = self.list(Sep::None, (Pad::None, Comma::Optional), |printer| {
                    printer.ty(Sep::None)
                });
                head.append(parameters.append(self.result()).group())
            }
            Some(Tok::LParen) => self
                .list(sep, (Pad::None, Comma::Significant), |printer| {
                    printer.ty(Sep::None)
                })
                .group(),
            Some(Tok::LBracket) => self
                .put(sep)
                .append(self.ty(Sep::None))
                .append(self.put(Sep::None))
                .append(self.expression(Sep::Space))
                .append(self.put(Sep::None)),
            _ => self.named_type(sep),
        }
    }

    fn named_type(&mut self, sep: Sep) -> Doc<'a> {
        let path = self.path(sep);
        match self.peek(0) {
            Some(Tok::Lt | Tok::DimsOpen) => path.append(self.dims()),
            Some(Tok::LBracket) => {
                let dims =
                    self.list(
                        Sep::None,
                        (Pad::None, Comma::Optional),
                        |printer| match printer.peek(0) {
                            Some(Tok::Ellipsis) => printer.put(Sep::None),
                            _ => printer.expression(Sep::None),
                        },
                    );
                path.append(dims.group())
            }
            _ => path,
        }
    }

    /// `a::b`.
    pub(super) fn path(&mut self, sep: Sep) -> Doc<'a> {
        let mut doc = self.put(sep);
        while self.sees(&Tok::ColonColon) {
            doc = doc.append(self.put(Sep::None)).append(self.put(Sep::None));
        }
        doc
    }

    /// `<D, N=4>`.
    pub(super) fn dims(&mut self) -> Doc<'a> {
        let dims = self.list(Sep::None, (Pad::None, Comma::Optional), |printer| {
            let name = printer.argument_name();
            name.append(printer.sum(Sep::None))
        });
        dims.group()
    }

    /// A pattern.
    pub(super) fn pattern(&mut self, sep: Sep) -> Doc<'a> {
        match self.peek(0) {
            Some(Tok::LParen) => self
                .list(sep, (Pad::None, Comma::Significant), |printer| {
                    printer.pattern(Sep::None)
                })
                .group(),
            _ => self.put(sep),
        }
    }
}
