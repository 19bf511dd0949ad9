//! Scatters by blocks. A block has some columns and a part of the rows: its threads look at as many ids at once, note in order those of
//! rows of the part, then go through what is noted, each in its column.
//!
//! ```text
//! for some ids at a time
//!   thread t: row = row of id t;  if row mod parts = part: note (t, row) behind what is noted of earlier ids
//!   for each (id, row) noted: the group of threads that has the row does the rounds of the id, a thread a column
//! ```
//! So each element gets its updates from one thread and in the order of the ids: the bits are those of one loop over them.

use super::{barrier, give_to_block, sequence, sequence::Sequence, shared, thread};
use crate::{
    copies::Copies,
    emit::{Emitter, Int},
    schedule::gpu::{SCATTER_BLOCKS, SCATTER_THREADS, WARP},
    tasks,
};
use melior::ir::{Type, Value, ValueLike};

/// A scatter that blocks share.
pub struct Scatter<'x, 'c, 'a> {
    sequence: &'x Sequence<'c, 'a>,
    row: Value<'c, 'a>,
    word: Type<'c>,
}

/// How its work is cut, at run time.
#[derive(Clone, Copy)]
struct Cut<'c, 'a> {
    ids: Value<'c, 'a>,
    columns: Value<'c, 'a>,
    /// Threads side by side in a row: as many as it has columns, and a block threads.
    width: Value<'c, 'a>,
    /// Parts of the rows.
    parts: Value<'c, 'a>,
}

/// What a thread does.
#[derive(Clone, Copy)]
struct Own<'c, 'a> {
    thread: Value<'c, 'a>,
    part: Value<'c, 'a>,
    parts: Value<'c, 'a>,
    /// Its group, of those that share the rows of the part.
    group: Value<'c, 'a>,
    groups: Value<'c, 'a>,
    column: Value<'c, 'a>,
    /// Whether there is such a group and column.
    some: Value<'c, 'a>,
}

/// What is noted of ids: their places among those that are looked at, and their rows.
struct Notes<'c, 'a> {
    places: Value<'c, 'a>,
    rows: Value<'c, 'a>,
}

