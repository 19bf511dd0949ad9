//! The arguments of `dlc diff`.

use super::bench::factor;
use clap::Args;
use std::path::PathBuf;

/// Compares two outputs of `dlc bench --json`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc diff before.json after.json
  dlc diff before.json after.json --assert-within 5%
  dlc diff before.json after.json --json

A file has one object or several, one after another, as `dlc bench --json >> FILE` makes them; those of the same export belong
together. The ratio of two medians has an interval of 95 % from those of the medians, by Price and Bonett (2002); a difference
is significant where 1 is outside of it. Rounds of one process tell nothing of what differs between processes, such as where
memory lies: what matters is worth several runs.")]
pub struct Diff {
    /// The output of the earlier runs
    #[arg(value_name = "BEFORE", help_heading = "Input")]
    pub before: PathBuf,

    /// The output of the later runs
    #[arg(value_name = "AFTER", help_heading = "Input")]
    pub after: PathBuf,

    /// Prints a JSON object for each pair
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Ends with status 1 if a median is significantly longer than before, and by more than so much: 5% more, or 1.05 times it
    #[arg(long, value_name = "PERCENT|FACTOR", value_parser = factor, help_heading = "Output")]
    pub assert_within: Option<f64>,
}
