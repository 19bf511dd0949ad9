//! Built-ins on the order of elements along an axis: sorting, and what is combined one after another.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::reduce::{counted, ordered};
use crate::check::class::Class;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "sort",
        params: "x, axis=-1, *, descending=false",
        run: sort,
    },
    Builtin {
        name: "argsort",
        params: "x, axis=-1, *, descending=false",
        run: argsort,
    },
    Builtin {
        name: "top_k",
        params: "x, k",
        run: top_k,
    },
    Builtin {
        name: "cumsum",
        params: "x, axis=none, *, reverse=false",
        run: |call| cumulative(call, "sum"),
    },
    Builtin {
        name: "cumprod",
        params: "x, axis=none, *, reverse=false",
        run: |call| cumulative(call, "prod"),
    },
    Builtin {
        name: "cummax",
        params: "x, axis=none, *, reverse=false",
        run: |call| cumulative(call, "max"),
    },
    Builtin {
        name: "cummin",
        params: "x, axis=none, *, reverse=false",
        run: |call| cumulative(call, "min"),
    },
];

impl Checker<'_> {
    /// Where the first, second, … element along an axis lies; equal ones keep their order.
    pub(super) fn argsort(
        &mut self,
        x: NodeId,
        axis: usize,
        descending: bool,
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x).with_dtype(DType::I32);
        let positions = TensorType::new(DType::I32, ty.shape.clone());
        self.check_byte_size(&positions, span)?;
        self.node(Prim::Argsort { axis, descending }, &[x], ty, span)
    }

    /// Elements at places along an axis.
    fn at_places(&mut self, x: NodeId, places: NodeId, axis: usize, span: Span) -> Res<NodeId> {
        let ty = TensorType::new(self.dtype(x), self.shape(places));
        self.node(Prim::TakeAlongAxis { axis }, &[x, places], ty, span)
    }
}

/// The tensor and the axis of a call; all elements in a row where the axis is `none`.
fn line_of(call: &mut Call<'_, '_>, x: NodeId, all: bool) -> Res<(NodeId, usize)> {
    if !all {
        let rank = call.checker.ty(x).rank();
        return Ok((x, call.axis("axis", rank, -1)?));
    }
    let shape = call.checker.shape(x);
    let axes: Vec<usize> = (0..shape.len()).collect();
    let count = call.checker.element_count(&shape, &axes);
    let span = call.span();
    Ok((call.checker.reshape(x, &[count], span)?, 0))
}

/// Whether `axis=none` is written.
fn is_none(call: &Call<'_, '_>) -> bool {
    matches!(call.given("axis"), Some(operand) if matches!(operand.value, Value::None))
}

fn sort<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let (x, axis) = line_of(call, x, is_none(call))?;
    let descending = call.flag("descending")?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let places = checker.argsort(x, axis, descending, span)?;
    checker.at_places(x, places, axis, span).map(Value::Tensor)
}

fn argsort<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::NoKey)?;
    let (x, axis) = line_of(call, x, is_none(call))?;
    let descending = call.flag("descending")?;
    let span = call.span();
    call.checker
        .argsort(x, axis, descending, span)
        .map(Value::Tensor)
}

/// The `k` greatest elements along the last axis, the greatest first, and where they lie.
fn top_k<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = call.as_tensor_of(&operand, Class::NoKey)?;
    let ty = call.checker.ty(x).clone();
    let axis = call.axis_in(-1, ty.rank(), operand.span)?;
    let count = call.operand("k")?;
    let k = call.size_of(&count)?;
    let size = &ty.shape[axis];
    if !call
        .checker
        .nonnegative(&(size.poly().clone() - k.poly().clone()))
    {
        let message = format!("the {k} greatest of an axis of {size}");
        let mut diagnostic = Diagnostic::error(Code::DL0213, message, count.span)
            .secondary(operand.span, format!("this is `{ty}`"));
        if size.as_const().is_none() || k.as_const().is_none() {
            diagnostic = diagnostic.help(format!("say so: `where {size} >= {k}`"));
        }
        return Err(call.checker.report(diagnostic));
    }
    let (checker, span) = (&mut *call.checker, call.site.span);
    let order = checker.argsort(x, axis, true, span)?;
    let starts = vec![Dim::constant(0); ty.rank()];
    let mut shape = ty.shape.clone();
    shape[axis] = k;
    let places = checker.node(
        Prim::Slice {
            starts,
            strides: vec![1; ty.rank()],
        },
        &[order],
        TensorType::new(DType::I32, shape),
        span,
    )?;
    let values = checker.at_places(x, places, axis, span)?;
    Ok(Value::tuple(vec![
        Value::Tensor(values),
        Value::Tensor(places),
    ]))
}

/// Each element combined with those before it; along an axis, or of all elements in their order.
fn cumulative<'a>(call: &mut Call<'_, 'a>, kind: &'static str) -> Res<Value<'a>> {
    let given = call.tensor_of("x", Class::NoKey)?;
    let dtype = call.checker.dtype(given);
    let is_extreme = matches!(kind, "max" | "min");
    let x = match is_extreme {
        true => ordered(call)?,
        false => counted(call)?,
    };
    let all = call.some("axis").is_none();
    let (x, axis) = line_of(call, x, all)?;
    let reverse = call.flag("reverse")?;
    let (ty, span) = (call.checker.ty(x).clone(), call.span());
    let op = Prim::Cumulative {
        kind,
        axis,
        reverse,
    };
    let result = call.checker.node(op, &[x], ty, span)?;
    match is_extreme {
        true => call.checker.convert(result, dtype, span),
        false => Ok(result),
    }
    .map(Value::Tensor)
}
