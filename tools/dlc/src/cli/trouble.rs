//! The arguments of `dlc bugreport` and `dlc doctor`.

use std::path::PathBuf;

use clap::Args;

/// Writes a folder for a report of a bug, and says what is in it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc bugreport model.dl
  dlc bugreport model.dl --crash dlc-crash-0123456789ab -o report

The folder has the source and what it imports, versions, what `dlc doctor` says, what building the file says,
and a reproducer of the crash if there is one. Nothing is sent anywhere.")]
pub struct Bugreport {
    /// The source file
    #[arg(value_name = "FILE", help_heading = "Input")]
    pub file: String,

    /// A reproducer that goes into the report as well
    #[arg(long, value_name = "DIR", help_heading = "Input")]
    pub crash: Option<PathBuf>,

    /// The folder; default dlc-report-* here
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

/// Says what this installation can do, and what is missing
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1 where something is missing without which programs can't be built or run.")]
pub struct Doctor {}
