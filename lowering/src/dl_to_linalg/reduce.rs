//! Contractions and reductions. Floats of less than 32 bits are accumulated in f32.

use super::{Lowering, Mapped, convert::accumulates_wide, packed::packs, refine};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
    scalar::{self, cmpf, cmpi, number},
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::shape::{self, ElementClass, class, width},
    ops,
};
use melior::ir::{Attribute, Type, Value, ValueLike};

impl<'c, 'a> Lowering<'c, 'a> {
    /// A sum of products, marked for the passes that make matrix products of it.
    pub(super) fn dot_general(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::DotGeneral<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let [lhs, rhs] = self.factors(e, op.precision(), [op.lhs(), op.rhs()]);
        let axes = |axes: Vec<i64>| {
            axes.into_iter()
                .map(|axis| axis as usize)
                .collect::<Vec<_>>()
        };
        let batch = [axes(op.lhs_batch()), axes(op.rhs_batch())];
        let contract = [axes(op.lhs_contract()), axes(op.rhs_contract())];
        // Loops: batch, free of lhs, free of rhs, contracted.
        let mut loops = [vec![usize::MAX; lhs.rank()], vec![usize::MAX; rhs.rank()]];
        let mut dims = vec![];
        for i in 0..batch[0].len() {
            loops[0][batch[0][i]] = dims.len();
            loops[1][batch[1][i]] = dims.len();
            dims.push(lhs.dims[batch[0][i]].clone());
        }
        for (side, operand) in [&lhs, &rhs].into_iter().enumerate() {
            for (axis, dim) in operand.dims.iter().enumerate() {
                if !batch[side].contains(&axis) && !contract[side].contains(&axis) {
                    loops[side][axis] = dims.len();
                    dims.push(dim.clone());
                }
            }
        }
        let free = dims.len();
        for i in 0..contract[0].len() {
            loops[0][contract[0][i]] = free + i;
            loops[1][contract[1][i]] = free + i;
        }
        let count = free + contract[0].len();
        let dims = refine(dims, ty);
        let element = lhs.element;
        let zero = "0";
        let inputs = [lhs, rhs].map(|x| self.tensor(e, &x));
        let [a, b] = loops;
        let mark = vec![linalg::contraction(self.context, op.precision())];
        let iterators = (0..count).map(|i| {
            if i < free {
                Iterator::Parallel
            } else {
                Iterator::Reduction
            }
        });
        let accesses = vec![
            Access {
                value: inputs[0],
                loops: a,
            },
            Access {
                value: inputs[1],
                loops: b,
            },
        ];
        let product = self.accumulate(
            e,
            iterators.collect(),
            accesses,
            dims,
            element,
            zero,
            mark,
            |e, arguments| multiply_add(e, element, arguments),
        );
        self.converted(e, product, ty)
    }

