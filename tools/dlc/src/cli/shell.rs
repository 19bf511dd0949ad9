//! The arguments of the commands for shells and for `man`, and the command line as these show it.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Writes a script that completes command lines to standard output
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc completions bash > ~/.local/share/bash-completion/completions/dlc
  dlc completions zsh > ~/.zfunc/_dlc
  dlc completions fish > ~/.config/fish/completions/dlc.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", help_heading = "Output")]
    pub shell: Shell,
}

/// Writes the pages for `man`: all of them into a folder, or the first to standard output
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc man | man -l -
  dlc man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath, help_heading = "Output")]
    pub folder: Option<PathBuf>,
}

/// The command line without what `--help` hides.
pub fn visible() -> Command {
    let all = Cli::command();
    let commands = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let commands: Vec<_> = commands.cloned().collect();
    let arguments: Vec<_> = all.get_arguments().cloned().collect();
    let mut shown = Command::new("dlc")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args(arguments)
        .subcommands(commands);
    if let Some(about) = all.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(examples) = all.get_after_help() {
        shown = shown.after_help(examples.clone());
    }
    shown
}
