//! Built-ins that make tensors.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::consts::{is_float, is_integer};
use crate::check::{Checker, NodeId, Number, Reported, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "zeros",
        params: "shape, dtype=f32",
        run: |call| filled(call, 0),
    },
    Builtin {
        name: "ones",
        params: "shape, dtype=f32",
        run: |call| filled(call, 1),
    },
    Builtin {
        name: "full",
        params: "shape, value, dtype=none",
        run: full,
    },
    Builtin {
        name: "zeros_like",
        params: "x, dtype=none",
        run: |call| filled_like(call, 0),
    },
    Builtin {
        name: "ones_like",
        params: "x, dtype=none",
        run: |call| filled_like(call, 1),
    },
    Builtin {
        name: "full_like",
        params: "x, value, dtype=none",
        run: full_like,
    },
    Builtin {
        name: "arange",
        params: "start, stop=none, step=1, dtype=none",
        run: arange,
    },
    Builtin {
        name: "linspace",
        params: "start, stop, n, dtype=f32, endpoint=true",
        run: linspace,
    },
    Builtin {
        name: "iota",
        params: "shape, dtype=i32, axis=-1",
        run: iota,
    },
    Builtin {
        name: "eye",
        params: "n, m=none, k=0, dtype=f32",
        run: eye,
    },
    Builtin {
        name: "tril",
        params: "x, k=0",
        run: |call| triangle(call, "greater_equal"),
    },
    Builtin {
        name: "triu",
        params: "x, k=0",
        run: |call| triangle(call, "less_equal"),
    },
];

/// The number as an element of a dtype; `bool` takes 0 and 1.
fn small(value: i64, dtype: DType) -> Num {
    if dtype == DType::Bool {
        Num::Bool(value != 0)
    } else {
        Num::Int(value.into())
    }
}

fn filled<'a>(call: &mut Call<'_, 'a>, value: i64) -> Res<Value<'a>> {
    let shape = call.shape("shape")?;
    let dtype = call.dtype("dtype", DType::F32)?;
    let span = call.span();
    call.checker
        .check_byte_size(&TensorType::new(dtype, shape.clone()), span)?;
    call.checker
        .full(small(value, dtype), dtype, &shape, span)
        .map(Value::Tensor)
}

/// One value in every element of a shape; the dtype is that of the value unless it is given.
fn full<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let shape = call.shape("shape")?;
    let operand = call.operand("value")?;
    let span = call.span();
    let x = match (&operand.value, call.some("dtype")) {
        (_, Some(_)) => {
            let dtype = call.dtype("dtype", DType::F32)?;
            call.tensor_with("value", dtype)?
        }
        (Value::Num(num @ Num::Int(_)), None) => {
            call.checker.scalar(*num, DType::F32, operand.span)?
        }
        _ => call.as_tensor(&operand)?,
    };
    stretch(call, x, &shape, operand.span, span).map(Value::Tensor)
}

fn stretch<'a>(
    call: &mut Call<'_, 'a>,
    x: NodeId,
    shape: &[Dim],
    at: Span,
    span: Span,
) -> Res<NodeId> {
    let ty = call.checker.ty(x).clone();
    if ty.dtype == DType::Key {
        return call.error(
            Code::DL0502,
            format!("`{}` is not defined for keys", call.name),
            at,
        );
    }
    let wanted = TensorType::new(ty.dtype, shape);
    let fits = ty.rank() <= shape.len()
        && call
            .checker
            .broadcast_shape(&ty.shape, shape)
            .is_ok_and(|joined| call.checker.same_shape(&joined, shape));
    if !fits {
        return call.error(
            Code::DL0202,
            format!("`{ty}` does not broadcast to the shape of `{wanted}`"),
            at,
        );
    }
    call.checker.broadcast_to(x, shape, span)
}

/// Makes a tensor of a dtype and a shape.
type Make<'m, 'a> = &'m mut dyn FnMut(&mut Checker<'a>, DType, &[Dim]) -> Res<NodeId>;

