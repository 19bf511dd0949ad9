//! Vectors: their types, and the combination of their lanes.

use crate::{emit::Emitter, scalar};
use dlc_dialects::ir::shape::{self, ElementClass, class, width};
use melior::ir::{Type, Value};

/// The type of so many elements.
pub fn vector<'c>(e: &Emitter<'c, '_>, lanes: i64, element: Type<'c>) -> Type<'c> {
    e.ty(&format!("vector<{lanes}x{element}>"))
}

/// A vector of zeros.
pub fn zeros<'c, 'a>(e: &Emitter<'c, 'a>, ty: Type<'c>, element: Type<'c>) -> Value<'c, 'a> {
    let zero = match class(element) {
        ElementClass::Float => "0.0",
        ElementClass::Bool => "false",
        _ => "0",
    };
    e.constant(ty, e.attr(&format!("dense<{zero}> : {ty}")))
}

/// A vector of what changes nothing in a combination.
pub fn neutral<'c, 'a>(
    e: &Emitter<'c, 'a>,
    name: &str,
    element: Type<'c>,
    lanes: i64,
) -> Value<'c, 'a> {
    let scalar = neutral_element(e, name, element);
    e.op("vector.broadcast", &[scalar], vector(e, lanes, element))
}

/// What changes nothing in a combination.
pub fn neutral_element<'c, 'a>(
    e: &Emitter<'c, 'a>,
    name: &str,
    element: Type<'c>,
) -> Value<'c, 'a> {
    let bits = width(element);
    let text = match name {
        "arith.mulf" | "arith.muli" => "1".to_string(),
        "arith.maximumf" => "-inf".into(),
        "arith.minimumf" => "inf".into(),
        "arith.maxsi" => (-(1i128 << (bits - 1))).to_string(),
        "arith.minsi" => ((1i128 << (bits - 1)) - 1).to_string(),
        "arith.minui" | "arith.andi" => "-1".into(),
        _ => "0".into(),
    };
    scalar::number(e, element, &text)
}

/// A vector of `lanes` that combines the elements of a longer one: halves, then their halves.
pub fn fold<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    lanes: i64,
    combine: impl Fn(Value<'c, 'a>, Value<'c, 'a>) -> Value<'c, 'a>,
) -> Value<'c, 'a> {
    let (mut value, mut length) = (value, shape::shape_of(value)[0]);
    while length > lanes {
        length /= 2;
        value = combine(part(e, value, 0, length), part(e, value, length, length));
    }
    value
}

/// So many elements of a vector from one on.
pub fn part<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    from: i64,
    count: i64,
) -> Value<'c, 'a> {
    let attributes = [
        ("offsets", e.attr(&format!("[{from}]"))),
        ("sizes", e.attr(&format!("[{count}]"))),
        ("strides", e.attr("[1]")),
    ];
    let ty = vector(e, count, shape::element_of(value));
    e.op_with("vector.extract_strided_slice", &[value], ty, &attributes)
}

/// The element of a vector of one.
pub fn extract_lane<'c, 'a>(e: &Emitter<'c, 'a>, value: Value<'c, 'a>) -> Value<'c, 'a> {
    let at = [("static_position", e.attr("array<i64: 0>"))];
    e.op_with("vector.extract", &[value], shape::element_of(value), &at)
}
