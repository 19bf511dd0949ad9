//! From text to tokens.
//!
//! The lexer never fails: what is no token is reported, and dropped or read as what was most probably meant, so that
//! the parser sees as much of the program as possible and reports nothing that follows from it.

use logos::{Lexer, Logos};

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{MAX_SOURCE_BYTES, Source};
use crate::token::{Number, Tok, Token};

/// Something wrong with the text, at bytes of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    code: Option<Code>,
    start: usize,
    end: usize,
    message: String,
    label: String,
    help: Option<(String, Option<String>)>,
    /// The token to go on with.
    read_as: Option<Tok>,
}

/// The tokens of a source, without comments, and what is wrong with it.
pub fn lex(source: &Source) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut tokens: Vec<Token> = Vec::new();
    let mut diagnostics = Vec::new();
    let text = source.text.as_str();
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "this file is {} bytes long; at most {MAX_SOURCE_BYTES} are read",
            text.len()
        );
        let start = Span::in_file(source.file, 0, 0);
        let help = "generate several files and `import` them, or load the data at run time";
        diagnostics.push(Diagnostic::error(Code::DL0007, message, start).help(help));
        return (tokens, diagnostics);
    }
    let skipped = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut lexer = Tok::lexer(&text[skipped..]);
    let span_of = |start: usize, end: usize| {
        Span::in_file(
            source.file,
            (start + skipped) as u32,
            (end + skipped) as u32,
        )
    };
    while let Some(result) = lexer.next() {
        let range = lexer.span();
        let span = span_of(range.start, range.end);
        if matches!(
            result,
            Ok(Tok::Comment | Tok::Doc(_) | Tok::FileDoc(_) | Tok::Str(_))
        ) {
            diagnostics.extend(reordered(source, span));
        }
        match result {
            Ok(Tok::Comment) => diagnostics.extend(floor_division(source, tokens.last(), span)),
            Ok(Tok::Number(Number::Float(_)))
                if follows_dot(&tokens, span) && split_fields(source, span).is_some() =>
            {
                tokens.extend(split_fields(source, span).into_iter().flatten());
            }
            Ok(tok) => tokens.push(Token { tok, span }),
            Err(mut problem) => {
                problem.start = range.start;
                problem.end = problem.end.max(range.end);
                tokens.extend(problem.read_as.take().map(|tok| Token { tok, span }));
                lexer.extras.push(problem);
            }
        }
        diagnostics.extend(lexer.extras.drain(..).map(|problem| {
            let span = span_of(problem.start, problem.end);
            let code = problem.code.unwrap_or(Code::DL0001);
            let diagnostic = Diagnostic::error(code, problem.message, span).label(problem.label);
            match problem.help {
                Some((text, Some(replacement))) => diagnostic.suggest(text, span, replacement),
                Some((text, None)) => diagnostic.help(text),
                None => diagnostic,
            }
        }));
    }
    name_variances(&mut tokens);
    (tokens, merge_runs(diagnostics))
}

/// Whether a character changes the order in which those after it are shown, so that what is read is not what is compiled.
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first character of a comment or a string that changes the order in which its text is shown.
fn reordered(source: &Source, token: Span) -> Option<Diagnostic> {
    let (at, c) = source
        .slice(token)
        .char_indices()
        .find(|(_, c)| reorders(*c))?;
    let start = token.start + at as u32;
    let span = Span::in_file(source.file, start, start + c.len_utf8() as u32);
    let message = format!(
        "U+{:04X} changes the order in which the text after it is shown",
        u32::from(c)
    );
    let diagnostic = Diagnostic::error(Code::DL0001, message, span)
        .note("what is read would not be what is compiled")
        .suggest("take it out", span, "");
    Some(diagnostic)
}

/// `var(x, axis=0)` calls the built-in, `var (a, b) = pair` binds: what comes after the bracket tells them apart.
fn name_variances(tokens: &mut [Token]) {
    let mut open = Vec::new();
    for at in 0..tokens.len() {
        match tokens[at].tok {
            Tok::LParen => open.push(at),
            Tok::RParen => {
                let before = open.pop().and_then(|start: usize| start.checked_sub(1));
                let binds = matches!(
                    tokens.get(at + 1).map(|token| &token.tok),
                    Some(Tok::Assign | Tok::Colon)
                );
                if let Some(before) = before
                    && tokens[before].tok == Tok::Var
                    && !binds
                {
                    tokens[before].tok = Tok::Ident("var".into());
                }
            }
            _ => {}
        }
    }
}