/// A tensor of one value for each tensor of a tree.
fn like<'a>(call: &mut Call<'_, 'a>, make: Make<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let dtype = match call.some("dtype") {
        Some(_) => Some(call.dtype("dtype", DType::F32)?),
        None => None,
    };
    let name = call.name;
    call.checker
        .map_leaves(&operand.value, &mut |checker, leaf| {
            if let Value::Num(num) = leaf
                && dtype.is_none()
            {
                return make(checker, num.default_dtype(), &[]).map(Value::Tensor);
            }
            let x = checker.as_tensor(leaf, operand.span)?;
            let ty = checker.ty(x).clone();
            if ty.dtype == DType::Key {
                return checker.error(
                    Code::DL0502,
                    format!("`{name}` is not defined for keys"),
                    operand.span,
                );
            }
            make(checker, dtype.unwrap_or(ty.dtype), &ty.shape).map(Value::Tensor)
        })
}

fn filled_like<'a>(call: &mut Call<'_, 'a>, value: i64) -> Res<Value<'a>> {
    let span = call.span();
    like(call, &mut |checker, dtype, shape| {
        checker.full(small(value, dtype), dtype, shape, span)
    })
}

fn full_like<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let value = call.operand("value")?;
    let span = call.span();
    like(call, &mut |checker, dtype, shape| {
        let x = checker.as_tensor_of(&value.value, dtype, value.span)?;
        if checker.ty(x).rank() > 0 {
            return checker.error(
                Code::DL0202,
                "the value of `full_like` is a scalar",
                value.span,
            );
        }
        checker.broadcast_to(x, shape, span)
    })
}

/// `arange(stop)`, `arange(start, stop)`; a dtype may stand where the next number would.
fn arange<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let span = call.span();
    let mut numbers: Vec<Operand<'a>> = vec![call.operand("start")?];
    let mut dtype = None;
    for name in ["stop", "step"] {
        match call.given(name) {
            Some(Operand {
                value: Value::DType(given),
                ..
            }) => dtype = Some(given),
            Some(Operand {
                value: Value::None, ..
            })
            | None => {}
            Some(operand) => numbers.push(operand),
        }
    }
    if call.some("dtype").is_some() {
        dtype = Some(call.dtype("dtype", DType::I32)?);
    }
    let known: Option<Vec<Num>> = numbers
        .iter()
        .map(|operand| match operand.value {
            Value::Num(num @ (Num::Int(_) | Num::Float(_))) => Some(num),
            _ => None,
        })
        .collect();
    if let Some(known) = known
        && known.iter().any(|num| matches!(num, Num::Float(_)))
    {
        return arange_of_floats(call, &known, dtype, span).map(Value::Tensor);
    }
    let mut dims = Vec::new();
    for operand in &numbers {
        dims.push(call.dim_of(operand)?);
    }
    let (start, stop, step) = match dims.as_slice() {
        [stop] => (Dim::constant(0), stop.clone(), Dim::constant(1)),
        [start, stop] => (start.clone(), stop.clone(), Dim::constant(1)),
        [start, stop, step, ..] => (start.clone(), stop.clone(), step.clone()),
        [] => return Err(Reported),
    };
    let step_span = numbers.last().map_or(span, |operand| operand.span);
    let step = call
        .checker
        .known_number(&step, "`step` of `arange`", step_span)?;
    if step == 0 {
        return call.error(Code::DL0701, "`step` of `arange` cannot be 0", step_span);
    }
    let distance = if step > 0 {
        &stop - &start
    } else {
        &start - &stop
    };
    let size = if distance.as_const().is_some_and(|distance| distance <= 0) {
        Dim::constant(0)
    } else if !call.checker.nonnegative(distance.poly()) {
        let (low, high) = if step > 0 {
            (&start, &stop)
        } else {
            (&stop, &start)
        };
        let message = format!(
            "the length of `arange` may be negative: nothing says that `{low}` <= `{high}`"
        );
        let diagnostic = Diagnostic::error(Code::DL0213, message, span)
            .help(format!("say so: `where {high} >= {low}`"));
        return Err(call.checker.report(diagnostic));
    } else if step.abs() == 1 {
        distance
    } else {
        let rounded = &distance + &Dim::constant(step.abs() - 1);
        rounded
            .try_map(|poly| poly.floor_div(step.abs()))
            .ok_or(Reported)?
    };
    // A dim is an `i64`; its range counts elements of a tensor, which `i32` holds like any index.
    let dtype = dtype.unwrap_or(DType::I32);
    check_number_type(call, dtype, span)?;
    let mut x = positions(call.checker, size, dtype, span)?;
    if step != 1 {
        call.checker
            .check_fits(Num::Int(step.into()), dtype, step_span)?;
        x = call
            .checker
            .with_number("mul", x, Num::Int(step.into()), span)?;
    }
    if start.as_const() != Some(0) {
        if let Some(start) = start.as_const() {
            call.checker
                .check_fits(Num::Int(start.into()), dtype, numbers[0].span)?;
        }
        let start = call.checker.dim_scalar(&start, dtype, span)?;
        x = call.checker.binary_op("add", x, start, span)?;
    }
    Ok(Value::Tensor(x))
}

