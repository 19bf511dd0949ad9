//! The gradient by the filters: sums over tiles, of all images.

use super::{
    Registers, Row, Strip, TILE, Tiles, UNDER, WINDOW, both_ways, image::Image, multiply,
    operands::Operand, point, room, zero,
};
use crate::{
    emit::{Emitter, Int},
    schedule::winograd::{POINTS, WinogradSchedule},
};
use dlc_dialects::ir::shape;
use melior::ir::Value;

/// dw[o, c, k, l] = Σ x[n, c, i + k, j + l] dy[n, o, i, j].
pub struct FilterGradient<'c, 'a> {
    /// Images.
    pub x: Image<'c, 'a>,
    /// What is known of the results: their adjoints; elements of a row are side by side.
    pub dy: Operand<'c, 'a>,
    /// The gradient by filters with windows of 3 × 3.
    pub dw: Operand<'c, 'a>,
    /// How many channels and filters.
    pub counts: (i64, i64),
    /// How it goes.
    pub schedule: WinogradSchedule,
}

impl<'c, 'a> FilterGradient<'c, 'a> {
    /// Emits all of it. Strips go one after the other, as each adds to the same sums: lanes share the transforms by
    /// channels and the products by places, so that the order of the sums is the same for any number of them.
    pub fn emit(&self, e: &Emitter<'c, 'a>) {
        let (channels, filters) = self.counts;
        let axes = self.dy.axes;
        let [down, across] =
            [axes.rows, axes.columns].map(|axis| e.ceil_div(self.dy.size(e, axis), TILE));
        let (nothing, one) = (e.index(0), e.index(1));
        let all_rows = e.mul(self.dy.size(e, axes.outer), down);
        let fitting = e.div(e.index(self.schedule.tiles), e.max(across, one));
        let rows = e.max(fitting, one);
        let all_tiles = e.plus(e.mul(all_rows, across), self.schedule.lanes);
        let room = e.min(room(e, &self.schedule, across), all_tiles);
        let element = shape::element_of(self.dw.value);
        let registers = Registers::new(e, self.schedule.lanes, element);
        let input = Tiles::new(e, element, channels, room);
        let adjoint = Tiles::new(e, element, filters, room);
        let sums = e.alloc(
            &[],
            &format!("memref<{POINTS}x{filters}x{channels}x{element}>"),
        );
        zero(e, sums);
        e.plain_loop((nothing, all_rows, rows), |e, from| {
            let strip = Strip {
                from,
                rows: e.min(rows, e.sub(all_rows, from)),
                down,
                across,
            };
            let units = (nothing, e.index(channels + filters), one);
            e.parallel_loop(units, |e, unit| {
                let of_x = e.cmp(Int::Slt, unit, e.index(channels));
                e.if_else(
                    of_x,
                    &[],
                    |e| {
                        strip.over_rows(e, |e, row| {
                            self.x.transform(e, &registers, (row, unit), &input);
                        });
                        vec![]
                    },
                    |e| {
                        let filter = e.plus(unit, -channels);
                        strip.over_rows(e, |e, row| {
                            self.transform_adjoint(e, &registers, (row, filter), &adjoint);
                        });
                        vec![]
                    },
                );
            });
            let tiles = strip.tiles(e);
            // Loops: place, filter, channel, tile.
            let inputs = [
                (adjoint.first(e, tiles), [0, 1, 3]),
                (input.first(e, tiles), [0, 2, 3]),
            ];
            multiply(e, inputs, sums);
        });
        self.filters(e, sums);
    }

    /// A dy Aᵀ of a row of tiles of a filter, by place, filter and tile.
    fn transform_adjoint(
        &self,
        e: &Emitter<'c, 'a>,
        registers: &Registers<'c>,
        (row, filter): (&Row<'c, 'a>, Value<'c, 'a>),
        to: &Tiles<'c, 'a>,
    ) {
        let axes = self.dy.axes;
        let [rows, columns] = [axes.rows, axes.columns].map(|axis| self.dy.size(e, axis));
        let last = e.sub(rows, e.index(1));
        row.over_tiles(e, registers, |e, column, tile| {
            let across = e.mul(column, e.index(TILE));
            let there = registers.before(e, e.sub(columns, across));
            let known = |i: usize| {
                let row_within = e.plus(e.mul(row.row, e.index(TILE)), i as i64);
                let near = e.min(row_within, last);
                let inside = e.cmp(Int::Eq, row_within, near);
                let there = registers.only_if(e, inside, there);
                let place = self.dy.place([row.image, filter, near, across]);
                registers.load_pair(e, (self.dy.value, place), axes.columns, there)
            };
            let op = |name: &str, a, b| e.op(name, &[a, b], registers.one);
            let transform = |[a, b]: [_; 2]| -> [_; UNDER] {
                [
                    a,
                    op("arith.addf", a, b),
                    op("arith.subf", a, b),
                    e.op("arith.negf", &[b], registers.one),
                ]
            };
            both_ways(known, transform, |place, value| {
                to.store(e, value, place, [filter, tile]);
            });
        });
    }

    /// Gᵀ m G of all sums, which are the gradient.
    fn filters(&self, e: &Emitter<'c, 'a>, sums: Value<'c, 'a>) {
        let (channels, filters) = self.counts;
        let element = shape::element_of(sums);
        let half = e.constant(element, e.attr(&format!("0.5 : {element}")));
        let bounds = (e.index(0), e.index(filters), e.index(1));
        e.parallel_loop(bounds, |e, filter| {
            e.loop_to(e.index(channels), 1, |e, channel| {
                let summed = |row: usize| {
                    std::array::from_fn(|column| {
                        let place = point(e, [row, column]);
                        e.op("memref.load", &[sums, place, filter, channel], element)
                    })
                };
                let op = |name: &str, a, b| e.op(name, &[a, b], element);
                let transform = |[a, b, c, d]: [_; UNDER]| -> [_; WINDOW] {
                    let sum = op("arith.mulf", op("arith.addf", b, c), half);
                    let difference = op("arith.mulf", op("arith.subf", b, c), half);
                    [
                        op("arith.addf", a, sum),
                        difference,
                        op("arith.addf", sum, d),
                    ]
                };
                both_ways(summed, transform, |[row, column], value| {
                    let place = [e.index(row as i64), e.index(column as i64)];
                    let place = self.dw.place([filter, channel, place[0], place[1]]);
                    let operands = [&[value, self.dw.value], &place[..]].concat();
                    e.effect("memref.store", &operands, &[]);
                });
            });
        });
    }
}
