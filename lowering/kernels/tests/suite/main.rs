//! Programs made PTX by LLVM's tools and run on the interpreter, against computations in f64, and faults planted in them that must be
//! found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attention;
mod matmul;
mod numbers;
mod tools;
mod wgmma;
