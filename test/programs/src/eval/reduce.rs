//! Reductions, sums so far, and what is normalised by them.

use super::elementwise::{apart, apart_or_equal, extreme, real};
use crate::{
    array::{Array, Reject, Result, axis as counted, positions},
    ast::{Cumulative, Reduction},
    num::Num,
    types::Dtype,
};

fn sum(values: &[Num]) -> Num {
    let terms = values.iter().copied();
    terms.reduce(|a, b| a + b).unwrap_or(real(0.0))
}

fn mean(values: &[Num]) -> Result<Num> {
    match values.is_empty() {
        true => Err(Reject::Range),
        false => Ok(sum(values) / real(values.len() as f64)),
    }
}

fn var(values: &[Num]) -> Result<Num> {
    let mean = mean(values)?;
    let squares = values.iter().map(|x| (*x - mean) * (*x - mean));
    self::mean(&squares.collect::<Vec<_>>())
}

/// The greatest or least. What comes near it would make the derivative depend on rounding.
fn most(values: &[Num], greatest: bool) -> Result<Num> {
    let first = *values.first().ok_or(Reject::Range)?;
    let better = |a: Num, b: Num| (a.value() > b.value()) == greatest;
    let most = values.iter().fold(first, |most, x| match better(*x, most) {
        true => *x,
        false => most,
    });
    let equal = values.iter().filter(|x| x.value() == most.value());
    for x in values.iter().filter(|x| x.value() != most.value()) {
        apart(*x, most, "max")?;
    }
    // Equal ones share the derivative, which does not matter where it is the same for all.
    match equal.into_iter().all(|x| x.parts() == most.parts()) {
        true => Ok(most),
        false => Err(Reject::Kink("max")),
    }
}

fn logsumexp(values: &[Num]) -> Result<Num> {
    let first = values.first().ok_or(Reject::Range)?;
    let top = values
        .iter()
        .fold(first.value(), |top, x| top.max(x.value()));
    let terms = values.iter().map(|x| (*x - real(top)).exp());
    Ok(sum(&terms.collect::<Vec<_>>()).log() + real(top))
}

fn reduced(reduction: Reduction, values: &[Num]) -> Result<Num> {
    Ok(match reduction {
        Reduction::Sum => sum(values),
        Reduction::Mean => mean(values)?,
        Reduction::Prod => values.iter().fold(real(1.0), |a, b| a * *b),
        Reduction::Max => most(values, true)?,
        Reduction::Min => most(values, false)?,
        Reduction::Var => var(values)?,
        Reduction::Std => {
            let var = var(values)?;
            if var.value() < 1e-3 {
                return Err(Reject::Kink("std"));
            }
            var.sqrt()
        }
        Reduction::Logsumexp => logsumexp(values)?,
        Reduction::All => real(f64::from(values.iter().all(|x| x.value() != 0.0))),
        Reduction::Any => real(f64::from(values.iter().any(|x| x.value() != 0.0))),
    })
}

/// The elements along some axes, at a position of the others.
fn along(x: &Array, axes: &[usize], kept: &[usize]) -> Vec<Num> {
    let shape = axes.iter().map(|axis| x.shape[*axis]).collect::<Vec<_>>();
    let elements = positions(&shape).map(|position| {
        let mut whole = kept.to_vec();
        for (axis, index) in axes.iter().zip(position) {
            whole[*axis] = index;
        }
        x.at(&whole)
    });
    elements.collect()
}

/// A reduction over axes, which are sorted; in the result they have size 1.
fn over(
    x: &Array,
    dtype: Dtype,
    axes: &[usize],
    mut f: impl FnMut(&[Num]) -> Result<Num>,
) -> Result<Array> {
    let mut shape = x.shape.clone();
    axes.iter().for_each(|axis| shape[*axis] = 1);
    Array::attempt(dtype, &shape, |position| f(&along(x, axes, position)))
}

fn without(mut x: Array, axes: &[usize]) -> Array {
    let shape = x.shape.iter().enumerate();
    let shape = shape.filter(|(axis, _)| !axes.contains(axis));
    x.shape = shape.map(|(_, size)| *size).collect();
    x
}

/// Refuses axes without elements, of which the language has no greatest, even where no result would say it.
fn some(x: &Array, axes: &[usize]) -> Result<()> {
    match axes.iter().any(|axis| x.shape[*axis] == 0) {
        true => Err(Reject::Range),
        false => Ok(()),
    }
}

/// A reduction over axes, or over all.
pub fn reduce(
    x: &Array,
    reduction: Reduction,
    axes: Option<&[i64]>,
    keepdims: bool,
) -> Result<Array> {
    let mut axes = match axes {
        None => (0..x.rank()).collect::<Vec<_>>(),
        Some(axes) => axes.iter().map(|axis| counted(*axis, x.rank())).collect(),
    };
    axes.sort();
    let extreme = matches!(
        reduction,
        Reduction::Max | Reduction::Min | Reduction::Logsumexp
    );
    if extreme {
        some(x, &axes)?;
    }
    let result = over(x, x.dtype, &axes, |values| reduced(reduction, values))?;
    Ok(match keepdims {
        true => result,
        false => without(result, &axes),
    })
}

