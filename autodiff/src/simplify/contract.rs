//! Transposes next to a sum of products, which can read and write its axes in any place by itself. The same products
//! are added, so all of it is exact; in which order a contraction adds is its own affair.

use super::{Rewrite, made_by, operand_of, result, shape::used_once};
use dlc_dialects::{
    ir::{builder::Builder, dims::nth_without, shape::shape_of},
    ops::{DotGeneral, OpKind, Transpose},
};
use melior::ir::{OperationRef, Value};

pub(super) const REWRITES: &[Rewrite] = &[
    Rewrite {
        name: "product of a transpose",
        kinds: &[OpKind::DotGeneral],
        apply: of_transpose,
    },
    Rewrite {
        name: "transpose of a product",
        kinds: &[OpKind::Transpose],
        apply: transposed,
    },
];

/// Axis i of a transpose is axis p[i] of what is transposed. The free axes must come in the same order, since the
/// result has them in it.
fn of_transpose<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let dot = Dot::of(op);
    let lhs = through(dot.lhs, &dot.batch.0, &dot.contract.0);
    let rhs = through(dot.rhs, &dot.batch.1, &dot.contract.1);
    if lhs.is_none() && rhs.is_none() {
        return None;
    }
    let (lhs, left_batch, left_contract) = lhs.unwrap_or((dot.lhs, dot.batch.0, dot.contract.0));
    let (rhs, right_batch, right_contract) = rhs.unwrap_or((dot.rhs, dot.batch.1, dot.contract.1));
    Some(b.dot_general_like(
        dot.op,
        (lhs, rhs),
        (&left_batch, &right_batch),
        (&left_contract, &right_contract),
    ))
}

/// What an operand is a transpose of, with the batch and contracting axes there.
fn through<'c: 'a, 'a>(
    x: Value<'c, 'a>,
    batch: &[i64],
    contract: &[i64],
) -> Option<(Value<'c, 'a>, Vec<i64>, Vec<i64>)> {
    let inner = operand_of(x, OpKind::Transpose)?;
    let permutation = Transpose(made_by(x, OpKind::Transpose)?).permutation();
    let map = |axes: &[i64]| {
        axes.iter()
            .map(|&axis| permutation[axis as usize])
            .collect::<Vec<_>>()
    };
    let free = map(&free(x, batch, contract));
    free.is_sorted().then(|| (inner, map(batch), map(contract)))
}

/// A result with its batch axes in another order, or with the free axes of both sides exchanged, is that of other
/// lists or of exchanged sides. Only where nobody else wants the product as it is.
fn transposed<'c, 'a>(b: &Builder<'c, 'a>, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let transpose = Transpose(op);
    let dot = Dot::of(made_by(transpose.x(), OpKind::DotGeneral)?);
    if !used_once(transpose.x()) {
        return None;
    }
    let permutation = transpose.permutation();
    let batches = dot.batch.0.len();
    let (batch, free_axes) = permutation.split_at(batches);
    let left = free(dot.lhs, &dot.batch.0, &dot.contract.0).len() as i64;
    let ends = (
        batches as i64,
        batches as i64 + left,
        shape_of(result(op)).len() as i64,
    );
    let (straight, exchanged) = (
        (ends.0..ends.2).collect::<Vec<_>>(),
        (ends.1..ends.2).chain(ends.0..ends.1).collect::<Vec<_>>(),
    );
    if batch.iter().any(|&axis| axis >= ends.0) {
        return None;
    }
    let reorder = |axes: &[i64]| batch.iter().map(|&i| axes[i as usize]).collect::<Vec<_>>();
    let batch = (reorder(&dot.batch.0), reorder(&dot.batch.1));
    if free_axes == straight {
        return Some(b.dot_general_like(
            dot.op,
            (dot.lhs, dot.rhs),
            (&batch.0, &batch.1),
            (&dot.contract.0, &dot.contract.1),
        ));
    }
    (free_axes == exchanged).then(|| {
        b.dot_general_like(
            dot.op,
            (dot.rhs, dot.lhs),
            (&batch.1, &batch.0),
            (&dot.contract.1, &dot.contract.0),
        )
    })
}

struct Dot<'c, 'a> {
    op: DotGeneral<'c, 'a>,
    lhs: Value<'c, 'a>,
    rhs: Value<'c, 'a>,
    batch: (Vec<i64>, Vec<i64>),
    contract: (Vec<i64>, Vec<i64>),
}

impl<'c, 'a> Dot<'c, 'a> {
    fn of(op: OperationRef<'c, 'a>) -> Self {
        let op = DotGeneral(op);
        Self {
            op,
            lhs: op.lhs(),
            rhs: op.rhs(),
            batch: (op.lhs_batch(), op.rhs_batch()),
            contract: (op.lhs_contract(), op.rhs_contract()),
        }
    }
}

/// The axes of an operand that are in neither list.
fn free(x: Value, batch: &[i64], contract: &[i64]) -> Vec<i64> {
    let used = [batch, contract].concat();
    (0..shape_of(x).len() - used.len())
        .map(|n| nth_without(&used, n) as i64)
        .collect()
}
