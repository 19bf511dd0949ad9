//! Expands functions on floats into arithmetic, so that no call of a math library is left.
//!
//! Before:
//! ```mlir
//! %1 = math.exp %0 : vector<16xf32>
//! ```
//! After, among others:
//! ```mlir
//! %t = math.fma %0, %log2e, %magic : vector<16xf32>
//! %n = arith.subf %t, %magic : vector<16xf32>
//! ```
//!
//! *Requires*: scalars or vectors of f32 and f64; f16 and bf16 are computed in f32. `scf` must still be lowered after
//! this pass, since sin, cos, tan and remainders loop for large arguments.
//! *Ensures*: of `math`, only ops that are instructions of the target are left: absf, copysign, sqrt, fma where
//! `dl.target` says so, rounding from SSE4.1 on, and integer ops. Also gone: `arith.remf`, `maximumf`, `minimumf`,
//! `maxnumf`, `minnumf`, `floordivsi`, `ceildivsi`, `ceildivui`, and conversions that LLVM would call its runtime for.
//! An op without an expansion is an error that names it. Errors are below 2.5 units in the last place for exp, log,
//! tanh and erf, and below 4 for the others.
//! `maximumf` and `minimumf` order the zeros.

use crate::math::Float;
use crate::{emit::Emitter, math::Math, schedule::Target, walk};
use dlc_dialects::{
    ir::shape::{element_of, shape_of},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, Type, TypeLike, Value, ValueLike, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "expand-math",
    summary: "Expand functions on floats into arithmetic, with no library calls",
    anchor: Anchor::Func,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, func: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(func);
    for op in walk::inside(func) {
        let name = op.name();
        let name = name.as_string_ref();
        let name = name.as_str().unwrap_or_default();
        if !name.starts_with("math.") && !name.starts_with("arith.") {
            continue;
        }
        let e = Emitter::before(cx, op);
        let values = match expand(&e, &target, name, op)? {
            Expansion::Stays => continue,
            Expansion::To(values) => values,
        };
        IrRewriter::new(cx)
            .as_rewriter_base()
            .replace_op_with_values(op, &values);
    }
    Ok(())
}

enum Expansion<'c, 'a> {
    Stays,
    To(Vec<Value<'c, 'a>>),
}

fn expand<'c, 'a>(
    e: &Emitter<'c, 'a>,
    target: &Target,
    name: &str,
    op: OperationRef<'c, 'a>,
) -> Result<Expansion<'c, 'a>, PassError<'c>> {
    let operands: Vec<_> = op.operands().collect();
    if name.starts_with("arith.") {
        return Ok(match arithmetic(e, target, name, op, &operands) {
            Some(value) => Expansion::To(vec![value]),
            None => Expansion::Stays,
        });
    }
    match name {
        "math.absf" | "math.copysign" | "math.sqrt" => return Ok(Expansion::Stays),
        "math.fma" if target.fma => return Ok(Expansion::Stays),
        "math.floor" | "math.ceil" | "math.trunc" | "math.roundeven" if target.round => {
            return Ok(Expansion::Stays);
        }
        "math.absi" | "math.ctlz" | "math.cttz" | "math.ctpop" => return Ok(Expansion::Stays),
        "math.isfinite" | "math.isinf" | "math.isnan" | "math.isnormal" => {
            return Ok(Expansion::Stays);
        }
        "math.ipowi" => {
            let m = Math::integers(*e, operands[0]);
            return Ok(Expansion::To(vec![m.int_pow(operands[0], operands[1])]));
        }
        _ => {}
    }
    let half = half_type(operands[0]);
    let (first, rest) = operands.split_first().expect("math ops have operands");
    let raise = |x: &Value<'c, 'a>| raise(e, target, *x);
    let first = raise(first);
    let Some(m) = Math::new(*e, target, first) else {
        let message = format!("`{name}` has no expansion on {}", element_of(first));
        return Err(PassError::at(&op, message));
    };
    let results = match rest {
        _ if name == "math.sincos" => Some(m.sin_cos(first)).map(|(sin, cos)| vec![sin, cos]),
        [] => unary(&m, name, first).map(|result| vec![result]),
        [n] if name == "math.fpowi" => Some(vec![integer_power(e, &m, first, *n)]),
        [second] => binary(&m, name, first, raise(second)).map(|result| vec![result]),
        [second, third] => {
            ternary(&m, name, first, raise(second), raise(third)).map(|result| vec![result])
        }
        _ => None,
    };
    let Some(results) = results else {
        return Err(PassError::at(&op, format!("`{name}` has no expansion")));
    };
    let lower = |x: Value<'c, 'a>| match half {
        Some(Half::Bf16) => m.to_bf16(x),
        Some(Half::F16) if target.converts_f16() => e.op("arith.truncf", &[x], op_type(op)),
        Some(Half::F16) => m.to_f16(x),
        None => x,
    };
    Ok(Expansion::To(results.into_iter().map(lower).collect()))
}

