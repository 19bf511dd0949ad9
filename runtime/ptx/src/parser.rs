//! Tokens to syntax: modules, functions, statements, operands.

use crate::lexer::{ParseError, Place, Token, tokens};
use crate::syntax::{Address, Function, Line, Operand, Space, Statement, Unit};
use crate::types::Type;

mod declaration;

/// How deep blocks may nest.
const MAX_DEPTH: u32 = 64;

/// The syntax of a module.
pub(crate) fn parse(text: &str) -> Result<Unit, ParseError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    parser.unit()
}

struct Parser<'a> {
    tokens: &'a [(Place, Token<'a>)],
    at: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(_, token)| *token)
    }

    fn place(&self) -> Place {
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        self.tokens
            .get(at)
            .map(|(place, _)| *place)
            .unwrap_or_default()
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError::new(self.place(), message))
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        match self.peek() {
            Some(token) => self.error(format!("{what} expected, not {}", written(token))),
            None => self.error(format!("{what} expected, but the text ends")),
        }
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn eat_directive(&mut self, name: &str) -> bool {
        let found = self.peek() == Some(Token::Directive(name));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Parsed<()> {
        if self.eat(mark) {
            return Ok(());
        }
        self.expected(&format!("`{mark}`"))
    }

    fn word(&mut self, what: &str) -> Parsed<&'a str> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => self.expected(what),
        }
    }

    /// An integer that is not negative.
    fn count(&mut self, what: &str) -> Parsed<u64> {
        if let Some(Token::Number(text)) = self.peek()
            && let Some(Operand::Integer(value)) = number(text)
        {
            self.at += 1;
            return Ok(value);
        }
        self.expected(what)
    }

    fn ty(&mut self) -> Parsed<Type> {
        if let Some(Token::Directive(name)) = self.peek()
            && let Some(ty) = Type::parse(name)
        {
            self.at += 1;
            return Ok(ty);
        }
        self.expected("a type")
    }

    /// Goes on behind what stands on the present line.
    fn skip_line(&mut self) {
        let line = self.place().line;
        while self.at < self.tokens.len() && self.place().line == line {
            self.at += 1;
        }
    }

    fn skip_to(&mut self, mark: char) {
        while self.peek().is_some() && !self.eat(mark) {
            self.at += 1;
        }
    }

    fn unit(&mut self) -> Parsed<Unit> {
        let mut unit = Unit::default();
        while let Some(token) = self.peek() {
            match token {
                Token::Directive("version") => {
                    self.at += 1;
                    if let Some(Token::Number(text)) = self.peek() {
                        unit.version = text.to_string();
                    }
                    self.skip_line();
                }
                Token::Directive("target") => {
                    self.at += 1;
                    unit.target = self.word("a target")?.to_string();
                    self.skip_line();
                }
                Token::Directive("address_size") => {
                    self.at += 1;
                    if self.count("a number of bits")? != 64 {
                        return self.error("only addresses of 64 bits are known");
                    }
                }
                Token::Directive("file" | "loc") => self.skip_line(),
                Token::Directive("pragma") => self.skip_to(';'),
                Token::Directive("section") => self.skip_to('}'),
                _ => self.declaration(&mut unit)?,
            }
        }
        if unit.target.is_empty() {
            return self.error("the module has no .target");
        }
        Ok(unit)
    }

    /// The statements up to a closing brace.
    fn block(&mut self, depth: u32) -> Parsed<Vec<Statement>> {
        if depth > MAX_DEPTH {
            return self.error("blocks nest too deep");
        }
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                None => return self.expected("`}`"),
                Some(Token::Mark('}')) => {
                    self.at += 1;
                    return Ok(statements);
                }
                Some(Token::Mark(';')) => self.at += 1,
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    statements.push(Statement::Block(self.block(depth + 1)?));
                }
                Some(Token::Directive(name)) => self.directive(name, &mut statements)?,
                Some(Token::Word(word)) if self.is_label() => {
                    let place = self.place();
                    self.at += 2;
                    if self.eat_directive("branchtargets") {
                        let targets = self.names()?;
                        statements.push(Statement::Table(word.to_string(), targets));
                    } else {
                        statements.push(Statement::Label(word.to_string(), place));
                    }
                }
                Some(_) => statements.push(Statement::Instruction(self.instruction()?)),
            }
        }
    }

    fn is_label(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((_, Token::Mark(':'))))
    }

    fn names(&mut self) -> Parsed<Vec<String>> {
        let mut names = vec![self.word("a label")?.to_string()];
        while self.eat(',') {
            names.push(self.word("a label")?.to_string());
        }
        self.expect(';')?;
        Ok(names)
    }

    fn directive(&mut self, name: &str, statements: &mut Vec<Statement>) -> Parsed<()> {
        match name {
            "reg" => {
                self.at += 1;
                let ty = self.ty()?;
                let mut names = Vec::new();
                loop {
                    let name = self.word("a register")?.to_string();
                    let mut count = None;
                    if self.eat('<') {
                        count = Some(self.count("a number of registers")? as u32);
                        self.expect('>')?;
                    }
                    names.push((name, count));
                    if !self.eat(',') {
                        break;
                    }
                }
                self.expect(';')?;
                statements.push(Statement::Registers(ty, names));
                Ok(())
            }
            "loc" | "file" => {
                self.skip_line();
                Ok(())
            }
            "pragma" => {
                self.skip_to(';');
                Ok(())
            }
            "local" | "shared" | "param" | "global" | "const" => {
                let variable = self.variable()?;
                self.expect(';')?;
                statements.push(Statement::Variable(variable));
                Ok(())
            }
            _ => self.error(format!("the directive .{name} is not known here")),
        }
    }

    fn instruction(&mut self) -> Parsed<Line> {
        let place = self.place();
        let mut guard = None;
        if self.eat('@') {
            let negated = self.eat('!');
            guard = Some((self.word("a predicate")?.to_string(), negated));
        }
        let opcode = self.word("an instruction")?.to_string();
        let mut operands = Vec::new();
        while !self.eat(';') {
            if !operands.is_empty() {
                self.expect(',')?;
            }
            operands.push(self.operand()?);
        }
        Ok(Line {
            place,
            guard,
            opcode,
            operands,
        })
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let first = self.simple_operand()?;
        if self.eat('|') {
            let second = self.simple_operand()?;
            return Ok(Operand::Pair(Box::new(first), Box::new(second)));
        }
        Ok(first)
    }

    fn simple_operand(&mut self) -> Parsed<Operand> {
        match self.peek() {
            Some(Token::Mark('{')) => {
                self.at += 1;
                Ok(Operand::Vector(self.operands('}')?))
            }
            Some(Token::Mark('(')) => {
                self.at += 1;
                Ok(Operand::List(self.operands(')')?))
            }
            Some(Token::Mark('[')) => {
                self.at += 1;
                Ok(Operand::Address(self.address()?))
            }
            Some(Token::Mark('!')) => {
                self.at += 1;
                let name = self.word("a predicate")?;
                Ok(Operand::Not(Box::new(Operand::Name(name.to_string(), 0))))
            }
            Some(Token::Mark('-') | Token::Number(_)) => self.literal(),
            Some(Token::Word(name)) => {
                self.at += 1;
                let offset = self.offset()?;
                Ok(Operand::Name(name.to_string(), offset))
            }
            _ => self.expected("an operand"),
        }
    }

    fn operands(&mut self, end: char) -> Parsed<Vec<Operand>> {
        let mut operands = Vec::new();
        while !self.eat(end) {
            if !operands.is_empty() {
                self.expect(',')?;
            }
            // Vectors and lists do not nest, which also bounds the recursion.
            if matches!(self.peek(), Some(Token::Mark('{' | '(' | '['))) {
                return self.expected("a register or a number");
            }
            operands.push(self.operand()?);
        }
        Ok(operands)
    }

    /// `+4`, `-4` or `+-4` behind a name; 0 where there is none.
    fn offset(&mut self) -> Parsed<i64> {
        let negative = match (self.eat('+'), self.eat('-')) {
            (false, false) => return Ok(0),
            (_, negative) => negative,
        };
        let value = self.count("an offset")? as i64;
        Ok(if negative {
            value.wrapping_neg()
        } else {
            value
        })
    }

    fn literal(&mut self) -> Parsed<Operand> {
        let negative = self.eat('-');
        let Some(Token::Number(text)) = self.peek() else {
            return self.expected("a number");
        };
        let Some(value) = number(text) else {
            return self.error(format!("`{text}` is no number of PTX"));
        };
        self.at += 1;
        Ok(match value {
            Operand::Integer(value) if negative => Operand::Integer(value.wrapping_neg()),
            Operand::Decimal(value) if negative => Operand::Decimal(-value),
            Operand::Single(bits) if negative => Operand::Single(bits ^ 1 << 31),
            Operand::Double(bits) if negative => Operand::Double(bits ^ 1 << 63),
            value => value,
        })
    }

    fn address(&mut self) -> Parsed<Address> {
        let mut address = Address {
            base: None,
            offset: 0,
            coordinates: Vec::new(),
        };
        match self.peek() {
            Some(Token::Word(name)) => {
                self.at += 1;
                address.base = Some(name.to_string());
                address.offset = self.offset()?;
            }
            _ => match self.literal()? {
                Operand::Integer(value) => address.offset = value as i64,
                _ => return self.error("an address is an integer"),
            },
        }
        if self.eat(',') {
            self.expect('{')?;
            address.coordinates = self.operands('}')?;
        }
        self.expect(']')?;
        Ok(address)
    }

    fn space(&mut self) -> Option<Space> {
        let Some(Token::Directive(name)) = self.peek() else {
            return None;
        };
        let space = match name {
            "global" => Space::Global,
            "const" => Space::Const,
            "shared" => Space::Shared,
            "local" => Space::Local,
            "param" => Space::Param,
            _ => return None,
        };
        self.at += 1;
        Some(space)
    }

    fn function_body(&mut self, function: &mut Function) -> Parsed<()> {
        if self.eat('{') {
            function.body = Some(self.block(0)?);
        } else {
            self.expect(';')?;
        }
        Ok(())
    }
}

