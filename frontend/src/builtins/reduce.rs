//! Built-ins: reductions.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::class::Class;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "sum",
        params: "x, *, axis=none, keepdims=false",
        run: |call| plain(call, "sum"),
    },
    Builtin {
        name: "prod",
        params: "x, *, axis=none, keepdims=false",
        run: |call| plain(call, "prod"),
    },
    Builtin {
        name: "max",
        params: "x, *, axis=none, keepdims=false",
        run: |call| extreme(call, "max", "any"),
    },
    Builtin {
        name: "min",
        params: "x, *, axis=none, keepdims=false",
        run: |call| extreme(call, "min", "all"),
    },
    Builtin {
        name: "all",
        params: "x, *, axis=none, keepdims=false",
        run: |call| truth(call, "all"),
    },
    Builtin {
        name: "any",
        params: "x, *, axis=none, keepdims=false",
        run: |call| truth(call, "any"),
    },
    Builtin {
        name: "mean",
        params: "x, *, axis=none, keepdims=false",
        run: mean,
    },
    Builtin {
        name: "var",
        params: "x, *, axis=none, keepdims=false, correction=0",
        run: |call| variance(call, false),
    },
    Builtin {
        name: "std",
        params: "x, *, axis=none, keepdims=false, correction=0",
        run: |call| variance(call, true),
    },
    Builtin {
        name: "logsumexp",
        params: "x, *, axis=none, keepdims=false",
        run: logsumexp,
    },
    Builtin {
        name: "argmax",
        params: "x, *, axis=none, keepdims=false",
        run: |call| arg_reduce(call, "argmax"),
    },
    Builtin {
        name: "argmin",
        params: "x, *, axis=none, keepdims=false",
        run: |call| arg_reduce(call, "argmin"),
    },
    Builtin {
        name: "count_nonzero",
        params: "x, *, axis=none, keepdims=false",
        run: count_nonzero,
    },
];

/// The axes to reduce; all of them by default.
fn axes(call: &mut Call<'_, '_>, x: NodeId) -> Res<Vec<usize>> {
    let rank = call.checker.ty(x).rank();
    Ok(call
        .axes("axis", rank)?
        .unwrap_or_else(|| (0..rank).collect()))
}

/// The operand of a sum or product: truth values count as 0 and 1 of `i32`.
pub(super) fn counted(call: &mut Call<'_, '_>) -> Res<NodeId> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let span = call.span();
    match call.checker.dtype(x) {
        DType::Bool => call.checker.convert(x, DType::I32, span),
        _ => Ok(x),
    }
}

/// The operand of an order: false comes before true, as 0 before 1.
pub(super) fn ordered(call: &mut Call<'_, '_>) -> Res<NodeId> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let span = call.span();
    match call.checker.dtype(x) {
        DType::Bool => call.checker.convert(x, DType::U8, span),
        _ => Ok(x),
    }
}

/// The operand of a mean: integers and truth values count as `f32`.
fn floats(call: &mut Call<'_, '_>) -> Res<NodeId> {
    let operand = call.operand("x")?;
    let class = match operand.value {
        Value::Num(_) => Class::Float,
        _ => Class::NoKey,
    };
    let x = call.as_tensor_of(&operand, class)?;
    let span = call.span();
    match Class::Float.has(call.checker.dtype(x)) {
        true => Ok(x),
        false => call.checker.convert(x, DType::F32, span),
    }
}

fn plain<'a>(call: &mut Call<'_, 'a>, kind: &'static str) -> Res<Value<'a>> {
    let x = counted(call)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    let span = call.span();
    call.checker
        .reduce(kind, x, &axes, keepdims, span)
        .map(Value::Tensor)
}

/// The greatest or least element; of truth values it is `any` or `all`.
fn extreme<'a>(
    call: &mut Call<'_, 'a>,
    kind: &'static str,
    of_truths: &'static str,
) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    check_not_empty(call, x, &axes)?;
    let kind = match call.checker.dtype(x) {
        DType::Bool => of_truths,
        _ => kind,
    };
    let span = call.span();
    call.checker
        .reduce(kind, x, &axes, keepdims, span)
        .map(Value::Tensor)
}

/// The greatest of no elements is nothing; reports an axis of size 0.
fn check_not_empty(call: &mut Call<'_, '_>, x: NodeId, axes: &[usize]) -> Res<()> {
    let ty = call.checker.ty(x).clone();
    if axes
        .iter()
        .any(|axis| ty.shape[*axis].as_const() == Some(0))
    {
        let message = format!("`{}` of no elements: this is `{ty}`", call.name);
        let span = call.operand("x")?.span;
        return call.error(Code::DL0206, message, span);
    }
    Ok(())
}

fn truth<'a>(call: &mut Call<'_, 'a>, kind: &'static str) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = call.as_tensor(&operand)?;
    let ty = call.checker.ty(x).clone();
    if ty.dtype != DType::Bool && ty.dtype != DType::Key {
        let message = format!("`{kind}` is defined for `bool`, and this is `{ty}`");
        let text = call.checker.sources.slice(operand.span).to_string();
        let diagnostic = Diagnostic::error(Code::DL0210, message, operand.span).suggest(
            "compare it",
            operand.span,
            format!("{text} != 0"),
        );
        return Err(call.checker.report(diagnostic));
    }
    call.check_class(x, Class::Bool, operand.span)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    let span = call.span();
    call.checker
        .reduce(kind, x, &axes, keepdims, span)
        .map(Value::Tensor)
}

