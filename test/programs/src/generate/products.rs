//! Products of matrices, sums over products, convolutions and pools.

use super::{Generator, Scope, elements::broadcast};
use crate::{
    ast::{Convolution, Expr, Op, Pool},
    eval::product::windows,
    types::Dim,
};

impl Generator {
    pub(super) fn product(&mut self, scope: &Scope) -> Option<Expr> {
        match self.random.below(8) {
            0..=2 => self.matmul(scope),
            3 => {
                let a = self.float(scope, |shape| shape.len() == 1)?;
                let b = self.float(scope, |shape| shape.len() == 1)?;
                let shape = vec![a.shape()[0].clone(), b.shape()[0].clone()];
                Some(Expr::tensor(Op::Outer, vec![a, b], self.float, shape))
            }
            4 => self.einsum(scope),
            5 | 6 => self.convolution(scope),
            _ => self.pool(scope),
        }
    }

    fn matmul(&mut self, scope: &Scope) -> Option<Expr> {
        let a = self.float(scope, |shape| !shape.is_empty())?;
        let inner = a.shape()[a.rank() - 1].clone();
        let batch = |shape: &[Dim]| shape[..shape.len().saturating_sub(2)].to_vec();
        let own = batch(a.shape());
        let b = self.float(scope, |shape| {
            let at = match shape.len() {
                0 => return false,
                1 => 0,
                rank => rank - 2,
            };
            shape[at] == inner && broadcast(&own, &batch(shape)).is_some()
        });
        let b = match b {
            Some(b) => b,
            None => {
                // The transpose always fits.
                let mut axes = (0..a.rank()).collect::<Vec<_>>();
                let rank = axes.len();
                if rank > 1 {
                    axes.swap(rank - 2, rank - 1);
                }
                let shape = axes.iter().map(|axis| a.shape()[*axis].clone()).collect();
                Expr::tensor(Op::Permute(axes), vec![a.clone()], self.float, shape)
            }
        };
        let mut shape = broadcast(&own, &batch(b.shape()))?;
        shape.extend((a.rank() > 1).then(|| a.shape()[a.rank() - 2].clone()));
        shape.extend((b.rank() > 1).then(|| b.shape()[b.rank() - 1].clone()));
        Some(Expr::tensor(Op::Matmul, vec![a, b], self.float, shape))
    }

    /// One or two operands with a letter for each axis; equal sizes may share one.
    fn einsum(&mut self, scope: &Scope) -> Option<Expr> {
        let count = 1 + self.random.below(2);
        let (mut letters, mut inputs, mut operands) = (Vec::<Dim>::new(), vec![], vec![]);
        for _ in 0..count {
            let x = self.float(scope, |shape| (1..=3).contains(&shape.len()))?;
            let mut input = String::new();
            for dim in x.shape() {
                let known = letters
                    .iter()
                    .position(|other| other == dim && !dim.is_one());
                let letter = match known {
                    Some(letter) if self.random.chance(0.7) => letter,
                    _ => {
                        letters.push(dim.clone());
                        letters.len() - 1
                    }
                };
                input.push((b'i' + letter as u8) as char);
            }
            inputs.push(input);
            operands.push(x);
        }
        let mut output = String::new();
        let mut shape = vec![];
        for (letter, dim) in letters.iter().enumerate().rev() {
            if self.random.chance(0.5) {
                output.push((b'i' + letter as u8) as char);
                shape.push(dim.clone());
            }
        }
        let subscripts = format!("{}->{output}", inputs.join(","));
        Some(Expr::tensor(
            Op::Einsum(subscripts),
            operands,
            self.float,
            shape,
        ))
    }

    /// A tensor as `[N, C, …]` with some axes in space.
    fn image(&mut self, scope: &Scope, axes: usize) -> Option<Expr> {
        let known = |shape: &[Dim], from: usize| {
            shape[from..]
                .iter()
                .all(|dim| dim.number().is_some_and(|size| size > 0))
        };
        let direct = self.float(scope, |shape| shape.len() == axes + 2 && known(shape, 1));
        if direct.is_some() && self.random.chance(0.7) {
            return direct;
        }
        let x = self.float(scope, |shape| shape.len() >= axes && known(shape, 0))?;
        let space = x.shape()[x.rank() - axes..].to_vec();
        let outer = x.shape()[..x.rank() - axes].iter();
        let channels = outer.fold(Dim::known(1), |whole, dim| whole.times(dim));
        let shape = [vec![Dim::known(1), channels], space].concat();
        Some(Expr::tensor(Op::Reshape, vec![x], self.float, shape))
    }

