//! Where the size of a tensor's axis comes from: the type, a `sizes` operand, or an operand's axis. Passes take
//! sizes from here, so that a derivative does not keep a tensor alive for its shape.

use super::{
    builder::{Builder, Dim},
    inspect::defining_op,
    shape::{DYNAMIC, shape_of},
};
use crate::ops::{
    ArgReduce, Broadcast, Concatenate, Conv, DotGeneral, Iota, OpKind, Pad, RandomBits, Reduce,
    ReduceWindow, Reshape, Slice, Take, Transpose,
};
use melior::ir::{Value, operation::OperationLike};

/// What a dim of a value equals.
pub enum Source<'c, 'a> {
    /// A number of the type.
    Static(i64),
    /// An index value, defined before the tensor.
    Index(Value<'c, 'a>),
    /// The same axis of no other value: `tensor.dim` alone can tell.
    Own,
    /// The dim of an axis of an operand of the op that made the tensor.
    Axis(Value<'c, 'a>, usize),
    /// The sum of the dims of an axis of some operands.
    Sum(Vec<Value<'c, 'a>>, usize),
}

/// The next step towards the size of an axis.
pub fn source<'c: 'a, 'a>(value: Value<'c, 'a>, axis: usize) -> Source<'c, 'a> {
    let shape = shape_of(value);
    if shape[axis] != DYNAMIC {
        return Source::Static(shape[axis]);
    }
    let Some(op) = defining_op(value) else {
        return Source::Own;
    };
    let Some(kind) = OpKind::of(&op) else {
        return Source::Own;
    };
    let operand = |i: usize| {
        op.operand(i)
            .expect("the verifier has counted the operands")
    };
    let size = |sizes: Vec<Value<'c, 'a>>| {
        Source::Index(sizes[shape[..axis].iter().filter(|&&d| d == DYNAMIC).count()])
    };
    if kind.elementwise().is_some() {
        // All operands have the dim; best is one that has it from no tensor.
        let settled = |x: &Value| match defining_op(*x).and_then(|op| OpKind::of(&op)) {
            Some(OpKind::Broadcast | OpKind::Iota | OpKind::Pad | OpKind::Reshape) => true,
            _ => shape_of(*x)[axis] != DYNAMIC,
        };
        let x = op.operands().find(settled).unwrap_or_else(|| operand(0));
        return Source::Axis(x, axis);
    }
    match kind {
        OpKind::Broadcast => size(Broadcast(op).sizes()),
        OpKind::Iota => size(Iota(op).sizes()),
        OpKind::Pad => size(Pad(op).sizes()),
        OpKind::RandomBits => size(RandomBits(op).sizes()),
        OpKind::Conv => size(Conv(op).sizes()),
        OpKind::ReduceWindow => size(ReduceWindow(op).sizes()),
        OpKind::Reshape => size(Reshape(op).sizes()),
        OpKind::Slice => size(Slice(op).sizes()),
        OpKind::Argsort
        | OpKind::Cumulative
        | OpKind::OptimizationBarrier
        | OpKind::Reverse
        | OpKind::Scatter
        | OpKind::ScatterAddAlongAxis
        | OpKind::UpdateSlice => Source::Axis(operand(0), axis),
        OpKind::TakeAlongAxis => Source::Axis(operand(1), axis),
        OpKind::Transpose => Source::Axis(operand(0), Transpose(op).permutation()[axis] as usize),
        OpKind::Reduce => Source::Axis(operand(0), nth_without(&Reduce(op).axes(), axis)),
        OpKind::ArgReduce => {
            let reduced = ArgReduce(op).axis();
            Source::Axis(operand(0), nth_without(&[reduced], axis))
        }
        OpKind::Take => {
            let (at, ids) = (Take(op).axis() as usize, shape_of(operand(1)).len());
            match axis {
                i if i < at => Source::Axis(operand(0), i),
                i if i < at + ids => Source::Axis(operand(1), i - at),
                i => Source::Axis(operand(0), i - ids + 1),
            }
        }
        OpKind::Concatenate => {
            let view = Concatenate(op);
            match view.axis() as usize == axis {
                true => Source::Sum(view.inputs(), axis),
                false => Source::Axis(operand(0), axis),
            }
        }
        OpKind::DotGeneral => {
            let view = DotGeneral(op);
            let (batch, contract) = (view.lhs_batch(), view.lhs_contract());
            let left = shape_of(view.lhs()).len() - contract.len();
            match axis {
                i if i < batch.len() => Source::Axis(operand(0), batch[i] as usize),
                i if i < left => {
                    let used = [batch.clone(), contract].concat();
                    Source::Axis(operand(0), nth_without(&used, i - batch.len()))
                }
                i => {
                    let used = [view.rhs_batch(), view.rhs_contract()].concat();
                    Source::Axis(operand(1), nth_without(&used, i - left))
                }
            }
        }
        // Constants and dim values are static; what a derivative call gives is not known before its expansion.
        _ => Source::Own,
    }
}

/// The `n`-th axis that is not in `used`.
pub fn nth_without(used: &[i64], n: usize) -> usize {
    (0..)
        .filter(|axis| !used.contains(&(*axis as i64)))
        .nth(n)
        .expect("there are infinitely many axes")
}

impl<'c, 'a> Builder<'c, 'a> {
    /// The size of an axis of a tensor, with `tensor.dim` only where no earlier value has it.
    pub fn dim(&self, value: Value<'c, 'a>, axis: usize) -> Dim<'c, 'a> {
        let (mut value, mut axis) = (value, axis);
        loop {
            match source(value, axis) {
                Source::Static(d) => return Dim::Static(d),
                Source::Index(v) => return Dim::Value(v),
                Source::Own => return self.own_dim(value, axis),
                Source::Axis(x, i) => (value, axis) = (x, i),
                Source::Sum(values, i) => {
                    return values
                        .into_iter()
                        .map(|x| self.dim(x, i))
                        .reduce(|a, b| self.dim_add(a, b))
                        .expect("a concatenation has an operand");
                }
            }
        }
    }

    /// `tensor.dim`.
    pub fn own_dim(&self, value: Value<'c, 'a>, axis: usize) -> Dim<'c, 'a> {
        let axis = self.index(axis as i64);
        Dim::Value(self.op("tensor.dim", &[value, axis], &[], self.index_type()))
    }
}
