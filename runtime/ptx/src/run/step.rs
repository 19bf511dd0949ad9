//! One instruction of the lanes of a warp that are at the same place.

use super::Machine;
use super::cluster::Cluster;
use super::warp::{Group, Wait, Warp, lanes};
use crate::fault::{FaultKind, Outcome, fail};
use crate::op::{Instruction, Op, Slot, Step};

/// A warp that executes, with all around it.
pub(crate) struct Context<'c, 'm> {
    pub machine: &'c mut Machine<'m>,
    pub cluster: &'c mut Cluster,
    /// The warp's number in the cluster.
    pub warp: usize,
    /// The line of its instruction.
    pub line: u32,
}

/// Where lanes go on.
pub(crate) enum Flow {
    /// At the next instruction.
    Next,
    /// At another.
    Jump(u32),
    /// Nowhere.
    Exit,
    /// Here, after something has happened.
    Again,
    /// Behind, when a barrier's phase ends.
    Barrier(usize, u32),
}

impl Op {
    /// Whether lanes of a warp execute it together.
    pub fn meets(&self) -> bool {
        match self {
            Self::Barrier(barrier) => barrier.aligned,
            Self::Collective(_)
            | Self::Matrix(_)
            | Self::Wgmma(_)
            | Self::WgmmaFence
            | Self::WgmmaCommit
            | Self::WgmmaWait(_) => true,
            _ => false,
        }
    }
}

impl Context<'_, '_> {
    pub fn warp(&mut self) -> &mut Warp {
        &mut self.cluster.warps[self.warp]
    }

    pub fn warp_ref(&self) -> &Warp {
        &self.cluster.warps[self.warp]
    }

    /// Executes the next instruction of a group.
    pub fn step(&mut self, index: usize) -> Outcome<Flow> {
        let entry = self.machine.entry;
        let group = self.warp_ref().groups[index];
        let instruction = &entry.code[group.pc as usize];
        self.line = instruction.line;
        let active = match instruction.guard {
            None => group.mask,
            Some((slot, negated)) => group.mask & self.warp_ref().holds(slot, negated),
        };
        if active == 0 {
            self.machine.count(0)?;
            self.warp().groups[index].pc += 1;
            return Ok(Flow::Next);
        }
        if entry.uses_wgmma {
            self.check_registers(instruction)?;
        }
        let flow = match &instruction.op {
            Op::BranchTable(slot, targets) => {
                self.machine.count(active.count_ones())?;
                self.branch_table(index, active, *slot, targets)?;
                return Ok(Flow::Next);
            }
            _ => self.execute(instruction, active).map_err(|mut trouble| {
                if trouble.lanes == 0 {
                    trouble.lanes = active;
                }
                trouble
            })?,
        };
        if !matches!(flow, Flow::Again) {
            self.machine.count(active.count_ones())?;
        }
        self.go_on(index, group, active, &flow);
        Ok(flow)
    }

    /// Puts the lanes that executed where they go on, and the others behind.
    fn go_on(&mut self, index: usize, group: Group, active: u32, flow: &Flow) {
        let events = self.cluster.events;
        let warp = self.warp();
        let rest = group.mask & !active;
        let next = Group {
            pc: group.pc + 1,
            mask: rest,
            wait: Wait::Ready,
        };
        let (pc, wait) = match *flow {
            Flow::Next => {
                warp.groups[index].pc += 1;
                return;
            }
            Flow::Jump(target) => (target, Wait::Ready),
            Flow::Again => (group.pc, Wait::Event(events)),
            Flow::Barrier(id, phase) => (group.pc, Wait::Barrier(id, phase)),
            Flow::Exit => {
                warp.live &= !active;
                match rest {
                    0 => {
                        warp.groups.swap_remove(index);
                    }
                    _ => warp.groups[index] = next,
                }
                return self.exited();
            }
        };
        warp.groups[index] = Group {
            pc,
            mask: active,
            wait,
        };
        if rest != 0 {
            warp.groups.push(next);
        }
    }

