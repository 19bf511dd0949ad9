//! What code is made: options of all commands that compile.

use clap::{Args, ValueEnum};

/// What code is made.
#[derive(Debug, Clone, Args)]
pub struct Code {
    /// The CPU to compile for: native, or one of --print target-cpus
    #[arg(
        long,
        value_name = "CPU",
        default_value = "native",
        help_heading = "Target"
    )]
    pub target_cpu: String,

    /// How much to optimise
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 3,
          value_parser = clap::value_parser!(u8).range(0..=3), help_heading = "Optimisation")]
    pub level: u8,

    /// Tells at the source what was done: fusion, what was joined with what and what was not, and the bytes that it takes
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Diagnostics"
    )]
    pub remarks: Vec<Remarks>,
}

/// What remarks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Remarks {
    /// Operations that are joined, and those that are not
    Fusion,
}
