//! Syntax errors in words.

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::hints;
use crate::parser::Stop;
use crate::recover::{closes, opens};
use crate::source::Source;
use crate::token::{Tok, Token};

/// An error and what surrounds it.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a Source,
    pub(crate) tokens: &'a [Token],
    /// The number of the token that was not expected.
    pub(crate) at: usize,
    expected: &'a [String],
}

/// The diagnostic of a syntax error.
pub(crate) fn explain(source: &Source, tokens: &[Token], stop: &Stop) -> Diagnostic {
    let cx = Context {
        source,
        tokens,
        at: stop.at,
        expected: &stop.expected,
    };
    hints::hint(&cx).unwrap_or_else(|| cx.plain())
}

impl Context<'_> {
    /// Whether a terminal of the grammar, spelled as there, would have been accepted.
    pub(crate) fn accepts(&self, terminal: &str) -> bool {
        self.expected
            .iter()
            .any(|one| one.trim_matches('"') == terminal)
    }

    /// Whether an expression was complete before the error.
    pub(crate) fn after_expr(&self) -> bool {
        let before_assignment = self.accepts("NEWLINE") && self.accepts("+=");
        self.accepts("**") || self.accepts("==") || before_assignment
    }

    /// Whether an expression was wanted.
    pub(crate) fn wants_expr(&self) -> bool {
        self.accepts("NUMBER") && self.accepts("(") && !self.after_expr()
    }

    /// Whether a type was wanted.
    pub(crate) fn wants_type(&self) -> bool {
        self.accepts("IDENT") && self.accepts("fn") && self.accepts("[") && !self.accepts("NUMBER")
    }

    /// The token that was not expected.
    pub(crate) fn found(&self) -> Option<&Tok> {
        self.tokens.get(self.at).map(|token| &token.tok)
    }

    /// Its place; where the item ends, the place behind its last token.
    pub(crate) fn place(&self) -> Span {
        match self.tokens.get(self.at) {
            Some(token) => token.span,
            None => self
                .tokens
                .last()
                .map(|token| token.span.at_end())
                .unwrap_or_default(),
        }
    }

    /// The `n`-th token before the error, from 1.
    pub(crate) fn before(&self, n: usize) -> Option<&Token> {
        self.at
            .checked_sub(n)
            .and_then(|index| self.tokens.get(index))
    }

    /// The kind of the `n`-th token before the error.
    pub(crate) fn tok_before(&self, n: usize) -> Option<&Tok> {
        self.before(n).map(|token| &token.tok)
    }

    /// The token after the error.
    pub(crate) fn after(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1)
    }

    /// The text of a span.
    pub(crate) fn text(&self, span: Span) -> &str {
        self.source.slice(span)
    }

    /// The bracket around the error, and the tokens between it and the error that stand directly inside it.
    pub(crate) fn surroundings(&self) -> (Option<&Token>, Vec<&Token>) {
        let mut depth = 0_usize;
        let mut inside = Vec::new();
        for token in self.tokens[..self.at.min(self.tokens.len())].iter().rev() {
            if closes(&token.tok) {
                depth += 1;
            } else if opens(&token.tok) {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return (Some(token), inside),
                }
            }
            if depth == 0 {
                inside.push(token);
            }
        }
        (None, inside)
    }

    /// The first token of the statement around the error, when it stands directly in a block.
    pub(crate) fn statement_start(&self) -> Option<&Token> {
        let (open, inside) = self.surroundings();
        let in_block = matches!(
            open.map(|token| &token.tok),
            Some(Tok::BodyBrace | Tok::LBrace)
        );
        let separates = |tok: &Tok| matches!(tok, Tok::Newline | Tok::Semi);
        inside
            .into_iter()
            .take_while(|token| !separates(&token.tok))
            .last()
            .filter(|_| in_block)
    }

    /// `expected …, found …`.
    pub(crate) fn plain(&self) -> Diagnostic {
        let wanted = one_of(&self.wanted());
        let found = match self.found() {
            Some(tok) => tok.describe(),
            None if self.is_line_item() => "the end of the line".to_owned(),
            None => "the end of the item".to_owned(),
        };
        let before = self.before(1).map(|token| match &token.tok {
            Tok::Newline => "the end of the line".to_owned(),
            Tok::Doc(_) => "the doc comment".to_owned(),
            _ => format!("`{}`", self.text(token.span)),
        });
        let message = match before {
            Some(before) => format!("expected {wanted} after {before}, found {found}"),
            None => format!("expected {wanted}, found {found}"),
        };
        let keyword = self
            .found()
            .filter(|tok| is_keyword(tok) && self.accepts("IDENT"));
        let mut diagnostic = Diagnostic::error(Code::DL0101, message, self.place())
            .label(format!("expected {wanted}"));
        if let Some(tok) = keyword
            && !self.wants_expr()
        {
            diagnostic = diagnostic.help(format!(
                "`{}` is a keyword and cannot be a name",
                tok.text()
            ));
        }
        let single = ["`:`", "`=`", "`in`", "`->`"]
            .into_iter()
            .find(|one| *one == wanted);
        if let (Some(single), Some(before)) = (single, self.before(1)) {
            let sign = single.trim_matches('`');
            let text = if sign == ":" {
                ":".to_owned()
            } else {
                format!(" {sign}")
            };
            diagnostic = diagnostic.suggest(format!("write {single}"), before.span.at_end(), text);
        }
        let missing_comma = self.accepts(",")
            && self
                .found()
                .is_some_and(|tok| tok.starts_expr() || matches!(tok, Tok::Inout))
            && self.surroundings().0.is_some();
        if missing_comma && let Some(before) = self.before(1) {
            diagnostic =
                diagnostic.suggest("separate the entries by a comma", before.span.at_end(), ",");
        }
        diagnostic
    }

    /// Whether the item ends with its line.
    fn is_line_item(&self) -> bool {
        self.tokens
            .iter()
            .any(|token| matches!(token.tok, Tok::Const | Tok::Import | Tok::Use))
    }

    /// What was wanted, in words.
    fn wanted(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut covered: Vec<&str> = Vec::new();
        let starters = [
            "IDENT", "NUMBER", "STRING", "true", "false", "none", "(", "[", "{", "-", "!", "|",
            "||", "if", "BAD_STMT", "where",
        ];
        if self.accepts("let") {
            words.push("a statement".to_owned());
            covered.extend(["let", "var", "for", "while", "return", "NEWLINE", ";"]);
            covered.extend(starters);
        } else if self.accepts("const") {
            words.push("an item (`fn`, `struct`, `const`, `import`, `use` or `test`)".to_owned());
            covered.extend([
                "const", "struct", "fn", "export", "import", "use", "test", "DOC", "ATTR_AT",
            ]);
        } else if self.after_expr() {
            covered.extend([
                "**",
                "*",
                "/",
                "%",
                "@",
                "+",
                "-",
                "==",
                "!=",
                "<",
                "<=",
                ">",
                ">=",
                "&&",
                "||",
                "(",
                "[",
                ".",
                "..",
                "..=",
                "::",
                "DIMS_OPEN",
                "STRUCT_BRACE",
                "within",
            ]);
            covered.extend(["+=", "-=", "*=", "/=", "%=", "@=", "**="]);
            if self.accepts("NEWLINE") {
                covered.extend([";", "="]);
            }
            if self.accepts(",") {
                covered.push("=");
            }
        } else if self.wants_expr() {
            words.push("an expression".to_owned());
            covered.extend(starters);
        } else if self.wants_type() {
            words.push("a type".to_owned());
            covered.extend(["IDENT", "(", "[", "fn"]);
        } else if self.accepts("<") && self.accepts("::") {
            covered.extend(["[", "::", "<", "DIMS_OPEN", "where"]);
        } else if self.accepts("IDENT")
            && self.accepts("(")
            && self.expected.len() <= 3
            && !self.accepts("<")
        {
            words.push("a name".to_owned());
            covered.extend(["IDENT", "("]);
        }
        let mut braces = false;
        for one in self.expected {
            let one = one.trim_matches('"');
            if covered.contains(&one) {
                continue;
            }
            let word = match one {
                "IDENT" => "a name".to_owned(),
                "NUMBER" => "a number".to_owned(),
                "STRING" => "a string in double quotes".to_owned(),
                "NEWLINE" => "the end of the line".to_owned(),
                "DOC" | "BAD_STMT" => continue,
                "{" | "BODY_BRACE" | "STRUCT_BRACE" => {
                    if std::mem::replace(&mut braces, true) {
                        continue;
                    }
                    "`{`".to_owned()
                }
                "DIMS_OPEN" => continue,
                "ATTR_AT" => "`@`".to_owned(),
                other => format!("`{other}`"),
            };
            words.push(word);
        }
        if words.is_empty() {
            words.push(
                if self.after_expr() {
                    "an operator or the end of the line"
                } else {
                    "the next item"
                }
                .to_owned(),
            );
        }
        words
    }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Whether a token is a word that cannot be a name.
fn is_keyword(tok: &Tok) -> bool {
    tok.text().starts_with(|c: char| c.is_ascii_alphabetic())
}
