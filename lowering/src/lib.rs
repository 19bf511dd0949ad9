//! From the `dl` dialect down to objects: passes, schedules, and the hand-over to LLVM.

pub mod emit;
pub mod matmul;
pub mod passes;
pub mod schedule;
pub mod walk;
