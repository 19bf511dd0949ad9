//! Which warp goes on, and which of its lanes.
//!
//! The lanes at the least place go first, so lanes that took different ways meet again where the ways do. Every so often
//! others go first, so lanes may wait for each other as on hardware.

use super::Machine;
use super::cluster::Cluster;
use super::step::{Context, Flow};
use super::warp::{Wait, lanes};
use crate::fault::{Fault, FaultKind, Trouble};

/// How many instructions a warp has in its turn.
const BURST: u64 = 256;

/// Of how many turns one begins with the lanes that are furthest.
const FAIR: u64 = 64;

/// How a turn of a warp ended.
enum Turn {
    Done,
    Waits,
    /// Whether it is over.
    Ran(bool),
}

impl Cluster {
    /// Runs for about so many instructions; whether all blocks are done.
    pub fn run(&mut self, machine: &mut Machine<'_>, limit: u64) -> Result<bool, Fault> {
        let end = machine.report.warp_instructions + limit;
        loop {
            let mut progress = false;
            let mut done = true;
            let count = self.warps.len();
            let first = machine.random.below(count as u64) as usize;
            for at in 0..count {
                match self.turn(machine, (first + at) % count)? {
                    Turn::Done => {}
                    Turn::Waits => done = false,
                    Turn::Ran(over) => {
                        progress = true;
                        done &= over;
                    }
                }
            }
            if done {
                self.finish(machine)?;
                return Ok(true);
            }
            if !progress && !self.complete_one(machine)? {
                return Err(self.deadlock(machine));
            }
            if machine.report.warp_instructions >= end {
                return Ok(false);
            }
        }
    }

    fn turn(&mut self, machine: &mut Machine<'_>, warp: usize) -> Result<Turn, Fault> {
        if self.warps[warp].groups.is_empty() {
            return Ok(Turn::Done);
        }
        self.warps[warp].turns += 1;
        let fair = self.warps[warp].turns.is_multiple_of(FAIR);
        let burst = match machine.random.is_on() {
            true => 1 + machine.random.below(BURST),
            false => BURST,
        };
        let mut ran = false;
        for _ in 0..burst {
            if self.bulks.is_due(self.time) {
                self.complete_due(machine)?;
            }
            let Some(group) = self.choose(warp, fair) else {
                return Ok(match ran {
                    true => Turn::Ran(self.warps[warp].groups.is_empty()),
                    false => Turn::Waits,
                });
            };
            self.time += 1;
            let at = self.warps[warp].groups[group];
            let mut context = Context {
                machine,
                cluster: self,
                warp,
                line: 0,
            };
            match context.step(group) {
                Ok(Flow::Again) => {}
                Ok(_) => ran = true,
                Err(trouble) => {
                    let code = &machine.entry.code[at.pc as usize];
                    return Err(self.fault(machine, warp, at.mask, trouble, code.line));
                }
            }
        }
        Ok(Turn::Ran(false))
    }

    /// The group of a warp that goes on, merged with others at its place.
    fn choose(&mut self, warp: usize, fair: bool) -> Option<usize> {
        let events = self.events;
        let block = self.warps[warp].block;
        let barriers = &self.blocks[block].barriers;
        let warp = &mut self.warps[warp];
        if let [group] = warp.groups[..]
            && group.wait == Wait::Ready
        {
            return Some(0);
        }
        for group in &mut warp.groups {
            match group.wait {
                Wait::Ready => {}
                Wait::Event(event) if event != events => group.wait = Wait::Ready,
                Wait::Event(_) => {}
                Wait::Barrier(id, phase) if barriers[id].phase != phase => {
                    super::shared::join(&mut warp.clock, &barriers[id].released);
                    group.wait = Wait::Ready;
                    group.pc += 1;
                }
                Wait::Barrier(..) => {}
            }
        }
        let ready = warp.groups.iter().filter(|group| group.wait == Wait::Ready);
        let pc = match fair {
            true => ready.map(|group| group.pc).max()?,
            false => ready.map(|group| group.pc).min()?,
        };
        // Lanes that wait to be joined by others at this place take part too.
        let here =
            |group: &super::warp::Group| group.pc == pc && !matches!(group.wait, Wait::Barrier(..));
        let first = warp.groups.iter().position(here)?;
        let mut mask = 0;
        for group in warp.groups.iter().filter(|group| here(group)) {
            mask |= group.mask;
        }
        let mut at = 0;
        warp.groups.retain(|group| {
            at += 1;
            at == first + 1 || !here(group)
        });
        warp.groups[first].mask = mask;
        warp.groups[first].wait = Wait::Ready;
        Some(first)
    }

    /// A trouble of a warp with where it happened; `mask` has the lanes that it concerns if it does not say so.
    pub fn fault(
        &self,
        machine: &Machine<'_>,
        warp: usize,
        mask: u32,
        trouble: Trouble,
        line: u32,
    ) -> Fault {
        let mask = match trouble.lanes {
            0 => mask,
            lanes => lanes,
        };
        let [x, y, _] = machine.launch.block;
        let first = 32 * self.warps[warp].number as u32;
        let threads = lanes(mask)
            .map(|lane| first + lane as u32)
            .map(|thread| [thread % x, thread / x % y, thread / (x * y)])
            .collect();
        let block = self.blocks[self.warps[warp].block].index;
        machine.fault(trouble, block, threads, line)
    }

    fn deadlock(&self, machine: &Machine<'_>) -> Fault {
        let mut places = Vec::new();
        let mut first = None;
        let mut diverges = false;
        for (number, warp) in self.warps.iter().enumerate() {
            for group in &warp.groups {
                let line = machine.entry.code[group.pc as usize].line;
                first = first.or(Some((number, group.mask, line)));
                let text = machine.module.line(line);
                let place = format!(
                    "warp {number} (lanes {:#x}): line {line}: {text}",
                    group.mask
                );
                places.push(place);
            }
            // Some lanes wait for others that wait elsewhere.
            let meets = |group: &super::warp::Group| matches!(group.wait, Wait::Event(_));
            diverges |= warp.groups.len() > 1
                && warp
                    .groups
                    .iter()
                    .any(|group| meets(group) && machine.entry.code[group.pc as usize].op.meets());
        }
        let shown = places.len().min(8);
        let list = places[..shown].join("\n    ");
        let (kind, what) = match diverges {
            true => (
                FaultKind::Divergence,
                "lanes of a warp wait for each other at different places",
            ),
            false => (FaultKind::Deadlock, "nothing can go on"),
        };
        let trouble = Trouble::new(kind, format!("{what}:\n    {list}"));
        let (warp, mask, line) = first.unwrap_or_default();
        self.fault(machine, warp, mask, trouble, line)
    }
}
