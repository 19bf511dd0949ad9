//! Declarations of a module: variables and functions.

use super::{Parsed, Parser, number};
use crate::lexer::Token;
use crate::syntax::{Function, Initial, Operand, Space, Unit, Variable};

/// How large a variable may be, in bytes.
const MAX_BYTES: u64 = 1 << 32;

impl<'a> Parser<'a> {
    /// A variable or a function with what its linkage is.
    pub(super) fn declaration(&mut self, unit: &mut Unit) -> Parsed<()> {
        let mut external = false;
        while let Some(Token::Directive(name @ ("visible" | "extern" | "weak" | "common"))) =
            self.peek()
        {
            external |= name == "extern";
            self.at += 1;
        }
        match self.peek() {
            Some(Token::Directive("entry")) => {
                self.at += 1;
                let function = self.function(true)?;
                unit.functions.push(function);
            }
            Some(Token::Directive("func")) => {
                self.at += 1;
                let function = self.function(false)?;
                unit.functions.push(function);
            }
            Some(Token::Directive("global" | "const" | "shared")) => {
                let mut variable = self.variable()?;
                variable.external = external;
                self.expect(';')?;
                unit.variables.push(variable);
            }
            _ => return self.expected("a declaration of a function or variable"),
        }
        Ok(())
    }

    /// `.shared .align 16 .b8 name[64] = {1, 2}`, without the semicolon.
    pub(super) fn variable(&mut self) -> Parsed<Variable> {
        let Some(space) = self.space() else {
            return self.expected("a state space");
        };
        let place = self.place();
        let mut align = None;
        let mut ty = None;
        loop {
            if self.eat_directive("align") {
                align = Some(self.count("an alignment")?);
            } else if self.eat_directive("ptr") {
                // What a pointer points to says nothing of the parameter itself.
                self.space();
                if self.eat_directive("align") {
                    self.count("an alignment")?;
                }
            } else if let Some(Token::Directive("attribute")) = self.peek() {
                return self.error("the directive .attribute is not known");
            } else if matches!(self.peek(), Some(Token::Directive(_))) {
                ty = Some(self.ty()?);
            } else {
                break;
            }
        }
        let Some(ty) = ty else {
            return self.expected("a type");
        };
        let name = self.word("a name")?.to_string();
        let mut count = 1u64;
        while self.eat('[') {
            let extent = match self.eat(']') {
                true => 0,
                false => {
                    let extent = self.count("an extent")?;
                    self.expect(']')?;
                    extent
                }
            };
            count = match count.checked_mul(extent) {
                Some(count) if count <= MAX_BYTES / 16 => count,
                _ => return self.error(format!("`{name}` is too large")),
            };
        }
        let align = align.unwrap_or(ty.bytes());
        if !align.is_power_of_two() || align > 1 << 16 {
            return self.error(format!("an alignment of {align} is not possible"));
        }
        let mut initial = Vec::new();
        if self.eat('=') {
            self.initial(&mut initial)?;
            if count == 0 {
                count = initial.len() as u64;
            }
            if initial.len() as u64 > count {
                return self.error(format!("`{name}` has more values than elements"));
            }
        }
        Ok(Variable {
            place,
            space,
            name,
            align,
            ty,
            count,
            initial,
            external: false,
        })
    }

    fn initial(&mut self, values: &mut Vec<Initial>) -> Parsed<()> {
        let mut depth = 0u32;
        loop {
            if self.eat('{') {
                depth += 1;
                continue;
            }
            values.push(self.initial_value()?);
            while depth > 0 && self.eat('}') {
                depth -= 1;
            }
            if depth == 0 {
                return Ok(());
            }
            self.expect(',')?;
        }
    }

    fn initial_value(&mut self) -> Parsed<Initial> {
        if let Some(Token::Word(name)) = self.peek() {
            self.at += 1;
            if name == "generic" && self.eat('(') {
                let name = self.word("a name")?;
                let offset = self.offset()?;
                self.expect(')')?;
                return Ok(Initial::Address(name.to_string(), offset));
            }
            let offset = self.offset()?;
            return Ok(Initial::Address(name.to_string(), offset));
        }
        Ok(Initial::Bits(match self.literal()? {
            Operand::Integer(value) => value,
            Operand::Single(bits) => u64::from(bits),
            Operand::Double(bits) => bits,
            _ => return self.error("a value in decimal is not known here"),
        }))
    }

    fn function(&mut self, is_entry: bool) -> Parsed<Function> {
        let place = self.place();
        let returns = match is_entry {
            true => Vec::new(),
            false => self.params()?,
        };
        let name = self.word("a function's name")?.to_string();
        let mut function = Function {
            place,
            name,
            is_entry,
            returns,
            params: self.params()?,
            required: None,
            allowed: None,
            cluster: None,
            body: None,
        };
        while let Some(Token::Directive(name)) = self.peek() {
            self.at += 1;
            match name {
                "reqntid" => function.required = Some(self.triple()?),
                "maxntid" => function.allowed = Some(self.triple()?),
                "reqnctapercluster" => function.cluster = Some(self.triple()?),
                "minnctapersm" | "maxnreg" | "maxclusterrank" | "maxnctapersm" => {
                    self.count("a number")?;
                }
                "explicitcluster" | "noreturn" | "blocksareclusters" => {}
                "pragma" => self.skip_to(';'),
                _ => {
                    self.at -= 1;
                    return self.error(format!("the directive .{name} is not known here"));
                }
            }
        }
        self.function_body(&mut function)?;
        Ok(function)
    }

    fn params(&mut self) -> Parsed<Vec<Variable>> {
        let mut params = Vec::new();
        if !self.eat('(') {
            return Ok(params);
        }
        while !self.eat(')') {
            if !params.is_empty() {
                self.expect(',')?;
            }
            let param = self.variable()?;
            if param.space != Space::Param {
                return self.error("a parameter stands in .param");
            }
            params.push(param);
        }
        Ok(params)
    }

    fn triple(&mut self) -> Parsed<[u32; 3]> {
        let mut extents = [1; 3];
        for (axis, extent) in extents.iter_mut().enumerate() {
            if axis > 0 && !self.eat(',') {
                break;
            }
            let Some(Token::Number(text)) = self.peek() else {
                return self.expected("an extent");
            };
            let Some(Operand::Integer(value)) = number(text) else {
                return self.expected("an extent");
            };
            self.at += 1;
            *extent = u32::try_from(value).unwrap_or(u32::MAX);
        }
        Ok(extents)
    }
}