/// The mean over axes.
pub(super) fn mean_over(
    checker: &mut Checker<'_>,
    x: NodeId,
    axes: &[usize],
    keepdims: bool,
    span: Span,
) -> Res<NodeId> {
    let count = checker.element_count(&checker.shape(x), axes);
    let sum = checker.reduce("sum", x, axes, keepdims, span)?;
    divide_by_dim(checker, sum, &count, span)
}

fn divide_by_dim(checker: &mut Checker<'_>, x: NodeId, dim: &Dim, span: Span) -> Res<NodeId> {
    if dim.as_const() == Some(1) {
        return Ok(x);
    }
    let dtype = checker.dtype(x);
    let count = checker.dim_scalar(dim, dtype, span)?;
    checker.binary_op("div", x, count, span)
}

fn mean<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = floats(call)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    let span = call.span();
    mean_over(call.checker, x, &axes, keepdims, span).map(Value::Tensor)
}

/// `x` less its mean over axes.
pub(super) fn centered(
    checker: &mut Checker<'_>,
    x: NodeId,
    axes: &[usize],
    span: Span,
) -> Res<NodeId> {
    let mean = mean_over(checker, x, axes, true, span)?;
    checker.binary_op("sub", x, mean, span)
}

fn variance<'a>(call: &mut Call<'_, 'a>, root: bool) -> Res<Value<'a>> {
    let x = floats(call)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    let correction = call.int("correction", 0)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let distance = centered(checker, x, &axes, span)?;
    let square = checker.unary("square", distance, span)?;
    let sum = checker.reduce("sum", square, &axes, keepdims, span)?;
    let count = &checker.element_count(&checker.shape(x), &axes) - &Dim::constant(correction);
    if count.as_const().is_some_and(|count| count <= 0) {
        let message = format!("`{}` of {count} degrees of freedom", call.name);
        return call.error(Code::DL0701, message, span);
    }
    let variance = divide_by_dim(checker, sum, &count, span)?;
    if root {
        checker.unary("sqrt", variance, span)
    } else {
        Ok(variance)
    }
    .map(Value::Tensor)
}

/// The greatest element along axes as a constant that is subtracted before `exp`: no derivative passes through it. Where
/// it is infinite 0 stands for it, so that `inf - inf` does not arise.
pub(super) fn shift_of(
    checker: &mut Checker<'_>,
    x: NodeId,
    axes: &[usize],
    span: Span,
) -> Res<NodeId> {
    let max = checker.reduce("max", x, axes, true, span)?;
    let max = checker.unary("stop_gradient", max, span)?;
    let finite = checker.elementwise("isfinite", &[max], DType::Bool, span)?;
    let zero = checker.full_like(Num::Int(0), max, span)?;
    checker.elementwise("select", &[finite, max, zero], checker.dtype(max), span)
}

/// `log(sum(exp(x)))` over axes, which stay with size 1 where `keepdims`.
pub(super) fn logsumexp_over(
    checker: &mut Checker<'_>,
    x: NodeId,
    axes: &[usize],
    keepdims: bool,
    span: Span,
) -> Res<NodeId> {
    let shift = shift_of(checker, x, axes, span)?;
    let shifted = checker.binary_op("sub", x, shift, span)?;
    let powers = checker.unary("exp", shifted, span)?;
    let sum = checker.reduce("sum", powers, axes, true, span)?;
    let log = checker.unary("log", sum, span)?;
    let result = checker.binary_op("add", log, shift, span)?;
    if keepdims {
        return Ok(result);
    }
    let shape = checker.shape(x);
    let kept: Vec<Dim> = shape
        .iter()
        .enumerate()
        .filter(|(axis, _)| !axes.contains(axis))
        .map(|(_, dim)| dim.clone())
        .collect();
    checker.reshape(result, &kept, span)
}

fn logsumexp<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    check_not_empty(call, x, &axes)?;
    let span = call.span();
    if axes.is_empty() {
        return Ok(Value::Tensor(x));
    }
    logsumexp_over(call.checker, x, &axes, keepdims, span).map(Value::Tensor)
}

/// The position of the greatest or least element along an axis, or among all elements in their order.
fn arg_reduce<'a>(call: &mut Call<'_, 'a>, kind: &'static str) -> Res<Value<'a>> {
    let mut x = ordered(call)?;
    let span = call.span();
    let keepdims = call.flag("keepdims")?;
    let whole = call.checker.shape(x);
    let (axis, axes) = match call.some("axis") {
        Some(_) => {
            let axis = call.axis("axis", whole.len(), 0)?;
            (axis, vec![axis])
        }
        None => {
            let all: Vec<usize> = (0..whole.len()).collect();
            let count = call.checker.element_count(&whole, &all);
            x = call.checker.reshape(x, &[count], span)?;
            (0, all)
        }
    };
    if call.checker.shape(x)[axis].as_const() == Some(0) {
        check_not_empty(call, x, &[axis])?;
    }
    let mut shape = call.checker.shape(x);
    shape.remove(axis);
    let index = call.checker.node(
        Prim::ArgReduce { kind, axis },
        &[x],
        TensorType::new(DType::I32, shape),
        span,
    )?;
    if keepdims {
        call.checker.keep_axes(index, &whole, &axes, span)
    } else {
        Ok(index)
    }
    .map(Value::Tensor)
}

fn count_nonzero<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let (axes, keepdims) = (axes(call, x)?, call.flag("keepdims")?);
    let span = call.span();
    let truth = call.checker.convert(x, DType::Bool, span)?;
    let ones = call.checker.convert(truth, DType::I32, span)?;
    call.checker
        .reduce("sum", ones, &axes, keepdims, span)
        .map(Value::Tensor)
}
