//! Operations that give one array.

use super::{elementwise, elementwise::real, movement, product, reduce};
use crate::{
    array::{Array, Result},
    ast::{Expr, Op},
    num::Num,
    types::{Dim, Dtype},
};

/// An operation that gives an array.
pub fn value(expr: &Expr, args: &[&Array], sizes: &[i64]) -> Result<Array> {
    let (dtype, shape) = expr.ty.tensor().expect("trees are made elsewhere");
    let size = |dim: &Dim| dim.at(sizes) as usize;
    let shape = || shape.iter().map(size).collect::<Vec<_>>();
    let x = args.first().copied();
    let x = || x.expect("the operation has an operand");
    Ok(match &expr.op {
        Op::Number(value) | Op::Full(value) => Array::new(dtype, &shape(), |_| real(*value)),
        Op::Iota(axis) => Array::new(dtype, &shape(), |position| real(position[*axis] as f64)),
        Op::Size(dim) => Array::scalar(dtype, real(dim.at(sizes) as f64)),
        Op::Unary(op) => Array::attempt(dtype, &x().shape, |position| {
            elementwise::unary(*op, x().at(position))
        })?,
        Op::Binary(op) => {
            let of = args[0].dtype;
            elementwise::zip(dtype, args[0], args[1], |a, b| {
                elementwise::binary(*op, of, a, b)
            })?
        }
        Op::Power(power) => {
            let powers = x().data.iter().map(|x| elementwise::power(*x, *power));
            Array {
                data: powers.collect::<Result<_>>()?,
                ..x().clone()
            }
        }
        Op::Where => {
            let both = elementwise::zip(dtype, args[1], args[2], |a, _| Ok(a))?;
            let chosen = elementwise::zip(dtype, args[0], &both, |c, _| Ok(c))?;
            Array::new(dtype, &chosen.shape, |position| {
                match chosen.at(position).value() != 0.0 {
                    true => args[1].broadcast_at(position),
                    false => args[2].broadcast_at(position),
                }
            })
        }
        Op::Clip(low, high) => Array::attempt(dtype, &x().shape, |position| {
            let x = elementwise::extreme(x().at(position), real(*low), true)?;
            elementwise::extreme(x, real(*high), false)
        })?,
        Op::Cast => cast(x(), dtype)?,
        Op::Reduce(reduction, axes, keepdims) => {
            reduce::reduce(x(), *reduction, axes.as_deref(), *keepdims)?
        }
        Op::ArgReduce(greatest, axis) => reduce::arg(x(), *greatest, *axis)?,
        Op::Cumulate(cumulative, axis, reverse) => {
            reduce::cumulate(x(), *cumulative, *axis, *reverse)?
        }
        Op::Softmax(log, axis) => reduce::softmax(x(), *log, *axis)?,
        Op::LayerNorm => reduce::normalised(x(), &args[1..], true)?,
        Op::RmsNorm => reduce::normalised(x(), &args[1..], false)?,
        Op::Matmul => product::matmul(args[0], args[1]),
        Op::Outer => product::outer(args[0], args[1]),
        Op::Einsum(subscripts) => product::einsum(subscripts, args),
        Op::Conv(options) => product::conv(args[0], args[1], options),
        Op::Pool(options) => product::pool(x(), options)?,
        Op::Reshape | Op::ExpandDims(_) | Op::Squeeze(_) => movement::reshape(x(), shape()),
        Op::Permute(axes) => movement::permute(x(), axes),
        Op::BroadcastTo => Array::new(dtype, &shape(), |position| x().broadcast_at(position)),
        Op::Flip(axis) => movement::flip(x(), *axis),
        Op::Roll(shift, axis) => movement::roll(x(), *shift, *axis),
        Op::Pad(widths, value) => movement::pad(x(), widths, *value),
        Op::Tile(times) => movement::tile(x(), times),
        Op::Repeat(times, axis) => movement::repeat(x(), *times, *axis),
        Op::Concat(axis) => movement::concat(args, *axis),
        Op::Stack(axis) => {
            let parts = args.iter().map(|part| (*part).clone()).collect::<Vec<_>>();
            Array::stack(&parts, crate::array::axis(*axis, parts[0].rank() + 1))
        }
        Op::Triangle(upper, k) => movement::triangle(x(), *upper, *k),
        Op::Index(index) => {
            let selection = movement::select(&x().shape, index, &args[1..])?;
            Array {
                dtype,
                data: selection.places.iter().map(|place| x().at(place)).collect(),
                shape: selection.shape,
            }
        }
        Op::Take(axis) => movement::take(args[0], args[1], *axis)?,
        Op::TakeAlong(axis) => movement::take_along(args[0], args[1], *axis)?,
        Op::ScatterAdd(axis) => movement::scatter_add(args[0], args[1], args[2], *axis)?,
        Op::DynamicSlice(sizes) => movement::dynamic_slice(args[0], &args[1..], sizes)?,
        Op::DynamicUpdate => movement::dynamic_update(args[0], args[1], &args[2..])?,
        Op::OneHot(_) => Array::new(dtype, &shape(), |position| {
            let (class, rest) = position.split_last().expect("there is an axis of classes");
            real(f64::from(x().at(rest).value() == *class as f64))
        }),
        Op::Sort(axis, descending) => reduce::sort(x(), *axis, *descending)?.0,
        Op::Argsort(axis, descending) => reduce::places(x(), *axis, *descending)?,
        _ => unreachable!("trees and calls are made elsewhere"),
    })
}

/// Another dtype: floats become integers towards zero, and numbers truth values where they are not 0.
fn cast(x: &Array, dtype: Dtype) -> Result<Array> {
    let element = |x: Num, from: Dtype| {
        Ok(match (from.is_float(), dtype) {
            (_, Dtype::Bool) => {
                if from.is_float() {
                    elementwise::apart(x, real(0.0), "bool")?;
                }
                real(f64::from(x.value() != 0.0))
            }
            (true, Dtype::I32) => elementwise::unary(crate::ast::Unary::Trunc, x)?,
            _ => x,
        })
    };
    Array::attempt(dtype, &x.shape, |position| element(x.at(position), x.dtype))
}
