//! Programs made PTX by LLVM's tools and run on the interpreter, against computations in f64.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod forward;
mod gradient;
mod launch;
mod operands;
mod tools;
