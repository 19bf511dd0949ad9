//! Products of matrices, Einstein's sums, convolutions and pools.

use super::elementwise::{apart, real};
use crate::{
    array::{Array, Reject, Result, broadcast, positions},
    ast::{Convolution, Pool},
    num::Num,
};
use std::collections::BTreeMap;

fn sum(mut terms: impl Iterator<Item = Num>) -> Num {
    let first = terms.next().unwrap_or(real(0.0));
    terms.fold(first, |a, b| a + b)
}

/// `a @ b`: a vector is a row on the left and a column on the right.
pub fn matmul(a: &Array, b: &Array) -> Array {
    let (mut left, mut right) = (a.clone(), b.clone());
    if a.rank() == 1 {
        left.shape.insert(0, 1);
    }
    if b.rank() == 1 {
        right.shape.push(1);
    }
    let (n, m) = (left.rank() - 2, right.rank() - 2);
    let inner = left.shape[n + 1];
    let mut shape = broadcast(&left.shape[..n], &right.shape[..m]);
    let batch = shape.len();
    shape.extend([left.shape[n], right.shape[m + 1]]);
    let mut result = Array::new(a.dtype, &shape, |position| {
        let (row, column) = (position[batch], position[batch + 1]);
        let own = |x: &Array, last: [usize; 2]| {
            let axes = x.rank() - 2;
            let own = position[batch - axes..batch].iter().zip(&x.shape);
            let own = own.map(|(index, size)| if *size == 1 { 0 } else { *index });
            x.at(&own.chain(last).collect::<Vec<_>>())
        };
        sum((0..inner).map(|k| own(&left, [row, k]) * own(&right, [k, column])))
    });
    if b.rank() == 1 {
        result.shape.pop();
    }
    if a.rank() == 1 {
        result.shape.remove(batch);
    }
    result
}

/// `outer(a, b)` of vectors.
pub fn outer(a: &Array, b: &Array) -> Array {
    Array::new(a.dtype, &[a.shape[0], b.shape[0]], |position| {
        a.data[position[0]] * b.data[position[1]]
    })
}

/// Einstein's sum, of subscripts like `ij,jk->ik`.
pub fn einsum(subscripts: &str, operands: &[&Array]) -> Array {
    let (inputs, output) = subscripts.split_once("->").expect("the result is written");
    let inputs = inputs.split(',').collect::<Vec<_>>();
    let mut sizes = BTreeMap::new();
    for (input, operand) in inputs.iter().zip(operands) {
        sizes.extend(input.chars().zip(operand.shape.iter().copied()));
    }
    let summed = sizes.keys().filter(|letter| !output.contains(**letter));
    let summed = summed.copied().collect::<Vec<_>>();
    let shape = |letters: &mut dyn Iterator<Item = char>| {
        letters.map(|letter| sizes[&letter]).collect::<Vec<_>>()
    };
    let inner = shape(&mut summed.iter().copied());
    Array::new(operands[0].dtype, &shape(&mut output.chars()), |position| {
        let outer = output.chars().zip(position.iter().copied());
        let mut at = outer.collect::<BTreeMap<_, _>>();
        let terms = positions(&inner).map(|position| {
            at.extend(summed.iter().copied().zip(position));
            let factors = inputs.iter().zip(operands).map(|(input, operand)| {
                operand.at(&input.chars().map(|letter| at[&letter]).collect::<Vec<_>>())
            });
            factors.fold(real(1.0), |a, b| a * b)
        });
        sum(terms)
    })
}

/// The size of a result along an axis.
pub fn windows(size: i64, window: i64, stride: i64, dilation: i64, padding: (i64, i64)) -> i64 {
    (size + padding.0 + padding.1 - dilation * (window - 1) - 1) / stride + 1
}

/// A convolution of `x [N, C, …]` with `w [O, C / groups, …]`, or its transpose.
pub fn conv(x: &Array, w: &Array, options: &Convolution) -> Array {
    let axes = options.stride.len();
    let (channels, outputs) = (x.shape[1], w.shape[0]);
    let groups = options.groups as usize;
    let (in_group, out_group) = (channels / groups, outputs / groups);
    let mut shape = vec![x.shape[0], outputs];
    for axis in 0..axes {
        let (size, window) = (x.shape[axis + 2] as i64, w.shape[axis + 2] as i64);
        let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
        let padding = options.padding[axis];
        shape.push(match options.transposed {
            false => windows(size, window, stride, dilation, padding),
            true => (size - 1) * stride + dilation * (window - 1) + 1 - padding.0 - padding.1,
        } as usize);
    }
    let window = w.shape[2..].to_vec();
    Array::new(x.dtype, &shape, |position| {
        let group = position[1] / out_group;
        let taps = positions(&window).flat_map(|tap| {
            let from = (0..axes).map(|axis| {
                let to = position[axis + 2] as i64;
                let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
                let (before, tap) = (options.padding[axis].0, tap[axis] as i64);
                let from = match options.transposed {
                    false => to * stride + tap * dilation - before,
                    true => {
                        let from = to + before - tap * dilation;
                        (from % stride == 0).then_some(from / stride)?
                    }
                };
                (0..x.shape[axis + 2] as i64)
                    .contains(&from)
                    .then_some(from as usize)
            });
            let from = from.collect::<Option<Vec<_>>>();
            from.into_iter().flat_map(move |from| {
                let (tap, n, o) = (tap.clone(), position[0], position[1]);
                (0..in_group).map(move |c| {
                    let from = [&[n, group * in_group + c], from.as_slice()].concat();
                    x.at(&from) * w.at(&[&[o, c], tap.as_slice()].concat())
                })
            })
        });
        sum(taps)
    })
}

/// `max_pool` and `avg_pool` over the last axes.
pub fn pool(x: &Array, options: &Pool) -> Result<Array> {
    let axes = options.window.len();
    let first = x.rank() - axes;
    let mut shape = x.shape.clone();
    for axis in 0..axes {
        let padding = (options.padding[axis], options.padding[axis]);
        let (window, stride) = (options.window[axis], options.stride[axis]);
        shape[first + axis] =
            windows(shape[first + axis] as i64, window, stride, 1, padding) as usize;
    }
    let window = options.window.iter().map(|size| *size as usize);
    let window = window.collect::<Vec<_>>();
    Array::attempt(x.dtype, &shape, |position| {
        let taps = positions(&window).filter_map(|tap| {
            let from = (0..axes).map(|axis| {
                let start = position[first + axis] as i64 * options.stride[axis];
                let from = start + tap[axis] as i64 - options.padding[axis];
                let size = x.shape[first + axis] as i64;
                (0..size).contains(&from).then_some(from as usize)
            });
            let from = from.collect::<Option<Vec<_>>>()?;
            Some(x.at(&[&position[..first], &from].concat()))
        });
        let taps = taps.collect::<Vec<_>>();
        match options.greatest {
            true => greatest(&taps),
            false => {
                let count = match options.counts_padding {
                    true => window.iter().product(),
                    false => taps.len(),
                };
                Ok(sum(taps.into_iter()) / real(count as f64))
            }
        }
    })
}

/// The greatest of a window, to which no other comes near.
fn greatest(taps: &[Num]) -> Result<Num> {
    let first = *taps.first().ok_or(Reject::Range)?;
    let greatest = taps.iter().fold(first, |greatest, x| {
        if x.value() > greatest.value() {
            *x
        } else {
            greatest
        }
    });
    for tap in taps.iter().filter(|tap| **tap != greatest) {
        apart(*tap, greatest, "max_pool")?;
    }
    Ok(greatest)
}
