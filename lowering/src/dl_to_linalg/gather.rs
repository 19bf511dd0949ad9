//! Reading at run-time indices.

use super::{Lowering, Mapped, refine, shape::extract};
use crate::{
    emit::{Emitter, Int},
    linalg::{self, Access, Generic, Iterator},
    scalar,
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{ElementClass, class, width},
    ops,
};
use melior::ir::{Type, Value, ValueLike};

impl<'c, 'a> Lowering<'c, 'a> {
    /// Slices at ids along an axis, which the axes of `ids` replace.
    pub(super) fn take(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Take<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, ids) = (self.get(op.x()), self.get(op.ids()));
        let axis = op.axis() as usize;
        let mut dims = x.dims.clone();
        dims.splice(axis..axis + 1, ids.dims.iter().cloned());
        let places = (0..ids.rank()).map(|i| axis + i).collect::<Vec<_>>();
        let source = (0..x.rank())
            .map(|i| match i {
                // The axis itself has no place in the result.
                i if i <= axis => i,
                i => i + ids.rank() - 1,
            })
            .collect::<Vec<_>>();
        self.indexed(e, x, (ids, places), axis, source, refine(dims, ty))
    }

    /// Elements at ids along an axis.
    pub(super) fn take_along_axis(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::TakeAlongAxis<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, ids) = (self.get(op.x()), self.get(op.ids()));
        let dims = refine(ids.dims.clone(), ty);
        let places = (0..x.rank()).collect::<Vec<_>>();
        self.indexed(
            e,
            x,
            (ids, places.clone()),
            op.axis() as usize,
            places,
            dims,
        )
    }

    /// y[i..] = x[i at `source` .., with ids[i at `places` ..] in `axis`].
    fn indexed(
        &mut self,
        e: &Emitter<'c, 'a>,
        x: Mapped<'c, 'a>,
        (ids, places): (Mapped<'c, 'a>, Vec<usize>),
        axis: usize,
        source: Vec<usize>,
        dims: Vec<Poly>,
    ) -> Mapped<'c, 'a> {
        let element = x.element;
        let stored = scalar::storage_type(e, element);
        let size = x.dims[axis].clone();
        if size.as_const() == Some(0) {
            let zero = scalar::number(e, scalar::register_type(e, element), "0");
            return Mapped::splat(element, dims, zero);
        }
        let known = size.as_const().is_some();
        let size = self.sizes.value(e, &size);
        let (from, indices) = (self.tensor(e, &x), self.tensor(e, &ids));
        let empty = self.empty(e, &dims, stored);
        let access = Access {
            value: indices,
            loops: places,
        };
        let read = |e: &Emitter<'c, 'a>| {
            let generic = Generic {
                iterators: vec![Iterator::Parallel; dims.len()],
                inputs: vec![access],
                outputs: vec![Access {
                    value: empty,
                    loops: (0..dims.len()).collect(),
                }],
                attributes: vec![],
            };
            generic.build(e, |e, arguments| {
                let id = normalised(e, arguments[0], ids.element, size);
                let place = source.iter().enumerate().map(|(i, from)| match i == axis {
                    true => id,
                    false => linalg::index(e, *from),
                });
                vec![extract(e, from, &place.collect::<Vec<_>>())]
            })
        };
        let made = match known {
            true => read(e),
            // Nothing may be read where there is nothing.
            false => {
                let any = e.cmp(Int::Ne, size, e.index(0));
                let zero = |e: &Emitter<'c, 'a>| {
                    vec![linalg::fill(e, scalar::number(e, stored, "0"), empty)]
                };
                e.if_else(any, &[empty.r#type()], read, zero)
            }
        };
        self.made(e, element, dims, made[0])
    }
}

/// An id, as register of its element type, as a place on an axis of `size`: negative ones count from the end, then what
/// is outside is clamped. Where `size` is 0 the result means nothing.
pub(super) fn normalised<'c, 'a>(
    e: &Emitter<'c, 'a>,
    id: Value<'c, 'a>,
    element: Type<'c>,
    size: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let i64 = e.int_type(64);
    let size = e.op("arith.index_cast", &[size], i64);
    let last = e.sub(size, scalar::number(e, i64, "1"));
    let extend = |op: &str| match width(id.r#type()) {
        64 => id,
        _ => e.op(op, &[id], i64),
    };
    let place = match class(element) {
        ElementClass::Unsigned => e.op("arith.minui", &[extend("arith.extui"), last], i64),
        _ => {
            let id = extend("arith.extsi");
            let zero = scalar::number(e, i64, "0");
            let from_end = e.add(id, size);
            let id = e.select(e.cmp(Int::Slt, id, zero), from_end, id);
            e.min(e.op("arith.maxsi", &[id, zero], i64), last)
        }
    };
    e.op("arith.index_cast", &[place], e.index_type())
}
