//! The packing of a B whose elements lie anywhere, such as windows that overlap: the offsets of the rows and of the
//! columns of a block are counted out once, and each register of columns is then read row by row, in one or two pieces
//! where its elements lie side by side. Where instead the elements of a column do, squares of registers are read along
//! columns and transposed; what is left is read one by one.

use super::{
    contraction::SUM_AXES,
    kernel::{Arguments, BlockOfB, Shape},
    transpose::transpose,
};
use crate::emit::{Emitter, Int};
use melior::ir::Value;

/// Offsets of the rows and columns of a block, on the stack.
pub(super) struct Tables<'c, 'a> {
    rows: Value<'c, 'a>,
    columns: Value<'c, 'a>,
}

impl<'c, 'a> Tables<'c, 'a> {
    pub fn new(shape: &Shape<'c>, e: &Emitter<'c, 'a>) -> Self {
        let table = |length: i64| e.stack(&format!("memref<{length}xindex>"));
        Self {
            rows: table(shape.schedule().kc),
            columns: table(shape.schedule().nc),
        }
    }

    /// Whether a sliver is read where it stands: its columns lie side by side in all rows, and few rows of A share them.
    pub fn in_place(
        &self,
        shape: &Shape<'c>,
        e: &Emitter<'c, 'a>,
        x: &Arguments<'c, 'a>,
        s: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let width = shape.schedule().columns();
        let first = e.mul(s, e.index(width));
        let place = |at| e.op("memref.load", &[self.columns, at], e.index_type());
        let run = e.sub(place(e.plus(first, width - 1)), place(first));
        let dense = e.cmp(Int::Eq, run, e.index(width - 1));
        e.op("arith.andi", &[x.in_place, dense], e.int_type(1))
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

/// Packs all slivers of a block. Columns beyond the last repeat it.
pub(super) fn block<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    tables: &Tables<'c, 'a>,
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
    let end = e.mul(block.slivers, e.index(width));
    e.for_loop((block.nb, end, e.index(1)), &[], |e, j, _| {
        e.effect("memref.store", &[last, tables.columns, j], &[]);
        vec![]
    });
    e.loop_to(block.slivers, 1, |e, s| {
        let packed = e.op(
            "arith.xori",
            &[
                tables.in_place(shape, e, x, s),
                e.constant(e.int_type(1), e.attr("true")),
            ],
            e.int_type(1),
        );
        e.if_then(packed, |e| {
            for offset in shape.offsets() {
                register(shape, e, x, (block, tables), (s, offset));
            }
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

/// Packs one register of columns of a sliver, for all rows.
fn register<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    (block, tables): (&BlockOfB<'c, 'a>, &Tables<'c, 'a>),
    (s, offset): (Value<'c, 'a>, i64),
) {
    let (lanes, columns) = (shape.schedule().lanes, shape.schedule().columns());
    let indices = e.ty(&format!("vector<{lanes}xindex>"));
    let at = e.plus(e.mul(s, e.index(columns)), offset);
    let places = e.op("vector.load", &[tables.columns, at], indices);
    let place = |at| e.op("memref.load", &[tables.columns, at], e.index_type());
    let (first, last) = (place(at), place(e.plus(at, lanes - 1)));
    let before_last = e.plus(last, 1 - lanes);
    let steps = e.op("vector.step", &[], indices);
    let spread = |value| e.op("vector.broadcast", &[value], indices);
    let same = |from| {
        let run = e.add(spread(from), steps);
        // `eq` in arith's numbering.
        let predicate = [("predicate", e.attr("0 : i64"))];
        e.op_with("arith.cmpi", &[places, run], shape.mask, &predicate)
    };
    let (head, tail) = (same(first), same(before_last));
    let either = e.op("arith.ori", &[head, tail], shape.mask);
    let kind = [("kind", e.attr("#vector.kind<and>"))];
    let pieces = e.op_with("vector.reduction", &[either], e.int_type(1), &kind);
    let rows = |e: &Emitter<'c, 'a>,
                read: &dyn Fn(&Emitter<'c, 'a>, Value<'c, 'a>) -> Value<'c, 'a>| {
        e.loop_to(block.kb, 1, |e, k| {
            let row = e.op("memref.load", &[tables.rows, k], e.index_type());
            let value = read(e, row);
            shape.store(e, value, x.packed(), &[s, k, e.index(offset)]);
        });
        vec![]
    };
    e.if_else(
        pieces,
        &[],
        |e| {
            rows(e, &|e, row| {
                let one = shape.masked_load(e, x.b, &[e.add(row, first)], head);
                let operands = [x.b, e.add(row, before_last), tail, one];
                e.op("vector.maskedload", &operands, shape.vector)
            })
        },
        |e| {
            let column = Column { s, at, offset };
            squares(shape, e, x, (block, tables), (&column, places));
            vec![]
        },
    );
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
    let indices = e.ty(&format!("vector<{lanes}xindex>"));
    let all = e.constant(shape.mask, e.attr(&format!("dense<true> : {}", shape.mask)));
    let steps = e.op("vector.step", &[], indices);
    let row = |e: &Emitter<'c, 'a>, k| e.op("memref.load", &[tables.rows, k], e.index_type());
    let store = |e: &Emitter<'c, 'a>, k, value| {
        let to = [column.s, k, e.index(column.offset)];
        shape.store(e, value, x.packed(), &to);
    };
    e.loop_to(block.kb, lanes, |e, k| {
        let end = e.plus(k, lanes);
        let first = row(e, k);
        // Rows beyond the last are in the table, whatever they are.
        let found = e.op("vector.load", &[tables.rows, k], indices);
        let first_of_all = e.op("vector.broadcast", &[first], indices);
        let run = e.add(first_of_all, steps);
        let predicate = [("predicate", e.attr("0 : i64"))];
        let same = e.op_with("arith.cmpi", &[found, run], shape.mask, &predicate);
        let kind = [("kind", e.attr("#vector.kind<and>"))];
        let same = e.op_with("vector.reduction", &[same], e.int_type(1), &kind);
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
                let rows = transpose(e, columns, shape.vector, shape.kernel.bits as usize);
                for (i, value) in rows.into_iter().enumerate() {
                    store(e, e.plus(k, i as i64), value);
                }
                vec![]
            },
            |e| {
                e.for_loop((k, e.min(end, block.kb), e.index(1)), &[], |e, k, _| {
                    let operands = [x.b, row(e, k), places, all, shape.zero(e)];
                    let value = e.op("vector.gather", &operands, shape.vector);
                    store(e, k, value);
                    vec![]
                });
                vec![]
            },
        );
    });
}
