//! Contexts, shapes, and the builder that all passes write IR with.

pub mod builder;
pub mod context;
pub mod dims;
pub mod edit;
pub(crate) mod ffi;
pub mod inspect;
#[cfg(not(target_family = "wasm"))]
pub mod mains;
pub mod pass;
pub mod pipeline;
pub mod shape;
