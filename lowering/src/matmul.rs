//! The emitter of matrix products: kernels as private functions, one for each element type, layout and schedule,
//! with all sizes and strides dynamic. The `emit-matmul` pass finds the contractions and calls the kernels.

mod access;
pub(crate) mod accumulate;
pub(crate) mod blocks;
pub(crate) mod call;
pub mod contraction;
pub mod dot;
pub(crate) mod epilogue;
pub(crate) mod fill;
mod gather;
mod grouped;
pub mod kernel;
pub mod numbers;
pub mod pack;
mod prefetch;
pub mod row;
pub mod transpose;
pub mod write;

pub use kernel::{Form, Kernel, Layout};
