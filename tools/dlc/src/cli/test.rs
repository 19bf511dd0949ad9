//! The arguments of `dlc test`.

use clap::{Args, ValueEnum};

use super::{Code, Lints, RunTarget};

/// Runs the tests of a file or of the standard library
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc test tiny.dl
  dlc test tiny.dl gradient --target reference --timeout 60
  dlc test std
  dlc test std::nn --list

The tests of files that the file imports are not run. Exit status 1 if a test fails.")]
pub struct Test {
    /// The source file, - for standard input; std or std::MODULE for the standard library
    #[arg(value_name = "FILE", help_heading = "Input")]
    pub what: String,

    /// Runs the tests whose name contains this
    #[arg(value_name = "FILTER", help_heading = "Input")]
    pub filter: Option<String>,

    /// Runs the test whose name is the filter
    #[arg(long, requires = "filter", help_heading = "Input")]
    pub exact: bool,

    /// Prints the names and runs nothing
    #[arg(long, help_heading = "Output")]
    pub list: bool,

    /// How results are written
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        help_heading = "Output"
    )]
    pub format: TestFormat,

    #[command(flatten)]
    pub lints: Lints,

    /// How long a test may take, compiling included; 0 for as long as it wants
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        help_heading = "Target"
    )]
    pub timeout: u64,

    /// How many tests to run at a time; as many as there are processors by default
    #[arg(long, value_name = "N", help_heading = "Target")]
    pub threads: Option<usize>,

    /// What runs the tests
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "cpu",
        help_heading = "Target"
    )]
    pub target: RunTarget,

    #[command(flatten)]
    pub code: Code,

    /// Makes a test fail where an index is out of range; the reference evaluator always does
    #[arg(long, help_heading = "Debugging")]
    pub check_bounds: bool,
}

/// How results of tests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// Lines for people
    Human,
    /// One JSON object a line
    Json,
}

/// Runs one test
#[derive(Debug, Args)]
pub struct RunTest {
    /// The source
    pub what: String,
    /// The position of the test among those of the source
    pub index: usize,
    /// What runs it
    pub target: RunTarget,
    /// The CPU to compile for
    pub target_cpu: String,
    /// What it has besides or lacks
    #[arg(allow_hyphen_values = true)]
    pub target_feature: String,
    /// How much to optimise
    pub level: u8,
    /// Whether it fails where an index is out of range
    #[arg(long)]
    pub check_bounds: bool,
}
