//! `dl.reduce`, `dl.arg_reduce` and `dl.cumulative`.

use crate::{
    array::{Array, for_each_position, offset},
    math::maximum,
    scalar::{Class, Scalar, class, width},
};
use dlc_abi::DType;
use std::cmp::Ordering;

/// What a reduction does with the elements it meets.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Sum,
    Max,
    Min,
    Prod,
    Any,
    All,
}

impl Kind {
    /// The kind of a name.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "sum" => Kind::Sum,
            "max" => Kind::Max,
            "min" => Kind::Min,
            "prod" => Kind::Prod,
            "any" => Kind::Any,
            "all" => Kind::All,
            other => return Err(format!("unknown kind \"{other}\"")),
        })
    }
}

/// `dl.reduce`: floats are accumulated in f64 and rounded once.
pub(crate) fn reduce(x: &Array, kind: &str, axes: &[i64]) -> Result<Array, String> {
    let kind = Kind::named(kind)?;
    let kept = (0..x.shape.len())
        .filter(|&axis| !axes.contains(&(axis as i64)))
        .collect::<Vec<_>>();
    let shape = kept.iter().map(|&axis| x.shape[axis]).collect::<Vec<_>>();
    let mut sums = vec![neutral(kind, x.dtype); crate::array::count(&shape)?];
    for_each_position(&x.shape, |position| {
        let to = kept.iter().map(|&axis| position[axis]).collect::<Vec<_>>();
        let sum = &mut sums[offset(&shape, &to)];
        *sum = combine(kind, x.dtype, *sum, x.at(position));
        Ok(())
    })?;
    let bits = sums.into_iter().map(|sum| sum.encode(x.dtype)).collect();
    Ok(Array {
        dtype: x.dtype,
        shape,
        bits,
    })
}

/// `dl.cumulative`: each prefix of a line reduced, in order. Floats are accumulated in f64, each result rounded once.
pub(crate) fn cumulative(
    x: &Array,
    kind: &str,
    axis: usize,
    reverse: bool,
) -> Result<Array, String> {
    let kind = Kind::named(kind)?;
    Array::from_fn(x.dtype, &x.shape, |position| {
        let here = position[axis];
        let before: Vec<usize> = match reverse {
            true => (here..x.shape[axis]).rev().collect(),
            false => (0..=here).collect(),
        };
        let mut at = position.to_vec();
        let mut sum = neutral(kind, x.dtype);
        for i in before {
            at[axis] = i;
            sum = combine(kind, x.dtype, sum, x.at(&at));
        }
        Ok(sum.encode(x.dtype))
    })
}

/// What an empty reduction gives.
pub(crate) fn neutral(kind: Kind, dtype: DType) -> Scalar {
    let bits = width(dtype);
    let least = match class(dtype) {
        Class::Signed => 1 << (bits - 1),
        _ => 0,
    };
    match (kind, class(dtype)) {
        (Kind::Sum, Class::Float) => Scalar::Float(0.0),
        (Kind::Prod, Class::Float) => Scalar::Float(1.0),
        (Kind::Max, Class::Float) => Scalar::Float(f64::NEG_INFINITY),
        (Kind::Min, Class::Float) => Scalar::Float(f64::INFINITY),
        (Kind::Sum | Kind::Any, _) => Scalar::int(0, bits),
        (Kind::Prod | Kind::All, _) => Scalar::int(1, bits),
        (Kind::Max, _) => Scalar::int(least, bits),
        (Kind::Min, _) => Scalar::int(!least, bits),
    }
}

/// What has been met with one more element.
pub(crate) fn combine(kind: Kind, dtype: DType, a: Scalar, b: Scalar) -> Scalar {
    let bits = width(dtype);
    if let (Scalar::Float(a), Scalar::Float(b)) = (a, b) {
        return Scalar::Float(match kind {
            Kind::Sum => a + b,
            Kind::Prod => a * b,
            Kind::Max => maximum(a, b),
            Kind::Min => -maximum(-a, -b),
            // The verifier lets these only on bools.
            Kind::Any | Kind::All => f64::NAN,
        });
    }
    let first_is_less = a.integer(dtype) < b.integer(dtype);
    match kind {
        Kind::Sum => Scalar::int(a.unsigned().wrapping_add(b.unsigned()), bits),
        Kind::Prod => Scalar::int(a.unsigned().wrapping_mul(b.unsigned()), bits),
        Kind::Any => Scalar::bool(a.is_true() || b.is_true()),
        Kind::All => Scalar::bool(a.is_true() && b.is_true()),
        Kind::Max => [a, b][usize::from(first_is_less)],
        Kind::Min => [b, a][usize::from(first_is_less)],
    }
}

