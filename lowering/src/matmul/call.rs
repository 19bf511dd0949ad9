//! The code around a kernel: scratch memory, loops over batches, and views of the operands as matrices.

use super::{
    Kernel,
    contraction::{COLUMN_AXES, Contraction, Operand, SUM_AXES},
};
use crate::{
    emit::{Emitter, Int},
    tasks,
};
use melior::{
    IrRewriter,
    ir::{
        OperationRef, Value, ValueLike,
        r#type::{MemRefType, ShapedTypeLike},
    },
};

/// Bases, strides and sizes of an operand, as index values.
struct Place<'c, 'a> {
    offset: Value<'c, 'a>,
    strides: Vec<Value<'c, 'a>>,
    sizes: Vec<Value<'c, 'a>>,
}

/// The same of all operands, and the sizes of the product.
pub(crate) struct Places<'c, 'a> {
    a: Place<'c, 'a>,
    b: Place<'c, 'a>,
    c: Place<'c, 'a>,
    /// Rows.
    pub m: Value<'c, 'a>,
    /// Columns.
    pub n: Value<'c, 'a>,
    k: Value<'c, 'a>,
}

impl<'c, 'a> Places<'c, 'a> {
    /// Of a contraction.
    pub fn new(e: &Emitter<'c, 'a>, x: &Contraction<'c, 'a>) -> Self {
        let (a, b, c) = (place(e, &x.a), place(e, &x.b), place(e, &x.c));
        let extent = |group: &[usize], operand: &Operand, place: &Place<'c, 'a>| {
            let size = |dim: &usize| place.sizes[operand.axis(*dim).expect("a dim of the operand")];
            group
                .iter()
                .map(size)
                .reduce(|x, y| e.mul(x, y))
                .unwrap_or_else(|| e.index(1))
        };
        Self {
            m: extent(&x.m, &x.a, &a),
            n: extent(&x.n, &x.b, &b),
            k: extent(&x.k, &x.b, &b),
            a,
            b,
            c,
        }
    }
}

fn place<'c, 'a>(e: &Emitter<'c, 'a>, operand: &Operand<'c, 'a>) -> Place<'c, 'a> {
    let ty = MemRefType::try_from(operand.value.r#type()).expect("operands are memrefs");
    let rank = ty.rank();
    let base = e.ty(&format!("memref<{}>", ty.element()));
    let types = [vec![base], vec![e.index_type(); 1 + 2 * rank]].concat();
    let op = e.build(
        "memref.extract_strided_metadata",
        &[operand.value],
        &types,
        &[],
        vec![],
    );
    let result = |i| op.result(i).expect("one for each type").into();
    Place {
        offset: result(1),
        sizes: (2..2 + rank).map(result).collect(),
        strides: (2 + rank..2 + 2 * rank).map(result).collect(),
    }
}

/// Where what the loops around the kernel have chosen of an operand begins.
fn offset<'c, 'a>(
    e: &Emitter<'c, 'a>,
    operand: &Operand<'c, 'a>,
    place: &Place<'c, 'a>,
    indices: &[(usize, Value<'c, 'a>)],
) -> Value<'c, 'a> {
    let terms = indices.iter();
    let terms = terms.filter_map(|(dim, index)| Some((operand.axis(*dim)?, *index)));
    terms.fold(place.offset, |offset, (axis, index)| {
        e.add(offset, e.mul(index, place.strides[axis]))
    })
}

/// Calls kernels for one contraction.
pub(crate) struct Caller<'x, 'c, 'a> {
    /// The contraction.
    pub contraction: &'x Contraction<'c, 'a>,
    /// Its operands.
    pub places: Places<'c, 'a>,
    /// Whether C starts as zeros, which are not written.
    pub zeroed: bool,
    /// What runs lanes, if there may be several.
    pub executor: Option<Value<'c, 'a>>,
}

