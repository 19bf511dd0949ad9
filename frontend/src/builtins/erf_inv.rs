//! The inverse of the error function, by the polynomials that XLA has.
//!
//! M. Giles, Approximating the erfinv function (2010): with `w = -log(1 - x²)`, a polynomial in `w` where it is small
//! and polynomials in `sqrt(w)` where it is not, times `x`.

#![allow(
    clippy::excessive_precision,
    reason = "the coefficients are as published"
)]

use crate::ast::{DType, Span};
use crate::check::{Checker, NodeId, Res};
use crate::core::Num;

/// Single precision: for `w - 2.5` where `w < 5`, and for `sqrt(w) - 3`.
const SINGLE: [[f64; 9]; 2] = [
    [
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    ],
    [
        -0.000200214257,
        0.000100950558,
        0.00134934322,
        -0.00367342844,
        0.00573950773,
        -0.0076224613,
        0.00943887047,
        1.00167406,
        2.83297682,
    ],
];

/// Double precision, for `w - 3.125` where `w < 6.25`.
const DOUBLE_NEAR: [f64; 23] = [
    -3.6444120640178196996e-21,
    -1.685059138182016589e-19,
    1.2858480715256400167e-18,
    1.115787767802518096e-17,
    -1.333171662854620906e-16,
    2.0972767875968561637e-17,
    6.6376381343583238325e-15,
    -4.0545662729752068639e-14,
    -8.1519341976054721522e-14,
    2.6335093153082322977e-12,
    -1.2975133253453532498e-11,
    -5.4154120542946279317e-11,
    1.051212273321532285e-09,
    -4.1126339803469836976e-09,
    -2.9070369957882005086e-08,
    4.2347877827932403518e-07,
    -1.3654692000834678645e-06,
    -1.3882523362786468719e-05,
    0.0001867342080340571352,
    -0.00074070253416626697512,
    -0.0060336708714301490533,
    0.24015818242558961693,
    1.6536545626831027356,
];

/// For `sqrt(w) - 3.25` where `w < 16`.
const DOUBLE_MIDDLE: [f64; 19] = [
    2.2137376921775787049e-09,
    9.0756561938885390979e-08,
    -2.7517406297064545428e-07,
    1.8239629214389227755e-08,
    1.5027403968909827627e-06,
    -4.013867526981545969e-06,
    2.9234449089955446044e-06,
    1.2475304481671778723e-05,
    -4.7318229009055733981e-05,
    6.8284851459573175448e-05,
    2.4031110387097893999e-05,
    -0.0003550375203628474796,
    0.00095328937973738049703,
    -0.0016882755560235047313,
    0.0024914420961078508066,
    -0.0037512085075692412107,
    0.005370914553590063617,
    1.0052589676941592334,
    3.0838856104922207635,
];

/// For `sqrt(w) - 5`.
const DOUBLE_FAR: [f64; 17] = [
    -2.7109920616438573243e-11,
    -2.5556418169965252055e-10,
    1.5076572693500548083e-09,
    -3.7894654401267369937e-09,
    7.6157012080783393804e-09,
    -1.4960026627149240478e-08,
    2.9147953450901080826e-08,
    -6.7711997758452339498e-08,
    2.2900482228026654717e-07,
    -9.9298272942317002539e-07,
    4.5260625972231537039e-06,
    -1.9681778105531670567e-05,
    7.5995277030017761139e-05,
    -0.00021503011930044477347,
    -0.00013871931833623122026,
    1.0103004648645343977,
    4.8499064014085844221,
];

/// The number whose error function is `x`; infinite where `x` is 1 or -1. 16-bit floats are computed in `f32`.
pub(super) fn erf_inv(checker: &mut Checker<'_>, x: NodeId, span: Span) -> Res<NodeId> {
    let dtype = checker.dtype(x);
    if matches!(dtype, DType::F16 | DType::BF16) {
        let wide = checker.convert(x, DType::F32, span)?;
        let result = erf_inv(checker, wide, span)?;
        return checker.convert(result, dtype, span);
    }
    let negative = checker.unary("neg", x, span)?;
    let square = checker.binary_op("mul", x, negative, span)?;
    let log = checker.unary("log1p", square, span)?;
    let w = checker.unary("neg", log, span)?;
    let root = checker.unary("sqrt", w, span)?;
    let p = if dtype == DType::F64 {
        let near = polynomial(checker, &DOUBLE_NEAR, w, 3.125, span)?;
        let middle = polynomial(checker, &DOUBLE_MIDDLE, root, 3.25, span)?;
        let far = polynomial(checker, &DOUBLE_FAR, root, 5.0, span)?;
        let outer = below(checker, w, 16.0, middle, far, span)?;
        below(checker, w, 6.25, near, outer, span)?
    } else {
        let near = polynomial(checker, &SINGLE[0], w, 2.5, span)?;
        let far = polynomial(checker, &SINGLE[1], root, 3.0, span)?;
        below(checker, w, 5.0, near, far, span)?
    };
    let result = checker.binary_op("mul", p, x, span)?;
    let size = checker.unary("abs", x, span)?;
    let one = checker.full_like(Num::Float(1.0), x, span)?;
    let edge = checker.compare("equal", size, one, span)?;
    let infinite = checker.with_number("mul", x, Num::Float(f64::INFINITY), span)?;
    checker.select(edge, infinite, result, span)
}

/// The polynomial of these coefficients, that of the highest power first, at `x - shift`.
fn polynomial(
    checker: &mut Checker<'_>,
    coefficients: &[f64],
    x: NodeId,
    shift: f64,
    span: Span,
) -> Res<NodeId> {
    let x = checker.with_number("sub", x, Num::Float(shift), span)?;
    let mut sum = checker.full_like(Num::Float(coefficients[0]), x, span)?;
    for coefficient in &coefficients[1..] {
        let product = checker.binary_op("mul", sum, x, span)?;
        sum = checker.with_number("add", product, Num::Float(*coefficient), span)?;
    }
    Ok(sum)
}

/// `a` where `w` is below a limit, else `b`.
fn below(
    checker: &mut Checker<'_>,
    w: NodeId,
    limit: f64,
    a: NodeId,
    b: NodeId,
    span: Span,
) -> Res<NodeId> {
    let limit = checker.full_like(Num::Float(limit), w, span)?;
    let less = checker.compare("less", w, limit, span)?;
    checker.select(less, a, b, span)
}
