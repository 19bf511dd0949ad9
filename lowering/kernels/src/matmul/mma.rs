//! Products by tensor cores: `mma.sync` on tiles that come by `cp.async`.
//!
//! A ring of stages in shared memory holds steps of the sum. While products of one are summed, the next ones are under way, one
//! group of copies each; fragments of the next few products are loaded meanwhile. An operand lies there as in global memory, with
//! the 16-byte pieces of a row changed by an exclusive or, so that neither copies nor loads of fragments meet in a bank.
//!
//! Layouts of fragments are those of `mma.m16n8k16` (16 bits) and `mma.m16n8k8` (tf32), of which 8 by 8 matrices of 16 bits are what
//! `ldmatrix` loads. A tf32 is half a row of those too, but none that could be transposed, so it is loaded by itself where the
//! depth is not inside.

mod layout;

use super::operand::{Inner, Source};
use super::output::{self, Band, Place, Target};
use super::{Inputs, Matmul, Unfit, bytes_after, unfit};
use crate::program::Element;
use crate::text::{Function, Value};
use layout::{at_chunk, change, load_matrices, place, row_bytes};

/// Rows, or pairs of columns' halves, that a fragment has of a result.
const UNIT: i64 = 16;

/// Bytes of an operand along the depth that a product takes.
const DEPTH_BYTES: i64 = 32;

/// Sums between two rows in shared memory, on the way out, so that eight rows do not meet in banks.
const PAD: i64 = 8;

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
    /// Steps in shared memory.
    pub stages: i64,
}

impl Tile {
    /// For large results: 4 warps of 64 by 64.
    pub const LARGE: Self = Self {
        rows: 128,
        columns: 128,
        depth: 32,
        warps: [2, 2],
        stages: 3,
    };

    /// The same for f32, rounded to tf32.
    pub const LARGE_TF32: Self = Self {
        depth: 16,
        ..Self::LARGE
    };

    /// For results of which there would be too few large tiles: 4 warps of 32 by 32.
    pub const MIDDLE: Self = Self {
        rows: 64,
        columns: 64,
        stages: 4,
        ..Self::LARGE
    };

    /// The same for f32, rounded to tf32.
    pub const MIDDLE_TF32: Self = Self {
        depth: 16,
        ..Self::MIDDLE
    };

    pub(super) fn threads(&self) -> i64 {
        32 * self.warps[0] * self.warps[1]
    }

    /// Blocks that a multiprocessor runs together with so many registers as the program needs.
    pub(super) fn resident(&self) -> i64 {
        let registers = match self.rows * self.columns / self.threads() {
            0..=32 => 168,
            _ => 255,
        };
        (super::REGISTERS / registers / self.threads()).max(1)
    }

    /// Bytes of a step.
    fn stage(&self, element: Element) -> i64 {
        (self.rows + self.columns) * self.depth * element.bytes()
    }

    pub(super) fn shared(&self, matmul: &Matmul) -> i64 {
        let band = self.warps[0] * UNIT * (self.columns + PAD) * matmul.sum.bytes();
        band.max(self.stages * self.stage(matmul.a.element))
    }

    pub(super) fn check(&self, matmul: &Matmul) -> Result<(), Unfit> {
        let element = matmul.a.element;
        let has_core = matches!(element, Element::F16 | Element::Bf16 | Element::F32);
        if !has_core || matmul.b.element != element || matmul.sum != Element::F32 {
            return unfit(format!(
                "tensor cores do not multiply {element:?} by {:?} with sums in {:?}",
                matmul.b.element, matmul.sum
            ));
        }
        let step = self.depth * element.bytes();
        let band_rows = self.warps[0] * UNIT;
        let fits = self.rows % band_rows == 0
            && self.columns % (self.warps[1] * UNIT) == 0
            && self.warps.iter().all(|warps| matches!(warps, 1 | 2 | 4))
            && matches!(step, 32 | 64 | 128)
            && self.stages >= 2
            && [self.rows, self.columns]
                .iter()
                .all(|free| free.count_ones() == 1 && *free >= 32)
            && matmul.operands().iter().all(|operand| operand.is_even())
            && output::is_even(band_rows, self.columns, self.threads());
        match fits {
            true => Ok(()),
            false => unfit(format!("{self:?} does not fit {element:?}")),
        }
    }

