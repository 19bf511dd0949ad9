//! What `dlc test` prints while tests run, and after.

use std::io::{IsTerminal, Write};

use dlc_driver::Severity;
use dlc_driver::compile::ErrorFormat;
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
    /// Whether a line that tells how far it is stands below what is printed.
    progress: bool,
}

impl Results {
    /// For these tests; `filtered` more are not run.
    pub fn new(tests: Vec<Shown>, format: TestFormat, output: Output, filtered: usize) -> Self {
        Self {
            ran: tests.iter().map(|_| None).collect(),
            tests,
            printed: 0,
            format,
            output,
            filtered,
            progress: format == TestFormat::Human && std::io::stderr().is_terminal(),
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
        self.clear_progress();
        while let Some(Some(ran)) = self.ran.get(self.printed) {
            let text = line(&self.tests[self.printed], ran, self.format);
            self.printed += 1;
            to_stdout(text.as_bytes())?;
        }
        self.show_progress();
        Ok(())
    }

    fn show_progress(&self) {
        let done = self.ran.iter().flatten().count();
        if !self.progress || done == self.tests.len() {
            return;
        }
        let next = (self.ran.iter().zip(&self.tests)).find(|(ran, _)| ran.is_none());
        let name = next.map_or("", |(_, test)| test.name.as_str());
        let name: String = name.chars().take(50).collect();
        let mut stderr = std::io::stderr().lock();
        // A terminal that is gone is no reason to stop.
        let _ = write!(stderr, "[{done}/{}] {name}", self.tests.len());
        let _ = stderr.flush();
    }

    fn clear_progress(&self) {
        if self.progress {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
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
                    if let Outcome::Failed { rendered, .. } | Outcome::Crashed { rendered } =
                        &ran.result
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
                Outcome::Crashed { rendered } => {
                    let message = format!("test {}: {}", test.name, rendered.trim_end());
                    self.output.message(Severity::Error, &message, None);
                }
            }
        }
    }
}

fn line(test: &Shown, ran: &Ran, format: TestFormat) -> String {
    let status = match ran.result {
        Outcome::Passed => "passed",
        Outcome::Failed { .. } => "failed",
        Outcome::Crashed { .. } => "crashed",
    };
    if format == TestFormat::Human {
        let word = match ran.result {
            Outcome::Passed => "ok",
            Outcome::Failed { .. } => "FAILED",
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
        Outcome::Crashed { rendered } => object["rendered"] = json!(rendered),
    }
    format!("{object}\n")
}
