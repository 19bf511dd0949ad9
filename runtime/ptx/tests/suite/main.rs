//! Kernels against computations in Rust that share no code with the interpreter, and kernels with faults that must be found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asynchronous;
mod common;
mod control;
mod convert;
mod faults;
mod floats;
mod hostile;
mod integers;
mod memory;
mod products;
mod races;
mod tensors;
mod warp;
mod wgmma;
