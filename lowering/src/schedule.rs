//! The one cost model: what is known of the target, and the tile sizes, packing and prefetches that follow from it.
//! No tile size is written in a pass.

pub mod arch;
pub mod cpus;
pub mod detect;
pub mod gpu;
pub mod knobs;
pub mod matmul;
pub mod target;
pub mod winograd;

pub use arch::Arch;
pub use matmul::{MatmulSchedule, matmul_schedule};
pub use target::Target;
pub use winograd::{WinogradSchedule, winograd_schedule};

use std::fmt;

/// Elements that are put in order by counting before runs are merged: about as many as two registers hold.
pub const SORT_RUN: i64 = 16;

/// How elementwise loops and reductions run over their innermost dim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementwiseSchedule {
    /// Elements of one register.
    pub lanes: i64,
    /// Registers that one step of the loop treats side by side, to hide latencies.
    pub unroll: i64,
    /// Elements ahead at which inputs and outputs are prefetched; 0 for not at all.
    pub prefetch: i64,
    /// Whether what is left over after whole registers is one step under a mask; else it goes element by element.
    pub masked: bool,
    /// Elements of a row up to which the sums of columns stay in registers, one group of columns after another; the
    /// sums of longer rows stay in memory, so that rows are read as they lie.
    pub columns: i64,
    /// Elements of a cache line: so many rows are transposed together.
    pub line: i64,
    /// Elements of a part of a sum of all elements, at least.
    pub part: i64,
}

impl ElementwiseSchedule {
    /// Bytes of a cache line.
    pub fn line_bytes(&self) -> i64 {
        64
    }

    /// Elements of one step: the length of the vectors to write.
    pub fn step(&self) -> i64 {
        self.lanes * self.unroll
    }
}

impl fmt::Display for ElementwiseSchedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            lanes,
            unroll,
            prefetch,
            masked,
            columns,
            line,
            part,
        } = self;
        write!(
            f,
            "elementwise {{lanes = {lanes}, unroll = {unroll}, prefetch = {prefetch}, masked = {masked}, columns = {columns}, line = {line}, part = {part}}}"
        )
    }
}

/// The schedule of elementwise chains and reductions on elements of `bits`, with so many vectors alive at once.
pub fn elementwise_schedule(target: &Target, bits: i64, alive: i64) -> ElementwiseSchedule {
    // Four chains hide the latency of two FMA ports where registers allow it.
    let most = if target.registers >= 32 { 4 } else { 2 };
    let most = target.set("elementwise.unroll", most);
    let room = (target.registers / alive.max(1)).clamp(1, most);
    ElementwiseSchedule {
        lanes: (target.vector_bits / bits.max(8)).max(1),
        unroll: 1 << room.ilog2(),
        prefetch: target.set("elementwise.prefetch", 2048) * 8 / bits.max(8),
        masked: target.vector_bits >= 512,
        columns: 2048 * 8 / bits.max(8),
        line: LINE * 8 / bits.max(8),
        part: (target.part() * 8 / bits.max(8)).max(1),
    }
}

/// How large elementwise ops may become when they are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionLimits {
    /// Operands beyond which an op walks too many arrays at once.
    pub operands: usize,
    /// Scalar ops of a body beyond which registers do not suffice on any target.
    pub body: usize,
}

/// The limits of every target.
pub const FUSION: FusionLimits = FusionLimits {
    operands: 24,
    body: 150,
};

/// What taking the elements of a register one by one costs, in loads of a register, where loops are compared.
pub const GATHER_COST: i64 = 8;

/// Bytes of a cache line, of every target.
pub const LINE: i64 = 64;
/// Bytes of a buffer up to which it is not prefetched: it stays in a near cache while it is used.
const NEAR: i64 = 128 << 10;
/// Bytes of a part of a sum of all elements: beside adding them up, what a part takes by itself is little.
const PART: i64 = 32 << 10;
/// Parts of a sum at most, which one thread adds up.
pub const MOST_PARTS: i64 = 256;
/// Buffers that the loops of one fork touch together at most: all are passed to each lane, and what it takes to compile a call
/// grows faster than its operands.
pub const FORK_BUFFERS: usize = 64;
/// Work of a piece: some microseconds, beside which taking it and waking a thread cost little.
const PIECE: i64 = 64 << 10;
/// Bytes of buffers that a lane has on its stack; others of its buffers are in the workspace.
const LANE_STACK: i64 = 8 << 10;

/// Slivers beyond which a block of rows gains nothing: packing is a small part of its work by then.
const MOST_SLIVERS: i64 = 21;
/// Slivers of rows that a part of a product has at least where it is divided among threads.
pub const FEWEST_SLIVERS: i64 = 8;
/// The same of one whose right operand is gathered, by each part.
pub const FEWEST_GATHERED: i64 = 16;

impl Target {
    /// Bytes of a buffer up to which it is not prefetched.
    pub fn near(&self) -> i64 {
        self.set("elementwise.near", NEAR)
    }

    /// Bytes of a part of a sum of all elements, at least.
    pub fn part(&self) -> i64 {
        self.set("elementwise.part", PART)
    }

    /// Work of a piece that a thread takes of a loop, in ops on a register (`crate::work`).
    pub fn piece(&self) -> i64 {
        self.set("parallel.piece", PIECE)
    }

    /// Bytes of buffers that a lane has on its stack.
    pub fn lane_stack(&self) -> i64 {
        self.set("parallel.stack", LANE_STACK)
    }

    /// Slivers of rows that products which pass large arrays on treat together at most.
    pub fn most_slivers(&self) -> i64 {
        self.set("products.slivers", MOST_SLIVERS)
    }

    /// Bytes of a product's result up to which ops that read it do not go through its tiles: it is near when it is done.
    pub fn near_products(&self) -> i64 {
        self.set("products.near", self.l1 / 2)
    }
}

/// All that the model decides for a target, as text.
pub fn describe(target: &Target) -> String {
    let mut lines = vec![format!("target {target}")];
    for bits in [32, 64] {
        lines.push(format!("f{bits} {}", matmul_schedule(target, bits)));
    }
    for bits in [8, 32, 64] {
        lines.push(format!(
            "{bits} bits {}",
            elementwise_schedule(target, bits, 4)
        ));
    }
    lines.join("\n") + "\n"
}
