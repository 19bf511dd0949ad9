//! Sums, products and extremes of each element and those before it.
//!
//! ```text
//! sum: x_adj = cumulative sum of y_adj from the other end
//! max, min: y[i] = x[p[i]] with p[i] the last place where the extreme was met; x_adj[j] = sum of y_adj[i], p[i] = j
//! prod: see Note [Cumulative products with zeros]
//! ```
//!
//! What is said of "before" and "after" is turned round where the op begins at the other end.

use super::reduce::wide;
use crate::site::Site;
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic},
        shape::{self, element_of, shape_of},
    },
    ops::{Cumulative, OpKind, build},
};
use melior::ir::{Type, Value, ValueLike, r#type::IntegerType};

/// `dl.cumulative`.
pub fn cumulative<'c, 'a>(site: &Site<'_, 'c, 'a>, _: usize) -> Value<'c, 'a> {
    let scan = Scan::of(site);
    match scan.op.kind() {
        "sum" => scan.after("sum", site.y_adj),
        "prod" => scan.product_adjoint(site.y_adj),
        _ => scan.extreme_adjoint(site.y_adj),
    }
}

/// The tangent of `dl.cumulative`.
pub fn tangent<'c, 'a>(site: &Site<'_, 'c, 'a>, x_tan: Value<'c, 'a>) -> Value<'c, 'a> {
    let scan = Scan::of(site);
    match scan.op.kind() {
        "sum" => scan.before("sum", x_tan),
        "prod" => scan.product_tangent(x_tan),
        _ => scan.extreme_tangent(x_tan),
    }
}

struct Scan<'c, 'a> {
    b: Builder<'c, 'a>,
    op: Cumulative<'c, 'a>,
    y: Value<'c, 'a>,
    dims: Vec<Dim<'c, 'a>>,
}

/// The parts of a product; see Note [Cumulative products with zeros].
struct Product<'c, 'a> {
    x: Value<'c, 'a>,
    is_zero: Value<'c, 'a>,
    /// The elements, with 1 for zeros.
    others: Value<'c, 'a>,
    /// P.
    product: Value<'c, 'a>,
    /// S.
    sum: Value<'c, 'a>,
    /// The number of zeros.
    count: Value<'c, 'a>,
}

impl<'c, 'a> Scan<'c, 'a> {
    fn of(site: &Site<'_, 'c, 'a>) -> Self {
        let op = Cumulative(site.op);
        Self {
            b: site.builder,
            op,
            y: site.y,
            dims: site.dims(op.x()),
        }
    }

    fn scan(&self, kind: &str, x: Value<'c, 'a>, reverse: bool) -> Value<'c, 'a> {
        let b = self.b;
        let axis = self.op.axis();
        b.value(build::cumulative(
            b.context, x, kind, axis, reverse, b.location,
        ))
    }

    /// Each element with those before it, as the op goes.
    fn before(&self, kind: &str, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.scan(kind, x, self.op.reverse())
    }

    /// Each element with those after it.
    fn after(&self, kind: &str, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.scan(kind, x, !self.op.reverse())
    }

    fn apply(&self, kind: OpKind, operands: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        self.b.elementwise(kind, operands)
    }

    fn full(&self, element: Type<'c>, text: &str) -> Value<'c, 'a> {
        self.b.full(&self.dims, element, text)
    }

    fn select(
        &self,
        condition: Value<'c, 'a>,
        then: Value<'c, 'a>,
        otherwise: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        self.apply(OpKind::Select, &[condition, then, otherwise])
    }

    /// Where the extreme of each element and those before it was met last. NaN is an extreme from where it stands.
    fn places(&self) -> Value<'c, 'a> {
        let b = self.b;
        let i64 = Type::from(IntegerType::new(b.context, 64));
        let x = self.op.x();
        let ty = shape::tensor(&shape_of(x), i64);
        let axis = self.op.axis();
        let numbers = build::iota(b.context, &dynamic(&self.dims), axis, ty, b.location);
        let numbers = b.value(numbers);
        let met = self.apply(OpKind::Equal, &[x, self.y]);
        let nan = self.apply(OpKind::Isnan, &[x]);
        let met = self.apply(OpKind::BitwiseOr, &[met, nan]);
        // The first element is met, so what stands for the others never wins.
        match self.op.reverse() {
            false => {
                let none = self.full(i64, "-1");
                self.before("max", self.select(met, numbers, none))
            }
            true => {
                let none = self.full(i64, &i64::MAX.to_string());
                self.before("min", self.select(met, numbers, none))
            }
        }
    }

    fn extreme_adjoint(&self, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let zeros = self.full(element_of(y_adj), "0");
        b.value(build::scatter_add_along_axis(
            b.context,
            zeros,
            self.places(),
            y_adj,
            self.op.axis(),
            zeros.r#type(),
            b.location,
        ))
    }

    fn extreme_tangent(&self, x_tan: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.b;
        let (places, axis) = (self.places(), self.op.axis());
        let ty = x_tan.r#type();
        b.value(build::take_along_axis(
            b.context, x_tan, places, axis, ty, b.location,
        ))
    }

    fn wide(&self) -> Type<'c> {
        wide(self.b, self.op.x())
    }

    fn product(&self) -> Product<'c, 'a> {
        let wide = self.wide();
        let x = self.b.convert(self.op.x(), wide);
        let (zero, one) = (self.full(wide, "0"), self.full(wide, "1"));
        let is_zero = self.apply(OpKind::Equal, &[x, zero]);
        let others = self.select(is_zero, one, x);
        Product {
            x,
            is_zero,
            others,
            product: self.before("prod", others),
            sum: self.before("sum", self.select(is_zero, x, zero)),
            count: self.before("sum", self.b.convert(is_zero, wide)),
        }
    }

    /// `value` where there are so many zeros, elsewhere `otherwise`.
    fn when(
        &self,
        p: &Product<'c, 'a>,
        zeros: &str,
        value: Value<'c, 'a>,
        otherwise: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let count = self.full(self.wide(), zeros);
        let is = self.apply(OpKind::Equal, &[p.count, count]);
        self.select(is, value, otherwise)
    }

    fn product_adjoint(&self, y_adj: Value<'c, 'a>) -> Value<'c, 'a> {
        let (p, none) = (self.product(), self.full(self.wide(), "0"));
        let mul = |a, b| self.apply(OpKind::Mul, &[a, b]);
        let unit = mul(self.b.convert(y_adj, self.wide()), p.product);
        let of_one = self.after("sum", self.when(&p, "1", unit, none));
        let two = self.when(&p, "2", unit, none);
        let of_two = self.apply(
            OpKind::Sub,
            &[
                self.after("sum", mul(two, p.sum)),
                mul(p.x, self.after("sum", two)),
            ],
        );
        let at_zeros = self.apply(OpKind::Add, &[of_one, of_two]);
        let with_one = self.when(&p, "1", mul(unit, p.sum), none);
        let at_others = self.after("sum", self.when(&p, "0", unit, with_one));
        let at_others = self.apply(OpKind::Div, &[at_others, p.others]);
        let x_adj = self.select(p.is_zero, at_zeros, at_others);
        self.b.convert(x_adj, element_of(y_adj))
    }

    fn product_tangent(&self, x_tan: Value<'c, 'a>) -> Value<'c, 'a> {
        let (p, none) = (self.product(), self.full(self.wide(), "0"));
        let mul = |a, b| self.apply(OpKind::Mul, &[a, b]);
        let tangents = self.b.convert(x_tan, self.wide());
        let of_others = self.apply(OpKind::Div, &[tangents, p.others]);
        let of_others = self.before("sum", self.select(p.is_zero, none, of_others));
        let at_zeros = self.select(p.is_zero, tangents, none);
        let of_zeros = self.before("sum", at_zeros);
        let one = self.apply(OpKind::Add, &[of_zeros, mul(p.sum, of_others)]);
        let two = self.apply(
            OpKind::Sub,
            &[mul(p.sum, of_zeros), self.before("sum", mul(p.x, at_zeros))],
        );
        let parts = self.when(
            &p,
            "0",
            of_others,
            self.when(&p, "1", one, self.when(&p, "2", two, none)),
        );
        self.b.convert(mul(p.product, parts), element_of(x_tan))
    }
}

// Note [Cumulative products with zeros]
//
// Let, for each i, P be the product of the elements up to i that are not zero, S the sum of those that are, and n their
// count. What the product up to i is without the element x[j], j <= i, is the table of Note [Products with zeros] in
// `reduce.rs`, row n, at i: for x[j] != 0 it is P / x[j], P S / x[j] or 0, for x[j] == 0 it is P for n = 1 and
// P (S - x[j]) for n = 2, else 0. The adjoint sums these times y_adj[i] over i >= j, so j's part is taken out of the
// sum; the tangent sums them times x_tan[j] over j <= i, so i's part is. S is zero, but its derivative is not: the
// derivative of this derivative is right too.
