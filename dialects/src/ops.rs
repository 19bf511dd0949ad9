//! Ops of the `dl` dialect: kinds, borrowing views, builders, and the tables of elementwise bodies and
//! derivatives. All but the types of this file is generated from `ods/` by `build.rs`.

use crate::ir::inspect;
use melior::{
    Context,
    ir::{
        Attribute, Identifier, Location, Operation, OperationRef, Type, Value, ValueLike,
        attribute::{
            DenseI32ArrayAttribute, DenseI64ArrayAttribute, FlatSymbolRefAttribute,
            IntegerAttribute, StringAttribute,
        },
        operation::{OperationBuilder, OperationLike},
        r#type::IntegerType,
    },
};

/// A node of a scalar body or of a derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expr {
    /// The operand of that number.
    Operand(usize),
    /// The op's result (derivatives only).
    Result,
    /// The gradient of the result (derivatives only).
    Grad,
    /// A number of the type at hand, or `width` and `width-1` for the bits of an integer type.
    Lit(&'static str),
    /// In a body the scalar MLIR op of that name (`arith.addf`, `arith.cmpf.olt`), in a derivative the
    /// `dl` op of that mnemonic.
    Apply(&'static str, &'static [Expr]),
}

/// How a gradient passes through an elementwise op.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Derivative {
    /// No gradient passes, by definition of the function.
    Inactive,
    /// For each operand its gradient, `None` where none flows.
    Rules(&'static [Option<Expr>]),
}

/// What an elementwise op's record says beside its types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elementwise {
    /// Names of the operands.
    pub operands: &'static [&'static str],
    /// Body on floats.
    pub body_float: Option<Expr>,
    /// Body on signed integers.
    pub body_signed: Option<Expr>,
    /// Body on unsigned integers.
    pub body_unsigned: Option<Expr>,
    /// Body on bools.
    pub body_bool: Option<Expr>,
    /// The derivative.
    pub derivative: Derivative,
}

/// An operand, an attribute or a result of an op's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it may be, in words.
    pub constraint: &'static str,
}

/// What an op's record says for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The operands, in order.
    pub operands: &'static [Argument],
    /// The attributes, in order.
    pub attributes: &'static [Argument],
    /// The results.
    pub results: &'static [Argument],
    /// What must hold of them together, by the traits that have words for it.
    pub conditions: &'static [&'static str],
    /// The description, in Markdown.
    pub description: &'static str,
}

impl OpKind {
    /// The kind of an op name such as `dl.tanh`; `None` for another dialect's.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_mnemonic(name.strip_prefix("dl.")?)
    }

    /// The kind of a mnemonic such as `tanh`.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Self> {
        let index = Self::ALL
            .binary_search_by(|kind| kind.mnemonic().cmp(mnemonic))
            .ok()?;
        Some(Self::ALL[index])
    }

    /// Whether it takes a float to one that is constant but for its steps.
    pub fn is_step(self) -> bool {
        use OpKind::{Ceil, Floor, Round, Sign};
        matches!(self, Ceil | Floor | Round | Sign)
    }

    /// The kind of an operation; `None` for another dialect's.
    pub fn of<'c: 'a, 'a>(op: &impl OperationLike<'c, 'a>) -> Option<Self> {
        Self::from_name(op.name().as_string_ref().as_str().ok()?)
    }
}

const VERIFIED: &str = "the verifier has checked the op's operands and attributes";

fn operand<'c, 'a>(op: OperationRef<'c, 'a>, index: usize) -> Value<'c, 'a> {
    op.operand(index).expect(VERIFIED)
}

fn operands<'c, 'a>(op: OperationRef<'c, 'a>, before: usize, after: usize) -> Vec<Value<'c, 'a>> {
    (before..op.operand_count() - after)
        .map(|i| operand(op, i))
        .collect()
}

fn segment<'c, 'a>(op: OperationRef<'c, 'a>, index: usize) -> Vec<Value<'c, 'a>> {
    let sizes =
        DenseI32ArrayAttribute::try_from(attribute(op, "operandSegmentSizes")).expect(VERIFIED);
    let size = |i: usize| sizes.element(i).expect(VERIFIED) as usize;
    let start = (0..index).map(size).sum::<usize>();
    (start..start + size(index))
        .map(|i| operand(op, i))
        .collect()
}

fn attribute<'c>(op: OperationRef<'c, '_>, name: &str) -> Attribute<'c> {
    op.attribute(name).expect(VERIFIED)
}

fn integer(op: OperationRef, name: &str) -> i64 {
    IntegerAttribute::try_from(attribute(op, name))
        .expect(VERIFIED)
        .value()
}

fn integers(op: OperationRef, name: &str) -> Vec<i64> {
    let array = DenseI64ArrayAttribute::try_from(attribute(op, name)).expect(VERIFIED);
    (0..array.len())
        .map(|i| array.element(i).expect(VERIFIED))
        .collect()
}

fn optional_string<'c>(op: OperationRef<'c, '_>, name: &str) -> Option<&'c str> {
    op.has_attribute(name).then(|| string(op, name))
}

fn string<'c>(op: OperationRef<'c, '_>, name: &str) -> &'c str {
    inspect::text(StringAttribute::try_from(attribute(op, name)).expect(VERIFIED))
}

fn symbol<'c>(op: OperationRef<'c, '_>, name: &str) -> &'c str {
    FlatSymbolRefAttribute::try_from(attribute(op, name))
        .expect(VERIFIED)
        .value()
}

fn optional_symbol<'c>(op: OperationRef<'c, '_>, name: &str) -> Option<&'c str> {
    op.has_attribute(name).then(|| symbol(op, name))
}

fn flag(op: OperationRef, name: &str) -> bool {
    op.has_attribute(name)
}

fn operation<'c>(
    name: &str,
    operands: &[Value<'c, '_>],
    attributes: Vec<(Identifier<'c>, Attribute<'c>)>,
    results: &[Type<'c>],
    location: Location<'c>,
) -> Operation<'c> {
    OperationBuilder::new(name, location)
        .add_operands(operands)
        .add_attributes(&attributes)
        .add_results(results)
        .build()
        .expect("the builder names result types, so nothing is inferred")
}

include!(concat!(env!("OUT_DIR"), "/ops.rs"));
