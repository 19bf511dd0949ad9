//! Results that go through a function of the caller before they are stored by tiles.

use super::results::Call;
use super::staged::Spot;
use super::tile::Corner;
use super::{Block, Function, Value};

/// A function with the places of a thread's sums. Those outside of C are taken to be at its end, as what is given for them is not
/// stored: so there are no conditions between calls, and what they load is under way at once.
pub(super) struct Through<'a> {
    call: &'a Call,
    batch: Value,
    /// The two rows of the thread.
    rows: [Value; 2],
    /// Its first column, and the last one of C, in 32 bits.
    column: Value,
    last: Value,
}

impl<'a> Through<'a> {
    pub fn new(
        f: &mut Function,
        call: &'a Call,
        block: &Block,
        (corner, sizes): (&Corner, &[Value; 2]),
    ) -> Self {
        let [last_row, last] = sizes.each_ref().map(|size| {
            let last = f.with("arith.subi", size, 1);
            f.cast("arith.trunci", &last, "i32")
        });
        let of_group = f.with("arith.muli", &block.group, 64);
        let warp = f.with("arith.divui", &block.lane, 32);
        let of_warp = f.with("arith.muli", &warp, 16);
        let lane = f.with("arith.remui", &block.lane, 32);
        let of_lane = f.with("arith.divui", &lane, 4);
        let row = f.add(&corner.row, &of_group);
        let row = f.add(&row, &of_warp);
        let row = f.add(&row, &of_lane);
        let rows = [0, 8].map(|by| {
            let row = f.with("arith.addi", &row, by);
            let row = f.min(&row, &last_row);
            f.cast("arith.extui", &row, "i64")
        });
        let column = f.with("arith.remui", &lane, 4);
        let column = f.with("arith.muli", &column, 2);
        Self {
            call,
            batch: f.cast("arith.extui", &corner.batch, "i64"),
            rows,
            column: f.add(&corner.column, &column),
            last,
        }
    }

    /// What the function gives for a sum.
    pub fn value(&self, f: &mut Function, sum: &Value, spot: &Spot) -> Value {
        let column = f.with("arith.addi", &self.column, spot.columns);
        let column = f.min(&column, &self.last);
        let column = f.cast("arith.extui", &column, "i64");
        let place = [&self.batch, &self.rows[spot.half], &column];
        let value = self.call.emit(f, sum, place, Some("f32"));
        value.expect("a call of a function with a result gives it")
    }
}
