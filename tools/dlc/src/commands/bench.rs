//! `dlc bench`: the time of a call, and how near it comes to what the machine can do.

use std::path::Path;
use std::time::{Duration, Instant};

use dlc_abi::{Entry, Mode};
use dlc_runtime::Bound;
use dlc_runtime::library::Call;
use dlc_runtime::limits::{self, Limits};

use super::call::{Request, on_cpu};
use crate::cli::{Bench, Common};
use crate::report::{Error, to_stdout};
use crate::supervise;

/// How long to warm up, and how long to measure.
const WARM_UP: Duration = Duration::from_millis(200);
const MEASURE: Duration = Duration::from_secs(1);

/// A round is repeated calls of at least this length, so that the clock's steps don't matter.
const ROUND: Duration = Duration::from_millis(1);

const MIN_ROUNDS: usize = 10;

/// Runs the command.
pub fn run(bench: &Bench, common: &Common) -> Result<(), Error> {
    let request = Request::new(&on_cpu(&bench.call)?, common)?;
    let baseline = bench.baseline.as_deref().map(median_of).transpose()?;
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let entry = request.entry(library.manifest())?;
    let bound = request.bind_or_random(entry)?;
    let flops = request.session.flops(&request.file.source(), &entry.name);
    let flops = flops.map_err(|failure| Error::of_compilation(failure, &request.file.name))?;
    let mut call = library.prepare(&bound)?.on(&request.pool);
    let times = measure(&mut call, &bound)?;
    let threads = request.pool.threads();
    let result = Found {
        entry: &entry.name,
        flops: flops.and_then(|flops| flops.eval(&|name| bound.dims().get(name).copied()).ok()),
        bytes: bytes(entry, &bound),
        limits: limits::measure(threads),
        times,
        threads,
        workspace: call.workspace_bytes(),
    };
    let text = match bench.json {
        true => result.json(),
        false => result.text(),
    };
    to_stdout(text.as_bytes())?;
    match bench.assert_within {
        Some(factor) => result.holds(factor, baseline),
        None => Ok(()),
    }
}

/// The median of an earlier run.
fn median_of(path: &Path) -> Result<f64, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format!("cannot read {}: {error}", path.display())))?;
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    json.and_then(|json| json["median_ms"].as_f64())
        .ok_or_else(|| {
            let message = format!("{} has no median_ms", path.display());
            Error::input(message).help(Some("`dlc bench --json` writes such a file".to_string()))
        })
}

/// The bytes of the parameters, and of what is written: the results, and what is updated in place.
fn bytes(entry: &Entry, bound: &Bound) -> usize {
    let inout = entry.params.iter().flat_map(|param| {
        let count = param.tree.leaves(&param.name).len();
        vec![param.mode == Mode::InOut; count]
    });
    let params = bound.params().iter().zip(inout);
    let params = params.map(|(tensor, inout)| tensor.bytes().len() * if inout { 2 } else { 1 });
    let results = bound.results().iter().map(|tensor| tensor.bytes().len());
    params.chain(results).sum()
}

/// What a run has found.
struct Found<'a> {
    entry: &'a str,
    times: Times,
    threads: usize,
    workspace: usize,
    /// Floating-point operations of a call, where they do not depend on values.
    flops: Option<i64>,
    bytes: usize,
    limits: Limits,
}

