//! Products of matrices, C = A B or C + A B: a block computes a tile of C.
//!
//! [`Tile`] chooses the program: arithmetic of single threads for any types ([`simt`]), or tensor cores by `mma.sync` ([`mma`]).
//! Products are summed in the order of the inner dimension, so results do not depend on the run.
//!
//! Parameters of the function: the tile's number, M, N, K (all `index`), A, B if it is in memory, C if the program stores, then what the
//! callee of results captures, and that of B's elements.
//! Tiles are numbered by supergroups of [`GROUP`] rows of tiles, column after column, so that tiles that run together share operands.
//! Shared memory may be used for something else when the function returns.

pub mod mma;
mod operand;
mod output;
pub mod simt;

use std::fmt::{self, Display};

use crate::program::{Callee, Element, Matrix, Storage};
use crate::text::{Function, Value};
use operand::{Elements, Inner, Operand, Source};
use output::Place;
pub use output::{Output, Start};

/// Rows of tiles that are done column by column.
pub const GROUP: i64 = 8;

/// Static shared memory that a kernel may have at most, in bytes.
const MOST_STATIC: i64 = 48 << 10;

/// Registers of a multiprocessor.
const REGISTERS: i64 = 64 << 10;

/// What a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// What it holds.
    pub element: Element,
    /// How it lies in memory.
    pub storage: Storage,
}

/// The program with its tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tile {
    /// Threads multiply and add.
    Simt(simt::Tile),
    /// Tensor cores do.
    Mma(mma::Tile),
}

/// A program of a matrix product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Matmul {
    /// The function's name.
    pub name: String,
    /// M by K.
    pub a: Input,
    /// K by N.
    pub b: Input,
    /// What gives the elements of B, if they do not lie in memory as a matrix: `(k: index, n: index, captured…)`, with a result of B's
    /// type, which is called for what is inside, once for each tile; the storage of B says which are asked for one after the other.
    pub gather: Option<Callee>,
    /// What sums are in.
    pub sum: Element,
    /// Where results go.
    pub output: Output,
    /// How it is done.
    pub tile: Tile,
}

/// Why there is no such program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(String);

impl Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl Matmul {
    /// Threads of a block.
    pub fn threads(&self) -> i64 {
        match &self.tile {
            Tile::Simt(tile) => tile.threads(),
            Tile::Mma(tile) => tile.threads(),
        }
    }

    /// Rows of C in a tile.
    pub fn tile_rows(&self) -> i64 {
        match &self.tile {
            Tile::Simt(tile) => tile.rows,
            Tile::Mma(tile) => tile.rows,
        }
    }

    /// Columns of C in a tile.
    pub fn tile_columns(&self) -> i64 {
        match &self.tile {
            Tile::Simt(tile) => tile.columns,
            Tile::Mma(tile) => tile.columns,
        }
    }

    /// Tiles of a result of `rows` by `columns`.
    pub fn tiles(&self, rows: i64, columns: i64) -> i64 {
        let up = |size: i64, extent: i64| (size + extent - 1) / extent;
        up(rows, self.tile_rows()) * up(columns, self.tile_columns())
    }

    /// Dynamic shared memory that a launch must give, in bytes; 0 where the kernel has its own.
    pub fn shared_bytes(&self) -> i64 {
        match self.shared() {
            bytes if bytes > MOST_STATIC => bytes,
            _ => 0,
        }
    }

    /// Blocks that a multiprocessor is to run together, which the kernel should promise (`nvvm.minctasm`), so that no more
    /// registers are taken than that leaves.
    pub fn resident(&self) -> i64 {
        match &self.tile {
            Tile::Simt(tile) => tile.resident(self.sum),
            Tile::Mma(tile) => tile.resident(),
        }
    }

    /// Shared memory in bytes.
    fn shared(&self) -> i64 {
        match &self.tile {
            Tile::Simt(tile) => tile.shared(self),
            Tile::Mma(tile) => tile.shared(self),
        }
    }

    /// The program.
    ///
    /// # Errors
    /// Fails where types or tiles do not fit each other.
    pub fn text(&self) -> Result<String, Unfit> {
        self.check()?;
        match &self.tile {
            Tile::Simt(tile) => tile.check(self)?,
            Tile::Mma(tile) => tile.check(self)?,
        }
        let mut f = Function::new(&self.name);
        let [tile, m, n, k] = [(); 4].map(|()| f.parameter("index"));
        let a = Matrix::parameter(&mut f, self.a.element);
        let in_memory = self.gather.is_none();
        let b = in_memory.then(|| Matrix::parameter(&mut f, self.b.element));
        let output = self.output.parameters(&mut f);
        let given = self.gather.as_ref().map(|callee| Elements::Given {
            callee: callee.name.clone(),
            captured: callee.captured.iter().map(|ty| f.parameter(ty)).collect(),
        });
        let shared = match self.shared_bytes() {
            0 => f.shared("tiles", self.shared()),
            _ => f.dynamic_shared(),
        };
        let a = Matrix::new(&mut f, &a, self.a.element, self.a.storage);
        let a = Elements::Matrix(a);
        let b = b.map(|b| Matrix::new(&mut f, &b, self.b.element, self.b.storage));
        let b = b.map(Elements::Matrix).or(given);
        let b = b.expect("it is in memory, or it is given");
        let place = self.place(&mut f, [&tile, &m, &n]);
        let k = f.cast("arith.index_cast", &k, "i64");
        let [left, right] = self.operands();
        let a = Source::new(&mut f, left, a, [&place.row, &place.rows_left]);
        let b = Source::new(&mut f, right, b, [&place.column, &place.columns_left]);
        let inputs = Inputs {
            a,
            b,
            depth: k,
            shared,
        };
        match &self.tile {
            Tile::Simt(tile) => tile.body(&mut f, self, &inputs, &(place, output)),
            Tile::Mma(tile) => tile.body(&mut f, self, &inputs, &(place, output)),
        }
        Ok(f.finish())
    }

