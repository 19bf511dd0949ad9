//! Built-ins of neural networks.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::elementwise::pair;
use crate::builtins::indexing::ids_of;
use crate::builtins::reduce::{centered, mean_over};
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "relu",
        params: "x",
        run: relu,
    },
    Builtin {
        name: "gelu",
        params: "x, exact=false",
        run: gelu,
    },
    Builtin {
        name: "silu",
        params: "x",
        run: silu,
    },
    Builtin {
        name: "elu",
        params: "x, alpha=1",
        run: elu,
    },
    Builtin {
        name: "leaky_relu",
        params: "x, slope=0.01",
        run: leaky_relu,
    },
    Builtin {
        name: "log_sigmoid",
        params: "x",
        run: log_sigmoid,
    },
    Builtin {
        name: "softmax",
        params: "x, axis=-1",
        run: |call| softmax(call, false),
    },
    Builtin {
        name: "log_softmax",
        params: "x, axis=-1",
        run: |call| softmax(call, true),
    },
    Builtin {
        name: "layer_norm",
        params: "x, scale=none, bias=none, eps=1e-5",
        run: layer_norm,
    },
    Builtin {
        name: "rms_norm",
        params: "x, scale=none, eps=1e-6",
        run: rms_norm,
    },
    Builtin {
        name: "batch_norm",
        params: "x, mean, var, scale=none, bias=none, eps=1e-5",
        run: batch_norm,
    },
    Builtin {
        name: "attention",
        params: "q, k, v, mask=none, causal=false, scale=none",
        run: attention,
    },
    Builtin {
        name: "embedding",
        params: "ids, table",
        run: embedding,
    },
    Builtin {
        name: "cross_entropy",
        params: "logits, labels",
        run: cross_entropy,
    },
];

/// `where(x > 0, x, 0)`, so that the derivative at 0 is 0.
fn relu<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Number)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.full_like(Num::Int(0), x, span)?;
    // NaN stays.
    let negative = checker.compare("less_equal", x, zero, span)?;
    checker.select(negative, zero, x, span).map(Value::Tensor)
}

/// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))`, or with `erf(x / sqrt(2))` where `exact`.
fn gelu<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let exact = call.flag("exact")?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let inner = if exact {
        let scaled =
            checker.with_number("mul", x, Num::Float(std::f64::consts::FRAC_1_SQRT_2), span)?;
        checker.unary("erf", scaled, span)?
    } else {
        let square = checker.unary("square", x, span)?;
        let cube = checker.binary_op("mul", square, x, span)?;
        let cube = checker.with_number("mul", cube, Num::Float(0.044715), span)?;
        let sum = checker.binary_op("add", x, cube, span)?;
        let scaled = checker.with_number(
            "mul",
            sum,
            Num::Float((2.0 / std::f64::consts::PI).sqrt()),
            span,
        )?;
        checker.unary("tanh", scaled, span)?
    };
    let sum = checker.with_number("add", inner, Num::Float(1.0), span)?;
    let half = checker.with_number("mul", x, Num::Float(0.5), span)?;
    checker.binary_op("mul", half, sum, span).map(Value::Tensor)
}

fn silu<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let gate = checker.unary("sigmoid", x, span)?;
    checker.binary_op("mul", x, gate, span).map(Value::Tensor)
}

/// A parameter that is one number, as a tensor of a dtype.
fn scalar_of<'a>(call: &mut Call<'_, 'a>, name: &str, default: f64, dtype: DType) -> Res<NodeId> {
    let Some(operand) = call.some(name) else {
        let span = call.span();
        return call.checker.scalar(Num::Float(default), dtype, span);
    };
    let x = call.tensor_with(name, dtype)?;
    if call.checker.ty(x).rank() > 0 {
        return call.wrong(name, "a scalar", &operand);
    }
    Ok(x)
}

/// `where(x > 0, x, alpha * expm1(x))`; `expm1` does not see what it would overflow on.
fn elu<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let dtype = call.checker.dtype(x);
    let alpha = scalar_of(call, "alpha", 1.0, dtype)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.full_like(Num::Int(0), x, span)?;
    let positive = checker.compare("greater", x, zero, span)?;
    // Any number that does not overflow, but 0: LLVM takes that for a minimum, of which -0 may come out as 0.
    let one = checker.full_like(Num::Int(1), x, span)?;
    let safe = checker.select(positive, one, x, span)?;
    let power = checker.unary("expm1", safe, span)?;
    let negative = checker.binary_op("mul", power, alpha, span)?;
    checker
        .select(positive, x, negative, span)
        .map(Value::Tensor)
}

