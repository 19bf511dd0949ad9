//! The rule of every op: what it becomes where some of its operands are batched. The match has no wildcard arm: a new op
//! does not compile before it has a rule.

use super::{call, contract, effect, index, number, shape, values::Batcher};
use dlc_dialects::{
    elementwise_kinds,
    ops::{self, OpKind},
    pass::PassError,
};
use melior::ir::{OperationRef, Value, operation::OperationLike};

/// The batches of an op's results. Some operand is batched, or the op has an effect that not all elements have.
pub(super) fn apply<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
    let Some(kind) = OpKind::of(&op) else {
        return Ok(vec![number::apply(at, op)?]);
    };
    Ok(vec![match kind {
        OpKind::Convert | OpKind::Bitcast | elementwise_kinds!() => elementwise(at, op)?,

        OpKind::DotGeneral => contract::dot_general(at, ops::DotGeneral(op)),
        OpKind::Conv => contract::conv(at, ops::Conv(op))?,
        OpKind::Reduce => shape::reduce(at, ops::Reduce(op)),
        OpKind::ArgReduce => shape::arg_reduce(at, ops::ArgReduce(op)),
        OpKind::Argsort => shape::argsort(at, ops::Argsort(op)),
        OpKind::Cumulative => shape::cumulative(at, ops::Cumulative(op)),
        OpKind::ReduceWindow => shape::reduce_window(at, ops::ReduceWindow(op))?,

        OpKind::Broadcast => shape::broadcast(at, ops::Broadcast(op))?,
        OpKind::Concatenate => shape::concatenate(at, ops::Concatenate(op))?,
        OpKind::Pad => shape::pad(at, ops::Pad(op))?,
        OpKind::Reshape => shape::reshape(at, ops::Reshape(op))?,
        OpKind::Reverse => shape::reverse(at, ops::Reverse(op)),
        OpKind::Transpose => shape::transpose(at, ops::Transpose(op)),
        OpKind::Slice => index::slice(at, ops::Slice(op))?,
        OpKind::UpdateSlice => index::update_slice(at, ops::UpdateSlice(op))?,

        OpKind::Take => index::take(at, ops::Take(op)),
        OpKind::TakeAlongAxis => index::take_along_axis(at, ops::TakeAlongAxis(op))?,
        OpKind::Scatter => index::scatter(at, ops::Scatter(op))?,
        OpKind::ScatterAddAlongAxis => {
            index::scatter_add_along_axis(at, ops::ScatterAddAlongAxis(op))?
        }

        OpKind::RandomBits => number::random_bits(at, ops::RandomBits(op))?,
        OpKind::DimValue => at.value(ops::DimValue(op).dim()),

        OpKind::OptimizationBarrier => barrier(at, op)?,
        OpKind::Call => return call::call(at, ops::Call(op)),

        OpKind::Check => {
            effect::check(at, ops::Check(op))?;
            return Ok(vec![]);
        }
        OpKind::Print => {
            effect::print(at, ops::Print(op));
            return Ok(vec![]);
        }

        // They have no operand that is a tensor.
        OpKind::Constant | OpKind::Iota => return Err(at.refused(op)),
        // Expanded before they could be met.
        OpKind::Grad | OpKind::Jvp | OpKind::Vjp | OpKind::Vmap => {
            let message = format!("`dl.{}` should have been expanded before", kind.mnemonic());
            return Err(PassError::at(&op, message));
        }
    }])
}

/// `dl.optimization_barrier`: of what it waits for, any shape will do.
fn barrier<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    Ok(at.rebuilt(op, &[at.batched(op.operand(0)?)?, at.value(op.operand(1)?)]))
}

/// The op of the batches of all operands.
fn elementwise<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let operands = op.operands().map(|x| at.batched(x));
    Ok(at.rebuilt(op, &operands.collect::<Result<Vec<_>, _>>()?))
}
