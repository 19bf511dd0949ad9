//! Commands that are not built yet: their names, and what to do instead.

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// Commands that have their name but are not built yet.
#[derive(Debug, Subcommand)]
pub enum Later {
    #[command(hide = true, disable_help_flag = true)]
    Import(Anything),
}

impl Later {
    /// The name of the command, and what to do instead.
    pub fn name_and_help(&self) -> (&'static str, &'static str) {
        const AVAILABLE: &str = "`dlc --help` lists the commands";
        match self {
            Later::Import(_) => ("import", AVAILABLE),
        }
    }
}

/// Whatever follows a command that is not built yet.
#[derive(Debug, Args)]
pub struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<OsString>,
}