fn check_number_type(call: &mut Call<'_, '_>, dtype: DType, span: Span) -> Res<()> {
    if is_float(dtype) || is_integer(dtype) {
        return Ok(());
    }
    call.error(
        Code::DL0210,
        format!("`{}` makes numbers, and `{dtype}` is none", call.name),
        span,
    )
}

fn positions(checker: &mut Checker<'_>, size: Dim, dtype: DType, span: Span) -> Res<NodeId> {
    checker.check_byte_size(&TensorType::new(dtype, vec![size.clone()]), span)?;
    checker.iota(&[size], 0, dtype, span)
}

fn arange_of_floats(
    call: &mut Call<'_, '_>,
    known: &[Num],
    dtype: Option<DType>,
    span: Span,
) -> Res<NodeId> {
    const MOST: f64 = 9.0e15;
    let value = |i: usize| known.get(i).map(|num| num.to_float());
    let (start, stop) = match (value(0), value(1)) {
        (Some(start), Some(stop)) => (start, stop),
        (Some(stop), None) => (0.0, stop),
        _ => return Err(Reported),
    };
    let step = value(2).unwrap_or(1.0);
    let count = ((stop - start) / step).ceil();
    if !count.is_finite() || count > MOST {
        return call.error(Code::DL0701, "`arange` with these bounds has no end", span);
    }
    let dtype = dtype.unwrap_or(DType::F32);
    if !is_float(dtype) {
        return call.error(
            Code::DL0208,
            format!("`arange` of floats does not fit in `{dtype}`"),
            span,
        );
    }
    let x = positions(
        call.checker,
        Dim::constant(count.max(0.0) as i64),
        dtype,
        span,
    )?;
    let x = call.checker.with_number("mul", x, Num::Float(step), span)?;
    call.checker.with_number("add", x, Num::Float(start), span)
}

/// `n` numbers from `start` to `stop`; the last one is exact.
fn linspace<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let span = call.span();
    let dtype = call.dtype("dtype", DType::F32)?;
    if !is_float(dtype) {
        return call.error(
            Code::DL0210,
            format!("`linspace` makes floats, and `{dtype}` is none"),
            span,
        );
    }
    let mut start = call.tensor_with("start", dtype)?;
    let mut stop = call.tensor_with("stop", dtype)?;
    for (name, x) in [("start", start), ("stop", stop)] {
        if call.checker.ty(x).rank() > 0 {
            let operand = call.operand(name)?;
            return call.wrong(name, "a scalar", &operand);
        }
    }
    let operand = call.operand("n")?;
    let n = call.size_of(&operand)?;
    let endpoint = call.given("endpoint").is_none() || call.flag("endpoint")?;
    let checker = &mut *call.checker;
    // Small floats are computed in f32 and rounded once.
    let result = dtype;
    let dtype = match dtype {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    start = checker.convert(start, dtype, span)?;
    stop = checker.convert(stop, dtype, span)?;
    let i = positions(checker, n.clone(), dtype, span)?;
    let one = Dim::constant(1);
    let parts = if endpoint { &n - &one } else { n.clone() };
    // A single number is the start.
    let parts = if parts.as_const().is_some_and(|parts| parts < 1) {
        checker.scalar(Num::Int(1), dtype, span)?
    } else {
        let parts = checker.dim_scalar(&parts, dtype, span)?;
        let least = checker.scalar(Num::Int(1), dtype, span)?;
        checker.binary_op("maximum", parts, least, span)?
    };
    // As a weighted mean, so that both ends are exact.
    let share = checker.binary_op("div", i, parts, span)?;
    let ones = checker.full_like(Num::Int(1), share, span)?;
    let rest = checker.binary_op("sub", ones, share, span)?;
    let from = checker.binary_op("mul", rest, start, span)?;
    let to = checker.binary_op("mul", share, stop, span)?;
    let sum = checker.binary_op("add", from, to, span)?;
    checker.convert(sum, result, span).map(Value::Tensor)
}