    pub(super) fn body(
        &self,
        f: &mut Function,
        matmul: &Matmul,
        inputs: &Inputs,
        (place, target): &(Place, Target),
    ) {
        let steps = Steps::new(f, self, inputs);
        let zero = f.i32(0);
        let one = f.i32(1);
        let ahead = f.i32(self.stages - 1);
        f.each([&zero, &ahead, &one], &[], |f, step, _| {
            let to = f.with("arith.muli", step, steps.stage);
            steps.begin(f, step, &to);
            vec![]
        });
        steps.wait(f);
        let fragments = steps.fragments(f, &zero, 0);
        let none = f.float("0.0", "f32");
        let count = inputs.steps(f);
        let sums = (self.rows * self.columns / self.threads()) as usize;
        // The stages that are read and filled, fragments, sums.
        let mut carried = vec![zero.clone(), f.i32((self.stages - 1) * steps.stage)];
        carried.extend(fragments.flat());
        let first_sum = carried.len();
        carried.extend(vec![none; sums]);
        let results = f.each([&zero, &count, &one], &carried, |f, step, carried| {
            let read = carried[0].clone();
            let fill = carried[1].clone();
            let ahead = f.with("arith.addi", step, self.stages - 1);
            steps.begin(f, &ahead, &fill);
            let next_read = steps.next(f, &read);
            let next_fill = steps.next(f, &fill);
            let mut fragments = Fragments::of(&carried[2..first_sum], steps.left_count());
            let mut sums = carried[first_sum..].to_vec();
            for part in 1..=steps.parts() {
                let next = match part == steps.parts() {
                    true => {
                        steps.wait(f);
                        steps.fragments(f, &next_read, 0)
                    }
                    false => steps.fragments(f, &read, part),
                };
                steps.add_products(f, &fragments, &mut sums);
                fragments = next;
            }
            let mut carried = vec![next_read, next_fill];
            carried.extend(fragments.flat());
            carried.extend(sums);
            carried
        });
        // What is still under way are zeros, which must not land on sums.
        f.line("nvvm.cp.async.wait.group 0");
        f.barrier();
        let band = Band {
            shared: inputs.shared.clone(),
            rows: self.warps[0] * UNIT,
            columns: self.columns,
            pitch: self.columns + PAD,
            sum: matmul.sum,
            threads: self.threads(),
        };
        steps.give(f, &band, &results[first_sum..], (place, target));
    }
}

/// Registers of operands for one product in depth.
struct Fragments {
    /// 4 for each 16 rows.
    left: Vec<Value>,
    /// 4 for each 16 columns: 2 for the first 8, 2 for the others.
    right: Vec<Value>,
}

impl Fragments {
    fn of(values: &[Value], left: usize) -> Self {
        Self {
            left: values[..left].to_vec(),
            right: values[left..].to_vec(),
        }
    }

    fn flat(&self) -> Vec<Value> {
        [self.left.clone(), self.right.clone()].concat()
    }
}

/// Which operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// What the steps of the sum need.
struct Steps<'a> {
    tile: &'a Tile,
    inputs: &'a Inputs,
    /// Bytes of a step.
    stage: i64,
    /// Whether an operand is copied by `cp.async`.
    copies: [Value; 2],
    /// Number of the warp along rows and columns, and of the lane.
    warps: [Value; 2],
    lane: Value,
    /// Where this lane's parts of fragments are in an operand.
    spots: [Vec<Spot>; 2],
}

/// Where a lane finds its part of fragments: at bytes that differ for what is along the neighbours in memory.
struct Spot {
    bytes: Value,
}

