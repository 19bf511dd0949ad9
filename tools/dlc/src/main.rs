//! `dlc`, the command line of the compiler.
//!
//! The process that the user starts only reads the command line. Work that goes through MLIR and
//! LLVM, and calls of compiled code, run in a child process, the same program again, so that a
//! crash there ends in a message and a reproducer (`supervise`, `crash`).
//!
//! Under the name `dlc-opt` it is that program: a package holds LLVM once.

mod cli;
mod commands;
mod crash;
mod events;
mod report;
mod sarif;
mod source;
mod supervise;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use cli::{Cli, Command, Format};
use report::{Error, Status};

/// Deep programs need a deep stack; memory that is not touched costs nothing.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let name = given.first().and_then(|path| Path::new(path).file_stem());
    if name.is_some_and(|name| name == "dlc-opt") {
        let words = given.iter().map(|word| word.to_string_lossy());
        let status = dlc_driver::opt_main(words.map(Into::into).collect());
        return ExitCode::from(u8::try_from(status).unwrap_or(1));
    }
    crash::set_panic_hook();
    let arguments = cli::expand(given);
    let matches = cli::Cli::command()
        .try_get_matches_from(&arguments)
        .unwrap_or_else(|error| error.exit());
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let child = supervise::is_child();
    let supervised = cli.command.as_ref().is_some_and(Command::compiles)
        || cli.common.error_format == Format::Sarif;
    let status = if !child && supervised {
        supervise::run(&cli, &arguments[1..])
    } else {
        work(cli)
    };
    ExitCode::from(status.code())
}

/// Runs the command in this process, on a thread with a large stack.
fn work(cli: Cli) -> Status {
    let thread = std::thread::Builder::new()
        .name("dlc".to_string())
        .stack_size(STACK);
    let started = thread.spawn(move || {
        let output = cli.common.output();
        match commands::run(cli) {
            Ok(()) => Status::Done,
            Err(error) => output.error(&error),
        }
    });
    match started.map(std::thread::JoinHandle::join) {
        Ok(Ok(status)) => status,
        // The hook has reported the panic.
        Ok(Err(_)) => Status::Bug,
        Err(error) => {
            let error = Error::io(format!("cannot start a thread: {error}"));
            report::Output::default().error(&error)
        }
    }
}
