//! What passes make is run in this process and compared with sums and functions in more bits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arithmetic;
mod jit;
mod math;
mod matmul;
