//! Launching a kernel: what is given, and what comes back.

use crate::fault::{Fault, FaultKind};
use crate::kernel::Entry;
use crate::memory::Memory;
use crate::module::Module;
use crate::run;

/// The most threads of a block, bytes of shared memory, and blocks of a cluster, as of `sm_90`.
const MAX_THREADS: u32 = 1024;
const MAX_SHARED: u64 = 227 * 1024;
/// Of which a module itself may declare so many; the rest is for a launch to ask for.
const MAX_STATIC: u64 = 48 * 1024;
const MAX_CLUSTER: u32 = 16;

/// How many threads a launch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Blocks along each axis.
    pub grid: [u32; 3],
    /// Threads of a block along each axis.
    pub block: [u32; 3],
    /// Blocks of a cluster along each axis; what the kernel requires, or one, where it is absent.
    pub cluster: Option<[u32; 3]>,
    /// Bytes of shared memory beside the kernel's own.
    pub dynamic_shared: u32,
}

impl Launch {
    /// A launch along one axis.
    pub fn linear(blocks: u32, threads: u32) -> Self {
        Self {
            grid: [blocks, 1, 1],
            block: [threads, 1, 1],
            cluster: None,
            dynamic_shared: 0,
        }
    }

    /// The same with so many bytes of shared memory added.
    pub fn with_shared(self, bytes: u32) -> Self {
        Self {
            dynamic_shared: bytes,
            ..self
        }
    }
}

/// How a kernel is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The order of warps and blocks, and when what is asynchronous completes. With 0 warps take turns, blocks go in order, and
    /// everything completes as late as it may.
    pub seed: u64,
    /// Whether races are looked for, in shared memory and between blocks, and data used before it is there. Without, such kernels
    /// run on what they find.
    pub races: bool,
    /// Whether reading what nothing was written to is a fault.
    pub uninitialised: bool,
    /// How many instructions all warps may execute together.
    pub max_instructions: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            races: true,
            uninitialised: true,
            max_instructions: 1 << 30,
        }
    }
}

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Instructions of warps.
    pub warp_instructions: u64,
    /// The same, times the threads that took part.
    pub thread_instructions: u64,
    /// Bytes that threads loaded from global memory.
    pub global_read: u64,
    /// Bytes that threads stored to global memory.
    pub global_written: u64,
    /// Pieces of 32 bytes that the loads and stores of warps touched in global memory; asynchronous copies do not count.
    pub global_sectors: u64,
    /// Passes beyond the first that loads and stores of warps, and loads of matrices, took through the banks of shared memory.
    pub bank_conflicts: u64,
}

impl Module {
    /// Runs a kernel on the bytes of its parameters, laid out as [`Entry::params`] says.
    ///
    /// # Errors
    /// Fails where the launch does not fit the kernel, and at the first fault. Memory is then left as the fault found it.
    pub fn launch(
        &self,
        kernel: &str,
        launch: &Launch,
        params: &[u8],
        memory: &mut Memory,
        options: &Options,
    ) -> Result<Report, Fault> {
        let invalid = |message: String| Fault {
            kind: FaultKind::InvalidLaunch,
            message,
            kernel: kernel.to_string(),
            block: [0; 3],
            threads: Vec::new(),
            line: 0,
            text: String::new(),
        };
        let Some(entry) = self.entry(kernel) else {
            return Err(invalid("the module has no such kernel".to_string()));
        };
        let launch = check(entry, launch, params).map_err(invalid)?;
        run::run(self, entry, &launch, params, memory, options)
    }
}

/// The launch with its cluster, or why it is none.
fn check(entry: &Entry, launch: &Launch, params: &[u8]) -> Result<Launch, String> {
    let product = |extents: [u32; 3]| extents.iter().map(|extent| u64::from(*extent)).product();
    let threads: u64 = product(launch.block);
    let blocks: u64 = product(launch.grid);
    if threads == 0 || threads > u64::from(MAX_THREADS) || launch.block[2] > 64 {
        return Err(format!("blocks of {:?} threads", launch.block));
    }
    if blocks == 0 || launch.grid[1] > 65535 || launch.grid[2] > 65535 || blocks >= 1 << 31 {
        return Err(format!("a grid of {:?} blocks", launch.grid));
    }
    if params.len() != entry.param_bytes() {
        return Err(format!(
            "{} bytes of parameters, not {}",
            params.len(),
            entry.param_bytes()
        ));
    }
    if let Some(required) = entry.required_threads()
        && required != launch.block
    {
        return Err(format!(
            "blocks of {:?} threads, where .reqntid has {required:?}",
            launch.block
        ));
    }
    if let Some(allowed) = entry.allowed_threads()
        && product(allowed) < threads
    {
        return Err(format!(
            "blocks of {threads} threads, where .maxntid has {allowed:?}"
        ));
    }
    let shared = entry.shared_bytes() + u64::from(launch.dynamic_shared);
    if entry.shared_bytes() > MAX_STATIC {
        return Err(format!(
            "{} bytes of shared memory in the module, {MAX_STATIC} at most",
            entry.shared_bytes()
        ));
    }
    if shared > MAX_SHARED {
        return Err(format!(
            "{shared} bytes of shared memory, {MAX_SHARED} at most"
        ));
    }
    let cluster = launch.cluster.or(entry.required_cluster());
    let cluster = cluster.unwrap_or([1; 3]);
    if let Some(required) = entry.required_cluster()
        && required != cluster
    {
        return Err(format!("clusters of {cluster:?}, not {required:?}"));
    }
    let fits =
        (0..3).all(|axis| cluster[axis] > 0 && launch.grid[axis].is_multiple_of(cluster[axis]));
    if !fits || product(cluster) > u64::from(MAX_CLUSTER) {
        return Err(format!(
            "clusters of {cluster:?} in a grid of {:?} blocks",
            launch.grid
        ));
    }
    Ok(Launch {
        cluster: Some(cluster),
        ..*launch
    })
}
