//! `dlc reduce`: the smallest program that still shows a wrong value, a crash, or what a script looks for.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use dlc_driver::artefact;
use dlc_driver::reduce;
use wait_timeout::ChildExt;

use crate::cli::{Common, Reduce};
use crate::crash::quote;
use crate::report::{Error, Output, Status, to_stderr, to_stdout};
use crate::source::{SourceFile, split_target};
use crate::supervise::{self, Ending};

/// A smaller program that takes longer shows something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn run(reduce: &Reduce, common: &Common) -> Result<(), Error> {
    let (path, export) = split_target(&reduce.compared.call.callee);
    if path == "-" {
        return Err(Error::usage(
            "a program to be reduced is in a file, not standard input",
        ));
    }
    let file = SourceFile::read(path)?;
    let folder = match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let trial = Trial {
        reduce,
        common,
        export,
        folder,
    };
    let source = file.source();
    let wanted = trial.shown(source.text)?;
    if wanted == Shown::Nothing {
        let message = match reduce.check {
            Some(_) => "the script does not end with 0 on the whole program",
            None => {
                "there is nothing to reduce for: the compiler does not end, and compiled code and the reference evaluator agree"
            }
        };
        let help = match reduce.check {
            Some(_) => "it gets the file as $1",
            None => {
                "name what to look for with --check, or other inputs with --input, --dim and --seed"
            }
        };
        return Err(Error::input(message).help(Some(help.to_string())));
    }
    let end = Instant::now() + Duration::from_secs(reduce.seconds);
    let (mut tried, mut failed) = (0, None);
    let small = reduce::reduce(source.text, &mut |text| {
        if failed.is_some() || Instant::now() > end {
            return false;
        }
        if wanted == Shown::Difference && !reduce::is_valid(&source, text) {
            return false;
        }
        tried += 1;
        match trial.shown(text) {
            Ok(shown) => shown == wanted,
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let lines = |text: &str| text.lines().count();
    let ended = match Instant::now() > end {
        true => ", as far as the time went",
        false => "",
    };
    to_stderr(&format!(
        "{} lines became {}{ended}; {tried} programs were run, and this one still shows it: {}\n",
        lines(source.text),
        lines(&small),
        trial.told(&wanted)
    ));
    match reduce.to.output == Path::new("-") {
        true => to_stdout(small.as_bytes()),
        false => {
            artefact::write(&reduce.to.output, small.as_bytes())?;
            let again = trial.command(&reduce.to.output.display().to_string(), &small);
            to_stderr(&format!("shown again by: {again}\n"));
            Ok(())
        }
    }
}

/// What a program shows.
#[derive(Debug, Clone, PartialEq)]
enum Shown {
    Nothing,
    /// What the script looks for.
    Script,
    /// A value that differs.
    Difference,
    /// The end of the compiler: how, and what it said.
    Crash(String),
}

struct Trial<'a> {
    reduce: &'a Reduce,
    common: &'a Common,
    export: Option<&'a str>,
    /// That of the program, which imports others by their places.
    folder: PathBuf,
}

impl Trial<'_> {
    /// What a program shows.
    fn shown(&self, text: &str) -> Result<Shown, Error> {
        let unwritable = |error: std::io::Error| {
            Error::io(format!(
                "cannot write a program beside the one to be reduced: {error}"
            ))
        };
        let file = tempfile::Builder::new()
            .prefix("dlc_reduce_")
            .suffix(".dl")
            .tempfile_in(&self.folder)
            .map_err(unwritable)?;
        std::fs::write(file.path(), text).map_err(unwritable)?;
        match &self.reduce.check {
            Some(script) => {
                let mut process = Process::new("sh");
                process.args(["-c", script, "dlc-reduce"]).arg(file.path());
                let (status, _) = self.ended(process)?;
                Ok(match status {
                    Some(status) if status.success() => Shown::Script,
                    _ => Shown::Nothing,
                })
            }
            None => self.compared(file.path(), text),
        }
    }

    /// What `dlc bisect` says of a program.
    fn compared(&self, path: &Path, text: &str) -> Result<Shown, Error> {
        let program = std::env::current_exe()
            .map_err(|error| Error::io(format!("cannot find the compiler's program: {error}")))?;
        let mut process = Process::new(program);
        process.args(["bisect", "--quick", "--no-cache", "--error-format", "short"]);
        process.args(self.arguments(&path.display().to_string(), text));
        process.env(supervise::CHILD, supervise::child_value(Output::default()));
        let (Some(status), said) = self.ended(process)? else {
            return Ok(Shown::Nothing);
        };
        Ok(match Ending::of(status) {
            Ending::Status(Status::Input) if said.contains("DL1022") => Shown::Difference,
            Ending::Crash(how) => {
                // Places and sizes change with the program.
                let first = said.lines().next().unwrap_or_default();
                let words = first.replace(|c: char| c.is_ascii_digit(), "");
                let words = words.replace(&path.display().to_string(), "");
                Shown::Crash(format!("{how}: {words}"))
            }
            Ending::Status(_) => Shown::Nothing,
        })
    }

    /// How a process ends, unless it takes too long, and what it says.
    fn ended(
        &self,
        mut process: Process,
    ) -> Result<(Option<std::process::ExitStatus>, String), Error> {
        let io = |error: std::io::Error| Error::io(format!("cannot run a program: {error}"));
        let mut said = tempfile::tempfile().map_err(io)?;
        let mut child = process
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.try_clone().map_err(io)?)
            .spawn()
            .map_err(io)?;
        let status = child.wait_timeout(PATIENCE).map_err(io)?;
        if status.is_none() {
            child.kill().and_then(|()| child.wait()).map_err(io)?;
        }
        let mut text = vec![];
        std::io::Seek::rewind(&mut said).map_err(io)?;
        std::io::Read::read_to_end(&mut said, &mut text).map_err(io)?;
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }

    /// The arguments of `dlc bisect` for a program, without inputs and dims that it no longer has.
    fn arguments(&self, path: &str, text: &str) -> Vec<std::ffi::OsString> {
        let mut compared = self.reduce.compared.clone();
        let has = reduce::names(text, self.export);
        let named = |text: &String| {
            let name = text.split('=').next().unwrap_or_default();
            has.iter().any(|one| one == name)
        };
        compared.call.inputs.retain(named);
        compared.call.dims.retain(named);
        let callee = match self.export {
            Some(export) => format!("{path}::{export}"),
            None => path.to_string(),
        };
        let mut arguments = compared.arguments(&callee);
        arguments.extend(self.common.unstable_arguments());
        arguments
    }

    fn told(&self, shown: &Shown) -> String {
        match shown {
            Shown::Nothing => "nothing".to_string(),
            Shown::Script => "the script ends with 0".to_string(),
            Shown::Difference => "compiled code gives another value".to_string(),
            Shown::Crash(how) => format!("the compiler {}", how.trim_end_matches([':', ' '])),
        }
    }

    /// A command that shows it.
    fn command(&self, path: &str, text: &str) -> String {
        if let Some(script) = &self.reduce.check {
            return format!("sh -c {} dlc-reduce {}", quote(script), quote(path));
        }
        let arguments = self.arguments(path, text);
        let words = arguments.iter().map(|one| quote(&one.to_string_lossy()));
        format!("dlc bisect {}", words.collect::<Vec<_>>().join(" "))
    }
}