    fn branch_table(
        &mut self,
        index: usize,
        active: u32,
        slot: Slot,
        targets: &[u32],
    ) -> Outcome<()> {
        let warp = self.warp();
        let group = warp.groups[index];
        let mut rest = active;
        let mut groups = Vec::new();
        while rest != 0 {
            let chosen = warp.lane(slot, rest.trailing_zeros() as usize);
            let Some(target) = targets.get(chosen as usize) else {
                let message = format!("target {chosen} of {}", targets.len());
                return fail(FaultKind::InvalidOperand, message);
            };
            let mask = lanes(rest).filter(|lane| warp.lane(slot, *lane) == chosen);
            let mask = mask.fold(0, |mask, lane| mask | 1 << lane);
            rest &= !mask;
            groups.push((*target, mask));
        }
        if group.mask != active {
            groups.push((group.pc + 1, group.mask & !active));
        }
        warp.groups.swap_remove(index);
        warp.groups
            .extend(groups.into_iter().map(|(pc, mask)| Group {
                pc,
                mask,
                wait: Wait::Ready,
            }));
        Ok(())
    }

    fn execute(&mut self, instruction: &Instruction, active: u32) -> Outcome<Flow> {
        match &instruction.op {
            Op::Pure(steps) => self.pure(steps, active),
            Op::Move(to, from) => {
                let value = self.warp_ref().registers[*from as usize];
                self.write(*to, active, |lane| value[lane]);
            }
            Op::Load(load) => self.load(load, active)?,
            Op::Store(store) => self.store(store, active)?,
            Op::Atomic(atomic) => self.atomic(atomic, active)?,
            Op::Branch(target) => return Ok(Flow::Jump(*target)),
            Op::BranchTable(..) | Op::Nothing => {}
            Op::Exit => return Ok(Flow::Exit),
            Op::Trap => return fail(FaultKind::Trap, "trap"),
            Op::Clock(result) => {
                let time = self.cluster.time;
                self.write(*result, active, |_| time & 0xffff_ffff);
            }
            Op::ActiveMask(result) => self.write(*result, active, |_| u64::from(active)),
            Op::Collective(collective) => return self.collective(collective, active),
            Op::Barrier(barrier) => return self.barrier(barrier, active),
            Op::ClusterArrive => self.cluster_arrive(active)?,
            Op::ClusterWait => return self.cluster_wait(),
            Op::ProxyFence => {
                let warp = self.warp;
                self.cluster.fences[warp] = self.warp().clock.clone();
                self.warp().clock[warp] += 1;
            }
            Op::MBarrier(mbarrier) => return self.mbarrier(mbarrier, active),
            Op::Copy(copy) => self.copy(copy, active)?,
            Op::Bulk(bulk) => self.bulk(bulk, active)?,
            Op::Matrix(matrix) => return self.matrix(matrix, active),
            Op::Wgmma(_) | Op::WgmmaFence | Op::WgmmaCommit | Op::WgmmaWait(_) => {
                return self.wgmma(&instruction.op, active);
            }
        }
        Ok(Flow::Next)
    }

    fn pure(&mut self, steps: &[Step], active: u32) {
        let mut result = [0; 32];
        let registers = &mut self.cluster.warps[self.warp].registers;
        for step in steps {
            let sources = step.sources.map(|slot| &registers[slot as usize]);
            (step.apply)(&sources, &mut result);
            let target = &mut registers[step.result as usize];
            if active == u32::MAX {
                *target = result;
            } else {
                for lane in lanes(active) {
                    target[lane] = result[lane];
                }
            }
        }
    }

    /// Writes a register in some lanes.
    pub fn write(&mut self, slot: Slot, active: u32, value: impl Fn(usize) -> u64) {
        let register = &mut self.warp().registers[slot as usize];
        for lane in lanes(active) {
            register[lane] = value(lane);
        }
    }

    /// Whether all lanes of the warp that have not exited are here.
    pub fn is_whole(&self, active: u32) -> bool {
        active == self.warp_ref().live
    }

    /// Whether all 32 lanes are here; fails where some have exited, and others wait until they are.
    pub fn is_full(&self, active: u32) -> Outcome<bool> {
        if self.warp_ref().live != u32::MAX {
            return fail(
                FaultKind::Divergence,
                "all 32 lanes of a warp must execute it, but some have exited or never were",
            );
        }
        Ok(active == u32::MAX)
    }
}
