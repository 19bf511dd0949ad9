//! Items: docs, attributes, functions, structs and what is on one line.

use super::INDENT;
use super::printer::{Comma, Doc, Pad, Printer, Sep};
use crate::token::Tok;

impl<'a> Printer<'a> {
    /// An item with its docs and attributes, or a line of the file's doc comment.
    pub(super) fn item(&mut self) -> Doc<'a> {
        let mut doc = self.nil();
        let mut sep = Sep::None;
        loop {
            match self.peek(0) {
                Some(Tok::FileDoc(_)) => return doc.append(self.put(sep)),
                Some(Tok::Doc(_)) => doc = doc.append(self.put(sep)),
                Some(Tok::AttrAt) => {
                    doc = doc.append(self.put(sep)).append(self.put(Sep::None));
                    if self.sees(&Tok::LParen) {
                        doc = doc.append(self.arguments().group());
                    }
                }
                _ => break,
            }
            sep = Sep::Hard;
        }
        let item = match self.peek(0) {
            Some(Tok::Const) => {
                let head = self.put(sep).append(self.put(Sep::Space));
                head.append(self.put(Sep::Space)).append(self.value())
            }
            Some(Tok::Struct) => self.structure(sep),
            Some(Tok::Use) => self.usage(sep),
            Some(Tok::Import) => self.put(sep).append(self.put(Sep::Space)),
            Some(Tok::Test) => {
                let head = self.put(sep).append(self.put(Sep::Space));
                head.append(self.block(Sep::Space).group())
            }
            _ => self.function(sep),
        };
        doc.append(item)
    }

    fn structure(&mut self, sep: Sep) -> Doc<'a> {
        let head = self.put(sep).append(self.put(Sep::Space));
        let head = head.append(self.dim_parameters());
        let fields = self.list(Sep::Space, (Pad::Space, Comma::Optional), Self::field);
        head.append(fields.group())
    }

    fn field(&mut self) -> Doc<'a> {
        let mut doc = self.nil();
        let mut sep = Sep::None;
        while let Some(Tok::Doc(_)) = self.peek(0) {
            doc = doc.append(self.put(sep));
            sep = Sep::Hard;
        }
        doc.append(self.put(sep))
            .append(self.put(Sep::None))
            .append(self.ty(Sep::Space))
    }

    fn usage(&mut self, sep: Sep) -> Doc<'a> {
        let mut doc = self.put(sep).append(self.put(Sep::Space));
        while self.sees(&Tok::ColonColon) {
            doc = doc.append(self.put(Sep::None));
            doc = doc.append(match self.peek(0) {
                Some(Tok::LBrace) => self
                    .list(Sep::None, (Pad::None, Comma::Optional), |printer| {
                        printer.put(Sep::None)
                    })
                    .group(),
                _ => self.put(Sep::None),
            });
        }
        doc
    }

    fn function(&mut self, mut sep: Sep) -> Doc<'a> {
        let mut head = self.nil();
        if self.sees(&Tok::Export) {
            head = head.append(self.put(sep));
            sep = Sep::Space;
        }
        head = head.append(self.put(sep)).append(self.put(Sep::Space));
        head = head.append(self.dim_parameters());
        let parameters = self.list(Sep::None, (Pad::None, Comma::Optional), Self::parameter);
        let signature = parameters.append(self.result());
        head = head.append(signature.group());
        if self.sees(&Tok::Where) {
            let conditions = self.sep(Sep::Line).append(self.conditions());
            head = head.append(conditions.nest(INDENT).group());
        }
        head.append(self.block(Sep::Space).group())
    }

    fn dim_parameters(&mut self) -> Doc<'a> {
        if !matches!(self.peek(0), Some(Tok::Lt | Tok::DimsOpen)) {
            return self.nil();
        }
        let dims = self.list(Sep::None, (Pad::None, Comma::Optional), |printer| {
            let mut doc = printer.put(Sep::None);
            if let Some(Tok::Ident(_)) = printer.peek(0) {
                doc = doc.append(printer.put(Sep::Space));
            }
            if printer.sees(&Tok::In) {
                doc = doc
                    .append(printer.put(Sep::Space))
                    .append(printer.dim_range(Sep::Space));
            }
            doc
        });
        dims.group()
    }

    /// `1..=64`, `1..`, `..=64`.
    fn dim_range(&mut self, mut sep: Sep) -> Doc<'a> {
        let is_dots = |tok: Option<&Tok>| matches!(tok, Some(Tok::DotDot | Tok::DotDotEq));
        let mut doc = self.nil();
        if !is_dots(self.peek(0)) {
            doc = self.sum(sep);
            sep = Sep::None;
        }
        doc = doc.append(self.put(sep));
        if !matches!(self.peek(0), Some(Tok::Comma | Tok::Gt)) {
            doc = doc.append(self.sum(Sep::None));
        }
        doc
    }

    fn parameter(&mut self) -> Doc<'a> {
        let (mut doc, mut sep) = (self.nil(), Sep::None);
        if self.sees(&Tok::Inout) {
            doc = self.put(sep);
            sep = Sep::Space;
        }
        doc = doc
            .append(self.put(sep))
            .append(self.put(Sep::None))
            .append(self.ty(Sep::Space));
        if self.sees(&Tok::Assign) {
            doc = doc.append(self.put(Sep::Space)).append(self.value());
        }
        doc
    }

    /// `-> TYPE`, where there is one.
    pub(super) fn result(&mut self) -> Doc<'a> {
        if !self.sees(&Tok::Arrow) {
            return self.nil();
        }
        self.put(Sep::Space).append(self.ty(Sep::Space).group())
    }

    /// `where` and what follows it.
    fn conditions(&mut self) -> Doc<'a> {
        let mut doc = self.put(Sep::None).append(self.expression(Sep::Space));
        let mut rest = self.nil();
        while self.sees(&Tok::Comma) {
            self.skip();
            if !self.sees(&Tok::BodyBrace) {
                let line = self.sep(Sep::Line);
                let condition = line.append(self.expression(Sep::None)).group();
                rest = rest.append(",").append(condition);
            }
        }
        doc = doc.append(rest.nest(INDENT));
        doc
    }
}