    /// A window of known sizes from what is visible: any tensor, bent into the shape.
    fn window(&mut self, scope: &Scope, shape: &[Dim]) -> Option<Expr> {
        let fits = |own: &[Dim]| own == shape;
        if let Some(w) = self.float(scope, fits) {
            return Some(w);
        }
        let source = self.float(scope, |_| true)?;
        let scalar = self.summed(source);
        let axis = self.random.below(shape.len());
        let iota = Expr::tensor(Op::Iota(axis), vec![], self.float, shape.to_vec());
        let args = vec![iota, scalar];
        let op = crate::ast::Binary::Subtract;
        let w = Expr::tensor(Op::Binary(op), args, self.float, shape.to_vec());
        Some(Expr::unary(crate::ast::Unary::Sin, w))
    }

    fn convolution(&mut self, scope: &Scope) -> Option<Expr> {
        let axes = 1 + self.random.below(2);
        let x = self.image(scope, axes)?;
        let sizes = x.shape()[1..].iter().map(Dim::number);
        let sizes = sizes.collect::<Option<Vec<_>>>()?;
        let channels = sizes[0];
        let groups = match channels > 1 && channels < 5 && self.random.chance(0.3) {
            true => channels,
            false => 1,
        };
        let outputs = groups * (1 + self.random.below(2) as i64);
        let transposed = self.random.chance(0.25);
        let mut w = vec![Dim::known(outputs), Dim::known(channels / groups)];
        let mut shape = vec![x.shape()[0].clone(), Dim::known(outputs)];
        let mut options = Convolution {
            stride: vec![],
            padding: vec![],
            dilation: vec![],
            groups,
            transposed,
        };
        for size in &sizes[1..] {
            let window = 1 + self.random.below(3) as i64;
            let (stride, dilation) = (
                1 + self.random.below(2) as i64,
                1 + self.random.below(2) as i64,
            );
            let most = if transposed { window } else { window + 1 };
            let padding = (
                self.random.below(most as usize) as i64,
                self.random.below(most as usize) as i64,
            );
            let reach = dilation * (window - 1) + 1;
            let result = match transposed {
                false if size + padding.0 + padding.1 < reach => return None,
                false => windows(*size, window, stride, dilation, padding),
                true => (size - 1) * stride + reach - padding.0 - padding.1,
            };
            if result < 1 {
                return None;
            }
            options.stride.push(stride);
            options.padding.push(padding);
            options.dilation.push(dilation);
            w.push(Dim::known(window));
            shape.push(Dim::known(result));
        }
        let w = self.window(scope, &w)?;
        Some(Expr::tensor(
            Op::Conv(options),
            vec![x, w],
            self.float,
            shape,
        ))
    }

    fn pool(&mut self, scope: &Scope) -> Option<Expr> {
        let axes = 1 + self.random.below(2);
        let x = self.image(scope, axes)?;
        let mut options = Pool {
            greatest: self.random.chance(0.5),
            window: vec![],
            stride: vec![],
            padding: vec![],
            counts_padding: self.random.chance(0.5),
        };
        let mut shape = x.shape()[..2].to_vec();
        for dim in &x.shape()[2..] {
            let size = dim.number()?;
            let window = 1 + self.random.below(3) as i64;
            let stride = 1 + self.random.below(2) as i64;
            let padding = self.random.below(window as usize / 2 + 1) as i64;
            if size + 2 * padding < window {
                return None;
            }
            options.window.push(window);
            options.stride.push(stride);
            options.padding.push(padding);
            shape.push(Dim::known(windows(
                size,
                window,
                stride,
                1,
                (padding, padding),
            )));
        }
        Some(Expr::tensor(Op::Pool(options), vec![x], self.float, shape))
    }
}
