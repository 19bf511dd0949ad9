//! The arguments of `dlc new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Makes a project: a model and a program that trains it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc new first
  dlc new first --host cpp
  dlc new models/first --host rust

The program makes its own data and prints a loss that falls; README.md says what to run. A folder
that is there already is left as it is.")]
pub struct New {
    /// The folder to make; its last part is the project's name
    #[arg(value_name = "NAME", value_hint = clap::ValueHint::AnyPath, help_heading = "Output")]
    pub path: PathBuf,

    /// The language of the program
    #[arg(
        long,
        value_name = "LANGUAGE",
        default_value = "c",
        help_heading = "Output"
    )]
    pub host: Host,
}

/// The languages of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// C, built by make
    C,
    /// C++, built by CMake
    Cpp,
    /// Rust, built by Cargo
    Rust,
    /// Python with NumPy
    Python,
}
