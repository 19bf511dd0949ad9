//! Prefetches of a kernel.

use super::{
    blocks::BlockOfB,
    dot::Dot,
    kernel::{Arguments, RowsOfA, Shape, Tile},
};
use crate::{
    emit::{Emitter, Int, Prefetch},
    schedule::LINE,
};
use melior::ir::Value;

/// Steps of k ahead at which rows that are read in place are prefetched: some lines, as each step takes little time.
const AHEAD_IN_PLACE: i64 = 64;

impl<'c> Shape<'c> {
    /// Brings what stands at a place nearer: to L1 with the locality 3, to L2 with 2.
    pub fn prefetch<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        from: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        locality: i64,
    ) {
        e.prefetch(from, at, Prefetch::Read, locality);
    }

    /// Brings a line of C's tile and of the next sliver of A to L2. One line for each chunk of k: more at once
    /// would hold up the loop.
    pub(super) fn prefetch_next<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        tile: &Tile<'c, 'a>,
        chunk: Value<'c, 'a>,
    ) {
        if let RowsOfA::InPlace(a, rows, pc) = &tile.a {
            // Beyond the last step begin the next rows.
            let ahead = e.plus(chunk, AHEAD_IN_PLACE);
            let beyond = e.cmp(Int::Sge, ahead, block.kb);
            let further = e.select(beyond, e.index(tile.height), e.index(0));
            let k = e.select(beyond, e.sub(ahead, block.kb), ahead);
            let k = e.min(e.add(*pc, k), e.sub(x.depth, e.index(1)));
            let last = e.sub(x.m, e.index(1));
            for row in rows {
                let row = e.min(e.add(*row, further), last);
                self.prefetch(e, *a, &[row, k], 3);
            }
            return;
        }
        let schedule = self.schedule();
        let count = e.div(chunk, e.index(schedule.spread));
        let last = e.sub(x.m, e.index(1));
        let row = e.min(e.add(tile.i, e.min(count, e.index(tile.height - 1))), last);
        for offset in self.offsets() {
            self.prefetch(e, x.c, &[row, e.plus(tile.j, offset)], 2);
        }
        let group = self.kernel.dot.map_or(1, Dot::group);
        let (kc, first_k) = (schedule.kc * group, e.mul(block.pc, e.index(group)));
        if self.kernel.layout.a_by_k {
            // Each column sliver brings its share of the next sliver's k rows.
            let share = kc / schedule.slivers();
            let lines = (share * schedule.spread / schedule.kc).max(1);
            let first = e.add(first_k, e.mul(tile.s, e.index(share)));
            let first = e.add(first, e.mul(count, e.index(lines)));
            let bottom = e.sub(x.depth, e.index(1));
            for line in 0..lines {
                let k = e.min(e.plus(first, line), bottom);
                self.prefetch(e, x.a.memref, &[k, e.plus(tile.i, tile.height)], 2);
            }
        } else {
            let line = LINE * 8 / self.kernel.numbers.a.bits;
            let lines = (kc / line / schedule.slivers()).max(1);
            let row = e.min(e.add(e.plus(tile.i, tile.height), count), last);
            let k = e.add(first_k, e.mul(tile.s, e.index(line * lines)));
            for q in 0..lines {
                self.prefetch(e, x.a.memref, &[row, e.plus(k, line * q)], 2);
            }
        }
    }
}
