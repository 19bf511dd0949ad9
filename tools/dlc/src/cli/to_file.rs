//! Where commands put the one text that they make.

use clap::Args;
use std::path::PathBuf;

/// Where a text goes.
#[derive(Debug, Args)]
pub struct ToFile {
    /// The file for what is made; - for standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        help_heading = "Output"
    )]
    pub output: PathBuf,
}
