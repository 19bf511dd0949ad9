//! What the parser makes of PTX text; names are not resolved yet.

use crate::lexer::Place;
use crate::types::Type;

/// A module's text.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub version: String,
    pub target: String,
    pub variables: Vec<Variable>,
    pub functions: Vec<Function>,
}

/// Where a variable or an access lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Generic,
    Global,
    Const,
    Shared,
    Local,
    Param,
}

/// A declared variable of any space but registers.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub place: Place,
    pub space: Space,
    pub name: String,
    pub align: u64,
    pub ty: Type,
    /// Elements; 0 for memory whose size a launch gives.
    pub count: u64,
    pub initial: Vec<Initial>,
    /// Whether it is declared `.extern`.
    pub external: bool,
}

impl Variable {
    pub fn bytes(&self) -> u64 {
        self.count * self.ty.bytes()
    }
}

/// An element of an initialiser.
#[derive(Debug, Clone)]
pub(crate) enum Initial {
    Bits(u64),
    /// The generic address of a variable and an offset in bytes.
    Address(String, i64),
}

/// A kernel or a device function.
#[derive(Debug)]
pub(crate) struct Function {
    pub place: Place,
    pub name: String,
    pub is_entry: bool,
    pub returns: Vec<Variable>,
    pub params: Vec<Variable>,
    /// Threads of a block that the text requires or allows.
    pub required: Option<[u32; 3]>,
    pub allowed: Option<[u32; 3]>,
    pub cluster: Option<[u32; 3]>,
    /// Absent where it is only declared.
    pub body: Option<Vec<Statement>>,
}

#[derive(Debug)]
pub(crate) enum Statement {
    /// Names, with a count where it is a family `%r<10>`.
    Registers(Type, Vec<(String, Option<u32>)>),
    Variable(Variable),
    Label(String, Place),
    /// Targets of an indexed branch.
    Table(String, Vec<String>),
    Instruction(Line),
    Block(Vec<Statement>),
}

/// An instruction.
#[derive(Debug)]
pub(crate) struct Line {
    pub place: Place,
    /// The predicate's name, and whether it is negated.
    pub guard: Option<(String, bool)>,
    pub opcode: String,
    pub operands: Vec<Operand>,
}

#[derive(Debug, Clone)]
pub(crate) enum Operand {
    /// A register, symbol or label; symbols may have an offset.
    Name(String, i64),
    /// An integer in two's complement.
    Integer(u64),
    /// A decimal number with a fraction.
    Decimal(f64),
    /// The bits of an `f32`.
    Single(u32),
    /// The bits of an `f64`.
    Double(u64),
    Vector(Vec<Operand>),
    Address(Address),
    Not(Box<Operand>),
    /// `p|q`
    Pair(Box<Operand>, Box<Operand>),
    /// `(a, b)` of calls
    List(Vec<Operand>),
}

/// `[base+offset]` or `[base, {coordinates}]`.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// Absent where the address is a number.
    pub base: Option<String>,
    pub offset: i64,
    pub coordinates: Vec<Operand>,
}