impl<'x, 'c: 'a, 'a> Scatter<'x, 'c, 'a> {
    /// Of a sequence; nothing if it has no row.
    pub fn of(e: &Emitter<'c, 'a>, sequence: &'x Sequence<'c, 'a>) -> Option<Self> {
        Some(Self {
            sequence,
            row: sequence.row?,
            word: e.int_type(32),
        })
    }

    /// Writes its blocks.
    pub fn write(&self, e: &Emitter<'c, 'a>) {
        let (zero, one) = (e.index(0), e.index(1));
        let threads = e.index(SCATTER_THREADS);
        let ids = self.sequence.count(e, &self.sequence.ids);
        let columns = self.sequence.count(e, &self.sequence.columns);
        let tiles = e.ceil_div(columns, SCATTER_THREADS);
        let most = e.div(e.index(SCATTER_BLOCKS), e.max(tiles, one));
        let parts = e.max(e.min(most, ids), one);
        let cut = Cut {
            ids,
            columns,
            width: e.max(e.min(columns, threads), one),
            parts,
        };
        self.sequence.share_memory(e);
        let blocks = e.plain_loop((zero, e.mul(tiles, parts), one), |e, block| {
            self.block(e, &cut, block);
        });
        tasks::mark(e, blocks, true);
        give_to_block(e, blocks, SCATTER_THREADS);
    }

    fn block(&self, e: &Emitter<'c, 'a>, cut: &Cut<'c, 'a>, block: Value<'c, 'a>) {
        let remainder = |a, b| e.op("arith.remui", &[a, b], e.index_type());
        let short = |value| e.op("arith.index_castui", &[value], self.word);
        let thread = thread(e);
        let group = e.div(thread, cut.width);
        let groups = e.div(e.index(SCATTER_THREADS), cut.width);
        let tile = e.mul(e.div(block, cut.parts), e.index(SCATTER_THREADS));
        let column = e.add(tile, remainder(thread, cut.width));
        let in_group = e.cmp(Int::Slt, group, groups);
        let in_row = e.cmp(Int::Slt, column, cut.columns);
        let own = Own {
            thread,
            part: short(remainder(block, cut.parts)),
            parts: short(cut.parts),
            group: short(group),
            groups: short(groups),
            column,
            some: e.op("arith.andi", &[in_group, in_row], in_row.r#type()),
        };
        let bounds = (e.index(0), cut.ids, e.index(SCATTER_THREADS));
        e.plain_loop(bounds, |e, first| {
            let (notes, count) = self.note(e, cut, &own, first);
            self.update(e, &own, (first, count), &notes);
        });
    }

    /// Notes the ids of the block's rows; gives how many there are.
    fn note(
        &self,
        e: &Emitter<'c, 'a>,
        cut: &Cut<'c, 'a>,
        own: &Own<'c, 'a>,
        first: Value<'c, 'a>,
    ) -> (Notes<'c, 'a>, Value<'c, 'a>) {
        let (index, bool) = (e.index_type(), e.int_type(1));
        let memory =
            |name: &str, count, ty| shared::memory(e, &format!("scatter_{name}"), &[count], ty);
        let notes = Notes {
            places: memory("places", SCATTER_THREADS, self.word),
            rows: memory("rows", SCATTER_THREADS, e.int_type(64)),
        };
        let counts = memory("counts", SCATTER_THREADS / WARP, self.word);
        let id = e.add(first, own.thread);
        let some = e.cmp(Int::Slt, id, cut.ids);
        let row = e.if_else(
            some,
            &[index],
            |e| {
                let mut copies = Copies::default();
                sequence::number(e, &self.sequence.ids, id, &mut copies);
                vec![self.sequence.row_of(e, self.row, copies)]
            },
            |e| vec![e.index(0)],
        )[0];
        let part = e.op("arith.remui", &[self.short(e, row), own.parts], self.word);
        let here = e.cmp(Int::Eq, part, own.part);
        let here = e.op("arith.andi", &[some, here], bool);

        // Where a thread notes is known by how many threads before it do.
        let lanes = e.constant(self.word, e.attr("-1 : i32"));
        let kind = [("kind", e.attr("#nvvm<vote_sync_kind ballot>"))];
        let votes = e.op_with("nvvm.vote.sync", &[lanes, here], self.word, &kind);
        let warp = e.div(own.thread, e.index(WARP));
        let lane = e.op("arith.remui", &[own.thread, e.index(WARP)], index);
        let below = e.op(
            "arith.shli",
            &[self.number(e, 1), self.short(e, lane)],
            self.word,
        );
        let below = e.sub(below, self.number(e, 1));
        let ones = |bits| e.op("llvm.intr.ctpop", &[bits], self.word);
        let before = ones(e.op("arith.andi", &[votes, below], self.word));
        e.if_then(e.cmp(Int::Eq, lane, e.index(0)), |e| {
            let all = e.op("llvm.intr.ctpop", &[votes], self.word);
            e.effect("memref.store", &[all, counts, warp], &[]);
        });
        barrier(e);
        let (mut place, mut total) = (before, self.number(e, 0));
        for other in 0..SCATTER_THREADS / WARP {
            let count = e.op("memref.load", &[counts, e.index(other)], self.word);
            let earlier = e.cmp(Int::Slt, e.index(other), warp);
            place = e.add(place, e.select(earlier, count, self.number(e, 0)));
            total = e.add(total, count);
        }
        e.if_then(here, |e| {
            let place = e.op("arith.index_castui", &[place], index);
            let row = e.op("arith.index_cast", &[row], e.int_type(64));
            let number = self.short(e, own.thread);
            e.effect("memref.store", &[number, notes.places, place], &[]);
            e.effect("memref.store", &[row, notes.rows, place], &[]);
        });
        barrier(e);
        (notes, e.op("arith.index_castui", &[total], index))
    }

    /// Does the rounds of what is noted.
    fn update(
        &self,
        e: &Emitter<'c, 'a>,
        own: &Own<'c, 'a>,
        (first, count): (Value<'c, 'a>, Value<'c, 'a>),
        notes: &Notes<'c, 'a>,
    ) {
        let index = e.index_type();
        e.plain_loop((e.index(0), count, e.index(1)), |e, at| {
            let row = e.op("memref.load", &[notes.rows, at], e.int_type(64));
            let row = e.op("arith.index_cast", &[row], index);
            let group = e.div(self.short(e, row), own.parts);
            let group = e.op("arith.remui", &[group, own.groups], self.word);
            let here = e.cmp(Int::Eq, group, own.group);
            let here = e.op("arith.andi", &[here, own.some], here.r#type());
            e.if_then(here, |e| {
                let place = e.op("memref.load", &[notes.places, at], self.word);
                let id = e.add(first, e.op("arith.index_castui", &[place], index));
                let mut copies = Copies::default();
                copies.put(self.row, row);
                sequence::number(e, &self.sequence.ids, id, &mut copies);
                sequence::number(e, &self.sequence.columns, own.column, &mut copies);
                self.sequence.round(e, copies);
            });
        });
    }

    fn number(&self, e: &Emitter<'c, 'a>, number: i64) -> Value<'c, 'a> {
        e.constant(self.word, e.attr(&format!("{number} : i32")))
    }

    /// A number's low bits, which tell parts of rows apart.
    fn short(&self, e: &Emitter<'c, 'a>, value: Value<'c, 'a>) -> Value<'c, 'a> {
        e.op("arith.index_castui", &[value], self.word)
    }
}
