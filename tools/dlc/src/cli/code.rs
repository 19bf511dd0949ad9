//! What code is made: options of all commands that compile.

use clap::Args;

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
}
