//! The arguments of `dlc explain`.

use clap::{Args, ValueEnum};

/// Explains an error code or a lint
#[derive(Debug, Args)]
pub struct Explain {
    /// The code or the lint, such as DL0203 or unused-variables; without one, all codes are listed
    pub code: Option<String>,

    /// How the list of all codes is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ExplainFormat,
}

/// How the list of all codes is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// A line for each
    Text,
    /// A table in Markdown
    Markdown,
}
