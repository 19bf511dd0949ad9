//! Products of f32 by multiply-add, with results where those of `mma.sync` would be, so that all else is the same.
//!
//! A lane has the rows `g` and `g + 8` and the columns `2t` and `2t + 1` of each fragment of 16 by 8, where `g` and `t` are the lane's
//! number divided by 4 and what is left. Numbers come from shared memory four at a time; weights go through it, as other lanes need them.

use super::KEYS;
use super::matrix::{Tile, offset};
use super::product::Fragments;
use super::scores::Lanes;
use super::warp::{self, fma};
use crate::text::{Function, Value};

/// A chunk of four numbers.
const FOUR: &str = "vector<4xf32>";

/// Bytes of shared memory for the weights of so many rows.
pub(super) fn weight_bytes(rows: i64) -> i64 {
    weights(rows).bytes()
}

fn weights(rows: i64) -> Tile {
    Tile {
        rows,
        columns: 2 * KEYS,
    }
}

/// What lanes multiply: so many fragments of 16 rows a warp.
#[derive(Clone, Debug)]
pub(super) struct Simt {
    pub fragments: i64,
    /// The lane's first row in the tile of its block, and its first column, `i32`.
    row: Value,
    column: Value,
    /// Where weights are.
    weights: Value,
}

impl Simt {
    /// With room for weights at a place in shared memory.
    pub fn new(f: &mut Function, lanes: &Lanes, fragments: i64, weights: Value) -> Self {
        let lane = warp::lane(f);
        let row = f.with("arith.shrui", &lane, 2);
        Self {
            fragments,
            row: f.add(&lanes.warp_offset, &row),
            column: lanes.column.clone(),
            weights,
        }
    }

    /// Products of the warp's rows of a tile with all of another.
    pub fn of_rows(
        &self,
        f: &mut Function,
        (left, left_place): (Tile, &Value),
        (right, right_place): (Tile, &Value),
    ) -> Vec<Fragments> {
        let count = KEYS / 8;
        let zero = f.float("0.0", "f32");
        let initial = vec![zero; (4 * count * self.fragments) as usize];
        let [low, one] = [0, 1].map(|value| f.i32(value));
        let chunks = f.i32(left.chunks());
        let odd = f.with("arith.addi", &self.column, 1);
        let sums = f.each([&low, &chunks, &one], &initial, |f, chunk, sums| {
            let row = left.chunk(f, left_place, &self.row, chunk);
            let lefts: Vec<_> = (0..2 * self.fragments)
                .map(|at| numbers(f, &row, 8 * at * left.pitch()))
                .collect();
            let columns = [&self.column, &odd];
            let columns = columns.map(|column| right.chunk(f, right_place, column, chunk));
            let mut sums = sums.to_vec();
            for at in 0..count {
                let columns = columns.each_ref();
                let rights = columns.map(|column| numbers(f, column, 8 * at * right.pitch()));
                for (fragment, lefts) in lefts.chunks(2).enumerate() {
                    for element in 0..4 {
                        let sum =
                            &mut sums[4 * (count as usize * fragment + at as usize) + element];
                        for (left, right) in lefts[element / 2].iter().zip(&rights[element % 2]) {
                            *sum = fma(f, left, right, sum);
                        }
                    }
                }
            }
            sums
        });
        let sums: Fragments = sums.chunks(4).map(<[Value]>::to_vec).collect();
        sums.chunks(count as usize).map(<[_]>::to_vec).collect()
    }

    /// Adds rows of a tile by the weights of fragments. The block must wait for all before the next weights.
    pub fn of_weights(
        &self,
        f: &mut Function,
        fragments: &[Fragments],
        (right, right_place): (Tile, &Value),
        sums: &mut [&mut Fragments],
    ) {
        let tile = weights(64 * self.fragments);
        self.put(f, tile, fragments);
        let width = sums.first().map_or(0, |sums| sums.len());
        let flat: Vec<_> = sums.iter().flat_map(|sums| sums.concat()).collect();
        let [low, one] = [0, 1].map(|value| f.i32(value));
        let chunks = f.i32(KEYS / 4);
        let half = f.with("arith.divui", &self.column, 4);
        let rest = f.with("arith.remui", &self.column, 4);
        let rest = f.with("arith.muli", &rest, 4);
        let last = f.each([&low, &chunks, &one], &flat, |f, chunk, carried| {
            let place = tile.chunk(f, &self.weights, &self.row, chunk);
            let weights: Vec<_> = (0..2 * self.fragments)
                .map(|at| numbers(f, &place, 8 * at * tile.pitch()))
                .collect();
            let mut carried = carried.to_vec();
            for key in 0..4 {
                let row = f.with("arith.muli", chunk, 4);
                let row = f.with("arith.addi", &row, key as i64);
                for at in 0..width {
                    let column = f.with("arith.addi", &half, 2 * at as i64);
                    let place = right.chunk(f, right_place, &row, &column);
                    let place = f.place(&place, "i8", &rest);
                    let pair = f.load(&place, "vector<2xf32>", 8);
                    let pair = elements(f, &pair, 2);
                    for (fragment, weights) in weights.chunks(2).enumerate() {
                        for element in 0..4 {
                            let sum = &mut carried[4 * (width * fragment + at) + element];
                            let weight = &weights[element / 2][key];
                            *sum = fma(f, weight, &pair[element % 2], sum);
                        }
                    }
                }
            }
            carried
        });
        for (sums, last) in sums.iter_mut().zip(last.chunks(4 * width.max(1))) {
            **sums = last.chunks(4).map(<[Value]>::to_vec).collect();
        }
    }

    /// Stores weights for the warp.
    fn put(&self, f: &mut Function, tile: Tile, fragments: &[Fragments]) {
        let half = f.with("arith.divui", &self.column, 4);
        let rest = f.with("arith.remui", &self.column, 4);
        let rest = f.with("arith.muli", &rest, 4);
        for (fragment, weights) in (0..).zip(fragments) {
            for (at, four) in (0..).zip(weights) {
                let column = f.with("arith.addi", &half, 2 * at);
                let place = tile.chunk(f, &self.weights, &self.row, &column);
                let place = f.place(&place, "i8", &rest);
                for (element, weight) in (0..).zip(four) {
                    let further = (16 * fragment + 8 * (element / 2)) * tile.pitch();
                    let place = offset(f, &place, further + 4 * (element % 2));
                    f.store(weight, &place, 4);
                }
            }
        }
        warp::together(f);
    }
}

/// Four numbers so many bytes after a place.
fn numbers(f: &mut Function, place: &Value, bytes: i64) -> Vec<Value> {
    let place = offset(f, place, bytes);
    let four = f.load(&place, FOUR, 16);
    elements(f, &four, 4)
}

fn elements(f: &mut Function, vector: &Value, count: i64) -> Vec<Value> {
    let elements = (0..count).map(|at| {
        let at = f.i32(at);
        let ty = vector.ty();
        f.op(
            &format!("llvm.extractelement {vector}[{at} : i32] : {ty}"),
            "f32",
        )
    });
    elements.collect()
}
