//! What code is made: options of all commands that compile.

use clap::{Args, ValueEnum};
use dlc_driver::compile;

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

    /// Tells at the source what was done: passed, what was joined with what; missed, what was not, and why; fusion, both;
    /// with the bytes that it takes
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
    /// Operations that are joined
    Passed,
    /// Operations that are not, and why
    Missed,
}

impl Remarks {
    /// Those of a list that are shown.
    pub fn shown(all: &[Remarks]) -> compile::Remarks {
        let has = |one| all.contains(&Remarks::Fusion) || all.contains(&one);
        compile::Remarks {
            passed: has(Remarks::Passed),
            missed: has(Remarks::Missed),
        }
    }
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimeFormat {
    /// A table
    Text,
    /// A JSON object
    Json,
    /// A trace for chrome://tracing and ui.perfetto.dev
    Chrome,
}

impl From<TimeFormat> for compile::TimeFormat {
    fn from(format: TimeFormat) -> Self {
        match format {
            TimeFormat::Text => compile::TimeFormat::Text,
            TimeFormat::Json => compile::TimeFormat::Json,
            TimeFormat::Chrome => compile::TimeFormat::Chrome,
        }
    }
}
