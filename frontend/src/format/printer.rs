//! The place in the tokens, and what all constructs are made of: tokens with what stands before them, lists, blocks.

use pretty::{Arena, Doc as Raw, DocAllocator, DocBuilder};

use super::INDENT;
use super::gaps::{Comment, Gap};
use crate::source::Source;
use crate::token::{Tok, Token};

/// A document under construction.
pub(super) type Doc<'a> = DocBuilder<'a, Arena<'a>>;

/// What stands before a token where there is no comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sep {
    /// Nothing.
    None,
    /// A blank.
    Space,
    /// A blank, or the end of a line where the group does not fit.
    Line,
    /// The end of a line.
    Hard,
}

/// What stands inside the brackets of a list on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pad {
    /// Nothing: `(a, b)`.
    None,
    /// Blanks: `{ a, b }`.
    Space,
}

/// What a comma behind the last element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comma {
    /// Nothing.
    Optional,
    /// Behind the only element: a tuple of one rather than parentheses.
    Significant,
}

/// Which blank lines before comments stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blanks {
    /// None: inside an expression.
    None,
    /// Those between comments: behind an opening bracket.
    Inner,
    /// All.
    All,
}

/// An element of a list, a statement or an item.
struct Element<'a> {
    /// The comments before it.
    lead: Option<Doc<'a>>,
    /// Whether a line ended before it.
    breaks: bool,
    /// Whether a blank line stood directly before it.
    blank: bool,
    doc: Doc<'a>,
}

/// The elements between two brackets.
struct Elements<'a> {
    all: Vec<Element<'a>>,
    /// The comments behind the last one.
    end: Option<Doc<'a>>,
    /// A line ends behind the opening bracket.
    breaks_first: bool,
    /// There are comments between elements.
    commented: bool,
    /// An element has lines that must end.
    hard: bool,
    /// A separator stands behind the last one.
    trailing: bool,
}

/// The place in a file's tokens.
pub(super) struct Printer<'a> {
    pub(super) arena: &'a Arena<'a>,
    source: &'a Source,
    tokens: Vec<Token>,
    gaps: Vec<Gap<'a>>,
    at: usize,
    /// How many lines that must end have been written.
    hard: usize,
}

impl<'a> Printer<'a> {
    /// At the first of the tokens, each with the gap before it, and one gap more.
    pub(super) fn new(
        arena: &'a Arena<'a>,
        source: &'a Source,
        tokens: Vec<Token>,
        gaps: Vec<Gap<'a>>,
    ) -> Self {
        Self {
            arena,
            source,
            tokens,
            gaps,
            at: 0,
            hard: 0,
        }
    }

    /// The next token but `n`.
    pub(super) fn peek(&self, n: usize) -> Option<&Tok> {
        self.tokens.get(self.at + n).map(|token| &token.tok)
    }

    /// The token before the next one.
    pub(super) fn last(&self, n: usize) -> Option<&Tok> {
        let at = self.at.checked_sub(n)?;
        self.tokens.get(at).map(|token| &token.tok)
    }

    /// Whether this is the next token.
    pub(super) fn sees(&self, tok: &Tok) -> bool {
        self.peek(0) == Some(tok)
    }

    /// Whether there are comments before the next token.
    pub(super) fn commented(&self) -> bool {
        !self.gaps[self.at].comments.is_empty()
    }

    /// Whether there are comments behind the next token.
    pub(super) fn commented_behind(&self) -> bool {
        let gap = self.gaps.get(self.at + 1);
        gap.is_some_and(|gap| !gap.comments.is_empty())
    }