/// `dl.arg_reduce`.
pub(crate) fn arg_reduce(x: &Array, kind: &str, axis: usize) -> Result<Array, String> {
    let wanted = match kind {
        "argmax" => Ordering::Greater,
        "argmin" => Ordering::Less,
        other => return Err(format!("unknown kind \"{other}\"")),
    };
    let mut shape = x.shape.clone();
    let dim = shape.remove(axis);
    Array::from_fn(DType::I32, &shape, |position| {
        let mut at = position.to_vec();
        at.insert(axis, 0);
        let mut best: Option<(usize, Scalar)> = None;
        for i in 0..dim {
            at[axis] = i;
            let value = x.at(&at);
            match best {
                Some((_, least)) if !beats(value, least, wanted, x.dtype) => {}
                _ => best = Some((i, value)),
            }
        }
        let (index, _) = best.ok_or_else(|| format!("{kind} of no elements"))?;
        Ok(index as u64)
    })
}

/// Whether `a` takes the place of `b`, which comes before it. NaN beats every number.
fn beats(a: Scalar, b: Scalar, wanted: Ordering, dtype: DType) -> bool {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => {
            !b.is_nan() && (a.is_nan() || a.partial_cmp(&b) == Some(wanted))
        }
        _ => a.integer(dtype).cmp(&b.integer(dtype)) == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(shape: &[usize], values: &[f64]) -> Array {
        let bits = values.iter().map(|v| v.to_bits()).collect();
        Array {
            dtype: DType::F64,
            shape: shape.to_vec(),
            bits,
        }
    }

    #[test]
    fn kinds_and_axes() {
        let x = floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, -5.0, 6.0]);
        let run = |kind, axes: &[i64]| reduce(&x, kind, axes).unwrap();
        assert_eq!(run("sum", &[0]), floats(&[3], &[5.0, -3.0, 9.0]));
        assert_eq!(run("prod", &[1]), floats(&[2], &[6.0, -120.0]));
        assert_eq!(run("max", &[0, 1]), floats(&[], &[6.0]));
        assert_eq!(run("min", &[]), x);
        let arg = |kind, axis| arg_reduce(&x, kind, axis).unwrap().bits;
        assert_eq!(arg("argmax", 0), [1, 0, 1]);
        assert_eq!(arg("argmin", 1), [0, 1]);
        let nan = floats(&[4], &[1.0, f64::NAN, 5.0, f64::NAN]);
        assert_eq!(arg_reduce(&nan, "argmax", 0).unwrap().bits, [1]);
        assert_eq!(arg_reduce(&nan, "argmin", 0).unwrap().bits, [1]);
        assert!(f64::from_bits(reduce(&nan, "max", &[0]).unwrap().bits[0]).is_nan());
    }

    #[test]
    fn empty_reductions_give_the_neutral_element() {
        for (kind, expected) in [
            ("sum", 0.0),
            ("prod", 1.0),
            ("max", f64::NEG_INFINITY),
            ("min", f64::INFINITY),
        ] {
            assert_eq!(
                reduce(&floats(&[0], &[]), kind, &[0]).unwrap(),
                floats(&[], &[expected])
            );
        }
        let empty = Array {
            dtype: DType::I8,
            shape: vec![0],
            bits: vec![],
        };
        assert_eq!(reduce(&empty, "max", &[0]).unwrap().bits, [0x80]);
        assert_eq!(reduce(&empty, "min", &[0]).unwrap().bits, [0x7f]);
        assert!(arg_reduce(&empty, "argmax", 0).is_err());
    }
}
