//! Products by arithmetic of single threads, for all types: a thread keeps some rows and columns of the tile in registers.
//!
//! Shared memory holds a step of the sum twice: one half is read while the other is filled with what was loaded to registers before.
//! It lies by depth, so that threads read neighbours as 16 bytes; an operand whose neighbours in memory are along the depth is
//! transposed as it is stored there, at places changed by an exclusive or so that the lanes of a warp use different banks.

use super::operand::{self, Inner, Operand, Source};
use super::output::{self, Band, Place, Target};
use super::{Inputs, Matmul, Unfit, bytes_after, pack, unfit, unpack};
use crate::program::Element;
use crate::text::{Function, Value};

/// Lanes of a warp along the rows and along the columns of its part of a tile.
const LANES: [i64; 2] = [4, 8];

/// Extents of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows of the result.
    pub rows: i64,
    /// Columns of the result.
    pub columns: i64,
    /// Products of a step.
    pub depth: i64,
    /// Warps along rows and columns.
    pub warps: [i64; 2],
}

impl Tile {
    /// For large results with sums of 4 bytes: 8 by 8 of them for each of 256 threads.
    pub const LARGE: Self = Self {
        rows: 128,
        columns: 128,
        depth: 8,
        warps: [4, 2],
    };

    /// The same for sums in f64.
    pub const LARGE_F64: Self = Self {
        depth: 4,
        ..Self::LARGE
    };

    /// For results of which there would be too few large tiles, with sums of 4 bytes: 8 by 4 of them for each of 128 threads.
    pub const MIDDLE: Self = Self {
        rows: 64,
        columns: 64,
        depth: 16,
        warps: [2, 2],
    };

    /// The same with sums of 8 bytes, and for large results with sums in i64: 4 by 4 of them for each of 256 threads.
    pub const MIDDLE_LONG: Self = Self {
        rows: 64,
        columns: 64,
        ..Self::LARGE
    };

    /// For small results: 4 by 4 sums for each of 64 threads.
    pub const SMALL: Self = Self {
        rows: 32,
        columns: 32,
        depth: 16,
        warps: [2, 1],
    };

    pub(super) fn threads(&self) -> i64 {
        32 * self.warps[0] * self.warps[1]
    }

    /// Blocks that a multiprocessor runs together with so many registers as the program needs.
    pub(super) fn resident(&self, sum: Element) -> i64 {
        let registers = match sum.bytes() {
            4 => 128,
            _ => 255,
        };
        (super::REGISTERS / registers / self.threads()).max(1)
    }

    /// Elements of 16 bytes.
    fn width(sum: Element) -> i64 {
        16 / sum.bytes()
    }

    /// Rows and columns of which each thread has 16 bytes.
    fn unit(&self, sum: Element) -> [i64; 2] {
        [0, 1].map(|at| self.warps[at] * LANES[at] * Self::width(sum))
    }

    /// Bytes of a step.
    fn stage(&self, sum: Element) -> i64 {
        (self.rows + self.columns) * self.depth * sum.bytes()
    }

    pub(super) fn shared(&self, matmul: &Matmul) -> i64 {
        let band = self.unit(matmul.sum)[0] * self.columns * matmul.sum.bytes();
        band.max(2 * self.stage(matmul.sum))
    }

    pub(super) fn check(&self, matmul: &Matmul) -> Result<(), Unfit> {
        let sum = matmul.sum;
        let [rows, columns] = self.unit(sum);
        let fits = matches!(sum.bytes(), 4 | 8)
            && self.warps[0] % 2 == 0
            && self.rows % rows == 0
            && self.columns % columns == 0
            // Places stay together in groups of 16 bytes where they are changed.
            && self.depth % Self::width(sum) == 0
            && self.depth * sum.bytes() <= 128
            && matmul.operands().iter().all(|operand| operand.is_even())
            && output::is_even(rows, self.columns, self.threads());
        match fits {
            true => Ok(()),
            false => unfit(format!("{self:?} does not fit sums in {sum:?}")),
        }
    }

    pub(super) fn body(
        &self,
        f: &mut Function,
        matmul: &Matmul,
        inputs: &Inputs,
        (place, target): &(Place, Target),
    ) {
        let steps = Steps::new(f, self, matmul.sum, inputs);
        let zero = f.i32(0);
        let one = f.i32(1);
        let none = operand::zero(f, matmul.sum.ty());
        let first = steps.load(f, &zero, &zero);
        steps.put(f, &zero, &first);
        f.barrier();
        let count = inputs.steps(f);
        let mut carried = vec![zero.clone()];
        let sums = self.rows * self.columns / self.threads();
        carried.extend((0..sums).map(|_| none.clone()));
        let results = f.each([&zero, &count, &one], &carried, |f, step, carried| {
            let current = &carried[0];
            let stage = f.i32(self.stage(matmul.sum));
            let other = f.sub(&stage, current);
            let next = f.with("arith.addi", step, 1);
            let loaded = steps.load(f, &next, &other);
            let sums = steps.add_products(f, current, carried[1..].to_vec());
            steps.put(f, &other, &loaded);
            f.barrier();
            let mut carried = vec![other];
            carried.extend(sums);
            carried
        });
        self.give(f, &steps, &results[1..], (place, target));
    }

