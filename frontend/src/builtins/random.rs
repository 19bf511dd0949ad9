//! Built-ins of random numbers: those of `jax.random` with Threefry-2x32 and partitionable counters, bit by bit where
//! only integers and exact floats are involved.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::convert::keys_of_bits;
use crate::builtins::erf_inv::{erf_inv, fma, log};
use crate::builtins::nn::dropped;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::consts::{integer_range, is_float, is_integer};
use crate::check::{Checker, NodeId, Number, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "split_key",
        params: "key, n=2",
        run: split_key,
    },
    Builtin {
        name: "uniform",
        params: "key, shape=[], dtype=f32, minval=0, maxval=1",
        run: uniform,
    },
    Builtin {
        name: "normal",
        params: "key, shape=[], dtype=f32",
        run: normal,
    },
    Builtin {
        name: "randint",
        params: "key, shape, minval, maxval, dtype=i32",
        run: randint,
    },
    Builtin {
        name: "bernoulli",
        params: "key, p=0.5, shape=none",
        run: bernoulli,
    },
    Builtin {
        name: "categorical",
        params: "key, logits, axis=-1",
        run: categorical,
    },
    Builtin {
        name: "dropout",
        params: "key, x, rate",
        run: dropout,
    },
];

/// The key of a random function, which uses it.
pub(super) fn key<'a>(call: &mut Call<'_, 'a>) -> Res<NodeId> {
    let operand = call.operand("key")?;
    let name = call.name;
    let Value::Tensor(key) = operand.value else {
        if let Value::Num(_) = operand.value {
            let text = call.checker.sources.slice(operand.span).to_string();
            let diagnostic = Diagnostic::error(
                Code::DL0209,
                format!("`{name}` takes a key, and this is a number"),
                operand.span,
            )
            .suggest("make a key of it", operand.span, format!("key({text})"));
            return Err(call.checker.report(diagnostic));
        }
        return call.wrong("key", "a key", &operand);
    };
    let ty = call.checker.ty(key).clone();
    if ty.dtype != DType::Key {
        let message = format!("`{name}` takes a key first, and this is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0209, message, operand.span);
        if is_integer(ty.dtype) && ty.rank() == 0 {
            let text = call.checker.sources.slice(operand.span).to_string();
            diagnostic =
                diagnostic.suggest("make a key of it", operand.span, format!("key({text})"));
        }
        return Err(call.checker.report(diagnostic));
    }
    if ty.rank() > 0 {
        let diagnostic = Diagnostic::error(
            Code::DL0209,
            format!("`{name}` takes one key, and this is `{ty}`"),
            operand.span,
        )
        .help("`map(|k| …, keys)` goes over them");
        return Err(call.checker.report(diagnostic));
    }
    call.checker
        .use_key(key, operand.span, &format!("`{name}`"))?;
    Ok(key)
}

pub(super) fn bits(
    checker: &mut Checker<'_>,
    key: NodeId,
    dtype: DType,
    shape: &[Dim],
    span: Span,
) -> Res<NodeId> {
    let ty = TensorType::new(dtype, shape);
    checker.check_byte_size(&ty, span)?;
    checker.node(Prim::RandomBits, &[key], ty, span)
}

/// `n` keys of one: key i is what Threefry makes of the counter i.
pub(super) fn keys_of(checker: &mut Checker<'_>, key: NodeId, n: &Dim, span: Span) -> Res<NodeId> {
    let bits = bits(checker, key, DType::U64, std::slice::from_ref(n), span)?;
    let high = checker.with_number("shift_right", bits, Num::Int(32), span)?;
    let high = checker.convert(high, DType::U32, span)?;
    let low = checker.convert(bits, DType::U32, span)?;
    keys_of_bits(checker, high, low, span)
}

fn split_key<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let n = match call.some("n") {
        Some(operand) => call.size_of(&operand)?,
        None => Dim::constant(2),
    };
    let span = call.span();
    keys_of(call.checker, key, &n, span).map(Value::Tensor)
}

