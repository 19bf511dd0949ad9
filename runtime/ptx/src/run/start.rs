//! What blocks and warps begin with.

use std::collections::{HashMap, HashSet};

use super::Machine;
use super::barrier::BlockBarrier;
use super::bulk::Bulks;
use super::cluster::{Block, Cluster};
use super::copy::LaneCopies;
use super::shared::{Checks, Shared, UNITS};
use super::warp::{Group, Wait, Warp};
use super::wgmma::Products;
use crate::address::{LOCAL, RANK_SHIFT};
use crate::kernel::{Constant, Special};
use crate::lanes::Lanes;

/// How many barriers a block has.
const BARRIERS: usize = 16;

impl Cluster {
    /// The cluster at an index of the grid of clusters.
    pub fn new(machine: &Machine<'_>, index: [u32; 3], number: u32) -> Self {
        let launch = machine.launch;
        let entry = machine.entry;
        let extents = launch.cluster.unwrap_or([1; 3]);
        let threads: u32 = launch.block.iter().product();
        let warps_of_block = threads.div_ceil(32) as usize;
        let count = extents.iter().product::<u32>() as usize;
        let warp_count = warps_of_block * count;
        let agents = warp_count + UNITS;
        let static_bytes = match entry.dynamic_align {
            Some(align) => entry.shared_bytes.next_multiple_of(align),
            None => entry.shared_bytes,
        };
        let shared_bytes = static_bytes as usize + launch.dynamic_shared as usize;
        let checks = Checks {
            races: machine.options.races,
            uninitialised: machine.options.uninitialised,
        };
        let mut cluster = Self {
            number,
            blocks: Vec::new(),
            warps: Vec::new(),
            bulks: Bulks::default(),
            events: 0,
            time: 0,
            fences: vec![vec![0; agents]; warp_count],
            before: HashSet::new(),
            arrived: vec![0; warp_count],
            phase: 1,
            released: vec![0; agents],
        };
        for rank in 0..count as u32 {
            let inner = [
                rank % extents[0],
                rank / extents[0] % extents[1],
                rank / (extents[0] * extents[1]),
            ];
            let position = Position {
                block: std::array::from_fn(|axis| index[axis] * extents[axis] + inner[axis]),
                cluster: index,
                inner,
                extents,
                rank,
                ranks: count as u32,
                shared_bytes: shared_bytes as u64,
                static_bytes,
            };
            cluster.blocks.push(Block {
                index: position.block,
                shared: Shared::new(shared_bytes, entry.granule as usize, agents, checks),
                barriers: vec![BlockBarrier::new(warps_of_block, agents); BARRIERS],
                mbarriers: HashMap::new(),
            });
            for warp in 0..warps_of_block {
                let lanes = (threads - 32 * warp as u32).min(32);
                let live = u32::MAX >> (32 - lanes);
                let mut clock = vec![0; agents];
                clock[cluster.warps.len()] = 1;
                cluster.warps.push(Warp {
                    block: rank as usize,
                    number: warp,
                    registers: registers(machine, &position, warp as u32),
                    groups: vec![Group {
                        pc: 0,
                        mask: live,
                        wait: Wait::Ready,
                    }],
                    live,
                    local: vec![0; 32 * entry.local_bytes as usize],
                    local_bytes: entry.local_bytes as usize,
                    clock,
                    cluster_phase: 0,
                    copies: vec![LaneCopies::default(); 32],
                    products: Products::new(entry),
                    gave_up: 0,
                    turns: 0,
                });
            }
        }
        cluster
    }
}

/// Where a block is.
struct Position {
    block: [u32; 3],
    cluster: [u32; 3],
    inner: [u32; 3],
    extents: [u32; 3],
    rank: u32,
    ranks: u32,
    shared_bytes: u64,
    static_bytes: u64,
}

fn registers(machine: &Machine<'_>, position: &Position, warp: u32) -> Vec<Lanes> {
    let mut registers = vec![[0; 32]; machine.entry.slots];
    let rank = u64::from(position.rank) << RANK_SHIFT;
    for (constant, slot) in &machine.entry.constants {
        let value = &mut registers[*slot as usize];
        match *constant {
            Constant::Bits(bits) => value.fill(bits),
            Constant::Shared(offset) => value.fill(rank + offset),
            Constant::Dynamic(offset) => value.fill(rank + position.static_bytes + offset),
            Constant::Param(offset) => value.fill(offset),
            Constant::Local(offset) => value.fill(offset),
            Constant::Argument(offset) => value.fill(LOCAL + offset),
            Constant::Global(variable, offset) => {
                value.fill(machine.variables[variable].wrapping_add(offset));
            }
            Constant::Special(special) => {
                for (lane, value) in value.iter_mut().enumerate() {
                    *value = special_value(machine, position, special, warp, lane as u32);
                }
            }
        }
    }
    registers
}

fn special_value(
    machine: &Machine<'_>,
    position: &Position,
    special: Special,
    warp: u32,
    lane: u32,
) -> u64 {
    let launch = machine.launch;
    let [x, y, _] = launch.block;
    let thread = 32 * warp + lane;
    let at = |values: [u32; 3], axis: u8| u64::from(values[usize::from(axis)]);
    let equal = 1u32 << lane;
    match special {
        Special::Thread(axis) => at([thread % x, thread / x % y, thread / (x * y)], axis),
        Special::Threads(axis) => at(launch.block, axis),
        Special::Block(axis) => at(position.block, axis),
        Special::Blocks(axis) => at(launch.grid, axis),
        Special::Cluster(axis) => at(position.cluster, axis),
        Special::Clusters(axis) => at(launch.grid, axis) / at(position.extents, axis),
        Special::BlockInCluster(axis) => at(position.inner, axis),
        Special::BlocksInCluster(axis) => at(position.extents, axis),
        Special::RankInCluster => u64::from(position.rank),
        Special::RanksInCluster => u64::from(position.ranks),
        Special::Lane => u64::from(lane),
        Special::Warp => u64::from(warp),
        Special::Warps => u64::from(launch.block.iter().product::<u32>().div_ceil(32)),
        Special::LanesEqual => u64::from(equal),
        Special::LanesLess => u64::from(equal - 1),
        Special::LanesLessEqual => u64::from(equal | (equal - 1)),
        Special::LanesGreater => u64::from(!(equal | (equal - 1))),
        Special::LanesGreaterEqual => u64::from(!(equal - 1)),
        Special::SharedBytes => position.shared_bytes,
        Special::DynamicBytes => u64::from(launch.dynamic_shared),
    }
}
