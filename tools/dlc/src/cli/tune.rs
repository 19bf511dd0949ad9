//! The arguments of `dlc tune`.

use std::path::PathBuf;

use clap::Args;

use super::Call;

/// Searches for schedules that make an export faster on this machine
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc tune model.dl::f --input x=@x.npy -o model.toml
  dlc build model.dl --schedule model.toml

Values are tried one by one, and kept where the call takes less time.")]
pub struct Tune {
    #[command(flatten)]
    pub call: Call,

    /// The file for what was found
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: PathBuf,

    /// How long to search at most, in seconds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 300,
        help_heading = "Optimisation"
    )]
    pub seconds: u64,
}
