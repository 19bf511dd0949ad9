//! A kernel, ready to run.

use crate::op::{Instruction, Slot};

/// A parameter of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name in the text.
    pub name: String,
    /// Where it begins in the bytes of all parameters.
    pub offset: usize,
    /// Its size in bytes.
    pub size: usize,
    /// What its address is a multiple of.
    pub align: usize,
}

/// A kernel of a module.
pub struct Entry {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) param_bytes: usize,
    pub(crate) code: Vec<Instruction>,
    pub(crate) slots: usize,
    pub(crate) constants: Vec<(Constant, Slot)>,
    pub(crate) shared_bytes: u64,
    /// The alignment of shared memory whose size the launch gives, if the kernel has any.
    pub(crate) dynamic_align: Option<u64>,
    pub(crate) local_bytes: u64,
    /// The least sizes of accesses to shared and to global memory, by which races are looked for.
    pub(crate) granule: u64,
    pub(crate) global_granule: u64,
    pub(crate) required: Option<[u32; 3]>,
    pub(crate) allowed: Option<[u32; 3]>,
    pub(crate) cluster: Option<[u32; 3]>,
    pub(crate) uses_wgmma: bool,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Bytes that all parameters take.
    pub fn param_bytes(&self) -> usize {
        self.param_bytes
    }

    /// Bytes of shared memory without what a launch adds.
    pub fn shared_bytes(&self) -> u64 {
        self.shared_bytes
    }

    /// The extents of a block that `.reqntid` demands.
    pub fn required_threads(&self) -> Option<[u32; 3]> {
        self.required
    }

    /// The extents that `.maxntid` allows; their product is the limit.
    pub fn allowed_threads(&self) -> Option<[u32; 3]> {
        self.allowed
    }

    /// The extents of a cluster that `.reqnctapercluster` demands.
    pub fn required_cluster(&self) -> Option<[u32; 3]> {
        self.cluster
    }
}

/// What a slot holds from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Constant {
    Bits(u64),
    /// An offset in the block's shared memory.
    Shared(u64),
    /// An offset in the part of it whose size the launch gives.
    Dynamic(u64),
    /// An offset in the kernel's parameters.
    Param(u64),
    /// An offset in the thread's local memory.
    Local(u64),
    /// The same as an address in `.param`, where calls have their arguments.
    Argument(u64),
    /// A variable of the module and an offset.
    Global(usize, u64),
    Special(Special),
}

impl Constant {
    /// The address so many bytes behind.
    pub fn offset(self, by: i64) -> Self {
        let add = |at: u64| at.wrapping_add_signed(by);
        match self {
            Self::Bits(at) => Self::Bits(add(at)),
            Self::Shared(at) => Self::Shared(add(at)),
            Self::Dynamic(at) => Self::Dynamic(add(at)),
            Self::Param(at) => Self::Param(add(at)),
            Self::Local(at) => Self::Local(add(at)),
            Self::Argument(at) => Self::Argument(add(at)),
            Self::Global(variable, at) => Self::Global(variable, add(at)),
            Self::Special(special) => Self::Special(special),
        }
    }
}

/// A special register whose value does not change; axes count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Special {
    Thread(u8),
    Threads(u8),
    Block(u8),
    Blocks(u8),
    Cluster(u8),
    Clusters(u8),
    BlockInCluster(u8),
    BlocksInCluster(u8),
    RankInCluster,
    RanksInCluster,
    Lane,
    Warp,
    Warps,
    LanesEqual,
    LanesLess,
    LanesLessEqual,
    LanesGreater,
    LanesGreaterEqual,
    SharedBytes,
    DynamicBytes,
}

impl Special {
    /// The register of a name.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((family, axis)) = name.rsplit_once('.') {
            let axis = match axis {
                "x" => 0,
                "y" => 1,
                "z" => 2,
                _ => return None,
            };
            return Some(match family {
                "%tid" => Self::Thread(axis),
                "%ntid" => Self::Threads(axis),
                "%ctaid" => Self::Block(axis),
                "%nctaid" => Self::Blocks(axis),
                "%clusterid" => Self::Cluster(axis),
                "%nclusterid" => Self::Clusters(axis),
                "%cluster_ctaid" => Self::BlockInCluster(axis),
                "%cluster_nctaid" => Self::BlocksInCluster(axis),
                _ => return None,
            });
        }
        Some(match name {
            "%laneid" => Self::Lane,
            "%warpid" => Self::Warp,
            "%nwarpid" => Self::Warps,
            "%lanemask_eq" => Self::LanesEqual,
            "%lanemask_lt" => Self::LanesLess,
            "%lanemask_le" => Self::LanesLessEqual,
            "%lanemask_gt" => Self::LanesGreater,
            "%lanemask_ge" => Self::LanesGreaterEqual,
            "%cluster_ctarank" => Self::RankInCluster,
            "%cluster_nctarank" => Self::RanksInCluster,
            "%total_smem_size" => Self::SharedBytes,
            "%dynamic_smem_size" => Self::DynamicBytes,
            _ => return None,
        })
    }
}
