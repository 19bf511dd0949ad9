//! Copies that kernels read: slivers of A in L1, slivers of B in L2.

use super::{
    blocks::BlockOfB,
    kernel::{Arguments, Kernel, Shape},
    transpose::transpose,
};
use crate::emit::{Emitter, Int};
use melior::ir::Value;

/// Text of the memref type of a sliver of A: by k, or rows as they stand in memory.
pub fn sliver_type(kernel: &Kernel) -> String {
    let (height, kc, lanes) = (
        kernel.schedule.rows,
        kernel.schedule.kc,
        kernel.schedule.lanes,
    );
    // 64 bytes more keep the rows off each other's cache sets.
    let padded = kc + 512 / kernel.bits();
    match kernel.sliver_by_k() {
        // Whole registers are written, of which the last go beyond.
        true => {
            let steps = (kc + lanes - 1) / lanes * lanes + (lanes + height - 1) / height;
            format!("memref<{steps}x{height}x{}>", kernel.numbers.sum.ty())
        }
        false => format!("memref<{height}x{padded}x{}>", kernel.numbers.sum.ty()),
    }
}

/// Packs a block of B; of one that is read in place, the last sliver if it is not full.
pub(super) fn block<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
) {
    let columns = shape.schedule().columns();
    if shape.kernel.layout.b_by_n {
        e.loop_to(block.slivers(e, shape.schedule()), 1, |e, s| {
            transposed_sliver(shape, e, x, block, s)
        });
        return;
    }
    let whole = e.div(block.nb, e.index(columns));
    let lanes = shape.schedule().lanes;
    let copied = e.select(x.in_place, e.index(0), block.kb);
    over_steps(shape, e, x, block, copied, &mut |e, k, full| {
        let row = e.add(block.pc, k);
        e.loop_to(whole, 1, |e, s| {
            let j = e.add(block.jc, e.mul(s, e.index(columns)));
            for offset in shape.offsets() {
                let at = [row, e.plus(j, offset)];
                let value = shape.across_k(e, x, x.b, at, None, (lanes, full));
                shape.store(e, value, x.packed(), &[s, k, e.index(offset)]);
            }
        });
    });
    let partial = e.cmp(Int::Ult, whole, block.slivers(e, shape.schedule()));
    e.if_then(partial, |e| {
        let j = e.add(block.jc, e.mul(whole, e.index(columns)));
        let left = e.sub(x.n, j);
        let offsets: Vec<_> = (0..shape.schedule().across).map(|v| v * lanes).collect();
        let masks: Vec<_> = offsets
            .iter()
            .map(|offset| shape.first(e, e.plus(left, -offset)))
            .collect();
        over_steps(shape, e, x, block, block.kb, &mut |e, k, full| {
            let row = e.add(block.pc, k);
            for (offset, mask) in offsets.iter().zip(&masks) {
                let at = [row, e.plus(j, *offset)];
                let value = shape.across_k(e, x, x.b, at, Some(*mask), (lanes, full));
                shape.store(e, value, x.packed(), &[whole, k, e.index(*offset)]);
            }
        });
    });
}

type OnStep<'f, 'c, 'a> = &'f mut dyn FnMut(&Emitter<'c, 'a>, Value<'c, 'a>, bool);

/// The first `count` steps of a block one by one, and whether each number of a step is there: what is missing of a word at
/// the end of k costs something.
fn over_steps<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    count: Value<'c, 'a>,
    body: OnStep<'_, 'c, 'a>,
) {
    if shape.kernel.dot.is_none() {
        e.loop_to(count, 1, |e, k| body(e, k, true));
        return;
    }
    let whole = shape.whole_steps(e, x, block);
    e.loop_to(whole, 1, |e, k| body(e, k, true));
    e.for_loop((whole, count, e.index(1)), &[], |e, k, _| {
        body(e, k, false);
        vec![]
    });
}

/// One sliver of a B with N rows, by squares of registers. Rows beyond N repeat the last, k beyond K are zeros that
/// no one reads.
fn transposed_sliver<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    s: Value<'c, 'a>,
) {
    let (lanes, columns) = (shape.schedule().lanes, shape.schedule().columns());
    let j = e.add(block.jc, e.mul(s, e.index(columns)));
    let last = e.sub(x.n, e.index(1));
    let rows: Vec<_> = (0..columns).map(|c| e.min(e.plus(j, c), last)).collect();
    over_k(shape, e, x, block, &mut |e, k, mask| {
        let at = e.add(block.pc, k);
        for (v, rows) in rows.chunks(lanes as usize).enumerate() {
            let read = |row: &Value<'c, 'a>| shape.along_k(e, x, x.b, [*row, at], mask);
            let square = rows.iter().map(read).collect();
            let square = transpose(e, square, shape.vector, shape.kernel.bits() as usize);
            for (c, value) in square.iter().enumerate() {
                let to = [s, e.plus(k, c as i64), e.index(v as i64 * lanes)];
                shape.store(e, *value, x.packed(), &to);
            }
        }
    });
}

