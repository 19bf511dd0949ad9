//! The packing of a B whose elements lie anywhere, such as windows that overlap: the offsets of the rows and of the
//! columns of a block are counted out once, and each register of columns is then read row by row, in one or two pieces
//! where its elements lie side by side, or every second one of them, as under windows two apart. Where instead the elements of a column do, squares of registers are read along
//! columns and transposed; what is left is read one by one.

use super::{
    blocks::BlockOfB,
    contraction::SUM_AXES,
    kernel::{Arguments, Shape},
    transpose::transpose,
};
use crate::{
    emit::{Emitter, Int},
    linalg,
};
use melior::ir::Value;

/// Offsets of the rows and columns of a block, on the stack.
pub(super) struct Tables<'c, 'a> {
    rows: Value<'c, 'a>,
    columns: Value<'c, 'a>,
    /// Of each sliver, whether it is read where it stands.
    in_place: Value<'c, 'a>,
}

impl<'c, 'a> Tables<'c, 'a> {
    pub fn new(shape: &Shape<'c>, e: &Emitter<'c, 'a>) -> Self {
        let table = |length: i64| e.stack(&format!("memref<{length}xindex>"));
        Self {
            rows: table(shape.schedule().kc),
            columns: table(shape.schedule().nc),
            in_place: e.stack(&format!("memref<{}xi1>", shape.schedule().slivers())),
        }
    }

    /// Notes of a sliver whether it is read where it stands: its columns lie side by side in all rows, and few rows of A
    /// share them.
    fn note(
        &self,
        shape: &Shape<'c>,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        s: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let begin = e.mul(s, e.index(shape.schedule().columns()));
        let first = e.op("memref.load", &[self.columns, begin], e.index_type());
        let dense = shape.offsets().fold(x.in_place, |dense, offset| {
            let columns = load_places(shape, e, self.columns, e.plus(begin, offset));
            let side_by_side = is_run(shape, e, columns, e.plus(first, offset), 1);
            e.op("arith.andi", &[dense, all(e, side_by_side)], e.int_type(1))
        });
        e.effect("memref.store", &[dense, self.in_place, s], &[]);
        dense
    }

    /// Whether a sliver is read where it stands.
    pub fn in_place(&self, e: &Emitter<'c, 'a>, s: Value<'c, 'a>) -> Value<'c, 'a> {
        e.op("memref.load", &[self.in_place, s], e.int_type(1))
    }

    /// The place in memory of a step of k in a sliver's first column.
    pub fn place(
        &self,
        shape: &Shape<'c>,
        e: &Emitter<'c, 'a>,
        k: Value<'c, 'a>,
        s: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let first = e.mul(s, e.index(shape.schedule().columns()));
        let load = |table, at| e.op("memref.load", &[table, at], e.index_type());
        e.add(load(self.rows, k), load(self.columns, first))
    }
}

/// Counts out the places of a block and packs all its slivers, unless it is said that they are there. Columns beyond the
/// last repeat it.
pub(super) fn block<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    tables: &Tables<'c, 'a>,
    wanted: Option<Value<'c, 'a>>,
) {
    let (rows, columns) = x
        .axes
        .as_ref()
        .expect("a scattered B has axes")
        .split_at(2 * SUM_AXES);
    count(e, rows, (block.pc, block.kb), tables.rows);
    let first = x.first.expect("a scattered B has a first column");
    count(
        e,
        columns,
        (e.add(first, block.jc), block.nb),
        tables.columns,
    );
    let width = shape.schedule().columns();
    let last = e.op(
        "memref.load",
        &[tables.columns, e.sub(block.nb, e.index(1))],
        e.index_type(),
    );
    let end = e.mul(block.slivers(e, shape.schedule()), e.index(width));
    e.for_loop((block.nb, end, e.index(1)), &[], |e, j, _| {
        e.effect("memref.store", &[last, tables.columns, j], &[]);
        vec![]
    });
    e.loop_to(block.slivers(e, shape.schedule()), 1, |e, s| {
        let nothing = |_: &Emitter<'c, 'a>| vec![];
        let in_place = tables.note(shape, e, x, s);
        let done = match wanted {
            Some(wanted) => e.select(wanted, in_place, e.constant(e.int_type(1), e.attr("true"))),
            None => in_place,
        };
        e.if_else(done, &[], nothing, |e| {
            for offset in shape.offsets() {
                register(shape, e, x, (block, tables), (s, offset));
            }
            vec![]
        });
    });
}

