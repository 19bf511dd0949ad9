//! Numbers that are known: tensors that are one number all over, and the results of arithmetic on such numbers.
//!
//! Only what IEEE 754 rounds correctly is folded, and integer arithmetic, which wraps; a function such as `exp` is left
//! to run time, whose approximation is its own.

use super::{Rewrite, made_by, operand, result};
use dlc_dialects::{
    ir::{
        builder::Builder,
        inspect::{defining_op, dense_bits},
        shape::{ElementClass, class, element_of, shape_of, tensor, width},
    },
    ops::{Broadcast, Constant, OpKind, build},
};
use melior::ir::{
    OperationRef, Type, Value, attribute::IntegerAttribute, operation::OperationLike,
};

pub(super) const REWRITES: &[Rewrite] = &[
    Rewrite {
        name: "arithmetic of constants",
        kinds: &[],
        apply: fold,
    },
    Rewrite {
        name: "value of a known dim",
        kinds: &[OpKind::DimValue],
        apply: dim_value,
    },
    Rewrite {
        name: "elementwise of broadcasts",
        kinds: &[],
        apply: of_broadcasts,
    },
];

/// The bits of the number that a value is everywhere: of a constant of rank 0 or a broadcast of one.
pub fn splat(value: Value) -> Option<u64> {
    let mut value = value;
    while let Some(op) = made_by(value, OpKind::Broadcast) {
        value = Broadcast(op).x();
    }
    if !shape_of(value).is_empty() {
        return None;
    }
    let bits = dense_bits(Constant(made_by(value, OpKind::Constant)?).value())?;
    bits.first().copied()
}

/// Whether a value is a number everywhere, with the sign that zero is written with.
pub fn is_splat(value: Value, number: f64) -> bool {
    let element = element_of(value);
    splat(value).is_some_and(|bits| Some(bits) == bits_of(number, element))
}

/// A small whole number in an element type.
fn bits_of(number: f64, element: Type) -> Option<u64> {
    let mask = u64::MAX >> (64 - width(element).min(64));
    if class(element) != ElementClass::Float {
        return (number != 0.0 || number.is_sign_positive()).then_some(number as i64 as u64 & mask);
    }
    Some(match element.to_string().as_str() {
        "f64" => number.to_bits(),
        "f32" => u64::from((number as f32).to_bits()),
        "bf16" => u64::from((number as f32).to_bits() >> 16),
        _ => half(number)?,
    })
}

/// f16's bits of the few numbers that are asked for.
fn half(number: f64) -> Option<u64> {
    let sign = u64::from(number.is_sign_negative()) << 15;
    match number.abs() {
        0.0 => Some(sign),
        1.0 => Some(sign | 0x3c00),
        _ => None,
    }
}

/// Correctly rounded arithmetic on f32 and f64, wrapping arithmetic on integers, comparisons: the bits that run time
/// would get.
fn fold<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let kind = OpKind::of(&op)?;
    let y = result(op);
    if !shape_of(y).is_empty() {
        return None;
    }
    let operands = op.operands().map(splat).collect::<Option<Vec<_>>>()?;
    let from = element_of(operand(op, 0));
    let bits = match (class(from), width(from), operands.as_slice()) {
        (ElementClass::Float, 64, &[x, y]) => {
            float(kind, f64::from_bits(x), f64::from_bits(y))?.map(f64::to_bits, u64::from)
        }
        (ElementClass::Float, 32, &[x, y]) => {
            let [x, y] = [x, y].map(|bits| f32::from_bits(bits as u32));
            match float(kind, f64::from(x), f64::from(y))? {
                // Twice the digits and two more make a second rounding harmless.
                Folded::Number(value) => u64::from((value as f32).to_bits()),
                Folded::Truth(value) => u64::from(value),
            }
        }
        (ElementClass::Float, 64, &[x]) => unary(kind, f64::from_bits(x))?.to_bits(),
        (ElementClass::Float, 32, &[x]) => {
            let x = f64::from(f32::from_bits(x as u32));
            u64::from((unary(kind, x)? as f32).to_bits())
        }
        (ElementClass::Signed, bits, &[x, y]) => integer(kind, x, y, bits)?,
        _ => return None,
    };
    Some(constant(b, bits, element_of(y)))
}

enum Folded {
    Number(f64),
    Truth(bool),
}

