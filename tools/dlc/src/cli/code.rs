//! What code is made: options of all commands that compile.

use clap::{Args, ValueEnum};
use dlc_driver::compile;

/// What code is made.
#[derive(Debug, Clone, Args)]
pub struct Code {
    /// The CPU to compile for: native, one of --print target-cpus, or several of x86-64, x86-64-v2,
    /// x86-64-v3 and x86-64-v4, separated by commas, of which the library takes the best that
    /// the machine has, or that DLC_CPU names. By default native, or the least of another machine
    #[arg(long, value_name = "CPU", help_heading = "Target")]
    pub target_cpu: Option<String>,

    /// What the CPU has besides or lacks, such as +fma,-avx2
    #[arg(
        long,
        value_name = "FEATURES",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true,
        help_heading = "Target"
    )]
    pub target_feature: String,

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

impl Code {
    /// The CPU of this machine to compile for.
    pub fn cpu(&self) -> &str {
        self.target_cpu.as_deref().unwrap_or("native")
    }
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
