//! `dl.dot_general`.

use crate::{
    array::{Array, for_each_position, offset},
    scalar::{Scalar, width},
};

/// The pairs of axes of a contraction.
pub(crate) struct Pairs<'a> {
    pub batch: [&'a [i64]; 2],
    pub contract: [&'a [i64]; 2],
}

/// The axes of one side: its rank's axes that are neither batch nor contracted.
fn free(rank: usize, batch: &[i64], contract: &[i64]) -> Vec<usize> {
    (0..rank)
        .filter(|&axis| !batch.contains(&(axis as i64)) && !contract.contains(&(axis as i64)))
        .collect()
}

/// `dl.dot_general`: products are summed in f64 and rounded once; integers wrap.
pub(crate) fn dot_general(lhs: &Array, rhs: &Array, pairs: Pairs) -> Result<Array, String> {
    let Pairs { batch, contract } = pairs;
    for (a, b) in [batch, contract]
        .iter()
        .flat_map(|[a, b]| a.iter().zip(b.iter()))
    {
        let (a, b) = (lhs.shape[*a as usize], rhs.shape[*b as usize]);
        if a != b {
            return Err(format!("paired dims differ: {a} and {b}"));
        }
    }
    let lhs_free = free(lhs.shape.len(), batch[0], contract[0]);
    let rhs_free = free(rhs.shape.len(), batch[1], contract[1]);
    let mut shape = batch[0]
        .iter()
        .map(|&a| lhs.shape[a as usize])
        .collect::<Vec<_>>();
    shape.extend(lhs_free.iter().map(|&axis| lhs.shape[axis]));
    shape.extend(rhs_free.iter().map(|&axis| rhs.shape[axis]));
    let summed = contract[0]
        .iter()
        .map(|&a| lhs.shape[a as usize])
        .collect::<Vec<_>>();

    let left = lhs.scalars().collect::<Vec<_>>();
    let right = rhs.scalars().collect::<Vec<_>>();
    let bits = width(lhs.dtype);
    let float = matches!(crate::scalar::class(lhs.dtype), crate::scalar::Class::Float);
    let mut lhs_at = vec![0; lhs.shape.len()];
    let mut rhs_at = vec![0; rhs.shape.len()];
    Array::from_fn(lhs.dtype, &shape, |position| {
        let (of_batch, rest) = position.split_at(batch[0].len());
        let (of_lhs, of_rhs) = rest.split_at(lhs_free.len());
        for (i, &at) in of_batch.iter().enumerate() {
            lhs_at[batch[0][i] as usize] = at;
            rhs_at[batch[1][i] as usize] = at;
        }
        lhs_free
            .iter()
            .zip(of_lhs)
            .for_each(|(&axis, &at)| lhs_at[axis] = at);
        rhs_free
            .iter()
            .zip(of_rhs)
            .for_each(|(&axis, &at)| rhs_at[axis] = at);
        let mut sum = 0.0;
        let mut whole = 0u64;
        for_each_position(&summed, |k| {
            for (i, &at) in k.iter().enumerate() {
                lhs_at[contract[0][i] as usize] = at;
                rhs_at[contract[1][i] as usize] = at;
            }
            let a = left[offset(&lhs.shape, &lhs_at)];
            let b = right[offset(&rhs.shape, &rhs_at)];
            match float {
                true => sum += a.float() * b.float(),
                false => whole = whole.wrapping_add(a.unsigned().wrapping_mul(b.unsigned())),
            }
            Ok(())
        })?;
        let total = match float {
            true => Scalar::Float(sum),
            false => Scalar::int(whole, bits),
        };
        Ok(total.encode(lhs.dtype))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_abi::DType;

    fn ints(shape: &[usize], values: &[i64]) -> Array {
        let bits = values.iter().map(|&v| v as u64).collect();
        Array {
            dtype: DType::I64,
            shape: shape.to_vec(),
            bits,
        }
    }

    #[test]
    fn layouts() {
        let a = ints(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let b = ints(&[3, 2], &[1, -1, 2, 0, 3, 1]);
        let run = |a: &Array, b: &Array, batch: [&[i64]; 2], contract: [&[i64]; 2]| {
            dot_general(a, b, Pairs { batch, contract }).unwrap()
        };
        assert_eq!(
            run(&a, &b, [&[], &[]], [&[1], &[0]]),
            ints(&[2, 2], &[14, 2, 32, 2])
        );
        // a^T a, by contracting the first axes.
        let gram = ints(&[3, 3], &[17, 22, 27, 22, 29, 36, 27, 36, 45]);
        assert_eq!(run(&a, &a, [&[], &[]], [&[0], &[0]]), gram);
        // Rows as a batch.
        assert_eq!(
            run(&a, &a, [&[0], &[0]], [&[1], &[1]]),
            ints(&[2], &[14, 77])
        );
        // Everything, and nothing.
        assert_eq!(
            run(&a, &a, [&[], &[]], [&[0, 1], &[0, 1]]),
            ints(&[], &[91])
        );
        let v = ints(&[2], &[1, 10]);
        assert_eq!(
            run(&v, &v, [&[], &[]], [&[], &[]]),
            ints(&[2, 2], &[1, 10, 10, 100])
        );
        let empty = ints(&[2, 0], &[]);
        assert_eq!(
            run(&empty, &ints(&[0, 2], &[]), [&[], &[]], [&[1], &[0]]),
            ints(&[2, 2], &[0; 4])
        );
    }
}
