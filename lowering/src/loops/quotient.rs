//! Quotients of many numbers by one: by its reciprocal, corrected so that they are rounded as a division is.
//! Source: Markstein, Computation of elementary functions on the IBM RISC System/6000 processor (1990).

use crate::{
    emit::Emitter,
    scalar::{cmpf, number},
};
use melior::ir::{Value, ValueLike};

/// Bits of exponent within which the divisor must lie for the remainder to be exact where it matters.
const RANGE: i32 = 60;

/// `x / divisor`, x a vector or a scalar, as a vector. With q near x / d and r near 1 / d, the remainder x - q d is exact,
/// and q + r (x - q d) is rounded right. A quotient without remainder, infinite or NaN is q itself; for a divisor
/// out of range there is a division. Results below the least normal number may be one unit off.
pub fn by_scalar<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: Value<'c, 'a>,
    divisor: Value<'c, 'a>,
    lanes: i64,
) -> Value<'c, 'a> {
    let element = divisor.r#type();
    let ty = e.ty(&format!("vector<{lanes}x{element}>"));
    let spread = |e: &Emitter<'c, 'a>, value: Value<'c, 'a>| match value.r#type() == ty {
        true => value,
        false => e.op("vector.broadcast", &[value], ty),
    };
    let reciprocal = e.op("arith.divf", &[number(e, element, "1"), divisor], element);
    let magnitude = e.op("math.absf", &[divisor], element);
    let bound = |exponent: i32| number(e, element, &format!("{:e}", f64::from(exponent).exp2()));
    let low = cmpf(e, "oge", magnitude, bound(-RANGE));
    let high = cmpf(e, "ole", magnitude, bound(RANGE));
    let inside = e.op("arith.andi", &[low, high], e.int_type(1));
    let (x, d) = (spread(e, x), spread(e, divisor));
    let results = e.if_else(
        inside,
        &[ty],
        |e| {
            let r = spread(e, reciprocal);
            let q = e.op("arith.mulf", &[x, r], ty);
            let minus_q = e.op("arith.negf", &[q], ty);
            let rest = e.op("math.fma", &[minus_q, d, x], ty);
            let better = e.op("math.fma", &[rest, r, q], ty);
            let some = cmpf(e, "one", rest, spread(e, number(e, element, "0")));
            let magnitude = e.op("math.absf", &[q], ty);
            let finite = cmpf(e, "one", magnitude, spread(e, number(e, element, "inf")));
            let use_better = e.op("arith.andi", &[some, finite], some.r#type());
            vec![e.select(use_better, better, q)]
        },
        |e| vec![e.op("arith.divf", &[x, d], ty)],
    );
    results[0]
}