/// Reports a dtype other than a float.
fn float_type(call: &mut Call<'_, '_>) -> Res<DType> {
    let dtype = call.dtype("dtype", DType::F32)?;
    if is_float(dtype) {
        return Ok(dtype);
    }
    let at = call
        .given("dtype")
        .map_or(call.site.span, |operand| operand.span);
    let mut diagnostic = Diagnostic::error(
        Code::DL0210,
        format!("`{}` makes floats, and `{dtype}` is none", call.name),
        at,
    );
    if is_integer(dtype) {
        diagnostic = diagnostic.help("`randint(key, shape, minval, maxval)` makes integers");
    }
    Err(call.checker.report(diagnostic))
}

/// Numbers in [0, 1): random bits as the mantissa of numbers in [1, 2), less 1.
fn unit(
    checker: &mut Checker<'_>,
    key: NodeId,
    dtype: DType,
    shape: &[Dim],
    span: Span,
) -> Res<NodeId> {
    let (wide, shift, one) = match dtype {
        DType::F32 => (DType::U32, 9, 0x3f80_0000i128),
        DType::F64 => (DType::U64, 12, 0x3ff0_0000_0000_0000),
        _ => return narrow_unit(checker, key, dtype, shape, span),
    };
    let bits = bits(checker, key, wide, shape, span)?;
    let mantissa = checker.with_number("shift_right", bits, Num::Int(shift), span)?;
    let pattern = checker.with_number("bitwise_or", mantissa, Num::Int(one), span)?;
    let float = checker.elementwise("bitcast", &[pattern], dtype, span)?;
    checker.with_number("sub", float, Num::Float(1.0), span)
}

/// The same for 16-bit floats. Their mantissas are small integers, which a division by a power of two makes exact.
fn narrow_unit(
    checker: &mut Checker<'_>,
    key: NodeId,
    dtype: DType,
    shape: &[Dim],
    span: Span,
) -> Res<NodeId> {
    let (mantissa, scale) = if dtype == DType::BF16 {
        // 7 bits of mantissa: 8 random bits do.
        let bits = bits(checker, key, DType::U8, shape, span)?;
        (
            checker.with_number("shift_right", bits, Num::Int(1), span)?,
            128.0,
        )
    } else {
        // 16 random bits are the lower half of 32; the upper 10 of them are the mantissa.
        let bits = bits(checker, key, DType::U32, shape, span)?;
        let half = checker.with_number("bitwise_and", bits, Num::Int(0xffff), span)?;
        (
            checker.with_number("shift_right", half, Num::Int(6), span)?,
            1024.0,
        )
    };
    let float = checker.convert(mantissa, dtype, span)?;
    checker.with_number("div", float, Num::Float(scale), span)
}

/// A bound: a number or a tensor that broadcasts to a shape.
fn bound<'a>(
    call: &mut Call<'_, 'a>,
    name: &str,
    default: f64,
    dtype: DType,
    shape: &[Dim],
) -> Res<NodeId> {
    let Some(operand) = call.some(name) else {
        let span = call.span();
        return call.checker.scalar(Num::Float(default), dtype, span);
    };
    let x = call.tensor_with(name, dtype)?;
    let ty = call.checker.ty(x).clone();
    let fits = ty.rank() <= shape.len()
        && call
            .checker
            .broadcast_shape(&ty.shape, shape)
            .is_ok_and(|joined| call.checker.same_shape(&joined, shape));
    if !fits {
        let wanted = TensorType::new(dtype, shape);
        let message = format!("`{name}` is `{ty}`, which does not broadcast to `{wanted}`");
        return call.error(Code::DL0202, message, operand.span);
    }
    Ok(x)
}

/// The shape of what is made; a scalar by default.
fn shape_of(call: &mut Call<'_, '_>) -> Res<Vec<Dim>> {
    if call.some("shape").is_some() {
        call.shape("shape")
    } else {
        Ok(Vec::new())
    }
}

