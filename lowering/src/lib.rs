//! From the `dl` dialect down to objects: passes, schedules, and the hand-over to LLVM.

pub mod passes;
