//! `dl.argsort`.

use crate::{array::Array, scalar::Scalar};
use dlc_abi::DType;
use std::cmp::Ordering;

/// `dl.argsort`: equal elements stay in their order, whichever way.
pub(crate) fn argsort(x: &Array, axis: usize, descending: bool) -> Result<Array, String> {
    let mut lines = x.shape.clone();
    let size = lines.remove(axis);
    let mut result = Array {
        dtype: DType::I32,
        shape: x.shape.clone(),
        bits: vec![0; x.bits.len()],
    };
    crate::array::for_each_position(&lines, |line| {
        let place = |i: usize| {
            let mut place = line.to_vec();
            place.insert(axis, i);
            place
        };
        let values = (0..size).map(|i| x.at(&place(i))).collect::<Vec<_>>();
        let mut order = (0..size).collect::<Vec<_>>();
        order.sort_by(|&a, &b| {
            let ascending = compare(values[a], values[b], x.dtype);
            match descending {
                true => ascending.reverse(),
                false => ascending,
            }
        });
        for (i, from) in order.into_iter().enumerate() {
            result.bits[crate::array::offset(&x.shape, &place(i))] = from as u64;
        }
        Ok(())
    })?;
    Ok(result)
}

/// The order of two elements; NaN are equal, and greater than every number.
fn compare(a: Scalar, b: Scalar, dtype: DType) -> Ordering {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => a
            .partial_cmp(&b)
            .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
        _ => a.integer(dtype).cmp(&b.integer(dtype)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_keep_their_order_both_ways() {
        let values = [2.0, f64::NAN, -0.0, 0.0, -f64::NAN, f64::INFINITY, 2.0];
        let x = Array {
            dtype: DType::F64,
            shape: vec![7],
            bits: values.iter().map(|v| v.to_bits()).collect(),
        };
        assert_eq!(argsort(&x, 0, false).unwrap().bits, [2, 3, 0, 6, 5, 1, 4]);
        assert_eq!(argsort(&x, 0, true).unwrap().bits, [1, 4, 5, 0, 6, 2, 3]);
    }
}
