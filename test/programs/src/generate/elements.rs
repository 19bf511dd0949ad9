//! Operations on single elements, reductions and orders.

use super::{Generator, Scope};
use crate::{
    ast::{Binary, Cumulative, Expr, Op, Reduction, Unary},
    types::{Dim, Dtype},
};

/// The shape that two broadcast to.
pub fn broadcast(a: &[Dim], b: &[Dim]) -> Option<Vec<Dim>> {
    let rank = a.len().max(b.len());
    let one = Dim::known(1);
    let size = |shape: &[Dim], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i].clone(),
        None => one.clone(),
    };
    let sizes = (0..rank).map(|i| match (size(a, i), size(b, i)) {
        (a, b) if a == b || b.is_one() => Some(a),
        (a, b) if a.is_one() => Some(b),
        _ => None,
    });
    sizes.collect()
}

impl Generator {
    pub(super) fn elementwise(&mut self, scope: &Scope) -> Option<Expr> {
        match self.random.below(10) {
            0..=3 => self.unary(scope),
            4..=7 => self.binary(scope),
            8 => self.choice(scope),
            _ => {
                let x = self.float(scope, |_| true)?;
                let (dtype, shape) = (self.float, x.shape().to_vec());
                Some(match self.random.below(4) {
                    0 => Expr::tensor(Op::Clip(-0.5, 0.75), vec![x], dtype, shape),
                    1 | 2 => {
                        let power = *self.random.choose(&[0, 1, 2, 3, 4]);
                        Expr::tensor(Op::Power(power), vec![x], dtype, shape)
                    }
                    _ => self.converted(scope)?,
                })
            }
        }
    }

    /// Integers and truth values as floats.
    fn converted(&mut self, scope: &Scope) -> Option<Expr> {
        let x = match self.random.below(3) {
            0 => self.tensor(scope, |x| !x.ty.is_float())?,
            1 => self.condition(scope)?,
            _ => {
                let x = self.float(scope, |_| true)?;
                let op = [
                    Unary::Floor,
                    Unary::Ceil,
                    Unary::Round,
                    Unary::Trunc,
                    Unary::Sign,
                ];
                let rounded = Expr::unary(*self.random.choose(&op), x.clone());
                let shape = x.shape().to_vec();
                let args = vec![rounded, x];
                return Some(Expr::tensor(
                    Op::Binary(Binary::Multiply),
                    args,
                    self.float,
                    shape,
                ));
            }
        };
        let shape = x.shape().to_vec();
        let whole = x.dtype() == Dtype::I32;
        let floats = Expr::tensor(Op::Cast, vec![x], self.float, shape);
        // Integers may be made of floats, which the compiler wants to be said where they become floats again.
        Some(match whole {
            true => Expr::unary(Unary::StopGradient, floats),
            false => floats,
        })
    }

    fn unary(&mut self, scope: &Scope) -> Option<Expr> {
        #[rustfmt::skip]
        const ALL: [Unary; 31] = [
            Unary::Negative, Unary::Abs, Unary::Square, Unary::Sqrt, Unary::Rsqrt, Unary::Reciprocal, Unary::Exp,
            Unary::Expm1, Unary::Log, Unary::Log1p, Unary::Log2, Unary::Log10, Unary::Sin, Unary::Cos, Unary::Tan,
            Unary::Asin, Unary::Acos, Unary::Atan, Unary::Sinh, Unary::Cosh, Unary::Tanh, Unary::Erf, Unary::Sigmoid,
            Unary::Softplus, Unary::Relu, Unary::Gelu, Unary::GeluExact, Unary::Silu, Unary::Elu, Unary::LeakyRelu,
            Unary::LogSigmoid,
        ];
        let op = *self.random.choose(&ALL);
        let x = self.float(scope, |_| true)?;
        let x = match op {
            Unary::Sqrt
            | Unary::Rsqrt
            | Unary::Log
            | Unary::Log2
            | Unary::Log10
            | Unary::Reciprocal => self.positive(x),
            Unary::Log1p => Expr::unary(Unary::Square, x),
            Unary::Asin | Unary::Acos => self.scaled(0.75, Expr::unary(Unary::Sin, x)),
            Unary::Tan => Expr::unary(Unary::Tanh, x),
            _ => x,
        };
        Some(Expr::unary(op, x))
    }