fn unary<'c, 'a>(m: &Math<'c, 'a>, name: &str, x: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
    Some(match name {
        "math.exp" => m.exp(x),
        "math.exp2" => m.exp2(x),
        "math.expm1" => m.expm1(x),
        "math.log" => m.log(x),
        "math.log1p" => m.log1p(x),
        "math.log2" => m.log2(x),
        "math.log10" => m.log10(x),
        "math.sin" => m.sin(x),
        "math.cos" => m.cos(x),
        "math.tan" => m.tan(x),
        "math.asin" => m.asin(x),
        "math.acos" => m.acos(x),
        "math.atan" => m.atan(x),
        "math.sinh" => m.sinh(x),
        "math.cosh" => m.cosh(x),
        "math.tanh" => m.tanh(x),
        "math.asinh" => m.asinh(x),
        "math.acosh" => m.acosh(x),
        "math.atanh" => m.atanh(x),
        "math.erf" => m.erf(x),
        "math.cbrt" => m.cbrt(x),
        "math.rsqrt" => m.div(m.c(1.0), m.sqrt(x)),
        "math.floor" => m.floor(x),
        "math.ceil" => m.ceil(x),
        "math.trunc" => m.trunc(x),
        "math.round" => m.round(x),
        "math.roundeven" => m.nearest(x),
        _ => return None,
    })
}

fn binary<'c, 'a>(
    m: &Math<'c, 'a>,
    name: &str,
    x: Value<'c, 'a>,
    y: Value<'c, 'a>,
) -> Option<Value<'c, 'a>> {
    Some(match name {
        "math.powf" => m.pow(x, y),
        "math.atan2" => m.atan2(x, y),
        _ => return None,
    })
}

fn ternary<'c, 'a>(
    m: &Math<'c, 'a>,
    name: &str,
    x: Value<'c, 'a>,
    y: Value<'c, 'a>,
    z: Value<'c, 'a>,
) -> Option<Value<'c, 'a>> {
    Some(match name {
        "math.fma" => m.fused(x, y, z),
        "math.clampf" => m.minimum(m.maximum(x, y), z),
        _ => return None,
    })
}

fn integer_power<'c, 'a>(
    e: &Emitter<'c, 'a>,
    m: &Math<'c, 'a>,
    x: Value<'c, 'a>,
    n: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let integers = Math::integers(*e, n);
    let y = e.op("arith.sitofp", &[n], m.float_type());
    let (zero, one) = (integers.i(0), integers.i(1));
    let odd = integers.int_is(integers.int("andi", n, one), crate::emit::Int::Ne, zero);
    let none = integers.int_is(n, crate::emit::Int::Eq, zero);
    m.pow_int(x, y, odd, none)
}