fn iota<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let shape = call.shape("shape")?;
    let dtype = call.dtype("dtype", DType::I32)?;
    let span = call.span();
    check_number_type(call, dtype, span)?;
    let axis = call.axis("axis", shape.len(), -1)?;
    call.checker
        .check_byte_size(&TensorType::new(dtype, shape.clone()), span)?;
    call.checker
        .iota(&shape, axis, dtype, span)
        .map(Value::Tensor)
}

/// Row plus `k` compared with column.
fn band(
    checker: &mut Checker<'_>,
    shape: &[Dim],
    k: i64,
    op: &'static str,
    span: Span,
) -> Res<NodeId> {
    let rows = checker.iota(shape, 0, DType::I64, span)?;
    let columns = checker.iota(shape, 1, DType::I64, span)?;
    let rows = if k == 0 {
        rows
    } else {
        checker.with_number("add", rows, Num::Int(k.into()), span)?
    };
    checker.elementwise(op, &[rows, columns], DType::Bool, span)
}

/// The identity; `eye(n, m)` has ones on the `k`-th diagonal. A dtype may stand in the place of `m`.
fn eye<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let span = call.span();
    let operand = call.operand("n")?;
    let n = call.size_of(&operand)?;
    let mut dtype = call.dtype("dtype", DType::F32)?;
    let m = match call.some("m") {
        Some(Operand {
            value: Value::DType(given),
            ..
        }) => {
            dtype = given;
            n.clone()
        }
        Some(operand) => call.size_of(&operand)?,
        None => n.clone(),
    };
    let k = call.int("k", 0)?;
    if dtype == DType::Key {
        return call.error(Code::DL0502, "`eye` is not defined for keys", span);
    }
    let shape = [n, m];
    call.checker
        .check_byte_size(&TensorType::new(dtype, shape.to_vec()), span)?;
    let diagonal = band(call.checker, &shape, k, "equal", span)?;
    call.checker
        .convert(diagonal, dtype, span)
        .map(Value::Tensor)
}

/// The lower or upper triangle of the last two axes; zero elsewhere.
fn triangle<'a>(call: &mut Call<'_, 'a>, op: &'static str) -> Res<Value<'a>> {
    let span = call.span();
    let operand = call.operand("x")?;
    let x = call.as_tensor_of(&operand, Class::NoKey)?;
    let k = call.int("k", 0)?;
    let ty = call.checker.ty(x).clone();
    if ty.rank() < 2 {
        let message = format!("`{}` needs a matrix, and this is `{ty}`", call.name);
        return call.error(Code::DL0206, message, operand.span);
    }
    let shape = &ty.shape[ty.rank() - 2..];
    let kept = band(call.checker, shape, k, op, span)?;
    if ty.dtype == DType::Bool {
        let kept = call.checker.broadcast_to(kept, &ty.shape, span)?;
        return call
            .checker
            .elementwise("bitwise_and", &[kept, x], DType::Bool, span)
            .map(Value::Tensor);
    }
    let zero = call.checker.full_like(Num::Int(0), x, span)?;
    call.checker.select(kept, x, zero, span).map(Value::Tensor)
}
