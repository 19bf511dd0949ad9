//! Operands of an attention in global memory, and tiles of their rows in shared memory.
//!
//! A tile has rows of a multiple of 16 numbers of 16 bits, in chunks of 16 bytes. Eight rows of one chunk must lie in different banks
//! for `ldmatrix`, so chunks are exchanged within groups of 2, 4 or 8 (as many as divide a row's), by the row's number.

use super::THREADS;
use crate::program::{Element, Matrix, Storage};
use crate::text::{Function, Value};

/// Numbers of 16 bits that a chunk of 16 bytes has.
const CHUNK: i64 = 8;

/// Bytes of a chunk.
const CHUNK_BYTES: i64 = 16;

/// Numbers that a thread copies at once where rows are not aligned; a tile has a multiple of so many for each thread.
const IN_FLIGHT: i64 = 4;

/// The type of a vector of f32 of any size and place.
pub(super) const VECTOR: &str = "memref<?xf32, strided<[?], offset: ?>>";

/// A vector of f32.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    pointer: Value,
    stride: Value,
}

impl Vector {
    /// Takes a parameter apart.
    pub fn new(f: &mut Function, memref: &Value) -> Self {
        let parts = f.ops(
            &format!("memref.extract_strided_metadata {memref} : {VECTOR} -> memref<f32>, index, index, index"),
            &["memref<f32>", "index", "index", "index"],
        );
        let address = f.op(
            &format!("memref.extract_aligned_pointer_as_index {memref} : {VECTOR} -> index"),
            "index",
        );
        let [address, offset, stride] =
            [&address, &parts[1], &parts[3]].map(|value| f.cast("arith.index_cast", value, "i64"));
        let pointer = f.cast("llvm.inttoptr", &address, "!llvm.ptr<1>");
        let pointer = f.place(&pointer, "f32", &offset);
        Self { pointer, stride }
    }

    /// Where an element is, by an `i64`.
    pub fn at(&self, f: &mut Function, index: &Value) -> Value {
        let index = f.mul(index, &self.stride);
        f.place(&self.pointer, "f32", &index)
    }
}

/// The shape of a tile in shared memory. All its columns are there; those from `columns` on are zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    /// A multiple of 64.
    pub rows: i64,
    /// Columns of the matrix.
    pub columns: i64,
}

impl Tile {
    /// Columns with those that are added.
    pub fn padded(self) -> i64 {
        padded(self.columns)
    }

    /// Bytes of shared memory.
    pub fn bytes(self) -> i64 {
        self.rows * self.pitch()
    }

    /// Bytes from a row to the next.
    pub fn pitch(self) -> i64 {
        2 * self.padded()
    }

    /// Chunks that are exchanged with one another.
    fn group(self) -> i64 {
        1 << (self.padded() / CHUNK).trailing_zeros().min(3)
    }

    /// What the number of a chunk in its group is xored with in a row, `i32`.
    fn turn(self, f: &mut Function, row: &Value) -> Value {
        let group = self.group();
        let row = f.with("arith.divui", row, 8 / group);
        f.with("arith.andi", &row, group - 1)
    }

    /// Copies rows of a matrix from one on (`i64`) to the tile at a place, with zeros for rows from `limit` (`i64`) on. Copies of 16
    /// bytes are asynchronous; where rows do not allow them, threads copy number by number.
    pub fn fetch(
        self,
        f: &mut Function,
        source: &Source,
        [first, limit]: [&Value; 2],
        place: &Value,
    ) {
        let count = f.sub(limit, first);
        let most = f.int(self.rows, "i64");
        let count = f.min(&count, &most);
        let count = f.with("arith.maxsi", &count, 0);
        let count = f.cast("arith.trunci", &count, "i32");
        let group = self.group();
        let thread = f.thread();
        let row = f.with("arith.divui", &thread, group);
        let chunk = f.with("arith.remui", &thread, group);
        let turn = self.turn(f, &row);
        let turned = f.xor(&chunk, &turn);
        let to = f.with("arith.muli", &row, self.pitch());
        let turned = f.with("arith.muli", &turned, CHUNK_BYTES);
        let to = f.add(&to, &turned);
        let to = f.place(place, "i8", &to);
        let column = f.with("arith.muli", &chunk, CHUNK);
        let wide_row = f.cast("arith.extui", &row, "i64");
        let wide_row = f.add(first, &wide_row);
        let at = f.mul(&wide_row, &source.matrix.pitch);
        let wide_column = f.cast("arith.extui", &column, "i64");
        let at = f.add(&at, &wide_column);
        let from = f.place(&source.matrix.pointer, "i16", &at);
        let left = f.sub(&count, &row);
        let part = Part {
            tile: self,
            column,
            from,
            to,
            left,
        };
        f.choose(
            &source.is_aligned,
            &[],
            |f| {
                part.copy(f, &source.matrix);
                vec![]
            },
            |f| {
                self.copy_numbers(f, &source.matrix, [first, &count], place);
                vec![]
            },
        );
    }

