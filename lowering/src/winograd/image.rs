//! The images that windows lie on, and the transform of what lies under tiles.

use super::{Registers, Row, TILE, Tiles, UNDER, both_ways, operands::Operand, source::Source};
use crate::emit::{Emitter, Int};
use melior::ir::Value;

/// Images, of which some rows and columns around them may be zeros that are not in memory.
pub struct Image<'c, 'a> {
    /// The images; elements of a row are side by side.
    pub operand: Operand<'c, 'a>,
    /// Rows and columns of zeros before those in memory.
    pub before: [i64; 2],
}

impl<'c, 'a> Image<'c, 'a> {
    /// Images as they stand in memory.
    pub fn new(operand: Operand<'c, 'a>) -> Self {
        Self {
            operand,
            before: [0; 2],
        }
    }

    /// Reads the images that these are a copy of with zeros around, if it can be.
    pub fn read_source(&mut self, source: &Source<'c, 'a>) -> bool {
        let axes = self.operand.axes;
        let elsewhere = source.before[axes.outer] + source.before[axes.inner];
        let operand = Operand {
            value: source.image,
            axes,
        };
        let readable = elsewhere == 0 && operand.has_whole_rows();
        if readable {
            self.operand = operand;
            self.before = [axes.rows, axes.columns].map(|axis| source.before[axis]);
        }
        readable
    }

    /// Bᵀ d B of a row of tiles of a channel, by place, channel and tile.
    pub fn transform(
        &self,
        e: &Emitter<'c, 'a>,
        registers: &Registers<'c>,
        (row, channel): (&Row<'c, 'a>, Value<'c, 'a>),
        to: &Tiles<'c, 'a>,
    ) {
        let axes = self.operand.axes;
        let [rows, columns] = [axes.rows, axes.columns].map(|axis| self.operand.size(e, axis));
        let (zero, last) = (e.index(0), e.sub(rows, e.index(1)));
        let [above, aside] = self.before;
        let mask = registers.mask;
        row.over_tiles(e, registers, |e, column, tile| {
            let across = e.plus(e.mul(column, e.index(TILE)), -aside);
            // Lanes of columns that there are: those before the first are gone from those before the end.
            let there = [0, 2].map(|from| {
                let at = e.plus(across, from);
                let before_end = registers.before(e, e.sub(columns, at));
                match from < aside {
                    true => {
                        let missing = registers.before(e, e.sub(zero, at));
                        [0, 1].map(|i| e.op("arith.xori", &[before_end[i], missing[i]], mask))
                    }
                    false => before_end,
                }
            });
            let under = |i: usize| {
                let row_within = e.plus(e.mul(row.row, e.index(TILE)), i as i64 - above);
                let near = e.max(e.min(row_within, last), zero);
                let inside = e.cmp(Int::Eq, row_within, near);
                let [first, second] = [0, 1].map(|half| {
                    let at = e.plus(across, 2 * half as i64);
                    let place = self.operand.place([row.image, channel, near, at]);
                    let there = registers.only_if(e, inside, there[half]);
                    registers.load_pair(e, (self.operand.value, place), axes.columns, there)
                });
                [first[0], first[1], second[0], second[1]]
            };
            let op = |name: &str, a, b| e.op(name, &[a, b], registers.one);
            let transform = |[a, b, c, d]: [_; UNDER]| -> [_; UNDER] {
                [
                    op("arith.subf", a, c),
                    op("arith.addf", b, c),
                    op("arith.subf", c, b),
                    op("arith.subf", b, d),
                ]
            };
            both_ways(under, transform, |place, value| {
                to.store(e, value, place, [channel, tile]);
            });
        });
    }
}