impl Found<'_> {
    fn gflops(&self) -> Option<f64> {
        self.flops
            .map(|flops| flops as f64 / self.times.median / 1e6)
    }

    /// The least time of a call in milliseconds.
    fn limit(&self) -> Option<f64> {
        let computing = self.flops? as f64 / self.limits.gflops / 1e6;
        let moving = self.bytes as f64 / self.limits.gbytes / 1e6;
        Some(computing.max(moving))
    }

    fn percent(&self) -> Option<f64> {
        Some(100.0 * self.limit()? / self.times.median)
    }

    fn json(&self) -> String {
        let object = serde_json::json!({
            "entry": self.entry,
            "median_ms": self.times.median,
            "median_interval_ms": [self.times.interval.0, self.times.interval.1],
            "min_ms": self.times.min,
            "rounds": self.times.rounds,
            "threads": self.threads,
            "workspace_bytes": self.workspace,
            "flops": self.flops,
            "bytes": self.bytes,
            "gflops": self.gflops(),
            "limit_ms": self.limit(),
            "percent_of_limit": self.percent(),
            "machine": { "gflops": self.limits.gflops, "gbytes": self.limits.gbytes },
        });
        format!("{object}\n")
    }

    fn text(&self) -> String {
        let threads = match self.threads {
            1 => "1 thread".to_string(),
            threads => format!("{threads} threads"),
        };
        let speed = match (self.gflops(), self.limit(), self.percent()) {
            (Some(gflops), Some(limit), Some(percent)) => format!(
                "{gflops:.1} GFLOP/s, {percent:.0} % of the limit, {}",
                time(limit)
            ),
            _ => "what is computed can't be counted, as it depends on values or on sizes that no dim tells"
                .to_string(),
        };
        format!(
            "{}: median {}, minimum {}, {} rounds, {threads}\n{speed} \
             (the machine: {:.1} GFLOP/s, {:.1} GB/s)\n",
            self.entry,
            time(self.times.median),
            time(self.times.min),
            self.times.rounds,
            self.limits.gflops,
            self.limits.gbytes,
        )
    }

    /// Whether the median is at most so many times the baseline's, or the limit.
    fn holds(&self, factor: f64, baseline: Option<f64>) -> Result<(), Error> {
        let (of, reference) = match (baseline, self.limit()) {
            (Some(baseline), _) => ("the baseline's", baseline),
            (None, Some(limit)) => ("the limit", limit),
            (None, None) => {
                let message = "what is computed can't be counted, so there is no limit";
                return Err(Error::input(message)
                    .help(Some("name an earlier run with --baseline FILE".to_string())));
            }
        };
        let ratio = self.times.median / reference;
        match ratio <= factor {
            true => Ok(()),
            false => Err(Error::input(format!(
                "{}: the median of {} is {ratio:.3} times {of} of {}, and {factor:.3} times are allowed",
                self.entry,
                time(self.times.median),
                time(reference),
            ))),
        }
    }
}

/// Times of one call in milliseconds.
struct Times {
    median: f64,
    /// The interval of 95 % of the median.
    interval: (f64, f64),
    min: f64,
    rounds: usize,
}

/// Where in so many values in order those are between which the median of all that there could be lies with 95 %: the
/// binomial distribution of how many are less, as a normal one.
fn ranks(count: usize) -> (usize, usize) {
    let (middle, width) = (count as f64 / 2.0, 0.98 * (count as f64).sqrt());
    let low = (middle - width).round().max(1.0) as usize - 1;
    (low, count - 1 - low)
}

fn measure(call: &mut Call<'_>, bound: &Bound) -> Result<Times, Error> {
    let start = Instant::now();
    let mut warm = bound.clone();
    let mut calls = 0u32;
    while calls < 3 || start.elapsed() < WARM_UP {
        call.run(&mut warm)?;
        calls += 1;
    }
    let once = start.elapsed() / calls;
    let repeats = (ROUND.as_secs_f64() / once.as_secs_f64().max(1e-9)).ceil();
    let repeats = repeats.clamp(1.0, 1e6) as u32;
    let mut rounds = Vec::new();
    let start = Instant::now();
    while rounds.len() < MIN_ROUNDS || start.elapsed() < MEASURE {
        // `inout` parameters start each round as they were given.
        let mut fresh = bound.clone();
        let round = Instant::now();
        for _ in 0..repeats {
            call.run(&mut fresh)?;
        }
        rounds.push(round.elapsed().as_secs_f64() * 1e3 / f64::from(repeats));
    }
    rounds.sort_by(f64::total_cmp);
    let (low, high) = ranks(rounds.len());
    Ok(Times {
        median: rounds[rounds.len() / 2],
        interval: (rounds[low], rounds[high]),
        min: rounds[0],
        rounds: rounds.len(),
    })
}

/// Milliseconds in a fitting unit.
pub fn time(ms: f64) -> String {
    match ms {
        _ if ms < 1e-3 => format!("{:.1} ns", ms * 1e6),
        _ if ms < 1.0 => format!("{:.2} µs", ms * 1e3),
        _ if ms < 1e3 => format!("{ms:.3} ms"),
        _ => format!("{:.3} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_median() {
        // Of 10 values, the second and the last but one hold it with 97.9 %.
        assert_eq!(ranks(10), (1, 8));
        assert_eq!(ranks(100), (39, 60));
        assert_eq!(ranks(1000), (468, 531));
    }

    #[test]
    fn times_have_a_fitting_unit() {
        assert_eq!(time(0.0005), "500.0 ns");
        assert_eq!(time(0.5), "500.00 µs");
        assert_eq!(time(12.3456), "12.346 ms");
        assert_eq!(time(2500.0), "2.500 s");
    }
}