    fn scaled(&mut self, factor: f64, x: Expr) -> Expr {
        let shape = x.shape().to_vec();
        let args = vec![Expr::number(factor, self.float), x];
        Expr::tensor(Op::Binary(Binary::Multiply), args, self.float, shape)
    }

    /// Something above 0.
    pub(super) fn positive(&mut self, x: Expr) -> Expr {
        let op = *self
            .random
            .choose(&[Unary::Square, Unary::Abs, Unary::Softplus, Unary::Sigmoid]);
        let shape = x.shape().to_vec();
        let args = vec![Expr::unary(op, x), Expr::number(0.5, self.float)];
        Expr::tensor(Op::Binary(Binary::Add), args, self.float, shape)
    }

    /// A tensor that another one broadcasts with, and the common shape.
    fn partner(&mut self, scope: &Scope, x: &Expr) -> (Expr, Vec<Dim>) {
        let own = x.shape().to_vec();
        let other = self.float(scope, |shape| broadcast(shape, &own).is_some());
        let other = match other {
            Some(other) if self.random.chance(0.85) => other,
            _ => self.constant(),
        };
        let common = broadcast(other.shape(), &own).unwrap_or(own);
        (other, common)
    }

    fn binary(&mut self, scope: &Scope) -> Option<Expr> {
        const ALL: [Binary; 13] = [
            Binary::Add,
            Binary::Add,
            Binary::Subtract,
            Binary::Multiply,
            Binary::Multiply,
            Binary::Divide,
            Binary::Divide,
            Binary::Remainder,
            Binary::Pow,
            Binary::Maximum,
            Binary::Minimum,
            Binary::Atan2,
            Binary::Logaddexp,
        ];
        let op = *self.random.choose(&ALL);
        let x = self.float(scope, |_| true)?;
        let (mut y, shape) = self.partner(scope, &x);
        let mut x = x;
        match op {
            Binary::Divide | Binary::Remainder | Binary::Atan2 => y = self.positive(y),
            Binary::Pow => (x, y) = (self.positive(x), Expr::unary(Unary::Tanh, y)),
            _ if self.random.chance(0.3) => (x, y) = (y, x),
            _ => {}
        }
        Some(Expr::tensor(Op::Binary(op), vec![x, y], self.float, shape))
    }

    /// Truth values.
    pub(super) fn condition(&mut self, scope: &Scope) -> Option<Expr> {
        const ALL: [Binary; 4] = [
            Binary::Less,
            Binary::LessEqual,
            Binary::Greater,
            Binary::GreaterEqual,
        ];
        let x = self.float(scope, |_| true)?;
        let (y, shape) = self.partner(scope, &x);
        let op = *self.random.choose(&ALL);
        let first = Expr::tensor(Op::Binary(op), vec![x, y], Dtype::Bool, shape.clone());
        if self.random.chance(0.7) {
            return Some(first);
        }
        let own = shape.clone();
        let other = self.tensor(scope, |x| {
            x.dtype() == Dtype::Bool && broadcast(x.shape(), &own).is_some()
        });
        let Some(other) = other else {
            return Some(Expr::unary(Unary::Not, first));
        };
        let common = broadcast(other.shape(), &shape)?;
        let op = *self.random.choose(&[Binary::And, Binary::Or, Binary::Xor]);
        Some(Expr::tensor(
            Op::Binary(op),
            vec![first, other],
            Dtype::Bool,
            common,
        ))
    }

    fn choice(&mut self, scope: &Scope) -> Option<Expr> {
        let condition = self.condition(scope)?;
        let (a, shape) = self.partner(scope, &condition);
        let whole = Expr::tensor(Op::Full(0.0), vec![], self.float, shape);
        let (b, shape) = self.partner(scope, &whole);
        Some(Expr::tensor(
            Op::Where,
            vec![condition, a, b],
            self.float,
            shape,
        ))
    }