    /// A reduction by kind.
    pub(super) fn reduce(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Reduce<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let axes = op
            .axes()
            .into_iter()
            .map(|axis| axis as usize)
            .collect::<Vec<_>>();
        if axes.is_empty() {
            return x;
        }
        let kept = (0..x.rank())
            .filter(|axis| !axes.contains(axis))
            .collect::<Vec<_>>();
        let dims = refine(kept.iter().map(|axis| x.dims[*axis].clone()).collect(), ty);
        let iterators = (0..x.rank()).map(|axis| match axes.contains(&axis) {
            true => Iterator::Reduction,
            false => Iterator::Parallel,
        });
        let (neutral, combine) = kind(op.kind(), x.element);
        let input = Access {
            value: self.tensor(e, &x),
            loops: (0..x.rank()).collect(),
        };
        self.accumulate_at(
            e,
            iterators.collect(),
            vec![input],
            (dims, kept),
            x.element,
            &neutral,
            vec![],
            |e, arguments| {
                let x = scalar::widen(e, arguments[0]);
                e.op(combine, &[arguments[1], x], x.r#type())
            },
        )
    }

    /// As `accumulate_at`, for results whose axes are the first loops.
    #[allow(clippy::too_many_arguments)]
    fn accumulate(
        &mut self,
        e: &Emitter<'c, 'a>,
        iterators: Vec<Iterator>,
        inputs: Vec<Access<'c, 'a>>,
        dims: Vec<Poly>,
        element: Type<'c>,
        neutral: &str,
        attributes: Vec<(&'static str, Attribute<'c>)>,
        body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let loops = (0..dims.len()).collect();
        self.accumulate_at(
            e,
            iterators,
            inputs,
            (dims, loops),
            element,
            neutral,
            attributes,
            body,
        )
    }

    /// A generic op that starts from the neutral element and whose body combines the accumulator, its last argument.
    #[allow(clippy::too_many_arguments)]
    fn accumulate_at(
        &mut self,
        e: &Emitter<'c, 'a>,
        iterators: Vec<Iterator>,
        inputs: Vec<Access<'c, 'a>>,
        (dims, loops): (Vec<Poly>, Vec<usize>),
        element: Type<'c>,
        neutral: &str,
        attributes: Vec<(&'static str, Attribute<'c>)>,
        body: impl FnOnce(&Emitter<'c, 'a>, &[Value<'c, 'a>]) -> Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let start = self.neutral(e, &dims, element, neutral);
        let generic = Generic {
            iterators,
            inputs,
            outputs: vec![Access {
                value: start,
                loops,
            }],
            attributes,
        };
        let sum = generic.build(e, |e, arguments| vec![body(e, arguments)])[0];
        self.accumulated(e, element, dims, sum)
    }

    /// A tensor of neutral elements, of the type that sums of `element` are accumulated in.
    pub(super) fn neutral(
        &mut self,
        e: &Emitter<'c, 'a>,
        dims: &[Poly],
        element: Type<'c>,
        neutral: &str,
    ) -> Value<'c, 'a> {
        let accumulator = match accumulates_wide(element) {
            true => e.ty("f32"),
            false => scalar::storage_type(e, element),
        };
        let empty = self.empty(e, dims, accumulator);
        linalg::fill(e, number(e, accumulator, neutral), empty)
    }

    /// What has been accumulated, as `element`.
    pub(super) fn accumulated(
        &mut self,
        e: &Emitter<'c, 'a>,
        element: Type<'c>,
        dims: Vec<Poly>,
        sum: Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        if !accumulates_wide(element) {
            return self.made(e, element, dims, sum);
        }
        let wide = self.made(e, shape::element_of(sum), dims.clone(), sum);
        let axes = (0..dims.len()).collect();
        self.parallel(e, vec![(wide, axes)], dims, element, |e, x| {
            scalar::narrow(e, element, x[0])
        })
    }

    /// The index of the first extreme along an axis.
    pub(super) fn arg_reduce(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::ArgReduce<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let axis = op.axis() as usize;
        let (reduction, better) = match op.kind() {
            "argmax" => ("max", ["ogt", "sgt", "ugt"]),
            _ => ("min", ["olt", "slt", "ult"]),
        };
        let kept = (0..x.rank()).filter(|i| *i != axis).collect::<Vec<_>>();
        let dims = refine(kept.iter().map(|i| x.dims[*i].clone()).collect(), ty);
        if packs(self, e, x.element) {
            return self.packed_arg_reduce(e, &x, (op.kind(), axis), dims);
        }
        let iterators = (0..x.rank()).map(|i| match i == axis {
            true => Iterator::Reduction,
            false => Iterator::Parallel,
        });
        let value = scalar::compute_type(e, x.element);
        let i32 = e.int_type(32);
        let (neutral, _) = kind(reduction, x.element);
        let start = |this: &mut Self, ty, text: &str| {
            let empty = this.empty(e, &dims, ty);
            linalg::fill(e, number(e, ty, text), empty)
        };
        let outputs = [start(self, value, &neutral), start(self, i32, "0")];
        let input = self.tensor(e, &x);
        let of = class(x.element);
        let generic = Generic {
            iterators: iterators.collect(),
            inputs: vec![Access {
                value: input,
                loops: (0..x.rank()).collect(),
            }],
            outputs: outputs
                .map(|value| Access {
                    value,
                    loops: kept.clone(),
                })
                .to_vec(),
            attributes: vec![],
        };
        let results = generic.build(e, |e, arguments| {
            let x = scalar::widen(e, arguments[0]);
            let (best, at) = (arguments[1], arguments[2]);
            let wins = match of {
                ElementClass::Float => {
                    // A NaN wins against numbers, not against an earlier NaN.
                    let nan = cmpf(e, "uno", x, x);
                    let number = cmpf(e, "ord", best, best);
                    let first = e.op("arith.andi", &[nan, number], e.int_type(1));
                    e.op(
                        "arith.ori",
                        &[cmpf(e, better[0], x, best), first],
                        e.int_type(1),
                    )
                }
                ElementClass::Unsigned => cmpi(e, better[2], x, best),
                _ => cmpi(e, better[1], x, best),
            };
            let here = e.op("arith.index_cast", &[linalg::index(e, axis)], i32);
            vec![e.select(wins, x, best), e.select(wins, here, at)]
        });
        self.made(e, shape::element(ty), dims, results[1])
    }
}

/// `arguments[2] + arguments[0] * arguments[1]`, in the type of the accumulator.
pub(super) fn multiply_add<'c, 'a>(
    e: &Emitter<'c, 'a>,
    element: Type<'c>,
    arguments: &[Value<'c, 'a>],
) -> Value<'c, 'a> {
    let (times, plus) = match class(element) {
        ElementClass::Float => ("arith.mulf", "arith.addf"),
        _ => ("arith.muli", "arith.addi"),
    };
    let [a, b] = [0, 1].map(|i| scalar::widen(e, arguments[i]));
    let product = e.op(times, &[a, b], a.r#type());
    e.op(plus, &[arguments[2], product], product.r#type())
}

/// The neutral element of a reduction and the op that combines two elements.
pub(super) fn kind(kind: &str, element: Type) -> (String, &'static str) {
    let bits = width(element);
    let (neutral, combine) = match (kind, class(element)) {
        ("sum", ElementClass::Float) => ("0".into(), "arith.addf"),
        ("sum", _) => ("0".into(), "arith.addi"),
        ("prod", ElementClass::Float) => ("1".into(), "arith.mulf"),
        ("prod", _) => ("1".into(), "arith.muli"),
        ("max", ElementClass::Float) => ("-inf".into(), "arith.maximumf"),
        ("max", ElementClass::Unsigned) => ("0".into(), "arith.maxui"),
        ("max", _) => ((-(1i128 << (bits - 1))).to_string(), "arith.maxsi"),
        ("min", ElementClass::Float) => ("inf".into(), "arith.minimumf"),
        ("min", ElementClass::Unsigned) => ("-1".into(), "arith.minui"),
        ("min", _) => (((1i128 << (bits - 1)) - 1).to_string(), "arith.minsi"),
        ("any", _) => ("0".into(), "arith.ori"),
        _ => ("1".into(), "arith.andi"),
    };
    (neutral, combine)
}
