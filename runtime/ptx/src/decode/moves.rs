//! Copies of registers, and addresses from one space to another.

use super::{Decoded, Decoder, count_operands, parts};
use crate::address::{LOCAL, PARAM, RANK_SHIFT, SHARED, generic, inside, space};
use crate::lanes::{lift1, lift2, lift4};
use crate::op::{Op, Step};
use crate::pure::{Opcode, Pure};
use crate::syntax::{Operand, Space};
use crate::types::{Type, mask};

impl Decoder<'_> {
    pub(super) fn moves(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        match opcode.name {
            "mov" => self.mov(opcode, operands),
            "lop3" => {
                opcode.take("b32");
                self.lop3(operands)
            }
            "cvta" => {
                let ty = opcode.ty()?;
                let to = opcode.take("to");
                let Some(space) = take_space(opcode) else {
                    return Err("`cvta` needs a space".to_string());
                };
                let apply = match to {
                    true => lift1(move |a| from_generic(space, a)),
                    false => lift1(move |a| generic(space, a)),
                };
                self.pure(Pure::new(ty, &[ty], apply), operands)
            }
            "isspacep" => {
                let Some(wanted) = take_space(opcode) else {
                    return Err("`isspacep` needs a space".to_string());
                };
                let apply = lift1(move |a| u64::from(space(a) == Some(wanted)));
                self.pure(Pure::new(Type::Pred, &[Type::B(64)], apply), operands)
            }
            "mapa" => {
                let ty = opcode.ty()?;
                opcode.take("shared::cluster");
                let apply = lift2(|a, rank| a & !(0xff << RANK_SHIFT) | rank << RANK_SHIFT);
                self.pure(Pure::new(ty, &[ty, Type::U(32)], apply), operands)
            }
            _ => {
                let ty = opcode.ty()?;
                opcode.take("shared::cluster");
                let apply = lift1(|a| a >> RANK_SHIFT & 0xff);
                self.pure(Pure::new(Type::U(32), &[ty], apply), operands)
            }
        }
    }

    fn mov(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let ty = opcode.ty()?;
        count_operands(operands, 2)?;
        match (&operands[0], &operands[1]) {
            (to, Operand::Vector(from)) => {
                let bits = ty.bits() / from.len().max(1) as u32;
                if from.len() > 4 || bits < 8 || ty.bits() > 64 {
                    return Err(format!("{} values in {} bits", from.len(), ty.bits()));
                }
                let mut sources = [0; 4];
                for (at, part) in from.iter().enumerate() {
                    sources[at] = self.source(part, Type::B(bits))?;
                }
                let count = from.len();
                let apply = lift4(move |a, b, c, d| {
                    let parts = [a, b, c, d];
                    (0..count).fold(0, |all, at| all | parts[at] << (bits * at as u32))
                });
                let (result, _) = self.target(to)?;
                self.steps.push(Step {
                    apply,
                    sources,
                    result,
                });
                Ok(self.steps_op())
            }
            (Operand::Vector(to), from) => {
                let bits = ty.bits() / to.len().max(1) as u32;
                if bits < 8 || ty.bits() > 64 {
                    return Err(format!("{} values in {} bits", to.len(), ty.bits()));
                }
                let source = self.source(from, ty)?;
                for (at, part) in parts(&operands[0]).iter().enumerate() {
                    let (result, _) = self.target(part)?;
                    let shift = bits * at as u32;
                    self.steps.push(Step {
                        apply: lift1(move |a| a >> shift & mask(bits)),
                        sources: [source; 4],
                        result,
                    });
                }
                Ok(self.steps_op())
            }
            (to, Operand::Name(name, 0))
                if name.starts_with("%clock") || name.starts_with("%globaltimer") =>
            {
                Ok(Op::Clock(self.target(to)?.0))
            }
            (to, from) => {
                let source = self.source(from, ty)?;
                let (result, register) = self.target(to)?;
                match register.bits() < ty.bits() {
                    true => Err(format!("{} bits in a register of fewer", ty.bits())),
                    false => Ok(Op::Move(result, source)),
                }
            }
        }
    }
}

/// The first space in an opcode.
pub(super) fn take_space(opcode: &mut Opcode<'_>) -> Option<Space> {
    opcode.take_with(|part| {
        Some(match part {
            "global" => Space::Global,
            "const" => Space::Const,
            "shared" | "shared::cta" | "shared::cluster" => Space::Shared,
            "local" => Space::Local,
            "param" | "param::entry" | "param::func" => Space::Param,
            _ => return None,
        })
    })
}

fn from_generic(space: Space, address: u64) -> u64 {
    let window = match space {
        Space::Shared => SHARED,
        Space::Local => LOCAL,
        Space::Param => PARAM,
        _ => return address,
    };
    match address & !inside(u64::MAX) == window {
        true => inside(address),
        // Of no use in that space; kept, so that its use is found.
        false => address,
    }
}
