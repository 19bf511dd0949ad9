//! Tiles of an operand in global memory: who loads what, and loads that are right for all sizes and alignments.

use super::pack;
use crate::program::{Element, Matrix, Storage};
use crate::text::{Function, Value};

/// Which dimension of an operand has neighbours in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// The one that is summed over.
    Depth,
    /// That of the result.
    Free,
}

impl Inner {
    /// Of the left operand.
    pub fn left(storage: Storage) -> Self {
        match storage {
            Storage::Rows => Self::Depth,
            Storage::Columns => Self::Free,
        }
    }

    /// Of the right operand.
    pub fn right(storage: Storage) -> Self {
        match storage {
            Storage::Rows => Self::Free,
            Storage::Columns => Self::Depth,
        }
    }
}

/// A tile of an operand, which threads load in chunks of neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub element: Element,
    pub inner: Inner,
    /// Rows of the left operand, columns of the right one.
    pub free: i64,
    pub depth: i64,
    /// Elements of a chunk.
    pub chunk: i64,
    pub threads: i64,
}

impl Operand {
    /// Elements of a tile that are neighbours.
    pub fn inner_extent(&self) -> i64 {
        match self.inner {
            Inner::Depth => self.depth,
            Inner::Free => self.free,
        }
    }

    /// Rows of neighbours in a tile.
    pub fn outer_extent(&self) -> i64 {
        self.free * self.depth / self.inner_extent()
    }

    /// Chunks in a row.
    pub fn chunks_in_row(&self) -> i64 {
        self.inner_extent() / self.chunk
    }

    /// From a chunk of a thread to its next one.
    pub fn rows_between(&self) -> i64 {
        self.threads / self.chunks_in_row()
    }

    /// Chunks that a thread loads.
    pub fn count(&self) -> i64 {
        self.outer_extent() / self.rows_between()
    }

    /// Whether threads and chunks come out even.
    pub fn is_even(&self) -> bool {
        self.inner_extent() % self.chunk == 0
            && self.threads % self.chunks_in_row() == 0
            && self.outer_extent() % self.rows_between() == 0
    }
}

/// An operand of a tile of the result.
pub(super) struct Source {
    pub operand: Operand,
    pub matrix: Matrix,
    /// The first row or column of the tile: `i64`.
    pub first: Value,
    /// How many there are from there on, at most the tile's: `i32`.
    pub left: Value,
    /// The first chunk of this thread in a tile, `i32`: its row and where in the row it begins.
    pub outer: Value,
    pub inner: Value,
}

/// A step of the sum: what is inside of the matrix.
pub(super) struct Window {
    /// Where the tile begins.
    origin: Value,
    /// Rows and neighbours that are inside, `i32`; may be negative.
    outer_left: Value,
    inner_left: Value,
    /// Elements of the depth that are inside.
    pub depth_left: Value,
}

impl Source {
    pub fn new(
        f: &mut Function,
        operand: Operand,
        matrix: Matrix,
        [first, left]: [&Value; 2],
    ) -> Self {
        let thread = f.thread();
        let outer = f.with("arith.divui", &thread, operand.chunks_in_row());
        let inner = f.with("arith.remui", &thread, operand.chunks_in_row());
        let inner = f.with("arith.muli", &inner, operand.chunk);
        Self {
            operand,
            matrix,
            first: first.clone(),
            left: left.clone(),
            outer,
            inner,
        }
    }

    /// The tile of a step: `step` is its number, `i32`, and `depth` the extent of the sum, `i64`.
    pub fn window(&self, f: &mut Function, step: &Value, depth: &Value) -> Window {
        let start = f.cast("arith.extui", step, "i64");
        let start = f.with("arith.muli", &start, self.operand.depth);
        let depth_left = f.sub(depth, &start);
        let depth_left = f.with("arith.minsi", &depth_left, self.operand.depth);
        let depth_left = f.cast("arith.trunci", &depth_left, "i32");
        let (origin, outer_left, inner_left) = match self.operand.inner {
            Inner::Depth => (
                self.matrix.place(f, &self.first, &start),
                self.left.clone(),
                depth_left.clone(),
            ),
            Inner::Free => (
                self.matrix.place(f, &start, &self.first),
                depth_left.clone(),
                self.left.clone(),
            ),
        };
        Window {
            origin,
            outer_left,
            inner_left,
            depth_left,
        }
    }

    /// The row of a chunk in the tile.
    pub fn row(&self, f: &mut Function, number: i64) -> Value {
        f.with(
            "arith.addi",
            &self.outer,
            number * self.operand.rows_between(),
        )
    }

