//! Convolutions with windows of 3 × 3 by Winograd's F(2 × 2, 3 × 3), after Lavin and Gray (2015, arXiv:1509.09308).
//!
//! With g the window of a filter and d the 4 × 4 elements of x under a tile of 2 × 2 results, of each channel,
//! ```text
//! y = Aᵀ [Σ (G g Gᵀ) ⊙ (Bᵀ d B)] A
//!      1  0  0        1  0 -1  0
//! G =  ½  ½  ½   Bᵀ = 0  1  1  0   Aᵀ = 1  1  1  0
//!      ½ -½  ½        0 -1  1  0        0  1 -1 -1
//!      0  0  1        0  1  0 -1
//! ```
//! where the sum over channels is a product of matrices for each of the 16 places of a transformed tile: 16 products
//! instead of 36. The factors of A and B are 0 and ±1, so that the error grows by a small factor only (`docs/src/numerics.md`).
//!
//! The image goes in strips of rows of tiles, whose transformed elements stay in a near cache.

pub mod source;

use crate::{
    emit::{Emitter, Int},
    linalg::{self, Access, Generic, Iterator},
    schedule::winograd::{POINTS, WinogradSchedule},
};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{Attribute, Type, Value};

/// Rows and columns of a tile of results.
const TILE: i64 = 2;
/// Those of the elements of x under it.
const UNDER: usize = 4;
/// Rows and columns of a window.
const WINDOW: usize = 3;

/// Where the axes of an operand are.
#[derive(Clone, Copy, Debug)]
pub struct Axes {
    /// Images of x and y, filters of w.
    pub outer: usize,
    /// Channels of x and w, filters of y.
    pub inner: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// An operand.
#[derive(Clone, Copy)]
pub struct Operand<'c, 'a> {
    /// The memref, of rank 4.
    pub value: Value<'c, 'a>,
    /// Its axes.
    pub axes: Axes,
}

impl<'c, 'a> Operand<'c, 'a> {
    fn size(&self, e: &Emitter<'c, 'a>, axis: usize) -> Value<'c, 'a> {
        match shape::shape_of(self.value)[axis] {
            DYNAMIC => {
                let operands = [self.value, e.index(axis as i64)];
                e.op("memref.dim", &operands, e.index_type())
            }
            known => e.index(known),
        }
    }

    fn place(&self, [outer, inner, row, column]: [Value<'c, 'a>; 4]) -> [Value<'c, 'a>; 4] {
        let mut place = [outer; 4];
        place[self.axes.inner] = inner;
        place[self.axes.rows] = row;
        place[self.axes.columns] = column;
        place
    }
}

/// A convolution of stride 1: y = x ∗ w, with x of two rows and columns more than y, of which some around it may be zeros
/// that are not in memory.
pub struct Winograd<'c, 'a> {
    /// Images; elements of a row are side by side.
    pub x: Operand<'c, 'a>,
    /// Rows and columns of zeros before those of x.
    pub before: [i64; 2],
    /// Filters with windows of 3 × 3.
    pub w: Operand<'c, 'a>,
    /// Results; elements of a row are side by side.
    pub y: Operand<'c, 'a>,
    /// How many channels and filters.
    pub counts: (i64, i64),
    /// How it goes.
    pub schedule: WinogradSchedule,
}

/// The part of an image that a round treats.
struct Strip<'c, 'a> {
    image: Value<'c, 'a>,
    /// The first row of tiles.
    from: Value<'c, 'a>,
    /// Rows of tiles.
    rows: Value<'c, 'a>,
    /// Tiles of a row.
    across: Value<'c, 'a>,
}

type Square<'c, 'a, const N: usize> = [[Value<'c, 'a>; N]; N];

impl<'c, 'a> Winograd<'c, 'a> {
    /// Emits all of it; `lanes` is how many may work at the same time.
    pub fn emit(&self, e: &Emitter<'c, 'a>, lanes: Value<'c, 'a>) {
        let filters = self.filters(e);
        let (channels, outputs) = self.counts;
        let images = self.y.size(e, self.y.axes.outer);
        let [down, across] = [self.y.axes.rows, self.y.axes.columns]
            .map(|axis| e.ceil_div(self.y.size(e, axis), TILE));
        let one = e.index(1);
        // Strips for all lanes, if there are not enough images.
        let parts = |count, of| e.div(e.sub(e.add(count, of), one), of);
        let share = parts(e.mul(images, down), lanes);
        let fitting = e.div(e.index(self.schedule.tiles), e.max(across, one));
        let rows = e.max(e.min(fitting, e.min(share, down)), one);
        let strips = parts(down, rows);
        // A row is written in whole registers, of which the last goes beyond.
        let tiles = e.max(e.index(self.schedule.tiles), across);
        let room = e.plus(tiles, self.schedule.lanes);
        e.parallel_loop((e.index(0), e.mul(images, strips), one), |e, unit| {
            let strip = e.op("arith.remui", &[unit, strips], e.index_type());
            let from = e.mul(strip, rows);
            let strip = Strip {
                image: e.div(unit, strips),
                from,
                rows: e.min(rows, e.sub(down, from)),
                across,
            };
            let input = self.memory(e, channels, room);
            let result = self.memory(e, outputs, room);
            self.transform_input(e, &strip, input);
            self.multiply(e, &strip, filters, (input, result));
            self.transform_result(e, &strip, result);
        });
    }

