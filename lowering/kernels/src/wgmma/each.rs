//! Results one by one: a warp puts some columns of its rows into shared memory and goes through them row by row, so that its
//! threads are at neighbouring columns, and what is done with an element stands in a loop.

use super::results::Sums;
use super::tile::Corner;
use super::{Block, Function, GROUP, Value, byte};

/// Rows of a warp, and the columns that it puts into shared memory at once.
const ROWS: i64 = 16;
const COLUMNS: i64 = 32;
/// Bytes from a row to the next: with 8 numbers more than there are, pairs in four rows are in different banks.
const PITCH: i64 = (COLUMNS + 8) * 4;

/// Bytes for the rows of all warps of so many warpgroups.
pub(super) fn bytes(groups: i64) -> i64 {
    groups * GROUP / 32 * ROWS * PITCH
}

/// Does something with each sum that is inside, and its place: the matrix, row and column, in 64 bits.
pub(super) fn emit(
    f: &mut Function,
    block: &Block,
    (corner, [m, n]): (&Corner, &[Value; 2]),
    sums: &Sums,
    body: impl Fn(&mut Function, &Value, [&Value; 3]),
) {
    let of_group = f.with("arith.muli", &block.group, GROUP / 32);
    let warp = f.with("arith.divui", &block.lane, 32);
    let warp = f.add(&of_group, &warp);
    let lane = f.with("arith.remui", &block.lane, 32);
    let base = f.with("arith.muli", &warp, ROWS * PITCH);
    let base = f.with("arith.addi", &base, block.program.staging());
    let [to, from] = [true, false].map(|is_written| {
        let (row, number) = match is_written {
            true => {
                let row = f.with("arith.divui", &lane, 4);
                let pair = f.with("arith.remui", &lane, 4);
                (
                    f.with("arith.muli", &row, PITCH),
                    f.with("arith.muli", &pair, 2),
                )
            }
            false => (f.i32(0), lane.clone()),
        };
        let number = f.with("arith.muli", &number, 4);
        let place = f.add(&base, &row);
        let place = f.add(&place, &number);
        byte(f, &block.shared, &place)
    });
    let of_warp = f.with("arith.muli", &warp, ROWS);
    let row = f.add(&corner.row, &of_warp);
    let row = f.cast("arith.extui", &row, "i64");
    let rows = f.int(ROWS, "i64");
    let left = f.sub(m, &row);
    let rows = f.min(&left, &rows);
    let column = f.add(&corner.column, &lane);
    let column = f.cast("arith.extui", &column, "i64");
    let batch = f.cast("arith.extui", &corner.batch, "i64");
    for part in 0..block.program.tile.columns / COLUMNS {
        for (eight, half) in (0..COLUMNS / 8).flat_map(|eight| [(eight, 0), (eight, 1)]) {
            let [low, high] = sums.pair(f, part * COLUMNS / 8 + eight, half);
            let pair = f.op(
                &format!("vector.from_elements {low}, {high} : vector<2xf32>"),
                "vector<2xf32>",
            );
            let place = f.i32(half * 8 * PITCH + eight * 32);
            let place = byte(f, &to, &place);
            f.store(&pair, &place, 8);
        }
        together(f);
        let column = f.with("arith.addi", &column, part * COLUMNS);
        let is_inside = f.cmp("slt", &column, n);
        f.when(&is_inside, |f| {
            let (low, step) = (f.int(0, "i64"), f.int(1, "i64"));
            f.each([&low, &rows, &step], &[], |f, at, _| {
                let row = f.add(&row, at);
                let place = f.with("arith.muli", at, PITCH);
                let place = byte(f, &from, &place);
                let sum = f.load(&place, "f32", 4);
                body(f, &sum, [&batch, &row, &column]);
                vec![]
            });
        });
        // What was read may be written again, and all threads of the warp are there for its next products.
        together(f);
    }
}

/// Waits for the threads of the warp.
fn together(f: &mut Function) {
    let all = f.i32(-1);
    f.line(&format!("nvvm.bar.warp.sync {all} : i32"));
}
