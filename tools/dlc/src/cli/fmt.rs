//! The arguments of `dlc fmt`.

use clap::Args;

/// Formats files
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc fmt tiny.dl
  dlc fmt --check examples lib
  dlc fmt - < tiny.dl

There is one layout, without options. Comments stay, and so does what a program means. A file with
errors of syntax is left as it is.")]
pub struct Fmt {
    /// The source files, and folders in which all .dl files are taken; - for standard input, which
    /// goes to standard output
    #[arg(value_name = "PATH", required = true, help_heading = "Input")]
    pub paths: Vec<String>,

    /// Changes nothing: shows what would change, and ends with 1 if anything would
    #[arg(long, help_heading = "Output")]
    pub check: bool,
}
