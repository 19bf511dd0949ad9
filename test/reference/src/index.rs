//! Reading, adding and putting at ids: `dl.take`, `dl.scatter` and their forms along an axis. Compiled code
//! clamps an id out of range; here it is an error.

use crate::{
    array::{Array, for_each_position, offset},
    scalar::{Scalar, width},
};

/// The place on an axis of size `dim` that an id names; a negative one counts from the end.
fn place(id: i128, dim: usize) -> Result<usize, String> {
    let at = if id < 0 { id + dim as i128 } else { id };
    match usize::try_from(at) {
        Ok(at) if at < dim => Ok(at),
        _ => Err(format!("index {id} is outside a dim of {dim}")),
    }
}

/// The place that the id at `position` of `ids` names.
fn place_at(ids: &Array, position: &[usize], dim: usize) -> Result<usize, String> {
    place(ids.at(position).integer(ids.dtype), dim)
}

/// The shape of `dl.take`'s result: x's with `axis` replaced by the axes of `ids`.
fn taken_shape(x: &Array, ids: &Array, axis: usize) -> Vec<usize> {
    [&x.shape[..axis], &ids.shape, &x.shape[axis + 1..]].concat()
}

/// The position in x that a position of `dl.take`'s result reads.
fn taken_from(
    x: &Array,
    ids: &Array,
    axis: usize,
    position: &[usize],
) -> Result<Vec<usize>, String> {
    let after = axis + ids.shape.len();
    let at = place_at(ids, &position[axis..after], x.shape[axis])?;
    Ok([&position[..axis], &[at], &position[after..]].concat())
}

/// The position in x that a position of `dl.take_along_axis`'s result reads.
fn along_from(
    x: &Array,
    ids: &Array,
    axis: usize,
    position: &[usize],
) -> Result<Vec<usize>, String> {
    let mut from = position.to_vec();
    from[axis] = place_at(ids, position, x.shape[axis])?;
    Ok(from)
}

/// `dl.take`.
pub(crate) fn take(x: &Array, ids: &Array, axis: usize) -> Result<Array, String> {
    Array::from_fn(x.dtype, &taken_shape(x, ids, axis), |position| {
        Ok(x.bits_at(&taken_from(x, ids, axis, position)?))
    })
}

/// `dl.take_along_axis`.
pub(crate) fn take_along_axis(x: &Array, ids: &Array, axis: usize) -> Result<Array, String> {
    check_along(x, ids, axis)?;
    Array::from_fn(x.dtype, &ids.shape, |position| {
        Ok(x.bits_at(&along_from(x, ids, axis, position)?))
    })
}

/// `dl.scatter`: updates are added, or put where `puts`.
pub(crate) fn scatter(
    x: &Array,
    ids: &Array,
    updates: &Array,
    axis: usize,
    puts: bool,
) -> Result<Array, String> {
    let expected = taken_shape(x, ids, axis);
    let place = |position: &[usize]| taken_from(x, ids, axis, position);
    if !puts {
        return add_at(x, updates, &expected, place);
    }
    check_updates(updates, &expected)?;
    // The rows of one id before those of the next.
    let after = axis + ids.shape.len();
    let others = [&expected[..axis], &expected[after..]].concat();
    let mut y = x.clone();
    for_each_position(&ids.shape, |id| {
        for_each_position(&others, |other| {
            let position = [&other[..axis], id, &other[axis..]].concat();
            y.bits[offset(&x.shape, &place(&position)?)] = updates.bits_at(&position);
            Ok(())
        })
    })?;
    Ok(y)
}

/// `dl.scatter_add_along_axis`.
pub(crate) fn scatter_add_along_axis(
    x: &Array,
    ids: &Array,
    updates: &Array,
    axis: usize,
) -> Result<Array, String> {
    check_along(x, ids, axis)?;
    add_at(x, updates, &ids.shape, |position| {
        along_from(x, ids, axis, position)
    })
}