    pub(super) fn nil(&self) -> Doc<'a> {
        self.arena.nil()
    }

    fn take_gap(&mut self) -> Gap<'a> {
        std::mem::take(&mut self.gaps[self.at])
    }

    /// Text that does not count: what follows a comment is on another line.
    fn weightless(&self, text: &'a str) -> Doc<'a> {
        let text = self.arena.alloc(Raw::BorrowedText(text));
        self.nil().append(self.arena.alloc(Raw::RenderLen(0, text)))
    }

    /// Comments, each behind what stands before it or on a line of its own; the line of the last one has not ended.
    fn comments(&self, comments: Vec<Comment<'a>>, blanks: Blanks) -> Doc<'a> {
        let mut doc = self.nil();
        for (i, comment) in comments.into_iter().enumerate() {
            let keeps = blanks == Blanks::All || (blanks == Blanks::Inner && i > 0);
            doc = match comment.newlines {
                0 => doc.append(" "),
                2.. if keeps => doc
                    .append(self.arena.hardline())
                    .append(self.arena.hardline()),
                _ => doc.append(self.arena.hardline()),
            };
            doc = doc.append(self.weightless(comment.text));
        }
        doc
    }

    /// What stands before the next token: its comments, or `sep`.
    pub(super) fn sep(&mut self, sep: Sep) -> Doc<'a> {
        let gap = self.take_gap();
        if !gap.comments.is_empty() {
            self.hard += 1;
            return self
                .comments(gap.comments, Blanks::None)
                .append(self.arena.hardline());
        }
        match sep {
            Sep::None => self.nil(),
            Sep::Space => self.arena.space(),
            Sep::Line => self.arena.line(),
            Sep::Hard => {
                self.hard += 1;
                self.arena.hardline()
            }
        }
    }

    /// The next token and what stands before it.
    pub(super) fn put(&mut self, sep: Sep) -> Doc<'a> {
        let Some(token) = self.tokens.get(self.at) else {
            return self.nil();
        };
        let text = self.source.slice(token.span).trim_end();
        let doc = self.sep(sep).append(text);
        self.at += 1;
        doc
    }

    /// Leaves the next token out; its comments go to the token after it.
    pub(super) fn skip(&mut self) {
        let gap = self.take_gap();
        self.at += 1;
        self.gaps[self.at].prepend(gap);
    }

    /// A list in the brackets that begin here, not a group yet: lines end behind the opening bracket, where the
    /// following elements do not fit, and before the closing one, which a comma then stands before.
    pub(super) fn list(
        &mut self,
        sep: Sep,
        (pad, comma): (Pad, Comma),
        each: impl Fn(&mut Self) -> Doc<'a>,
    ) -> Doc<'a> {
        let closer = match self.peek(0) {
            Some(Tok::Lt | Tok::DimsOpen) => Tok::Gt,
            open => open.map_or(Tok::RParen, Tok::closer),
        };
        let nested = matches!(self.peek(1), Some(Tok::LParen | Tok::LBracket));
        let open = self.put(sep);
        let inside = self.elements(&closer, Tok::Comma, each);
        let sole = comma == Comma::Significant && inside.all.len() == 1;
        let flat_comma = if sole && inside.trailing { "," } else { "" };
        let broken_comma = if sole { flat_comma } else { "," };
        let line = |pad| match pad {
            Pad::None => self.arena.line_(),
            Pad::Space => self.arena.line(),
        };
        if inside.all.is_empty() && !inside.commented {
            return open.append(self.put(Sep::None));
        }
        let hugs = pad == Pad::None && (inside.hard || (nested && inside.all.len() == 1));
        if inside.breaks_first || inside.commented || (inside.hard && !hugs) {
            let comma = if inside.all.is_empty() {
                ""
            } else {
                broken_comma
            };
            let body = self.broken(inside, comma);
            return open.append(body).append(self.put(Sep::Hard));
        }
        if hugs {
            let docs = inside.all.into_iter().map(|one| one.doc);
            let body = self.arena.intersperse(docs, ", ");
            return open
                .append(body)
                .append(flat_comma)
                .append(self.put(Sep::None));
        }
        let mut body = line(pad);
        for (i, one) in inside.all.into_iter().enumerate() {
            body = match i {
                0 => body.append(one.doc),
                _ => body
                    .append(",")
                    .append(self.arena.line().append(one.doc).group()),
            };
        }
        let end = self.arena.text(broken_comma).flat_alt(flat_comma);
        open.append(body.append(end).nest(INDENT))
            .append(line(pad))
            .append(self.put(Sep::None))
    }

    /// Elements on lines of their own, or behind others where the author put them and they fit.
    fn broken(&mut self, inside: Elements<'a>, comma: &'static str) -> Doc<'a> {
        self.hard += 1;
        let mut body = self.nil();
        let count = inside.all.len();
        for (i, one) in inside.all.into_iter().enumerate() {
            if i == 0 || one.breaks {
                body = body.append(self.begin(one, i == 0));
            } else {
                body = body.append(self.arena.line().append(one.doc).group());
            }
            body = body.append(if i + 1 < count { "," } else { comma });
        }
        body.append(inside.end).nest(INDENT)
    }

    /// An element on a line of its own.
    fn begin(&self, element: Element<'a>, first: bool) -> Doc<'a> {
        let commented = element.lead.is_some();
        let mut doc = self.nil().append(element.lead);
        if element.blank && (commented || !first) {
            doc = doc.append(self.arena.hardline());
        }
        doc.append(self.arena.hardline()).append(element.doc)
    }

    /// What stands before the next token, as the element that `each` then writes needs it.
    fn element(&mut self, first: bool, each: impl Fn(&mut Self) -> Doc<'a>) -> Element<'a> {
        let gap = self.take_gap();
        let (breaks, blank) = (gap.breaks(), gap.newlines > 1);
        let blanks = if first { Blanks::Inner } else { Blanks::All };
        let lead = self.lead(gap, blanks);
        let doc = each(self);
        Element {
            lead,
            breaks,
            blank,
            doc,
        }
    }

    fn lead(&mut self, gap: Gap<'a>, blanks: Blanks) -> Option<Doc<'a>> {
        (!gap.comments.is_empty()).then(|| self.comments(gap.comments, blanks))
    }

    /// What stands up to the closing bracket, which is the next token then, with nothing before it.
    fn elements(
        &mut self,
        closer: &Tok,
        separator: Tok,
        each: impl Fn(&mut Self) -> Doc<'a>,
    ) -> Elements<'a> {
        let is_separator = |tok: Option<&Tok>| match separator {
            Tok::Comma => tok == Some(&Tok::Comma),
            _ => matches!(tok, Some(Tok::Newline | Tok::Semi)),
        };
        while separator != Tok::Comma && is_separator(self.peek(0)) {
            self.skip();
        }
        let breaks_first = self.gaps[self.at].breaks_first() && !self.sees(closer);
        let hard = self.hard;
        let (mut all, mut commented, mut trailing) = (Vec::new(), false, false);
        while self.peek(0).is_some_and(|tok| tok != closer) {
            commented |= self.commented();
            let mut element = self.element(all.is_empty(), &each);
            trailing = is_separator(self.peek(0));
            let is_var = self.last(1) == Some(&Tok::Ident("var".to_owned()));
            let mut semicolon = false;
            while is_separator(self.peek(0)) {
                semicolon |= self.sees(&Tok::Semi);
                self.skip();
            }
            // Without a semicolon, `||` would go on with the statement, and a name `var` would begin one.
            if semicolon && (is_var || self.sees(&Tok::OrOr)) {
                element.doc = element.doc.append(";");
            }
            all.push(element);
        }
        commented |= self.commented();
        let hard = self.hard > hard;
        let gap = self.take_gap();
        let blanks = if all.is_empty() {
            Blanks::Inner
        } else {
            Blanks::All
        };
        let end = self.lead(gap, blanks);
        Elements {
            all,
            end,
            breaks_first,
            commented,
            hard,
            trailing,
        }
    }

    /// The block that begins here, not a group yet: on one line where it is a single statement that the author wrote
    /// so, and the group fits.
    pub(super) fn block(&mut self, sep: Sep) -> Doc<'a> {
        let open = self.put(sep);
        let inside = self.elements(&Tok::RBrace, Tok::Newline, |printer| {
            printer.statement(Sep::None)
        });
        if inside.all.is_empty() && !inside.commented {
            return open.append(self.put(Sep::None));
        }
        let short = inside.all.len() == 1 && !inside.commented && !inside.breaks_first;
        if short {
            let statements = inside.all.into_iter().map(|one| one.doc);
            let body = self.arena.line().append(self.arena.concat(statements));
            return open
                .append(body.nest(INDENT))
                .append(self.arena.line())
                .append(self.put(Sep::None));
        }
        let mut body = self.nil();
        for (i, one) in inside.all.into_iter().enumerate() {
            body = body.append(self.begin(one, i == 0));
        }
        open.append(body.append(inside.end).nest(INDENT))
            .append(self.put(Sep::Hard))
    }

    /// The whole file.
    pub(super) fn file(mut self) -> Doc<'a> {
        if let Some(first) = self.gaps[0].comments.first_mut() {
            first.newlines = first.newlines.max(1);
        }
        let mut doc = self.nil();
        while self.peek(0).is_some() {
            let first = self.at == 0;
            let element = self.element(first, |printer| printer.item());
            doc = doc.append(self.begin(element, first));
        }
        let gap = self.take_gap();
        let end = self.lead(gap, Blanks::All);
        doc.append(end)
    }
}
