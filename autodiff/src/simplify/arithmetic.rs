//! Sums, products, choices and conversions that an operand makes trivial.

use super::{
    Rewrite,
    constant::{is_splat, splat},
    made_by, operand, operand_of, result,
};
use dlc_dialects::{
    ir::{
        builder::Builder,
        shape::{ElementClass, class, element_of, width},
    },
    ops::OpKind,
};
use melior::ir::{OperationRef, Type, Value};

pub(super) const REWRITES: &[Rewrite] = &[
    Rewrite {
        name: "neutral operand",
        kinds: &[
            OpKind::Add,
            OpKind::Sub,
            OpKind::Mul,
            OpKind::Div,
            OpKind::Pow,
        ],
        apply: neutral,
    },
    Rewrite {
        name: "negated operand",
        kinds: &[
            OpKind::Add,
            OpKind::Sub,
            OpKind::Mul,
            OpKind::Div,
            OpKind::Neg,
        ],
        apply: negated,
    },
    Rewrite {
        name: "quotient by a power of two",
        kinds: &[OpKind::Div],
        apply: power_of_two,
    },
    Rewrite {
        name: "choice that is none",
        kinds: &[OpKind::Select],
        apply: select,
    },
    Rewrite {
        name: "conversion there and back",
        kinds: &[OpKind::Convert],
        apply: convert,
    },
];

/// x + -0 = x, x - 0 = x, x * 1 = x, x / 1 = x, x ** 1 = x for every x. Not x + 0: that makes 0 of -0, on floats.
fn neutral<'c, 'a>(_: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let (x, y) = (operand(op, 0), operand(op, 1));
    let float = class(element_of(x)) == ElementClass::Float;
    let number = match OpKind::of(&op)? {
        OpKind::Add if float => -0.0,
        OpKind::Add | OpKind::Sub => 0.0,
        _ => 1.0,
    };
    let commutes = matches!(OpKind::of(&op)?, OpKind::Add | OpKind::Mul);
    match () {
        () if is_splat(y, number) => Some(x),
        () if commutes && is_splat(x, number) => Some(y),
        () => None,
    }
}

/// A negation only turns the sign bit, so -(-x) = x, x + -y = x - y, x - -y = x + y, -x * -y = x * y, -x / -y = x / y,
/// and x * -1 = -x.
fn negated<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let negation = |value| operand_of(value, OpKind::Neg);
    let x = operand(op, 0);
    let kind = OpKind::of(&op)?;
    if kind == OpKind::Neg {
        return negation(x);
    }
    let y = operand(op, 1);
    Some(match (kind, negation(x), negation(y)) {
        (OpKind::Add, _, Some(y)) => b.elementwise(OpKind::Sub, &[x, y]),
        (OpKind::Add, Some(x), None) => b.elementwise(OpKind::Sub, &[y, x]),
        (OpKind::Sub, _, Some(y)) => b.elementwise(OpKind::Add, &[x, y]),
        (OpKind::Mul, Some(x), Some(y)) => b.elementwise(kind, &[x, y]),
        // Integer division rounds down: -MIN is MIN, and then the quotient differs.
        (OpKind::Div, Some(x), Some(y)) if class(element_of(x)) == ElementClass::Float => {
            b.elementwise(kind, &[x, y])
        }
        (OpKind::Mul, _, _) if is_splat(y, -1.0) => b.elementwise(OpKind::Neg, &[x]),
        (OpKind::Mul, _, _) if is_splat(x, -1.0) => b.elementwise(OpKind::Neg, &[y]),
        _ => return None,
    })
}

/// A power of two has an exact reciprocal, so x / c and x * (1 / c) are the same number, rounded once. On f32 and f64.
fn power_of_two<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let (x, y) = (operand(op, 0), operand(op, 1));
    let element = element_of(y);
    if class(element) != ElementClass::Float {
        return None;
    }
    let bits = splat(y)?;
    let (value, least) = match width(element) {
        64 => (f64::from_bits(bits), f64::MIN_POSITIVE),
        32 => (
            f64::from(f32::from_bits(bits as u32)),
            f64::from(f32::MIN_POSITIVE),
        ),
        _ => return None,
    };
    let mantissa = value.to_bits() & ((1 << 52) - 1);
    let reciprocal = 1.0 / value;
    if mantissa != 0 || !value.is_normal() || reciprocal.abs() < least || !reciprocal.is_finite() {
        return None;
    }
    let factor = b.full(&b.dims(y), element, &format!("{reciprocal:e}"));
    Some(b.elementwise(OpKind::Mul, &[x, factor]))
}

/// A choice with a known condition, between equals, by a condition that an operand was chosen by, or by its contrary.
/// A choice computes nothing, so all of it is exact.
fn select<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let (condition, x, y) = (operand(op, 0), operand(op, 1), operand(op, 2));
    match splat(condition) {
        Some(0) => return Some(y),
        Some(_) => return Some(x),
        None => {}
    }
    if x == y || splat(x).is_some_and(|bits| splat(y) == Some(bits)) {
        return Some(x);
    }
    if let Some(contrary) = operand_of(condition, OpKind::BitwiseNot) {
        return Some(b.elementwise(OpKind::Select, &[contrary, y, x]));
    }
    let inner = |value, branch| {
        let inner = made_by(value, OpKind::Select)?;
        (operand(inner, 0) == condition).then(|| operand(inner, branch))
    };
    if let Some(x) = inner(x, 1) {
        return Some(b.elementwise(OpKind::Select, &[condition, x, y]));
    }
    let y = inner(y, 2)?;
    Some(b.elementwise(OpKind::Select, &[condition, x, y]))
}

/// A conversion to the same type, and one to a wider float and back: the wider has every number of the narrower.
fn convert<'c, 'a>(_: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let x = operand(op, 0);
    let to = element_of(result(op));
    if element_of(x) == to {
        return Some(x);
    }
    let before = operand_of(x, OpKind::Convert)?;
    (element_of(before) == to && contains(element_of(x), to)).then_some(before)
}

/// Whether a float type has every number of another.
fn contains(wide: Type, narrow: Type) -> bool {
    let float = |ty| class(ty) == ElementClass::Float;
    float(wide) && float(narrow) && width(wide) > width(narrow)
}
