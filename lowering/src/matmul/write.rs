//! The end of a tile: its accumulators go to C.

use super::kernel::{Arguments, Shape, Tile};
use crate::emit::{Emitter, Int};
use melior::ir::Value;

impl<'c> Shape<'c> {
    /// Adds a tile to C, or stores it: `rows` and `columns` are what is left of C from the tile's first on.
    pub fn write<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        tile: &Tile<'c, 'a>,
        accumulators: &[Value<'c, 'a>],
        copy: Value<'c, 'a>,
        (rows, columns): (Value<'c, 'a>, Value<'c, 'a>),
    ) {
        let schedule = self.schedule();
        let tall = e.cmp(Int::Sge, rows, e.index(tile.height));
        let full = e.cmp(Int::Sge, columns, e.index(schedule.columns()));
        let masks: Vec<_> = self
            .offsets()
            .map(|offset| self.first(e, e.plus(columns, -offset)))
            .collect();
        // Tiles of one register across are rarely full: they take masks, the others only at the edge.
        let (inside, direct) = match schedule.across {
            1 => (tall, Some(&masks[..])),
            _ => (e.op("arith.andi", &[tall, full], e.int_type(1)), None),
        };
        e.if_else(
            inside,
            &[],
            |e| {
                self.write_tile(e, x, tile, accumulators, direct);
                vec![]
            },
            |e| {
                self.write_edge(e, x, tile, accumulators, copy, (rows, &masks));
                vec![]
            },
        );
    }

    /// All rows of a tile.
    fn write_tile<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        tile: &Tile<'c, 'a>,
        accumulators: &[Value<'c, 'a>],
        masks: Option<&[Value<'c, 'a>]>,
    ) {
        let places: Vec<_> = (0..tile.height)
            .flat_map(|r| {
                self.offsets()
                    .enumerate()
                    .map(move |(v, offset)| (r, v, offset))
            })
            .collect();
        let at = |e: &Emitter<'c, 'a>, r, offset| [e.plus(tile.i, r), e.plus(tile.j, offset)];
        let store = |e: &Emitter<'c, 'a>, values: &[Value<'c, 'a>]| {
            for (value, (r, v, offset)) in values.iter().zip(&places) {
                let to = at(e, *r, *offset);
                match masks {
                    Some(masks) => self.masked_store(e, *value, x.c, &to, masks[*v]),
                    None => self.store(e, *value, x.c, &to),
                }
            }
            vec![]
        };
        e.if_else(
            x.accumulate,
            &[],
            |e| {
                // Every load before any store: rows of 4 KiB would make a load wait for the store before it.
                let mut sums = vec![];
                for (value, (r, v, offset)) in accumulators.iter().zip(&places) {
                    let from = at(e, *r, *offset);
                    let old = match masks {
                        Some(masks) => self.masked_load(e, x.c, &from, masks[*v]),
                        None => self.load(e, x.c, &from),
                    };
                    sums.push(self.plus(e, *value, old, self.vector));
                }
                store(e, &sums)
            },
            |e| store(e, accumulators),
        );
    }

    /// What is inside C of a tile at the edge, row by row from memory.
    fn write_edge<'a>(
        &self,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        tile: &Tile<'c, 'a>,
        accumulators: &[Value<'c, 'a>],
        copy: Value<'c, 'a>,
        (rows, masks): (Value<'c, 'a>, &[Value<'c, 'a>]),
    ) {
        let places = (0..tile.height).flat_map(|r| self.offsets().map(move |offset| (r, offset)));
        for (value, (r, offset)) in accumulators.iter().zip(places) {
            self.store(e, *value, copy, &[e.index(r), e.index(offset)]);
        }
        let rows = e.min(rows, e.index(tile.height));
        e.loop_to(rows, 1, |e, r| {
            let i = e.add(tile.i, r);
            for (mask, offset) in masks.iter().zip(self.offsets()) {
                let at = [i, e.plus(tile.j, offset)];
                let value = self.load(e, copy, &[r, e.index(offset)]);
                // What is not added to is not read: it may be anything, NaN too.
                let adding = e.op("vector.broadcast", &[x.accumulate], self.mask);
                let read = e.op("arith.andi", &[adding, *mask], self.mask);
                let old = self.masked_load(e, x.c, &at, read);
                let sum = self.plus(e, value, old, self.vector);
                self.masked_store(e, sum, x.c, &at, *mask);
            }
        });
    }
}