    fn element(&self) -> Type<'c> {
        shape::element_of(self.x.value)
    }

    fn vector(&self, e: &Emitter<'c, 'a>, registers: i64) -> Type<'c> {
        let lanes = registers * self.schedule.lanes;
        e.ty(&format!("vector<{lanes}x{}>", self.element()))
    }

    /// Memory for all places of transformed tiles, `rows` of each.
    fn memory(&self, e: &Emitter<'c, 'a>, rows: i64, room: Value<'c, 'a>) -> Value<'c, 'a> {
        let ty = format!("memref<{POINTS}x{rows}x?x{}>", self.element());
        e.alloc(&[room], &ty)
    }

    /// G g Gᵀ of all filters, by place, channel and filter.
    fn filters(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let (channels, filters) = self.counts;
        let element = self.element();
        let ty = format!("memref<{POINTS}x{channels}x{filters}x{element}>");
        let made = e.alloc(&[], &ty);
        let half = e.constant(element, e.attr(&format!("0.5 : {element}")));
        let bounds = (e.index(0), e.index(channels), e.index(1));
        e.parallel_loop(bounds, |e, channel| {
            e.loop_to(e.index(filters), 1, |e, filter| {
                let read = |row: usize, column: usize| {
                    let place = [e.index(row as i64), e.index(column as i64)];
                    let place = self.w.place([filter, channel, place[0], place[1]]);
                    e.op(
                        "memref.load",
                        &[&[self.w.value], &place[..]].concat(),
                        element,
                    )
                };
                let op = |name: &str, a, b| e.op(name, &[a, b], element);
                let spread = |[a, b, c]: [Value<'c, 'a>; WINDOW]| {
                    let sum = op("arith.mulf", op("arith.addf", a, c), half);
                    let middle = op("arith.mulf", b, half);
                    [
                        a,
                        op("arith.addf", sum, middle),
                        op("arith.subf", sum, middle),
                        c,
                    ]
                };
                let window: Square<WINDOW> =
                    std::array::from_fn(|row| std::array::from_fn(|column| read(row, column)));
                let rows = window.map(spread);
                for column in 0..UNDER {
                    let spread = spread(rows.map(|row| row[column]));
                    for (row, value) in spread.into_iter().enumerate() {
                        let place = [e.index((row * UNDER + column) as i64), channel, filter];
                        e.effect("memref.store", &[&[value, made], &place[..]].concat(), &[]);
                    }
                }
            });
        });
        made
    }

    /// Bᵀ d B of a strip's tiles, by place, channel and tile.
    fn transform_input(&self, e: &Emitter<'c, 'a>, strip: &Strip<'c, 'a>, to: Value<'c, 'a>) {
        let [rows, columns] =
            [self.x.axes.rows, self.x.axes.columns].map(|axis| self.x.size(e, axis));
        let (zero, last) = (e.index(0), e.sub(rows, e.index(1)));
        let (register, pair) = (self.vector(e, 1), self.vector(e, 2));
        let mask = self.mask(e);
        let [above, aside] = self.before;
        self.over_tiles(
            e,
            strip,
            self.counts.0,
            |e, channel, [row, column, tile]| {
                let across = e.plus(e.mul(column, e.index(TILE)), -aside);
                let zeros = e.attr(&format!("dense<0.0> : {pair}"));
                let zeros = e.constant(pair, zeros);
                let first = |count| e.op("vector.create_mask", &[count], mask);
                // Lanes of columns that there are: those before the first are gone from those before the end.
                let there = [0, 2].map(|from| {
                    let at = e.plus(across, from);
                    let before_end = first(e.sub(columns, at));
                    match from < aside {
                        true => {
                            let missing = first(e.sub(zero, at));
                            e.op("arith.xori", &[before_end, missing], mask)
                        }
                        false => before_end,
                    }
                });
                let under: Square<UNDER> = std::array::from_fn(|i| {
                    let row = e.plus(e.mul(row, e.index(TILE)), i as i64 - above);
                    let near = e.max(e.min(row, last), zero);
                    let inside = e.cmp(Int::Eq, row, near);
                    let inside = e.op("vector.broadcast", &[inside], mask);
                    let [first, second] = [0, 1].map(|half| {
                        let at = e.plus(across, 2 * half as i64);
                        let place = self.x.place([strip.image, channel, near, at]);
                        let there = e.op("arith.andi", &[there[half], inside], mask);
                        let operands = [&[self.x.value], &place[..], &[there, zeros]].concat();
                        let loaded = e.op("vector.maskedload", &operands, pair);
                        let halves = &[register, register];
                        let parts = e.build("vector.deinterleave", &[loaded], halves, &[], vec![]);
                        linalg::results(parts)
                    });
                    [first[0], first[1], second[0], second[1]]
                });
                let op = |name: &str, a, b| e.op(name, &[a, b], register);
                let spread = |[a, b, c, d]: [Value<'c, 'a>; UNDER]| {
                    [
                        op("arith.subf", a, c),
                        op("arith.addf", b, c),
                        op("arith.subf", c, b),
                        op("arith.subf", b, d),
                    ]
                };
                let rows = under.map(spread);
                for column in 0..UNDER {
                    let spread = spread(rows.map(|row| row[column]));
                    for (row, value) in spread.into_iter().enumerate() {
                        let place = [e.index((row * UNDER + column) as i64), channel, tile];
                        e.effect("vector.store", &[&[value, to], &place[..]].concat(), &[]);
                    }
                }
            },
        );
    }

    /// The products of all places: filters by channels times channels by tiles.
    fn multiply(
        &self,
        e: &Emitter<'c, 'a>,
        strip: &Strip<'c, 'a>,
        filters: Value<'c, 'a>,
        (input, result): (Value<'c, 'a>, Value<'c, 'a>),
    ) {
        let tiles = e.mul(strip.rows, strip.across);
        let part = |whole, rows: i64| {
            let element = self.element();
            let ty = format!("memref<{POINTS}x{rows}x?x{element}, strided<[?, ?, 1]>>");
            let attributes = [
                ("operandSegmentSizes", e.attr("array<i32: 1, 0, 1, 0>")),
                ("static_offsets", e.attr("array<i64: 0, 0, 0>")),
                (
                    "static_sizes",
                    e.attr(&format!("array<i64: {POINTS}, {rows}, {DYNAMIC}>")),
                ),
                ("static_strides", e.attr("array<i64: 1, 1, 1>")),
            ];
            e.op_with("memref.subview", &[whole, tiles], e.ty(&ty), &attributes)
        };
        let input = part(input, self.counts.0);
        let result = part(result, self.counts.1);
        let element = self.element();
        let zero = e.constant(element, e.attr(&format!("0.0 : {element}")));
        linalg::fill_memory(e, zero, result);
        let [point, filter, tile, channel] = [0, 1, 2, 3];
        let access = |value, loops: [usize; 3]| Access {
            value,
            loops: loops.to_vec(),
        };
        let product = Generic {
            iterators: vec![
                Iterator::Parallel,
                Iterator::Parallel,
                Iterator::Parallel,
                Iterator::Reduction,
            ],
            inputs: vec![
                access(filters, [point, channel, filter]),
                access(input, [point, channel, tile]),
            ],
            outputs: vec![access(result, [point, filter, tile])],
            attributes: vec![(linalg::CONTRACTION, Attribute::unit(e.context()))],
        };
        product.build(e, |e, arguments| {
            let product = e.op("arith.mulf", &arguments[..2], element);
            vec![e.op("arith.addf", &[arguments[2], product], element)]
        });
    }

    /// Aᵀ m A of a strip's tiles, which are results.
    fn transform_result(&self, e: &Emitter<'c, 'a>, strip: &Strip<'c, 'a>, from: Value<'c, 'a>) {
        let [rows, columns] =
            [self.y.axes.rows, self.y.axes.columns].map(|axis| self.y.size(e, axis));
        let (register, pair) = (self.vector(e, 1), self.vector(e, 2));
        let mask = self.mask(e);
        self.over_tiles(e, strip, self.counts.1, |e, filter, [row, column, tile]| {
            let read = |i: usize, j: usize| {
                let place = [e.index((i * UNDER + j) as i64), filter, tile];
                e.op("vector.load", &[&[from], &place[..]].concat(), register)
            };
            let op = |name: &str, a, b| e.op(name, &[a, b], register);
            let gather = |[a, b, c, d]: [Value<'c, 'a>; UNDER]| {
                [
                    op("arith.addf", op("arith.addf", a, b), c),
                    op("arith.subf", op("arith.subf", b, c), d),
                ]
            };
            let columns_of: [_; UNDER] =
                std::array::from_fn(|j| gather(std::array::from_fn(|i| read(i, j))));
            let across = e.mul(column, e.index(TILE));
            let left = e.sub(columns, across);
            let mask = e.op("vector.create_mask", &[left], mask);
            let parts = [0, 1].map(|i| {
                let parts = gather(columns_of.map(|column| column[i]));
                e.op("vector.interleave", &parts, pair)
            });
            let store = |e: &Emitter<'c, 'a>, value, row| {
                let place = self.y.place([strip.image, filter, row, across]);
                let operands = [&[self.y.value], &place[..], &[mask, value]].concat();
                e.effect("vector.maskedstore", &operands, &[]);
            };
            let row = e.mul(row, e.index(TILE));
            store(e, parts[0], row);
            let second = e.plus(row, 1);
            let inside = e.cmp(Int::Slt, second, rows);
            e.if_then(inside, |e| store(e, parts[1], second));
        });
    }

    fn mask(&self, e: &Emitter<'c, 'a>) -> Type<'c> {
        e.ty(&format!("vector<{}xi1>", 2 * self.schedule.lanes))
    }

    /// Loops over channels or filters, and a strip's tiles in registers: the body gets the row and the column of the first of
    /// them in the image, and its place in the strip.
    fn over_tiles(
        &self,
        e: &Emitter<'c, 'a>,
        strip: &Strip<'c, 'a>,
        count: i64,
        body: impl FnOnce(&Emitter<'c, 'a>, Value<'c, 'a>, [Value<'c, 'a>; 3]),
    ) {
        e.loop_to(e.index(count), 1, |e, index| {
            e.loop_to(strip.rows, 1, |e, row| {
                let begin = e.mul(row, strip.across);
                e.loop_to(strip.across, self.schedule.lanes, |e, column| {
                    let place = [e.add(strip.from, row), column, e.add(begin, column)];
                    body(e, index, place);
                });
            });
        });
    }
}
