//! Transposition of a square of registers by shuffles that are one instruction each.

use crate::emit::Emitter;
use melior::ir::{Type, Value, attribute::DenseI64ArrayAttribute};

/// Transposes `rows`, as many vectors as each has elements of `bits`.
///
/// First within 128-bit lanes, by interleaving the low or high halves of two rows; then whole lanes, by gathering
/// the even or odd lanes of two rows. Each round of either kind undoes one bit of the index, so that the last
/// round leaves the columns in order.
pub fn transpose<'c, 'a>(
    e: &Emitter<'c, 'a>,
    mut rows: Vec<Value<'c, 'a>>,
    vector: Type<'c>,
    bits: usize,
) -> Vec<Value<'c, 'a>> {
    let n = rows.len();
    let lane = (128 / bits).min(n);
    let lanes = n / lane;
    let shuffle = |a, b, mask: &[i64]| {
        let mask = DenseI64ArrayAttribute::new(e.context(), mask).into();
        e.op_with("vector.shuffle", &[a, b], vector, &[("mask", mask)])
    };
    // Positions that interleave one half of every lane of both rows.
    let interleave = |high: usize| -> Vec<i64> {
        let one = |i: usize| {
            let (base, within) = (i / lane * lane, i % lane);
            base + high * lane / 2 + within / 2 + within % 2 * n
        };
        (0..n).map(|i| one(i) as i64).collect()
    };
    let mut width = 1;
    while width < lane {
        let mut next = rows.clone();
        for group in (0..n).step_by(lane) {
            for i in 0..lane / 2 {
                let (a, b) = (rows[group + i], rows[group + i + lane / 2]);
                next[group + 2 * i] = shuffle(a, b, &interleave(0));
                next[group + 2 * i + 1] = shuffle(a, b, &interleave(1));
            }
        }
        rows = next;
        width *= 2;
    }
    // Row `group·lane + j` now holds, in its lane q, column `q·lane + j` of the group's rows.
    let gather = |odd: usize| -> Vec<i64> {
        let one = |i: usize| {
            let (q, within) = (i / lane, i % lane);
            let (row, q) = (q / (lanes / 2), q % (lanes / 2));
            row * n + (2 * q + odd) * lane + within
        };
        (0..n).map(|i| one(i) as i64).collect()
    };
    let mut width = 1;
    while width < lanes {
        let mut next = rows.clone();
        for i in 0..lanes / 2 {
            for j in 0..lane {
                let (a, b) = (rows[2 * i * lane + j], rows[(2 * i + 1) * lane + j]);
                next[i * lane + j] = shuffle(a, b, &gather(0));
                next[(i + lanes / 2) * lane + j] = shuffle(a, b, &gather(1));
            }
        }
        rows = next;
        width *= 2;
    }
    rows
}
