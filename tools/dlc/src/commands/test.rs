//! `dlc test`: runs tests, each in a process of its own, so that one that crashes does not take the others with it.

pub mod one;
mod show;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use dlc_driver::compile::Goal;
use dlc_driver::testing::{self, Test as Found};
use wait_timeout::ChildExt;

use super::device;
use crate::cli::{Common, Test};
use crate::report::{Error, Status, to_stderr, to_stdout};
use crate::source::SourceFile;
use crate::supervise::{self, Ending};
use show::{Results, Shown};

/// A test to run.
struct Job<'a> {
    /// Its position among those that are run.
    number: usize,
    file: &'a SourceFile,
    /// Its position in the file.
    index: usize,
    test: &'a Found,
}

/// What became of a test.
pub struct Ran {
    /// How it went.
    pub result: Outcome,
    /// How long it took.
    pub seconds: f64,
}

/// How a test went.
pub enum Outcome {
    /// Everything holds.
    Passed,
    /// Something does not hold, or the test cannot be compiled.
    Failed {
        /// What to show.
        rendered: String,
        /// The assertions that do not hold.
        failures: Vec<serde_json::Value>,
    },
    /// It took longer than it may, and was ended.
    TimedOut {
        /// The limit, and what it had said so far.
        rendered: String,
    },
    /// Its process died.
    Crashed {
        /// How, and what it said.
        rendered: String,
    },
}

