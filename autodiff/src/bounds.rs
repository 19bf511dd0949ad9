//! Bounds of numbers that are known when a function is called: what a loop may go through at the most.

use crate::{activity::Edges, functions::operations};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        edit,
        inspect::{argument, defining_op, dense_bits, region_of},
        shape::{ElementClass, class, element_of, shape_of, width},
    },
    ops::{OpKind, Reduce},
};
use melior::ir::{
    OperationRef, TypeLike, Value, ValueLike,
    attribute::{DenseI64ArrayAttribute, IntegerAttribute},
    operation::OperationLike,
};

/// A number known from dims that is never less than an index value, and never negative.
pub fn upper_bound<'c, 'a>(b: &Builder<'c, 'a>, value: Value<'c, 'a>) -> Option<Dim<'c, 'a>> {
    if let Some(value) = constant(value) {
        return Some(Dim::Static(value.max(0)));
    }
    let Some(op) = defining_op(value) else {
        let parent = region_of(value)?;
        return match edit::name(parent) {
            // The number of a round is below the number of rounds.
            "scf.for" => upper_bound(b, parent.operand(1).ok()?),
            "func.func" => Some(Dim::Value(value)),
            _ => None,
        };
    };
    let operand = |i| op.operand(i).ok();
    match edit::name(op) {
        "arith.addi" => Some(b.dim_add(upper_bound(b, operand(0)?)?, upper_bound(b, operand(1)?)?)),
        "arith.muli" => {
            let factor = constant(operand(1)?).or(constant(operand(0)?));
            // A product with what may be negative would need a least number, too.
            let grows = match factor {
                Some(factor) => factor >= 0,
                None => is_nonnegative(operand(0)?) && is_nonnegative(operand(1)?),
            };
            let product =
                grows.then_some((upper_bound(b, operand(0)?)?, upper_bound(b, operand(1)?)?));
            product.map(|(x, y)| b.dim_mul(x, y))
        }
        "arith.subi" => match constant(operand(1)?) {
            Some(less) if less < 0 => Some(b.dim_add(
                upper_bound(b, operand(0)?)?,
                Dim::Static(less.checked_neg()?),
            )),
            _ if is_nonnegative(operand(1)?) => upper_bound(b, operand(0)?),
            _ => None,
        },
        "arith.floordivsi" => {
            let by = constant(operand(1)?).filter(|by| *by > 0)?;
            Some(b.dim_floor_div(upper_bound(b, operand(0)?)?, Dim::Static(by)))
        }
        "arith.ceildivsi" => {
            let by = constant(operand(1)?).filter(|by| *by > 0)?;
            Some(b.dim_ceil_div(upper_bound(b, operand(0)?)?, Dim::Static(by)))
        }
        "arith.minsi" => {
            // A constant is best; either will do.
            let fixed = [operand(0)?, operand(1)?].into_iter().find_map(constant);
            let fixed = fixed.map(|bound| Dim::Static(bound.max(0)));
            let first = || upper_bound(b, operand(0)?).or_else(|| upper_bound(b, operand(1)?));
            fixed.or_else(first)
        }
        "arith.index_cast" => {
            let scalar =
                defining_op(operand(0)?).filter(|op| edit::name(*op) == "tensor.extract")?;
            upper_bound_of_count(b, scalar.operand(0).ok()?)
        }
        "scf.while" => {
            let counter = Counter::of(&Edges::of(op)?)?;
            let counts = op.result(counter.result).is_ok_and(|y| value == y.into());
            counts.then_some(())?;
            upper_bound_of_count(b, counter.limit)
        }
        _ => None,
    }
}

/// The attribute of a function that has for each argument the greatest number that it can be, -1 where that is unknown.
pub const GREATEST: &str = "dl.greatest";

/// The greatest number that a dim, or one made of dims by [`upper_bound`], can be.
pub fn greatest(dim: Dim) -> Option<i64> {
    match dim {
        Dim::Static(value) => Some(value),
        Dim::Value(value) => greatest_index(value),
    }
}

/// The greatest number that an index can be that is made of dims.
pub fn greatest_index(value: Value) -> Option<i64> {
    if let Some(value) = constant(value) {
        return Some(value);
    }
    let Some(op) = defining_op(value) else {
        let function = region_of(value).filter(|op| edit::name(*op) == "func.func")?;
        let all = function
            .attribute(GREATEST)
            .and_then(DenseI64ArrayAttribute::try_from);
        let number = argument(value)?.argument_number();
        return all.ok()?.element(number).ok().filter(|most| *most >= 0);
    };
    let of = |i: usize| greatest_index(op.operand(i).ok()?);
    match edit::name(op) {
        "arith.addi" => of(0)?.checked_add(of(1)?),
        "arith.muli" => of(0)?.checked_mul(of(1)?),
        "arith.subi" => of(0),
        "arith.minsi" => Some(of(0)?.min(of(1)?)),
        name @ ("arith.floordivsi" | "arith.ceildivsi") => {
            let by = constant(op.operand(1).ok()?).filter(|by| *by > 0)?;
            let up = if name == "arith.ceildivsi" { by - 1 } else { 0 };
            Some(of(0)?.checked_add(up)?.div_euclid(by))
        }
        _ => None,
    }
}