impl<'a> Steps<'a> {
    fn new(f: &mut Function, tile: &'a Tile, inputs: &'a Inputs) -> Self {
        let thread = f.thread();
        let warp = f.with("arith.divui", &thread, 32);
        let lane = f.with("arith.remui", &thread, 32);
        let warps = ["arith.divui", "arith.remui"].map(|op| f.with(op, &warp, tile.warps[1]));
        let copies = [&inputs.a, &inputs.b].map(|source| source.is_aligned(f, 16));
        let mut steps = Self {
            tile,
            inputs,
            stage: tile.stage(inputs.a.operand.element),
            copies,
            warps,
            lane,
            spots: [vec![], vec![]],
        };
        steps.spots = [Side::Left, Side::Right].map(|side| steps.spots(f, side));
        steps
    }

    fn source(&self, side: Side) -> &Source {
        match side {
            Side::Left => &self.inputs.a,
            Side::Right => &self.inputs.b,
        }
    }

    /// Products in depth of a step.
    fn parts(&self) -> i64 {
        self.tile.depth * self.element().bytes() / DEPTH_BYTES
    }

    fn element(&self) -> Element {
        self.inputs.a.operand.element
    }

    /// Units of 16 rows or columns of a warp.
    fn units(&self, side: Side) -> i64 {
        self.source(side).operand.free / UNIT / self.tile.warps[side as usize]
    }

    fn left_count(&self) -> usize {
        4 * self.units(Side::Left) as usize
    }

    /// The stage behind another.
    fn next(&self, f: &mut Function, stage: &Value) -> Value {
        let next = f.with("arith.addi", stage, self.stage);
        let end = f.i32(self.stage * self.tile.stages);
        let is_end = f.cmp("eq", &next, &end);
        let zero = f.i32(0);
        f.select(&is_end, &zero, &next)
    }

    /// Where an operand begins in a stage, in bytes.
    fn before(&self, side: Side) -> i64 {
        match side {
            Side::Left => 0,
            Side::Right => self.tile.rows * self.tile.depth * self.element().bytes(),
        }
    }

    /// Begins to fill a stage with a step, which may be none, as one group of copies.
    fn begin(&self, f: &mut Function, step: &Value, stage: &Value) {
        for side in [Side::Left, Side::Right] {
            let source = self.source(side);
            let operand = source.operand;
            let window = source.window(f, step, &self.inputs.depth);
            let base = f.with("arith.addi", stage, self.before(side));
            let base = bytes_after(f, &self.inputs.shared, &base);
            f.choose(
                &self.copies[side as usize],
                &[],
                |f| {
                    let mut places = vec![];
                    for number in 0..operand.count() {
                        let row = source.row(f, number);
                        places.push(place(f, &operand, &base, [&row, &source.inner]));
                    }
                    source.copy(f, &window, &places);
                    vec![]
                },
                |f| {
                    source.load_any(f, &window, |f, value, at| {
                        let to = place(f, &operand, &base, at);
                        f.store(value, &to, operand.element.bytes());
                    });
                    vec![]
                },
            );
        }
        f.line("nvvm.cp.async.commit.group");
    }

    /// Waits for the stage that was begun first, of all threads; what was read before may then be overwritten.
    fn wait(&self, f: &mut Function) {
        f.line(&format!(
            "nvvm.cp.async.wait.group {}",
            self.tile.stages - 2
        ));
        f.barrier();
    }

    /// Whether fragments of an operand come by `ldmatrix`.
    fn has_matrices(&self, side: Side) -> bool {
        self.element().bytes() == 2 || self.source(side).operand.inner == Inner::Depth
    }

    /// From one unit of a warp to its next, in rows or columns.
    fn stride(&self, side: Side) -> i64 {
        UNIT * self.tile.warps[side as usize]
    }

    /// A bit of the lane, or of its matrix: whether it is in the second half of a unit, and of the depth.
    fn halves(&self, f: &mut Function, side: Side) -> [Value; 2] {
        let matrix = f.with("arith.divui", &self.lane, 8);
        let low = f.with("arith.remui", &matrix, 2);
        let high = f.with("arith.divui", &matrix, 2);
        match side {
            Side::Left => [low, high],
            Side::Right => [high, low],
        }
    }

