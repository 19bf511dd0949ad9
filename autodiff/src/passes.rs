//! The passes of this crate.

use dlc_dialects::pass::PassInfo;

/// Every pass.
pub const PASSES: &[PassInfo] = &[];
