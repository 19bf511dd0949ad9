//! Sums of products.
//!
//! `dl.dot_general` is linear in each operand, so the adjoint of one is the product of the result's adjoint with
//! the other, contracted over the axes that the result has from the other:
//!
//! ```text
//! y[b, m, n] = sum_k lhs[b, m, k] rhs[b, k, n]
//! lhs_adj[b, m, k] = sum_n y_adj[b, m, n] rhs[b, k, n]
//! rhs_adj[b, k, n] = sum_m lhs[b, m, k] y_adj[b, m, n]
//! ```
//!
//! with any number of axes, in any place, for each of b, m, k and n. The product has its axes in an order of its
//! own; a transpose follows where the operand has another. A precision is that of all three.

use super::shape::inverse;
use crate::site::Site;
use dlc_dialects::{
    ir::{dims::nth_without, shape::shape_of},
    ops::DotGeneral,
};
use melior::ir::Value;

/// `dl.dot_general`.
pub fn dot_general<'c, 'a>(site: &Site<'_, 'c, 'a>, operand: usize) -> Value<'c, 'a> {
    let (b, op) = (site.builder, DotGeneral(site.op));
    let lhs = Side::new(op.lhs(), op.lhs_batch(), op.lhs_contract());
    let rhs = Side::new(op.rhs(), op.rhs_batch(), op.rhs_contract());
    let batches = lhs.batch.len() as i64;
    let y_batch = (0..batches).collect::<Vec<_>>();
    let y_axes = |from: i64, count: usize| (from..from + count as i64).collect::<Vec<_>>();
    match operand {
        0 => {
            let rhs_in_y = y_axes(batches + lhs.free.len() as i64, rhs.free.len());
            let product = b.dot_general_like(
                op,
                (site.y_adj, rhs.value),
                (&y_batch, &rhs.batch),
                (&rhs_in_y, &rhs.free),
            );
            // The product's axes: batch, free of lhs, contracted in the order that rhs has them.
            let contracted = paired(&rhs.contract, &lhs.contract);
            in_order(site, product, &[&lhs.batch, &lhs.free, &contracted])
        }
        _ => {
            let lhs_in_y = y_axes(batches, lhs.free.len());
            let product = b.dot_general_like(
                op,
                (lhs.value, site.y_adj),
                (&lhs.batch, &y_batch),
                (&lhs.free, &lhs_in_y),
            );
            // The product's axes: batch, contracted in the order that lhs has them, free of rhs.
            let contracted = paired(&lhs.contract, &rhs.contract);
            in_order(site, product, &[&rhs.batch, &contracted, &rhs.free])
        }
    }
}

/// An operand and what its axes are.
struct Side<'c, 'a> {
    value: Value<'c, 'a>,
    batch: Vec<i64>,
    contract: Vec<i64>,
    free: Vec<i64>,
}

impl<'c, 'a> Side<'c, 'a> {
    fn new(value: Value<'c, 'a>, batch: Vec<i64>, contract: Vec<i64>) -> Self {
        let used = [batch.clone(), contract.clone()].concat();
        let free = (0..shape_of(value).len() - used.len())
            .map(|n| nth_without(&used, n) as i64)
            .collect();
        Self {
            value,
            batch,
            contract,
            free,
        }
    }
}

/// `mine` paired with the axes of `other`, in ascending order of `other`.
fn paired(other: &[i64], mine: &[i64]) -> Vec<i64> {
    let mut pairs = other.iter().zip(mine).collect::<Vec<_>>();
    pairs.sort();
    pairs.into_iter().map(|(_, axis)| *axis).collect()
}

/// The transpose of `product` whose axes are named, in order, by the operand's axes they are.
fn in_order<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    product: Value<'c, 'a>,
    axes: &[&[i64]],
) -> Value<'c, 'a> {
    let permutation = inverse(&axes.concat());
    match permutation.is_sorted() {
        true => product,
        false => site.builder.transpose(product, &permutation),
    }
}
