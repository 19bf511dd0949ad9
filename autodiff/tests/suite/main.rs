//! Rules of derivatives and rewrites on the reference evaluator.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gradients;
mod harness;
mod simplify;
