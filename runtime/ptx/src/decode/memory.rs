//! Loads and stores.

use super::moves::take_space;
use super::{Decoded, Decoder, count_operands, parts};
use crate::kernel::Constant;
use crate::op::{Load, Op, Place, Store};
use crate::pure::Opcode;
use crate::syntax::{Operand, Space};
use crate::types::Type;

/// Takes hints that change nothing but speed.
pub(super) fn take_hints(opcode: &mut Opcode<'_>) {
    for hint in ["nc", "ca", "cg", "cs", "cv", "lu", "wb", "wt", "unified"] {
        opcode.take(hint);
    }
    while opcode.take_prefix("L1::").is_some() || opcode.take_prefix("L2::").is_some() {}
}

/// Takes how strong an access is and among whom; whether it takes part in synchronisation.
pub(super) fn take_strength(opcode: &mut Opcode<'_>) -> bool {
    opcode.take("weak");
    let mut strong = false;
    for strength in [
        "volatile", "relaxed", "acquire", "release", "acq_rel", "mmio", "sc",
    ] {
        strong |= opcode.take(strength);
    }
    for scope in ["cta", "cluster", "gpu", "sys"] {
        opcode.take(scope);
    }
    strong
}

impl Decoder<'_> {
    /// An address operand in a space.
    pub(super) fn place(&mut self, operand: &Operand, space: Space) -> Decoded<Place> {
        let Operand::Address(address) = operand else {
            return Err("an address in brackets is expected".to_string());
        };
        let constant = match &address.base {
            None => Constant::Bits(address.offset as u64),
            Some(name) => {
                if let Some((base, ty)) = self.register(name) {
                    if !matches!(ty.bits(), 32 | 64) {
                        return Err(format!("`{name}` is no register for an address"));
                    }
                    self.reads.push(base);
                    let offset = address.offset;
                    return Ok(Place {
                        space,
                        base,
                        offset,
                    });
                }
                self.symbol(name)?.offset(address.offset)
            }
        };
        // A variable's own address is in its space, also where the access is generic.
        let space = match (space, constant) {
            (Space::Generic, Constant::Shared(_) | Constant::Dynamic(_)) => Space::Shared,
            (Space::Generic, Constant::Local(_)) => Space::Local,
            (Space::Generic, Constant::Param(_)) => Space::Param,
            (space, _) => space,
        };
        Ok(Place {
            space,
            base: self.constant(constant),
            offset: 0,
        })
    }

    /// Notes how small accesses to memory that threads share can be.
    pub(super) fn access(&mut self, space: Space, bytes: u64) {
        if matches!(space, Space::Generic | Space::Shared) {
            self.granule = self.granule.min(bytes);
        }
        if matches!(space, Space::Generic | Space::Global) {
            self.global_granule = self.global_granule.min(bytes);
        }
    }

    pub(super) fn memory(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        if !matches!(opcode.name, "ld" | "ldu" | "st") {
            while opcode.take_first().is_some() {}
            return Ok(Op::Nothing);
        }
        let ty = opcode.ty()?;
        let strong = take_strength(opcode);
        let space = take_space(opcode).unwrap_or(Space::Generic);
        take_hints(opcode);
        let lanes = opcode.take_any(&[("v2", 2), ("v4", 4), ("v8", 8)]);
        if ty.bits() > 64 || ty == Type::Pred {
            return opcode.no_type(ty);
        }
        // A hint for the cache may follow.
        let operands = &operands[..operands.len().min(2)];
        count_operands(operands, 2)?;
        let (address, values) = match opcode.name {
            "st" => (&operands[0], &operands[1]),
            _ => (&operands[1], &operands[0]),
        };
        let count = parts(values).len();
        if count != lanes.unwrap_or(1) {
            return Err(format!("{} values are expected", lanes.unwrap_or(1)));
        }
        let place = self.place(address, space)?;
        self.access(place.space, ty.bytes() * count as u64);
        let bytes = ty.bytes() as usize;
        if opcode.name == "st" {
            let values = self.source_list(values, ty)?;
            return Ok(Op::Store(Store {
                place,
                bytes,
                values,
                strong,
            }));
        }
        let results = self.target_list(values)?;
        let register = results.iter().map(|(_, register)| register.bits()).min();
        let register = register.unwrap_or(64);
        if register < ty.bits() {
            return Err(format!(
                "a value of {} bits in a register of fewer",
                ty.bits()
            ));
        }
        let extend = (ty.is_signed() && register > ty.bits()).then_some(register);
        Ok(Op::Load(Load {
            place,
            bytes,
            extend,
            results: results.iter().map(|(slot, _)| *slot).collect(),
            strong,
        }))
    }
}