fn leaky_relu<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let dtype = call.checker.dtype(x);
    let slope = scalar_of(call, "slope", 0.01, dtype)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.full_like(Num::Int(0), x, span)?;
    let positive = checker.compare("greater", x, zero, span)?;
    let negative = checker.binary_op("mul", x, slope, span)?;
    checker
        .select(positive, x, negative, span)
        .map(Value::Tensor)
}

fn log_sigmoid<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let negative = checker.unary("neg", x, span)?;
    let softplus = checker.unary("softplus", negative, span)?;
    checker.unary("neg", softplus, span).map(Value::Tensor)
}

/// `x` less its greatest element along axes, which counts as a constant: the result of a softmax does not depend on
/// it, and so neither does its derivative.
fn shifted(checker: &mut Checker<'_>, x: NodeId, axes: &[usize], span: Span) -> Res<NodeId> {
    let max = checker.reduce("max", x, axes, true, span)?;
    let max = checker.unary("stop_gradient", max, span)?;
    checker.binary_op("sub", x, max, span)
}

/// The softmax along axes.
fn softmax_over(checker: &mut Checker<'_>, x: NodeId, axes: &[usize], span: Span) -> Res<NodeId> {
    let shifted = shifted(checker, x, axes, span)?;
    let powers = checker.unary("exp", shifted, span)?;
    let sum = checker.reduce("sum", powers, axes, true, span)?;
    checker.binary_op("div", powers, sum, span)
}

fn softmax<'a>(call: &mut Call<'_, 'a>, log: bool) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let rank = call.checker.ty(x).rank();
    let axes = match (call.given("axis"), call.axes("axis", rank)?) {
        (None, _) => vec![call.axis("axis", rank, -1)?],
        (Some(_), Some(axes)) => axes,
        (Some(_), None) => (0..rank).collect(),
    };
    let (checker, span) = (&mut *call.checker, call.site.span);
    if !log {
        return softmax_over(checker, x, &axes, span).map(Value::Tensor);
    }
    let shifted = shifted(checker, x, &axes, span)?;
    let powers = checker.unary("exp", shifted, span)?;
    let sum = checker.reduce("sum", powers, &axes, true, span)?;
    let log = checker.unary("log", sum, span)?;
    checker
        .binary_op("sub", shifted, log, span)
        .map(Value::Tensor)
}

/// Multiplies by, or adds, a vector over one axis of `x`, if it is given.
fn with_vector<'a>(
    call: &mut Call<'_, 'a>,
    x: NodeId,
    op: &'static str,
    name: &str,
    axis: usize,
) -> Res<NodeId> {
    let Some(operand) = call.some(name) else {
        return Ok(x);
    };
    let vector = vector_over(call, &operand, name, x, axis)?;
    let span = call.span();
    call.checker.binary_op(op, x, vector, span)
}

/// A vector over one axis of `x`, or a scalar, in a shape that broadcasts.
fn vector_over<'a>(
    call: &mut Call<'_, 'a>,
    operand: &Operand<'a>,
    name: &str,
    x: NodeId,
    axis: usize,
) -> Res<NodeId> {
    let ty = call.checker.ty(x).clone();
    let vector = call.tensor_with(name, ty.dtype)?;
    let found = call.checker.ty(vector).clone();
    if found.rank() == 0 {
        return Ok(vector);
    }
    let size = &ty.shape[axis];
    if found.rank() != 1
        || !(call.checker.same_dim(&found.shape[0], size) || found.shape[0].as_const() == Some(1))
    {
        let wanted = TensorType::new(ty.dtype, vec![size.clone()]);
        let message = format!(
            "`{name}` of `{}` is `{found}`, expected `{wanted}`",
            call.name
        );
        let mut diagnostic = Diagnostic::error(Code::DL0217, message, operand.span);
        if found.rank() == 1 {
            let note = call.checker.compare_note(&found.shape[0], size);
            diagnostic = diagnostic.note(note);
        }
        let diagnostic = call.checker.origins(diagnostic, &[vector, x]);
        return Err(call.checker.report(diagnostic));
    }
    let mut shape = found.shape;
    shape.resize(ty.rank() - axis, Dim::constant(1));
    let span = call.span();
    call.checker.reshape(vector, &shape, span)
}

