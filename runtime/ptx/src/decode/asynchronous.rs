//! Asynchronous copies and the barriers in memory that they complete on.

use std::sync::Arc;

use super::atomic::take_update;
use super::memory::take_strength;
use super::moves::take_space;
use super::{Decoded, Decoder, count_operands, parts};
use crate::op::{Bulk, Copy, MBarrier, MBarrierKind, Op, Side, Slot};
use crate::pure::Opcode;
use crate::syntax::{Operand, Space};
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn asynchronous(
        &mut self,
        opcode: &mut Opcode<'_>,
        operands: &[Operand],
    ) -> Decoded<Op> {
        if opcode.name == "mbarrier" {
            return self.mbarrier(opcode, operands);
        }
        let reduces = opcode.take("reduce");
        if !opcode.take("async") {
            return Err("`cp` is known with .async only".to_string());
        }
        match opcode.take("bulk") {
            true => Ok(Op::Bulk(self.bulk(opcode, operands, reduces)?)),
            false => self.copy(opcode, operands),
        }
    }

    fn shared(&mut self, operand: &Operand) -> Decoded<crate::op::Place> {
        self.place(operand, Space::Shared)
    }

    fn copy(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        if opcode.take("commit_group") {
            return Ok(Op::Copy(Copy::Commit));
        }
        if opcode.take("wait_all") {
            return Ok(Op::Copy(Copy::Wait(None)));
        }
        if opcode.take("wait_group") {
            return Ok(Op::Copy(Copy::Wait(Some(number(operands)?))));
        }
        if opcode.take("mbarrier") {
            let increments = !opcode.take("noinc");
            opcode.take("arrive");
            opcode.take("b64");
            let space = take_space(opcode).unwrap_or(Space::Generic);
            count_operands(operands, 1)?;
            let place = self.place(&operands[0], space)?;
            return Ok(Op::Copy(Copy::Arrive { place, increments }));
        }
        opcode.take("ca");
        let bypasses = opcode.take("cg");
        take_space(opcode);
        take_space(opcode);
        let hinted = opcode.take("L2::cache_hint");
        opcode.take_prefix("L2::");
        let operands = &operands[..operands.len().saturating_sub(usize::from(hinted))];
        let [to, from, Operand::Integer(bytes), rest @ ..] = operands else {
            return Err("two addresses and a size are expected".to_string());
        };
        if !matches!(bytes, 4 | 8 | 16) || bypasses && *bytes != 16 {
            return Err(format!("{bytes} bytes can't be copied by it"));
        }
        self.access(Space::Generic, *bytes);
        let to = self.shared(to)?;
        let from = self.place(from, Space::Global)?;
        let (mut size, mut ignore) = (None, None);
        if let Some(operand) = rest.first() {
            let name = match operand {
                Operand::Name(name, _) => self.register(name),
                _ => None,
            };
            match name {
                Some((_, Type::Pred)) => ignore = Some(self.source(operand, Type::Pred)?),
                _ => size = Some(self.source(operand, Type::U(32))?),
            }
        }
        Ok(Op::Copy(Copy::Start {
            to,
            from,
            bytes: *bytes as usize,
            size,
            ignore,
        }))
    }

    fn mbarrier(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        opcode.take("b64");
        self.access(Space::Shared, 8);
        let names = [
            "init",
            "inval",
            "arrive_drop",
            "arrive",
            "expect_tx",
            "complete_tx",
            "try_wait",
            "test_wait",
            "pending_count",
        ];
        // `arrive.expect_tx` is an arrival.
        let arrives = opcode.take("arrive");
        let name = match arrives {
            true => Some("arrive"),
            false => names.into_iter().find(|name| opcode.take(name)),
        };
        let Some(name) = name else {
            return Err("an operation that `mbarrier` does not have".to_string());
        };
        take_strength(opcode);
        let space = take_space(opcode).unwrap_or(Space::Generic);
        let (place, kind) = match (name, operands) {
            ("init", [place, count]) => {
                let count = self.source(count, Type::U(32))?;
                (place, MBarrierKind::Init(count))
            }
            ("inval", [place]) => (place, MBarrierKind::Invalidate),
            ("expect_tx", [place, bytes]) => {
                let bytes = self.source(bytes, Type::U(32))?;
                (place, MBarrierKind::Expect(bytes))
            }
            ("complete_tx", [place, bytes]) => {
                let bytes = self.source(bytes, Type::U(32))?;
                (place, MBarrierKind::Complete(bytes))
            }
            ("arrive" | "arrive_drop", _) => {
                return self.arrival(opcode, operands, space, name == "arrive_drop");
            }
            ("try_wait" | "test_wait", [result, place, phase, hint @ ..]) if hint.len() < 2 => {
                let by_parity = opcode.take("parity");
                let ty = Type::B(if by_parity { 32 } else { 64 });
                let phase = self.source(phase, ty)?;
                let kind = MBarrierKind::Test {
                    result: self.target(result)?.0,
                    phase,
                    by_parity,
                    may_block: name == "try_wait",
                };
                (place, kind)
            }
            ("pending_count", [result, token]) => {
                let token = self.source(token, Type::B(64))?;
                let kind = MBarrierKind::PendingCount {
                    result: self.target(result)?.0,
                    token,
                };
                let place = crate::op::Place {
                    space: Space::Generic,
                    base: token,
                    offset: 0,
                };
                return Ok(Op::MBarrier(MBarrier { place, kind }));
            }
            _ => return Err("other operands are expected".to_string()),
        };
        let place = self.place(place, space)?;
        Ok(Op::MBarrier(MBarrier { place, kind }))
    }

    fn arrival(
        &mut self,
        opcode: &mut Opcode<'_>,
        operands: &[Operand],
        space: Space,
        drops: bool,
    ) -> Decoded<Op> {
        let expects = opcode.take("expect_tx");
        let no_complete = opcode.take("noComplete");
        let (result, operands) = match operands.split_first() {
            Some((Operand::Address(_), _)) => (None, operands),
            Some((Operand::Name(name, 0), rest)) if name == "_" => (None, rest),
            Some((result, rest)) => (Some(self.target(result)?.0), rest),
            None => return Err("an address is expected".to_string()),
        };
        let (place, number) = match operands {
            [place] if !expects => (place, None),
            [place, number] => (place, Some(self.source(number, Type::U(32))?)),
            _ => return Err("an address and a number are expected".to_string()),
        };
        let place = self.place(place, space)?;
        let kind = MBarrierKind::Arrive {
            count: number.filter(|_| !expects),
            expect: number.filter(|_| expects),
            result,
            drops,
            no_complete,
        };
        Ok(Op::MBarrier(MBarrier { place, kind }))
    }

    fn bulk(
        &mut self,
        opcode: &mut Opcode<'_>,
        operands: &[Operand],
        reduces: bool,
    ) -> Decoded<Bulk> {
        if opcode.take("commit_group") {
            return Ok(Bulk::Commit);
        }
        if opcode.take("wait_group") {
            let reads = opcode.take("read");
            let left = number(operands)?;
            return Ok(Bulk::Wait { left, reads });
        }
        if opcode.take("prefetch") {
            while opcode.take_first().is_some() {}
            return Ok(Bulk::Prefetch);
        }
        let rank = match opcode.take("tensor") {
            true => Some(take_rank(opcode)?),
            false => None,
        };
        opcode.take("tile");
        let ends_in_group = opcode.take("bulk_group");
        let ends_at_barrier = opcode.take("mbarrier::complete_tx::bytes");
        if ends_in_group == ends_at_barrier {
            return Err("it needs .bulk_group or .mbarrier::complete_tx::bytes".to_string());
        }
        let multicasts = opcode.take("multicast::cluster");
        let hinted = opcode.take("L2::cache_hint");
        let operands = &operands[..operands.len().saturating_sub(usize::from(hinted))];
        let (Some(_), Some(from_space)) = (take_space(opcode), take_space(opcode)) else {
            return Err("it needs the spaces of both sides".to_string());
        };
        if ends_in_group {
            let reduce = match (reduces, rank) {
                (false, _) => None,
                (true, None) => {
                    opcode.take("noftz");
                    let ty = opcode.ty()?;
                    let update = take_update(opcode, ty)?;
                    Some((ty.bytes() as usize, update))
                }
                // The element's type is in the tensor map; what is added is read as f32 or wider when it runs.
                (true, Some(_)) => Some((0, take_update(opcode, Type::F32)?)),
            };
            let reduce = reduce.map(|(bytes, update)| (bytes, Arc::new(update)));
            return self.bulk_store(operands, rank, reduce);
        }
        if reduces {
            return Err("a reduction to shared memory is not known".to_string());
        }
        let (operands, multicast) = match (multicasts, operands.split_last()) {
            (true, Some((mask, rest))) => (rest, Some(self.source(mask, Type::U(16))?)),
            _ => (operands, None),
        };
        let (to, from, size, barrier) = match (operands, rank) {
            ([to, from, barrier], Some(rank)) => (to, self.boxed(from, rank)?, None, barrier),
            ([to, from, size, barrier], None) => {
                let size = self.source(size, Type::U(32))?;
                let from = Side::Plain(self.place(from, from_space)?);
                (to, from, Some(size), barrier)
            }
            _ => return Err("other operands are expected".to_string()),
        };
        Ok(Bulk::Load {
            to: self.shared(to)?,
            from,
            size,
            barrier: self.shared(barrier)?,
            multicast,
        })
    }

    fn bulk_store(
        &mut self,
        operands: &[Operand],
        rank: Option<usize>,
        reduce: Option<(usize, Arc<crate::op::Update>)>,
    ) -> Decoded<Bulk> {
        let (to, from, size) = match (operands, rank) {
            ([to, from], Some(rank)) => (self.boxed(to, rank)?, from, None),
            ([to, from, size], None) => {
                let size = self.source(size, Type::U(32))?;
                let to = Side::Plain(self.place(to, Space::Global)?);
                (to, from, Some(size))
            }
            _ => return Err("other operands are expected".to_string()),
        };
        Ok(Bulk::Store {
            to,
            from: self.shared(from)?,
            size,
            reduce,
        })
    }

    fn boxed(&mut self, operand: &Operand, rank: usize) -> Decoded<Side> {
        let place = self.place(operand, Space::Generic)?;
        let Operand::Address(address) = operand else {
            return Err("a tensor and coordinates are expected".to_string());
        };
        if address.coordinates.len() != rank {
            return Err(format!("{rank} coordinates are expected"));
        }
        self.access(Space::Global, 2);
        let coordinates = address
            .coordinates
            .iter()
            .map(|coordinate| self.source(coordinate, Type::S(32)));
        let coordinates: Decoded<Box<[Slot]>> = coordinates.collect();
        Ok(Side::Box(place, coordinates?))
    }
}

fn take_rank(opcode: &mut Opcode<'_>) -> Decoded<usize> {
    let ranks = [("1d", 1), ("2d", 2), ("3d", 3), ("4d", 4), ("5d", 5)];
    match opcode.take_any(&ranks) {
        Some(rank) => Ok(rank),
        None => Err("a rank from .1d to .5d is expected".to_string()),
    }
}

fn number(operands: &[Operand]) -> Decoded<u32> {
    match operands {
        [operand] => match parts(operand) {
            [Operand::Integer(number)] => Ok(*number as u32),
            _ => Err("a number is expected".to_string()),
        },
        _ => Err("a number is expected".to_string()),
    }
}
