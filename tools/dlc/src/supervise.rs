//! The parent process: runs the command in a child, and turns a child that died into a message.
//!
//! The child's standard error is held back until it ends, so that what a crashing compiler
//! writes there goes into the reproducer and not to the user. Options that print while the
//! compiler runs let it through.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command as Process, ExitStatus, Output as ProcessOutput, Stdio};

use dlc_driver::compile::ErrorFormat;

use crate::cli::{Cli, Compile};
use crate::commands;
use crate::crash::{self, Crash};
use crate::report::{Error, Output, Status, to_stderr};
use crate::sarif;
use crate::source::split_target;

/// Set for the child; its value says whether to colour.
pub const CHILD: &str = "DLC_CHILD";

/// What it is set to.
pub fn child_value(output: Output) -> &'static str {
    if output.color { "color" } else { "plain" }
}

/// Set for a second run after a crash: the file for the last IR. That run ends after compiling.
const KEEP_IR: &str = "DLC_KEEP_IR";

/// Whether this process is the child.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Whether the parent colours, in the child.
pub fn parent_color() -> Option<bool> {
    std::env::var_os(CHILD).map(|value| value == "color")
}

/// Where to keep the last IR, in the second run after a crash.
pub fn keep_ir() -> Option<std::path::PathBuf> {
    std::env::var_os(KEEP_IR).map(Into::into)
}

/// Runs the command line in a child process.
pub fn run(cli: &Cli, arguments: &[OsString]) -> Status {
    let output = cli.common.output();
    let compile = cli
        .command
        .as_ref()
        .and_then(|command| command.compile_options());
    let sarif = output.format == ErrorFormat::Sarif;
    let through = !sarif && compile.is_some_and(prints_while_running);
    let result = match spawn(output, arguments, None, through) {
        Ok(result) => result,
        Err(error) => {
            let message = format!("cannot start the compiler's own process: {error}");
            return output.error(&Error::io(message));
        }
    };
    let said = String::from_utf8_lossy(&result.stderr);
    let (status, said) = match Ending::of(result.status) {
        Ending::Status(status) => (status, said.into_owned()),
        Ending::Crash(how) => {
            let crash = Crash {
                how,
                said: &said,
                arguments,
                files: crashed_on(cli),
                folder: compile.and_then(|compile| compile.crash_dir.as_deref()),
            };
            let report = crash::report(&crash, output, |ir| last_ir(output, arguments, ir));
            // The reproducer has what the child said.
            let said = if sarif {
                said.into_owned()
            } else {
                String::new()
            };
            (Status::Bug, said + &report)
        }
    };
    match sarif {
        true => to_stderr(&sarif::document(&said, status.code())),
        false => to_stderr(&said),
    }
    status
}

/// The files that were compiled and what they import.
fn crashed_on(cli: &Cli) -> Vec<String> {
    let given = cli.command.iter().flat_map(|command| command.files());
    let given = given.map(|target| split_target(target).0.to_owned());
    let mut files = Vec::new();
    for file in given.filter(|file| Path::new(file).is_file()) {
        let imports = commands::imports::of(&file);
        files.push(file);
        files.extend(imports);
    }
    files
}

fn prints_while_running(compile: &Compile) -> bool {
    !compile.print_ir_after.is_empty()
        || compile.print_ir_after_all
        || compile.print_ir_after_change
        || compile.time_passes.is_some()
        || compile.stats
}

fn spawn(
    output: Output,
    arguments: &[OsString],
    keep_ir: Option<&Path>,
    through: bool,
) -> std::io::Result<ProcessOutput> {
    let mut process = Process::new(std::env::current_exe()?);
    process
        .args(arguments)
        .env(CHILD, child_value(output))
        .stderr(if through {
            Stdio::inherit()
        } else {
            Stdio::piped()
        });
    if let Some(path) = keep_ir {
        process
            .env(KEEP_IR, path)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
    }
    process.spawn()?.wait_with_output()
}

/// Compiles once more to have the IR before the pass that crashed.
fn last_ir(output: Output, arguments: &[OsString], ir: &Path) {
    // Whatever becomes of it: the reproducer has the IR or does without.
    let _ = spawn(output, arguments, Some(ir), false);
}

/// How a child ended.
#[derive(Debug, PartialEq)]
pub enum Ending {
    /// With a status of ours, or by a signal that someone sent.
    Status(Status),
    /// By a crash.
    Crash(String),
}

impl Ending {
    /// Of a process.
    pub fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            if let Some(signal) = status.signal() {
                return match signal_name(signal) {
                    Some(name) => Ending::Crash(format!("ended by {name}")),
                    // Someone, or the system when memory ran out, ended it.
                    None => Ending::Status(Status::Signal(u8::try_from(signal).unwrap_or(0))),
                };
            }
        }
        match status.code() {
            Some(0) => Ending::Status(Status::Done),
            Some(1) => Ending::Status(Status::Input),
            Some(2) => Ending::Status(Status::Usage),
            Some(3) => Ending::Status(Status::Io),
            Some(101) => Ending::Crash("met an internal error".to_string()),
            Some(code) => Ending::Crash(format!("ended with status {code}")),
            None => Ending::Crash("ended without a status".to_string()),
        }
    }
}

/// The signals that only a crash raises.
#[cfg(unix)]
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        4 => "SIGILL (illegal instruction)",
        5 => "SIGTRAP (trap)",
        6 => "SIGABRT (abort)",
        7 => "SIGBUS (bus error)",
        8 => "SIGFPE (arithmetic error)",
        11 => "SIGSEGV (invalid memory access or stack overflow)",
        31 => "SIGSYS (bad system call)",
        _ => return None,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn endings_are_told_apart() {
        let ending = |raw| Ending::of(ExitStatus::from_raw(raw));
        assert_eq!(ending(0), Ending::Status(Status::Done));
        assert_eq!(ending(3 << 8), Ending::Status(Status::Io));
        assert_eq!(ending(15), Ending::Status(Status::Signal(15)));
        assert_eq!(ending(9), Ending::Status(Status::Signal(9)));
        for raw in [11, 6, 4, 101 << 8, 77 << 8] {
            assert!(matches!(ending(raw), Ending::Crash(_)), "{raw}");
        }
    }
}