/// A tensor with at least as many axes.
fn with_axes<'a>(call: &mut Call<'_, 'a>, name: &str, least: usize) -> Res<NodeId> {
    let x = call.tensor_of(name, Class::Float)?;
    let ty = call.checker.ty(x).clone();
    if ty.rank() < least {
        let at = call.operand(name)?.span;
        let axes = if least == 1 {
            "an axis".to_string()
        } else {
            format!("{least} axes")
        };
        let message = format!(
            "`{name}` of `{}` has at least {axes}, and this is `{ty}`",
            call.name
        );
        return call.error(Code::DL0206, message, at);
    }
    Ok(x)
}

/// `rsqrt(x + eps)`.
fn inverse_root<'a>(call: &mut Call<'_, 'a>, x: NodeId, default: f64) -> Res<NodeId> {
    let dtype = call.checker.dtype(x);
    let eps = scalar_of(call, "eps", default, dtype)?;
    let span = call.span();
    let sum = call.checker.binary_op("add", x, eps, span)?;
    call.checker.unary("rsqrt", sum, span)
}

fn layer_norm<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = with_axes(call, "x", 1)?;
    let axis = call.checker.ty(x).rank() - 1;
    let span = call.span();
    let distance = centered(call.checker, x, &[axis], span)?;
    let square = call.checker.unary("square", distance, span)?;
    let variance = mean_over(call.checker, square, &[axis], true, span)?;
    let factor = inverse_root(call, variance, 1e-5)?;
    let normal = call.checker.binary_op("mul", distance, factor, span)?;
    let scaled = with_vector(call, normal, "mul", "scale", axis)?;
    with_vector(call, scaled, "add", "bias", axis).map(Value::Tensor)
}

fn rms_norm<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = with_axes(call, "x", 1)?;
    let axis = call.checker.ty(x).rank() - 1;
    let span = call.span();
    let square = call.checker.unary("square", x, span)?;
    let mean = mean_over(call.checker, square, &[axis], true, span)?;
    let factor = inverse_root(call, mean, 1e-6)?;
    let normal = call.checker.binary_op("mul", x, factor, span)?;
    with_vector(call, normal, "mul", "scale", axis).map(Value::Tensor)
}

/// With the mean and the variance of each channel given; channels are axis 1.
fn batch_norm<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = with_axes(call, "x", 2)?;
    let span = call.span();
    let (mean, var) = (call.operand("mean")?, call.operand("var")?);
    let mean = vector_over(call, &mean, "mean", x, 1)?;
    let var = vector_over(call, &var, "var", x, 1)?;
    let factor = inverse_root(call, var, 1e-5)?;
    let distance = call.checker.binary_op("sub", x, mean, span)?;
    let normal = call.checker.binary_op("mul", distance, factor, span)?;
    let scaled = with_vector(call, normal, "mul", "scale", 1)?;
    with_vector(call, scaled, "add", "bias", 1).map(Value::Tensor)
}

/// The axes of a matrix product with the last two axes of the right side swapped.
fn swapped(checker: &mut Checker<'_>, x: NodeId, span: Span) -> Res<NodeId> {
    let rank = checker.ty(x).rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank - 1, rank - 2);
    checker.transpose(x, &axes, span)
}

