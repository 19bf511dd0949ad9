//! `dlc explain`: the page of an error code, or the list of all codes.

use dlc_driver::info;

use crate::cli::{Explain, ExplainFormat};
use crate::report::{Error, to_stdout};

/// Runs the command.
pub fn run(explain: &Explain) -> Result<(), Error> {
    let Some(code) = &explain.code else {
        return to_stdout(index(explain.format).as_bytes());
    };
    match info::explain(code) {
        Some(page) => to_stdout(format!("{}\n", page.trim_end()).as_bytes()),
        None => Err(
            Error::usage(format!("there is no error code {code}")).help(Some(
                "a code looks like DL0203; `dlc explain` lists all".to_string(),
            )),
        ),
    }
}

fn index(format: ExplainFormat) -> String {
    let codes = info::codes();
    match format {
        ExplainFormat::Text => codes
            .iter()
            .map(|(code, title)| format!("{code}  {title}\n"))
            .collect(),
        ExplainFormat::Markdown => {
            let mut text = "| code | meaning |\n|---|---|\n".to_string();
            for (code, title) in &codes {
                text += &format!("| {code} | {title} |\n");
            }
            text
        }
    }
}