/// A warning for a comment that is rather meant as a division: a number, or a name and the brackets that are open.
fn floor_division(source: &Source, last: Option<&Token>, comment: Span) -> Option<Diagnostic> {
    let text = source.slice(comment)[2..].trim();
    let divisor = text.trim_end_matches([')', ']', ',', ';', '}', ' ']);
    let closes = divisor.len() < text.len();
    let number = !divisor.is_empty() && divisor.bytes().all(|b| b.is_ascii_digit());
    let name = divisor
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !last.is_some_and(|token| token.tok.ends_expr()) || !(number || (closes && name)) {
        return None;
    }
    let slashes = Span {
        end: comment.start + 2,
        ..comment
    };
    let diagnostic = Diagnostic::warning(Code::DL0903, "`//` begins a comment", comment);
    Some(diagnostic.suggest("`/` on integers is floor division", slashes, "/"))
}

/// Whether a `.` stands just before: then `0.1` is two tuple fields.
fn follows_dot(tokens: &[Token], span: Span) -> bool {
    tokens
        .last()
        .is_some_and(|last| last.tok == Tok::Dot && last.span.end == span.start)
}

/// `0.1` after a dot as two numbers and a dot.
fn split_fields(source: &Source, span: Span) -> Option<Vec<Token>> {
    let (first, second) = source.slice(span).split_once('.')?;
    let number = |text: &str| {
        text.parse()
            .ok()
            .map(|value| Tok::Number(Number::Int(value)))
    };
    let middle = span.start + first.len() as u32;
    let at = |start, end| Span::in_file(span.file, start, end);
    Some(vec![
        Token {
            tok: number(first)?,
            span: at(span.start, middle),
        },
        Token {
            tok: Tok::Dot,
            span: at(middle, middle + 1),
        },
        Token {
            tok: number(second)?,
            span: at(middle + 1, span.end),
        },
    ])
}

/// Makes one diagnostic of adjacent ones that say the same.
fn merge_runs(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut merged: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        match merged.last_mut() {
            Some(last)
                if last.code == Code::DL0001
                    && diagnostic.code == Code::DL0001
                    && last.help.is_none()
                    && diagnostic.help.is_none()
                    && last.primary.span.end == diagnostic.primary.span.start =>
            {
                last.primary.span.end = diagnostic.primary.span.end;
                last.message = "these characters are not part of the language".into();
                last.primary.text = String::new();
            }
            _ => merged.push(diagnostic),
        }
    }
    merged
}

/// The text of `///`.
pub(crate) fn lex_doc(lexer: &mut Lexer<'_, Tok>) -> String {
    let text = lexer.slice()[3..].trim_end();
    text.strip_prefix(' ').unwrap_or(text).to_owned()
}

