//! The code around a kernel: scratch memory, loops over batches, and views of the operands as matrices.

use super::{
    Form, Kernel,
    blocks::BlockOfB,
    contraction::{COLUMN_AXES, Contraction, Operand, SUM_AXES},
    epilogue::{Band, Placed},
    numbers::Number,
};
use crate::{
    emit::{Emitter, Int},
    schedule::{FEWEST_GATHERED, FEWEST_SLIVERS},
    size::constant,
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
pub(crate) struct Place<'c, 'a> {
    /// Of the first element.
    pub offset: Value<'c, 'a>,
    /// Axis by axis.
    pub strides: Vec<Value<'c, 'a>>,
    /// Axis by axis.
    pub sizes: Vec<Value<'c, 'a>>,
}

/// The same of all operands, and the sizes of the product.
pub(crate) struct Places<'c, 'a> {
    /// Where the left operand is.
    pub a: Place<'c, 'a>,
    /// Where the right operand is.
    pub b: Place<'c, 'a>,
    /// Where the result is.
    pub c: Place<'c, 'a>,
    /// Rows.
    pub m: Value<'c, 'a>,
    /// Columns.
    pub n: Value<'c, 'a>,
    /// Steps of the sums.
    pub k: Value<'c, 'a>,
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

    /// The size of a dim.
    pub fn size(&self, x: &Contraction<'c, 'a>, dim: usize) -> Value<'c, 'a> {
        let found = [(&x.a, &self.a), (&x.b, &self.b)]
            .into_iter()
            .find_map(|(operand, place)| Some(place.sizes[operand.axis(dim)?]));
        found.expect("every dim belongs to an input")
    }
}

/// Finds out where an operand is.
pub(crate) fn place<'c, 'a>(e: &Emitter<'c, 'a>, operand: &Operand<'c, 'a>) -> Place<'c, 'a> {
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
pub(crate) fn offset<'c, 'a>(
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

/// A kernel and its packed block.
type Call<'x, 'c, 'a> = (&'x Kernel, Option<Value<'c, 'a>>);

/// A block of C: its first row and column, and how many.
struct Part<'c, 'a> {
    from: [Value<'c, 'a>; 2],
    sizes: [Value<'c, 'a>; 2],
}

/// Calls kernels for one contraction.
pub(crate) struct Caller<'x, 'c, 'a> {
    /// The contraction.
    pub contraction: &'x Contraction<'c, 'a>,
    /// Its operands.
    pub places: Places<'c, 'a>,
    /// Whether C starts as zeros, which are not written.
    pub zeroed: bool,
    /// What goes through C when its sums are complete.
    pub epilogue: Option<Placed<'c, 'a>>,
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
            if let Some(placed) = &self.epilogue {
                e.insert((*placed.epilogue.op).clone());
            }
        });
    }

    fn size(&self, dim: usize) -> Value<'c, 'a> {
        self.places.size(self.contraction, dim)
    }

    /// The memory of a kernel's packed block.
    pub fn scratch(&self, e: &Emitter<'c, 'a>, kernel: &Kernel) -> Value<'c, 'a> {
        let slivers = kernel.schedule.slivers();
        let slivers = match self.contraction.sizes.n {
            Some(n) => slivers.min(n / kernel.schedule.columns() + 1),
            None => slivers,
        };
        let packed = e.alloc(&[], &kernel.packed(&slivers.to_string()));
        e.op("memref.cast", &[packed], e.ty(&kernel.packed("?")))
    }

    /// The loops around the kernel.
    pub fn loops(&self, e: &Emitter<'c, 'a>, kernel: &Kernel, packed: Option<Value<'c, 'a>>) {
        let x = &self.contraction;
        if let Some(executor) = self.executor {
            self.divided(e, (kernel, packed), executor);
            return;
        }
        let dims = [&x.outer[..], &x.outer_sums[..]].concat();
        let whole = Part {
            from: [e.index(0); 2],
            sizes: [self.places.m, self.places.n],
        };
        self.nest(e, (kernel, packed), &dims, &mut vec![], &whole);
    }

    /// One loop over the products that the dims outside the kernel select, each in parts where there are fewer products
    /// than lanes. A part is a block of C: what it reads of A or B another part reads too.
    fn divided(&self, e: &Emitter<'c, 'a>, call: Call<'_, 'c, 'a>, executor: Value<'c, 'a>) {
        let (x, one) = (&self.contraction, e.index(1));
        let sizes = x
            .outer
            .iter()
            .map(|dim| self.size(*dim))
            .collect::<Vec<_>>();
        let count = sizes.iter().fold(one, |count, size| e.mul(count, *size));
        let lanes = tasks::lanes(e, executor);
        let rest = e.op("arith.remui", &[count, lanes], e.index_type());
        let even = e.cmp(Int::Eq, rest, e.index(0));
        let wanted = e.select(even, one, lanes);
        let schedule = &call.0.schedule;
        let clamped = |value, most: i64, size| e.max(e.min(value, e.div(size, e.index(most))), one);
        let down = |value, slivers| clamped(value, slivers * schedule.rows, self.places.m);
        let across = |value| clamped(value, 2 * schedule.columns(), self.places.n);
        let rest = |parts| e.div(e.sub(e.add(wanted, parts), one), parts);
        // Rows first: the packing of B twice costs less than parts of uneven width. Gathering costs more.
        let (down, across) = match x.layout.b_scattered {
            true => {
                let across = across(wanted);
                (down(rest(across), FEWEST_GATHERED), across)
            }
            false => {
                let down = down(wanted, FEWEST_SLIVERS);
                (down, across(rest(down)))
            }
        };
        let length = |size, parts, step: i64| {
            let length = e.div(e.sub(e.add(size, parts), one), parts);
            e.mul(e.ceil_div(length, step), e.index(step))
        };
        let lengths = [
            length(self.places.m, down, schedule.rows),
            length(self.places.n, across, schedule.columns()),
        ];
        let parts = e.mul(down, across);
        e.parallel_loop((e.index(0), e.mul(count, parts), one), |e, unit| {
            let digit = |number, base| e.op("arith.remui", &[number, base], e.index_type());
            let part = digit(unit, parts);
            let mut product = e.div(unit, parts);
            let mut indices = vec![];
            for (dim, size) in x.outer.iter().zip(&sizes).rev() {
                indices.push((*dim, digit(product, *size)));
                product = e.div(product, *size);
            }
            let places = [e.div(part, across), digit(part, across)];
            let whole = [self.places.m, self.places.n];
            let from = [0, 1].map(|i| e.mul(places[i], lengths[i]));
            let left = [0, 1].map(|i| e.max(e.sub(whole[i], from[i]), e.index(0)));
            let part = Part {
                from,
                sizes: [0, 1].map(|i| e.min(lengths[i], left[i])),
            };
            self.nest(e, call, &x.outer_sums, &mut indices, &part);
        });
    }

    fn nest(
        &self,
        e: &Emitter<'c, 'a>,
        call: Call<'_, 'c, 'a>,
        dims: &[usize],
        indices: &mut Vec<(usize, Value<'c, 'a>)>,
        part: &Part<'c, 'a>,
    ) {
        let [dim, inner @ ..] = dims else {
            self.call(e, call, indices, part);
            return;
        };
        e.loop_to(self.size(*dim), 1, |e, index| {
            indices.push((*dim, index));
            self.nest(e, call, inner, indices, part);
            indices.pop();
        });
    }

    fn call(
        &self,
        e: &Emitter<'c, 'a>,
        (kernel, packed): Call<'_, 'c, 'a>,
        indices: &[(usize, Value<'c, 'a>)],
        part: &Part<'c, 'a>,
    ) {
        let (x, places) = (self.contraction, &self.places);
        let [rows, columns] = part.sizes;
        let (m, n, k) = ((&x.m[..], rows), (&x.n[..], columns), (&x.k[..], places.k));
        let a_axes = if x.layout.a_by_k { (k, m) } else { (m, k) };
        let b_axes = if x.layout.b_by_n { (n, k) } else { (k, n) };
        // A group is walked with the stride of its last dim.
        let begins = [&x.m, &x.n].into_iter().zip(part.from);
        let begins = begins.filter_map(|(group, from)| Some((*group.last()?, from)));
        let begins = begins.filter(|(_, from)| constant(*from) != Some(0));
        let begins = indices.iter().copied().chain(begins).collect::<Vec<_>>();
        let view = |operand: (&Operand<'c, 'a>, Number, &Place<'c, 'a>),
                    ((rows, count), (_, length))| {
            self.view(e, kernel, operand, (rows, count, length), &begins)
        };
        let a = view((&x.a, x.numbers.a, &places.a), a_axes);
        let b = match x.layout.b_scattered {
            true => self.line(e, kernel, indices),
            false => view((&x.b, x.numbers.b, &places.b), b_axes),
        };
        let c = view((&x.c, x.numbers.sum, &places.c), (m, n));
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
        let mut arguments = vec![a, b, c];
        arguments.extend(packed);
        if x.layout.b_scattered {
            self.axes(e, &x.k, SUM_AXES, &mut arguments);
            self.axes(e, &x.n, COLUMN_AXES, &mut arguments);
            arguments.push(part.from[1]);
        }
        arguments.extend([rows, columns, places.k]);
        let callee = [("callee", e.attr(&format!("@{}", kernel.name())))];
        if kernel.form == Form::Band {
            return self.bands(e, kernel, &arguments, part, &begins);
        }
        arguments.push(accumulate);
        if self.epilogue.is_none() {
            e.effect("func.call", &arguments, &callee);
            return;
        }
        // Of sums without terms all is done already, and a kernel of one row would write zeros.
        let some = e.cmp(Int::Ne, places.k, e.index(0));
        e.if_then(some, |e| {
            e.effect("func.call", &arguments, &callee);
            self.finish(e, &begins, part.sizes);
        });
    }

    /// Calls a kernel band by band; the rows of each go on when their sums are complete. `arguments` are those up to K.
    fn bands(
        &self,
        e: &Emitter<'c, 'a>,
        kernel: &Kernel,
        arguments: &[Value<'c, 'a>],
        part: &Part<'c, 'a>,
        begins: &[(usize, Value<'c, 'a>)],
    ) {
        let x = &self.contraction;
        let [rows, columns] = part.sizes;
        let steps = kernel.steps(e, self.places.k);
        let height = kernel.schedule.band;
        BlockOfB::each(e, &kernel.schedule, (steps, columns), &|e, block| {
            let &BlockOfB { pc, kb, jc, nb } = block;
            let later = e.cmp(Int::Ne, pc, e.index(0));
            let complete = e.cmp(Int::Eq, e.add(pc, kb), steps);
            e.loop_to(rows, height, |e, from| {
                let count = e.min(e.sub(rows, from), e.index(height));
                let band = [later, pc, jc, from, count, nb, kb];
                let callee = [("callee", e.attr(&format!("@{}", kernel.name())))];
                e.effect("func.call", &[arguments, &band].concat(), &callee);
                e.if_then(complete, |e| {
                    let places = [(&x.m, from), (&x.n, jc)].into_iter();
                    let places = places.filter_map(|(group, at)| Some((*group.last()?, at)));
                    let begins = begins.iter().copied().chain(places);
                    self.finish(e, &begins.collect::<Vec<_>>(), [count, nb]);
                });
            });
        });
    }

    /// What goes through C, for a part whose sums are complete.
    fn finish(
        &self,
        e: &Emitter<'c, 'a>,
        begins: &[(usize, Value<'c, 'a>)],
        sizes: [Value<'c, 'a>; 2],
    ) {
        if let Some(placed) = &self.epilogue {
            let band = Band {
                begins: begins.to_vec(),
                sizes,
            };
            placed.emit(e, &band);
        }
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
        (operand, number, place): (&Operand<'c, 'a>, Number, &Place<'c, 'a>),
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
            e.ty(&kernel.matrix(number)),
            &attributes,
        )
    }
}