/// Writes the offsets of `length` positions from `start` on. The digits of a position are counted up, the last axis
/// first.
fn count<'c, 'a>(
    e: &Emitter<'c, 'a>,
    axes: &[Value<'c, 'a>],
    (start, length): (Value<'c, 'a>, Value<'c, 'a>),
    table: Value<'c, 'a>,
) {
    let zero = e.index(0);
    let index = e.index_type();
    let mut rest = start;
    let mut digits = vec![];
    for axis in axes.chunks(2).rev() {
        digits.push(e.op("arith.remui", &[rest, axis[0]], index));
        rest = e.div(rest, axis[0]);
    }
    digits.reverse();
    e.for_loop((zero, length, e.index(1)), &digits, |e, i, digits| {
        let terms = digits.iter().zip(axes.chunks(2));
        let offset = terms.fold(zero, |sum, (digit, axis)| {
            e.add(sum, e.mul(*digit, axis[1]))
        });
        e.effect("memref.store", &[offset, table, i], &[]);
        let mut next = vec![];
        let mut carry = e.index(1);
        for (digit, axis) in digits.iter().zip(axes.chunks(2)).rev() {
            let more = e.add(*digit, carry);
            let full = e.cmp(Int::Eq, more, axis[0]);
            next.push(e.select(full, zero, more));
            carry = e.select(full, e.index(1), zero);
        }
        next.reverse();
        next
    });
}

/// A register of places from a table.
fn load_places<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    table: Value<'c, 'a>,
    at: Value<'c, 'a>,
) -> Value<'c, 'a> {
    let indices = e.ty(&format!("vector<{}xindex>", shape.schedule().lanes));
    e.op("vector.load", &[table, at], indices)
}

/// Of each place of a register whether it is as far behind `from` as its lane is behind the first, times `apart`.
fn is_run<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    places: Value<'c, 'a>,
    from: Value<'c, 'a>,
    apart: i64,
) -> Value<'c, 'a> {
    let indices = e.ty(&format!("vector<{}xindex>", shape.schedule().lanes));
    let steps = e.op("vector.step", &[], indices);
    let apart = e.op("vector.broadcast", &[e.index(apart)], indices);
    let from = e.op("vector.broadcast", &[from], indices);
    let run = e.add(from, e.mul(steps, apart));
    // `eq` in arith's numbering.
    let predicate = [("predicate", e.attr("0 : i64"))];
    e.op_with("arith.cmpi", &[places, run], shape.mask, &predicate)
}

/// Whether a mask has all lanes.
fn all<'c, 'a>(e: &Emitter<'c, 'a>, mask: Value<'c, 'a>) -> Value<'c, 'a> {
    let kind = [("kind", e.attr("#vector.kind<and>"))];
    e.op_with("vector.reduction", &[mask], e.int_type(1), &kind)
}

/// Packs one register of columns of a sliver, for all rows.
fn register<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    (block, tables): (&BlockOfB<'c, 'a>, &Tables<'c, 'a>),
    (s, offset): (Value<'c, 'a>, i64),
) {
    let (lanes, columns) = (shape.schedule().lanes, shape.schedule().columns());
    let at = e.plus(e.mul(s, e.index(columns)), offset);
    let places = load_places(shape, e, tables.columns, at);
    let place = |at| e.op("memref.load", &[tables.columns, at], e.index_type());
    let ends = [place(at), place(e.plus(at, lanes - 1))];
    let rows = |e: &Emitter<'c, 'a>, pieces: &Pieces<'c, 'a>| {
        e.loop_to(block.kb, 1, |e, k| {
            let row = e.op("memref.load", &[tables.rows, k], e.index_type());
            let [one, other] = [0, 1].map(|i| pieces.load(shape, e, x, (row, i)));
            let value = e.op("arith.select", &[pieces.masks[1], other, one], shape.vector);
            shape.store(e, value, x.packed(), &[s, k, e.index(offset)]);
        });
        vec![]
    };
    let neither = |e: &Emitter<'c, 'a>| {
        let column = Column { s, at, offset };
        squares(shape, e, x, (block, tables), (&column, places));
        vec![]
    };
    let side_by_side = Pieces::new(shape, e, places, ends, 1);
    e.if_else(
        side_by_side.are_all(shape, e),
        &[],
        |e| rows(e, &side_by_side),
        |e| {
            if !shape.masks_cost_little() {
                return neither(e);
            }
            let every_second = Pieces::new(shape, e, places, ends, 2);
            let all = every_second.are_all(shape, e);
            e.if_else(all, &[], |e| rows(e, &every_second), neither)
        },
    );
}

