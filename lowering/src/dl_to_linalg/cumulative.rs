//! Cumulative combinations: loops over the axis that carry what has been combined so far, a scalar where the axis is
//! the last one, else a row of the axes after it.

use super::{
    Lowering, Mapped,
    convert::accumulates_wide,
    reduce::kind,
    refine,
    shape::{Window, extract},
    sizes::tensor_type,
};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
    scalar::{self, number},
};
use dlc_abi::dim::Poly;
use dlc_dialects::{ir::shape, ops};
use melior::ir::{Type, Value, ValueLike};

/// What the loops over an axis need to know.
struct Line<'c, 'a> {
    element: Type<'c>,
    /// The type in which elements are combined.
    accumulator: Type<'c>,
    neutral: String,
    combine: &'static str,
    size: Value<'c, 'a>,
    reverse: bool,
}

impl<'c, 'a> Line<'c, 'a> {
    /// The element of the axis that a round of the loop is about.
    fn place(&self, e: &Emitter<'c, 'a>, round: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.reverse {
            true => e.sub(e.sub(self.size, e.index(1)), round),
            false => round,
        }
    }

    fn combined(
        &self,
        e: &Emitter<'c, 'a>,
        sum: Value<'c, 'a>,
        stored: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let x = scalar::widen(e, stored);
        e.op(self.combine, &[sum, x], x.r#type())
    }
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Elements combined with those before them along an axis.
    pub(super) fn cumulative(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Cumulative<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let dims = refine(x.dims.clone(), ty);
        let axis = op.axis() as usize;
        let stored = scalar::storage_type(e, x.element);
        let (neutral, combine) = kind(op.kind(), x.element);
        let line = Line {
            element: x.element,
            accumulator: match accumulates_wide(x.element) {
                true => e.ty("f32"),
                false => stored,
            },
            neutral,
            combine,
            size: self.sizes.value(e, &dims[axis]),
            reverse: op.reverse(),
        };
        let from = self.tensor(e, &x);
        let made = self.empty(e, &dims, stored);
        if dims.iter().any(|dim| dim.as_const() == Some(0)) {
            // Without elements there is no row to take.
            return Mapped::tensor(x.element, dims, made);
        }
        let outer = dims[..axis]
            .iter()
            .map(|dim| self.sizes.value(e, dim))
            .collect::<Vec<_>>();
        let row = &dims[axis + 1..];
        let made = match row.is_empty() {
            true => self.loops(e, &outer, &mut vec![], made, |_, e, places, made| {
                scalars(e, &line, from, places, made)
            }),
            false => {
                // Made before the loops, as the sizes are.
                let sum = self.empty(e, row, line.accumulator);
                self.sizes.dynamic(e, row);
                self.loops(e, &outer, &mut vec![], made, |this, e, places, made| {
                    let start = linalg::fill(e, number(e, line.accumulator, &line.neutral), sum);
                    this.rows(e, &line, &dims, from, places, [start, made])
                })
            }
        };
        Mapped::tensor(x.element, dims, made)
    }

    /// The loop over an axis with axes after it.
    fn rows(
        &mut self,
        e: &Emitter<'c, 'a>,
        line: &Line<'c, 'a>,
        dims: &[Poly],
        from: Value<'c, 'a>,
        places: &[Value<'c, 'a>],
        start: [Value<'c, 'a>; 2],
    ) -> Value<'c, 'a> {
        let row = &dims[places.len() + 1..];
        let part = tensor_type(row, shape::element_of(from));
        let loops = (0..row.len()).collect::<Vec<_>>();
        let access = |value| Access {
            value,
            loops: loops.clone(),
        };
        let bounds = (e.index(0), line.size, e.index(1));
        e.for_loop(bounds, &start, |e, round, carried| {
            let mut window = Window {
                offsets: vec![Poly::zero(); dims.len()],
                sizes: dims.to_vec(),
                strides: vec![1; dims.len()],
            };
            let here = line.place(e, round);
            for (i, place) in places.iter().chain([&here]).enumerate() {
                window.offsets[i] = self.sizes.opaque(*place);
                window.sizes[i] = Poly::one();
            }
            let mut take =
                |tensor| self.windowed(e, "tensor.extract_slice", &[tensor], &window, part);
            let (x, y) = (take(from), take(carried[1]));
            let generic = Generic {
                iterators: vec![Iterator::Parallel; row.len()],
                inputs: vec![access(x)],
                outputs: vec![access(carried[0]), access(y)],
                attributes: vec![],
            };
            let made = generic.build(e, |e, arguments| {
                let sum = line.combined(e, arguments[1], arguments[0]);
                vec![sum, scalar::narrow(e, line.element, sum)]
            });
            let operands = [made[1], carried[1]];
            let whole = carried[1].r#type();
            let whole = self.windowed(e, "tensor.insert_slice", &operands, &window, whole);
            vec![made[0], whole]
        })[1]
    }
}

/// The loop over the last axis.
fn scalars<'c, 'a>(
    e: &Emitter<'c, 'a>,
    line: &Line<'c, 'a>,
    from: Value<'c, 'a>,
    places: &[Value<'c, 'a>],
    made: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let start = [number(e, line.accumulator, &line.neutral), made];
    let bounds = (e.index(0), line.size, e.index(1));
    e.for_loop(bounds, &start, |e, round, carried| {
        let place = [places, &[line.place(e, round)]].concat();
        let sum = line.combined(e, carried[0], extract(e, from, &place));
        let element = scalar::narrow(e, line.element, sum);
        let operands = [&[element, carried[1]], &place[..]].concat();
        let whole = e.op("tensor.insert", &operands, carried[1].r#type());
        vec![sum, whole]
    })[1]
}
