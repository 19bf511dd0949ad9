//! Conversion between any two element types, on registers.

use crate::{
    emit::Emitter,
    scalar::{cmpf, cmpi, compute_type, narrow, number, register_type, widen},
};
use dlc_dialects::ir::shape::{
    ElementClass::{self, Bool, Float, Signed, Unsigned},
    class, width,
};
use melior::ir::{Type, TypeLike, Value, ValueLike};

/// The register of element type `to` for one of `from`: float to integer truncates toward zero and saturates, NaN
/// gives 0; integer to integer wraps; to bool is `x != 0`; to float rounds to nearest even.
pub fn convert<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    from: Type<'c>,
    to: Type<'c>,
) -> Value<'c, 'a> {
    match (class(from), class(to)) {
        (Float, Float) => float_to_float(e, widen(e, x), to),
        (Float, Bool) => {
            let x = widen(e, x);
            cmpf(e, "une", x, number(e, x.r#type(), "0"))
        }
        (Float, integer) => float_to_int(e, widen(e, x), integer, to),
        (Bool, Bool) => x,
        (Bool, Float) => {
            // In f32 where the type is small: not every processor selects halves.
            let ty = compute_type(e, to);
            narrow(e, to, e.select(x, number(e, ty, "1"), number(e, ty, "0")))
        }
        (Bool, _) => e.op("arith.extui", &[x], register_type(e, to)),
        (_, Bool) => cmpi(e, "ne", x, number(e, x.r#type(), "0")),
        (integer, Float) => int_to_float(e, x, integer, to),
        (integer, _) => int_to_int(e, x, integer, register_type(e, to)),
    }
}

fn int_to_int<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    from: ElementClass,
    to: Type<'c>,
) -> Value<'c, 'a> {
    let extend = if from == Unsigned {
        "arith.extui"
    } else {
        "arith.extsi"
    };
    match width(x.r#type()).cmp(&width(to)) {
        std::cmp::Ordering::Less => e.op(extend, &[x], to),
        std::cmp::Ordering::Equal => x,
        std::cmp::Ordering::Greater => e.op("arith.trunci", &[x], to),
    }
}

fn int_to_float<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    from: ElementClass,
    to: Type<'c>,
) -> Value<'c, 'a> {
    let op = if from == Unsigned {
        "arith.uitofp"
    } else {
        "arith.sitofp"
    };
    if width(to) >= 32 {
        return e.op(op, &[x], to);
    }
    // Eight bits fit f32, more go through f64, so that the result is rounded once.
    let f64 = e.ty("f64");
    match width(x.r#type()) {
        8 => narrow(e, to, e.op(op, &[x], e.ty("f32"))),
        64 => float_to_float(e, long_to_double(e, x, from, op), to),
        _ => float_to_float(e, e.op(op, &[x], f64), to),
    }
}

/// An f64 that rounds to fewer bits as the integer of 64 bits does: one that f64 can't hold loses its last bits, the
/// last of those that stay set if one of them was.
fn long_to_double<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    from: ElementClass,
    op: &str,
) -> Value<'c, 'a> {
    const LOST: u32 = 11;
    let (i64, f64) = (x.r#type(), e.ty("f64"));
    let constant = |value: i128| number(e, i64, &value.to_string());
    let apply = |op: &str, a, b| e.op(op, &[a, b], i64);
    let limit = 1i128 << (64 - LOST);
    let (shift, held) = match from {
        Unsigned => ("arith.shrui", cmpi(e, "ule", x, constant(limit))),
        _ => {
            let above = apply("arith.addi", x, constant(limit));
            ("arith.shrsi", cmpi(e, "ule", above, constant(2 * limit)))
        }
    };
    let kept = apply(shift, x, constant(i128::from(LOST)));
    let rest = apply("arith.andi", x, constant((1 << LOST) - 1));
    let sticky = e.op("arith.extui", &[cmpi(e, "ne", rest, constant(0))], i64);
    let odd = e.op(op, &[apply("arith.ori", kept, sticky)], f64);
    let scale = number(e, f64, &format!("{}.0", 1 << LOST));
    let large = e.op("arith.mulf", &[odd, scale], f64);
    e.select(held, e.op(op, &[x], f64), large)
}

/// From f32 or f64 to any float.
fn float_to_float<'c, 'a>(e: &Emitter<'c, 'a>, x: Value<'c, 'a>, to: Type<'c>) -> Value<'c, 'a> {
    match (width(x.r#type()), width(to)) {
        (a, b) if a == b => x,
        (32, 64) => e.op("arith.extf", &[x], to),
        (64, 32) => e.op("arith.truncf", &[x], to),
        (64, _) => narrow(e, to, round_to_odd(e, x)),
        _ => narrow(e, to, x),
    }
}

/// The f32 that lies next to an f64 toward zero, its last bit set if they differ: rounding it to fewer bits gives
/// what rounding the f64 would.
/// Source: Boldo and Melquiond, Emulation of a FMA and correctly rounded sums (2008).
fn round_to_odd<'c, 'a>(e: &Emitter<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
    let (f32, f64, i32) = (e.ty("f32"), x.r#type(), e.int_type(32));
    let near = e.op("arith.truncf", &[x], f32);
    let back = e.op("arith.extf", &[near], f64);
    let bits = e.op("arith.bitcast", &[near], i32);
    let above = cmpf(
        e,
        "ogt",
        e.op("math.absf", &[back], f64),
        e.op("math.absf", &[x], f64),
    );
    let above = e.op("arith.extui", &[above], i32);
    let inexact = e.op("arith.extui", &[cmpf(e, "one", back, x)], i32);
    let toward_zero = e.sub(bits, above);
    let odd = e.op("arith.ori", &[toward_zero, inexact], i32);
    e.op("arith.bitcast", &[odd], f32)
}

/// From f32 or f64 to an integer.
fn float_to_int<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    class: ElementClass,
    to: Type<'c>,
) -> Value<'c, 'a> {
    let bits = width(to);
    let (float, to) = (x.r#type(), register_type(e, to));
    let limit = |text: i128| number(e, float, &format!("{text}.0"));
    let (low, high) = match class {
        Signed => (-(1i128 << (bits - 1)), 1i128 << (bits - 1)),
        _ => (0, 1i128 << bits),
    };
    let reaches = cmpf(e, "oge", x, limit(low));
    let inside = e.op(
        "arith.andi",
        &[reaches, cmpf(e, "olt", x, limit(high))],
        e.int_type(1),
    );
    let safe = e.select(inside, x, number(e, float, "0"));
    // Eight bits go through 32, which the machine has.
    let op = if class == Signed {
        "arith.fptosi"
    } else {
        "arith.fptoui"
    };
    let whole = match bits {
        8 => e.op(
            "arith.trunci",
            &[e.op("arith.fptosi", &[safe], e.int_type(32))],
            to,
        ),
        _ => e.op(op, &[safe], to),
    };
    // What is outside is above, below or NaN; NaN and unsigned below give the 0 of `safe`.
    let too_high = cmpf(e, "oge", x, limit(high));
    let result = e.select(too_high, number(e, to, &(high - 1).to_string()), whole);
    match class {
        Signed => e.select(
            cmpf(e, "olt", x, limit(low)),
            number(e, to, &low.to_string()),
            result,
        ),
        _ => result,
    }
}

/// A non-negative `index` as the register of a number type.
pub fn from_index<'c, 'a>(
    e: &Emitter<'c, 'a>,
    index: Value<'c, 'a>,
    to: Type<'c>,
) -> Value<'c, 'a> {
    let i64 = e.int_type(64);
    let wide = e.op("arith.index_cast", &[index], i64);
    convert(e, wide, i64, to)
}

/// Whether a type is a float of which sums are accumulated in f32.
pub fn accumulates_wide(ty: Type) -> bool {
    ty.is_f16() || ty.is_bf16()
}
