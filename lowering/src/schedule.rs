//! The one cost model: what is known of the target, and the tile sizes, packing and prefetches that follow from it.
//! No tile size is written in a pass.

pub mod detect;
pub mod matmul;
pub mod target;

pub use matmul::{MatmulSchedule, matmul_schedule};
pub use target::Target;

use std::fmt;

/// How elementwise loops and reductions run over their innermost dim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementwiseSchedule {
    /// Elements of one register.
    pub lanes: i64,
    /// Registers that one step of the loop treats side by side, to hide latencies.
    pub unroll: i64,
    /// Elements ahead at which inputs and outputs are prefetched; 0 for not at all.
    pub prefetch: i64,
}

impl ElementwiseSchedule {
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
        } = self;
        write!(
            f,
            "elementwise {{lanes = {lanes}, unroll = {unroll}, prefetch = {prefetch}}}"
        )
    }
}

/// The schedule of elementwise chains and reductions on elements of `bits`.
pub fn elementwise_schedule(target: &Target, bits: i64) -> ElementwiseSchedule {
    ElementwiseSchedule {
        lanes: (target.vector_bits / bits.max(8)).max(1),
        // Four chains hide the latency of two FMA ports where registers allow it.
        unroll: if target.registers >= 32 { 4 } else { 2 },
        prefetch: 2048 * 8 / bits.max(8),
    }
}
