//! GPUs for the calls of built libraries, as a device of the calling convention: for programs in Rust; those in C have
//! the functions of `runtime/gpu-c`.
//!
//! A [`Device`] is a GPU by NVIDIA's driver ([`Cuda`]), or an interpreter of its instructions ([`Emulated`]). [`Gpu`] adds what programs need: memory that is kept for the next use
//! ([`Memory`]), and the struct of functions that `_gpu` entries of libraries take; [`RUNTIME`] does calls of those that take no
//! device. The driver is looked for at run time:
//! nothing of CUDA is needed to build, and where there is none, opening says so.

mod calls;
mod choice;
pub mod chrome;
mod cubins;
mod cuda;
mod device;
mod emulated;
mod error;
mod gpu;
mod image;
mod launch;
mod memory;
mod tensor_map;
mod trace;

#[cfg(test)]
mod fake;

pub use choice::RUNTIME;
pub use cuda::Cuda;
pub use device::{About, Address, Capability, Device, EncodedMap, Graph, Kernel, Limits};
/// How the interpreter runs kernels.
pub use dlc_ptx::Options;
pub use emulated::{Emulated, Settings};
pub use error::GpuError;
pub use gpu::Gpu;
pub use image::{Image, Images};
pub use launch::{Fitted, Shape};
pub use memory::{DeviceBuffer, Memory, Statistics};
pub use trace::Traced;
