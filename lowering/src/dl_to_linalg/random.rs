//! Threefry-2x32 bits, laid out as JAX's partitionable ones.
//! Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).

use super::{
    Lowering, Mapped,
    shape::extract,
    sizes::{product, result_dims},
};
use crate::{emit::Emitter, linalg, scalar};
use dlc_dialects::{
    ir::shape::{self, width},
    ops,
};
use melior::ir::{Type, Value, ValueLike};

/// Rotations of the rounds, in turns of four.
const ROTATIONS: [[i64; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];

/// The parity constant of the key schedule.
const PARITY: &str = "466688986";

impl<'c, 'a> Lowering<'c, 'a> {
    /// Bits of a key; an element's place in row-major order is its counter.
    pub(super) fn random_bits(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::RandomBits<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        let element = shape::element(ty);
        let key = self.get(op.key());
        let key = self.tensor(e, &key);
        let batch = shape::shape_of(op.key()).len() - 1;
        // The words of a single key are read once.
        let single = (batch == 0).then(|| [0, 1].map(|i| extract(e, key, &[e.index(i)])));
        // Elements that one step of each axis passes.
        let strides = (0..dims.len()).map(|axis| product(&dims[axis + 1..]));
        let strides = strides
            .map(|stride| self.sizes.value(e, &stride))
            .collect::<Vec<_>>();
        self.generated(e, dims, element, |e| {
            let i64 = e.int_type(64);
            let words = || {
                let of = (0..batch).map(|axis| linalg::index(e, axis));
                let of = of.collect::<Vec<_>>();
                [0, 1].map(|i| extract(e, key, &[of.as_slice(), &[e.index(i)]].concat()))
            };
            let words = single.unwrap_or_else(words);
            let places = strides.iter().enumerate().skip(batch);
            let places = places.map(|(axis, stride)| {
                let index = linalg::index(e, axis);
                match axis + 1 == strides.len() {
                    true => index,
                    false => e.mul(index, *stride),
                }
            });
            let place = places
                .reduce(|a, b| e.add(a, b))
                .unwrap_or_else(|| e.index(0));
            let counter = e.op("arith.index_cast", &[place], i64);
            let high = e.op("arith.shrui", &[counter, scalar::number(e, i64, "32")], i64);
            let [high, low] =
                [high, counter].map(|half| e.op("arith.trunci", &[half], e.int_type(32)));
            let [high, low] = threefry(e, words, [high, low]);
            let ty = scalar::register_type(e, element);
            match width(ty) {
                64 => {
                    let [high, low] = [high, low].map(|half| e.op("arith.extui", &[half], i64));
                    let high = e.op("arith.shli", &[high, scalar::number(e, i64, "32")], i64);
                    e.op("arith.ori", &[high, low], i64)
                }
                32 => e.op("arith.xori", &[high, low], ty),
                _ => e.op(
                    "arith.trunci",
                    &[e.op("arith.xori", &[high, low], high.r#type())],
                    ty,
                ),
            }
        })
    }
}

/// Twenty rounds on a counter of two words.
fn threefry<'c, 'a>(
    e: &Emitter<'c, 'a>,
    key: [Value<'c, 'a>; 2],
    counter: [Value<'c, 'a>; 2],
) -> [Value<'c, 'a>; 2] {
    let ty = e.int_type(32);
    let xor = |a, b| e.op("arith.xori", &[a, b], ty);
    let third = xor(xor(key[0], key[1]), scalar::number(e, ty, PARITY));
    let keys = [key[0], key[1], third];
    let mut x = [e.add(counter[0], key[0]), e.add(counter[1], key[1])];
    for group in 0..5 {
        for by in ROTATIONS[group % 2] {
            x[0] = e.add(x[0], x[1]);
            let left = e.op(
                "arith.shli",
                &[x[1], scalar::number(e, ty, &by.to_string())],
                ty,
            );
            let right = scalar::number(e, ty, &(32 - by).to_string());
            let right = e.op("arith.shrui", &[x[1], right], ty);
            x[1] = xor(e.op("arith.ori", &[left, right], ty), x[0]);
        }
        x[0] = e.add(x[0], keys[(group + 1) % 3]);
        let round = scalar::number(e, ty, &(group + 1).to_string());
        x[1] = e.add(x[1], e.add(keys[(group + 2) % 3], round));
    }
    x
}
