//! The convolution itself.

use super::{
    Registers, Row, TILE, Tiles, UNDER, WINDOW, both_ways, image::Image, multiply,
    operands::Operand, point, room, zero,
};
use crate::{
    emit::{Emitter, Int},
    schedule::winograd::{POINTS, WinogradSchedule},
};
use dlc_dialects::ir::shape;
use melior::ir::Value;

/// A convolution of stride 1: y = x ∗ w, with x of two rows and columns more than y.
pub struct Convolution<'c, 'a> {
    /// Images.
    pub x: Image<'c, 'a>,
    /// Filters with windows of 3 × 3.
    pub w: Operand<'c, 'a>,
    /// Results; elements of a row are side by side.
    pub y: Operand<'c, 'a>,
    /// How many channels and filters.
    pub counts: (i64, i64),
    /// How it goes.
    pub schedule: WinogradSchedule,
}

impl<'c, 'a> Convolution<'c, 'a> {
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
        let room = room(e, &self.schedule, across);
        let element = shape::element_of(self.y.value);
        let registers = Registers::new(e, self.schedule.lanes, element);
        e.parallel_loop((e.index(0), e.mul(images, strips), one), |e, unit| {
            let strip = e.op("arith.remui", &[unit, strips], e.index_type());
            let image = e.div(unit, strips);
            let from = e.mul(strip, rows);
            let rows = e.min(rows, e.sub(down, from));
            let input = Tiles::new(e, element, channels, room);
            let result = Tiles::new(e, element, outputs, room);
            let over_rows = |e: &Emitter<'c, 'a>, body: &dyn Fn(&Emitter<'c, 'a>, Row<'c, 'a>)| {
                e.loop_to(rows, 1, |e, row| {
                    let (begin, row) = (e.mul(row, across), e.add(from, row));
                    body(
                        e,
                        Row {
                            image,
                            row,
                            across,
                            begin,
                        },
                    );
                });
            };
            e.loop_to(e.index(channels), 1, |e, channel| {
                over_rows(e, &|e, row| {
                    self.x.transform(e, &registers, (&row, channel), &input);
                });
            });
            let tiles = e.mul(rows, across);
            let [tiles_of_x, sums] = [&input, &result].map(|all| all.first(e, tiles));
            zero(e, sums);
            // Loops: place, filter, tile, channel.
            let inputs = [(filters, [0, 3, 1]), (tiles_of_x, [0, 3, 2])];
            multiply(e, inputs, sums);
            e.loop_to(e.index(outputs), 1, |e, filter| {
                over_rows(e, &|e, row| {
                    self.transform_result(e, &registers, (&row, filter), &result);
                });
            });
        });
    }

    /// G g Gᵀ of all filters, by place, channel and filter.
    fn filters(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let (channels, filters) = self.counts;
        let element = shape::element_of(self.w.value);
        let ty = format!("memref<{POINTS}x{channels}x{filters}x{element}>");
        let made = e.alloc(&[], &ty);
        let half = e.constant(element, e.attr(&format!("0.5 : {element}")));
        let bounds = (e.index(0), e.index(channels), e.index(1));
        e.parallel_loop(bounds, |e, channel| {
            e.loop_to(e.index(filters), 1, |e, filter| {
                let window = |row: usize| {
                    std::array::from_fn(|column| {
                        let place = [e.index(row as i64), e.index(column as i64)];
                        let place = self.w.place([filter, channel, place[0], place[1]]);
                        let operands = [&[self.w.value], &place[..]].concat();
                        e.op("memref.load", &operands, element)
                    })
                };
                let op = |name: &str, a, b| e.op(name, &[a, b], element);
                let transform = |[a, b, c]: [_; WINDOW]| -> [_; UNDER] {
                    let sum = op("arith.mulf", op("arith.addf", a, c), half);
                    let middle = op("arith.mulf", b, half);
                    [
                        a,
                        op("arith.addf", sum, middle),
                        op("arith.subf", sum, middle),
                        c,
                    ]
                };
                both_ways(window, transform, |place, value| {
                    let operands = [value, made, point(e, place), channel, filter];
                    e.effect("memref.store", &operands, &[]);
                });
            });
        });
        made
    }

    /// Aᵀ m A of a row of tiles of a filter, which are results.
    fn transform_result(
        &self,
        e: &Emitter<'c, 'a>,
        registers: &Registers<'c>,
        (row, filter): (&Row<'c, 'a>, Value<'c, 'a>),
        from: &Tiles<'c, 'a>,
    ) {
        let [rows, columns] =
            [self.y.axes.rows, self.y.axes.columns].map(|axis| self.y.size(e, axis));
        row.over_tiles(e, registers, |e, column, tile| {
            // By columns first, which are rows of the transposed square.
            let turned = |j: usize| {
                std::array::from_fn(|i| from.load(e, registers.one, [i, j], [filter, tile]))
            };
            let op = |name: &str, a, b| e.op(name, &[a, b], registers.one);
            let transform = |[a, b, c, d]: [_; UNDER]| -> [_; 2] {
                [
                    op("arith.addf", op("arith.addf", a, b), c),
                    op("arith.subf", op("arith.subf", b, c), d),
                ]
            };
            let mut results = vec![];
            both_ways(turned, transform, |_, value| results.push(value));
            let across = e.mul(column, e.index(TILE));
            let mask = registers.before(e, e.sub(columns, across));
            let parts = results
                .chunks(2)
                .map(|parts| e.op("vector.interleave", parts, registers.pair))
                .collect::<Vec<_>>();
            let store = |e: &Emitter<'c, 'a>, value, at| {
                let place = self.y.place([row.image, filter, at, across]);
                let operands = [&[self.y.value], &place[..], &[mask, value]].concat();
                e.effect("vector.maskedstore", &operands, &[]);
            };
            let first = e.mul(row.row, e.index(TILE));
            store(e, parts[0], first);
            let second = e.plus(first, 1);
            let inside = e.cmp(Int::Slt, second, rows);
            e.if_then(inside, |e| store(e, parts[1], second));
        });
    }
}
