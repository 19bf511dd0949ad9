//! What programs of attention are given: matrices and vectors of a batch, and memory for what is between them.

use super::part::Part;
use crate::{
    emit::Emitter,
    gpu::products,
    matmul::{
        call::{Place, offset, place},
        contraction::Operand,
    },
    tasks,
    view::{Mixed, reinterpreted},
};
use dlc_dialects::ir::{
    inspect::defining_op,
    shape::{self, DYNAMIC},
};
use dlc_kernels::program::Element;
use melior::ir::{Value, operation::OperationLike};

/// A matrix of each batch, by rows.
pub(super) struct Matrix<'c, 'a> {
    pub operand: Operand<'c, 'a>,
    place: Place<'c, 'a>,
    /// Loops of batches, then of rows and columns.
    loops: Vec<usize>,
    /// Rows and columns.
    sizes: [Value<'c, 'a>; 2],
}

impl<'c: 'a, 'a> Matrix<'c, 'a> {
    /// An operand of a product, whose rows go with a loop.
    pub fn of(
        e: &Emitter<'c, 'a>,
        (part, operand): (&Part<'c, 'a>, &Operand<'c, 'a>),
        row: usize,
        sizes: [Value<'c, 'a>; 2],
    ) -> Self {
        let batch = &part.loops[..part.loops.len() - 2];
        Self {
            place: place(e, operand),
            operand: operand.clone(),
            loops: [batch, &[row, part.column]].concat(),
            sizes,
        }
    }

    /// That of a batch.
    pub fn view(&self, e: &Emitter<'c, 'a>, batch: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let (loops, own) = self.loops.split_at(batch.len());
        let indices: Vec<_> = loops.iter().copied().zip(batch.iter().copied()).collect();
        let from = (&self.operand, &self.place);
        let offset = offset(e, from.0, from.1, &indices);
        products::matrix(e, from, offset, ([&own[..1], &own[1..]], self.sizes))
    }

    /// Says that each block writes a part of it.
    pub fn share(&self, e: &Emitter<'c, 'a>) {
        tasks::share_buffer(e, self.operand.value);
    }
}

/// A number for each row of each batch, in f32.
pub(super) struct Vector<'c, 'a> {
    pub memory: Value<'c, 'a>,
}

impl<'c: 'a, 'a> Vector<'c, 'a> {
    /// Memory for the rows of a matrix of pairs.
    pub fn new(e: &Emitter<'c, 'a>, pairs: Value<'c, 'a>) -> Self {
        let rank = shape::shape_of(pairs).len();
        let axes: Vec<_> = (0..rank - 1).collect();
        let memory = memory(e, pairs, (&axes, None), Element::F32);
        tasks::share_buffer(e, memory);
        Self { memory }
    }

    /// That of a batch.
    pub fn view(&self, e: &Emitter<'c, 'a>, batch: &[Value<'c, 'a>]) -> Value<'c, 'a> {
        let axes = (0..=batch.len()).collect();
        let operand = Operand::new(self.memory, axes).expect("it has an axis for each batch");
        let place = place(e, &operand);
        let indices: Vec<_> = (0..).zip(batch.iter().copied()).collect();
        let mut parts = [(); 3].map(|()| Mixed::default());
        parts[0].push(DYNAMIC, || offset(e, &operand, &place, &indices));
        parts[1].push(DYNAMIC, || place.sizes[batch.len()]);
        parts[2].push(DYNAMIC, || place.strides[batch.len()]);
        let ty = e.ty("memref<?xf32, strided<[?], offset: ?>>");
        reinterpreted(e, self.memory, parts, ty)
    }
}

/// Memory with some axes of a buffer that is made here, and perhaps columns.
pub(super) fn memory<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    of: Value<'c, 'a>,
    (axes, columns): (&[usize], Option<i64>),
    element: Element,
) -> Value<'c, 'a> {
    let made = defining_op(of).expect("pairs are in a buffer of their own");
    let shape = shape::shape_of(of);
    let mut open = made.operands();
    let sizes = shape
        .iter()
        .map(|size| (*size == DYNAMIC).then(|| open.next()).flatten());
    let sizes: Vec<_> = sizes.collect();
    let size = |n: i64| match n {
        DYNAMIC => "?x".to_string(),
        n => format!("{n}x"),
    };
    let dims = axes
        .iter()
        .map(|axis| shape[*axis])
        .chain(columns)
        .map(size);
    let ty = format!("memref<{}{}>", dims.collect::<String>(), element.ty());
    let open: Vec<_> = axes.iter().filter_map(|axis| sizes[*axis]).collect();
    e.alloc(&open, &ty)
}
