//! The passes of this crate, one file each.

pub mod expand_derivatives;
pub mod rematerialize;
pub mod simplify_dl;

use dlc_dialects::pass::PassInfo;

/// Every pass.
pub const PASSES: &[PassInfo] = &[
    expand_derivatives::INFO,
    rematerialize::INFO,
    simplify_dl::INFO,
];