    /// Places of fragments in an operand that differ by more than a number of bytes.
    fn spots(&self, f: &mut Function, side: Side) -> Vec<Spot> {
        let operand = self.source(side).operand;
        let warp = f.with("arith.muli", &self.warps[side as usize], UNIT);
        match (self.has_matrices(side), operand.inner) {
            (true, Inner::Depth) => {
                let [unit_half, depth_half] = self.halves(f, side);
                let within = f.with("arith.remui", &self.lane, 8);
                let half = f.with("arith.muli", &unit_half, 8);
                let row = f.add(&warp, &half);
                let row = f.add(&row, &within);
                let change = change(f, &operand, &row);
                let start = f.with("arith.muli", &row, row_bytes(&operand));
                let parts = 0..self.parts();
                parts
                    .map(|part| {
                        let chunk = f.with("arith.addi", &depth_half, 2 * part);
                        Spot {
                            bytes: at_chunk(f, &start, [&chunk, &change]),
                        }
                    })
                    .collect()
            }
            (true, Inner::Free) => {
                let [unit_half, depth_half] = self.halves(f, side);
                let within = f.with("arith.remui", &self.lane, 8);
                let half = f.with("arith.muli", &depth_half, 8);
                let row = f.add(&half, &within);
                let change = change(f, &operand, &row);
                let start = f.with("arith.muli", &row, row_bytes(&operand));
                let first = f.with("arith.divui", &warp, 8);
                let first = f.add(&first, &unit_half);
                let units = 0..self.units(side).min(self.period(side));
                units
                    .map(|unit| {
                        let chunk = f.with("arith.addi", &first, unit * self.stride(side) / 8);
                        Spot {
                            bytes: at_chunk(f, &start, [&chunk, &change]),
                        }
                    })
                    .collect()
            }
            (false, _) => {
                let row = f.with("arith.remui", &self.lane, 4);
                let within = f.with("arith.divui", &self.lane, 4);
                let change = f.with("arith.muli", &row, 8);
                let start = f.with("arith.muli", &row, operand.free);
                let first = f.add(&warp, &within);
                let halves = 0..2 * self.units(side).min(self.period(side));
                halves
                    .map(|half| {
                        let offset = half / 2 * self.stride(side) + half % 2 * 8;
                        let column = f.with("arith.addi", &first, offset);
                        let column = f.xor(&column, &change);
                        let index = f.add(&start, &column);
                        Spot {
                            bytes: f.with("arith.muli", &index, 4),
                        }
                    })
                    .collect()
            }
        }
    }

    /// Units of a warp after which changes of places repeat, where they differ between units: after 128 bytes.
    fn period(&self, side: Side) -> i64 {
        (128 / self.element().bytes() / self.stride(side)).max(1)
    }

    /// Loads what a warp needs for a product in depth, a part of a stage.
    fn fragments(&self, f: &mut Function, stage: &Value, part: i64) -> Fragments {
        let [left, right] = [Side::Left, Side::Right].map(|side| {
            let units = 0..self.units(side);
            let registers = units.flat_map(|unit| self.fragment(f, (side, unit), stage, part));
            registers.collect::<Vec<_>>()
        });
        Fragments { left, right }
    }

