//! `dl.conv` and `dl.reduce_window`.

use crate::{
    array::{Array, for_each_position},
    reduce::{Kind, combine, neutral},
    scalar::{Class, Scalar, class, width},
};

/// How windows lie along axes.
pub(crate) struct Windows {
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
}

impl Windows {
    /// The place in x of the element `within` the window at a `position`.
    fn place(&self, position: &[usize], within: &[usize]) -> Vec<usize> {
        let place = |i: usize| {
            position[i] * self.strides[i] as usize + within[i] * self.dilations[i] as usize
        };
        (0..position.len()).map(place).collect()
    }

    /// The number of windows that fit.
    fn count(&self, x: &[usize], window: &[usize]) -> Vec<usize> {
        let fit = |i: usize| {
            let span = (window[i] as i64 - 1) * self.dilations[i] + 1;
            let rest = x[i] as i64 - span;
            if rest < 0 {
                0
            } else {
                (rest / self.strides[i]) as usize + 1
            }
        };
        (0..x.len()).map(fit).collect()
    }
}

/// `dl.conv`: products are summed in f64 and rounded once; integers wrap.
pub(crate) fn conv(x: &Array, w: &Array, groups: i64, windows: &Windows) -> Result<Array, String> {
    let groups = groups as usize;
    let (outputs, channels, window) = (w.shape[0], w.shape[1], &w.shape[2..]);
    if x.shape[1] != channels * groups || outputs % groups != 0 {
        return Err(format!(
            "{groups} groups do not fit {:?} and {:?}",
            x.shape, w.shape
        ));
    }
    let mut shape = vec![x.shape[0], outputs];
    shape.extend(windows.count(&x.shape[2..], window));
    let mut summed = vec![channels];
    summed.extend(window);
    let bits = width(x.dtype);
    Array::from_fn(x.dtype, &shape, |position| {
        let group = position[1] / (outputs / groups);
        let (mut sum, mut whole) = (0.0, 0u64);
        for_each_position(&summed, |within| {
            let mut from = vec![position[0], group * channels + within[0]];
            from.extend(windows.place(&position[2..], &within[1..]));
            let mut of = vec![position[1]];
            of.extend(within);
            let (a, b) = (x.at(&from), w.at(&of));
            match class(x.dtype) {
                Class::Float => sum += a.float() * b.float(),
                _ => whole = whole.wrapping_add(a.unsigned().wrapping_mul(b.unsigned())),
            }
            Ok(())
        })?;
        let total = match class(x.dtype) {
            Class::Float => Scalar::Float(sum),
            _ => Scalar::int(whole, bits),
        };
        Ok(total.encode(x.dtype))
    })
}

/// `dl.reduce_window`: floats are accumulated in f64 and rounded once.
pub(crate) fn reduce_window(
    x: &Array,
    kind: &str,
    window: &[i64],
    windows: &Windows,
) -> Result<Array, String> {
    let kind = Kind::named(kind)?;
    let window = window.iter().map(|&size| size as usize).collect::<Vec<_>>();
    let shape = windows.count(&x.shape, &window);
    Array::from_fn(x.dtype, &shape, |position| {
        let mut result = neutral(kind, x.dtype);
        for_each_position(&window, |within| {
            let element = x.at(&windows.place(position, within));
            result = combine(kind, x.dtype, result, element);
            Ok(())
        })?;
        Ok(result.encode(x.dtype))
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
    fn windows_of_a_line() {
        let x = ints(&[1, 1, 7], &[1, 2, 3, 4, 5, 6, 7]);
        let w = ints(&[1, 1, 2], &[1, 10]);
        let run = |stride, dilation| {
            let windows = Windows {
                strides: vec![stride],
                dilations: vec![dilation],
            };
            conv(&x, &w, 1, &windows).unwrap()
        };
        assert_eq!(run(1, 1), ints(&[1, 1, 6], &[21, 32, 43, 54, 65, 76]));
        assert_eq!(run(2, 1), ints(&[1, 1, 3], &[21, 43, 65]));
        assert_eq!(run(3, 3), ints(&[1, 1, 2], &[41, 74]));
        assert_eq!(run(1, 7), ints(&[1, 1, 0], &[]));
    }

    #[test]
    fn groups_see_their_channels() {
        let x = ints(&[1, 4, 1], &[1, 2, 3, 4]);
        let windows = Windows {
            strides: vec![1],
            dilations: vec![1],
        };
        let w = ints(&[2, 2, 1], &[1, 10, 100, 1000]);
        let y = conv(&x, &w, 2, &windows).unwrap();
        assert_eq!(y, ints(&[1, 2, 1], &[21, 4300]));
        assert!(conv(&x, &w, 1, &windows).is_err());
    }

    #[test]
    fn reductions_of_windows() {
        let x = ints(&[2, 3], &[1, 5, 3, -4, 2, 6]);
        let windows = Windows {
            strides: vec![1, 1],
            dilations: vec![1, 2],
        };
        let run = |kind| reduce_window(&x, kind, &[2, 2], &windows).unwrap();
        assert_eq!(run("sum"), ints(&[1, 1], &[6]));
        assert_eq!(run("max"), ints(&[1, 1], &[6]));
        assert_eq!(run("min"), ints(&[1, 1], &[-4]));
        assert_eq!(run("prod"), ints(&[1, 1], &[-72]));
    }
}
