//! Tiles of an operand in global memory: who loads what, and loads that are right for all sizes and alignments.

use crate::program::{Element, Matrix, Storage};
use crate::text::{Function, Value};

/// Loads of single elements that are under way together, at most.
const LOADS_AT_ONCE: i64 = 8;

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

    /// Loads of single elements that are under way together.
    fn loads_at_once(&self) -> i64 {
        LOADS_AT_ONCE.min(self.free * self.depth / self.threads)
    }

    /// Whether threads and chunks come out even.
    pub fn is_even(&self) -> bool {
        self.free * self.depth >= self.threads
            && self.inner_extent() % self.chunk == 0
            && self.threads >= self.chunks_in_row()
            && self.threads % self.chunks_in_row() == 0
            && self.outer_extent() % self.rows_between() == 0
            && self.free * self.depth % (self.threads * self.loads_at_once()) == 0
    }
}

/// Where elements come from.
pub(super) enum Elements {
    /// Memory.
    Matrix(Matrix),
    /// A function of the depth and of the row or column, both `index`, and of what it captures.
    Given {
        callee: String,
        captured: Vec<Value>,
    },
}

/// An operand of a tile of the result.
pub(super) struct Source {
    pub operand: Operand,
    pub elements: Elements,
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
    /// The first row of neighbours and the first neighbour, `i64`.
    starts: [Value; 2],
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
        elements: Elements,
        [first, left]: [&Value; 2],
    ) -> Self {
        let thread = f.thread();
        let outer = f.with("arith.divui", &thread, operand.chunks_in_row());
        let inner = f.with("arith.remui", &thread, operand.chunks_in_row());
        let inner = f.with("arith.muli", &inner, operand.chunk);
        Self {
            operand,
            elements,
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
        let (starts, outer_left, inner_left) = match self.operand.inner {
            Inner::Depth => (
                [self.first.clone(), start],
                self.left.clone(),
                depth_left.clone(),
            ),
            Inner::Free => (
                [start, self.first.clone()],
                depth_left.clone(),
                self.left.clone(),
            ),
        };
        Window {
            starts,
            outer_left,
            inner_left,
            depth_left,
        }
    }

    /// The row of a chunk in the tile.
    pub fn row(&self, f: &mut Function, number: i64) -> Value {
        let before = number * self.operand.rows_between();
        f.with("arith.addi", &self.outer, before)
    }

    /// A row of neighbours and one of these in the whole operand, `i64`.
    fn whole_place(f: &mut Function, window: &Window, [outer, inner]: [&Value; 2]) -> [Value; 2] {
        [(outer, 0), (inner, 1)].map(|(at, axis)| {
            let at = f.cast("arith.extsi", at, "i64");
            f.add(&window.starts[axis], &at)
        })
    }

    fn place(
        &self,
        f: &mut Function,
        (window, matrix): (&Window, &Matrix),
        [outer, inner]: [&Value; 2],
    ) -> Value {
        let origin = matrix.place(f, &window.starts[0], &window.starts[1]);
        let outer = f.cast("arith.extsi", outer, "i64");
        let inner = f.cast("arith.extsi", inner, "i64");
        let start = f.mul(&outer, &matrix.pitch);
        let index = f.add(&start, &inner);
        f.place(&origin, self.operand.element.stored(), &index)
    }

    /// An element that is inside, as it is stored.
    fn element(&self, f: &mut Function, window: &Window, at: [&Value; 2]) -> Value {
        let element = self.operand.element;
        match &self.elements {
            Elements::Matrix(matrix) => {
                let place = self.place(f, (window, matrix), at);
                f.load(&place, element.stored(), element.bytes())
            }
            Elements::Given { callee, captured } => {
                let [outer, inner] = Self::whole_place(f, window, at);
                let [depth, free] = match self.operand.inner {
                    Inner::Depth => [inner, outer],
                    Inner::Free => [outer, inner],
                };
                let own = [depth, free].map(|at| f.cast("arith.index_cast", &at, "index"));
                let arguments = [&own[..], captured].concat();
                let value = f.call(callee, &arguments, Some(element.ty()));
                let value = value.expect("a call with a result has one");
                element.narrow(f, &value, element)
            }
        }
    }

    /// Loads all of the tile element by element, zero where nothing is, whatever places and sizes are. `put` is given the element as
    /// it is stored, its row and where in the row it is, `i32`.
    pub fn load_any(
        &self,
        f: &mut Function,
        window: &Window,
        put: impl Fn(&mut Function, &Value, [&Value; 2]),
    ) {
        let Operand {
            element, threads, ..
        } = self.operand;
        let extent = self.operand.inner_extent();
        let rounds = f.i32(self.operand.free * self.operand.depth / threads);
        let zero_round = f.i32(0);
        let at_once = f.i32(self.operand.loads_at_once());
        let thread = thread_here(f);
        f.each([&zero_round, &rounds, &at_once], &[], |f, round, _| {
            let before = f.with("arith.muli", round, threads);
            let first = f.add(&before, &thread);
            let mut loaded = vec![];
            for at in 0..self.operand.loads_at_once() {
                let number = f.with("arith.addi", &first, at * threads);
                let row = f.with("arith.divui", &number, extent);
                let column = f.with("arith.remui", &number, extent);
                let is_row = f.cmp("slt", &row, &window.outer_left);
                let is_column = f.cmp("slt", &column, &window.inner_left);
                let is_inside = f.and(&is_row, &is_column);
                let value = f.choose(
                    &is_inside,
                    &[element.stored()],
                    |f| vec![self.element(f, window, [&row, &column])],
                    |f| vec![zero(f, element.stored())],
                );
                loaded.push((value, row, column));
            }
            for (value, row, column) in loaded {
                put(f, &value[0], [&row, &column]);
            }
            vec![]
        });
    }

    /// Whether rows begin at multiples of so many bytes in memory.
    pub fn is_aligned(&self, f: &mut Function, bytes: i64) -> Value {
        match &self.elements {
            Elements::Matrix(matrix) => matrix.is_aligned(f, bytes),
            Elements::Given { .. } => f.op("arith.constant false", "i1"),
        }
    }

    /// Whether whole chunks can be loaded by [`Self::load_whole`]: rows begin at multiples of a chunk, and neighbours that count for
    /// the result are a multiple of a chunk too. What is beyond the result then is some value.
    pub fn loads_whole(&self, f: &mut Function) -> Value {
        let is_aligned = self.is_aligned(f, self.operand.chunk * self.operand.element.bytes());
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

    /// A chunk as a vector, by one load, where all of the depth is inside; some value of what has no memory, which is not asked for.
    pub fn load_whole(&self, f: &mut Function, window: &Window, number: i64) -> Value {
        let Operand { element, chunk, .. } = self.operand;
        let ty = format!("vector<{chunk}x{}>", element.stored());
        let Elements::Matrix(matrix) = &self.elements else {
            return f.op(&format!("llvm.mlir.zero : {ty}"), &ty);
        };
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
        let place = self.place(f, (window, matrix), [&row, &inner]);
        f.load(&place, &ty, chunk * element.bytes())
    }

    /// Starts copying this thread's chunks, of 16 bytes each, to places in shared memory; zero where nothing is. Rows begin at
    /// multiples of 16 bytes; what has no memory is not asked for.
    pub fn copy(&self, f: &mut Function, window: &Window, to: &[Value]) {
        let Elements::Matrix(matrix) = &self.elements else {
            return;
        };
        let stored = self.operand.element.stored();
        let mut from = self.place(f, (window, matrix), [&self.outer, &self.inner]);
        let between = f.with("arith.muli", &matrix.pitch, self.operand.rows_between());
        let left = f.sub(&window.inner_left, &self.inner);
        let left = f.with("arith.maxsi", &left, 0);
        let left = f.with("arith.minsi", &left, self.operand.chunk);
        let bytes = f.with("arith.muli", &left, self.operand.element.bytes());
        let rows_left = f.sub(&window.outer_left, &self.outer);
        let zero = f.i32(0);
        for (to, number) in to.iter().zip(0..) {
            let before = f.i32(number * self.operand.rows_between());
            let is_row = f.cmp("slt", &before, &rows_left);
            let bytes = f.select(&is_row, &bytes, &zero);
            f.line(&format!(
                "nvvm.cp.async.shared.global {to}, {from}, 16, cache = cg, {bytes} : !llvm.ptr<3>, !llvm.ptr<1>, i32"
            ));
            from = f.place(&from, stored, &between);
        }
    }
}

/// The number of the thread, from which nothing is computed ahead, where it would take registers all the time.
pub(super) fn thread_here(f: &mut Function) -> Value {
    let text = "llvm.inline_asm has_side_effects \"mov.u32 $0, %tid.x;\", \"=r\" : () -> i32";
    f.op(text, "i32")
}

/// Zero of any type that is stored.
pub(super) fn zero(f: &mut Function, ty: &str) -> Value {
    match ty.starts_with('i') {
        true => f.int(0, ty),
        false => f.float("0.0", ty),
    }
}