impl Folded {
    fn map(self, number: impl Fn(f64) -> u64, truth: impl Fn(bool) -> u64) -> u64 {
        match self {
            Folded::Number(value) => number(value),
            Folded::Truth(value) => truth(value),
        }
    }
}

fn float(kind: OpKind, x: f64, y: f64) -> Option<Folded> {
    Some(match kind {
        OpKind::Add => Folded::Number(x + y),
        OpKind::Sub => Folded::Number(x - y),
        OpKind::Mul => Folded::Number(x * y),
        OpKind::Div => Folded::Number(x / y),
        OpKind::Equal => Folded::Truth(x == y),
        OpKind::NotEqual => Folded::Truth(x != y),
        OpKind::Less => Folded::Truth(x < y),
        OpKind::LessEqual => Folded::Truth(x <= y),
        OpKind::Greater => Folded::Truth(x > y),
        OpKind::GreaterEqual => Folded::Truth(x >= y),
        _ => return None,
    })
}

fn unary(kind: OpKind, x: f64) -> Option<f64> {
    Some(match kind {
        OpKind::Neg => -x,
        OpKind::Abs => x.abs(),
        OpKind::Square => x * x,
        OpKind::Sqrt => x.sqrt(),
        _ => return None,
    })
}

fn integer(kind: OpKind, x: u64, y: u64, bits: u32) -> Option<u64> {
    let value = match kind {
        OpKind::Add => x.wrapping_add(y),
        OpKind::Sub => x.wrapping_sub(y),
        OpKind::Mul => x.wrapping_mul(y),
        OpKind::Equal => u64::from(x == y),
        OpKind::NotEqual => u64::from(x != y),
        _ => return None,
    };
    Some(value & u64::MAX >> (64 - bits))
}

/// A constant of rank 0 with an element's bits.
fn constant<'c, 'a>(b: &Builder<'c, 'a>, bits: u64, element: Type<'c>) -> Value<'c, 'a> {
    let digits = width(element) as usize / 4;
    let text = match class(element) {
        ElementClass::Bool => (bits != 0).to_string(),
        ElementClass::Float => format!("0x{bits:0digits$X}"),
        ElementClass::Unsigned => bits.to_string(),
        ElementClass::Signed => {
            let unused = 64 - width(element);
            (((bits << unused) as i64) >> unused).to_string()
        }
    };
    let ty = tensor(&[], element);
    let value = b.attribute(&format!("dense<{text}> : {ty}"));
    b.value(build::constant(b.context, value, ty, b.location))
}

/// A dim that is a constant is a constant tensor.
fn dim_value<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let dim = defining_op(operand(op, 0))?;
    let value = IntegerAttribute::try_from(dim.attribute("value").ok()?).ok()?;
    Some(constant(b, value.value() as u64, element_of(result(op))))
}

/// An elementwise op does the same to each copy of an element: it is done once, before the copies are made. All
/// operands are broadcasts of one shape into the same axes, or of a scalar.
fn of_broadcasts<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let broadcasts = op
        .operands()
        .map(|x| made_by(x, OpKind::Broadcast).map(Broadcast))
        .collect::<Option<Vec<_>>>()?;
    let largest = *broadcasts
        .iter()
        .max_by_key(|broadcast| shape_of(broadcast.x()).len())?;
    let (axes, inner) = (largest.axes(), shape_of(largest.x()));
    let y = result(op);
    let fits = |broadcast: &Broadcast| {
        shape_of(broadcast.x()).is_empty()
            || (broadcast.axes() == axes && shape_of(broadcast.x()) == inner)
    };
    if inner.len() == shape_of(y).len()
        || !broadcasts.iter().all(fits)
        || shape_of(result(largest.0)) != shape_of(y)
    {
        return None;
    }
    let dims = b.dims(largest.x());
    let operands = broadcasts
        .iter()
        .map(
            |broadcast| match shape_of(broadcast.x()).len() == inner.len() {
                true => broadcast.x(),
                false => b.broadcast(broadcast.x(), &[], &dims),
            },
        )
        .collect::<Vec<_>>();
    let name = op.name();
    let name = name.as_string_ref().as_str().ok()?;
    let value = b.op(name, &operands, &[], tensor(&inner, element_of(y)));
    Some(b.broadcast(value, &axes, &b.dims(result(largest.0))))
}
