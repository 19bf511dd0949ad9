//! Constants of position and movement of data; bits are moved, never computed with.

use crate::{
    array::{Array, count},
    scalar::{self, Scalar},
};
use dlc_abi::DType;

/// `dl.iota`: each element is its position on `axis`, in the element type.
pub(crate) fn iota(dtype: DType, shape: &[usize], axis: usize) -> Result<Array, String> {
    Array::from_fn(dtype, shape, |position| {
        let value = Scalar::int(position[axis] as u64, 64);
        Ok(scalar::convert(value, DType::I64, dtype))
    })
}

/// `dl.broadcast`: axis i of x is axis `axes[i]` of the result.
pub(crate) fn broadcast(x: &Array, axes: &[i64], shape: &[usize]) -> Result<Array, String> {
    for (i, &axis) in axes.iter().enumerate() {
        if x.shape[i] != shape[axis as usize] {
            return Err(format!(
                "axis {i} of x is {}, axis {axis} of the result {}",
                x.shape[i], shape[axis as usize]
            ));
        }
    }
    Array::from_fn(x.dtype, shape, |position| {
        let from = axes
            .iter()
            .map(|&axis| position[axis as usize])
            .collect::<Vec<_>>();
        Ok(x.bits_at(&from))
    })
}

/// `dl.reshape`.
pub(crate) fn reshape(x: &Array, shape: &[usize]) -> Result<Array, String> {
    if count(shape)? != x.bits.len() {
        return Err(format!(
            "{:?} and {shape:?} have different numbers of elements",
            x.shape
        ));
    }
    Ok(Array {
        shape: shape.to_vec(),
        ..x.clone()
    })
}

/// `dl.transpose`: axis i of the result is axis `permutation[i]` of x.
pub(crate) fn transpose(x: &Array, permutation: &[i64]) -> Result<Array, String> {
    let shape = permutation
        .iter()
        .map(|&axis| x.shape[axis as usize])
        .collect::<Vec<_>>();
    let mut from = vec![0; shape.len()];
    Array::from_fn(x.dtype, &shape, |position| {
        for (&axis, &at) in permutation.iter().zip(position) {
            from[axis as usize] = at;
        }
        Ok(x.bits_at(&from))
    })
}

/// `dl.reverse`.
pub(crate) fn reverse(x: &Array, axes: &[i64]) -> Result<Array, String> {
    Array::from_fn(x.dtype, &x.shape, |position| {
        let mut from = position.to_vec();
        for &axis in axes {
            let axis = axis as usize;
            from[axis] = x.shape[axis] - 1 - from[axis];
        }
        Ok(x.bits_at(&from))
    })
}

/// `dl.concatenate`.
pub(crate) fn concatenate(inputs: &[&Array], axis: usize) -> Result<Array, String> {
    let first = inputs.first().ok_or("nothing to concatenate")?;
    let mut shape = first.shape.clone();
    shape[axis] = inputs.iter().map(|x| x.shape[axis]).sum();
    for x in inputs {
        let agrees = |i: usize| i == axis || x.shape[i] == shape[i];
        if !(0..shape.len()).all(agrees) {
            return Err(format!(
                "shapes {:?} and {:?} differ outside axis {axis}",
                first.shape, x.shape
            ));
        }
    }
    Array::from_fn(first.dtype, &shape, |position| {
        let mut from = position.to_vec();
        for x in inputs {
            if from[axis] < x.shape[axis] {
                return Ok(x.bits_at(&from));
            }
            from[axis] -= x.shape[axis];
        }
        Err("the result is as long as its parts".into())
    })
}

/// Where the i-th element of a part stands that begins at `start` of the whole, every `stride`-th.
fn spread(i: usize, start: i64, stride: i64) -> i128 {
    i128::from(start) + i as i128 * i128::from(stride)
}

/// That a part laid out in a whole stays inside.
fn check_inside(
    part: &[usize],
    starts: &[i64],
    strides: &[i64],
    whole: &[usize],
) -> Result<(), String> {
    for axis in 0..part.len() {
        let Some(last) = part[axis].checked_sub(1) else {
            continue;
        };
        let (first, last) = (
            spread(0, starts[axis], strides[axis]),
            spread(last, starts[axis], strides[axis]),
        );
        if first < 0 || last >= whole[axis] as i128 {
            return Err(format!(
                "axis {axis} spans {first} to {last} of a dim of {}",
                whole[axis]
            ));
        }
    }
    Ok(())
}

