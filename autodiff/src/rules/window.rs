//! Reductions of windows.
//!
//! ```text
//! v[i, k] = x[i s + k d]                          the elements of the windows, an axis for all k together
//! y[i] = reduction of v[i, k] over k
//! x_adj[j] = sum of v_adj[i, k] over all i, k with i s + k d = j
//! ```
//!
//! `v_adj` is y_adj for sums, for `max` and `min` y_adj at the first element of the window that is it, as JAX and
//! PyTorch have it for pooling, and for `prod` y_adj times the product of the others.

use super::{reduce::Reduction, shape::inverse};
use crate::site::Site;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        shape::{self, element_of},
    },
    ops::{OpKind, ReduceWindow, build},
};
use melior::ir::{Type, Value, ValueLike, r#type::IntegerType};

/// `dl.reduce_window`.
pub fn reduce_window<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let windows = Windows::of(site);
    windows.put(windows.weighted(site.y_adj))
}

/// The tangent of `dl.reduce_window`: the sum over a window of the operand's, weighted with what a unit there adds.
pub fn tangent<'c, 'a>(site: &Site<'_, 'c, 'a>, x_tan: Value<'c, 'a>) -> Value<'c, 'a> {
    let (b, windows) = (site.builder, Windows::of(site));
    let weights = windows.weighted(site.y_adj);
    let parts = b.elementwise(OpKind::Mul, &[weights, windows.elements(x_tan)]);
    b.reduce("sum", parts, &[windows.y.len() as i64])
}

struct Windows<'c, 'a> {
    b: Builder<'c, 'a>,
    op: ReduceWindow<'c, 'a>,
    x: Vec<Dim<'c, 'a>>,
    y: Vec<Dim<'c, 'a>>,
    /// The axes along which a window is more than one element, or steps over some.
    axes: Vec<usize>,
}

impl<'c, 'a> Windows<'c, 'a> {
    fn of(site: &Site<'_, 'c, 'a>) -> Self {
        let op = ReduceWindow(site.op);
        let (window, strides) = (op.window(), op.strides());
        let moves = |axis: &usize| window[*axis] != 1 || strides[*axis] != 1;
        Self {
            b: site.builder,
            op,
            x: site.dims(op.x()),
            y: site.dims(site.y),
            axes: (0..window.len()).filter(moves).collect(),
        }
    }

    /// The elements of all windows of a tensor like `x`: the axes of y, then one of the elements.
    fn elements(&self, mut x: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let mut dims = self.x.clone();
        // From the last axis on, so that those before keep their places.
        for &axis in self.axes.iter().rev() {
            dims.splice(axis..=axis, [self.y[axis], self.size(axis)]);
            x = b.value(build::take(
                b.context,
                x,
                self.places(axis),
                axis as i64,
                shape::tensor(&type_shape(&dims), element_of(x)),
                b.location,
            ));
        }
        let x = b.transpose(x, &self.order());
        b.reshape(x, &[self.y.as_slice(), &[self.count()]].concat())
    }

    /// The sum, at each place of `x`, of the elements of windows that lie there.
    fn put(&self, v: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let order = self.order();
        let sizes = self.axes.iter().map(|&axis| self.size(axis));
        let dims = self.y.iter().copied().chain(sizes).collect::<Vec<_>>();
        let v = b.reshape(v, &dims);
        let inverse = inverse(&order);
        let mut v = b.transpose(v, &inverse);
        let mut dims = order_of(&dims, &inverse);
        for &axis in &self.axes {
            dims.splice(axis..axis + 2, [self.x[axis]]);
            let zeros = b.full(&dims, element_of(v), "0");
            v = b.value(build::scatter(
                b.context,
                zeros,
                self.places(axis),
                v,
                "add",
                axis as i64,
                zeros.r#type(),
                b.location,
            ));
        }
        v
    }

    /// What each element of a window gets of a value of its result.
    fn weighted(&self, y: Value<'c, 'a>) -> Value<'c, 'a> {
        let (b, rank) = (self.b, self.y.len() as i64);
        let kept = (0..rank).collect::<Vec<_>>();
        let dims = [self.y.as_slice(), &[self.count()]].concat();
        let spread = |y| b.broadcast(y, &kept, &dims);
        let kind = match self.op.kind() {
            "sum" => return spread(y),
            "prod" => {
                let reduction = Reduction {
                    b,
                    x: self.elements(self.op.x()),
                    axes: vec![rank],
                    kept,
                    dims,
                };
                return reduction.product(y);
            }
            "max" => "argmax",
            _ => "argmin",
        };
        let i32 = Type::from(IntegerType::new(b.context, 32));
        let elements = self.elements(self.op.x());
        let first = b.value(build::arg_reduce(
            b.context,
            elements,
            kind,
            rank,
            shape::tensor(&type_shape(&self.y), i32),
            b.location,
        ));
        let numbers = b.value(build::iota(
            b.context,
            &dynamic(&dims),
            rank,
            shape::tensor(&type_shape(&dims), i32),
            b.location,
        ));
        let is_first = b.elementwise(OpKind::Equal, &[numbers, spread(first)]);
        let none = b.full(&dims, element_of(y), "0");
        b.elementwise(OpKind::Select, &[is_first, spread(y), none])
    }

    /// The number of elements of a window.
    fn count(&self) -> Dim<'c, 'a> {
        Dim::Static(self.op.window().iter().product())
    }

    /// The number of elements of a window along an axis.
    fn size(&self, axis: usize) -> Dim<'c, 'a> {
        Dim::Static(self.op.window()[axis])
    }

    /// Where along an axis the elements of its windows lie.
    fn places(&self, axis: usize) -> Value<'c, 'a> {
        let b = self.b;
        let i64 = Type::from(IntegerType::new(b.context, 64));
        let dims = [self.y[axis], self.size(axis)];
        let ty = shape::tensor(&type_shape(&dims), i64);
        let sizes = dynamic(&dims);
        let steps = [self.op.strides()[axis], self.op.dilations()[axis]];
        let parts = [0, 1].map(|along| {
            let numbers = b.value(build::iota(b.context, &sizes, along, ty, b.location));
            let step = b.full(&dims, i64, &steps[along as usize].to_string());
            b.elementwise(OpKind::Mul, &[numbers, step])
        });
        b.elementwise(OpKind::Add, &parts)
    }

    /// The axes of the windows' elements as they are taken, in the order that has those of y first.
    fn order(&self) -> Vec<i64> {
        let (mut of_y, mut of_windows) = (vec![], vec![]);
        let mut next = 0;
        for axis in 0..self.y.len() {
            of_y.push(next);
            next += 1;
            if self.axes.contains(&axis) {
                of_windows.push(next);
                next += 1;
            }
        }
        [of_y, of_windows].concat()
    }
}

fn order_of<T: Copy>(items: &[T], order: &[i64]) -> Vec<T> {
    order.iter().map(|&i| items[i as usize]).collect()
}
