//! `dlc explain`: the page of an error code.

use dlc_driver::info;

use crate::report::{Error, to_stdout};

/// Runs the command.
pub fn run(code: &str) -> Result<(), Error> {
    match info::explain(code) {
        Some(page) => to_stdout(format!("{}\n", page.trim_end()).as_bytes()),
        None => Err(Error::usage(format!("there is no error code {code}"))
            .help(Some("a code looks like DL0203".to_string()))),
    }
}