/// `unit * (high - low) + low`, rounded once as XLA's fused multiplication and addition does, but in `bf16`, where XLA
/// rounds twice.
fn scaled(
    checker: &mut Checker<'_>,
    unit: NodeId,
    low: NodeId,
    high: NodeId,
    span: Span,
) -> Res<NodeId> {
    let dtype = checker.dtype(unit);
    let width = checker.binary_op("sub", high, low, span)?;
    let moved = if dtype == DType::BF16 {
        let product = checker.binary_op("mul", unit, width, span)?;
        checker.binary_op("add", product, low, span)?
    } else {
        let wide = if dtype == DType::F16 {
            DType::F64
        } else {
            dtype
        };
        let shape = checker.shape(unit);
        let mut operands = [unit, width, low];
        for x in &mut operands {
            *x = checker.convert(*x, wide, span)?;
            *x = checker.broadcast_to(*x, &shape, span)?;
        }
        let [unit, width, low] = operands;
        let moved = fma(checker, unit, width, low, span)?;
        checker.convert(moved, dtype, span)?
    };
    checker.binary_op("maximum", low, moved, span)
}

/// The same for a width that is a power of two, with which the product is exact.
fn scaled_exactly(
    checker: &mut Checker<'_>,
    unit: NodeId,
    low: f64,
    width: f64,
    span: Span,
) -> Res<NodeId> {
    let product = checker.with_number("mul", unit, Num::Float(width), span)?;
    checker.with_number("add", product, Num::Float(low), span)
}

fn uniform<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let shape = shape_of(call)?;
    let dtype = float_type(call)?;
    let span = call.span();
    let plain = call.some("minval").is_none() && call.some("maxval").is_none();
    let low = bound(call, "minval", 0.0, dtype, &shape)?;
    let high = bound(call, "maxval", 1.0, dtype, &shape)?;
    let unit = unit(call.checker, key, dtype, &shape, span)?;
    if plain {
        return Ok(Value::Tensor(unit));
    }
    scaled(call.checker, unit, low, high, span).map(Value::Tensor)
}

/// `sqrt(2) * erf_inv(u)` for `u` in (-1, 1).
fn normal<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let shape = shape_of(call)?;
    let dtype = float_type(call)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    // The number of the dtype next to -1.
    let least = match dtype {
        DType::F64 => -1.0 + f64::EPSILON / 2.0,
        DType::F16 => -1.0 + 2f64.powi(-11),
        DType::BF16 => -1.0 + 2f64.powi(-8),
        _ => f64::from(-1.0 + f32::EPSILON / 2.0),
    };
    let unit = unit(checker, key, dtype, &shape, span)?;
    // 1 less that number is 2 when rounded.
    let u = scaled_exactly(checker, unit, least, 2.0, span)?;
    let quantile = erf_inv(checker, u, span)?;
    checker
        .with_number("mul", quantile, Num::Float(std::f64::consts::SQRT_2), span)
        .map(Value::Tensor)
}

