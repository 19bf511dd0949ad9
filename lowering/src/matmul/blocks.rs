//! The blocks of K and of N in which a product goes, and the rows of A against one of them.

use super::{
    dot::Dot,
    gather,
    kernel::{Arguments, Kernel, RowsOfA, Shape, Tile},
    pack,
};
use crate::{
    emit::{Emitter, Int},
    schedule::MatmulSchedule,
};
use melior::ir::Value;

/// A block of B and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct BlockOfB<'c, 'a> {
    /// First k.
    pub pc: Value<'c, 'a>,
    /// Steps of k.
    pub kb: Value<'c, 'a>,
    /// First column.
    pub jc: Value<'c, 'a>,
    /// Columns.
    pub nb: Value<'c, 'a>,
}

/// Memory on the stack.
pub(super) struct Scratch<'c, 'a> {
    /// Rows of A.
    sliver: Value<'c, 'a>,
    /// A tile of C at the edge.
    tile: Value<'c, 'a>,
    /// Where the rows and columns of a scattered B are.
    pub places: Option<gather::Tables<'c, 'a>>,
}

impl<'c, 'a> BlockOfB<'c, 'a> {
    /// Goes through the blocks of a B of `k` steps and `n` columns: those of one part of the sums stand together.
    pub fn each(
        e: &Emitter<'c, 'a>,
        schedule: &MatmulSchedule,
        (k, n): (Value<'c, 'a>, Value<'c, 'a>),
        body: &dyn Fn(&Emitter<'c, 'a>, &Self),
    ) {
        let (kc, nc) = (schedule.kc, schedule.nc);
        // As few blocks of K as possible, of about the same length, in whole cache lines.
        let blocks = e.ceil_div(k, kc);
        let even = e.div(
            e.sub(e.add(k, blocks), e.index(1)),
            e.max(blocks, e.index(1)),
        );
        let even = e.mul(e.ceil_div(even, 16), e.index(16));
        let step = e.max(e.min(even, e.index(kc)), e.index(1));
        e.for_loop((e.index(0), k, step), &[], |e, pc, _| {
            let kb = e.min(e.sub(k, pc), step);
            e.loop_to(n, nc, |e, jc| {
                let nb = e.min(e.sub(n, jc), e.index(nc));
                body(e, &Self { pc, kb, jc, nb });
            });
            vec![]
        });
    }

    /// Slivers, the last perhaps not full.
    pub fn slivers(&self, e: &Emitter<'c, 'a>, schedule: &MatmulSchedule) -> Value<'c, 'a> {
        e.ceil_div(self.nb, schedule.columns())
    }
}

impl Kernel {
    /// Steps of the sums of `depth` numbers: as many where steps are not words.
    pub fn steps<'c, 'a>(&self, e: &Emitter<'c, 'a>, depth: Value<'c, 'a>) -> Value<'c, 'a> {
        self.dot.map_or(depth, |dot| e.ceil_div(depth, dot.group()))
    }
}

