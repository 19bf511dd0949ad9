//! Convolutions and reductions of windows: generic ops that read `x` at `d0 * stride + d1 * dilation`, the loop d0 over
//! windows and d1 within one.

use super::{
    Lowering, Mapped,
    reduce::{kind, multiply_add},
    sizes::result_dims,
};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator, fill_body},
    scalar,
};
use dlc_abi::dim::Poly;
use dlc_dialects::ops;
use melior::ir::{Type, Value, ValueLike};

/// The loops of a generic op as they are found.
#[derive(Default)]
struct Loops {
    iterators: Vec<Iterator>,
}

impl Loops {
    fn add(&mut self, iterator: Iterator) -> usize {
        self.iterators.push(iterator);
        self.iterators.len() - 1
    }

    /// The map of an operand with an expression of loops for each axis.
    fn map(&self, axes: &[String]) -> String {
        linalg::map_of(self.iterators.len(), axes)
    }
}

/// The expression of an axis: `stride` times the loop over windows, and `dilation` times the loop within one.
fn windowed(outer: usize, stride: i64, inner: Option<(usize, i64)>) -> String {
    match inner {
        None => format!("d{outer} * {stride}"),
        Some((inner, dilation)) => format!("d{outer} * {stride} + d{inner} * {dilation}"),
    }
}

fn plain(index: usize) -> String {
    format!("d{index}")
}

fn is_one(dim: &Poly) -> bool {
    dim.as_const() == Some(1)
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Sums of products of windows, marked for the passes that make matrix products of it. Groups become an axis of
    /// their own; window axes of size 1 have no loop.
    pub(super) fn conv(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Conv<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let [x, w] = self.factors(e, op.precision(), [op.x(), op.w()]);
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        let (strides, dilations, groups) = (op.strides(), op.dilations(), op.groups());
        let (element, channels) = (x.element, w.dims[1].clone());
        let (space, window) = (x.dims[2..].to_vec(), w.dims[2..].to_vec());
        let outputs = dims[1].floor_div(groups).expect("groups are positive");
        let batch = dims[0].clone();

        let mut loops = Loops::default();
        let n = loops.add(Iterator::Parallel);
        let g = (groups > 1).then(|| loops.add(Iterator::Parallel));
        let o = loops.add(Iterator::Parallel);
        let places = space.iter().map(|_| loops.add(Iterator::Parallel));
        let places = places.collect::<Vec<_>>();
        let c = loops.add(Iterator::Reduction);
        let within = window
            .iter()
            .map(|size| (!is_one(size)).then(|| loops.add(Iterator::Reduction)))
            .collect::<Vec<_>>();

        let group = g.map(|_| Poly::constant(groups));
        let with_group = |before: &[Poly], after: &[Poly]| {
            let middle = group.iter().cloned();
            let dims = before.iter().cloned().chain(middle);
            dims.chain(after.iter().cloned()).collect::<Vec<_>>()
        };
        let x_dims = with_group(
            std::slice::from_ref(&batch),
            &[std::slice::from_ref(&channels), &space].concat(),
        );
        let inside = window.iter().filter(|size| !is_one(size)).cloned();
        let w_dims = with_group(
            &[],
            &[vec![outputs.clone(), channels], inside.collect()].concat(),
        );
        let y_dims = with_group(
            std::slice::from_ref(&batch),
            &[std::slice::from_ref(&outputs), &dims[2..]].concat(),
        );

        let g = g.map(plain);
        let x_axes = [plain(n)].into_iter().chain(g.clone()).chain([plain(c)]);
        let spatial = (0..space.len()).map(|i| {
            windowed(
                places[i],
                strides[i],
                within[i].map(|inner| (inner, dilations[i])),
            )
        });
        let x_axes = x_axes.chain(spatial).collect::<Vec<_>>();
        let w_axes = g.clone().into_iter().chain([plain(o), plain(c)]);
        let w_axes = w_axes.chain(within.iter().flatten().copied().map(plain));
        let w_axes = w_axes.collect::<Vec<_>>();
        let y_axes = [plain(n)].into_iter().chain(g).chain([plain(o)]);
        let y_axes = y_axes.chain(places.iter().copied().map(plain));
        let y_axes = y_axes.collect::<Vec<_>>();
        let maps = [x_axes, w_axes, y_axes].map(|axes| loops.map(&axes));

        let x = self.reshaped(e, x, x_dims);
        let w = self.reshaped(e, w, w_dims);
        let inputs = [self.tensor(e, &x), self.tensor(e, &w)];
        let start = self.neutral(e, &y_dims, element, "0");
        let generic = Generic {
            iterators: loops.iterators,
            inputs: inputs.map(without_loops).to_vec(),
            outputs: vec![without_loops(start)],
            attributes: vec![linalg::contraction(self.context, op.precision())],
        };
        let declared = generic.declare_mapped(e, &maps);
        let sum = fill_body(e, declared, |e, arguments| {
            vec![multiply_add(e, element, arguments)]
        });
        let made = self.accumulated(e, element, y_dims, sum[0]);
        let made = self.reshaped(e, made, dims);
        self.converted(e, made, ty)
    }

    /// A reduction of windows. An operand without elements to read gives the loops within a window their lengths.
    pub(super) fn reduce_window(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::ReduceWindow<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        if x.rank() == 0 {
            return x;
        }
        let (window, strides, dilations) = (op.window(), op.strides(), op.dilations());
        let (neutral, combine) = kind(op.kind(), x.element);

        let mut loops = Loops::default();
        let places = window.iter().map(|_| loops.add(Iterator::Parallel));
        let places = places.collect::<Vec<_>>();
        let within = window
            .iter()
            .map(|size| (*size > 1).then(|| loops.add(Iterator::Reduction)))
            .collect::<Vec<_>>();
        let axis = |i: usize| {
            windowed(
                places[i],
                strides[i],
                within[i].map(|inner| (inner, dilations[i])),
            )
        };
        let x_axes = (0..window.len()).map(axis).collect::<Vec<_>>();
        let y_axes = places.iter().copied().map(plain).collect::<Vec<_>>();
        let window_axes = within.iter().flatten().copied().map(plain);
        let window_axes = window_axes.collect::<Vec<_>>();
        let sizes = window.iter().filter(|size| **size > 1);
        let sizes = sizes.map(|size| Poly::constant(*size)).collect::<Vec<_>>();

        let mut maps = vec![loops.map(&x_axes)];
        let mut inputs = vec![self.tensor(e, &x)];
        if !sizes.is_empty() {
            maps.push(loops.map(&window_axes));
            inputs.push(self.empty(e, &sizes, e.int_type(8)));
        }
        maps.push(loops.map(&y_axes));
        let start = self.neutral(e, &dims, x.element, &neutral);
        let generic = Generic {
            iterators: loops.iterators,
            inputs: inputs.into_iter().map(without_loops).collect(),
            outputs: vec![without_loops(start)],
            attributes: vec![],
        };
        let declared = generic.declare_mapped(e, &maps);
        let reduced = fill_body(e, declared, |e, arguments| {
            let so_far = arguments[arguments.len() - 1];
            let x = scalar::widen(e, arguments[0]);
            vec![e.op(combine, &[so_far, x], x.r#type())]
        });
        self.accumulated(e, x.element, dims, reduced[0])
    }
}

/// An operand whose map is given elsewhere.
fn without_loops<'c, 'a>(value: Value<'c, 'a>) -> Access<'c, 'a> {
    Access {
        value,
        loops: vec![],
    }
}
