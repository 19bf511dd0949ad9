//! A call of an export: arguments of all commands that call compiled code.

use clap::Args;

use super::Compile;

/// An export and its inputs.
#[derive(Debug, Clone, Args)]
pub struct Call {
    /// The source file and the export; the export may be left out when there is only one
    #[arg(value_name = "FILE::EXPORT", help_heading = "Input")]
    pub callee: String,

    /// The value of a parameter
    #[arg(long = "input", value_name = "NAME=VALUE", help_heading = "Input")]
    pub inputs: Vec<String>,

    /// The value of a dim that no input gives
    #[arg(long = "dim", value_name = "NAME=SIZE", help_heading = "Input")]
    pub dims: Vec<String>,

    /// The seed of normal(...), and of what `dlc bench` makes up
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Input")]
    pub seed: u64,

    /// How many threads to run on
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Target")]
    pub threads: usize,

    #[command(flatten)]
    pub compile: Compile,
}
