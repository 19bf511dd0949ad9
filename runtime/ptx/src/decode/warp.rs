//! Instructions of the lanes of a warp among themselves.

use super::{Decoded, Decoder, count_operands};
use crate::op::{Collective, CollectiveKind, Op, Shuffle, Slot, Update, Vote};
use crate::pure::Opcode;
use crate::syntax::Operand;
use crate::types::{Type, mask, sign_extend};

impl Decoder<'_> {
    pub(super) fn warp(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let ty = match opcode.name {
            "elect" => Type::B(32),
            _ => opcode.ty()?,
        };
        if opcode.name == "activemask" {
            count_operands(operands, 1)?;
            return Ok(Op::ActiveMask(self.target(&operands[0])?.0));
        }
        if !opcode.take("sync") {
            return Err(format!("`{}` is known with .sync only", opcode.name));
        }
        let Some((members, operands)) = operands.split_last() else {
            return Err("lanes that take part are expected".to_string());
        };
        let members = self.source(members, Type::B(32))?;
        let kind = match opcode.name {
            "shfl" => self.shuffle(opcode, operands)?,
            "vote" => {
                let modes = [
                    ("all", Vote::All),
                    ("any", Vote::Any),
                    ("uni", Vote::Uniform),
                    ("ballot", Vote::Ballot),
                ];
                let Some(mode) = opcode.take_any(&modes) else {
                    return Err("`vote` needs .all, .any, .uni or .ballot".to_string());
                };
                count_operands(operands, 2)?;
                CollectiveKind::Vote {
                    mode,
                    value: self.source(&operands[1], Type::Pred)?,
                    result: self.target(&operands[0])?.0,
                }
            }
            "match" => {
                count_operands(operands, 2)?;
                let value = self.source(&operands[1], ty)?;
                let (result, same) = self.pair(&operands[0])?;
                if opcode.take("any") {
                    CollectiveKind::MatchAny { result, value }
                } else if opcode.take("all") {
                    CollectiveKind::MatchAll {
                        result,
                        same,
                        value,
                    }
                } else {
                    return Err("`match` needs .any or .all".to_string());
                }
            }
            "redux" => {
                count_operands(operands, 2)?;
                CollectiveKind::Reduce {
                    value: self.source(&operands[1], ty)?,
                    result: self.target(&operands[0])?.0,
                    update: reduction(opcode, ty)?,
                }
            }
            _ => {
                count_operands(operands, 1)?;
                let (result, elected) = self.pair(&operands[0])?;
                let Some(elected) = elected else {
                    return Err("`elect` gives a lane and a predicate".to_string());
                };
                CollectiveKind::Elect { result, elected }
            }
        };
        Ok(Op::Collective(Collective { members, kind }))
    }

    fn pair(&mut self, operand: &Operand) -> Decoded<(Slot, Option<Slot>)> {
        Ok(match operand {
            Operand::Pair(first, second) => (self.target(first)?.0, Some(self.target(second)?.0)),
            one => (self.target(one)?.0, None),
        })
    }

    fn shuffle(
        &mut self,
        opcode: &mut Opcode<'_>,
        operands: &[Operand],
    ) -> Decoded<CollectiveKind> {
        let modes = [
            ("up", Shuffle::Up),
            ("down", Shuffle::Down),
            ("bfly", Shuffle::Butterfly),
            ("idx", Shuffle::Index),
        ];
        let Some(mode) = opcode.take_any(&modes) else {
            return Err("`shfl` needs .up, .down, .bfly or .idx".to_string());
        };
        count_operands(operands, 4)?;
        let [value, lane, clamp] = [1, 2, 3].map(|at| self.source(&operands[at], Type::B(32)));
        let (value, lane, clamp) = (value?, lane?, clamp?);
        let (result, inside) = self.pair(&operands[0])?;
        Ok(CollectiveKind::Shuffle {
            mode,
            result,
            inside,
            value,
            lane,
            clamp,
        })
    }
}

fn reduction(opcode: &mut Opcode<'_>, ty: Type) -> Decoded<Update> {
    if ty.bits() != 32 || !ty.is_integer() {
        return opcode.no_type(ty);
    }
    let order = move |a: u64| match ty.is_signed() {
        true => sign_extend(a, 32) as i64,
        false => a as i64,
    };
    Ok(if opcode.take("add") {
        Box::new(|a: u64, b: u64, _| a.wrapping_add(b) & mask(32))
    } else if opcode.take("min") {
        Box::new(move |a, b, _| if order(b) < order(a) { b } else { a })
    } else if opcode.take("max") {
        Box::new(move |a, b, _| if order(b) > order(a) { b } else { a })
    } else if opcode.take("and") {
        Box::new(|a, b, _| a & b)
    } else if opcode.take("or") {
        Box::new(|a, b, _| a | b)
    } else if opcode.take("xor") {
        Box::new(|a, b, _| a ^ b)
    } else {
        return Err("an operation that `redux` does not have".to_string());
    })
}
