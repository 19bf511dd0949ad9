//! Reshapes as `tensor.collapse_shape` and `tensor.expand_shape`: axes are grouped where products of sizes agree, so
//! that most reshapes are one of the two; where nothing agrees the way leads over one axis.

use super::{
    Content, Lowering, Mapped,
    shape::{array, cast},
    sizes::{product, result_dims, tensor_type},
};
use crate::emit::Emitter;
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::{inspect::identity, shape},
    ops,
};
use melior::ir::{Type, Value};
use std::ops::Range;

/// Axes before and after that hold the same elements.
type Group = (Range<usize>, Range<usize>);

impl<'c, 'a> Lowering<'c, 'a> {
    /// The same elements in another shape.
    pub(super) fn reshape(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Reshape<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        self.reshaped(e, x, dims)
    }

    /// A tensor's elements in the shape of `dims`.
    pub(super) fn reshaped(
        &mut self,
        e: &Emitter<'c, 'a>,
        x: Mapped<'c, 'a>,
        dims: Vec<Poly>,
    ) -> Mapped<'c, 'a> {
        let Content::Tensor(value) = x.content else {
            return Mapped { dims, ..x };
        };
        // A reshape of a reshape starts from what that had.
        let known = self.reshapes.get(&identity(value)).cloned();
        let (value, from) = known.unwrap_or((value, x.dims.clone()));
        let made = self.regrouped(e, (value, from.clone()), x.element, dims);
        if let Content::Tensor(new) = made.content
            && identity(new) != identity(value)
        {
            self.reshapes.insert(identity(new), (value, from));
        }
        made
    }

    /// The elements of a tensor of dims `from` in the shape of `dims`.
    fn regrouped(
        &mut self,
        e: &Emitter<'c, 'a>,
        (value, from): (Value<'c, 'a>, Vec<Poly>),
        of: Type<'c>,
        dims: Vec<Poly>,
    ) -> Mapped<'c, 'a> {
        let x = Mapped::tensor(of, from, value);
        if x.dims == dims {
            return x;
        }
        let element = shape::element_of(value);
        if dims
            .iter()
            .chain(&x.dims)
            .any(|dim| dim.as_const() == Some(0))
        {
            let empty = self.empty(e, &dims, element);
            return Mapped::tensor(x.element, dims, empty);
        }
        if dims.is_empty() {
            let ones = vec![Poly::one(); x.rank()];
            let value = cast(e, value, tensor_type(&ones, element));
            let value = collapse(e, value, &[], tensor_type(&[], element));
            return self.made(e, x.element, dims, value);
        }
        let groups = groups(&x.dims, &dims);
        let middle = groups
            .iter()
            .map(|(before, _)| product(&x.dims[before.clone()]))
            .collect::<Vec<_>>();
        // Types say what the ops' verifiers expect: a dim is known if and only if all it is made of are.
        let value = cast(e, value, tensor_type(&x.dims, element));
        let value = match groups.iter().all(|(before, _)| before.len() == 1) {
            true => value,
            false => {
                let (from, _): (Vec<_>, Vec<_>) = groups.iter().cloned().unzip();
                let known = |range: &Range<usize>| {
                    x.dims[range.clone()].iter().all(|d| d.as_const().is_some())
                };
                let ty = from
                    .iter()
                    .zip(&middle)
                    .map(|(range, dim)| match known(range) {
                        true => dim.clone(),
                        false => unknown(),
                    });
                let ty = tensor_type(&ty.collect::<Vec<_>>(), element);
                collapse(e, value, &from, ty)
            }
        };
        let (_, to): (Vec<_>, Vec<_>) = groups.iter().cloned().unzip();
        let known =
            |range: &Range<usize>| dims[range.clone()].iter().all(|d| d.as_const().is_some());
        let ty = to.iter().map(|range| match known(range) {
            true => product(&dims[range.clone()]),
            false => unknown(),
        });
        let value = cast(e, value, tensor_type(&ty.collect::<Vec<_>>(), element));
        let value = match to.iter().all(|after| after.len() == 1) {
            true => value,
            false => self.expand(e, value, &to, &dims),
        };
        let value = cast(e, value, tensor_type(&dims, element));
        Mapped::tensor(x.element, dims, value)
    }

    fn expand(
        &mut self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        groups: &[Range<usize>],
        dims: &[Poly],
    ) -> Value<'c, 'a> {
        let ty = tensor_type(dims, shape::element_of(value));
        let mut operands = vec![value];
        operands.extend(self.sizes.dynamic(e, dims));
        let known = dims
            .iter()
            .map(|dim| dim.as_const().unwrap_or(i64::MIN).to_string());
        let attributes = [
            ("reassociation", e.attr(&reassociation(groups))),
            (
                "static_output_shape",
                e.attr(&array("i64", &known.collect::<Vec<_>>())),
            ),
        ];
        e.op_with("tensor.expand_shape", &operands, ty, &attributes)
    }
}

/// A size that a type leaves open.
fn unknown() -> Poly {
    Poly::name("?")
}

fn collapse<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    groups: &[Range<usize>],
    ty: Type<'c>,
) -> Value<'c, 'a> {
    let attributes = [("reassociation", e.attr(&reassociation(groups)))];
    e.op_with("tensor.collapse_shape", &[value], ty, &attributes)
}

fn reassociation(groups: &[Range<usize>]) -> String {
    let groups = groups.iter().map(|group| {
        let axes = group
            .clone()
            .map(|axis| format!("{axis} : i64"))
            .collect::<Vec<_>>();
        format!("[{}]", axes.join(", "))
    });
    format!("[{}]", groups.collect::<Vec<_>>().join(", "))
}

/// The finest groups of axes with equal products, in order. `after` has an axis; a shape of rank 0 has one group
/// without axes.
fn groups(before: &[Poly], after: &[Poly]) -> Vec<Group> {
    let mut groups: Vec<Group> = vec![];
    let (mut start, mut at) = ((0, 0), (0, 0));
    if before.is_empty() {
        return vec![(0..0, 0..after.len())];
    }
    while at.0 < before.len() && at.1 < after.len() {
        // The nearest place where the products agree.
        let ends =
            (at.0 + 1..=before.len()).flat_map(|i| (at.1 + 1..=after.len()).map(move |j| (i, j)));
        let mut ends = ends.collect::<Vec<_>>();
        ends.sort_by_key(|(i, j)| (i + j, *i));
        let end = ends
            .into_iter()
            .find(|(i, j)| product(&before[start.0..*i]) == product(&after[start.1..*j]));
        let end = end.unwrap_or((before.len(), after.len()));
        groups.push((start.0..end.0, start.1..end.1));
        (start, at) = (end, end);
    }
    // What is left has size 1, or makes up for what could not be compared.
    if let Some(last) = groups.last_mut() {
        last.0.end = before.len();
        last.1.end = after.len();
    }
    groups
}
