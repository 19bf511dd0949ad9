//! The test harness: what `filetests.rs` and `end_to_end.rs` are made of.
//!
//! A test is data wherever it can be: files of `dl` with lines that say what to run (`directive`), goldens, and
//! sweeps generated from the table of ops. The oracle is the reference evaluator; what is compared with it
//! is a `Runner`.

pub mod bad_input;
pub mod chosen;
pub mod compare;
pub mod cpu;
pub mod cross;

pub mod differential;
pub mod directive;
pub mod docs;
pub mod examples;
pub mod files;
pub mod golden;
pub mod gpu;
pub mod gradcheck;
pub mod host;
pub mod layouts;
pub mod levels;
pub mod literal;
pub mod memory;
pub mod module;
pub mod opfile;
pub mod programs;
pub mod ptxas;
pub mod runner;
pub mod shell;
pub mod sweep;
pub mod values;

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;

/// Runs the trials that a test binary has.
pub fn run(trials: fn(&Arguments) -> Result<Vec<Trial>>) -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A trial that fails with the error's text and its causes.
pub fn trial(name: String, run: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || {
        run().map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A trial that is not run, for a reason that is printed.
pub fn skipped(name: String, reason: impl Into<String>) -> Trial {
    let reason = reason.into();
    println!("skipped {name}: {reason}");
    Trial::ignorable_test(name, move || Ok(Completion::ignored_with(reason)))
}