/// The index of the greatest or least element along an axis, the first of equal ones.
pub fn arg(x: &Array, greatest: bool, axis: i64) -> Result<Array> {
    let axis = counted(axis, x.rank());
    some(x, &[axis])?;
    let result = over(x, Dtype::I32, &[axis], |values| {
        let mut best = 0;
        for (index, value) in values.iter().enumerate() {
            if (value.value() > values[best].value()) == greatest
                && value.value() != values[best].value()
            {
                best = index;
            }
        }
        for (index, value) in values.iter().enumerate() {
            if index != best && x.dtype.is_float() {
                apart(*value, values[best], "argmax")?;
            }
        }
        Ok(real(best as f64))
    })?;
    Ok(without(result, &[axis]))
}

/// All elements so far combined along an axis, or from the end.
pub fn cumulate(x: &Array, cumulative: Cumulative, axis: i64, reverse: bool) -> Result<Array> {
    let axis = counted(axis, x.rank());
    let whole = x.dtype;
    Array::attempt(whole, &x.shape, |position| {
        let mut values = along(x, &[axis], position);
        let index = position[axis];
        if reverse {
            values.drain(..index);
            values.reverse();
        } else {
            values.truncate(index + 1);
        }
        let mut result = values[0];
        for value in &values[1..] {
            result = match cumulative {
                Cumulative::Cumsum => result + *value,
                Cumulative::Cumprod => result * *value,
                Cumulative::Cummax if whole.is_float() => extreme(result, *value, true)?,
                Cumulative::Cummin if whole.is_float() => extreme(result, *value, false)?,
                Cumulative::Cummax if value.value() > result.value() => *value,
                Cumulative::Cummin if value.value() < result.value() => *value,
                Cumulative::Cummax | Cumulative::Cummin => result,
            };
        }
        Ok(result)
    })
}

/// `softmax` along an axis, or its logarithm.
pub fn softmax(x: &Array, log: bool, axis: i64) -> Result<Array> {
    let axis = counted(axis, x.rank());
    Array::attempt(x.dtype, &x.shape, |position| {
        let total = logsumexp(&along(x, &[axis], position))?;
        let result = x.at(position) - total;
        Ok(if log { result } else { result.exp() })
    })
}

/// `layer_norm` with a scale and a bias, or with neither; `rms_norm` where the mean stays.
pub fn normalised(x: &Array, further: &[&Array], centred: bool) -> Result<Array> {
    let axis = x.rank() - 1;
    Array::attempt(x.dtype, &x.shape, |position| {
        let values = along(x, &[axis], position);
        let own = x.at(position);
        let (own, square, eps) = match centred {
            true => (own - mean(&values)?, var(&values)?, 1e-5),
            false => {
                let squares = values.iter().map(|x| *x * *x);
                (own, mean(&squares.collect::<Vec<_>>())?, 1e-6)
            }
        };
        if square.value() < 1e-2 {
            return Err(Reject::Kink("norm"));
        }
        let mut result = own / (square + real(eps)).sqrt();
        if let Some(scale) = further.first() {
            result = result * scale.broadcast_at(position);
        }
        if let Some(bias) = further.get(1) {
            result = result + bias.broadcast_at(position);
        }
        Ok(result)
    })
}

/// The order of the elements along an axis; those that are nearly equal have none, but for constants.
fn order(values: &[Num], descending: bool, float: bool) -> Result<Vec<usize>> {
    let mut order = (0..values.len()).collect::<Vec<_>>();
    order.sort_by(|a, b| {
        let order = values[*a].value().total_cmp(&values[*b].value());
        if descending { order.reverse() } else { order }
    });
    if float {
        for pair in order.windows(2) {
            apart_or_equal(values[pair[0]], values[pair[1]], "sort")?;
        }
    }
    Ok(order)
}

/// The elements along an axis in order, and where they were.
pub fn sort(x: &Array, axis: i64, descending: bool) -> Result<(Array, Array)> {
    let axis = counted(axis, x.rank());
    let pick = |position: &[usize]| -> Result<(Num, Num)> {
        let values = along(x, &[axis], position);
        let from = order(&values, descending, x.dtype.is_float())?[position[axis]];
        Ok((values[from], real(from as f64)))
    };
    let sorted = Array::attempt(x.dtype, &x.shape, |position| Ok(pick(position)?.0))?;
    let places = Array::attempt(Dtype::I32, &x.shape, |position| Ok(pick(position)?.1))?;
    Ok((sorted, places))
}

/// The same, where which of equal elements is meant shows.
pub fn places(x: &Array, axis: i64, descending: bool) -> Result<Array> {
    let (sorted, places) = sort(x, axis, descending)?;
    let axis = counted(axis, x.rank());
    if x.dtype.is_float() {
        for position in positions(&x.shape) {
            let values = along(&sorted, &[axis], &position);
            for pair in values.windows(2) {
                apart(pair[0], pair[1], "argsort")?;
            }
        }
    }
    Ok(places)
}