    /// Copies so many rows (`i32`) from one on (`i64`) number by number, and fills the rest with zeros.
    fn copy_numbers(
        self,
        f: &mut Function,
        matrix: &Matrix,
        [first, count]: [&Value; 2],
        place: &Value,
    ) {
        let start = f.mul(first, &matrix.pitch);
        let from = f.place(&matrix.pointer, "i16", &start);
        let all = f.i32(self.rows * self.padded());
        let step = f.i32(IN_FLIGHT * THREADS);
        let thread = f.thread();
        f.each([&thread, &all, &step], &[], |f, at, _| {
            let mut copies = vec![];
            for more in 0..IN_FLIGHT {
                let at = f.with("arith.addi", at, more * THREADS);
                let row = f.with("arith.divui", &at, self.padded());
                let column = f.with("arith.remui", &at, self.padded());
                let columns = f.i32(self.columns);
                let is_row = f.cmp("slt", &row, count);
                let is_column = f.cmp("slt", &column, &columns);
                let is_there = f.and(&is_row, &is_column);
                let from = {
                    let row = f.cast("arith.extui", &row, "i64");
                    let column = f.cast("arith.extui", &column, "i64");
                    let at = f.mul(&row, &matrix.pitch);
                    let at = f.add(&at, &column);
                    f.place(&from, "i16", &at)
                };
                let number = f.choose(
                    &is_there,
                    &["i16"],
                    |f| vec![f.load(&from, "i16", 2)],
                    |f| vec![f.int(0, "i16")],
                );
                let chunk = f.with("arith.divui", &column, CHUNK);
                let turn = self.turn(f, &row);
                let chunk = f.xor(&chunk, &turn);
                let chunk = f.with("arith.muli", &chunk, CHUNK_BYTES);
                let column = f.with("arith.remui", &column, CHUNK);
                let column = f.with("arith.muli", &column, 2);
                let row = f.with("arith.muli", &row, self.pitch());
                let to = f.add(&row, &chunk);
                let to = f.add(&to, &column);
                copies.push((number[0].clone(), f.place(place, "i8", &to)));
            }
            for (number, to) in copies {
                f.store(&number, &to, 2);
            }
            vec![]
        });
    }

    /// Where a lane finds its rows of left operands, from a row of the tile on (`i32`).
    pub fn left(self, f: &mut Function, place: &Value, first: &Value) -> Cursor {
        let lane = super::warp::lane(f);
        let row = f.with("arith.andi", &lane, 15);
        let row = f.add(first, &row);
        let chunk = f.with("arith.shrui", &lane, 4);
        self.cursor(f, place, &row, &chunk)
    }

    /// The same for right operands whose columns are the tile's rows.
    pub fn right(self, f: &mut Function, place: &Value) -> Cursor {
        let lane = super::warp::lane(f);
        let low = f.with("arith.andi", &lane, 7);
        let high = f.with("arith.shrui", &lane, 4);
        let high = f.with("arith.muli", &high, 8);
        let row = f.add(&low, &high);
        let chunk = f.with("arith.shrui", &lane, 3);
        let chunk = f.with("arith.andi", &chunk, 1);
        self.cursor(f, place, &row, &chunk)
    }

    /// The same for right operands whose rows are the tile's, which are to be loaded transposed.
    pub fn right_by_rows(self, f: &mut Function, place: &Value) -> Cursor {
        let first = f.i32(0);
        self.left(f, place, &first)
    }

    /// Chunks of a row.
    pub fn chunks(self) -> i64 {
        self.padded() / CHUNK
    }

    /// Where a chunk of a row is: both are `i32`. Rows that are 8 further have it as much further.
    pub fn chunk(self, f: &mut Function, place: &Value, row: &Value, chunk: &Value) -> Value {
        let turn = self.turn(f, row);
        let turned = f.xor(chunk, &turn);
        let column = f.with("arith.muli", &turned, CHUNK_BYTES);
        let row = f.with("arith.muli", row, self.pitch());
        let at = f.add(&row, &column);
        f.place(place, "i8", &at)
    }

    /// Where a lane finds a row and a chunk (`i32`) of the tile at a place.
    fn cursor(self, f: &mut Function, place: &Value, row: &Value, chunk: &Value) -> Cursor {
        let turn = self.turn(f, row);
        let turned = f.xor(chunk, &turn);
        let low = f.with("arith.muli", &turned, CHUNK_BYTES);
        let row = f.with("arith.muli", row, self.pitch());
        Cursor {
            tile: self,
            place: f.place(place, "i8", &row),
            low,
        }
    }
}

