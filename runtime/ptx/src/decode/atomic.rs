//! Atomics: what becomes of the old value.

use super::memory::{take_hints, take_strength};
use super::moves::take_space;
use super::{Decoded, Decoder, count_operands};
use crate::float::{BF16, F16, F32, Format, Rounding, add_odd};
use crate::op::{Atomic, Op, Update};
use crate::pure::Opcode;
use crate::syntax::{Operand, Space};
use crate::types::{Type, mask, sign_extend};

impl Decoder<'_> {
    pub(super) fn atomic(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let ty = opcode.ty()?;
        take_strength(opcode);
        let space = take_space(opcode).unwrap_or(Space::Generic);
        let swaps = opcode.take("cas");
        let update = match swaps {
            true => Box::new(|old, expected, new| if old == expected { new } else { old }),
            false => take_update(opcode, ty)?,
        };
        take_hints(opcode);
        opcode.take("noftz");
        opcode.take_any(&[("v2", ()), ("v4", ()), ("v8", ())]);
        let has_result = opcode.name == "atom";
        let wanted = 2 + usize::from(has_result) + usize::from(swaps);
        // A hint for the cache may follow.
        let operands = &operands[..operands.len().min(wanted)];
        count_operands(operands, wanted)?;
        let (result, operands) = match has_result {
            true => (Some(&operands[0]), &operands[1..]),
            false => (None, operands),
        };
        let place = self.place(&operands[0], space)?;
        let values = self.source_list(&operands[1], ty)?;
        self.access(place.space, ty.bytes());
        let second = match operands.get(2) {
            Some(second) => self.source(second, ty)?,
            None => values[0],
        };
        let results = match result {
            Some(result) => {
                let results = self.target_list(result)?;
                if results.len() != values.len() {
                    return Err("as many results as values are expected".to_string());
                }
                Some(results.iter().map(|(slot, _)| *slot).collect())
            }
            None => None,
        };
        Ok(Op::Atomic(Atomic {
            place,
            bytes: ty.bytes() as usize,
            results,
            values,
            second,
            update,
        }))
    }
}

/// Takes an atomic's or a reduction's operation.
pub(super) fn take_update(opcode: &mut Opcode<'_>, ty: Type) -> Decoded<Update> {
    let names = [
        "exch", "and", "or", "xor", "add", "inc", "dec", "min", "max",
    ];
    let Some(name) = names.into_iter().find(|name| opcode.take(name)) else {
        return Err(format!("an operation that `{}` does not have", opcode.name));
    };
    let cut = mask(ty.bits());
    let signed = ty.is_signed();
    let bits = ty.bits();
    let order = move |a: u64| match signed {
        true => sign_extend(a, bits) as i64 as i128,
        false => i128::from(a & cut),
    };
    Ok(match (name, ty) {
        ("exch", _) => Box::new(|_, new, _| new),
        ("and", _) => Box::new(|old, value, _| old & value),
        ("or", _) => Box::new(|old, value, _| old | value),
        ("xor", _) => Box::new(|old, value, _| old ^ value),
        ("inc", Type::U(32)) => Box::new(|old, limit, _| if old >= limit { 0 } else { old + 1 }),
        ("dec", Type::U(32)) => Box::new(|old, limit, _| {
            if old == 0 || old > limit {
                limit
            } else {
                old - 1
            }
        }),
        ("add", Type::F32) => floats(F32, add_odd),
        ("add", Type::F16) => floats(F16, add_odd),
        ("add", Type::Bf16) => floats(BF16, add_odd),
        ("add", Type::F16x2) => halves(floats(F16, add_odd)),
        ("add", Type::Bf16x2) => halves(floats(BF16, add_odd)),
        ("min", Type::F16) => floats(F16, f64::min),
        ("min", Type::Bf16) => floats(BF16, f64::min),
        ("max", Type::F16) => floats(F16, f64::max),
        ("max", Type::Bf16) => floats(BF16, f64::max),
        ("min", Type::F16x2) => halves(floats(F16, f64::min)),
        ("min", Type::Bf16x2) => halves(floats(BF16, f64::min)),
        ("max", Type::F16x2) => halves(floats(F16, f64::max)),
        ("max", Type::Bf16x2) => halves(floats(BF16, f64::max)),
        ("add", Type::F64) => {
            Box::new(|old, value, _| (f64::from_bits(old) + f64::from_bits(value)).to_bits())
        }
        ("add", _) if ty.is_integer() => {
            Box::new(move |old, value, _| old.wrapping_add(value) & cut)
        }
        ("min", _) if ty.is_integer() => Box::new(move |old, value, _| {
            if order(value) < order(old) {
                value
            } else {
                old
            }
        }),
        ("max", _) if ty.is_integer() => Box::new(move |old, value, _| {
            if order(value) > order(old) {
                value
            } else {
                old
            }
        }),
        _ => return opcode.no_type(ty),
    })
}

fn floats(format: Format, f: fn(f64, f64) -> f64) -> Update {
    Box::new(move |old, value, _| {
        let result = f(format.widen(old), format.widen(value));
        format.narrow(result, Rounding::Nearest)
    })
}

fn halves(update: Update) -> Update {
    Box::new(move |old, value, second| {
        let low = update(old & 0xffff, value & 0xffff, second);
        low | update(old >> 16, value >> 16, second) << 16
    })
}
