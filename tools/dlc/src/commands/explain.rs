//! `dlc explain`: the page of an error code or a lint, or the list of all codes.

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
                "a code looks like DL0203, a lint like unused-variables; `dlc explain` lists all"
                    .to_string(),
            )),
        ),
    }
}

fn index(format: ExplainFormat) -> String {
    let codes = info::codes();
    match format {
        ExplainFormat::Text => codes
            .map(|code| {
                let lint = code.lint.map(|lint| format!(" ({lint})"));
                format!(
                    "{}  {}{}\n",
                    code.name,
                    code.title,
                    lint.unwrap_or_default()
                )
            })
            .collect(),
        ExplainFormat::Markdown => {
            let mut text = "| code | meaning | lint |\n|---|---|---|\n".to_string();
            for code in codes {
                let lint = code.lint.map(|lint| format!("`{lint}`"));
                let lint = lint.unwrap_or_default();
                text += &format!("| {} | {} | {lint} |\n", code.name, code.title);
            }
            text
        }
    }
}