/// Two runs of places: one that begins with a register's first, and one that ends with its last.
struct Pieces<'c, 'a> {
    /// Which lanes each has.
    masks: [Value<'c, 'a>; 2],
    /// Where the first lane of each would be.
    begins: [Value<'c, 'a>; 2],
    /// How far the places are apart: 1 or 2.
    apart: i64,
}

impl<'c, 'a> Pieces<'c, 'a> {
    fn new(
        shape: &Shape<'c>,
        e: &Emitter<'c, 'a>,
        places: Value<'c, 'a>,
        [first, last]: [Value<'c, 'a>; 2],
        apart: i64,
    ) -> Self {
        let begins = [first, e.plus(last, apart * (1 - shape.schedule().lanes))];
        Self {
            masks: begins.map(|begin| is_run(shape, e, places, begin, apart)),
            begins,
            apart,
        }
    }

    /// Whether they have all lanes.
    fn are_all(&self, shape: &Shape<'c>, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        all(e, e.op("arith.ori", &self.masks, shape.mask))
    }

    /// A piece of a row.
    fn load(
        &self,
        shape: &Shape<'c>,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        (row, piece): (Value<'c, 'a>, usize),
    ) -> Value<'c, 'a> {
        let (at, mask) = (e.add(row, self.begins[piece]), self.masks[piece]);
        if self.apart == 1 {
            return shape.masked_load(e, x.b, &[at], mask);
        }
        // What lies between the places may not be there behind the last.
        let lanes = 2 * shape.schedule().lanes;
        let none = e.attr(&format!("dense<false> : {}", shape.mask));
        let none = e.constant(shape.mask, none);
        let pairs = e.ty(&format!("vector<{lanes}xi1>"));
        let mask = e.op("vector.interleave", &[mask, none], pairs);
        let loaded = shape.load_lanes(e, x.b, &[at], Some(mask), lanes);
        let halves = [shape.vector; 2];
        let parts = e.build("vector.deinterleave", &[loaded], &halves, &[], vec![]);
        linalg::results(parts)[0]
    }
}

/// A register of columns in the packed block.
struct Column<'c, 'a> {
    /// The sliver.
    s: Value<'c, 'a>,
    /// The first column's place in the table of columns.
    at: Value<'c, 'a>,
    /// The first column in the sliver.
    offset: i64,
}

/// Packs a register of columns for all rows, as many rows at a time as it has lanes.
fn squares<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    (block, tables): (&BlockOfB<'c, 'a>, &Tables<'c, 'a>),
    (column, places): (&Column<'c, 'a>, Value<'c, 'a>),
) {
    let lanes = shape.schedule().lanes;
    let row = |e: &Emitter<'c, 'a>, k| e.op("memref.load", &[tables.rows, k], e.index_type());
    let store = |e: &Emitter<'c, 'a>, k, value| {
        let to = [column.s, k, e.index(column.offset)];
        shape.store(e, value, x.packed(), &to);
    };
    e.loop_to(block.kb, lanes, |e, k| {
        let end = e.plus(k, lanes);
        let first = row(e, k);
        // Rows beyond the last are in the table, whatever they are.
        let found = load_places(shape, e, tables.rows, k);
        let same = all(e, is_run(shape, e, found, first, 1));
        let whole = e.cmp(Int::Sle, end, block.kb);
        let square = e.op("arith.andi", &[same, whole], e.int_type(1));
        e.if_else(
            square,
            &[],
            |e| {
                let read = |c| {
                    let at = [tables.columns, e.plus(column.at, c)];
                    let place = e.op("memref.load", &at, e.index_type());
                    shape.load(e, x.b, &[e.add(first, place)])
                };
                let columns = (0..lanes).map(read).collect();
                let rows = transpose(e, columns, shape.vector, shape.kernel.bits() as usize);
                for (i, value) in rows.into_iter().enumerate() {
                    store(e, e.plus(k, i as i64), value);
                }
                vec![]
            },
            |e| {
                e.for_loop((k, e.min(end, block.kb), e.index(1)), &[], |e, k, _| {
                    let value = shape.gather(e, x.b, row(e, k), places);
                    store(e, k, value);
                    vec![]
                });
                vec![]
            },
        );
    });
}