/// `softmax(q @ k.T * scale) @ v` on `[..., T, D]`; what may not be attended to gets the least weight there is.
fn attention<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (q, k, v) = (
        with_axes(call, "q", 2)?,
        with_axes(call, "k", 2)?,
        with_axes(call, "v", 2)?,
    );
    let operation = call.operation();
    let span = operation.whole;
    let operand = |call: &Call<'_, 'a>, name: &str, x: NodeId| -> Res<Operand<'a>> {
        Ok(Operand {
            value: Value::Tensor(x),
            ..call.operand(name)?
        })
    };
    let dtype = call.checker.dtype(q);
    for (name, x) in [("k", k), ("v", v)] {
        let found = call.checker.dtype(x);
        if found != dtype {
            let at = call.operand(name)?.span;
            let message = format!("`attention`: dtypes differ, `{dtype}` and `{found}`");
            let diagnostic = Diagnostic::error(Code::DL0201, message, at);
            let diagnostic = call.checker.suggest_cast(diagnostic, at, found, dtype);
            return Err(call.checker.report(diagnostic));
        }
    }
    let (q_ty, k_ty, v_ty) = (
        call.checker.ty(q).clone(),
        call.checker.ty(k).clone(),
        call.checker.ty(v).clone(),
    );
    let pairs = [
        (
            "last axes of `q` and `k` differ",
            &q_ty.shape[q_ty.rank() - 1],
            &k_ty.shape[k_ty.rank() - 1],
            "k",
        ),
        (
            "second-to-last axes of `k` and `v` differ",
            &k_ty.shape[k_ty.rank() - 2],
            &v_ty.shape[v_ty.rank() - 2],
            "v",
        ),
    ];
    for (what, a, b, name) in pairs {
        if !call.checker.same_dim(a, b) {
            let at = call.operand(name)?.span;
            return Err(call.checker.report_dims(Code::DL0203, what, a, b, at));
        }
    }
    let depth = q_ty.shape[q_ty.rank() - 1].clone();
    let scale = match (call.some("scale"), depth.as_const()) {
        (Some(_), _) => scalar_of(call, "scale", 1.0, dtype)?,
        (None, Some(depth)) if depth > 0 => {
            call.checker
                .scalar(Num::Float(1.0 / (depth as f64).sqrt()), dtype, span)?
        }
        (None, _) => {
            let depth = call.checker.dim_scalar(&depth, dtype, span)?;
            call.checker.unary("rsqrt", depth, span)?
        }
    };
    let keys = swapped(call.checker, k, span)?;
    let (left, right) = (operand(call, "q", q)?, operand(call, "k", keys)?);
    let scores = call.checker.matmul(&left, &right, &operation)?;
    let mut scores = call.checker.binary_op("mul", scores, scale, span)?;
    if call.flag("causal")? {
        let shape = call.checker.shape(scores);
        let last = &shape[shape.len() - 2..];
        let rows = call.checker.iota(last, 0, DType::I64, span)?;
        let columns = call.checker.iota(last, 1, DType::I64, span)?;
        let seen =
            call.checker
                .elementwise("greater_equal", &[rows, columns], DType::Bool, span)?;
        scores = masked(call.checker, scores, seen, span)?;
    }
    if let Some(operand) = call.some("mask") {
        let mask = call.as_tensor(&operand)?;
        let (mask_ty, scores_ty) = (
            call.checker.ty(mask).clone(),
            call.checker.ty(scores).clone(),
        );
        if mask_ty.dtype != DType::Bool {
            let message = format!("`mask` of `attention` is `bool`, and this is `{mask_ty}`");
            let diagnostic = Diagnostic::error(Code::DL0210, message, operand.span)
                .help("a mask is true where attending is allowed: `mask != 0`");
            return Err(call.checker.report(diagnostic));
        }
        let fits = mask_ty.rank() <= scores_ty.rank()
            && call
                .checker
                .broadcast_shape(&mask_ty.shape, &scores_ty.shape)
                .is_ok_and(|joined| call.checker.same_shape(&joined, &scores_ty.shape));
        if !fits {
            let message = format!(
                "`mask` is `{mask_ty}`, which does not broadcast to the scores, `{scores_ty}`"
            );
            let diagnostic = Diagnostic::error(Code::DL0202, message, operand.span);
            let diagnostic = call.checker.origins(diagnostic, &[mask]);
            return Err(call.checker.report(diagnostic));
        }
        scores = masked(call.checker, scores, mask, span)?;
    }
    let axis = call.checker.ty(scores).rank() - 1;
    let weights = softmax_over(call.checker, scores, &[axis], span)?;
    let (left, right) = (operand(call, "q", weights)?, operand(call, "v", v)?);
    call.checker
        .matmul(&left, &right, &operation)
        .map(Value::Tensor)
}

