//! From the `dl` dialect down to objects: passes, schedules, and the hand-over to LLVM.

pub mod alias;
pub mod chain;
pub mod dl_to_linalg;
pub mod emit;
pub mod entry;
pub mod entry_text;
pub mod flops;
pub mod fuse;
pub mod gpu;
pub mod linalg;
pub mod loops;
pub mod math;
pub mod matmul;
pub mod outline;
pub mod passes;
pub mod remarks;
pub mod rows;
pub mod scalar;
pub mod schedule;
pub mod size;
pub mod target;
pub mod tasks;
mod view;
pub mod walk;
pub mod winograd;
pub mod work;
pub mod workspace;
