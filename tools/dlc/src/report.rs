//! What the user reads: errors in the format that was asked for, and the exit status.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use dlc_driver::compile::{ErrorFormat, Failure};
use dlc_driver::{Severity, sarif};

/// The exit statuses that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// An error in the user's input.
    Input,
    /// Wrong usage.
    Usage,
    /// A file could not be read or written.
    Io,
    /// A bug in the compiler.
    Bug,
    /// Ended by a signal that someone sent.
    Signal(u8),
}

impl Status {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Input => 1,
            Status::Usage => 2,
            Status::Io => 3,
            Status::Bug => 101,
            Status::Signal(number) => 128u8.saturating_add(number),
        }
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Error {
    /// One message.
    Message {
        /// The exit status.
        status: Status,
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Diagnostics that are already in the format asked for.
    Rendered {
        /// Their text.
        text: String,
        /// How many of them are errors.
        errors: usize,
        /// The file.
        file: String,
    },
    /// Everything has been said already.
    Shown(Status),
    /// The compiler found that it is wrong; the parent process writes the reproducer.
    Internal(String),
}

impl Error {
    fn message(status: Status, message: impl Into<String>) -> Self {
        Error::Message {
            status,
            message: message.into(),
            help: None,
        }
    }

    /// An error in the user's input.
    pub fn input(message: impl Into<String>) -> Self {
        Self::message(Status::Input, message)
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::message(Status::Usage, message)
    }

    /// A file could not be read or written.
    pub fn io(message: impl Into<String>) -> Self {
        Self::message(Status::Io, message)
    }

    /// The same with a help line.
    pub fn help(mut self, text: Option<String>) -> Self {
        if let Error::Message { help, .. } = &mut self {
            *help = text;
        }
        self
    }

    /// What the compilation of `file` ended with.
    pub fn of_compilation(failure: Failure, file: &str) -> Self {
        match failure {
            Failure::User { rendered, errors } => Error::Rendered {
                text: rendered,
                errors,
                file: file.to_string(),
            },
            Failure::Usage(text) => Self::with_help_line(Status::Usage, &text),
            Failure::Io(text) => Self::with_help_line(Status::Io, &text),
            Failure::Internal { message, .. } => Error::Internal(message),
        }
    }

    /// A text whose last line may be `help: …`.
    fn with_help_line(status: Status, text: &str) -> Self {
        match text.rsplit_once("\nhelp: ") {
            Some((message, help)) => Self::message(status, message).help(Some(help.to_string())),
            None => Self::message(status, text),
        }
    }
}

impl From<dlc_runtime::FileError> for Error {
    fn from(error: dlc_runtime::FileError) -> Self {
        Error::io(error.to_string()).help(error.help())
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether standard error is coloured; a child process asks for its parent's.
    pub fn resolve(self) -> bool {
        match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => match crate::supervise::parent_color() {
                Some(color) => color,
                None => {
                    let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
                    !refused && std::io::stderr().is_terminal()
                }
            },
        }
    }
}

/// How to write errors.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The format.
    pub format: ErrorFormat,
    /// Whether to colour.
    pub color: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            format: ErrorFormat::Human,
            color: false,
        }
    }
}

impl Output {
    /// Writes an error, gives its exit status.
    pub fn error(self, error: &Error) -> Status {
        match error {
            Error::Message {
                status,
                message,
                help,
            } => {
                self.message(Severity::Error, message, help.as_deref());
                *status
            }
            Error::Rendered { text, errors, file } => {
                to_stderr(text);
                if self.format == ErrorFormat::Human && *errors > 1 {
                    let message = format!("{file} has {errors} errors");
                    self.message(Severity::Error, &message, None);
                }
                Status::Input
            }
            Error::Shown(status) => *status,
            Error::Internal(message) => {
                to_stderr(&format!("internal error: {message}\n"));
                Status::Bug
            }
        }
    }

    /// Writes a message with a help line.
    pub fn message(self, severity: Severity, message: &str, help: Option<&str>) {
        to_stderr(&self.render(severity, message, help));
    }

    fn render(self, severity: Severity, message: &str, help: Option<&str>) -> String {
        let level = severity.name();
        let (level_style, help_style, bold, reset) = match (self.color, severity) {
            (false, _) => ("", "", "", ""),
            (true, Severity::Warning) => ("\x1b[1;33m", "\x1b[1;36m", "\x1b[1m", "\x1b[0m"),
            (true, _) => ("\x1b[1;31m", "\x1b[1;36m", "\x1b[1m", "\x1b[0m"),
        };
        match self.format {
            ErrorFormat::Human => {
                let mut text = format!("{level_style}{level}{reset}{bold}: {message}{reset}\n");
                if let Some(help) = help {
                    text += &format!("{help_style}help{reset}: {help}\n");
                }
                text
            }
            ErrorFormat::Short => format!("{level}: {}\n", message.replace('\n', " ")),
            ErrorFormat::Json => {
                let object = serde_json::json!({
                    "severity": level,
                    "message": message,
                    "help": help,
                });
                format!("{object}\n")
            }
            ErrorFormat::Sarif => {
                let notification = sarif::notification(severity, message, help);
                format!("{notification}\n")
            }
        }
    }
}

/// Writes to standard error; a closed one is no error.
pub fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to standard output. A reader that has gone, as `head` does, ends the program quietly.
pub fn to_stdout(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let output = |format, color| Output { format, color };
        let plain = output(ErrorFormat::Human, false);
        assert_eq!(
            plain.render(Severity::Error, "no", Some("do")),
            "error: no\nhelp: do\n"
        );
        assert!(
            output(ErrorFormat::Human, true)
                .render(Severity::Error, "no", None)
                .contains("\x1b[1;31m")
        );
        let short = output(ErrorFormat::Short, false);
        assert_eq!(
            short.render(Severity::Error, "a\nb", Some("do")),
            "error: a b\n"
        );
        let json = output(ErrorFormat::Json, true);
        assert_eq!(
            json.render(Severity::Error, "a \"b\"", None),
            "{\"help\":null,\"message\":\"a \\\"b\\\"\",\"severity\":\"error\"}\n"
        );
    }

    #[test]
    fn help_lines_are_split_off() {
        let error = Error::of_compilation(Failure::Usage("no cpu x\nhelp: see".into()), "f.dl");
        let Error::Message {
            status,
            message,
            help,
        } = error
        else {
            panic!("a message");
        };
        assert_eq!((status, message.as_str()), (Status::Usage, "no cpu x"));
        assert_eq!(help.as_deref(), Some("see"));
    }

    #[test]
    fn statuses_are_those_documented() {
        let codes = [
            Status::Done,
            Status::Input,
            Status::Usage,
            Status::Io,
            Status::Bug,
        ];
        assert_eq!(codes.map(Status::code), [0, 1, 2, 3, 101]);
        assert_eq!(Status::Signal(9).code(), 137);
    }
}
