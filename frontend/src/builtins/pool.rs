//! Pools: reductions of windows over the last axes.

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::window::Windows;
use crate::check::class::Class;
use crate::check::{NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "max_pool",
        params: "x, window=[2, 2], stride=window, padding=0",
        run: max_pool,
    },
    Builtin {
        name: "avg_pool",
        params: "x, window=[2, 2], stride=window, padding=0, count_include_pad=true",
        run: avg_pool,
    },
];

/// How the windows of a pool lie: on all axes, those before the pooled ones with windows of 1.
struct Layout {
    window: Vec<i64>,
    strides: Vec<i64>,
    padding: Vec<(Dim, Dim)>,
    shape: Vec<Dim>,
    /// The number of axes that are pooled, the last ones.
    pooled: usize,
}

impl Layout {
    /// Reads the options of a pool of a tensor of this type. An integer as window is one for each of two axes; a list
    /// says by its length how many axes there are.
    fn of(call: &mut Call<'_, '_>, ty: &TensorType) -> Res<Self> {
        let pooled = match call.some("window") {
            Some(operand) => call.items(&operand).map_or(2, |items| items.len()),
            None => 2,
        };
        if !(1..=3).contains(&pooled) || pooled > ty.rank() {
            let at = call.operand("x")?.span;
            let axes = if pooled == 1 { "axis" } else { "axes" };
            let message = format!(
                "`{}` with a window over {pooled} {axes} of `{ty}`",
                call.name
            );
            let diagnostic = Diagnostic::error(Code::DL0206, message, at)
                .help("a window is an integer, for the last two axes, or a list of one to three sizes, for as many of the last axes");
            return Err(call.checker.report(diagnostic));
        }
        let sizes = call.steps("window", pooled)?;
        let sizes = sizes.unwrap_or_else(|| vec![2; pooled]);
        let steps = call.steps("stride", pooled)?;
        let steps = steps.unwrap_or_else(|| sizes.clone());
        let padding = call.padding(pooled)?;
        let before = ty.rank() - pooled;
        let zero = Dim::constant(0);
        let mut layout = Self {
            window: vec![1; before],
            strides: vec![1; before],
            padding: vec![(zero.clone(), zero); before],
            shape: ty.shape[..before].to_vec(),
            pooled,
        };
        for (axis, (size, step)) in sizes.iter().zip(&steps).enumerate() {
            let span = Dim::constant(*size);
            let Windows { padding, count } =
                call.windows(&padding, axis, &ty.shape[before + axis], &span, *step)?;
            layout.window.push(*size);
            layout.strides.push(*step);
            layout.padding.push(padding);
            layout.shape.push(count);
        }
        Ok(layout)
    }

    /// The reduction of each window of `x`, padded with a number.
    fn reduce(
        &self,
        call: &mut Call<'_, '_>,
        kind: &'static str,
        x: NodeId,
        padding: Num,
    ) -> Res<NodeId> {
        let (checker, span) = (&mut *call.checker, call.site.span);
        let dtype = checker.dtype(x);
        let padding = checker.scalar(padding, dtype, span)?;
        let skipped = self.window.len() - checker.ty(x).rank();
        let x = checker.pad_around(x, padding, &self.padding[skipped..], span)?;
        let op = Prim::ReduceWindow {
            kind,
            window: self.window[skipped..].to_vec(),
            strides: self.strides[skipped..].to_vec(),
        };
        let ty = TensorType::new(dtype, &self.shape[skipped..]);
        checker.node(op, &[x], ty, span)
    }
}

/// The greatest element of each window; NaN if there is one. The padding is less than every number.
fn max_pool<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Number)?;
    let ty = call.checker.ty(x).clone();
    let layout = Layout::of(call, &ty)?;
    layout
        .reduce(call, "max", x, least(ty.dtype))
        .map(Value::Tensor)
}

fn least(dtype: DType) -> Num {
    let bits = 8 * dtype.size();
    match dtype {
        dtype if dtype.is_float() => Num::Float(f64::NEG_INFINITY),
        DType::I8 | DType::I32 | DType::I64 => Num::Int(-(1i128 << (bits - 1))),
        _ => Num::Int(0),
    }
}

/// The mean of each window: the padding counts as zeros, or with `count_include_pad=false` not at all.
fn avg_pool<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let ty = call.checker.ty(x).clone();
    let all = match call.given("count_include_pad") {
        None => true,
        Some(_) => call.flag("count_include_pad")?,
    };
    let layout = Layout::of(call, &ty)?;
    let span = call.span();
    // Sums of halves may be too large for halves.
    let wide = match ty.dtype {
        DType::F16 | DType::BF16 => DType::F32,
        dtype => dtype,
    };
    let x = call.checker.convert(x, wide, span)?;
    let sum = layout.reduce(call, "sum", x, Num::Int(0))?;
    let before = ty.rank() - layout.pooled;
    let count = if all {
        let count = layout.window.iter().map(|size| i128::from(*size)).product();
        call.checker.scalar(Num::Int(count), wide, span)?
    } else {
        let ones = call
            .checker
            .full(Num::Int(1), wide, &ty.shape[before..], span)?;
        layout.reduce(call, "sum", ones, Num::Int(0))?
    };
    let mean = call.checker.binary_op("div", sum, count, span)?;
    call.checker
        .convert(mean, ty.dtype, span)
        .map(Value::Tensor)
}
