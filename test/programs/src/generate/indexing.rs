//! Slices, gathers and scatters, and parts that are written.

use super::{Generator, Scope, elements::broadcast};
use crate::{
    ast::{Expr, Index, Op, Statement, Update},
    types::{Dim, Dtype, Type},
};

/// What a slice leaves of an axis of known size.
fn sliced(size: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> i64 {
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let bound = |bound: i64| match bound < 0 {
        true => (bound + size).clamp(low, high),
        false => bound.clamp(low, high),
    };
    let start = start.map_or(if step > 0 { low } else { high }, bound);
    let stop = stop.map_or(if step > 0 { high } else { low }, bound);
    let span = if step > 0 { stop - start } else { start - stop };
    ((span + step.abs() - 1) / step.abs()).max(0)
}

impl Generator {
    pub(super) fn indexing(&mut self, scope: &Scope) -> Option<Expr> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        match self.random.below(8) {
            0..=3 => {
                let (index, args, shape) = self.index(scope, x.shape())?;
                let args = [vec![x], args].concat();
                Some(Expr::tensor(Op::Index(index), args, self.float, shape))
            }
            4 => {
                let ids = self.ids(scope, |rank| rank < 3)?;
                let (position, axis) = self.axis(x.shape());
                let (before, after) = (&x.shape()[..position], &x.shape()[position + 1..]);
                let shape = [before, ids.shape(), after].concat();
                Some(Expr::tensor(
                    Op::Take(axis),
                    vec![x, ids],
                    self.float,
                    shape,
                ))
            }
            5 => {
                // The places of the elements in order, which are always inside.
                let (_, axis) = self.axis(x.shape());
                let shape = x.shape().to_vec();
                let key = self.float(scope, |own| own == shape)?;
                let order = Op::Argsort(axis, self.random.chance(0.5));
                let ids = Expr::tensor(order, vec![key], Dtype::I32, shape.clone());
                Some(Expr::tensor(
                    Op::TakeAlong(axis),
                    vec![x, ids],
                    self.float,
                    shape,
                ))
            }
            6 => {
                let ids = self.ids(scope, |rank| rank == 1)?;
                let (position, axis) = self.axis(x.shape());
                let mut part = x.shape().to_vec();
                part[position] = ids.shape()[0].clone();
                let updates = self.of_shape(scope, &part);
                let shape = x.shape().to_vec();
                Some(Expr::tensor(
                    Op::ScatterAdd(axis),
                    vec![x, ids, updates],
                    self.float,
                    shape,
                ))
            }
            _ => self.dynamic(scope, x),
        }
    }

    /// Integers, given or made from positions.
    fn ids(&mut self, scope: &Scope, fits: impl Fn(usize) -> bool) -> Option<Expr> {
        let found = self.tensor(scope, |x| x.dtype() == Dtype::I32 && fits(x.rank()));
        if found.is_some() && self.random.chance(0.8) {
            return found;
        }
        let rank = (0..3).find(|rank| *rank > 0 && fits(*rank))?;
        let shape = vec![Dim::known(1 + self.random.below(3) as i64); rank];
        Some(Expr::tensor(Op::Iota(rank - 1), vec![], Dtype::I32, shape))
    }

    fn dynamic(&mut self, scope: &Scope, x: Expr) -> Option<Expr> {
        let sizes = x.shape().iter().map(Dim::number);
        let sizes = sizes.collect::<Option<Vec<_>>>()?;
        let parts = sizes.iter().map(|size| {
            let part = 1 + self.random.below(*size as usize) as i64;
            part.min(*size)
        });
        let parts = parts.collect::<Vec<_>>();
        let starts = sizes.iter().map(|_| {
            let start = self.tensor(scope, |x| x.dtype() == Dtype::I32 && x.rank() == 0);
            start.unwrap_or_else(|| Expr::number(1.0, Dtype::I32))
        });
        let starts = starts.collect::<Vec<_>>();
        let shape = parts
            .iter()
            .map(|part| Dim::known(*part))
            .collect::<Vec<_>>();
        if self.random.chance(0.5) {
            let args = [vec![x], starts].concat();
            return Some(Expr::tensor(
                Op::DynamicSlice(parts),
                args,
                self.float,
                shape,
            ));
        }
        let update = self.of_shape(scope, &shape);
        let whole = x.shape().to_vec();
        let args = [vec![x, update], starts].concat();
        Some(Expr::tensor(Op::DynamicUpdate, args, self.float, whole))
    }

    /// An index of a shape: its parts, the computed ones, and the shape of what it selects.
    fn index(&mut self, scope: &Scope, shape: &[Dim]) -> Option<(Vec<Index>, Vec<Expr>, Vec<Dim>)> {
        let (mut index, mut computed, mut left) = (vec![], vec![], vec![]);
        // The axes of computed indices come where these stand; one tensor is enough to say where.
        let mut gathered = false;
        for (axis, dim) in shape.iter().enumerate() {
            match self.random.below(8) {
                0 if scope.at_least(dim, 1) => {
                    let at = match dim.number() {
                        Some(size) => {
                            self.random.below(size as usize) as i64
                                - self.random.below(2) as i64 * size
                        }
                        None => -(self.random.below(2) as i64),
                    };
                    // A number beside a tensor is a computed index as well.
                    match gathered {
                        true => {
                            index.push(Index::Slice(None, None, 1));
                            left.push(dim.clone());
                        }
                        false => index.push(Index::At(at)),
                    }
                }
                1 => {
                    index.push(Index::New);
                    index.push(Index::Slice(None, None, 1));
                    left.extend([Dim::known(1), dim.clone()]);
                }
                2 if !gathered && !index.iter().any(|item| matches!(item, Index::At(_))) => {
                    let ids = self.ids(scope, |rank| rank < 3)?;
                    left.extend_from_slice(ids.shape());
                    computed.push(ids);
                    index.push(Index::Computed);
                    gathered = true;
                }
                3 if !index.contains(&Index::Rest) && axis + 1 == shape.len() => {
                    index.push(Index::Rest);
                    left.push(dim.clone());
                }
                _ => {
                    let (start, stop, step) = self.slice(scope, dim);
                    let size = match dim.number() {
                        Some(size) => Dim::known(sliced(size, start, stop, step)),
                        None => {
                            let cut = start.unwrap_or(0) - stop.unwrap_or(0);
                            dim.plus(&Dim::known(-cut))
                        }
                    };
                    index.push(Index::Slice(start, stop, step));
                    left.push(size);
                }
            }
        }
        Some((index, computed, left))
    }

    /// A slice of an axis; of one that has a name only what is known to be inside.
    fn slice(&mut self, scope: &Scope, dim: &Dim) -> (Option<i64>, Option<i64>, i64) {
        let Some(size) = dim.number() else {
            return match self.random.below(4) {
                0 if scope.at_least(dim, 1) => (Some(1), None, 1),
                1 if scope.at_least(dim, 1) => (None, Some(-1), 1),
                2 => (None, None, -1),
                _ => (None, None, 1),
            };
        };
        let step = *self.random.choose(&[1, 1, 1, 2, -1, -2]);
        let bound = |random: &mut crate::random::Random| {
            random
                .chance(0.5)
                .then(|| random.below(2 * size as usize + 1) as i64 - size)
        };
        let (start, stop) = (bound(&mut self.random), bound(&mut self.random));
        // An empty slice is rarely of interest.
        match sliced(size, start, stop, step) {
            0 if self.random.chance(0.9) => (None, None, step),
            _ => (start, stop, step),
        }
    }

    /// A copy of a tensor with a part replaced or changed.
    pub(super) fn update(&mut self, scope: &mut Scope) -> Option<()> {
        let x = self.float(scope, |shape| !shape.is_empty())?;
        let variable = self.variable(scope, x)?;
        let done = (0..1 + self.random.below(2)).filter_map(|_| self.written(scope, &variable));
        (done.count() > 0).then_some(())
    }

    /// A part of a variable is written.
    pub(super) fn written(&mut self, scope: &mut Scope, variable: &Expr) -> Option<()> {
        let Op::Var(name) = &variable.op else {
            return None;
        };
        let (index, indices, shape) = self.index(scope, variable.shape())?;
        let how = *self.random.choose(&[
            Update::Set,
            Update::Add,
            Update::Add,
            Update::Subtract,
            Update::Multiply,
        ]);
        // The language has no `*=` at an array of indices yet.
        let how = match how {
            Update::Multiply if !indices.is_empty() => Update::Add,
            how => how,
        };
        let value = match self.random.chance(0.5) {
            true => self.of_shape(scope, &shape),
            false => {
                let fits = |own: &[Dim]| broadcast(own, &shape).as_deref() == Some(&shape);
                self.float(scope, fits)?
            }
        };
        let name = name.clone();
        self.attempt(
            scope,
            Statement::Update {
                name,
                index,
                indices,
                how,
                value,
            },
            &[],
        )
    }

    /// Several values of one operation.
    pub(super) fn several(&mut self, scope: &mut Scope) -> Option<()> {
        let x = self.float(scope, |shape| {
            shape
                .last()
                .and_then(Dim::number)
                .is_some_and(|size| size > 1)
        })?;
        let rank = x.rank();
        let size = x.shape()[rank - 1].number()?;
        let part = |size: i64, dtype| {
            let mut shape = x.shape().to_vec();
            shape[rank - 1] = Dim::known(size);
            Type::Tensor(dtype, shape)
        };
        let (op, types) = match self.random.chance(0.5) {
            true => {
                let first = 1 + self.random.below(size as usize - 1) as i64;
                let axis = self.either(rank - 1, rank);
                let types = vec![part(first, self.float), part(size - first, self.float)];
                (Op::Split(vec![first, size - first], axis), types)
            }
            false => {
                let k = 1 + self.random.below(size as usize) as i64;
                (Op::TopK(k), vec![part(k, self.float), part(k, Dtype::I32)])
            }
        };
        let names = types.iter().map(|_| self.name("v")).collect::<Vec<_>>();
        let bound = names
            .iter()
            .cloned()
            .zip(types.iter().cloned())
            .collect::<Vec<_>>();
        let value = Expr {
            op,
            args: vec![x],
            ty: Type::Tuple(types),
        };
        self.attempt(scope, Statement::LetTuple(names, value), &bound)
    }
}
