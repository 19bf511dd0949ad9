//! Libraries that have their code for several CPUs.

/// The variable of the environment that names the last CPU of the library's that calls may take, read at the first of them.
/// What names none of them is as if it were not set.
pub const VARIABLE: &str = "DLC_CPU";
