//! Where the greatest or smallest element lies, for GPUs: the greatest of numbers that hold an element's key above its index, which
//! threads can look for in parts, in any order.

use super::{Lowering, Mapped, sort::key_of};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
    scalar::{self, cmpi, number},
    schedule::Target,
};
use dlc_abi::dim::Poly;
use dlc_dialects::ir::shape::{ElementClass, class, width};
use melior::ir::{Type, Value, ValueLike};

/// Bits of an index.
const INDEX: u32 = 32;
/// What turns indices around, so that the first of equal elements is the greatest.
const TURN: &str = "4294967295";

/// Whether elements are so short that a key and an index are one number, where that is of use.
pub(super) fn packs(lowering: &Lowering, e: &Emitter, element: Type) -> bool {
    let bits = width(scalar::storage_type(e, element));
    bits <= INDEX && Target::of(lowering.function).gpu > 0
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Indices of the first of the greatest or smallest elements along an axis; a NaN is both.
    pub(super) fn packed_arg_reduce(
        &mut self,
        e: &Emitter<'c, 'a>,
        x: &Mapped<'c, 'a>,
        (kind, axis): (&str, usize),
        dims: Vec<Poly>,
    ) -> Mapped<'c, 'a> {
        let (long, i32) = (e.int_type(64), e.int_type(32));
        let iterators = (0..x.rank()).map(|i| match i == axis {
            true => Iterator::Reduction,
            false => Iterator::Parallel,
        });
        // Below all keys, and the first index.
        let least = number(
            e,
            long,
            &(i64::from(i32::MIN) << INDEX | 0xffff_ffff).to_string(),
        );
        let start = linalg::fill(e, least, self.empty(e, &dims, long));
        let generic = Generic {
            iterators: iterators.collect(),
            inputs: vec![Access {
                value: self.tensor(e, x),
                loops: (0..x.rank()).collect(),
            }],
            outputs: vec![Access {
                value: start,
                loops: (0..x.rank()).filter(|i| *i != axis).collect(),
            }],
            attributes: vec![],
        };
        let greatest = generic.build(e, |e, arguments| {
            let key = key_of(e, x.element, arguments[0]);
            let key = match kind {
                "argmax" => key,
                _ => turned(e, x.element, key),
            };
            let key = e.op("arith.extsi", &[key], long);
            let key = e.op("arith.shli", &[key, number(e, long, "32")], long);
            let place = e.op("arith.index_cast", &[linalg::index(e, axis)], long);
            let place = e.op("arith.xori", &[place, number(e, long, TURN)], long);
            let packed = e.op("arith.ori", &[key, place], long);
            vec![e.op("arith.maxsi", &[arguments[1], packed], long)]
        })[0];
        let greatest = self.made(e, long, dims.clone(), greatest);
        let loops = (0..dims.len()).collect();
        self.parallel(e, vec![(greatest, loops)], dims, i32, |e, x| {
            let place = e.op("arith.xori", &[x[0], number(e, long, TURN)], long);
            e.op("arith.trunci", &[place], i32)
        })
    }
}

/// The key that is greater the smaller the element is; that of a NaN stays the greatest.
fn turned<'c, 'a>(e: &Emitter<'c, 'a>, element: Type<'c>, key: Value<'c, 'a>) -> Value<'c, 'a> {
    let ty = key.r#type();
    let turned = e.op("arith.xori", &[key, number(e, ty, "-1")], ty);
    match class(element) {
        ElementClass::Float => {
            let greatest = (1i128 << (width(ty) - 1)) - 1;
            let nan = cmpi(e, "eq", key, number(e, ty, &greatest.to_string()));
            e.select(nan, key, turned)
        }
        _ => turned,
    }
}
