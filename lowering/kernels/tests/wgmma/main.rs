//! Programs of blocks, made to PTX by LLVM's tools and run on the interpreter, against products computed in f64.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod products;
mod tools;
