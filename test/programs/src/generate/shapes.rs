//! Operations that move elements, and those that make them of nothing.

use super::{Generator, Scope};
use crate::{
    ast::{Binary, Expr, Op},
    types::Dim,
};

impl Generator {
    pub(super) fn movement(&mut self, scope: &Scope) -> Option<Expr> {
        match self.random.below(12) {
            0 | 1 => self.reshape(scope),
            2 => self.permute(scope),
            3 => self.joined(scope),
            4 => self.padded(scope),
            5 => self.made(scope),
            _ => self.along_axis(scope),
        }
    }

    /// Neighbouring axes as one, or a known axis as two.
    fn reshape(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        let mut shape = x.shape().to_vec();
        let axis = self.random.below(shape.len());
        let size = shape[axis].number();
        match size {
            Some(size @ (4 | 6 | 8 | 12)) => {
                shape[axis] = Dim::known(size / 2);
                shape.insert(axis + self.random.below(2), Dim::known(2));
            }
            _ if axis + 1 < shape.len() => {
                let next = shape.remove(axis + 1);
                shape[axis] = shape[axis].times(&next);
            }
            _ => {
                let whole = shape
                    .iter()
                    .fold(Dim::known(1), |whole, dim| whole.times(dim));
                shape = vec![whole];
            }
        }
        Some(Expr::tensor(Op::Reshape, vec![x], self.float, shape))
    }

    fn permute(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| shape.len() > 1)?;
        let mut left = (0..x.rank()).collect::<Vec<_>>();
        let mut axes = vec![];
        while !left.is_empty() {
            axes.push(left.remove(self.random.below(left.len())));
        }
        let shape = axes.iter().map(|axis| x.shape()[*axis].clone()).collect();
        Some(Expr::tensor(Op::Permute(axes), vec![x], self.float, shape))
    }

    fn joined(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |_| true)?;
        let own = x.shape().to_vec();
        if own.is_empty() || self.random.chance(0.4) {
            let y = self.float(scope, |shape| shape == own)?;
            let axis = self.random.below(own.len() + 1);
            let mut shape = own.clone();
            shape.insert(axis, Dim::known(2));
            let axis = self.either(axis, shape.len());
            return Some(Expr::tensor(Op::Stack(axis), vec![x, y], self.float, shape));
        }
        let (position, axis) = self.axis(&own);
        let others = |shape: &[Dim]| {
            let axes = shape.iter().zip(&own).enumerate();
            shape.len() == own.len() && axes.into_iter().all(|(i, (a, b))| i == position || a == b)
        };
        let y = self.float(scope, others)?;
        let mut shape = own.clone();
        shape[position] = shape[position].plus(&y.shape()[position]);
        Some(Expr::tensor(
            Op::Concat(axis),
            vec![x, y],
            self.float,
            shape,
        ))
    }

    fn padded(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        let mut shape = x.shape().to_vec();
        let mut widths = vec![(0, 0); shape.len()];
        for (dim, width) in shape.iter_mut().zip(&mut widths) {
            if self.random.chance(0.5) {
                *width = (self.random.below(3) as i64, self.random.below(2) as i64);
                *dim = dim.plus(&Dim::known(width.0 + width.1));
            }
        }
        let value = *self.random.choose(&[0.0, 0.0, 0.5]);
        Some(Expr::tensor(
            Op::Pad(widths, value),
            vec![x],
            self.float,
            shape,
        ))
    }

    /// A tensor of nothing but positions or one number, times another one.
    fn made(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |_| true)?;
        let shape = x.shape().to_vec();
        let made = match self.random.below(3) {
            0 if !shape.is_empty() => {
                let axis = self.random.below(shape.len());
                Expr::tensor(Op::Iota(axis), vec![], self.float, shape.clone())
            }
            1 if !scope.dims.is_empty() => {
                let dim = Dim::named(self.random.below(scope.dims.len()));
                Expr::tensor(Op::Size(dim), vec![], self.float, vec![])
            }
            _ => Expr::tensor(Op::Full(0.375), vec![], self.float, shape.clone()),
        };
        let op = *self.random.choose(&[Binary::Add, Binary::Multiply]);
        Some(Expr::tensor(
            Op::Binary(op),
            vec![x, made],
            self.float,
            shape,
        ))
    }

    fn along_axis(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        let mut shape = x.shape().to_vec();
        let (position, axis) = self.axis(&shape);
        let op = match self.random.below(8) {
            0 => Op::Flip(axis),
            1 => {
                // Where it is not known to be smaller than the axis, any shift is fine as well.
                Op::Roll(self.random.below(5) as i64 - 2, axis)
            }
            2 => {
                let times = 1 + self.random.below(3) as i64;
                shape[position] = shape[position].times(&Dim::known(times));
                Op::Repeat(times, axis)
            }
            3 => {
                let times = shape.iter().map(|_| 1 + self.random.below(2) as i64);
                let times = times.collect::<Vec<_>>();
                for (dim, times) in shape.iter_mut().zip(&times) {
                    *dim = dim.times(&Dim::known(*times));
                }
                Op::Tile(times)
            }
            4 => {
                let at = self.random.below(shape.len() + 1);
                shape.insert(at, Dim::known(1));
                Op::ExpandDims(self.either(at, shape.len()))
            }
            5 => {
                let at = shape.iter().position(Dim::is_one)?;
                let axis = self.either(at, shape.len());
                shape.remove(at);
                Op::Squeeze(axis)
            }
            6 if shape.len() > 1 => {
                Op::Triangle(self.random.chance(0.5), self.random.below(3) as i64 - 1)
            }
            _ => {
                let one = shape.iter().position(Dim::is_one);
                match one {
                    Some(one) => shape[one] = Dim::known(3),
                    None => shape.insert(0, Dim::known(2)),
                }
                Op::BroadcastTo
            }
        };
        Some(Expr::tensor(op, vec![x], self.float, shape))
    }
}
