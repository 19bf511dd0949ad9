//! Running a kernel: clusters of blocks, one after the other unless they wait for each other.

use std::collections::VecDeque;

use crate::fault::{Fault, FaultKind, Outcome, Trouble, fail};
use crate::kernel::Entry;
use crate::launch::{Launch, Options, Report};
use crate::memory::Memory;
use crate::module::Module;
use crate::syntax::{Initial, Space};

mod access;
mod barrier;
mod boxes;
mod bulk;
mod cluster;
mod collective;
mod copy;
mod global;
mod matrix;
mod mbarrier;
mod schedule;
mod shared;
mod start;
mod step;
mod warp;
mod wgmma;

use cluster::Cluster;
use global::GlobalRaces;

/// How many clusters take turns where they wait for each other.
const RESIDENT: usize = 64;

/// After how many instructions another cluster has its turn.
const TURN: u64 = 1 << 18;

/// A launch that is being run.
pub(crate) struct Machine<'a> {
    pub module: &'a Module,
    pub entry: &'a Entry,
    pub launch: &'a Launch,
    pub params: &'a [u8],
    pub memory: &'a mut Memory,
    pub options: &'a Options,
    pub report: Report,
    pub random: Random,
    pub races: GlobalRaces,
    /// Addresses of the module's variables.
    pub variables: Vec<u64>,
}

/// A sequence of numbers without much order (xorshift64*, Vigna 2016); none where the seed is 0.
pub(crate) struct Random(u64);

impl Random {
    /// A number below a limit; 0 without a seed.
    pub fn below(&mut self, limit: u64) -> u64 {
        if self.0 == 0 {
            return 0;
        }
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1)
    }

    /// Whether there is a seed.
    pub fn is_on(&self) -> bool {
        self.0 != 0
    }
}

/// Runs a kernel whose launch was checked.
pub(crate) fn run(
    module: &Module,
    entry: &Entry,
    launch: &Launch,
    params: &[u8],
    memory: &mut Memory,
    options: &Options,
) -> Result<Report, Fault> {
    let variables = place_variables(module, memory);
    let mut machine = Machine {
        module,
        entry,
        launch,
        params,
        memory,
        options,
        report: Report::default(),
        random: Random(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        races: GlobalRaces::new(entry.global_granule),
        variables,
    };
    let extents = launch.cluster.unwrap_or([1; 3]);
    let clusters: Vec<u32> = (0..3)
        .map(|axis| launch.grid[axis] / extents[axis])
        .collect();
    let count: u64 = clusters.iter().map(|extent| u64::from(*extent)).product();
    // Clusters begin at a random one and go on in steps of a random length that reach all.
    let first = machine.random.below(count);
    let mut step = 1 + machine.random.below(count);
    while greatest_divisor(step, count) != 1 {
        step += 1;
    }
    let mut waiting = (0..count).map(|at| (first + at * step) % count);
    let mut resident = VecDeque::new();
    loop {
        if resident.len() < RESIDENT
            && let Some(number) = waiting.next()
        {
            let [x, y] = [u64::from(clusters[0]), u64::from(clusters[1])];
            let index = [number % x, number / x % y, number / (x * y)].map(|at| at as u32);
            resident.push_front(Cluster::new(&machine, index, number as u32));
        }
        let Some(mut cluster) = resident.pop_front() else {
            return Ok(machine.report);
        };
        if !cluster.run(&mut machine, TURN)? {
            resident.push_back(cluster);
        }
    }
}

fn greatest_divisor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => greatest_divisor(b, a % b),
    }
}

/// Where the module's variables are, which keep their values from launch to launch.
fn place_variables(module: &Module, memory: &mut Memory) -> Vec<u64> {
    if let Some(placed) = memory.variables.get(&module.id) {
        return placed.clone();
    }
    let mut placed = Vec::new();
    for variable in &module.variables {
        let is_global = matches!(variable.space, Space::Global | Space::Const);
        let bytes = if is_global && !variable.external {
            variable.bytes()
        } else {
            0
        };
        placed.push(memory.alloc_copy(&vec![0; bytes as usize]));
    }
    for (variable, address) in module.variables.iter().zip(&placed) {
        let size = variable.ty.bytes() as usize;
        for (at, value) in variable.initial.iter().enumerate() {
            let bits = match value {
                Initial::Bits(bits) => *bits,
                Initial::Address(name, offset) => {
                    let mut variables = module.variables.iter();
                    let found = variables.position(|variable| &variable.name == name);
                    let base = found.map_or(0, |found| placed[found]);
                    base.wrapping_add_signed(*offset)
                }
            };
            let place = address + (at * size) as u64;
            memory
                .write(place, &bits.to_le_bytes()[..size])
                .expect("a variable has room for its initial values");
        }
    }
    memory.variables.insert(module.id, placed.clone());
    placed
}

impl Machine<'_> {
    /// Counts an instruction of a warp.
    pub fn count(&mut self, threads: u32) -> Outcome<()> {
        self.report.warp_instructions += 1;
        self.report.thread_instructions += u64::from(threads);
        if self.report.warp_instructions > self.options.max_instructions {
            return fail(
                FaultKind::EndlessLoop,
                format!("more than {} instructions", self.options.max_instructions),
            );
        }
        Ok(())
    }

    /// A trouble with where it happened.
    pub fn fault(
        &self,
        trouble: Trouble,
        block: [u32; 3],
        threads: Vec<[u32; 3]>,
        line: u32,
    ) -> Fault {
        Fault {
            kind: trouble.kind,
            message: trouble.message,
            kernel: self.entry.name.clone(),
            block,
            threads,
            line,
            text: self.module.line(line).to_string(),
        }
    }
}