/// A number, of which the first digit is read.
pub(crate) fn lex_number(lexer: &mut Lexer<'_, Tok>) -> Number {
    let start = lexer.span().start;
    let rest = &lexer.source()[start..];
    let bytes = rest.as_bytes();
    let word = |from: usize| {
        from + rest[from..]
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count()
    };
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let radix = match bytes.get(..2) {
        Some(b"0x" | b"0X") => 16,
        Some(b"0b" | b"0B") => 2,
        Some(b"0o" | b"0O") => 8,
        _ => 10,
    };
    let mut end = if radix == 10 {
        rest.bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'_')
            .count()
    } else {
        word(2)
    };
    let mut float = false;
    let mut bare_point = false;
    if radix == 10 {
        if bytes.get(end) == Some(&b'.') {
            if digit(end + 1) {
                float = true;
                end += 1 + rest[end + 1..]
                    .bytes()
                    .take_while(|b| b.is_ascii_digit() || *b == b'_')
                    .count();
            } else if !bytes
                .get(end + 1)
                .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.'))
            {
                bare_point = true;
                end += 1;
            }
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) && !bare_point {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if digit(end + 1 + sign) {
                float = true;
                end += 1 + sign;
                end += rest[end..]
                    .bytes()
                    .take_while(|b| b.is_ascii_digit() || *b == b'_')
                    .count();
            }
        }
    }
    let digits_end = end;
    end = word(end);
    // A sign after an exponent without digits belongs to it: `1e-`.
    if radix == 10
        && matches!(bytes[digits_end..end], [b'e' | b'E'])
        && matches!(bytes.get(end), Some(b'+' | b'-'))
    {
        end += 1;
    }
    lexer.bump(end - 1);
    let written = &rest[..end];
    let plain = rest[..digits_end].replace('_', "");
    let suffix = &rest[digits_end..end];
    let mut problem =
        |code, message: String, label: &str, help: &str, replacement: Option<String>| {
            let problem = Problem {
                code: Some(code),
                start,
                end: start + end,
                message,
                label: label.to_owned(),
                help: (!help.is_empty()).then(|| (help.to_owned(), replacement)),
                read_as: None,
            };
            lexer.extras.push(problem);
            Number::Bad
        };
    if !suffix.is_empty() {
        let message = format!("`{written}` is not a number");
        let value = &rest[..digits_end];
        if suffix.parse::<crate::ast::DType>().is_ok() {
            return problem(
                Code::DL0003,
                message,
                "a number has no suffix",
                "convert it by a call, or leave the type to the other operand",
                Some(format!("{suffix}({value})")),
            );
        }
        let (label, help) = match suffix.as_bytes()[0] {
            b'e' | b'E' => (
                "the exponent has no digits",
                "write the exponent after `e`: `1e-3`",
            ),
            b'j' | b'J' => ("there are no complex numbers", ""),
            _ => (
                "letters follow the digits",
                "names begin with a letter or `_`",
            ),
        };
        return problem(Code::DL0003, message, label, help, None);
    }
    if bare_point {
        let message = format!("`{written}` is not a number");
        let help = "write a digit after the point";
        return problem(
            Code::DL0003,
            message,
            "nothing follows the point",
            help,
            Some(format!("{written}0")),
        );
    }
    if float {
        return match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => Number::Float(value),
            _ => {
                let message = format!("`{written}` is too large for every float type");
                problem(
                    Code::DL0004,
                    message,
                    "the largest `f64` is about 1.8e308",
                    "write `inf` for infinity",
                    None,
                )
            }
        };
    }
    let digits = if radix == 10 {
        plain.as_str()
    } else {
        &plain[2..]
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        let message = format!("`{written}` is not a number");
        let label = match radix {
            16 => "hexadecimal digits (0-9, a-f) follow `0x`",
            2 => "binary digits (0 and 1) follow `0b`",
            _ => "octal digits (0-7) follow `0o`",
        };
        return problem(Code::DL0003, message, label, "", None);
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => Number::Int(value),
        Err(_) => {
            let message = format!("`{written}` is too large for every integer type");
            let help = if radix == 10 {
                "write a float where one is meant"
            } else {
                ""
            };
            let replacement = (radix == 10).then(|| format!("{written}.0"));
            problem(
                Code::DL0004,
                message,
                "the largest `u64` is 18446744073709551615",
                help,
                replacement,
            )
        }
    }
}

/// A string, of which the opening quote is read.
pub(crate) fn lex_string(lexer: &mut Lexer<'_, Tok>) -> String {
    let start = lexer.span().start;
    let rest = lexer.remainder();
    let mut value = String::new();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                lexer.bump(at + 1);
                return value;
            }
            '\n' => break,
            '\\' => match chars.peek().copied() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, '0')) => value.push('\0'),
                Some((_, escaped @ ('\\' | '"' | '\''))) => value.push(escaped),
                None | Some((_, '\n' | '\r')) => continue,
                Some((_, other)) => {
                    let from = start + 1 + at;
                    lexer.extras.push(Problem {
                        code: Some(Code::DL0005),
                        start: from,
                        end: from + 1 + other.len_utf8(),
                        message: format!("`\\{other}` is not an escape"),
                        label: "the escapes are `\\n \\t \\r \\0 \\\\ \\\" \\'`".into(),
                        help: Some((
                            "write `\\\\` for a backslash".into(),
                            Some(format!("\\\\{other}")),
                        )),
                        read_as: None,
                    });
                    value.push(other);
                }
            },
            _ => {
                value.push(c);
                continue;
            }
        }
        chars.next();
    }
    let line = rest.split('\n').next().unwrap_or_default();
    // What ends the line is rather code than a part of the string.
    let line = line.trim_end_matches([' ', '\t', '\r', '{', ')', ',', ';']);
    lexer.bump(line.len());
    lexer.extras.push(Problem {
        code: Some(Code::DL0002),
        start,
        end: start + 1 + line.len(),
        message: "this string has no closing quote".into(),
        label: "it must end on the line where it begins".into(),
        help: Some(("close it with `\"`".into(), Some(format!("\"{line}\"")))),
        read_as: None,
    });
    value
}