/// The `arith` ops that are no instructions.
fn arithmetic<'c, 'a>(
    e: &Emitter<'c, 'a>,
    target: &Target,
    name: &str,
    op: OperationRef<'c, 'a>,
    operands: &[Value<'c, 'a>],
) -> Option<Value<'c, 'a>> {
    match name {
        "arith.floordivsi" | "arith.ceildivsi" => {
            let m = Math::integers(*e, operands[0]);
            Some(m.rounded_quotient(name == "arith.ceildivsi", operands[0], operands[1]))
        }
        "arith.ceildivui" => {
            let m = Math::integers(*e, operands[0]);
            let below = m.int("divui", m.int("subi", operands[0], m.i(1)), operands[1]);
            let none = m.int_is(operands[0], crate::emit::Int::Eq, m.i(0));
            Some(m.select(none, m.i(0), m.int("addi", below, m.i(1))))
        }
        "arith.remf" | "arith.maximumf" | "arith.minimumf" | "arith.maxnumf" | "arith.minnumf" => {
            let half = half_type(operands[0]);
            let (x, y) = (raise(e, target, operands[0]), raise(e, target, operands[1]));
            let m = Math::new(*e, target, x)?;
            let result = match name {
                "arith.remf" => m.remainder(x, y),
                "arith.maximumf" => m.maximum(x, y),
                "arith.minimumf" => m.minimum(x, y),
                "arith.maxnumf" => m.number_extreme(Float::Ogt, x, y),
                _ => m.number_extreme(Float::Olt, x, y),
            };
            Some(match half {
                Some(Half::Bf16) => m.to_bf16(result),
                Some(Half::F16) if target.converts_f16() => {
                    e.op("arith.truncf", &[result], op_type(op))
                }
                Some(Half::F16) => m.to_f16(result),
                None => result,
            })
        }
        "arith.extf" => {
            half_type(operands[0]).filter(|half| *half == Half::Bf16 || !target.converts_f16())?;
            let raised = raise(e, target, operands[0]);
            Some(match element(op_type(op)) {
                ty if ty.is_f64() => e.op("arith.extf", &[raised], op_type(op)),
                _ => raised,
            })
        }
        "arith.sitofp" | "arith.uitofp" => {
            // Canonicalisation makes these of a conversion to f32 and one to f16.
            half_of(element(op_type(op)))
                .filter(|half| *half == Half::F16 && !target.converts_f16())?;
            let wide = match &shape_of(operands[0])[..] {
                [] => e.ty("f32"),
                dims => {
                    let dims = dims.iter().map(|dim| format!("{dim}x")).collect::<String>();
                    e.ty(&format!("vector<{dims}f32>"))
                }
            };
            let x = e.op(name, operands, wide);
            Some(Math::new(*e, target, x)?.to_f16(x))
        }
        "arith.truncf" => {
            let half = half_of(element(op_type(op)))
                .filter(|half| *half == Half::Bf16 || !target.converts_f16())?;
            let m = Math::new(*e, target, operands[0])?;
            // From f64 by way of f32, which may round twice.
            let (m, x) = match m.is_wide() {
                false => (m, operands[0]),
                true => {
                    let narrow = m.narrowed();
                    let x = narrow.truncate(operands[0]);
                    (narrow, x)
                }
            };
            Some(match half {
                Half::Bf16 => m.to_bf16(x),
                Half::F16 => m.to_f16(x),
            })
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Half {
    F16,
    Bf16,
}

fn half_of(element: Type) -> Option<Half> {
    match () {
        () if element.is_f16() => Some(Half::F16),
        () if element.is_bf16() => Some(Half::Bf16),
        () => None,
    }
}

fn half_type(value: Value) -> Option<Half> {
    half_of(element_of(value))
}

fn element(ty: Type<'_>) -> Type<'_> {
    dlc_dialects::ir::shape::element(ty)
}

fn op_type<'c>(op: OperationRef<'c, '_>) -> Type<'c> {
    op.result(0).expect("an op with a result").r#type()
}

/// f32 in place of f16 and bf16.
fn raise<'c, 'a>(e: &Emitter<'c, 'a>, target: &Target, x: Value<'c, 'a>) -> Value<'c, 'a> {
    let Some(half) = half_type(x) else { return x };
    let m = Math::narrow(*e, target, shape_of(x));
    match half {
        Half::Bf16 => m.from_bf16(x),
        Half::F16 if target.converts_f16() => e.op("arith.extf", &[x], m.float_type()),
        Half::F16 => m.from_f16(x),
    }
}
