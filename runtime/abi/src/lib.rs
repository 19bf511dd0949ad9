//! What compiled code and its callers agree on: dims, data types, the manifest, symbol names and
//! status codes, who runs the parts of a call, what a GPU does for one, who chooses it, and what a traced library tells. The compiler, the runtime and the generators of headers and bindings all read
//! this crate and nothing else of one another.
//!
//! Invariant: no dependency on the compiler, and no unsafe code.

#![forbid(unsafe_code)]

pub mod choice;
pub mod cpu;
pub mod device;
pub mod dim;
mod dim_parse;
pub mod dtype;
pub mod executor;
pub mod manifest;
pub mod status;
pub mod symbol;
pub mod trace;

pub use dim::{EvalError, ParseError, Poly};
pub use dtype::DType;
pub use executor::Executor;
pub use manifest::{
    Condition, DimRange, Entry, Leaf, Manifest, ManifestError, Mode, Param, Status, StructDef, Tree,
};

/// The version of the calling convention; a library and a loader of different versions refuse
/// each other.
pub const ABI_VERSION: u32 = 1;

/// What a workspace must be aligned to, in bytes.
pub const WORKSPACE_ALIGN: usize = 64;
