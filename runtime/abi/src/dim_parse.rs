//! Reads the text of a dim: `+ - *`, and `/ %` by positive constants, with parentheses.

use std::fmt;

use crate::dim::Poly;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// Why a text is no dim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The whole text.
    pub text: String,
    /// The byte at which reading stopped.
    pub at: usize,
    /// What was wrong there.
    pub message: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no dim: {} at byte {}",
            self.text, self.message, self.at
        )
    }
}

impl std::error::Error for ParseError {}

pub(crate) fn parse(text: &str) -> Result<Poly, ParseError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let poly = parser.sum()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error("expected an operator"));
    }
    Ok(poly)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, message: &'static str) -> ParseError {
        ParseError {
            text: self.text.to_string(),
            at: self.at,
            message,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Takes the next byte after white space if it is one of `bytes`.
    fn take(&mut self, bytes: &[u8]) -> Option<u8> {
        self.skip_space();
        let byte = self.peek().filter(|byte| bytes.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &str {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn sum(&mut self) -> Result<Poly, ParseError> {
        let mut sum = self.product()?;
        while let Some(sign) = self.take(b"+-") {
            let term = self.product()?;
            sum = if sign == b'+' { sum + term } else { sum - term };
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Poly, ParseError> {
        let mut product = self.factor()?;
        while let Some(sign) = self.take(b"*/%") {
            let factor = self.factor()?;
            if sign == b'*' {
                product = product * factor;
                continue;
            }
            let divided = factor.as_const().and_then(|divisor| match sign {
                b'/' => product.floor_div(divisor),
                _ => product.rem(divisor),
            });
            product = divided.ok_or_else(|| self.error("a divisor must be a positive constant"))?;
        }
        Ok(product)
    }

    fn factor(&mut self) -> Result<Poly, ParseError> {
        let mut negative = false;
        while self.take(b"-").is_some() {
            negative = !negative;
        }
        let operand = self.operand()?;
        Ok(if negative { -operand } else { operand })
    }

    fn operand(&mut self) -> Result<Poly, ParseError> {
        self.skip_space();
        match self.peek() {
            Some(b'(') => {
                if self.depth == MAX_DEPTH {
                    return Err(self.error("parentheses nest too deep"));
                }
                self.at += 1;
                self.depth += 1;
                let inner = self.sum()?;
                self.depth -= 1;
                self.take(b")").ok_or_else(|| self.error("expected `)`"))?;
                Ok(inner)
            }
            Some(byte) if byte.is_ascii_digit() => {
                let digits = self.take_while(|byte| byte.is_ascii_digit());
                let value = digits.parse::<i128>();
                value
                    .map(Poly::wide)
                    .map_err(|_| self.error("the number is too large"))
            }
            Some(byte) if is_name_start(byte) => {
                let name = self.take_while(|byte| is_name_start(byte) || is_name_rest(byte));
                Ok(Poly::name(name))
            }
            _ => Err(self.error("expected a number, a dim name or `(`")),
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$'
}

fn is_name_rest(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place() {
        for (text, at, message) in [
            ("", 0, "expected a number, a dim name or `(`"),
            ("B +", 3, "expected a number, a dim name or `(`"),
            ("B B", 2, "expected an operator"),
            ("B / T", 5, "a divisor must be a positive constant"),
            ("B / 0", 5, "a divisor must be a positive constant"),
            ("(B", 2, "expected `)`"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.at, error.message), (at, message), "{text}");
        }
        let deep = "(".repeat(10_000);
        assert_eq!(
            parse(&deep).unwrap_err().message,
            "parentheses nest too deep"
        );
        let long = "9".repeat(60);
        assert_eq!(parse(&long).unwrap_err().message, "the number is too large");
    }

    #[test]
    fn precedence_and_sign() {
        assert_eq!(parse("2 + 3*4").unwrap().as_const(), Some(14));
        assert_eq!(parse("-2 + 3").unwrap().as_const(), Some(1));
        assert_eq!(parse("-(2 + 3)").unwrap().as_const(), Some(-5));
        assert_eq!(parse("100 / 7 / 2").unwrap().as_const(), Some(7));
    }
}
