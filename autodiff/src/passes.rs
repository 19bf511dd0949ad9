//! The passes of this crate, one file each.

pub mod expand_derivatives;
pub mod expand_forward;
pub mod expand_reverse;
pub mod expand_vmap;
pub mod rematerialize;
pub mod simplify_dl;

use dlc_dialects::pass::PassInfo;

/// Every pass.
pub const PASSES: &[PassInfo] = &[
    expand_derivatives::INFO,
    expand_forward::INFO,
    expand_reverse::INFO,
    expand_vmap::INFO,
    rematerialize::INFO,
    simplify_dl::INFO,
];
