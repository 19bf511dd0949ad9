//! Placeholder
use dlc_dialects::pass::{Anchor, PassInfo};
/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "simplify-dl",
    summary: "x",
    anchor: Anchor::Func,
    required: false,
    run: |_, _| Ok(()),
};