fn written(token: Token<'_>) -> String {
    match token {
        Token::Word(text) | Token::Number(text) => format!("`{text}`"),
        Token::Directive(text) => format!("`.{text}`"),
        Token::Text(text) => format!("`\"{text}\"`"),
        Token::Mark(mark) => format!("`{mark}`"),
    }
}

/// A number as PTX writes it: decimal, hexadecimal, octal, binary, or the bits of a float.
fn number(text: &str) -> Option<Operand> {
    let lower = text.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0f").filter(|hex| hex.len() == 8) {
        return u32::from_str_radix(hex, 16).ok().map(Operand::Single);
    }
    if let Some(hex) = lower.strip_prefix("0d").filter(|hex| hex.len() == 16) {
        return u64::from_str_radix(hex, 16).ok().map(Operand::Double);
    }
    let digits = lower.strip_suffix('u').unwrap_or(&lower);
    let integer = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    let value = if let Some(hex) = digits.strip_prefix("0x") {
        integer(hex, 16)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        integer(binary, 2)
    } else if let Some(octal) = digits.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        integer(octal, 8)
    } else {
        integer(digits, 10)
    };
    match value {
        Some(value) => Some(Operand::Integer(value)),
        None if lower.contains('.') => lower.parse().ok().map(Operand::Decimal),
        None => None,
    }
}
