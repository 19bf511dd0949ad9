//! PTX text to tokens with their places.

/// Where something stands, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in bytes.
    pub column: u32,
}

/// Text that is not PTX, or PTX that the interpreter does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {message}", place.line, place.column)]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What is wrong, or not understood.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

/// A token; words keep the dots inside them, so an opcode is one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A register, symbol, opcode or special register.
    Word(&'a str),
    /// A word behind a dot, without it.
    Directive(&'a str),
    /// A number as it is written, without its sign.
    Number(&'a str),
    /// The inside of a quoted text.
    Text(&'a str),
    /// A single character.
    Mark(char),
}

/// The tokens of a text.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Place, Token<'_>)>, ParseError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        line_start: 0,
    };
    let mut tokens = Vec::new();
    while lexer.skip_blank()? {
        let place = lexer.place();
        tokens.push((place, lexer.token()?));
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%')
}

impl<'a> Lexer<'a> {
    fn place(&self) -> Place {
        Place {
            line: self.line,
            column: (self.at - self.line_start + 1) as u32,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn step(&mut self) {
        if self.peek(0) == b'\n' {
            self.line += 1;
            self.line_start = self.at + 1;
        }
        self.at += 1;
    }

    /// Skips blanks and comments; whether anything follows.
    fn skip_blank(&mut self) -> Result<bool, ParseError> {
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'/') => {
                    while self.at < self.text.len() && self.peek(0) != b'\n' {
                        self.at += 1;
                    }
                }
                (b'/', b'*') => {
                    let place = self.place();
                    let Some(end) = self.text[self.at + 2..].find("*/") else {
                        return Err(ParseError::new(place, "a comment without an end"));
                    };
                    let end = self.at + 2 + end + 2;
                    while self.at < end {
                        self.step();
                    }
                }
                (byte, _) if byte.is_ascii_whitespace() || byte == 0 => self.step(),
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn token(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.at;
        let first = self.peek(0);
        if first.is_ascii_digit() {
            while is_word(self.peek(0)) || self.peek(0) == b'.' {
                self.at += 1;
            }
            return Ok(Token::Number(&self.text[start..self.at]));
        }
        if first == b'.' && is_word(self.peek(1)) {
            self.at += 1;
            while is_word(self.peek(0)) {
                self.at += 1;
            }
            return Ok(Token::Directive(&self.text[start + 1..self.at]));
        }
        if is_word(first) {
            self.word();
            return Ok(Token::Word(&self.text[start..self.at]));
        }
        if first == b'"' {
            let place = self.place();
            let Some(length) = self.text[start + 1..].find('"') else {
                return Err(ParseError::new(place, "a text without an end"));
            };
            self.at += length + 2;
            return Ok(Token::Text(&self.text[start + 1..start + 1 + length]));
        }
        let Some(mark) = self.text[start..].chars().next() else {
            return Err(ParseError::new(self.place(), "the text ends here"));
        };
        self.at += mark.len_utf8();
        Ok(Token::Mark(mark))
    }

    fn word(&mut self) {
        loop {
            let (first, second, third) = (self.peek(0), self.peek(1), self.peek(2));
            if is_word(first) {
                self.at += 1;
            } else if first == b'.' && is_word(second) {
                self.at += 2;
            } else if first == b':' && second == b':' && is_word(third) {
                self.at += 3;
            } else {
                return;
            }
        }
    }
}
