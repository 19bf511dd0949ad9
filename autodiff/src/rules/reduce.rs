//! Reductions.
//!
//! ```text
//! sum:      x_adj[i] = y_adj
//! max, min: x_adj[i] = y_adj (x[i] == y) / count of x == y        a tie shares equally, as JAX has it
//! prod:     x_adj[i] = y_adj * product of all others
//! ```
//!
//! The tangent of the result is the sum of x_tan[i] x_adj[i] with y_adj = 1.
//!
//! An empty reduction has no operand elements to give to. `any` and `all` are on bools, which have no adjoint.

use crate::site::Site;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        shape::{element_of, shape_of, width},
    },
    ops::{OpKind, Reduce},
};
use melior::ir::{Type, Value};

/// `dl.reduce`.
pub fn reduce<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let op = Reduce(site.op);
    let axes = op.axes();
    let kept = (0..shape_of(op.x()).len() as i64)
        .filter(|axis| !axes.contains(axis))
        .collect();
    let reduction = Reduction {
        b: site.builder,
        x: op.x(),
        axes,
        kept,
        dims: site.dims(op.x()),
    };
    match op.kind() {
        "sum" => reduction.spread(site.y_adj),
        "prod" => reduction.product(site.y_adj),
        _ => reduction.extreme(site.y, site.y_adj),
    }
}

/// The tangent of `dl.reduce`: the sum of the operand's, for the other kinds weighted with what a unit there adds.
pub fn tangent<'c, 'a>(site: &Site<'_, 'c, 'a>, x_tan: Value<'c, 'a>) -> Value<'c, 'a> {
    let (b, op) = (site.builder, Reduce(site.op));
    let parts = match op.kind() {
        "sum" => x_tan,
        _ => b.elementwise(OpKind::Mul, &[reduce(site, 0), x_tan]),
    };
    b.reduce("sum", parts, &op.axes())
}

/// The element type that counts and partial products of `x` are made in: they need more than the eleven bits of a half.
pub(super) fn wide<'c, 'a>(b: Builder<'c, 'a>, x: Value<'c, 'a>) -> Type<'c> {
    let element = element_of(x);
    match width(element) < 32 {
        true => Type::float32(b.context),
        false => element,
    }
}

/// A reduction whose parts are known.
pub(super) struct Reduction<'c, 'a> {
    pub b: Builder<'c, 'a>,
    pub x: Value<'c, 'a>,
    pub axes: Vec<i64>,
    pub kept: Vec<i64>,
    pub dims: Vec<Dim<'c, 'a>>,
}

impl<'c, 'a> Reduction<'c, 'a> {
    /// A value of the result's shape, repeated to the operand's.
    fn spread(&self, y: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.axes.is_empty() {
            true => y,
            false => self.b.broadcast(y, &self.kept, &self.dims),
        }
    }

    fn sum(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.b.reduce("sum", x, &self.axes)
    }

    /// `max` and `min`. NaN equals nothing: its slice has count 0, and an adjoint of NaN, as it should.
    fn extreme(&self, y: Value<'c, 'a>, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let at = b.elementwise(OpKind::Equal, &[self.x, self.spread(y)]);
        let at = b.convert(at, wide(self.b, self.x));
        let share = b.elementwise(
            OpKind::Div,
            &[b.convert(y_adj, wide(self.b, self.x)), self.sum(at)],
        );
        let x_adj = b.elementwise(OpKind::Mul, &[self.spread(share), at]);
        b.convert(x_adj, element_of(self.x))
    }

    /// `prod`. See Note [Products with zeros].
    pub fn product(&self, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let apply = |kind, operands: &[Value<'c, 'a>]| b.elementwise(kind, operands);
        let like = |x: Value<'c, 'a>, text| b.full(&self.dims_of(x), element_of(x), text);
        let x = b.convert(self.x, wide(self.b, self.x));
        let (zero, one) = (like(x, "0"), like(x, "1"));

        let is_zero = apply(OpKind::Equal, &[x, zero]);
        let others = apply(OpKind::Select, &[is_zero, one, x]);
        let product = b.reduce("prod", others, &self.axes);
        let count = self.sum(b.convert(is_zero, wide(self.b, self.x)));
        let sum = self.sum(apply(OpKind::Select, &[is_zero, x, zero]));

        let none = like(product, "0");
        let when = |n, value| {
            let is = apply(OpKind::Equal, &[count, like(count, n)]);
            (is, value)
        };
        let choose = |(is, value), otherwise| apply(OpKind::Select, &[is, value, otherwise]);
        let with_one = apply(OpKind::Mul, &[product, sum]);
        let at_others = choose(when("0", product), choose(when("1", with_one), none));
        let at_others = apply(OpKind::Div, &[self.spread(at_others), others]);
        let alone = choose(when("1", product), none);
        let of_two = choose(when("2", product), none);
        let other_zero = apply(OpKind::Sub, &[self.spread(sum), x]);
        let at_zeros = apply(
            OpKind::Add,
            &[
                self.spread(alone),
                apply(OpKind::Mul, &[self.spread(of_two), other_zero]),
            ],
        );

        let rest = apply(OpKind::Select, &[is_zero, at_zeros, at_others]);
        let y_adj = self.spread(b.convert(y_adj, wide(self.b, self.x)));
        b.convert(apply(OpKind::Mul, &[y_adj, rest]), element_of(self.x))
    }

    /// The dims of a value of the operand's or the result's shape.
    fn dims_of(&self, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        match shape_of(value).len() == self.dims.len() {
            true => self.dims.clone(),
            false => self
                .kept
                .iter()
                .map(|&axis| self.dims[axis as usize])
                .collect(),
        }
    }
}

// Note [Products with zeros]
//
// The product of all others is y / x[i] only where x[i] is not 0. Let P be the product of the elements that are
// not zero, S the sum of those that are, and n their count. Then the product of all others is
//
//   n   at an element x[i] != 0   at an element x[i] == 0
//   0   P / x[i]                  -
//   1   P S / x[i]                P
//   2   0                         P (S - x[i])
//   3   0                         0
//
// S is zero, of course, but its derivative is not: with n = 1 it is the zero element, and S - x[i] with n = 2 is the
// other one. So the table holds in a neighbourhood of x, to first order, and the derivative of this derivative is
// right too. Third derivatives of products with two zeros or more would need more rows.