impl<'c, 'a> Caller<'_, 'c, 'a> {
    /// Fills C if the sums have no terms; the kernel then writes nothing.
    pub fn fill_if_no_sum(&self, e: &Emitter<'c, 'a>, fill: OperationRef<'c, 'a>) {
        let sums: Vec<_> = self
            .contraction
            .outer_sums
            .iter()
            .map(|dim| self.size(*dim))
            .collect();
        let known = self.contraction.sizes.k.is_some_and(|k| k > 0);
        if known && sums.is_empty() {
            return;
        }
        let terms = sums.into_iter().fold(self.places.k, |x, y| e.mul(x, y));
        let none = e.cmp(Int::Eq, terms, e.index(0));
        e.if_then(none, |e| {
            let place = e.index(0);
            let place = melior::ir::operation::OperationResult::try_from(place)
                .expect("a constant's result");
            let rewriter = IrRewriter::new(e.context());
            let rewriter = rewriter.as_rewriter_base();
            rewriter.set_insertion_point_after(place.owner());
            rewriter.clone_op(fill);
        });
    }

    fn size(&self, dim: usize) -> Value<'c, 'a> {
        let (x, places) = (self.contraction, &self.places);
        let found = [(&x.a, &places.a), (&x.b, &places.b)]
            .into_iter()
            .find_map(|(operand, place)| Some(place.sizes[operand.axis(dim)?]));
        found.expect("every dim belongs to an input")
    }

    /// The memory of a kernel's packed block.
    pub fn scratch(&self, e: &Emitter<'c, 'a>, kernel: &Kernel) -> Value<'c, 'a> {
        let slivers = kernel.schedule.slivers();
        let slivers = match self.contraction.sizes.n {
            Some(n) => slivers.min(n / kernel.schedule.columns() + 1),
            None => slivers,
        };
        let ty = e.ty(&kernel.packed(&slivers.to_string()));
        let attributes = [
            ("operandSegmentSizes", e.attr("array<i32: 0, 0>")),
            ("alignment", e.attr("64 : i64")),
        ];
        let packed = e.op_with("memref.alloc", &[], ty, &attributes);
        e.op("memref.cast", &[packed], e.ty(&kernel.packed("?")))
    }

    /// The loops around the kernel.
    pub fn loops(&self, e: &Emitter<'c, 'a>, kernel: &Kernel, packed: Option<Value<'c, 'a>>) {
        let dims = [
            &self.contraction.outer[..],
            &self.contraction.outer_sums[..],
        ]
        .concat();
        self.nest(e, kernel, packed, &dims, &mut vec![]);
    }

    fn nest(
        &self,
        e: &Emitter<'c, 'a>,
        kernel: &Kernel,
        packed: Option<Value<'c, 'a>>,
        dims: &[usize],
        indices: &mut Vec<(usize, Value<'c, 'a>)>,
    ) {
        let [dim, inner @ ..] = dims else {
            self.call(e, kernel, packed, indices);
            return;
        };
        let op = e.plain_loop((e.index(0), self.size(*dim), e.index(1)), |e, index| {
            indices.push((*dim, index));
            self.nest(e, kernel, packed, inner, indices);
            indices.pop();
        });
        if self.contraction.outer.contains(dim) && self.executor.is_some() {
            tasks::mark(e, op, true);
        }
    }

    fn call(
        &self,
        e: &Emitter<'c, 'a>,
        kernel: &Kernel,
        packed: Option<Value<'c, 'a>>,
        indices: &[(usize, Value<'c, 'a>)],
    ) {
        let (x, places) = (self.contraction, &self.places);
        let (m, n, k) = (
            (&x.m[..], places.m),
            (&x.n[..], places.n),
            (&x.k[..], places.k),
        );
        let a_axes = if x.layout.a_by_k { (k, m) } else { (m, k) };
        let b_axes = if x.layout.b_by_n { (n, k) } else { (k, n) };
        let view =
            |operand: &Operand<'c, 'a>, place: &Place<'c, 'a>, ((rows, count), (_, length))| {
                self.view(e, kernel, (operand, place), (rows, count, length), indices)
            };
        let a = view(&x.a, &places.a, a_axes);
        let b = match x.layout.b_scattered {
            true => self.line(e, kernel, indices),
            false => view(&x.b, &places.b, b_axes),
        };
        let c = view(&x.c, &places.c, (m, n));
        // Sums over dims outside the kernel add to what the first round has stored.
        let later = indices.iter().filter(|(dim, _)| x.outer_sums.contains(dim));
        let bool = e.int_type(1);
        let accumulate = if self.zeroed { "false" } else { "true" };
        let accumulate = later.fold(
            e.constant(bool, e.attr(accumulate)),
            |accumulate, (_, index)| {
                let later = e.cmp(Int::Ne, *index, e.index(0));
                e.op("arith.ori", &[accumulate, later], bool)
            },
        );
        let callee = e.attr(&format!("@{}", kernel.name()));
        let mut arguments = vec![a, b, c];
        arguments.extend(packed);
        if x.layout.b_scattered {
            self.axes(e, &x.k, SUM_AXES, &mut arguments);
            self.axes(e, &x.n, COLUMN_AXES, &mut arguments);
        }
        arguments.extend([places.m, places.n, places.k, accumulate]);
        arguments.extend(self.executor);
        e.effect("func.call", &arguments, &[("callee", callee)]);
    }

    /// The memory of a scattered B from where the loops around the kernel begin.
    fn line(
        &self,
        e: &Emitter<'c, 'a>,
        kernel: &Kernel,
        indices: &[(usize, Value<'c, 'a>)],
    ) -> Value<'c, 'a> {
        let (b, place) = (&self.contraction.b, &self.places.b);
        let attributes = [
            ("operandSegmentSizes", e.attr("array<i32: 1, 1, 1, 0>")),
            ("static_offsets", e.attr("array<i64: -9223372036854775808>")),
            ("static_sizes", e.attr("array<i64: -9223372036854775808>")),
            ("static_strides", e.attr("array<i64: 1>")),
        ];
        let operands = [b.value, offset(e, b, place, indices), e.index(i64::MAX)];
        let ty = e.ty(&kernel.line());
        e.op_with("memref.reinterpret_cast", &operands, ty, &attributes)
    }

    /// Sizes and strides of axes of B, after axes of one element, `count` in all.
    fn axes(
        &self,
        e: &Emitter<'c, 'a>,
        group: &[usize],
        count: usize,
        arguments: &mut Vec<Value<'c, 'a>>,
    ) {
        for _ in group.len()..count {
            arguments.extend([e.index(1), e.index(0)]);
        }
        for dim in group {
            let axis = self.contraction.b.axis(*dim).expect("a dim of B");
            arguments.extend([self.places.b.sizes[axis], self.places.b.strides[axis]]);
        }
    }

    /// The matrix of an operand that the loops around the kernel have chosen.
    fn view(
        &self,
        e: &Emitter<'c, 'a>,
        kernel: &Kernel,
        (operand, place): (&Operand<'c, 'a>, &Place<'c, 'a>),
        (rows, count, length): (&[usize], Value<'c, 'a>, Value<'c, 'a>),
        indices: &[(usize, Value<'c, 'a>)],
    ) -> Value<'c, 'a> {
        let stride = |dim: usize| operand.axis(dim).map(|axis| place.strides[axis]);
        let offset = offset(e, operand, place, indices);
        // A vector is one row.
        let stride = rows.last().and_then(|dim| stride(*dim)).unwrap_or(length);
        let attributes = [
            ("operandSegmentSizes", e.attr("array<i32: 1, 1, 2, 1>")),
            ("static_offsets", e.attr("array<i64: -9223372036854775808>")),
            (
                "static_sizes",
                e.attr("array<i64: -9223372036854775808, -9223372036854775808>"),
            ),
            (
                "static_strides",
                e.attr("array<i64: -9223372036854775808, 1>"),
            ),
        ];
        let operands = [operand.value, offset, count, length, stride];
        e.op_with(
            "memref.reinterpret_cast",
            &operands,
            e.ty(&kernel.matrix()),
            &attributes,
        )
    }
}
