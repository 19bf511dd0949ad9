//! What the compiler makes, called and looked at: the ABI, memory, derivatives, parts of large modules, code for GPUs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod abi;
mod differential;
mod gpu;
mod max_memory;
mod memory;
mod parts;