type OnK<'f, 'c, 'a> = &'f mut dyn FnMut(&Emitter<'c, 'a>, Value<'c, 'a>, Option<Value<'c, 'a>>);

/// All k of a block, a register at a time: under masks where those cost little, which halves the code; else the last
/// ones alone under a mask.
fn over_k<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    body: OnK<'_, 'c, 'a>,
) {
    let lanes = shape.schedule().lanes;
    if shape.masks_cost_little() {
        e.loop_to(block.kb, lanes, |e, k| {
            let mask = shape.first(e, e.sub(block.kb, k));
            body(e, k, Some(mask));
        });
        return;
    }
    let whole = shape.whole_steps(e, x, block);
    let end = e.mul(e.div(whole, e.index(lanes)), e.index(lanes));
    e.loop_to(end, lanes, |e, k| body(e, k, None));
    let left = e.sub(block.kb, end);
    let some = e.cmp(Int::Sgt, left, e.index(0));
    e.if_then(some, |e| {
        let mask = shape.first(e, left);
        body(e, end, Some(mask));
    });
}

/// The sliver of `height` rows of A from row `i`, `kb` long.
pub(super) fn rows<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    sliver: Value<'c, 'a>,
    i: Value<'c, 'a>,
    height: i64,
) {
    if shape.kernel.layout.a_by_k {
        return columns_of_a(shape, e, x, block, sliver, i, height);
    }
    let rows = rows_from(e, x, i, height);
    if shape.kernel.turn_a {
        return turned_rows(shape, e, x, block, sliver, &rows);
    }
    over_k(shape, e, x, block, &mut |e, k, mask| {
        let at = e.add(block.pc, k);
        // Every load before any store, against false dependences between rows 4 KiB apart.
        let read = |row: &Value<'c, 'a>| shape.along_k(e, x, x.a, [*row, at], mask);
        let values: Vec<_> = rows.iter().map(read).collect();
        for (r, value) in values.iter().enumerate() {
            shape.store(e, *value, sliver, &[e.index(r as i64), k]);
        }
    });
}

/// `height` rows of A from row `i`; the last one instead of those beyond it.
pub(super) fn rows_from<'c, 'a>(
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    i: Value<'c, 'a>,
    height: i64,
) -> Vec<Value<'c, 'a>> {
    let last = e.sub(x.m, e.index(1));
    (0..height).map(|r| e.min(e.plus(i, r), last)).collect()
}

/// The same, by k: squares of registers are transposed, of which rows that are missing are zeros. Each register that is
/// written goes beyond its step of k where the next one begins, so steps are written in order.
fn turned_rows<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    sliver: Value<'c, 'a>,
    rows: &[Value<'c, 'a>],
) {
    let lanes = shape.schedule().lanes as usize;
    over_k(shape, e, x, block, &mut |e, k, mask| {
        let at = e.add(block.pc, k);
        let square = |rows: &[Value<'c, 'a>]| {
            let mut square = rows
                .iter()
                .map(|row| shape.along_k(e, x, x.a, [*row, at], mask))
                .collect::<Vec<_>>();
            square.resize(lanes, shape.zero(e));
            transpose(e, square, shape.vector, shape.kernel.bits() as usize)
        };
        let squares = rows.chunks(lanes).map(square).collect::<Vec<_>>();
        for step in 0..lanes {
            for (part, square) in squares.iter().enumerate() {
                let to = [
                    sliver,
                    e.plus(k, step as i64),
                    e.index((part * lanes) as i64),
                ];
                shape.store(e, square[step], to[0], &to[1..]);
            }
        }
    });
}

/// The same from an A with K rows: a piece of each.
fn columns_of_a<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    block: &BlockOfB<'c, 'a>,
    sliver: Value<'c, 'a>,
    i: Value<'c, 'a>,
    height: i64,
) {
    let left = e.sub(x.m, i);
    let whole = e.cmp(Int::Sge, left, e.index(height));
    let copy = |e: &Emitter<'c, 'a>, mask: Option<Value<'c, 'a>>| {
        over_steps(shape, e, x, block, block.kb, &mut |e, k, full| {
            let row = e.add(block.pc, k);
            let value = shape.across_k(e, x, x.a, [row, i], mask, (height, full));
            e.effect("vector.store", &[value, sliver, k, e.index(0)], &[]);
        });
        vec![]
    };
    e.if_else(
        whole,
        &[],
        |e| copy(e, None),
        |e| {
            let mask = e.op(
                "vector.create_mask",
                &[left],
                e.ty(&format!("vector<{height}xi1>")),
            );
            copy(e, Some(mask))
        },
    );
}