fn check_along(x: &Array, ids: &Array, axis: usize) -> Result<(), String> {
    let agrees = |(i, (a, b)): (usize, (&usize, &usize))| i == axis || a == b;
    match x.shape.iter().zip(&ids.shape).enumerate().all(agrees) {
        true => Ok(()),
        false => Err(format!(
            "x of shape {:?}, ids of shape {:?}",
            x.shape, ids.shape
        )),
    }
}

fn check_updates(updates: &Array, expected: &[usize]) -> Result<(), String> {
    match updates.shape == expected {
        true => Ok(()),
        false => Err(format!(
            "updates of shape {:?}, not {expected:?}",
            updates.shape
        )),
    }
}

/// x with each update added where `place` says, in order; floats are summed in f64 and rounded once.
fn add_at(
    x: &Array,
    updates: &Array,
    expected: &[usize],
    place: impl Fn(&[usize]) -> Result<Vec<usize>, String>,
) -> Result<Array, String> {
    check_updates(updates, expected)?;
    let mut sums = x.scalars().collect::<Vec<_>>();
    for_each_position(expected, |position| {
        let sum = &mut sums[offset(&x.shape, &place(position)?)];
        *sum = match (*sum, updates.at(position)) {
            (Scalar::Float(a), Scalar::Float(b)) => Scalar::Float(a + b),
            (a, b) => Scalar::int(a.unsigned().wrapping_add(b.unsigned()), width(x.dtype)),
        };
        Ok(())
    })?;
    let bits = sums.into_iter().map(|sum| sum.encode(x.dtype)).collect();
    Ok(Array { bits, ..x.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_abi::DType;

    fn ints(shape: &[usize], values: &[i8]) -> Array {
        let bits = values.iter().map(|&v| u64::from(v as u8)).collect();
        Array {
            dtype: DType::I8,
            shape: shape.to_vec(),
            bits,
        }
    }

    #[test]
    fn ids_count_from_both_ends() {
        let x = ints(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let rows = take(&x, &ints(&[3], &[0, -1, 1]), 0).unwrap();
        assert_eq!(rows, ints(&[3, 3], &[1, 2, 3, 4, 5, 6, 4, 5, 6]));
        let columns = take(&x, &ints(&[1, 2], &[-3, 2]), 1).unwrap();
        assert_eq!(columns, ints(&[2, 1, 2], &[1, 3, 4, 6]));
        let along = take_along_axis(&x, &ints(&[2, 1], &[2, -2]), 1).unwrap();
        assert_eq!(along, ints(&[2, 1], &[3, 5]));
        let one = take(&x, &ints(&[], &[1]), 0).unwrap();
        assert_eq!(one, ints(&[3], &[4, 5, 6]));
    }

    #[test]
    fn adding_is_the_transpose_of_taking() {
        let x = ints(&[3], &[10, 20, 30]);
        let (ids, updates) = (ints(&[4], &[0, 2, 0, -1]), ints(&[4], &[1, 2, 3, 4]));
        let sum = scatter(&x, &ids, &updates, 0, false);
        assert_eq!(sum.unwrap(), ints(&[3], &[14, 20, 36]));
        let put = scatter(&x, &ids, &updates, 0, true);
        assert_eq!(put.unwrap(), ints(&[3], &[3, 20, 4]));
        let x = ints(&[2, 2], &[0; 4]);
        let sum = scatter_add_along_axis(
            &x,
            &ints(&[2, 2], &[1, 1, 0, 1]),
            &ints(&[2, 2], &[1, 2, 3, 4]),
            1,
        );
        assert_eq!(sum.unwrap(), ints(&[2, 2], &[0, 3, 3, 4]));
    }

    #[test]
    fn out_of_range_is_an_error() {
        let x = ints(&[3], &[1, 2, 3]);
        for id in [3, -4, 127] {
            let message = take(&x, &ints(&[1], &[id]), 0).unwrap_err();
            assert_eq!(message, format!("index {id} is outside a dim of 3"));
        }
    }
}