impl<'c> Shape<'c> {
    fn scratch<'a>(&self, e: &Emitter<'c, 'a>, x: &Arguments<'c, 'a>) -> Scratch<'c, 'a> {
        let schedule = self.schedule();
        Scratch {
            sliver: e.stack(&pack::sliver_type(&self.kernel)),
            tile: e.stack(&format!(
                "memref<{}x{}x{}>",
                schedule.rows,
                schedule.columns(),
                self.kernel.numbers.sum.ty()
            )),
            places: x.axes.map(|_| gather::Tables::new(self, e)),
        }
    }

    /// A product, block by block.
    pub fn blocks<'a>(&self, e: &Emitter<'c, 'a>, x: &Arguments<'c, 'a>) {
        let scratch = self.scratch(e, x);
        BlockOfB::each(e, self.schedule(), (x.k, x.n), &|e, block| {
            let later = e.cmp(Int::Ne, block.pc, e.index(0));
            let x = Arguments {
                accumulate: e.op("arith.ori", &[later, x.accumulate], e.int_type(1)),
                ..*x
            };
            match &scratch.places {
                Some(places) => gather::block(self, e, &x, block, places, None),
                None => pack::block(self, e, &x, block),
            }
            self.note(e, &x, block);
            self.rows(e, &x, block, &scratch, (e.index(0), x.m));
        });
    }

    /// Some rows of a product and one block of B, which the first rows pack.
    pub fn band<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        (from, count): (Value<'c, 'a>, Value<'c, 'a>),
    ) {
        let scratch = self.scratch(e, x);
        let first = e.cmp(Int::Eq, from, e.index(0));
        if let Some(places) = &scratch.places {
            gather::block(self, e, x, block, places, Some(first));
        }
        e.if_then(first, |e| {
            if scratch.places.is_none() {
                pack::block(self, e, x, block);
            }
            self.note(e, x, block);
        });
        self.rows(e, x, block, &scratch, (from, e.add(from, count)));
    }

    /// Slivers of some rows against one block of B: tall ones, then short ones for those that remain.
    fn rows<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
        (from, to): (Value<'c, 'a>, Value<'c, 'a>),
    ) {
        let (tall, short) = (self.schedule().rows, self.schedule().short_rows);
        let height = e.index(tall);
        let end = e.add(from, e.mul(e.div(e.sub(to, from), height), height));
        let bands = [(from, end, tall), (end, to, short)];
        for (from, to, height) in bands {
            e.for_loop((from, to, e.index(height)), &[], |e, i, _| {
                self.row_sliver(e, x, block, scratch, i, height);
                vec![]
            });
        }
    }

    /// One sliver of rows against one block of B.
    fn row_sliver<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        block: &BlockOfB<'c, 'a>,
        scratch: &Scratch<'c, 'a>,
        i: Value<'c, 'a>,
        height: i64,
    ) {
        let sliver = scratch.sliver;
        let a = match self.kernel.a_in_place() {
            true => RowsOfA::InPlace(x.a.memref, pack::rows_from(e, x, i, height), block.pc),
            false => {
                pack::rows(self, e, x, block, sliver, i, height);
                RowsOfA::Sliver(sliver)
            }
        };
        let large = (self.kernel.dot == Some(Dot::Bfloats))
            .then(|| self.is_large_sliver(e, block, sliver, height));
        let columns = self.schedule().columns();
        let rows = e.sub(x.m, i);
        e.loop_to(block.slivers(e, self.schedule()), 1, |e, s| {
            let j = e.add(block.jc, e.mul(s, e.index(columns)));
            let left = e.sub(x.n, j);
            let tile = Tile {
                a: a.clone(),
                i,
                s,
                j,
                height,
            };
            let direct = match (&scratch.places, self.kernel.layout.b_by_n) {
                (Some(places), _) => Some(places.in_place(e, s)),
                (None, true) => None,
                (None, false) if self.kernel.dot.is_some() => None,
                (None, false) => {
                    let full = e.cmp(Int::Sge, left, e.index(columns));
                    Some(e.op("arith.andi", &[x.in_place, full], e.int_type(1)))
                }
            };
            let packed = |e: &Emitter<'c, 'a>| match large {
                Some(large) => self.bfloats_loop(e, x, block, &tile, large),
                None => self.packed_loop(e, x, block, &tile),
            };
            let accumulators = match direct {
                None => packed(e),
                Some(direct) => {
                    let types = vec![self.vector; (height * self.schedule().across) as usize];
                    let in_place = |e: &Emitter<'c, 'a>| {
                        self.direct_loop(e, x, block, &tile, scratch.places.as_ref())
                    };
                    e.if_else(direct, &types, in_place, packed)
                }
            };
            self.write(e, x, &tile, &accumulators, scratch.tile, (rows, left));
        });
    }
}
