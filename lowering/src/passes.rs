//! The passes of this crate, one file each.

pub mod emit_matmul;

use dlc_dialects::pass::PassInfo;

/// Every pass, in the order in which the pipeline runs them.
pub const PASSES: &[PassInfo] = &[emit_matmul::INFO];
