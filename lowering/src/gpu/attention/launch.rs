//! The loops around a program of attention.

use super::{
    matrix::{Matrix, Vector},
    part::Part,
};
use crate::{emit::Emitter, gpu, matmul::call::Places, tasks};
use melior::ir::Value;

/// The batches of attention: how many there are along each axis.
pub(super) struct Grid<'c, 'a> {
    sizes: Vec<Value<'c, 'a>>,
}

/// What blocks do.
pub(super) struct Work<'x, 'c, 'a> {
    /// The program.
    pub name: String,
    /// Rows, keys, the offset of the bound, and the scale.
    pub numbers: [Value<'c, 'a>; 4],
    pub matrices: Vec<&'x Matrix<'c, 'a>>,
    pub vectors: Vec<&'x Vector<'c, 'a>>,
    /// Matrices that come after the vectors.
    pub results: Vec<&'x Matrix<'c, 'a>>,
    /// What the functions that the program calls are given, behind the indices of batches.
    pub functions: Vec<Vec<Value<'c, 'a>>>,
    pub threads: i64,
    pub shared_bytes: i64,
}

impl<'c: 'a, 'a> Grid<'c, 'a> {
    /// That of a product.
    pub fn of(part: &Part<'c, 'a>, places: &Places<'c, 'a>) -> Self {
        let batch = part.loops[..part.loops.len() - 2].iter();
        let sizes = batch.map(|dim| places.size(&part.x, *dim)).collect();
        Self { sizes }
    }

    /// Writes the loops, over so many blocks for each batch.
    pub fn launch(&self, e: &Emitter<'c, 'a>, blocks: Value<'c, 'a>, work: &Work<'_, 'c, 'a>) {
        self.write(e, blocks, (work, &mut vec![]));
    }

    fn write(
        &self,
        e: &Emitter<'c, 'a>,
        blocks: Value<'c, 'a>,
        (work, batch): (&Work<'_, 'c, 'a>, &mut Vec<Value<'c, 'a>>),
    ) {
        let bounds = |e: &Emitter<'c, 'a>, size| (e.index(0), size, e.index(1));
        if let Some(size) = self.sizes.get(batch.len()) {
            e.parallel_loop(bounds(e, *size), |e, index| {
                batch.push(index);
                self.write(e, blocks, (work, batch));
                batch.pop();
            });
            return;
        }
        let op = e.plain_loop(bounds(e, blocks), |e, tile| work.call(e, tile, batch));
        tasks::mark(e, op, true);
        gpu::give_to_block(e, op, work.threads);
        gpu::give_shared(e, op, work.shared_bytes);
    }
}

impl<'c: 'a, 'a> Work<'_, 'c, 'a> {
    fn call(&self, e: &Emitter<'c, 'a>, tile: Value<'c, 'a>, batch: &[Value<'c, 'a>]) {
        let mut operands = vec![tile];
        operands.extend(self.numbers);
        operands.extend(self.matrices.iter().map(|matrix| matrix.view(e, batch)));
        operands.extend(self.vectors.iter().map(|vector| vector.view(e, batch)));
        operands.extend(self.results.iter().map(|matrix| matrix.view(e, batch)));
        for captured in &self.functions {
            operands.extend(batch);
            operands.extend(captured);
        }
        let callee = e.attr(&format!("@{}", self.name));
        e.effect("func.call", &operands, &[("callee", callee)]);
    }
}