/// `dl.slice`.
pub(crate) fn slice(
    x: &Array,
    starts: &[i64],
    strides: &[i64],
    shape: &[usize],
) -> Result<Array, String> {
    check_inside(shape, starts, strides, &x.shape)?;
    Array::from_fn(x.dtype, shape, |position| {
        let from = (0..position.len())
            .map(|axis| spread(position[axis], starts[axis], strides[axis]) as usize)
            .collect::<Vec<_>>();
        Ok(x.bits_at(&from))
    })
}

/// The place on the part's axis that a place of the whole falls on, if it does.
fn gather(at: usize, start: i64, stride: i64, dim: usize) -> Option<usize> {
    let distance = at as i128 - i128::from(start);
    let stride = i128::from(stride);
    let place = usize::try_from(distance / stride).ok()?;
    (distance >= 0 && distance % stride == 0 && place < dim).then_some(place)
}

/// `dl.update_slice`.
pub(crate) fn update_slice(
    x: &Array,
    update: &Array,
    starts: &[i64],
    strides: &[i64],
) -> Result<Array, String> {
    check_inside(&update.shape, starts, strides, &x.shape)?;
    Array::from_fn(x.dtype, &x.shape, |position| {
        let from = (0..position.len())
            .map(|axis| {
                gather(
                    position[axis],
                    starts[axis],
                    strides[axis],
                    update.shape[axis],
                )
            })
            .collect::<Option<Vec<_>>>();
        Ok(match from {
            Some(from) => update.bits_at(&from),
            None => x.bits_at(position),
        })
    })
}

/// `dl.pad`.
pub(crate) fn pad(
    x: &Array,
    value: &Array,
    low: &[i64],
    interior: &[i64],
    shape: &[usize],
) -> Result<Array, String> {
    let strides = interior.iter().map(|gap| gap + 1).collect::<Vec<_>>();
    let bits = vec![value.bits_at(&[]); count(shape)?];
    let background = Array {
        dtype: x.dtype,
        shape: shape.to_vec(),
        bits,
    };
    update_slice(&background, x, low, &strides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(shape: &[usize], values: &[u64]) -> Array {
        Array {
            dtype: DType::U8,
            shape: shape.to_vec(),
            bits: values.to_vec(),
        }
    }

    #[test]
    fn movement() {
        let x = bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(
            transpose(&x, &[1, 0]).unwrap(),
            bytes(&[3, 2], &[1, 4, 2, 5, 3, 6])
        );
        assert_eq!(
            reverse(&x, &[1]).unwrap(),
            bytes(&[2, 3], &[3, 2, 1, 6, 5, 4])
        );
        assert_eq!(reshape(&x, &[6]).unwrap(), bytes(&[6], &[1, 2, 3, 4, 5, 6]));
        assert!(reshape(&x, &[5]).is_err());
        let row = bytes(&[3], &[7, 8, 9]);
        assert_eq!(
            broadcast(&row, &[1], &[2, 3]).unwrap(),
            bytes(&[2, 3], &[7, 8, 9, 7, 8, 9])
        );
        assert_eq!(
            broadcast(&row, &[0], &[3, 2]).unwrap(),
            bytes(&[3, 2], &[7, 7, 8, 8, 9, 9])
        );
        assert!(broadcast(&row, &[1], &[3, 2]).is_err());
        let both = concatenate(&[&x, &bytes(&[2, 1], &[0, 9])], 1).unwrap();
        assert_eq!(both, bytes(&[2, 4], &[1, 2, 3, 0, 4, 5, 6, 9]));
        assert_eq!(
            iota(DType::U8, &[2, 2], 1).unwrap(),
            bytes(&[2, 2], &[0, 1, 0, 1])
        );
        assert_eq!(iota(DType::U8, &[257], 0).unwrap().bits[256], 0);
    }

    #[test]
    fn windows() {
        let x = bytes(&[5], &[1, 2, 3, 4, 5]);
        assert_eq!(slice(&x, &[1], &[2], &[2]).unwrap(), bytes(&[2], &[2, 4]));
        assert_eq!(slice(&x, &[9], &[1], &[0]).unwrap(), bytes(&[0], &[]));
        assert!(slice(&x, &[1], &[2], &[3]).is_err());
        assert!(slice(&x, &[-1], &[1], &[1]).is_err());
        let two = bytes(&[2], &[8, 9]);
        assert_eq!(
            update_slice(&x, &two, &[0], &[3]).unwrap(),
            bytes(&[5], &[8, 2, 3, 9, 5])
        );
        assert!(update_slice(&x, &two, &[4], &[1]).is_err());
        let zero = bytes(&[], &[0]);
        assert_eq!(
            pad(&two, &zero, &[1], &[1], &[5]).unwrap(),
            bytes(&[5], &[0, 8, 0, 9, 0])
        );
        assert!(pad(&two, &zero, &[-1], &[0], &[5]).is_err());
    }
}
