//! Derivatives of `dl` functions, made in `dl`.

pub mod passes;
