//! Kernels for one row, y = x B: bound by the memory of B, which they read once and in order, without packing.

use super::kernel::{Arguments, Shape};
use crate::emit::{Emitter, Int};
use melior::ir::{Value, ValueLike};

/// Rows of B, or of its columns, that are read side by side.
const STREAMS: i64 = 8;

/// B of K rows: some rows of B at a time are added to y, which stays in L1.
pub(super) fn by_rows<'c, 'a>(shape: &Shape<'c>, e: &Emitter<'c, 'a>, x: &Arguments<'c, 'a>) {
    let zero = e.index(0);
    let empty = e.op("arith.xori", &[x.accumulate, yes(e)], e.int_type(1));
    e.if_then(empty, |e| {
        let value = shape.zero(e);
        over_columns(shape, e, x, &mut |e, j, mask| match mask {
            Some(mask) => shape.masked_store(e, value, x.c, &[zero, j], mask),
            None => shape.store(e, value, x.c, &[zero, j]),
        });
    });
    let streams = e.index(STREAMS);
    let end = e.mul(e.div(x.k, streams), streams);
    e.loop_to(end, STREAMS, |e, k| rows(shape, e, x, k, STREAMS));
    e.for_loop((end, x.k, e.index(1)), &[], |e, k, _| {
        rows(shape, e, x, k, 1);
        vec![]
    });
}

fn yes<'c, 'a>(e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
    e.constant(e.int_type(1), e.attr("true"))
}

/// Adds `count` rows of B from k.
fn rows<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    k: Value<'c, 'a>,
    count: i64,
) {
    let zero = e.index(0);
    let rows: Vec<_> = (0..count).map(|r| e.plus(k, r)).collect();
    let factor = |row: &Value<'c, 'a>| {
        let at = match shape.kernel.layout.a_by_k {
            true => [*row, zero],
            false => [zero, *row],
        };
        let scalar = shape.scalar(e, x.a, &at);
        e.op("vector.broadcast", &[scalar], shape.vector)
    };
    let factors: Vec<_> = rows.iter().map(factor).collect();
    over_columns(shape, e, x, &mut |e, j, mask| {
        // Two chains, that hide each other's latency.
        let mut sums = [shape.load_where(e, x.c, &[zero, j], mask), shape.zero(e)];
        for (i, (row, factor)) in rows.iter().zip(&factors).enumerate() {
            let value = shape.load_where(e, x.b, &[*row, j], mask);
            if mask.is_none() {
                shape.prefetch(
                    e,
                    x.b.memref,
                    &[*row, e.plus(j, 4 * shape.schedule().lanes)],
                    3,
                );
            }
            sums[i % 2] = shape.fma(e, *factor, value, sums[i % 2]);
        }
        let sum = match count {
            1 => sums[0],
            _ => shape.plus(e, sums[0], sums[1], shape.vector),
        };
        match mask {
            Some(mask) => shape.masked_store(e, sum, x.c, &[zero, j], mask),
            None => shape.store(e, sum, x.c, &[zero, j]),
        }
    });
}

type OnColumns<'f, 'c, 'a> =
    &'f mut dyn FnMut(&Emitter<'c, 'a>, Value<'c, 'a>, Option<Value<'c, 'a>>);

/// All columns, a register at a time; the last ones with a mask.
fn over_columns<'c, 'a>(
    shape: &Shape<'c>,
    e: &Emitter<'c, 'a>,
    x: &Arguments<'c, 'a>,
    body: OnColumns<'_, 'c, 'a>,
) {
    let lanes = shape.schedule().lanes;
    let end = e.mul(e.div(x.n, e.index(lanes)), e.index(lanes));
    e.loop_to(end, lanes, |e, j| body(e, j, None));
    let left = e.sub(x.n, end);
    let some = e.cmp(Int::Sgt, left, e.index(0));
    e.if_then(some, |e| {
        let mask = shape.first(e, left);
        body(e, end, Some(mask));
    });
}

/// B of N rows: some dot products side by side.
pub(super) fn by_columns<'c, 'a>(shape: &Shape<'c>, e: &Emitter<'c, 'a>, x: &Arguments<'c, 'a>) {
    let (zero, lanes) = (e.index(0), shape.schedule().lanes);
    let last = e.sub(x.n, e.index(1));
    let end = e.mul(e.div(x.k, e.index(lanes)), e.index(lanes));
    let left = e.sub(x.k, end);
    let tail = shape.first(e, left);
    let none = shape.zeros_of(e, STREAMS);
    let results = none.r#type();
    let bits = e.ty(&format!("vector<{STREAMS}xi1>"));
    e.loop_to(x.n, STREAMS, |e, n| {
        let rows: Vec<_> = (0..STREAMS).map(|r| e.min(e.plus(n, r), last)).collect();
        let zeros = vec![shape.zero(e); STREAMS as usize];
        let steps = (zero, end, e.index(lanes));
        let sums = e.for_loop(steps, &zeros, |e, k, sums| {
            let factor = shape.load(e, x.a, &[zero, k]);
            let add = |(row, sum): (&Value<'c, 'a>, &Value<'c, 'a>)| {
                let value = shape.load(e, x.b, &[*row, k]);
                shape.fma(e, factor, value, *sum)
            };
            rows.iter().zip(sums).map(add).collect()
        });
        let factor = shape.masked_load(e, x.a, &[zero, end], tail);
        let add = e.attr("#vector.kind<add>");
        let any_order = e.attr("#arith.fastmath<reassoc>");
        let total = |(row, sum): (&Value<'c, 'a>, &Value<'c, 'a>)| {
            let value = shape.masked_load(e, x.b, &[*row, end], tail);
            let sum = shape.fma(e, factor, value, *sum);
            let attributes = [("kind", add), ("fastmath", any_order)];
            e.op_with("vector.reduction", &[sum], shape.element, &attributes)
        };
        let totals: Vec<_> = rows.iter().zip(&sums).map(total).collect();
        let totals = e.op("vector.from_elements", &totals, results);
        let inside = e.op("vector.create_mask", &[e.sub(x.n, n)], bits);
        let adding = e.op("vector.broadcast", &[x.accumulate], bits);
        let read = e.op("arith.andi", &[adding, inside], bits);
        let old = e.op("vector.maskedload", &[x.c, zero, n, read, none], results);
        let sum = shape.plus(e, totals, old, results);
        e.effect("vector.maskedstore", &[x.c, zero, n, inside, sum], &[]);
    });
}
