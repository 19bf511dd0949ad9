//! What a rule of an op sees, in both modes.

use dlc_dialects::ir::{
    builder::{Builder, Dim},
    dims::{Source, source},
    inspect::identity,
    shape::{DYNAMIC, element_of, shape_of},
};
use melior::Context;
use melior::ir::{Location, OperationRef, Value, ValueLike, operation::OperationLike};
use std::{cell::RefCell, collections::HashMap};

/// What a rule sees: an op whose result has an adjoint.
pub struct Site<'s, 'c, 'a> {
    /// Where the rule builds.
    pub builder: Builder<'c, 'a>,
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// Its result.
    pub y: Value<'c, 'a>,
    /// The adjoint of the result, of the same type; in forward mode, where there is none, one.
    pub y_adj: Value<'c, 'a>,
    /// Dims that are known already.
    pub sizes: &'s Sizes<'c, 'a>,
}

impl<'c, 'a> Site<'_, 'c, 'a> {
    /// An operand of the op.
    pub fn operand(&self, index: usize) -> Value<'c, 'a> {
        self.op
            .operand(index)
            .expect("a rule is asked for operands that the op has")
    }

    /// The dims of a primal value or of `y_adj`.
    pub fn dims(&self, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        let value = if value == self.y_adj { self.y } else { value };
        self.sizes.dims(&self.builder, value)
    }

    /// A tensor of the value's type filled with a number.
    pub fn full_like(&self, value: Value<'c, 'a>, text: &str) -> Value<'c, 'a> {
        self.builder
            .full(&self.dims(value), element_of(value), text)
    }

    /// `value` with x's type, which differs where one of both says more about its dims.
    pub fn of_type_of(&self, value: Value<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
        match value.r#type() == x.r#type() {
            true => value,
            false => self.builder.reshape(value, &self.dims(x)),
        }
    }
}

/// Dims of values, each looked for once.
#[derive(Default)]
pub struct Sizes<'c, 'a>(RefCell<HashMap<(usize, usize), Dim<'c, 'a>>>);

impl<'c, 'a> Sizes<'c, 'a> {
    /// The dims as the value's type has them: static where it says so, else index values.
    pub fn dims(&self, b: &Builder<'c, 'a>, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        shape_of(value)
            .into_iter()
            .enumerate()
            .map(|(axis, d)| match d {
                DYNAMIC => Dim::Value(b.dim_value(self.dim(b, value, axis))),
                d => Dim::Static(d),
            })
            .collect()
    }

    fn dim(&self, b: &Builder<'c, 'a>, value: Value<'c, 'a>, axis: usize) -> Dim<'c, 'a> {
        let mut trail = vec![(value, axis)];
        let found = loop {
            let (value, axis) = *trail.last().expect("the trail begins with the question");
            if let Some(dim) = self.0.borrow().get(&(identity(value), axis)) {
                break *dim;
            }
            match source(value, axis) {
                Source::Static(d) => break Dim::Static(d),
                Source::Index(v) => break Dim::Value(v),
                Source::Own => break b.own_dim(value, axis),
                Source::Axis(x, i) => trail.push((x, i)),
                Source::Sum(values, i) => {
                    break values
                        .into_iter()
                        .map(|x| self.dim(b, x, i))
                        .reduce(|sum, d| b.dim_add(sum, d))
                        .expect("a concatenation has an operand");
                }
            }
        };
        let mut known = self.0.borrow_mut();
        known.extend(trail.into_iter().map(|(x, i)| ((identity(x), i), found)));
        found
    }
}

/// A place of the source without the names that values have there; under the name of `x` with a suffix, such as
/// `w_adj`, where its location gives it a name.
pub fn named<'c>(
    cx: &'c Context,
    mut place: Location<'c>,
    x: Value<'c, '_>,
    suffix: &str,
) -> Location<'c> {
    while place.is_name() {
        place = place.name_child_location();
    }
    let location = x.location();
    if !location.is_name() {
        return place;
    }
    let name = location.name_value();
    let name = name.as_string_ref().as_str().unwrap_or_default();
    Location::name(cx, &format!("{name}_{suffix}"), place)
}
