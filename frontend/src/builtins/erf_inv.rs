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

/// XLA's approximation of `log1p` in f32 and f64: `x - x²/2 + x³ P(x) / Q(x)` where |x| is less than this.
const LOG1P_LIMIT: f64 = 0.41421356237309504;
const LOG1P_P: [f64; 7] = [
    4.5270000862445199635215e-5,
    4.9854102823193375972212e-1,
    6.5787325942061044846969e0,
    2.9911919328553073277375e1,
    6.0949667980987787057556e1,
    5.7112963590585538103336e1,
    2.0039553499201281259648e1,
];
const LOG1P_Q: [f64; 7] = [
    1.0,
    1.5062909083469192043167e1,
    8.3047565967967209469434e1,
    2.2176239823732856465394e2,
    3.0909872225312059774938e2,
    2.1642788614495947685003e2,
    6.0118660497603843919306e1,
];

/// The number whose error function is `x`; infinite where `x` is 1 or -1. 16-bit floats are computed in `f32`. The
/// operations are those that XLA's CPU back end executes, in which products and sums are fused.
pub(super) fn erf_inv(checker: &mut Checker<'_>, x: NodeId, span: Span) -> Res<NodeId> {
    let dtype = checker.dtype(x);
    if matches!(dtype, DType::F16 | DType::BF16) {
        let wide = checker.convert(x, DType::F32, span)?;
        let result = erf_inv(checker, wide, span)?;
        return checker.convert(result, dtype, span);
    }
    let negative = checker.unary("neg", x, span)?;
    let square = checker.binary_op("mul", x, negative, span)?;
    let log = log1p(checker, square, span)?;
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

/// `log(1 + x)` as XLA has it, for `x` in (-1, 0].
fn log1p(checker: &mut Checker<'_>, x: NodeId, span: Span) -> Res<NodeId> {
    let p = horner(checker, &LOG1P_P, x, span)?;
    let q = horner(checker, &LOG1P_Q, x, span)?;
    let quotient = checker.binary_op("div", p, q, span)?;
    let square = checker.binary_op("mul", x, x, span)?;
    let cube = checker.binary_op("mul", x, square, span)?;
    let tail = checker.binary_op("mul", cube, quotient, span)?;
    let half = checker.full_like(Num::Float(-0.5), x, span)?;
    let tail = fma(checker, square, half, tail, span)?;
    let small = checker.binary_op("add", x, tail, span)?;
    let sum = checker.with_number("add", x, Num::Float(1.0), span)?;
    let large = log(checker, sum, span)?;
    let size = checker.unary("abs", x, span)?;
    below(checker, size, LOG1P_LIMIT, small, large, span)
}

/// The natural logarithm of normal positive numbers, in `f32` the one of XLA: with x = m 2^e, m in [√½, √2), a
/// polynomial in m - 1 (Cephes, Moshier), of which three parts are computed side by side.
pub(super) fn log(checker: &mut Checker<'_>, x: NodeId, span: Span) -> Res<NodeId> {
    if checker.dtype(x) != DType::F32 {
        return checker.unary("log", x, span);
    }
    let bits = checker.elementwise("bitcast", &[x], DType::I32, span)?;
    let exponent = checker.with_number("shift_right", bits, Num::Int(23), span)?;
    let exponent = checker.with_number("sub", exponent, Num::Int(126), span)?;
    let exponent = checker.convert(exponent, DType::F32, span)?;
    let fraction = checker.with_number("bitwise_and", bits, Num::Int(0x7f_ffff), span)?;
    let fraction = checker.with_number("bitwise_or", fraction, Num::Int(0x3f00_0000), span)?;
    // In [½, 1).
    let m = checker.elementwise("bitcast", &[fraction], DType::F32, span)?;
    let root = f64::from(std::f32::consts::FRAC_1_SQRT_2);
    let less_one = checker.with_number("sub", m, Num::Float(1.0), span)?;
    let doubled = checker.binary_op("add", less_one, m, span)?;
    let m_1 = below(checker, m, root, doubled, less_one, span)?;
    let lower = checker.with_number("sub", exponent, Num::Float(1.0), span)?;
    let e = below(checker, m, root, lower, exponent, span)?;

    let square = checker.binary_op("mul", m_1, m_1, span)?;
    let cube = checker.binary_op("mul", square, m_1, span)?;
    let parts = [
        [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1],
        [-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1],
        [2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1],
    ];
    let [a, b, c] = parts.map(|part| horner(checker, &part, m_1, span));
    let y = fma(checker, a?, cube, b?, span)?;
    let y = fma(checker, y, cube, c?, span)?;
    // ln 2 in two parts.
    let low = checker.with_number("mul", e, Num::Float(-2.12194440e-4), span)?;
    let y = fma(checker, y, cube, low, span)?;
    let half = checker.full_like(Num::Float(-0.5), x, span)?;
    let head = fma(checker, square, half, m_1, span)?;
    let sum = checker.binary_op("add", head, y, span)?;
    let high = checker.full_like(Num::Float(0.693359375), x, span)?;
    fma(checker, e, high, sum, span)
}

/// `a * b + c` with one rounding.
pub(super) fn fma(
    checker: &mut Checker<'_>,
    a: NodeId,
    b: NodeId,
    c: NodeId,
    span: Span,
) -> Res<NodeId> {
    let dtype = checker.dtype(a);
    checker.elementwise("fma", &[a, b, c], dtype, span)
}

/// The polynomial of these coefficients, that of the highest power first.
fn horner(checker: &mut Checker<'_>, coefficients: &[f64], x: NodeId, span: Span) -> Res<NodeId> {
    let mut sum = checker.full_like(Num::Float(coefficients[0]), x, span)?;
    for coefficient in &coefficients[1..] {
        let next = checker.full_like(Num::Float(*coefficient), x, span)?;
        sum = fma(checker, sum, x, next, span)?;
    }
    Ok(sum)
}

/// The polynomial at `x - shift`.
fn polynomial(
    checker: &mut Checker<'_>,
    coefficients: &[f64],
    x: NodeId,
    shift: f64,
    span: Span,
) -> Res<NodeId> {
    let x = checker.with_number("sub", x, Num::Float(shift), span)?;
    horner(checker, coefficients, x, span)
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