/// Integers in `minval..maxval`, from twice as many bits as they have, so that none is favoured. Those of 8 bits are
/// made as `i32`.
fn randint<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let shape = shape_of(call)?;
    let result = call.dtype("dtype", DType::I32)?;
    let span = call.span();
    let Some((least, greatest)) = integer_range(result) else {
        let message = format!("`randint` makes integers, and `{result}` is none");
        let diagnostic = Diagnostic::error(Code::DL0210, message, span)
            .help("`uniform(key, shape, dtype)` makes floats");
        return Err(call.checker.report(diagnostic));
    };
    let dtype = if result.size() < 4 {
        DType::I32
    } else {
        result
    };
    let (low_operand, high_operand) = (call.operand("minval")?, call.operand("maxval")?);
    let literal = |operand: &Operand<'a>| match operand.value {
        Value::Num(Num::Int(value)) => Some(value),
        _ => None,
    };
    if let (Some(low), Some(high)) = (literal(&low_operand), literal(&high_operand)) {
        if high <= low {
            let message = format!("`randint` from {low} to {high}: there is no number");
            return call.error(Code::DL0701, message, span);
        }
        if low < least || high > greatest + 1 {
            let message = format!("`randint` from {low} to {high} does not fit in `{result}`");
            return call.error(Code::DL0208, message, span);
        }
    }
    // One past the greatest may be named as the end.
    let to_end = dtype == result && literal(&high_operand) == Some(greatest + 1);
    let low = range_bound(call, "minval", &low_operand, result, dtype, &shape)?;
    let high = if to_end {
        call.checker.scalar(Num::Int(greatest), dtype, span)?
    } else {
        range_bound(call, "maxval", &high_operand, result, dtype, &shape)?
    };
    let unsigned = if dtype.size() == 4 {
        DType::U32
    } else {
        DType::U64
    };
    let checker = &mut *call.checker;
    let keys = keys_of(checker, key, &Dim::constant(2), span)?;
    let mut parts = Vec::new();
    for i in 0..2 {
        let at = checker.scalar(Num::Int(i), DType::I64, span)?;
        let key = checker.take(keys, at, 0, span)?;
        parts.push(bits(checker, key, unsigned, &shape, span)?);
    }
    let (upper, lower) = (parts[0], parts[1]);
    let offset = if to_end && literal(&low_operand) == Some(least) {
        // All numbers of the dtype.
        lower
    } else {
        let width = checker.binary_op("sub", high, low, span)?;
        let width = checker.convert(width, unsigned, span)?;
        let none = checker.compare("less_equal", high, low, span)?;
        let one = checker.scalar(Num::Int(1), unsigned, span)?;
        let width = if to_end {
            checker.binary_op("add", width, one, span)?
        } else {
            width
        };
        let width = checker.select(none, one, width, span)?;
        let half = checker.scalar(Num::Int(1 << (unsigned.size() * 4)), unsigned, span)?;
        let factor = checker.binary_op("rem", half, width, span)?;
        let factor = checker.binary_op("mul", factor, factor, span)?;
        let factor = checker.binary_op("rem", factor, width, span)?;
        let upper = checker.binary_op("rem", upper, width, span)?;
        let upper = checker.binary_op("mul", upper, factor, span)?;
        let lower = checker.binary_op("rem", lower, width, span)?;
        let sum = checker.binary_op("add", upper, lower, span)?;
        checker.binary_op("rem", sum, width, span)?
    };
    let offset = checker.convert(offset, dtype, span)?;
    let sum = checker.binary_op("add", low, offset, span)?;
    checker.convert(sum, result, span).map(Value::Tensor)
}

/// A bound of integers: a number, a dim or a tensor of the dtype of the result, as the dtype that is computed with.
fn range_bound<'a>(
    call: &mut Call<'_, 'a>,
    name: &str,
    operand: &Operand<'a>,
    result: DType,
    dtype: DType,
    shape: &[Dim],
) -> Res<NodeId> {
    let span = call.span();
    match &operand.value {
        Value::Num(num) => {
            call.checker.check_fits(*num, dtype, operand.span)?;
            call.checker.scalar(*num, dtype, operand.span)
        }
        Value::Dim(dim) => call.checker.dim_scalar(dim, dtype, span),
        _ => {
            let x = bound(call, name, 0.0, result, shape)?;
            call.checker.convert(x, dtype, span)
        }
    }
}

/// Whether a uniform number is below the probability.
fn coin(
    checker: &mut Checker<'_>,
    key: NodeId,
    p: NodeId,
    shape: &[Dim],
    span: Span,
) -> Res<NodeId> {
    let dtype = checker.dtype(p);
    let unit = unit(checker, key, dtype, shape, span)?;
    checker.compare("less", unit, p, span)
}

