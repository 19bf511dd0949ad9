//! Contexts, shapes, and the builder that all passes write IR with.

pub mod builder;
pub mod context;
pub(crate) mod ffi;
pub mod shape;