/// Runs the command.
pub fn run(test: &Test, common: &Common) -> Result<(), Error> {
    let files = files(&test.what)?;
    let setup = one::Setup {
        goal: Goal::Library,
        lints: test.lints.levels()?,
        target_cpu: test.code.cpu(),
        target_features: &test.code.target_feature,
        level: test.code.level,
        check_bounds: test.check_bounds,
        gpu: None,
    };
    let session = one::session(common, setup);
    // Each test opens the device again; that there is none is said once.
    device::open(test.target)?;
    let mut found = Vec::new();
    for file in &files {
        let (tests, warnings) = testing::tests(&session, &file.source())
            .map_err(|failure| Error::of_compilation(failure, &file.name))?;
        to_stderr(&warnings);
        found.push(tests);
    }
    let all: usize = found.iter().map(Vec::len).sum();
    let mut jobs: VecDeque<Job> = VecDeque::new();
    for (file, tests) in files.iter().zip(&found) {
        for (index, found) in tests.iter().enumerate() {
            let number = jobs.len();
            if test.selects(&found.name) {
                jobs.push_back(Job {
                    number,
                    file,
                    index,
                    test: found,
                });
            }
        }
    }
    let several = files.len() > 1;
    let shown: Vec<Shown> = jobs
        .iter()
        .map(|job| Shown {
            name: match several {
                true => format!("{}: {}", job.file.stem(), job.test.name),
                false => job.test.name.clone(),
            },
            file: job.file.name.clone(),
            line: job.test.line,
        })
        .collect();
    let mut results = Results::new(shown, test.format, common.output(), all - jobs.len());
    if test.list {
        return to_stdout(results.list().as_bytes());
    }
    if test.exact && jobs.is_empty() {
        let filter = test.filter.as_deref().unwrap_or_default();
        let help = format!("`dlc test {} --list` lists them", test.what);
        return Err(Error::input(format!("there is no test {filter:?}")).help(Some(help)));
    }
    let threads = threads(test)?.min(jobs.len());
    let jobs = Mutex::new(jobs);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| -> Result<(), Error> {
        for _ in 0..threads {
            let (jobs, sender) = (&jobs, sender.clone());
            scope.spawn(move || {
                while let Some(job) = next(jobs) {
                    let ran = run_job(&job, test, common);
                    if sender.send((job.number, ran)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (number, ran) in receiver {
            results.add(number, ran)?;
        }
        Ok(())
    })?;
    results.finish()
}

fn next<'a>(jobs: &Mutex<VecDeque<Job<'a>>>) -> Option<Job<'a>> {
    // A thread that panics while it holds the lock ends the program.
    jobs.lock().ok()?.pop_front()
}

/// The files that `dlc test` is given.
fn files(what: &str) -> Result<Vec<SourceFile>, Error> {
    match what {
        "std" => testing::std_modules()
            .map(|module| file(&format!("std::{module}")))
            .collect(),
        _ => Ok(vec![file(what)?]),
    }
}

/// A file, standard input or a module of the standard library.
fn file(what: &str) -> Result<SourceFile, Error> {
    let Some(module) = what.strip_prefix("std::") else {
        return SourceFile::read(what);
    };
    let Some((name, text)) = testing::std_module(module) else {
        let modules: Vec<_> = testing::std_modules().collect();
        let message = format!("the standard library has no module `{module}`");
        let help = format!("its modules are {}", modules.join(", "));
        return Err(Error::usage(message).help(Some(help)));
    };
    Ok(SourceFile::of_text(name, text, module))
}

impl Test {
    fn selects(&self, name: &str) -> bool {
        match &self.filter {
            None => true,
            Some(filter) if self.exact => name == filter,
            Some(filter) => name.contains(filter.as_str()),
        }
    }
}

fn threads(test: &Test) -> Result<usize, Error> {
    match test.threads {
        Some(0) => Err(Error::usage("`--threads 0`: one thread at least")),
        Some(threads) => Ok(threads),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}

/// Runs a test in a process of its own.
fn run_job(job: &Job, test: &Test, common: &Common) -> Ran {
    let start = Instant::now();
    let result = child(job, test, common).unwrap_or_else(|error| Outcome::Crashed {
        rendered: format!("cannot start the test's own process: {error}\n"),
    });
    Ran {
        result,
        seconds: start.elapsed().as_secs_f64(),
    }
}

fn child(job: &Job, test: &Test, common: &Common) -> std::io::Result<Outcome> {
    let output = common.output();
    let stdin = job.file.is_stdin();
    let what = match testing::std_modules()
        .find(|module| test.what == "std" && *module == job.file.stem())
    {
        Some(module) => format!("std::{module}"),
        None => test.what.clone(),
    };
    let target = test.target.to_possible_value();
    let target = target.expect("no target is hidden");
    let format = crate::cli::Format::from(output.format);
    let format = format.to_possible_value().expect("no format is hidden");
    let mut process = Process::new(std::env::current_exe()?);
    process
        .args([
            "run-test",
            &what,
            &job.index.to_string(),
            target.get_name(),
            test.code.cpu(),
            &test.code.target_feature,
        ])
        .arg(test.code.level.to_string())
        .args(test.check_bounds.then_some("--check-bounds"))
        .arg(format!("--error-format={}", format.get_name()))
        .args(common.cache.arguments())
        .env(supervise::CHILD, supervise::child_value(output))
        .stdin(if stdin { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let crash = format!("{}{}", super::unstable::TEST_CRASH, job.index);
    if common.unstable.contains(&crash) {
        process.arg("-Zcrash=abort");
    }
    let mut process = process.spawn()?;
    if let Some(mut input) = process.stdin.take() {
        // A process that ends before it has read all tells why by its status.
        let _ = input.write_all(job.file.source().text.as_bytes());
    }
    let limit = (test.timeout > 0).then(|| Duration::from_secs(test.timeout));
    let said = wait(&mut process, limit)?;
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    let Some(status) = said.status else {
        let stdout = String::from_utf8_lossy(&said.stdout);
        let rendered = format!(
            "ended after the limit of {} s\n{stdout}{stderr}",
            test.timeout
        );
        return Ok(Outcome::TimedOut { rendered });
    };
    Ok(match Ending::of(status) {
        Ending::Status(Status::Done) => one::outcome(&said.stdout).unwrap_or(Outcome::Crashed {
            rendered: format!("the test's process said nothing of it\n{stderr}"),
        }),
        Ending::Status(Status::Signal(number)) => Outcome::Crashed {
            rendered: format!("ended by signal {number}\n{stderr}"),
        },
        Ending::Status(_) => Outcome::Failed {
            rendered: stderr,
            failures: Vec::new(),
        },
        Ending::Crash(how) => Outcome::Crashed {
            rendered: format!("{how}\n{stderr}"),
        },
    })
}

/// What a process said, and how it ended, unless it was ended after the limit.
struct Said {
    status: Option<ExitStatus>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Waits for a process while taking what it says, and ends it after the limit.
fn wait(process: &mut Child, limit: Option<Duration>) -> std::io::Result<Said> {
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    std::thread::scope(|scope| {
        let stdout = scope.spawn(|| all_of(stdout));
        let stderr = scope.spawn(|| all_of(stderr));
        let status = match limit {
            Some(limit) => process.wait_timeout(limit)?,
            None => Some(process.wait()?),
        };
        if status.is_none() {
            // It may have ended in the meantime.
            let _ = process.kill();
            process.wait()?;
        }
        Ok(Said {
            status,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

/// All that a pipe gives until it breaks.
fn all_of(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}
