//! Instructions whose result follows from their register operands alone.

use crate::lanes::{Apply, Lanes, lift1, lift2, lift3};
use crate::types::{Type, mask};

mod bits;
mod compare;
mod convert;
mod float;
mod integer;

/// What an instruction computes.
pub(crate) struct Pure {
    pub result: Type,
    pub sources: Vec<Type>,
    pub apply: Apply,
    /// A second result of type [`Pure::result`], of the same sources: `p|q`.
    pub second: Option<Apply>,
    /// Whether the carry flag is the last source.
    pub takes_carry: bool,
    /// The carry flag, of the same sources.
    pub gives_carry: Option<Apply>,
}

impl Pure {
    pub fn new(result: Type, sources: &[Type], apply: Apply) -> Self {
        Self {
            result,
            sources: sources.to_vec(),
            apply,
            second: None,
            takes_carry: false,
            gives_carry: None,
        }
    }
}

/// The parts of an opcode, taken away as they are understood.
pub(crate) struct Opcode<'a> {
    pub name: &'a str,
    rest: Vec<&'a str>,
}

impl<'a> Opcode<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut parts = text.split('.');
        Self {
            name: parts.next().unwrap_or_default(),
            rest: parts.collect(),
        }
    }

    /// Takes a modifier, if it is there.
    pub fn take(&mut self, modifier: &str) -> bool {
        let found = self.rest.iter().position(|part| *part == modifier);
        if let Some(at) = found {
            self.rest.remove(at);
        }
        found.is_some()
    }

    /// Takes the first of some modifiers that is there.
    pub fn take_any<T: Copy>(&mut self, modifiers: &[(&str, T)]) -> Option<T> {
        let found = modifiers.iter().find(|(name, _)| self.take(name));
        found.map(|(_, value)| *value)
    }

    /// Takes the first modifier that a function knows.
    pub fn take_with<T>(&mut self, know: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut parts = self.rest.iter().enumerate();
        let (at, known) = parts.find_map(|(at, part)| Some((at, know(part)?)))?;
        self.rest.remove(at);
        Some(known)
    }

    /// Takes the first modifier.
    pub fn take_first(&mut self) -> Option<&'a str> {
        (!self.rest.is_empty()).then(|| self.rest.remove(0))
    }

    /// Takes the first modifier that begins with some text.
    pub fn take_prefix(&mut self, prefix: &str) -> Option<&'a str> {
        let at = self.rest.iter().position(|part| part.starts_with(prefix))?;
        Some(self.rest.remove(at))
    }

    /// Takes the last modifier, which is a type.
    pub fn ty(&mut self) -> Result<Type, String> {
        let ty = self.rest.last().and_then(|name| Type::parse(name));
        let Some(ty) = ty else {
            return Err(format!("`{}` without a known type", self.name));
        };
        self.rest.pop();
        Ok(ty)
    }

    /// Fails where a modifier is left.
    pub fn finish(&self) -> Result<(), String> {
        match self.rest.first() {
            None => Ok(()),
            Some(part) => Err(format!(
                "the modifier .{part} of `{}` is not known",
                self.name
            )),
        }
    }

    /// Says that the instruction does not exist, or is not known, for a type.
    pub fn no_type<T>(&self, ty: Type) -> Result<T, String> {
        Err(format!("`{}` is not known for {ty:?}", self.name))
    }
}

/// The instruction of an opcode; nothing where it is none of these.
pub(crate) fn pure(opcode: &mut Opcode<'_>) -> Result<Option<Pure>, String> {
    let instruction = match opcode.name {
        "add" | "sub" | "mul" | "mad" | "fma" | "div" | "min" | "max" | "abs" | "neg" => {
            let ty = opcode.ty()?;
            match ty {
                Type::S16x2 | Type::U16x2 => integer::pairs(opcode, ty)?,
                _ if ty.is_integer() => integer::arithmetic(opcode, ty)?,
                _ => float::arithmetic(opcode, ty)?,
            }
        }
        "addc" | "subc" | "madc" | "rem" | "mul24" | "mad24" | "sad" => {
            let ty = opcode.ty()?;
            integer::arithmetic(opcode, ty)?
        }
        "rcp" | "sqrt" | "rsqrt" | "ex2" | "lg2" | "sin" | "cos" | "tanh" | "copysign" => {
            let ty = opcode.ty()?;
            float::arithmetic(opcode, ty)?
        }
        "and" | "or" | "xor" | "not" | "cnot" | "shl" | "shr" | "shf" | "bfe" | "bfi" | "bfind"
        | "brev" | "popc" | "clz" | "prmt" => bits::bits(opcode)?,
        "setp" | "selp" | "slct" | "testp" => compare::compare(opcode)?,
        "cvt" => convert::convert(opcode)?,
        _ => return Ok(None),
    };
    opcode.finish()?;
    Ok(Some(instruction))
}

/// The three-input function of a table, which is `lop3`'s last operand.
pub(crate) fn table(table: u8) -> Pure {
    let b32 = Type::B(32);
    let apply = lift3(move |a, b, c| {
        let mut result = 0;
        for index in 0..8 {
            if table >> index & 1 == 1 {
                let term = |value: u64, bit: u8| if index >> bit & 1 == 1 { value } else { !value };
                result |= term(a, 2) & term(b, 1) & term(c, 0);
            }
        }
        result & mask(32)
    });
    Pure::new(b32, &[b32, b32, b32], apply)
}

/// A function of the halves of registers of two values.
fn halves1(f: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Apply {
    lift1(move |a| f(a & 0xffff) | f(a >> 16) << 16)
}

fn halves2(f: impl Fn(u64, u64) -> u64 + Send + Sync + 'static) -> Apply {
    lift2(move |a, b| f(a & 0xffff, b & 0xffff) | f(a >> 16, b >> 16) << 16)
}

fn halves3(f: impl Fn(u64, u64, u64) -> u64 + Send + Sync + 'static) -> Apply {
    lift3(move |a, b, c| f(a & 0xffff, b & 0xffff, c & 0xffff) | f(a >> 16, b >> 16, c >> 16) << 16)
}

/// Copies the first source.
pub(crate) fn copy() -> Apply {
    Box::new(|[a, ..]: &[&Lanes; 4], result| *result = **a)
}