/// A number known from dims that is never less than an integer scalar, and never negative.
pub fn upper_bound_of_count<'c, 'a>(
    b: &Builder<'c, 'a>,
    scalar: Value<'c, 'a>,
) -> Option<Dim<'c, 'a>> {
    let dim = defining_op(scalar).filter(|op| OpKind::of(op) == Some(OpKind::DimValue));
    match dim {
        Some(dim) => upper_bound(b, dim.operand(0).ok()?),
        None => Some(Dim::Static(upper_bound_of_scalar(scalar)?.max(0))),
    }
}

/// What counts the rounds of an `scf.while`: an index that begins with 0, one more in each round, and below a number
/// from outside where there is another round.
pub struct Counter<'c, 'a> {
    /// Its place among what is carried.
    pub place: usize,
    /// Its place among what the condition passes on.
    pub result: usize,
    /// The number, an integer scalar.
    pub limit: Value<'c, 'a>,
}

impl<'c: 'a, 'a> Counter<'c, 'a> {
    /// That of a loop.
    pub fn of(edges: &Edges<'c, 'a>) -> Option<Self> {
        let Edges::While {
            carried,
            passed,
            received,
            before,
            ..
        } = edges
        else {
            return None;
        };
        let condition = operations(*before).last()?.operand(0).ok()?;
        let conditions = all_of(condition);
        (0..carried.inits.len()).find_map(|place| {
            let x = carried.arguments[place];
            let begins = x.r#type().is_index() && constant(carried.inits[place]) == Some(0);
            let result = passed.iter().position(|y| begins && *y == x)?;
            let next = operands_of(carried.given[place], "arith.addi")?;
            let one_more = next[0] == received[result] && constant(next[1]) == Some(1);
            let limit = conditions.iter().find_map(|c| {
                let sides = operands_of(*c, "dl.less")?;
                let counted = operands_of(sides[0], "dl.dim_value")?[0] == x;
                let outside = defining_op(sides[1])?.block() != Some(*before);
                (counted && outside).then_some(sides[1])
            });
            limit.filter(|_| one_more).map(|limit| Self {
                place,
                result,
                limit,
            })
        })
    }
}

/// Conditions that all hold where one does; those of many, for one of its elements at least.
fn all_of<'c: 'a, 'a>(condition: Value<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut found = vec![condition];
    let mut next = 0;
    while let Some(value) = found.get(next) {
        let parts = [
            "tensor.extract",
            "dl.bitwise_and",
            "dl.broadcast",
            "dl.reshape",
        ];
        let any = || Some(Reduce(defining_op(*value)?).kind() == "any");
        let parts = parts
            .iter()
            .find_map(|name| operands_of(*value, name))
            .or_else(|| operands_of(*value, "dl.reduce").filter(|_| any() == Some(true)));
        found.extend(parts.unwrap_or_default());
        next += 1;
    }
    found
}

/// The operands of the op of that name that made a value.
fn operands_of<'c: 'a, 'a>(value: Value<'c, 'a>, name: &str) -> Option<Vec<Value<'c, 'a>>> {
    let op = defining_op(value).filter(|op| edit::name(*op) == name)?;
    Some(op.operands().collect())
}

/// Whether an index value is a dim, a constant that is not negative, made of such by sums and products, or the number
/// of a round counted from the last one.
pub fn is_nonnegative(value: Value) -> bool {
    if let Some(value) = constant(value) {
        return value >= 0;
    }
    match defining_op(value) {
        None => true,
        Some(op) => {
            matches!(edit::name(op), "arith.addi" | "arith.muli")
                && op.operands().all(is_nonnegative)
                || is_from_last(value)
        }
    }
}

/// Whether an index value is `n - 1 - i` for the number `i` of a round of `n`.
fn is_from_last(value: Value) -> bool {
    let found = || {
        let sides = operands_of(value, "arith.subi")?;
        let last = operands_of(sides[0], "arith.subi")?;
        let around = region_of(sides[1]).filter(|op| edit::name(*op) == "scf.for")?;
        let bounds = around.operands().take(3).collect::<Vec<_>>();
        let counts = constant(bounds[0]) == Some(0) && constant(bounds[2]) == Some(1);
        (counts && bounds[1] == last[0] && constant(last[1]) == Some(1)).then_some(())
    };
    found().is_some()
}

/// The number that an index constant is.
pub fn constant(value: Value) -> Option<i64> {
    let op = defining_op(value).filter(|op| edit::name(*op) == "arith.constant")?;
    let value = op.attribute("value").ok()?;
    Some(IntegerAttribute::try_from(value).ok()?.value())
}