    /// Some axes of a tensor, counted from either end, and the shape without them.
    fn axes(&mut self, shape: &[Dim], keepdims: bool) -> (Option<Vec<i64>>, Vec<Dim>) {
        let rank = shape.len();
        if rank == 0 || self.random.chance(0.3) {
            let left = if keepdims {
                vec![Dim::known(1); rank]
            } else {
                vec![]
            };
            return (None, left);
        }
        let mut axes = (0..rank)
            .filter(|_| self.random.chance(0.4))
            .collect::<Vec<_>>();
        if axes.is_empty() {
            axes.push(self.random.below(rank));
        }
        let left = shape
            .iter()
            .enumerate()
            .filter_map(|(axis, dim)| match axes.contains(&axis) {
                true => keepdims.then(|| Dim::known(1)),
                false => Some(dim.clone()),
            });
        let left = left.collect();
        let axes = axes.iter().map(|axis| self.either(*axis, rank)).collect();
        (Some(axes), left)
    }

    /// An axis counted from one end or the other.
    pub(super) fn either(&mut self, axis: usize, rank: usize) -> i64 {
        match self.random.chance(0.4) {
            true => axis as i64 - rank as i64,
            false => axis as i64,
        }
    }

    /// One axis of a shape, and how it is written.
    pub(super) fn axis(&mut self, shape: &[Dim]) -> (usize, i64) {
        let axis = self.random.below(shape.len());
        (axis, self.either(axis, shape.len()))
    }

    pub(super) fn reduction(&mut self, scope: &Scope) -> Option<Expr> {
        const ALL: [Reduction; 9] = [
            Reduction::Sum,
            Reduction::Sum,
            Reduction::Mean,
            Reduction::Prod,
            Reduction::Max,
            Reduction::Min,
            Reduction::Var,
            Reduction::Std,
            Reduction::Logsumexp,
        ];
        let dtype = self.float;
        let ranked = self.float(scope, |shape| !shape.is_empty());
        let choice = self.random.below(10);
        if let (Some(x), 5..) = (ranked, choice) {
            let shape = x.shape().to_vec();
            let (_, axis) = self.axis(&shape);
            return Some(match choice {
                5 | 6 => {
                    let all = [
                        Cumulative::Cumsum,
                        Cumulative::Cumsum,
                        Cumulative::Cumprod,
                        Cumulative::Cummax,
                        Cumulative::Cummin,
                    ];
                    let op = Op::Cumulate(*self.random.choose(&all), axis, self.random.chance(0.3));
                    Expr::tensor(op, vec![x], dtype, shape)
                }
                7 | 8 => Expr::tensor(
                    Op::Softmax(self.random.chance(0.5), axis),
                    vec![x],
                    dtype,
                    shape,
                ),
                _ => self.normalised(scope, x),
            });
        }
        let x = self.float(scope, |_| true)?;
        let keepdims = self.random.chance(0.4);
        let (axes, shape) = self.axes(x.shape(), keepdims);
        let reduction = *self.random.choose(&ALL);
        Some(Expr::tensor(
            Op::Reduce(reduction, axes, keepdims),
            vec![x],
            dtype,
            shape,
        ))
    }

    fn normalised(&mut self, scope: &Scope, x: Expr) -> Expr {
        let shape = x.shape().to_vec();
        let last = shape[shape.len() - 1..].to_vec();
        let further = self.float(scope, |shape| shape == last);
        let layer = self.random.chance(0.5);
        let mut args = vec![x];
        if let Some(scale) = further {
            args.push(scale.clone());
            if layer {
                args.push(scale);
            }
        }
        let op = if layer { Op::LayerNorm } else { Op::RmsNorm };
        Expr::tensor(op, args, self.float, shape)
    }

    /// Sorted elements, and places of the greatest as floats.
    pub(super) fn ordering(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        let shape = x.shape().to_vec();
        let (position, axis) = self.axis(&shape);
        let descending = self.random.chance(0.5);
        if self.random.chance(0.6) {
            return Some(Expr::tensor(
                Op::Sort(axis, descending),
                vec![x],
                self.float,
                shape,
            ));
        }
        Some(match self.random.chance(0.5) {
            true => Expr::tensor(Op::Argsort(axis, descending), vec![x], Dtype::I32, shape),
            false => {
                let mut rest = shape;
                rest.remove(position);
                Expr::tensor(Op::ArgReduce(descending, axis), vec![x], Dtype::I32, rest)
            }
        })
    }
}
