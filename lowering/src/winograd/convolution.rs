//! The convolution itself.

use super::{
    Registers, Row, Strip, TILE, Tiles, UNDER, WINDOW, both_ways, image::Image, multiply,
    operands::Operand, room, zero,
};
use crate::{
    emit::{Emitter, Int},
    matmul::{
        epilogue::{Band, Placed},
        transpose::transpose,
    },
    schedule::WinogradSchedule,
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
    /// Emits all of it; `lanes` is how many may work at the same time, and `epilogue` goes through the results.
    pub(crate) fn emit(
        &self,
        e: &Emitter<'c, 'a>,
        lanes: Value<'c, 'a>,
        epilogue: Option<&Placed<'c, 'a>>,
    ) {
        let filters = self.filters(e);
        let (channels, outputs) = self.counts;
        let images = self.y.size(e, self.y.axes.outer);
        let [down, across] = [self.y.axes.rows, self.y.axes.columns]
            .map(|axis| e.ceil_div(self.y.size(e, axis), TILE));
        let one = e.index(1);
        let parts = |count, of| e.div(e.sub(e.add(count, of), one), of);
        let all_rows = e.mul(images, down);
        let fitting = e.div(e.index(self.schedule.tiles), e.max(across, one));
        let fitting = e.max(fitting, one);
        // As many strips for each of several lanes.
        let rounds = parts(parts(all_rows, fitting), lanes);
        let strips = e.max(e.mul(rounds, lanes), one);
        let alone = e.cmp(Int::Eq, lanes, one);
        let rows = e.select(alone, fitting, e.max(parts(all_rows, strips), one));
        let room = room(e, &self.schedule, across);
        let element = shape::element_of(self.y.value);
        let registers = Registers::new(e, self.schedule.lanes, element);
        e.parallel_loop((e.index(0), all_rows, rows), |e, from| {
            let strip = Strip {
                from,
                rows: e.min(rows, e.sub(all_rows, from)),
                down,
                across,
            };
            let input = Tiles::new(e, element, channels, room);
            let result = Tiles::new(e, element, outputs, room);
            e.loop_to(e.index(channels), 1, |e, channel| {
                strip.over_rows(e, |e, row| {
                    self.x.transform(e, &registers, (row, channel), &input);
                });
            });
            let tiles = strip.tiles(e);
            let [tiles_of_x, sums] = [&input, &result].map(|all| all.first(e, tiles));
            let filters = filters.first(e, e.index(outputs));
            zero(e, sums);
            // Loops: place, filter, tile, channel.
            let inputs = [(filters, [0, 3, 1]), (tiles_of_x, [0, 3, 2])];
            multiply(e, inputs, sums);
            e.loop_to(e.index(outputs), 1, |e, filter| {
                strip.over_rows(e, |e, row| {
                    self.transform_result(e, &registers, (row, filter), &result);
                    if let Some(epilogue) = epilogue {
                        epilogue.emit(e, &self.band(e, row, filter));
                    }
                });
            });
        });
    }

    /// The results of a filter that a row of tiles has.
    fn band(&self, e: &Emitter<'c, 'a>, row: &Row<'c, 'a>, filter: Value<'c, 'a>) -> Band<'c, 'a> {
        let axes = self.y.axes;
        let [rows, columns] = [axes.rows, axes.columns].map(|axis| self.y.size(e, axis));
        let first = e.mul(row.row, e.index(TILE));
        let begins = [
            (axes.outer, row.image),
            (axes.inner, filter),
            (axes.rows, first),
        ];
        Band {
            begins: begins.to_vec(),
            sizes: [e.min(e.index(TILE), e.sub(rows, first)), columns],
        }
    }

    /// G g Gᵀ of all filters, by place, channel and filter: registers have a channel of several filters.
    fn filters(&self, e: &Emitter<'c, 'a>) -> Tiles<'c, 'a> {
        let (channels, filters) = self.counts;
        let lanes = self.schedule.lanes;
        let element = shape::element_of(self.w.value);
        let Registers {
            one: register,
            mask,
            ..
        } = Registers::new(e, lanes, element);
        let room = e.index((filters + lanes - 1) / lanes * lanes);
        let made = Tiles::new(e, element, channels, room);
        let window_row = e.op("vector.create_mask", &[e.index(WINDOW as i64)], mask);
        let splat =
            |value: &str| e.constant(register, e.attr(&format!("dense<{value}> : {register}")));
        let (half, zeros) = (splat("0.5"), splat("0.0"));
        let last = e.index(filters - 1);
        let bounds = (e.index(0), e.index(channels), e.index(1));
        e.parallel_loop(bounds, |e, channel| {
            e.loop_to(e.index(filters), lanes, |e, first| {
                // A row of each filter's window, of which the transposed square has the columns.
                let window = |row: usize| {
                    let rows = (0..lanes).map(|lane| {
                        let filter = e.min(e.plus(first, lane), last);
                        let place = [filter, channel, e.index(row as i64), e.index(0)];
                        let place = self.w.place(place);
                        let operands = [&[self.w.value], &place[..], &[window_row, zeros]];
                        e.op("vector.maskedload", &operands.concat(), register)
                    });
                    let bits = shape::width(element) as usize;
                    let columns = transpose(e, rows.collect(), register, bits);
                    [columns[0], columns[1], columns[2]]
                };
                let op = |name: &str, a, b| e.op(name, &[a, b], register);
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
                    made.store(e, value, place, [channel, first]);
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
            let pair = e.ty(&format!("vector<{}xi1>", 2 * registers.lanes));
            let mask = e.op("vector.create_mask", &[e.sub(columns, across)], pair);
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