/// What to say about bytes that are no token.
pub(crate) fn lex_bad(lexer: &mut Lexer<'_, Tok>) -> Problem {
    let start = lexer.span().start;
    let rest = &lexer.source()[start..];
    let Some(first) = rest.chars().next() else {
        return Problem::default();
    };
    let bumped = lexer.span().len();
    let mut take = |length: usize| lexer.bump(length.saturating_sub(bumped));
    take(first.len_utf8());
    let said = |message: String, label: &str| Problem {
        message,
        label: label.to_owned(),
        ..Problem::default()
    };
    let meant =
        |written: &str, label: &str, help: &str, replacement: &str, tok: Option<Tok>| Problem {
            message: format!("`{written}` is not an operator"),
            label: label.to_owned(),
            help: Some((help.to_owned(), Some(replacement.to_owned()))),
            read_as: tok,
            ..Problem::default()
        };
    match first {
        '&' => meant(
            "&",
            "",
            "`&&` is the logical and; for bits there is `bitwise_and(a, b)`",
            "&&",
            Some(Tok::AndAnd),
        ),
        '^' => meant(
            "^",
            "",
            "`**` is the power; for bits there is `bitwise_xor(a, b)`",
            "**",
            Some(Tok::StarStar),
        ),
        '~' => meant(
            "~",
            "",
            "`!` is the logical not; for bits there is `bitwise_not(a)`",
            "!",
            Some(Tok::Bang),
        ),
        '\u{2212}' | '\u{2013}' | '\u{2014}' => meant(
            &first.to_string(),
            "this is not the minus of the keyboard",
            "write `-`",
            "-",
            Some(Tok::Minus),
        ),
        '×' | '·' | '∗' => meant(
            &first.to_string(),
            "",
            "`*` multiplies",
            "*",
            Some(Tok::Star),
        ),
        '÷' => meant("÷", "", "`/` divides", "/", Some(Tok::Slash)),
        '≤' => meant("≤", "", "write `<=`", "<=", Some(Tok::Le)),
        '≥' => meant("≥", "", "write `>=`", ">=", Some(Tok::Ge)),
        '≠' => meant("≠", "", "write `!=`", "!=", Some(Tok::NotEq)),
        '→' => meant("→", "", "write `->`", "->", Some(Tok::Arrow)),
        '#' => {
            take(
                rest.split('\n')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches('\r')
                    .len(),
            );
            let mut problem = said("`#` does not begin a comment".into(), "");
            problem.help = Some(("comments begin with `//`".into(), None));
            problem
        }
        '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
            let line = rest.split('\n').next().unwrap_or_default();
            let inner = &line[first.len_utf8()..];
            let closing = ['\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'];
            let mut problem = said(format!("`{first}` does not begin a string"), "");
            match inner.char_indices().find(|(_, c)| closing.contains(c)) {
                Some((at, closer)) => {
                    take(first.len_utf8() + at + closer.len_utf8());
                    let value = &inner[..at];
                    problem.help = Some((
                        "strings stand in double quotes".into(),
                        Some(format!("\"{value}\"")),
                    ));
                    problem.read_as = Some(Tok::Str(value.to_owned()));
                }
                None => {
                    problem.help = Some(("strings stand in double quotes: `\"…\"`".into(), None))
                }
            }
            problem
        }
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{3000}' | '\u{feff}' => {
            let mut problem = said(
                format!(
                    "the character U+{:04X} is not a blank of the language",
                    u32::from(first)
                ),
                "it looks like a blank",
            );
            problem.help = Some(("replace it by an ordinary blank".into(), Some(" ".into())));
            problem
        }
        c if c.is_alphabetic() => {
            let word: usize = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .map(char::len_utf8)
                .sum();
            take(word);
            let mut problem = said(
                format!("the name `{}` has letters outside of ASCII", &rest[..word]),
                "names are `[A-Za-z_][A-Za-z0-9_]*`",
            );
            problem.read_as = Some(Tok::Ident(rest[..word].to_owned()));
            problem
        }
        c if c.is_control() || reorders(c) => said(
            format!(
                "the control character U+{:04X} is not part of the language",
                u32::from(c)
            ),
            "",
        ),
        c => said(format!("`{c}` is not part of the language"), ""),
    }
}

/// The text of `//!`.
pub(crate) fn lex_file_doc(lexer: &mut Lexer<'_, Tok>) -> String {
    lex_doc(lexer)
}