/// Columns with those that are added, so that products have whole fragments.
pub(super) fn padded(columns: i64) -> i64 {
    (columns + 15) / 16 * 16
}

/// A matrix that tiles are copied from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    matrix: Matrix,
    /// Whether its rows can be copied in chunks, `i1`.
    is_aligned: Value,
}

impl Source {
    /// Takes a parameter apart.
    pub fn new(f: &mut Function, memref: &Value, element: Element) -> Self {
        let mut matrix = Matrix::new(f, memref, element, Storage::Rows);
        let is_aligned = matrix.is_aligned(f, CHUNK_BYTES);
        // Tiles have numbers of 16 bits; others are several.
        matrix.pitch = f.with("arith.muli", &matrix.pitch, element.bytes() / 2);
        Self { matrix, is_aligned }
    }
}

/// What a thread copies of a tile: a chunk of each group of chunks, of each `THREADS / group`-th row.
struct Part {
    tile: Tile,
    /// The column of its first chunk, `i32`.
    column: Value,
    /// Where the first chunk comes from and goes to.
    from: Value,
    to: Value,
    /// Rows of the matrix from the first on, `i32`; may be negative.
    left: Value,
}

impl Part {
    fn step(&self) -> i64 {
        THREADS / self.tile.group()
    }

    fn copy(&self, f: &mut Function, matrix: &Matrix) {
        let group = self.tile.group();
        for pass in 0..self.tile.rows / self.step() {
            let from = {
                let rows = f.with("arith.muli", &matrix.pitch, pass * self.step());
                f.place(&self.from, "i16", &rows)
            };
            let row = f.i32(pass * self.step());
            let is_there = f.cmp("slt", &row, &self.left);
            let zero = f.i32(0);
            for first in (0..self.tile.padded() / CHUNK).step_by(group as usize) {
                let bytes = self.bytes(f, first);
                let bytes = f.select(&is_there, &bytes, &zero);
                let from = offset(f, &from, first * CHUNK_BYTES);
                let to = pass * self.step() * self.tile.pitch() + first * CHUNK_BYTES;
                let to = offset(f, &self.to, to);
                f.line(&format!(
                    "nvvm.cp.async.shared.global {to}, {from}, {CHUNK_BYTES}, cache = cg, {bytes} : !llvm.ptr<3>, !llvm.ptr<1>, i32"
                ));
            }
        }
    }

    /// Bytes of the matrix in the thread's chunk of a group, `i32`.
    fn bytes(&self, f: &mut Function, first: i64) -> Value {
        let all = f.i32(CHUNK_BYTES);
        let end = (first + self.tile.group()) * CHUNK;
        if end <= self.tile.columns {
            return all;
        }
        let columns = f.i32(self.tile.columns - first * CHUNK);
        let left = f.sub(&columns, &self.column);
        let left = f.with("arith.muli", &left, 2);
        let left = f.with("arith.maxsi", &left, 0);
        f.min(&left, &all)
    }
}

/// A place so many bytes after another.
pub(super) fn offset(f: &mut Function, pointer: &Value, bytes: i64) -> Value {
    let ty = pointer.ty();
    f.op(
        &format!("llvm.getelementptr {pointer}[{bytes}] : ({ty}) -> {ty}, i8"),
        ty,
    )
}

/// Where a lane finds its rows of fragments.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    tile: Tile,
    place: Value,
    low: Value,
}

impl Cursor {
    /// Four matrices of 8 by 8 numbers, so many rows (a multiple of 8) and columns (a multiple of 16) further, as `i32`.
    pub fn load(&self, f: &mut Function, rows: i64, columns: i64, layout: Layout) -> Vec<Value> {
        let group = self.tile.group() * CHUNK;
        let low = f.with("arith.xori", &self.low, 2 * (columns % group));
        let place = f.place(&self.place, "i8", &low);
        let further = rows * self.tile.pitch() + 2 * (columns / group * group);
        let place = offset(f, &place, further);
        let layout = match layout {
            Layout::AsStored => "row",
            Layout::Transposed => "col",
        };
        let four = "!llvm.struct<(i32, i32, i32, i32)>";
        let loaded = f.op(
            &format!(
                "nvvm.ldmatrix {place} {{num = 4 : i32, layout = #nvvm.mma_layout<{layout}>, \
                 shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}} \
                 : (!llvm.ptr<3>) -> {four}"
            ),
            four,
        );
        super::warp::fields(f, &loaded, "i32")
    }
}

/// How a lane gets the matrices that `ldmatrix` loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    AsStored,
    Transposed,
}
