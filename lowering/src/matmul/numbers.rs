//! The element types of a product: how its operands are stored, and the type that they are multiplied and summed in.

use crate::walk;
use melior::ir::{
    BlockLike, OperationRef, RegionLike, Type, TypeLike, Value, ValueLike,
    operation::OperationLike, r#type::IntegerType,
};
use std::fmt;

/// What the bits of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// IEEE 754's.
    Float,
    /// The upper half of an f32.
    Bfloat,
    /// Two's complement. Also integers that are never widened, for which it makes no difference.
    Signed,
    /// Not negative.
    Unsigned,
}

/// A type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    /// What they are.
    pub kind: Kind,
    /// Bits of one.
    pub bits: i64,
}

impl Number {
    /// That of an MLIR type: a float, or an integer of whole bytes, signed.
    pub fn of(ty: Type) -> Option<Self> {
        let (kind, bits) = match () {
            () if ty.is_bf16() => (Kind::Bfloat, 16),
            () if ty.is_f16() => (Kind::Float, 16),
            () if ty.is_f32() => (Kind::Float, 32),
            () if ty.is_f64() => (Kind::Float, 64),
            () => {
                let bits = IntegerType::try_from(ty).ok()?.width();
                (Kind::Signed, i64::from(bits))
            }
        };
        [8, 16, 32, 64]
            .contains(&bits)
            .then_some(Self { kind, bits })
    }

    /// Whether it is a float.
    pub fn is_float(self) -> bool {
        matches!(self.kind, Kind::Float | Kind::Bfloat)
    }

    /// The text of its MLIR type.
    pub fn ty(self) -> String {
        match self.kind {
            Kind::Unsigned => format!("i{}", self.bits),
            _ => self.to_string(),
        }
    }

    /// The op that makes a wider number of it, if they differ.
    pub fn widening(self, to: Number) -> Option<&'static str> {
        (self != to).then(|| match (self.kind, to.is_float()) {
            (Kind::Float | Kind::Bfloat, _) => "arith.extf",
            (Kind::Signed, true) => "arith.sitofp",
            (Kind::Unsigned, true) => "arith.uitofp",
            (Kind::Signed, false) => "arith.extsi",
            (Kind::Unsigned, false) => "arith.extui",
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let letter = match self.kind {
            Kind::Float => "f",
            Kind::Bfloat => "bf",
            Kind::Signed => "i",
            Kind::Unsigned => "u",
        };
        write!(f, "{letter}{}", self.bits)
    }
}

/// The types of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numbers {
    /// The left operand's elements.
    pub a: Number,
    /// The right operand's elements.
    pub b: Number,
    /// What both become before they are multiplied, which is also the result's type.
    pub sum: Number,
}

impl Numbers {
    /// Those of the product with its operands swapped.
    pub fn swapped(self) -> Self {
        Self {
            a: self.b,
            b: self.a,
            ..self
        }
    }

    /// Those of an op whose body is a sum of products of its two inputs, each perhaps widened: the left and the right
    /// operand are the op's. f16, bf16 and integers of less than 32 bits are no types of sums.
    pub fn read(op: OperationRef) -> Option<Self> {
        let block = op.region(0).ok()?.first_block()?;
        let argument = |i| -> Option<Value> { Some(block.argument(i).ok()?.into()) };
        let (a, b, c) = (argument(0)?, argument(1)?, argument(2)?);
        let mut ops = std::iter::successors(block.first_operation(), |op| op.next_in_block());
        let mut op = ops.next()?;
        // An operand as the product takes it, and how it is stored.
        let mut factors = [a, b].map(|x| (x, Number::of(x.r#type())));
        while let Some(kind) = widened(op) {
            let from = op.operand(0).ok()?;
            let (value, number) = factors.iter_mut().find(|(x, _)| *x == from)?;
            *value = op.result(0).ok()?.into();
            number.as_mut()?.kind = kind;
            op = ops.next()?;
        }
        let [(a, a_number), (b, b_number)] = factors;
        let (product, sum, end) = (op, ops.next()?, ops.next()?);
        let takes = |op: OperationRef, x, y| {
            let operands: Vec<_> = op.operands().collect();
            operands == [x, y] || operands == [y, x]
        };
        let number = Number::of(c.r#type())?;
        let (times, plus) = match number.is_float() {
            true => ("arith.mulf", "arith.addf"),
            false => ("arith.muli", "arith.addi"),
        };
        let multiplies_and_adds = walk::is(product, times)
            && takes(product, a, b)
            && walk::is(sum, plus)
            && takes(sum, c, product.result(0).ok()?.into())
            && walk::is(end, "linalg.yield")
            && end.operand(0) == Ok(sum.result(0).ok()?.into());
        (multiplies_and_adds && number.bits >= 32).then_some(Self {
            a: a_number?,
            b: b_number?,
            sum: number,
        })
    }

    /// Whether nothing is widened.
    pub fn is_uniform(self) -> bool {
        self.a == self.sum && self.b == self.sum
    }
}

/// What a widening op takes its operand for.
fn widened(op: OperationRef) -> Option<Kind> {
    let from = Number::of(op.operand(0).ok()?.r#type())?;
    match op.name().as_string_ref().as_str().ok()? {
        "arith.extf" => Some(from.kind),
        "arith.extsi" | "arith.sitofp" => Some(Kind::Signed),
        "arith.extui" | "arith.uitofp" => Some(Kind::Unsigned),
        _ => None,
    }
}

impl fmt::Display for Numbers {
    /// As the names of kernels have it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.is_uniform() {
            true => write!(f, "{}", self.sum),
            false => write!(f, "{}x{}_{}", self.a, self.b, self.sum),
        }
    }
}