    /// The registers of a unit: of the depth's first half for both halves of the unit, then of its second half, if it is the left
    /// operand; the other way round if it is the right one.
    fn fragment(
        &self,
        f: &mut Function,
        (side, unit): (Side, i64),
        stage: &Value,
        part: i64,
    ) -> Vec<Value> {
        let operand = self.source(side).operand;
        let spots = &self.spots[side as usize];
        let row = row_bytes(&operand);
        let before = self.before(side);
        let period = self.period(side);
        let beyond = unit / period * period * self.stride(side) * operand.element.bytes();
        let depth = part * DEPTH_BYTES / operand.element.bytes();
        let place = |f: &mut Function, spot: &Spot, more: i64| {
            let bytes = f.add(stage, &spot.bytes);
            let bytes = f.with("arith.addi", &bytes, before + more);
            bytes_after(f, &self.inputs.shared, &bytes)
        };
        let registers = match (self.has_matrices(side), operand.inner) {
            (true, Inner::Depth) => {
                let from = place(f, &spots[part as usize], unit * self.stride(side) * row);
                load_matrices(f, &from, "row")
            }
            (true, Inner::Free) => {
                let spot = &spots[(unit % period) as usize];
                let from = place(f, spot, depth * row + beyond);
                load_matrices(f, &from, "col")
            }
            (false, _) => (0..4)
                .map(|register| {
                    let [half, deep] = match side {
                        Side::Left => [register % 2, register / 2],
                        Side::Right => [register / 2, register % 2],
                    };
                    let spot = &spots[(unit % period * 2 + half) as usize];
                    let from = place(f, spot, (depth + 4 * deep) * row + beyond);
                    f.load(&from, "i32", 4)
                })
                .collect(),
        };
        match self.element() {
            Element::F32 => registers
                .iter()
                .map(|register| {
                    let value = f.cast("arith.bitcast", register, "f32");
                    f.op(
                        &format!(
                            "nvvm.convert.float.to.tf32 {value} {{rnd = #nvvm.fp_rnd_mode<rna>}}"
                        ),
                        "i32",
                    )
                })
                .collect(),
            Element::F16 => registers
                .iter()
                .map(|register| f.cast("llvm.bitcast", register, "vector<2xf16>"))
                .collect(),
            _ => registers,
        }
    }

    /// Adds products of fragments to the sums: 4 for each 16 rows and 8 columns, rows first.
    fn add_products(&self, f: &mut Function, fragments: &Fragments, sums: &mut [Value]) {
        let (name, depth) = match self.element() {
            Element::F16 => ("f16", 16),
            Element::Bf16 => ("bf16", 16),
            _ => ("tf32", 8),
        };
        let register = fragments.left[0].ty().to_string();
        let result = "!llvm.struct<(f32, f32, f32, f32)>";
        let lefts = fragments.left.chunks_exact(4);
        let rights = fragments.right.chunks_exact(2);
        let pairs = lefts.flat_map(|left| rights.clone().map(move |right| (left, right)));
        for (sums, (left, right)) in sums.chunks_exact_mut(4).zip(pairs) {
            let [a, b, c] = [left, right, sums].map(|values| {
                let names: Vec<_> = values.iter().map(|value| value.to_string()).collect();
                names.join(", ")
            });
            let product = f.op(
                &format!(
                    "nvvm.mma.sync A[{a}] B[{b}] C[{c}] {{layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, \
                     multiplicandAPtxType = #nvvm.mma_type<{name}>, multiplicandBPtxType = #nvvm.mma_type<{name}>, \
                     shape = #nvvm.shape<m = 16, n = 8, k = {depth}>}} : ({register}, {register}, f32) -> {result}"
                ),
                result,
            );
            for (sum, at) in sums.iter_mut().zip(0..) {
                *sum = f.op(
                    &format!("llvm.extractvalue {product}[{at}] : {result}"),
                    "f32",
                );
            }
        }
    }

    /// Gives the sums of all warps to where results go.
    fn give(
        &self,
        f: &mut Function,
        band: &Band,
        sums: &[Value],
        (place, target): (&Place, &Target),
    ) {
        let group = f.with("arith.divui", &self.lane, 4);
        let pair = f.with("arith.remui", &self.lane, 4);
        let pair = f.with("arith.muli", &pair, 2);
        let row = f.with("arith.muli", &self.warps[0], UNIT);
        let row = f.add(&row, &group);
        let low_row = f.with("arith.addi", &row, 8);
        let column = f.with("arith.muli", &self.warps[1], UNIT);
        let column = f.add(&column, &pair);
        let in_band = sums.len() / self.units(Side::Left) as usize;
        for (number, sums) in sums.chunks_exact(in_band).enumerate() {
            for (at, sums) in sums.chunks_exact(4).enumerate() {
                let at = at as i64;
                let first = at / 2 * self.stride(Side::Right) + at % 2 * 8;
                let column = f.with("arith.addi", &column, first);
                band.put(f, [&row, &column], &sums[..2]);
                band.put(f, [&low_row, &column], &sums[2..]);
            }
            f.barrier();
            band.give(f, number as i64 * band.rows, place, target);
            f.barrier();
        }
    }
}
