//! Adding and putting at run-time indices: loops over the ids, in order.

use super::{
    Lowering, Mapped,
    gather::normalised,
    refine,
    shape::{Window, extract},
    sizes::tensor_type,
};
use crate::{
    emit::{Emitter, Int},
    linalg::{Access, Generic, Iterator},
    scalar,
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{self, ElementClass, class},
    ops,
};
use melior::ir::{Type, Value, ValueLike};

impl<'c, 'a> Lowering<'c, 'a> {
    /// x with slices added or put at ids.
    pub(super) fn scatter(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Scatter<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, ids, updates) = (self.get(op.x()), self.get(op.ids()), self.get(op.updates()));
        // Where nothing is written there is no slice to be cut out.
        if updates.dims.contains(&Poly::zero()) {
            let whole = self.tensor(e, &x);
            return Mapped::tensor(x.element, refine(x.dims, ty), whole);
        }
        let axis = op.axis() as usize;
        let size = self.sizes.value(e, &x.dims[axis]);
        let ranges = ids
            .dims
            .iter()
            .map(|dim| self.sizes.value(e, dim))
            .collect::<Vec<_>>();
        let others = [&x.dims[..axis], &x.dims[axis + 1..]].concat();
        let [whole, indices, parts] = [&x, &ids, &updates].map(|x| self.tensor(e, x));
        // Sizes are made before the loops, in which values stay that are made there.
        self.sizes
            .dynamic(e, &[&x.dims[..], &updates.dims].concat());
        let element = x.element;
        let puts = op.kind() == "set";
        if others.is_empty() {
            let made = self.nest(e, &ranges, size, whole, |_, e, places, whole| {
                let id = normalised(e, extract(e, indices, places), ids.element, size);
                let update = extract(e, parts, places);
                match puts {
                    true => e.op("tensor.insert", &[update, whole, id], whole.r#type()),
                    false => accumulate(e, element, whole, &[id], update),
                }
            });
            return Mapped::tensor(element, refine(x.dims, ty), made);
        }
        let slice = tensor_type(&others, shape::element_of(whole));
        let made = self.nest(e, &ranges, size, whole, |this, e, places, whole| {
            let id = normalised(e, extract(e, indices, places), ids.element, size);
            let part = this.row(e, parts, &updates.dims, axis, places, slice);
            let place = this.sizes.opaque(id);
            let window = row_window(&x.dims, axis, &[place]);
            let put = |this: &mut Self, row| {
                let operands = [row, whole];
                this.windowed(e, "tensor.insert_slice", &operands, &window, whole.r#type())
            };
            if puts {
                return put(this, part);
            }
            let old = this.windowed(e, "tensor.extract_slice", &[whole], &window, slice);
            let loops = (0..others.len()).collect::<Vec<_>>();
            let generic = Generic {
                iterators: vec![Iterator::Parallel; others.len()],
                inputs: vec![Access {
                    value: part,
                    loops: loops.clone(),
                }],
                outputs: vec![Access { value: old, loops }],
                attributes: vec![],
            };
            let sum = generic.build(e, |e, arguments| {
                vec![add(e, element, arguments[1], arguments[0])]
            })[0];
            put(this, sum)
        });
        Mapped::tensor(element, refine(x.dims, ty), made)
    }

    /// x with elements added at ids along an axis.
    pub(super) fn scatter_add_along_axis(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::ScatterAddAlongAxis<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, ids, updates) = (self.get(op.x()), self.get(op.ids()), self.get(op.updates()));
        let axis = op.axis() as usize;
        let size = self.sizes.value(e, &x.dims[axis]);
        let ranges = ids
            .dims
            .iter()
            .map(|dim| self.sizes.value(e, dim))
            .collect::<Vec<_>>();
        let [whole, indices, parts] = [&x, &ids, &updates].map(|x| self.tensor(e, x));
        let element = x.element;
        let made = self.nest(e, &ranges, size, whole, |_, e, places, whole| {
            let mut place = places.to_vec();
            place[axis] = normalised(e, extract(e, indices, places), ids.element, size);
            accumulate(e, element, whole, &place, extract(e, parts, places))
        });
        Mapped::tensor(element, refine(x.dims, ty), made)
    }

