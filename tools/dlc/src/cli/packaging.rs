//! What packages of a model say of it.

use clap::Args;

/// What packages of a model say of it.
#[derive(Debug, Clone, Args)]
pub struct Packaging {
    /// The version that --emit=wheel and --emit=pkg-config say
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "0.1.0",
        help_heading = "Output"
    )]
    pub package_version: String,
}
