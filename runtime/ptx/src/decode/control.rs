//! Branches, barriers and fences.

use super::memory::take_strength;
use super::{Decoded, Decoder, count_operands};
use crate::kernel::Constant;
use crate::op::{Barrier, BarrierKind, Collective, CollectiveKind, Op, Reduction};
use crate::pure::Opcode;
use crate::syntax::Operand;
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn control(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        match opcode.name {
            "bra" => {
                opcode.take("uni");
                let [Operand::Name(label, 0)] = operands else {
                    return Err("a label is expected".to_string());
                };
                Ok(Op::Branch(self.label(label)?))
            }
            "brx" => {
                opcode.take("idx");
                opcode.take("uni");
                let [index, Operand::Name(table, 0)] = operands else {
                    return Err("an index and a table of labels are expected".to_string());
                };
                let index = self.source(index, Type::U(32))?;
                Ok(Op::BranchTable(index, self.table(table)?.into()))
            }
            "ret" => {
                opcode.take("uni");
                Ok(self.end.map_or(Op::Exit, Op::Branch))
            }
            "exit" => Ok(Op::Exit),
            "trap" | "brkpt" => Ok(Op::Trap),
            "nanosleep" => {
                opcode.take("u32");
                Ok(Op::Nothing)
            }
            "pmevent" => Ok(Op::Nothing),
            "griddepcontrol" => {
                if !opcode.take("wait") && !opcode.take("launch_dependents") {
                    return Err("`griddepcontrol` needs .wait or .launch_dependents".to_string());
                }
                Ok(Op::Nothing)
            }
            "membar" => {
                if !["cta", "gl", "sys"]
                    .into_iter()
                    .any(|scope| opcode.take(scope))
                {
                    return Err("`membar` needs a scope".to_string());
                }
                Ok(Op::Nothing)
            }
            "fence" => fence(opcode),
            _ => self.barrier(opcode, operands),
        }
    }

    fn barrier(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let is_bar = opcode.name == "bar";
        if opcode.take("cluster") {
            take_strength(opcode);
            opcode.take("aligned");
            if opcode.take("arrive") {
                return Ok(Op::ClusterArrive);
            }
            return match opcode.take("wait") {
                true => Ok(Op::ClusterWait),
                false => Err("a barrier of clusters needs .arrive or .wait".to_string()),
            };
        }
        if opcode.take("warp") {
            count_operands(operands, 1)?;
            return match opcode.take("sync") {
                true => Ok(Op::Collective(Collective {
                    members: self.source(&operands[0], Type::B(32))?,
                    kind: CollectiveKind::Sync,
                })),
                false => Err("`bar.warp` needs .sync".to_string()),
            };
        }
        opcode.take("cta");
        let aligned = opcode.take("aligned") || is_bar;
        let (kind, rest) = if opcode.take("sync") {
            (BarrierKind::Sync, operands)
        } else if opcode.take("arrive") {
            (BarrierKind::Arrive, operands)
        } else if opcode.take("red") {
            self.reduction(opcode, operands)?
        } else {
            return Err("a barrier needs .sync, .arrive or .red".to_string());
        };
        let (id, count) = match rest {
            [] => (self.constant(Constant::Bits(0)), None),
            [id] => (self.source(id, Type::U(32))?, None),
            [id, count] => {
                let id = self.source(id, Type::U(32))?;
                (id, Some(self.source(count, Type::U(32))?))
            }
            _ => return Err("a barrier and a number of threads are expected".to_string()),
        };
        if matches!(kind, BarrierKind::Arrive) && count.is_none() {
            return Err("arriving needs a number of threads".to_string());
        }
        Ok(Op::Barrier(Barrier {
            id,
            count,
            kind,
            aligned,
        }))
    }

    fn reduction<'o>(
        &mut self,
        opcode: &mut Opcode<'_>,
        operands: &'o [Operand],
    ) -> Decoded<(BarrierKind, &'o [Operand])> {
        opcode.ty()?;
        let reductions = [
            ("and", Reduction::And),
            ("or", Reduction::Or),
            ("popc", Reduction::Count),
        ];
        let Some(reduction) = opcode.take_any(&reductions) else {
            return Err("a reduction needs .and, .or or .popc".to_string());
        };
        let [result, rest @ .., value] = operands else {
            return Err("a result and a predicate are expected".to_string());
        };
        let kind = BarrierKind::Reduce {
            reduction,
            value: self.source(value, Type::Pred)?,
            result: self.target(result)?.0,
        };
        Ok((kind, rest))
    }
}

fn fence(opcode: &mut Opcode<'_>) -> Decoded<Op> {
    if opcode.take("proxy") {
        let is_async = opcode.take("async") || opcode.take("async::generic");
        if !is_async {
            opcode.take("alias");
            opcode.take_prefix("tensormap");
        }
        for space in ["global", "shared::cta", "shared::cluster"] {
            opcode.take(space);
        }
        take_strength(opcode);
        opcode.take_prefix("sync_restrict");
        return Ok(if is_async {
            Op::ProxyFence
        } else {
            Op::Nothing
        });
    }
    opcode.take("mbarrier_init");
    take_strength(opcode);
    Ok(Op::Nothing)
}
