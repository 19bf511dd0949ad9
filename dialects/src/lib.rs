//! The bottom of the compiler: the `dl` dialect, the views and builders generated from its op records,
//! pass registration, diagnostics, and everything that touches MLIR's raw C API.

pub mod ir;
pub mod ops;

pub use ir::context::{context, registry};
pub use ir::pass;
