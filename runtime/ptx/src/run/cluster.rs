//! Blocks that run together.

use std::collections::{HashMap, HashSet};

use super::barrier::BlockBarrier;
use super::bulk::Bulks;
use super::mbarrier::MBarrierState;
use super::shared::{Clock, Shared};
use super::warp::Warp;

/// A cluster, which is one block for most kernels.
pub(crate) struct Cluster {
    pub number: u32,
    pub blocks: Vec<Block>,
    pub warps: Vec<Warp>,
    pub bulks: Bulks,
    /// Counts whatever may let a waiting lane go on.
    pub events: u64,
    /// Instructions so far.
    pub time: u64,
    /// What each warp knew at its last proxy fence.
    pub fences: Vec<Clock>,
    /// Clusters that it is ordered after.
    pub before: HashSet<u32>,
    /// The cluster's barrier: lanes that arrived, phases that ended, what they released.
    pub arrived: Vec<u32>,
    pub phase: u32,
    pub released: Clock,
}

/// A block of a cluster.
pub(crate) struct Block {
    pub index: [u32; 3],
    pub shared: Shared,
    pub barriers: Vec<BlockBarrier>,
    pub mbarriers: HashMap<u64, MBarrierState>,
}
