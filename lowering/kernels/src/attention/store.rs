//! Storing fragments of results.

use super::matrix::offset;
use crate::program::{Element, Matrix};
use crate::text::{Function, Value};

/// Stores a lane's pairs of a row (`i64`): at columns `column` (`i32`, even) and the next, then those 8 further, and so on, up to so
/// many columns.
pub(super) fn row(
    f: &mut Function,
    matrix: &Matrix,
    row: &Value,
    (column, columns): (&Value, i64),
    pairs: &[Vec<Value>],
) {
    let element = matrix.element;
    let bytes = element.bytes();
    let at = f.mul(row, &matrix.pitch);
    let wide = f.cast("arith.extui", column, "i64");
    let at = f.add(&at, &wide);
    let first = f.place(&matrix.pointer, element.stored(), &at);
    let mut paired = matrix.is_aligned(f, 2 * bytes);
    if columns % 2 == 1 {
        paired = f.int(0, "i1");
    }
    f.choose(
        &paired,
        &[],
        |f| {
            for (at, pair) in (0..).zip(pairs) {
                inside(f, column, columns - 8 * at, |f| {
                    let place = offset(f, &first, 8 * at * bytes);
                    store_pair(f, element, &place, pair);
                });
            }
            vec![]
        },
        |f| {
            for (at, pair) in (0..).zip(pairs) {
                for (next, number) in (0..).zip(pair) {
                    inside(f, column, columns - 8 * at - next, |f| {
                        let place = offset(f, &first, (8 * at + next) * bytes);
                        store_number(f, element, &place, number);
                    });
                }
            }
            vec![]
        },
    );
}

/// Does something where a lane's column is less than so many.
fn inside(f: &mut Function, column: &Value, columns: i64, body: impl FnOnce(&mut Function)) {
    // The largest column of a lane is 6.
    if columns > 6 {
        return body(f);
    }
    let columns = f.i32(columns);
    let is_inside = f.cmp("slt", column, &columns);
    f.when(&is_inside, body);
}

fn store_pair(f: &mut Function, element: Element, place: &Value, pair: &[Value]) {
    if element != Element::F32 {
        let packed = super::warp::pack(f, element, &pair[0], &pair[1]);
        return f.store(&packed, place, 4);
    }
    let mut vector = f.float("0.0", "vector<2xf32>");
    for (at, number) in (0..).zip(pair) {
        let at = f.i32(at);
        vector = f.op(
            &format!("llvm.insertelement {number}, {vector}[{at} : i32] : vector<2xf32>"),
            "vector<2xf32>",
        );
    }
    f.store(&vector, place, 8);
}

fn store_number(f: &mut Function, element: Element, place: &Value, number: &Value) {
    if element == Element::F32 {
        return f.store(number, place, 4);
    }
    let packed = super::warp::pack(f, element, number, number);
    let low = f.cast("arith.trunci", &packed, "i16");
    f.store(&low, place, 2);
}