    /// Gives the sums of all threads to where results go.
    fn give(
        &self,
        f: &mut Function,
        steps: &Steps,
        sums: &[Value],
        (place, target): (&Place, &Target),
    ) {
        let [unit_rows, unit_columns] = self.unit(steps.sum);
        let width = Self::width(steps.sum);
        let band = Band {
            shared: steps.inputs.shared.clone(),
            rows: unit_rows,
            columns: self.columns,
            pitch: self.columns,
            sum: steps.sum,
            threads: self.threads(),
        };
        let in_band = sums.len() / (self.rows / unit_rows) as usize;
        for (number, sums) in sums.chunks_exact(in_band).enumerate() {
            for (at, sums) in sums.chunks_exact(width as usize).enumerate() {
                let at = at as i64;
                let columns = self.columns / unit_columns;
                let row = f.with("arith.addi", &steps.own[0], at / columns);
                let first = at % columns * unit_columns;
                let column = f.with("arith.addi", &steps.own[1], first);
                band.put(f, [&row, &column], sums);
            }
            f.barrier();
            band.give(f, number as i64 * unit_rows, place, target);
            f.barrier();
        }
    }
}

/// What was loaded of an operand: chunks as they lie in global memory, if they were whole.
struct Loaded {
    is_whole: Value,
    chunks: Vec<Value>,
}

/// What the steps of the sum need.
struct Steps<'a> {
    tile: &'a Tile,
    sum: Element,
    inputs: &'a Inputs,
    /// The first row and column of this thread in a tile.
    own: [Value; 2],
    /// The same, changed as the places of the operand are: one for each group of neighbours along the depth.
    changed: [Vec<Value>; 2],
    /// Whether chunks of an operand are loaded whole.
    whole: [Value; 2],
}

impl<'a> Steps<'a> {
    fn new(f: &mut Function, tile: &'a Tile, sum: Element, inputs: &'a Inputs) -> Self {
        let thread = f.thread();
        let warp = f.with("arith.divui", &thread, 32);
        let lane = f.with("arith.remui", &thread, 32);
        let warps = ["arith.divui", "arith.remui"].map(|op| f.with(op, &warp, tile.warps[1]));
        let lanes = ["arith.divui", "arith.remui"].map(|op| f.with(op, &lane, LANES[1]));
        let own = [0, 1].map(|at| {
            let group = f.with("arith.muli", &warps[at], LANES[at]);
            let group = f.add(&group, &lanes[at]);
            f.with("arith.muli", &group, Tile::width(sum))
        });
        let sources = [&inputs.a, &inputs.b];
        let changed = [0, 1].map(|at| {
            let groups = sources[at].operand.chunks_in_row();
            let groups = match sources[at].operand.inner {
                Inner::Depth => 0..groups,
                Inner::Free => 0..1,
            };
            let change = Self::change(sources[at], sum);
            let changed = groups.map(|group| f.with("arith.xori", &own[at], group * change));
            changed.collect()
        });
        let whole = sources.map(|source| source.loads_whole(f));
        Self {
            tile,
            sum,
            inputs,
            own,
            changed,
            whole,
        }
    }

    /// What places along the rows or columns change by, from one group of neighbours along the depth to the next.
    fn change(source: &Source, sum: Element) -> i64 {
        match source.operand.inner {
            Inner::Depth => 128 / sum.bytes() / source.operand.chunks_in_row(),
            Inner::Free => 0,
        }
    }

    /// Loads a step. Chunks that are whole stay in registers for now; others go to a stage of the shared memory at once.
    fn load(&self, f: &mut Function, step: &Value, stage: &Value) -> [Loaded; 2] {
        let sources = [&self.inputs.a, &self.inputs.b];
        [0, 1].map(|at| {
            let source = sources[at];
            let operand = source.operand;
            let window = source.window(f, step, &self.inputs.depth);
            let depth = f.i32(operand.depth);
            let is_full = f.cmp("eq", &window.depth_left, &depth);
            let is_whole = f.and(&is_full, &self.whole[at]);
            let vector = format!("vector<{}x{}>", operand.chunk, operand.element.stored());
            let types = vec![vector.as_str(); operand.count() as usize];
            let chunks = f.choose(
                &is_whole,
                &types,
                |f| {
                    let chunks = 0..operand.count();
                    chunks
                        .map(|chunk| source.load_whole(f, &window, chunk))
                        .collect()
                },
                |f| {
                    let zero = f.i32(0);
                    let is_there = f.cmp("sgt", &window.depth_left, &zero);
                    f.when(&is_there, |f| {
                        let base = self.base(f, stage, at);
                        source.load_any(f, &window, |f, value, [row, column]| {
                            let value = operand.element.widen(f, value, self.sum);
                            let to = self.place(f, source, &base, [row, column]);
                            f.store(&value, &to, self.sum.bytes());
                        });
                    });
                    let none = f.op(&format!("llvm.mlir.zero : {vector}"), &vector);
                    vec![none; types.len()]
                },
            );
            Loaded { is_whole, chunks }
        })
    }