    /// Loops over `ranges` that carry a tensor; none of them runs where an axis of `size` has no element to add to.
    fn nest(
        &mut self,
        e: &Emitter<'c, 'a>,
        ranges: &[Value<'c, 'a>],
        size: Value<'c, 'a>,
        carried: Value<'c, 'a>,
        body: impl FnOnce(&mut Self, &Emitter<'c, 'a>, &[Value<'c, 'a>], Value<'c, 'a>) -> Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let zero = e.index(0);
        let none = e.cmp(Int::Eq, size, zero);
        let mut ranges = ranges.to_vec();
        match ranges.first_mut() {
            Some(first) => *first = e.select(none, zero, *first),
            // A single id: one round.
            None => {
                let rounds = e.select(none, zero, e.index(1));
                return e.for_loop((zero, rounds, e.index(1)), &[carried], |e, _, carried| {
                    vec![body(self, e, &[], carried[0])]
                })[0];
            }
        }
        self.loops(e, &ranges, &mut vec![], carried, body)
    }

    /// Loops over `ranges` that carry a tensor.
    pub(super) fn loops<F>(
        &mut self,
        e: &Emitter<'c, 'a>,
        ranges: &[Value<'c, 'a>],
        places: &mut Vec<Value<'c, 'a>>,
        carried: Value<'c, 'a>,
        body: F,
    ) -> Value<'c, 'a>
    where
        F: FnOnce(&mut Self, &Emitter<'c, 'a>, &[Value<'c, 'a>], Value<'c, 'a>) -> Value<'c, 'a>,
    {
        let [range, inner @ ..] = ranges else {
            return body(self, e, places, carried);
        };
        e.for_loop(
            (e.index(0), *range, e.index(1)),
            &[carried],
            |e, place, carried| {
                places.push(place);
                vec![self.loops(e, inner, places, carried[0], body)]
            },
        )[0]
    }

    /// The slice of `parts` at places on the axes from `axis` on, without these axes.
    fn row(
        &mut self,
        e: &Emitter<'c, 'a>,
        parts: Value<'c, 'a>,
        dims: &[Poly],
        axis: usize,
        places: &[Value<'c, 'a>],
        ty: Type<'c>,
    ) -> Value<'c, 'a> {
        let places = places
            .iter()
            .map(|place| self.sizes.opaque(*place))
            .collect::<Vec<_>>();
        let window = row_window(dims, axis, &places);
        self.windowed(e, "tensor.extract_slice", &[parts], &window, ty)
    }
}

/// The window of one place on some axes and all of the others.
fn row_window(dims: &[Poly], axis: usize, places: &[Poly]) -> Window {
    let mut window = Window {
        offsets: vec![Poly::zero(); dims.len()],
        sizes: dims.to_vec(),
        strides: vec![1; dims.len()],
    };
    for (i, place) in places.iter().enumerate() {
        window.offsets[axis + i] = place.clone();
        window.sizes[axis + i] = Poly::one();
    }
    window
}

/// The tensor with a number added to one element.
fn accumulate<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    whole: Value<'c, 'a>,
    place: &[Value<'c, 'a>],
    update: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let sum = add(e, element, extract(e, whole, place), update);
    let operands = [&[sum, whole], place].concat();
    e.op("tensor.insert", &operands, whole.r#type())
}

/// The sum of two stored numbers.
fn add<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    a: Value<'c, 'a>,
    b: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let (a, b) = (scalar::widen(e, a), scalar::widen(e, b));
    let op = match class(element) {
        ElementClass::Float => "arith.addf",
        _ => "arith.addi",
    };
    scalar::narrow(e, element, e.op(op, &[a, b], a.r#type()))
}
