//! Programs on the interpreter of PTX against computations in f64, and faults planted in them that must be found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod data;
mod matmul;
mod mma;
mod simt;
mod tools;