/// Scores where a mask is true, and 0.7 times the least number elsewhere: a row without any is not NaN.
fn masked(checker: &mut Checker<'_>, scores: NodeId, mask: NodeId, span: Span) -> Res<NodeId> {
    let dtype = checker.dtype(scores);
    let greatest = match dtype {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    let least = checker.scalar(Num::Float(-0.7 * greatest), dtype, span)?;
    checker.select(mask, scores, least, span)
}

/// Rows of a table at indices. Which of both arguments is the table shows from the dtypes.
fn embedding<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (mut ids, mut table) = (call.operand("ids")?, call.operand("table")?);
    let floats = |call: &Call<'_, 'a>, operand: &Operand<'a>| matches!(operand.value, Value::Tensor(x) if Class::Float.has(call.checker.dtype(x)));
    if floats(call, &ids) && !floats(call, &table) {
        std::mem::swap(&mut ids, &mut table);
    }
    let rows = ids_of(call, &ids)?;
    let x = call.as_tensor_of(&table, Class::NoKey)?;
    let ty = call.checker.ty(x).clone();
    if ty.rank() == 0 {
        return call.error(
            Code::DL0206,
            format!("the table of `embedding` has rows, and this is `{ty}`"),
            table.span,
        );
    }
    let span = call.span();
    call.checker.guard_indices(rows, &ty, 0, span)?;
    call.checker.take(x, rows, 0, span).map(Value::Tensor)
}

/// `logsumexp(logits) - logits[label]` along the last axis.
fn cross_entropy<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let logits = with_axes(call, "logits", 1)?;
    let operand = call.operand("labels")?;
    let labels = ids_of(call, &operand)?;
    let (ty, labels_ty) = (
        call.checker.ty(logits).clone(),
        call.checker.ty(labels).clone(),
    );
    let axis = ty.rank() - 1;
    if !call.checker.same_shape(&labels_ty.shape, &ty.shape[..axis]) {
        let wanted = TensorType::new(labels_ty.dtype, &ty.shape[..axis]);
        let message = format!("`labels` of `cross_entropy` is `{labels_ty}`, expected `{wanted}`");
        let at = call.operand("logits")?.span;
        let mut diagnostic = Diagnostic::error(Code::DL0217, message, operand.span)
            .secondary(at, format!("the logits are `{ty}`"));
        if call.checker.same_shape(&labels_ty.shape, &ty.shape) {
            diagnostic = diagnostic.help(
                "labels are class numbers; of one-hot rows they are `argmax(labels, axis=-1)`",
            );
        }
        let diagnostic = call.checker.origins(diagnostic, &[labels]);
        return Err(call.checker.report(diagnostic));
    }
    let (checker, span) = (&mut *call.checker, call.site.span);
    checker.guard_indices(labels, &ty, axis, span)?;
    let shifted = shifted(checker, logits, &[axis], span)?;
    let powers = checker.unary("exp", shifted, span)?;
    let sum = checker.reduce("sum", powers, &[axis], false, span)?;
    let log = checker.unary("log", sum, span)?;
    let labels = checker.recast(labels, &ty.shape[..axis], span)?;
    let labels = checker.expand(labels, &[axis], span)?;
    let picked_ty = TensorType::new(ty.dtype, checker.shape(labels));
    let picked = checker.node(
        Prim::TakeAlongAxis { axis },
        &[shifted, labels],
        picked_ty,
        span,
    )?;
    let picked = checker.reshape(picked, &ty.shape[..axis], span)?;
    checker
        .binary_op("sub", log, picked, span)
        .map(Value::Tensor)
}

/// `where(keep, x / p, 0)` for the probability `p` to keep.
pub(super) fn dropped<'a>(
    call: &mut Call<'_, 'a>,
    x: &Operand<'a>,
    keep: NodeId,
    share: NodeId,
) -> Res<Value<'a>> {
    let share = Operand {
        value: Value::Tensor(share),
        ..x.clone()
    };
    let (value, share) = pair(call, x, &share, Class::Float)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let scaled = checker.binary_op("div", value, share, span)?;
    let zero = checker.full_like(Num::Int(0), scaled, span)?;
    checker.select(keep, scaled, zero, span).map(Value::Tensor)
}
