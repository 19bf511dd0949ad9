//! Sums of products.
//!
//! A product of two batches has one batch axis more. Where one operand is shared, the batch is an axis that the other
//! has for itself: `x @ w` of a batch of x and one w is one product of more rows.
//!
//! ```text
//! conv(x[b, n, c, ..], w):      the batch goes into n
//! conv(x, w[b, o, c, ..]):      into the outputs, within each group
//! conv(x[b, ..], w[b, ..]):     into the groups; one after another where b is unknown, as groups are a known number
//! ```

use super::{
    element::for_each,
    shape::{behind, move_axis, result_type, transposed},
    values::Batcher,
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{element_of, shape_of, tensor},
    },
    ops::{Conv, DotGeneral, build},
    pass::PassError,
};
use melior::ir::Value;

/// `dl.dot_general`.
pub(super) fn dot_general<'c, 'a>(at: &Batcher<'c, 'a>, op: DotGeneral<'c, 'a>) -> Value<'c, 'a> {
    let b = at.builder;
    let (lhs, rhs) = (at.value(op.lhs()), at.value(op.rhs()));
    let (lb, rb) = (op.lhs_batch(), op.rhs_batch());
    let (lc, rc) = (op.lhs_contract(), op.rhs_contract());
    let free = |x: Value, contract: &[i64]| shape_of(x).len() - lb.len() - contract.len();
    let (left, right) = (free(op.lhs(), &lc), free(op.rhs(), &rc));
    let first = |axes: &[i64]| [vec![0], behind(axes)].concat();
    match (at.is_batched(op.lhs()), at.is_batched(op.rhs())) {
        (true, true) => b.dot_general_like(
            op,
            (lhs, rhs),
            (&first(&lb), &first(&rb)),
            (&behind(&lc), &behind(&rc)),
        ),
        (true, false) => {
            let axes = (&behind(&lb), &behind(&lc));
            let y = b.dot_general_like(op, (lhs, rhs), (axes.0, &rb), (axes.1, &rc));
            move_axis(&b, y, lb.len() as i64, 0)
        }
        // The other way round the batch comes first.
        (false, true) if lb.is_empty() && (left == 0 || right == 0) => {
            b.dot_general_like(op, (rhs, lhs), (&[], &[]), (&behind(&rc), &lc))
        }
        (false, _) => {
            let axes = (&behind(&rb), &behind(&rc));
            let y = b.dot_general_like(op, (lhs, rhs), (&lb, axes.0), (&lc, axes.1));
            move_axis(&b, y, (lb.len() + left) as i64, 0)
        }
    }
}

/// `dl.conv`.
pub(super) fn conv<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: Conv<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let b = at.builder;
    let (x, w) = (at.value(op.x()), at.value(op.w()));
    let dims = at.dims_of_result(op.0, &op.sizes())?;
    let space = &dims[2..];
    let all = at.with_size(&dims);
    Ok(match (at.is_batched(op.x()), at.is_batched(op.w())) {
        (true, true) => match at.size {
            Dim::Static(size @ 1..) => {
                // The channels of all elements, element by element.
                let of_x = b.dims(x);
                let order = [vec![1, 0], (2..of_x.len() as i64).collect()].concat();
                let channels = b.dim_mul(at.size, of_x[2]);
                let x = transposed(&b, x, &order);
                let x = b.reshape(x, &[&[of_x[1], channels], &of_x[3..]].concat());
                let of_w = b.dims(w);
                let outputs = b.dim_mul(at.size, of_w[1]);
                let w = b.reshape(w, &[&[outputs], &of_w[2..]].concat());
                let dims = [&[dims[0], outputs], space].concat();
                let y = convolved(&b, op, (x, w), op.groups() * size, &dims);
                let parts = [&[dims[0], at.size, of_w[1]], space].concat();
                transposed(&b, b.reshape(y, &parts), &order)
            }
            _ => {
                let like = b.full(&all, element_of(x), "0");
                for_each(at, &[x, w], like, result_type(at, op.0), |b, parts| {
                    convolved(b, op, (parts[0], parts[1]), op.groups(), &dims)
                })
            }
        },
        (true, false) => {
            let of_x = b.dims(x);
            let rows = b.dim_mul(of_x[0], of_x[1]);
            let x = b.reshape(x, &[&[rows], &of_x[2..]].concat());
            let y = convolved(&b, op, (x, w), op.groups(), &[&[rows], &dims[1..]].concat());
            b.reshape(y, &all)
        }
        (false, _) => {
            let of_w = b.dims(w);
            let groups = Dim::Static(op.groups());
            let outputs = b.dim_floor_div(of_w[1], groups);
            let parts = [&[at.size, groups, outputs], &of_w[2..]].concat();
            let w = b.reshape(w, &parts);
            let order = [vec![1, 0], (2..parts.len() as i64).collect()].concat();
            let w = transposed(&b, w, &order);
            let channels = b.dim_mul(at.size, of_w[1]);
            let w = b.reshape(w, &[&[channels], &of_w[2..]].concat());
            let dims = [&[dims[0], channels], space].concat();
            let y = convolved(&b, op, (x, w), op.groups(), &dims);
            let parts = [&[dims[0], groups, at.size, outputs], space].concat();
            let y = b.reshape(y, &parts);
            let order = [vec![2, 0, 1], (3..parts.len() as i64).collect()].concat();
            b.reshape(transposed(&b, y, &order), &all)
        }
    })
}

/// A convolution like another, of other operands and groups, with a result of `dims`.
fn convolved<'c, 'a>(
    b: &Builder<'c, 'a>,
    op: Conv<'c, 'a>,
    (x, w): (Value<'c, 'a>, Value<'c, 'a>),
    groups: i64,
    dims: &[Dim<'c, 'a>],
) -> Value<'c, 'a> {
    b.value(build::conv(
        b.context,
        x,
        w,
        &dynamic(dims),
        &op.strides(),
        &op.dilations(),
        groups,
        op.precision(),
        tensor(&type_shape(dims), element_of(x)),
        b.location,
    ))
}