    /// The place of an element in shared memory: by its row of neighbours in global memory and where it is in the row.
    fn place(
        &self,
        f: &mut Function,
        source: &Source,
        base: &Value,
        [row, column]: [&Value; 2],
    ) -> Value {
        let Operand {
            inner, free, chunk, ..
        } = source.operand;
        let [depth, free_place] = match inner {
            Inner::Free => [row.clone(), column.clone()],
            Inner::Depth => {
                let group = f.with("arith.divui", column, chunk);
                let change = f.with("arith.muli", &group, Self::change(source, self.sum));
                [column.clone(), f.xor(row, &change)]
            }
        };
        let index = f.with("arith.muli", &depth, free);
        let index = f.add(&index, &free_place);
        f.place(base, self.sum.ty(), &index)
    }

    /// Where an operand of a stage begins.
    fn base(&self, f: &mut Function, stage: &Value, operand: usize) -> Value {
        let before = [0, self.tile.rows * self.tile.depth * self.sum.bytes()][operand];
        let start = f.with("arith.addi", stage, before);
        bytes_after(f, &self.inputs.shared, &start)
    }

    /// Puts what registers hold to a stage of the shared memory.
    fn put(&self, f: &mut Function, stage: &Value, loaded: &[Loaded; 2]) {
        for (at, source) in [&self.inputs.a, &self.inputs.b].into_iter().enumerate() {
            let operand = source.operand;
            f.when(&loaded[at].is_whole, |f| {
                let base = self.base(f, stage, at);
                for (chunk, number) in loaded[at].chunks.iter().zip(0..) {
                    let values: Vec<_> = unpack(f, chunk, operand.chunk)
                        .iter()
                        .map(|value| operand.element.widen(f, value, self.sum))
                        .collect();
                    let row = source.row(f, number);
                    let to = self.place(f, source, &base, [&row, &source.inner]);
                    match operand.inner {
                        Inner::Free => {
                            let vector = pack(f, &values);
                            f.store(&vector, &to, 16);
                        }
                        // The next along the depth, which change by the same.
                        Inner::Depth => {
                            for (value, depth) in values.iter().zip(0..) {
                                let more = f.i32(depth * operand.free);
                                let to = f.place(&to, self.sum.ty(), &more);
                                f.store(value, &to, self.sum.bytes());
                            }
                        }
                    }
                }
            });
        }
    }

    /// Adds the products of a stage.
    fn add_products(&self, f: &mut Function, stage: &Value, mut sums: Vec<Value>) -> Vec<Value> {
        let width = Tile::width(self.sum);
        let vector = format!("vector<{width}x{}>", self.sum.ty());
        let units = self.tile.unit(self.sum);
        let bases = [0, 1].map(|at| self.base(f, stage, at));
        for depth in 0..self.tile.depth {
            let sources = [&self.inputs.a, &self.inputs.b];
            let [left, right] = [0, 1].map(|at| {
                let operand = sources[at].operand;
                let group = match operand.inner {
                    Inner::Depth => depth / operand.chunk,
                    Inner::Free => 0,
                };
                let own = &self.changed[at][group as usize];
                let mut factors = vec![];
                for first in (0..operand.free).step_by(units[at] as usize) {
                    let index = f.with("arith.addi", own, depth * operand.free + first);
                    let from = f.place(&bases[at], self.sum.ty(), &index);
                    let loaded = f.load(&from, &vector, 16);
                    factors.extend(unpack(f, &loaded, width));
                }
                factors
            });
            let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
            for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                *sum = self.multiply_add(f, [a, b], sum);
            }
        }
        sums
    }

    fn multiply_add(&self, f: &mut Function, [a, b]: [&Value; 2], sum: &Value) -> Value {
        let ty = self.sum.ty();
        match self.sum.is_float() {
            true => f.op(
                &format!("llvm.intr.fma({a}, {b}, {sum}) : ({ty}, {ty}, {ty}) -> {ty}"),
                ty,
            ),
            false => {
                let product = f.mul(a, b);
                f.add(sum, &product)
            }
        }
    }
}
