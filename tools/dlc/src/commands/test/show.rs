//! What `dlc test` prints while tests run, and after.

use std::io::IsTerminal;
use std::time::Duration;

use dlc_driver::Severity;
use dlc_driver::compile::ErrorFormat;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Outcome, Ran};
use crate::cli::TestFormat;
use crate::report::{Error, Output, Status, to_stderr, to_stdout};

/// A test as it is shown.
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The line of its name.
    pub line: usize,
}

/// The results so far. They are printed in the order of the tests, whatever the order in which these end.
pub struct Results {
    tests: Vec<Shown>,
    ran: Vec<Option<Ran>>,
    printed: usize,
    format: TestFormat,
    output: Output,
    filtered: usize,
    /// How far it is, below what is printed; hidden where nobody would see it.
    progress: ProgressBar,
}

impl Results {
    /// For these tests; `filtered` more are not run.
    pub fn new(tests: Vec<Shown>, format: TestFormat, output: Output, filtered: usize) -> Self {
        let progress = match format == TestFormat::Human && std::io::stderr().is_terminal() {
            true => progress_bar(&tests),
            false => ProgressBar::hidden(),
        };
        Self {
            ran: tests.iter().map(|_| None).collect(),
            tests,
            printed: 0,
            format,
            output,
            filtered,
            progress,
        }
    }

    /// The tests, one on each line.
    pub fn list(&self) -> String {
        let line = |test: &Shown| match self.format {
            TestFormat::Human => format!("{}\n", test.name),
            TestFormat::Json => {
                let object = json!({"test": test.name, "file": test.file, "line": test.line});
                format!("{object}\n")
            }
        };
        self.tests.iter().map(line).collect()
    }

    /// Takes what became of a test, and prints what can be.
    pub fn add(&mut self, number: usize, ran: Ran) -> Result<(), Error> {
        self.ran[number] = Some(ran);
        while let Some(Some(ran)) = self.ran.get(self.printed) {
            let text = line(&self.tests[self.printed], ran, self.format);
            self.printed += 1;
            self.progress.suspend(|| to_stdout(text.as_bytes()))?;
        }
        match self.tests.get(self.printed) {
            Some(next) => self.progress.set_message(next.name.clone()),
            None => self.progress.finish_and_clear(),
        }
        self.progress.inc(1);
        Ok(())
    }

    /// Prints what failed and how many; an error if anything did.
    pub fn finish(&self) -> Result<(), Error> {
        let ran = || self.tests.iter().zip(self.ran.iter().flatten());
        let failed = ran()
            .filter(|(_, ran)| !matches!(ran.result, Outcome::Passed))
            .count();
        let passed = self.tests.len() - failed;
        let mut text = String::new();
        match self.format {
            TestFormat::Json => {
                let object =
                    json!({"passed": passed, "failed": failed, "filtered_out": self.filtered});
                text += &format!("{object}\n");
            }
            TestFormat::Human => {
                // With SARIF, what failed goes into the document.
                let sarif = self.output.format == ErrorFormat::Sarif;
                for (test, ran) in ran().filter(|_| !sarif) {
                    if let Outcome::Failed { rendered, .. }
                    | Outcome::TimedOut { rendered }
                    | Outcome::Crashed { rendered } = &ran.result
                    {
                        text += &format!("\n---- {} ----\n{}\n", test.name, rendered.trim_end());
                    }
                }
                if failed > 0 {
                    text += "\n";
                }
                text += &format!("{passed} passed, {failed} failed");
                if self.filtered > 0 {
                    text += &format!(", {} filtered out", self.filtered);
                }
                text += "\n";
            }
        }
        to_stdout(text.as_bytes())?;
        if self.output.format == ErrorFormat::Sarif {
            self.add_to_document();
        }
        match failed {
            0 => Ok(()),
            _ => Err(Error::Shown(Status::Input)),
        }
    }

    /// What the tests' processes wrote as SARIF results, and a message for each that died.
    fn add_to_document(&self) {
        for (test, ran) in self.tests.iter().zip(self.ran.iter().flatten()) {
            match &ran.result {
                Outcome::Passed => {}
                Outcome::Failed { rendered, .. } => {
                    to_stderr(&format!("{}\n", rendered.trim_end()))
                }
                Outcome::TimedOut { rendered } | Outcome::Crashed { rendered } => {
                    let message = format!("test {}: {}", test.name, rendered.trim_end());
                    self.output.message(Severity::Error, &message, None);
                }
            }
        }
    }
}

/// How many tests have been run, for how long, and the one that is waited for.
fn progress_bar(tests: &[Shown]) -> ProgressBar {
    let template = "[{elapsed}] {bar:20} {pos}/{len} {wide_msg}";
    let style = ProgressStyle::with_template(template).expect("the template is right");
    let progress = ProgressBar::new(tests.len() as u64).with_style(style);
    if let Some(first) = tests.first() {
        progress.set_message(first.name.clone());
    }
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

fn line(test: &Shown, ran: &Ran, format: TestFormat) -> String {
    let status = match ran.result {
        Outcome::Passed => "passed",
        Outcome::Failed { .. } => "failed",
        Outcome::TimedOut { .. } => "timed_out",
        Outcome::Crashed { .. } => "crashed",
    };
    if format == TestFormat::Human {
        let word = match ran.result {
            Outcome::Passed => "ok",
            Outcome::Failed { .. } => "FAILED",
            Outcome::TimedOut { .. } => "TIMED OUT",
            Outcome::Crashed { .. } => "CRASHED",
        };
        return format!("test {} ... {word}\n", test.name);
    }
    let mut object = json!({
        "test": test.name,
        "file": test.file,
        "line": test.line,
        "status": status,
        "seconds": ran.seconds,
    });
    match &ran.result {
        Outcome::Passed => {}
        Outcome::Failed { rendered, failures } => {
            object["failures"] = json!(failures);
            object["rendered"] = json!(rendered);
        }
        Outcome::TimedOut { rendered } | Outcome::Crashed { rendered } => {
            object["rendered"] = json!(rendered)
        }
    }
    format!("{object}\n")
}