fn bernoulli<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let span = call.span();
    let (mut p, mut shape) = (call.some("p"), call.some("shape"));
    // The shape may stand first, as it does elsewhere.
    if matches!(&p, Some(operand) if matches!(operand.value, Value::List(_) | Value::Tuple(_))) {
        std::mem::swap(&mut p, &mut shape);
    }
    let share = match &p {
        Some(operand) => call.as_tensor_of(operand, Class::Float)?,
        None => call.checker.scalar(Num::Float(0.5), DType::F32, span)?,
    };
    let ty = call.checker.ty(share).clone();
    let shape = match shape {
        None => ty.shape.clone(),
        Some(operand) => {
            let items = call
                .items(&operand)
                .unwrap_or_else(|| vec![operand.clone()]);
            let sizes: Vec<Res<Dim>> = items.iter().map(|item| call.size_of(item)).collect();
            sizes.into_iter().collect::<Res<Vec<_>>>()?
        }
    };
    let fits = ty.rank() <= shape.len()
        && call
            .checker
            .broadcast_shape(&ty.shape, &shape)
            .is_ok_and(|joined| call.checker.same_shape(&joined, &shape));
    if !fits {
        let wanted = TensorType::new(DType::Bool, shape);
        let message = format!("`p` is `{ty}`, which does not broadcast to `{wanted}`");
        return call.error(
            Code::DL0202,
            message,
            p.map_or(span, |operand| operand.span),
        );
    }
    coin(call.checker, key, share, &shape, span).map(Value::Tensor)
}

/// `argmax(logits + gumbel)` along an axis.
fn categorical<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let logits = call.tensor_of("logits", Class::Float)?;
    let ty = call.checker.ty(logits).clone();
    let axis = call.axis("axis", ty.rank(), -1)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let tiny = match ty.dtype {
        DType::F64 => f64::MIN_POSITIVE,
        DType::F16 => 2f64.powi(-14),
        _ => f64::from(f32::MIN_POSITIVE),
    };
    let unit = unit(checker, key, ty.dtype, &ty.shape, span)?;
    let mut x = scaled_exactly(checker, unit, tiny, 1.0, span)?;
    for _ in 0..2 {
        let wide = match checker.dtype(x) {
            DType::F64 => x,
            _ => checker.convert(x, DType::F32, span)?,
        };
        let log = log(checker, wide, span)?;
        let log = checker.convert(log, ty.dtype, span)?;
        x = checker.unary("neg", log, span)?;
    }
    let sum = checker.binary_op("add", x, logits, span)?;
    let mut shape = ty.shape;
    shape.remove(axis);
    let ty = TensorType::new(DType::I32, shape);
    checker
        .node(
            Prim::ArgReduce {
                kind: "argmax",
                axis,
            },
            &[sum],
            ty,
            span,
        )
        .map(Value::Tensor)
}

/// Each element is dropped with probability `rate`; the others grow so that the mean stays.
fn dropout<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let key = key(call)?;
    let operand = call.operand("x")?;
    let x = call.as_tensor_of(&operand, Class::Float)?;
    let ty = call.checker.ty(x).clone();
    let rate = call.operand("rate")?;
    let span = call.span();
    let share = match rate.value {
        Value::Num(num @ (Num::Int(_) | Num::Float(_))) => {
            let rate_value = num.to_float();
            if !(0.0..=1.0).contains(&rate_value) {
                let message = format!("a rate is at least 0 and at most 1, and this is {num}");
                return call.error(Code::DL0701, message, rate.span);
            }
            // All are dropped; 0 as share of what is kept would make a derivative of 0 / 0.
            if rate_value == 1.0 {
                return call
                    .checker
                    .full_like(Num::Int(0), x, span)
                    .map(Value::Tensor);
            }
            call.checker
                .scalar(Num::Float(1.0 - rate_value), ty.dtype, span)?
        }
        _ => {
            let rate_value = call.tensor_with("rate", ty.dtype)?;
            if call.checker.ty(rate_value).rank() > 0 {
                return call.wrong("rate", "a scalar", &rate);
            }
            let one = call.checker.scalar(Num::Float(1.0), ty.dtype, span)?;
            call.checker.binary_op("sub", one, rate_value, span)?
        }
    };
    let keep = coin(call.checker, key, share, &ty.shape, span)?;
    dropped(call, &operand, keep, share)
}
