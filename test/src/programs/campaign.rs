//! Many programs: processes that run them, what becomes of these, and smaller programs for those that fail.

use super::{Name, Outcome, worker};
use anyhow::{Context, Result};
use dlc_programs::shrink;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// How many programs a process runs.
const CHUNK: u64 = 24;

/// The words before the names of programs that a process runs.
pub const WORKER: &str = "--worker";

/// Programs of consecutive seeds.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The command of a process, which takes [`WORKER`] and names.
    pub command: PathBuf,
    /// The first seed.
    pub seed: u64,
    /// How many.
    pub count: u64,
    /// How many processes at once.
    pub jobs: usize,
    /// How long a process may say nothing.
    pub patience: Duration,
}

/// What a campaign found.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many programs agree on all targets.
    pub agree: u64,
    /// How many could not be compared, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// How often a process ended early or had to be ended.
    pub restarts: u64,
    /// What fails, with the kind of failure and its details.
    pub failures: Vec<(Name, String, String)>,
}

impl Summary {
    fn add(&mut self, name: Name, outcome: Outcome) {
        match outcome {
            Outcome::Agrees => self.agree += 1,
            Outcome::Rejected(reason) => *self.rejected.entry(reason).or_insert(0) += 1,
            Outcome::Fails { kind, details } => {
                println!("{name} fails: {kind}");
                self.failures.push((name, kind, details));
            }
        }
    }

    /// Adds what another campaign found.
    pub fn add_all(&mut self, other: Summary) {
        self.agree += other.agree;
        self.restarts += other.restarts;
        for (reason, count) in other.rejected {
            *self.rejected.entry(reason).or_insert(0) += count;
        }
        self.failures.extend(other.failures);
    }

    /// How many programs there were.
    pub fn count(&self) -> u64 {
        self.agree + self.rejected.values().sum::<u64>() + self.failures.len() as u64
    }

    /// In words.
    pub fn text(&self) -> String {
        let crashes = self
            .failures
            .iter()
            .filter(|(_, kind, _)| kind.starts_with("crash"));
        let crashes = crashes.count();
        let rejected = self.rejected.values().sum::<u64>();
        format!(
            "{} programs x {{value, jvp, vjp}} x {{-O0, -O3, gpu-emulated, reference}}: {} agree, {} mismatches, {crashes} crashes, \
             {rejected} not comparable, {} restarts",
            self.count(),
            self.agree,
            self.failures.len() - crashes,
            self.restarts
        )
    }
}

impl Campaign {
    /// Runs all programs; `progress` is called now and then.
    pub fn run(&self, progress: &(dyn Fn(&Summary) + Sync)) -> Result<Summary> {
        let summary = Mutex::new(Summary::default());
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let jobs = (0..self.jobs.max(1)).map(|_| {
                scope.spawn(|| {
                    loop {
                        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                        if from >= self.count {
                            return Ok(());
                        }
                        let to = (from + CHUNK).min(self.count);
                        let seeds = (from..to).map(|i| self.seed.wrapping_add(i));
                        let names = seeds.map(|seed| Name {
                            seed,
                            edits: vec![],
                        });
                        self.chunk(names.collect(), &summary)?;
                        progress(&summary.lock().expect("no thread panics with it"));
                    }
                })
            });
            let jobs = jobs.collect::<Vec<_>>();
            let done = jobs
                .into_iter()
                .map(|job| job.join().expect("jobs do not panic"));
            done.collect::<Result<()>>()
        })?;
        Ok(summary.into_inner().expect("no thread panics with it"))
    }

    /// Runs programs in one process, and each that it did not get to in one of its own.
    fn chunk(&self, names: Vec<Name>, summary: &Mutex<Summary>) -> Result<()> {
        let (found, _) = self.outcomes(&names)?;
        let missing = names
            .iter()
            .filter(|name| !found.iter().any(|(own, _)| own == *name));
        let missing = missing.cloned().collect::<Vec<_>>();
        for (name, outcome) in found {
            summary
                .lock()
                .expect("no thread panics with it")
                .add(name, outcome);
        }
        for name in missing {
            let outcome = self.outcome(&name)?;
            let mut summary = summary.lock().expect("no thread panics with it");
            summary.restarts += 1;
            summary.add(name, outcome);
        }
        Ok(())
    }

    /// What becomes of one program in a process of its own.
    pub fn outcome(&self, name: &Name) -> Result<Outcome> {
        let (mut found, end) = self.outcomes(std::slice::from_ref(name))?;
        Ok(match found.pop() {
            Some((_, outcome)) => outcome,
            None => Outcome::Fails {
                kind: format!("crash: {end}"),
                details: "the process that compiled and ran it ended".into(),
            },
        })
    }

    /// What a process says of programs before it ends, and how it ended.
    fn outcomes(&self, names: &[Name]) -> Result<(Vec<(Name, Outcome)>, String)> {
        let mut command = Command::new(&self.command);
        command.arg(WORKER).args(names.iter().map(Name::to_string));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .context("cannot start a process for programs")?;
        let stdout = child.stdout.take().context("a process has an output")?;
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let (mut found, mut late) = (vec![], false);
        while found.len() < names.len() {
            match lines.recv_timeout(self.patience) {
                Ok(line) => found.extend(worker::parse(&line)),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    late = true;
                    break;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        let end = ended(&mut child, late)?;
        drop(lines);
        reader.join().expect("reading does not panic");
        Ok((found, end))
    }

    /// A smaller program that fails in the same way.
    pub fn reduce(&self, name: &Name, kind: &str) -> Result<Name> {
        let program = name.program().context("the program can be made")?;
        let mut error = None;
        let fails = |_: &_, edits: &[usize]| {
            let name = Name {
                seed: name.seed,
                edits: [name.edits.as_slice(), edits].concat(),
            };
            match self.outcome(&name) {
                Ok(Outcome::Fails { kind: own, .. }) => own == kind,
                Ok(_) => false,
                Err(other) => {
                    error.get_or_insert(other);
                    false
                }
            }
        };
        let (_, edits) = shrink::shrunk(&program, fails);
        match error {
            Some(error) => Err(error),
            None => Ok(Name {
                seed: name.seed,
                edits: [name.edits.as_slice(), &edits].concat(),
            }),
        }
    }
}

/// Waits for a process, or ends it, and says how it ended.
fn ended(child: &mut Child, late: bool) -> Result<String> {
    if late {
        child.kill().context("cannot end a process")?;
        child.wait()?;
        return Ok("it took too long".into());
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait()? {
            return Ok(status.to_string());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().context("cannot end a process")?;
    child.wait()?;
    Ok("it did not end".into())
}