/// A number that is never less than what is given for an argument, if that is a dim or a tensor of integers and it is known.
pub fn upper_bound_of_argument(x: Value) -> Option<i64> {
    match x.r#type().is_index() {
        true => greatest_index(x),
        false => upper_bound_of_elements(x),
    }
}

/// Notes on a function how great its arguments can be.
pub fn note_bounds(b: &Builder, function: OperationRef, bounds: &[Option<i64>]) {
    if !bounds.is_empty() {
        let all = bounds.iter().map(|bound| bound.unwrap_or(-1).to_string());
        let text = format!("array<i64: {}>", all.collect::<Vec<_>>().join(", "));
        edit::set_attribute(function, GREATEST, b.attribute(&text));
    }
}

/// Arguments as what they are, the lesser of themselves and their bounds, so that loops that they count have a bound.
pub fn with_bounds<'c, 'a>(
    builder: &Builder<'c, 'a>,
    arguments: &mut [Value<'c, 'a>],
    bounds: &[Option<i64>],
) {
    for (x, bound) in arguments.iter_mut().zip(bounds) {
        if let Some(bound) = bound
            && !x.r#type().is_index()
        {
            let bound = builder.full(&builder.dims(*x), element_of(*x), &bound.to_string());
            *x = builder.elementwise(OpKind::Minimum, &[*x, bound]);
        }
    }
}

/// A number that is never less than an integer scalar; a step that could wrap around gives none.
pub fn upper_bound_of_scalar(scalar: Value) -> Option<i64> {
    upper_bound_of_elements(scalar)
}

/// A number that no element of a tensor of signed integers is greater than; a step that could wrap around gives none.
pub fn upper_bound_of_elements(x: Value) -> Option<i64> {
    let op = defining_op(x)?;
    let operand = |i: usize| op.operand(i).ok();
    let of = |i: usize| upper_bound_of_elements(operand(i)?);
    match OpKind::of(&op)? {
        OpKind::Constant => greatest_element(op, x),
        OpKind::Minimum => [of(0), of(1)].into_iter().flatten().min(),
        OpKind::Maximum => Some(of(0)?.max(of(1)?)),
        OpKind::Select => Some(of(1)?.max(of(2)?)),
        OpKind::Convert if widens(operand(0)?, x) => of(0),
        OpKind::OptimizationBarrier => of(0),
        OpKind::Add => {
            let sum = of(0)?.checked_add(of(1)?)?;
            let added = number(operand(1)?)?;
            (added >= 0 && sum < 1 << (width(element_of(x)) - 1).min(62)).then_some(sum)
        }
        OpKind::Sub => {
            let less = number(operand(1)?).filter(|less| *less >= 0)?;
            let from = operand(0)?;
            let narrow = defining_op(from).filter(|op| OpKind::of(op) == Some(OpKind::Convert));
            let narrow = narrow.and_then(|op| op.operand(0).ok())?;
            let safe = widens(narrow, from) && width(element_of(narrow)) < width(element_of(from));
            safe.then_some(of(0)?)?.checked_sub(less)
        }
        // The greatest of no elements is the least number there is.
        OpKind::Reduce if Reduce(op).kind() == "max" => of(0),
        OpKind::Broadcast
        | OpKind::Reshape
        | OpKind::Reverse
        | OpKind::Slice
        | OpKind::Take
        | OpKind::TakeAlongAxis
        | OpKind::Transpose => of(0),
        _ => None,
    }
}

/// Whether a conversion of integers keeps every value.
fn widens(from: Value, to: Value) -> bool {
    let (from, to) = (element_of(from), element_of(to));
    match (class(from), class(to)) {
        (ElementClass::Signed, ElementClass::Signed)
        | (ElementClass::Unsigned, ElementClass::Unsigned) => width(from) <= width(to),
        (ElementClass::Unsigned, ElementClass::Signed) => width(from) < width(to),
        _ => false,
    }
}

/// The greatest element of a `dl.constant` of signed integers.
fn greatest_element(op: OperationRef, x: Value) -> Option<i64> {
    if class(element_of(x)) != ElementClass::Signed {
        return None;
    }
    let unused = 64 - width(element_of(x)).min(64);
    let elements = dense_bits(op.attribute("value").ok()?)?;
    let signed = |bits: u64| (bits << unused).cast_signed() >> unused;
    elements.into_iter().map(signed).max()
}

/// The number that all elements of a tensor of signed integers are.
fn number(x: Value) -> Option<i64> {
    let op = defining_op(x)?;
    match OpKind::of(&op)? {
        OpKind::Constant if shape_of(x).is_empty() => greatest_element(op, x),
        OpKind::Broadcast | OpKind::Reshape => number(op.operand(0).ok()?),
        _ => None,
    }
}
