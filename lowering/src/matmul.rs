//! The emitter of matrix products: kernels as private functions, one for each element type, layout and schedule,
//! with all sizes and strides dynamic. The `emit-matmul` pass finds the contractions and calls the kernels.

pub(crate) mod call;
pub mod contraction;
pub(crate) mod fill;
mod gather;
pub mod kernel;
pub mod pack;
mod prefetch;
pub mod row;
pub mod transpose;
pub mod write;

pub use kernel::{Form, Kernel, Layout};
