//! Instructions by which the lanes of a warp see each other's values.

use super::step::{Context, Flow};
use super::warp::lanes;
use crate::fault::{FaultKind, Outcome, Trouble, fail};
use crate::op::{Collective, CollectiveKind, Shuffle, Vote};

impl Context<'_, '_> {
    pub fn collective(&mut self, collective: &Collective, active: u32) -> Outcome<Flow> {
        let members = self.warp_ref().registers[collective.members as usize];
        let live = self.warp_ref().live;
        for lane in lanes(active) {
            let members = members[lane] as u32;
            if members >> lane & 1 == 0 {
                let message =
                    format!("lane {lane} is none of the lanes {members:#x} of its own mask");
                return Err(Trouble::new(FaultKind::InvalidOperand, message).at_lane(lane));
            }
            if members & live & !active != 0 {
                return Ok(Flow::Again);
            }
        }
        let members = |lane: usize| members[lane] as u32 & active;
        match &collective.kind {
            CollectiveKind::Sync => {}
            CollectiveKind::Shuffle {
                mode,
                result,
                inside,
                value,
                lane: by,
                clamp,
            } => {
                let warp = self.warp_ref();
                let mut values = [0; 32];
                let mut in_range = [0; 32];
                for lane in lanes(active) {
                    let from = source(*mode, lane, warp.lane(*by, lane), warp.lane(*clamp, lane));
                    let chosen = from.unwrap_or(lane);
                    if active >> chosen & 1 == 0 {
                        let message =
                            format!("lane {lane} reads lane {chosen}, which does not take part");
                        return fail(FaultKind::InvalidOperand, message);
                    }
                    values[lane] = warp.lane(*value, chosen);
                    in_range[lane] = u64::from(from.is_some());
                }
                self.write(*result, active, |lane| values[lane]);
                if let Some(inside) = inside {
                    self.write(*inside, active, |lane| in_range[lane]);
                }
            }
            CollectiveKind::Vote {
                mode,
                result,
                value,
            } => {
                let holds = self.warp_ref().holds(*value, false);
                let vote = |lane| {
                    let members = members(lane);
                    let holding = holds & members;
                    u64::from(match mode {
                        Vote::All => u32::from(holding == members),
                        Vote::Any => u32::from(holding != 0),
                        Vote::Uniform => u32::from(holding == members || holding == 0),
                        Vote::Ballot => holding,
                    })
                };
                self.write(*result, active, vote);
            }
            CollectiveKind::MatchAny { result, value } => {
                let values = self.warp_ref().registers[*value as usize];
                self.write(*result, active, |lane| {
                    let alike = lanes(members(lane)).filter(|other| values[*other] == values[lane]);
                    alike.fold(0, |mask, other| mask | 1 << other)
                });
            }
            CollectiveKind::MatchAll {
                result,
                same,
                value,
            } => {
                let values = self.warp_ref().registers[*value as usize];
                let alike =
                    |lane: usize| lanes(members(lane)).all(|other| values[other] == values[lane]);
                self.write(*result, active, |lane| match alike(lane) {
                    true => u64::from(members(lane)),
                    false => 0,
                });
                if let Some(same) = same {
                    self.write(*same, active, |lane| u64::from(alike(lane)));
                }
            }
            CollectiveKind::Reduce {
                result,
                value,
                update,
            } => {
                let values = self.warp_ref().registers[*value as usize];
                self.write(*result, active, |lane| {
                    let mut taking = lanes(members(lane)).map(|other| values[other]);
                    let first = taking.next().unwrap_or(0);
                    taking.fold(first, |sum, value| update(sum, value, 0))
                });
            }
            CollectiveKind::Elect { result, elected } => {
                let leader = |lane| members(lane).trailing_zeros() as usize;
                self.write(*result, active, |lane| leader(lane) as u64);
                self.write(*elected, active, |lane| u64::from(leader(lane) == lane));
            }
        }
        let warp = self.warp;
        self.warp().clock[warp] += 1;
        Ok(Flow::Next)
    }
}

/// The lane that a shuffle reads, if it is in range.
fn source(mode: Shuffle, lane: usize, by: u64, clamp: u64) -> Option<usize> {
    let lane = lane as i64;
    let by = (by & 31) as i64;
    let segment = (clamp >> 8 & 31) as i64;
    let first = lane & segment;
    let last = first | (clamp & 31) as i64 & !segment;
    let (from, in_range) = match mode {
        Shuffle::Up => (lane - by, lane - by >= last),
        Shuffle::Down => (lane + by, lane + by <= last),
        Shuffle::Butterfly => (lane ^ by, lane ^ by <= last),
        Shuffle::Index => {
            let from = first | by & !segment;
            (from, from <= last)
        }
    };
    in_range.then_some(from as usize)
}