    fn place(&self, f: &mut Function, window: &Window, outer: &Value, inner: &Value) -> Value {
        let outer = f.cast("arith.extsi", outer, "i64");
        let inner = f.cast("arith.extsi", inner, "i64");
        let start = f.mul(&outer, &self.matrix.pitch);
        let index = f.add(&start, &inner);
        f.place(&window.origin, self.operand.element.stored(), &index)
    }

    /// The elements of a chunk, as they are stored; zero where nothing is. Something of the depth must be inside.
    pub fn load_any(&self, f: &mut Function, window: &Window, number: i64) -> Vec<Value> {
        let row = self.row(f, number);
        let last = f.with("arith.subi", &window.outer_left, 1);
        let near_row = f.min(&row, &last);
        let is_row = f.cmp("slt", &row, &window.outer_left);
        let last = f.with("arith.subi", &window.inner_left, 1);
        let stored = self.operand.element.stored();
        let zero = zero(f, stored);
        let mut elements = vec![];
        for at in 0..self.operand.chunk {
            let inner = f.with("arith.addi", &self.inner, at);
            let near = f.min(&inner, &last);
            let place = self.place(f, window, &near_row, &near);
            let value = f.load(&place, stored, self.operand.element.bytes());
            let is_inside = f.cmp("slt", &inner, &window.inner_left);
            let is_inside = f.and(&is_row, &is_inside);
            elements.push(f.select(&is_inside, &value, &zero));
        }
        elements
    }

    /// Whether whole chunks can be loaded by [`Self::load_whole`]: rows begin at multiples of a chunk, and neighbours that count for
    /// the result are a multiple of a chunk too. What is beyond the result then is some value.
    pub fn loads_whole(&self, f: &mut Function) -> Value {
        let bytes = self.operand.chunk * self.operand.element.bytes();
        let is_aligned = self.matrix.is_aligned(f, bytes);
        match self.operand.inner {
            Inner::Depth => is_aligned,
            Inner::Free => {
                let rest = f.with("arith.remui", &self.left, self.operand.chunk);
                let zero = f.i32(0);
                let is_even = f.cmp("eq", &rest, &zero);
                f.and(&is_aligned, &is_even)
            }
        }
    }

    /// The elements of a chunk by one load, where all of the depth is inside.
    pub fn load_whole(&self, f: &mut Function, window: &Window, number: i64) -> Vec<Value> {
        let row = self.row(f, number);
        let (row, inner) = match self.operand.inner {
            Inner::Depth => {
                let last = f.with("arith.subi", &self.left, 1);
                (f.min(&row, &last), self.inner.clone())
            }
            Inner::Free => {
                let last = f.with("arith.subi", &self.left, self.operand.chunk);
                (row, f.min(&self.inner, &last))
            }
        };
        let place = self.place(f, window, &row, &inner);
        let Operand { element, chunk, .. } = self.operand;
        let ty = format!("vector<{chunk}x{}>", element.stored());
        let vector = f.load(&place, &ty, chunk * element.bytes());
        super::unpack(f, &vector, chunk)
    }

    /// Starts copying a chunk of 16 bytes to shared memory; zero where nothing is. Rows begin at multiples of 16 bytes.
    pub fn copy(&self, f: &mut Function, window: &Window, number: i64, to: &Value) {
        let row = self.row(f, number);
        let from = self.place(f, window, &row, &self.inner);
        let left = f.sub(&window.inner_left, &self.inner);
        let left = f.with("arith.maxsi", &left, 0);
        let left = f.with("arith.minsi", &left, self.operand.chunk);
        let bytes = f.with("arith.muli", &left, self.operand.element.bytes());
        let is_row = f.cmp("slt", &row, &window.outer_left);
        let zero = f.i32(0);
        let bytes = f.select(&is_row, &bytes, &zero);
        f.line(&format!(
            "nvvm.cp.async.shared.global {to}, {from}, 16, cache = cg, {bytes} : !llvm.ptr<3>, !llvm.ptr<1>, i32"
        ));
    }

    /// Copies a chunk to shared memory by loads of elements.
    pub fn copy_any(&self, f: &mut Function, window: &Window, number: i64, to: &Value) {
        let elements = self.load_any(f, window, number);
        let vector = pack(f, &elements);
        f.store(&vector, to, 16);
    }
}

/// Zero of any type that is stored.
pub(super) fn zero(f: &mut Function, ty: &str) -> Value {
    match ty.starts_with('i') {
        true => f.int(0, ty),
        false => f.float("0.0", ty),
    }
}