    fn check(&self) -> Result<(), Unfit> {
        for input in [self.a, self.b] {
            if !input.element.widens_to(self.sum) {
                return unfit(format!(
                    "{:?} does not widen to sums in {:?}",
                    input.element, self.sum
                ));
            }
        }
        let Output::Store { element, .. } = self.output else {
            return Ok(());
        };
        match element == self.sum || element.is_float() && element.widens_to(self.sum) {
            true => Ok(()),
            false => unfit(format!(
                "sums in {:?} are not stored as {element:?}",
                self.sum
            )),
        }
    }

    fn operands(&self) -> [Operand; 2] {
        let depth = match &self.tile {
            Tile::Simt(tile) => tile.depth,
            Tile::Mma(tile) => tile.depth,
        };
        let chunk = |element: Element| match &self.tile {
            Tile::Simt(_) => 16 / self.sum.bytes(),
            Tile::Mma(_) => 16 / element.bytes(),
        };
        let operand = |element: Element, inner: Inner, free: i64| Operand {
            element,
            inner,
            free,
            depth,
            chunk: chunk(element),
            threads: self.threads(),
        };
        let left = Inner::left(self.a.storage);
        let right = Inner::right(self.b.storage);
        [
            operand(self.a.element, left, self.tile_rows()),
            operand(self.b.element, right, self.tile_columns()),
        ]
    }

    /// Where a tile is.
    fn place(&self, f: &mut Function, [tile, m, n]: [&Value; 3]) -> Place {
        let [m, n] = [m, n].map(|size| f.cast("arith.index_cast", size, "i64"));
        let tile = f.cast("arith.index_cast", tile, "i32");
        let mut tiles = |size: &Value, extent: i64| {
            let size = f.with("arith.addi", size, extent - 1);
            let tiles = f.with("arith.divui", &size, extent);
            f.cast("arith.trunci", &tiles, "i32")
        };
        let down = tiles(&m, self.tile_rows());
        let across = tiles(&n, self.tile_columns());
        let in_group = f.with("arith.muli", &across, GROUP);
        let group = f.div(&tile, &in_group);
        let within = f.rem(&tile, &in_group);
        let first = f.with("arith.muli", &group, GROUP);
        let height = f.sub(&down, &first);
        let height = f.with("arith.minsi", &height, GROUP);
        let row = f.rem(&within, &height);
        let row = f.add(&first, &row);
        let column = f.div(&within, &height);
        let mut start = |number: &Value, extent: i64, size: &Value| {
            let start = f.cast("arith.extui", number, "i64");
            let start = f.with("arith.muli", &start, extent);
            let left = f.sub(size, &start);
            let left = f.with("arith.minsi", &left, extent);
            let left = f.cast("arith.trunci", &left, "i32");
            (start, left)
        };
        let (row, rows_left) = start(&row, self.tile_rows(), &m);
        let (column, columns_left) = start(&column, self.tile_columns(), &n);
        Place {
            row,
            column,
            rows_left,
            columns_left,
            columns: n,
        }
    }
}

/// What a program reads, taken apart.
struct Inputs {
    a: Source,
    b: Source,
    /// K, `i64`.
    depth: Value,
    /// The shared memory.
    shared: Value,
}

impl Inputs {
    /// Steps that the sum takes, `i32`.
    fn steps(&self, f: &mut Function) -> Value {
        let depth = self.a.operand.depth;
        let steps = f.with("arith.addi", &self.depth, depth - 1);
        let steps = f.with("arith.divui", &steps, depth);
        f.cast("arith.trunci", &steps, "i32")
    }
}

fn unfit<T>(reason: String) -> Result<T, Unfit> {
    Err(Unfit(reason))
}

/// A vector of values of one type.
fn pack(f: &mut Function, values: &[Value]) -> Value {
    let ty = format!("vector<{}x{}>", values.len(), values[0].ty());
    let mut vector = f.op(&format!("llvm.mlir.poison : {ty}"), &ty);
    for (at, value) in values.iter().enumerate() {
        let at = f.i32(at as i64);
        vector = f.op(
            &format!("llvm.insertelement {value}, {vector}[{at} : i32] : {ty}"),
            &ty,
        );
    }
    vector
}

/// The elements of a vector.
fn unpack(f: &mut Function, vector: &Value, count: i64) -> Vec<Value> {
    let element = vector.element().to_string();
    let mut elements = vec![];
    for at in 0..count {
        let at = f.i32(at);
        let text = format!("llvm.extractelement {vector}[{at} : i32] : {}", vector.ty());
        elements.push(f.op(&text, &element));
    }
    elements
}

/// A place so many bytes after a pointer; `bytes` is `i32`.
fn bytes_after(f: &mut Function, pointer: &Value, bytes: &Value) -> Value {
    f.place(pointer, "i8", bytes)
}
