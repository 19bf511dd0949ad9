//! Built-ins that are made of several operations compute f16 and bf16 in f32 and round the result once: sums of squares
//! do not overflow on the way, and no step loses digits.

use crate::ast::DType;
use crate::builtins::args::Call;
use crate::check::consts::is_float;
use crate::check::{Reported, Res, Value};

/// The built-ins of which this is true.
pub(super) const WIDENED: &[&str] = &[
    "attention",
    "batch_norm",
    "cross_entropy",
    "elu",
    "gelu",
    "layer_norm",
    "log10",
    "log2",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "rms_norm",
    "silu",
    "softmax",
    "std",
    "var",
    "vecdot",
];

/// The dtype of the float arguments, if it is f16 or bf16 for all of them.
fn small(call: &Call<'_, '_>) -> Option<DType> {
    let mut dtypes = call
        .slots
        .iter()
        .flatten()
        .filter_map(|operand| match operand.value {
            Value::Tensor(x) => Some(call.checker.dtype(x)),
            _ => None,
        })
        .filter(|dtype| is_float(*dtype));
    let first = dtypes.next()?;
    let is_small = matches!(first, DType::F16 | DType::BF16);
    (is_small && dtypes.all(|dtype| dtype == first)).then_some(first)
}

/// Runs a built-in on its arguments as f32 where they are smaller floats, and rounds its result.
pub(super) fn run<'c, 'a>(
    call: &mut Call<'c, 'a>,
    run: for<'d> fn(&mut Call<'d, 'a>) -> Res<Value<'a>>,
) -> Res<Value<'a>> {
    let Some(dtype) = small(call) else {
        return run(call);
    };
    let (slots, reported, span) = (
        call.slots.clone(),
        call.checker.diagnostics.len(),
        call.span(),
    );
    for operand in call.slots.iter_mut().flatten() {
        if let Value::Tensor(x) = operand.value
            && is_float(call.checker.dtype(x))
        {
            operand.value = Value::Tensor(call.checker.convert(x, DType::F32, span)?);
        }
    }
    match run(call) {
        Ok(value) => call
            .checker
            .map_leaves(&value, &mut |checker, leaf| match leaf {
                Value::Tensor(x) if checker.dtype(*x) == DType::F32 => {
                    checker.convert(*x, dtype, span).map(Value::Tensor)
                }
                other => Ok(other.clone()),
            }),
        // Messages speak of the types that the program has.
        Err(Reported) => {
            call.checker.diagnostics.truncate(reported);
            call.slots = slots;
            run(call)
        }
    }
}
