//! Values of other threads of a warp.

use crate::{emit::Emitter, schedule::gpu::WARP};
use dlc_dialects::ir::shape::width;
use melior::ir::{TypeLike, Value, ValueLike};

/// The thread of a warp that another takes a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// The one whose number differs in one bit.
    Across(i64),
    /// The one so many before it; the first ones keep their own.
    Before(i64),
}

/// A value of another thread of the warp.
pub fn shuffled<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    from: Shuffle,
) -> Value<'c, 'a> {
    let (kind, distance, last) = match from {
        Shuffle::Across(bit) => ("bfly", bit, WARP - 1),
        Shuffle::Before(distance) => ("up", distance, 0),
    };
    let ty = value.r#type();
    let word = e.int_type(32);
    let number = |n: i64| e.constant(word, e.attr(&format!("{n} : i32")));
    let exchange = |piece: Value<'c, 'a>| {
        let kind = [("kind", e.attr(&format!("#nvvm<shfl_kind {kind}>")))];
        let operands = [number(-1), piece, number(distance), number(last)];
        e.op_with("nvvm.shfl.sync", &operands, word, &kind)
    };
    let bits = match ty.is_float() {
        true => e.op("arith.bitcast", &[value], e.int_type(width(ty))),
        false => value,
    };
    let of_bits = bits.r#type();
    let got = match width(ty) {
        64 => {
            let half = e.constant(of_bits, e.attr("32 : i64"));
            let low = e.op("arith.trunci", &[bits], word);
            let high = e.op("arith.shrui", &[bits, half], of_bits);
            let high = e.op("arith.trunci", &[high], word);
            let low = e.op("arith.extui", &[exchange(low)], of_bits);
            let high = e.op("arith.extui", &[exchange(high)], of_bits);
            let high = e.op("arith.shli", &[high, half], of_bits);
            e.op("arith.ori", &[low, high], of_bits)
        }
        32 => exchange(bits),
        _ => {
            let wide = e.op("arith.extui", &[bits], word);
            e.op("arith.trunci", &[exchange(wide)], of_bits)
        }
    };
    match ty.is_float() {
        true => e.op("arith.bitcast", &[got], ty),
        false => got,
    }
}
