//! `dlc bench`: the time of a call.

use std::time::{Duration, Instant};

use dlc_runtime::Bound;
use dlc_runtime::library::Call;

use super::call::Request;
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
    let request = Request::new(&bench.call, common)?;
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let entry = request.entry(library.manifest())?;
    let bound = request.bind(entry)?;
    let mut call = library.prepare(&bound)?.on(&request.pool);
    let times = measure(&mut call, &bound)?;
    let text = if bench.json {
        let object = serde_json::json!({
            "entry": entry.name,
            "median_ms": times.median,
            "min_ms": times.min,
            "rounds": times.rounds,
            "threads": request.pool.threads(),
            "workspace_bytes": call.workspace_bytes(),
        });
        format!("{object}\n")
    } else {
        format!(
            "{}: median {}, minimum {}, {} rounds, {}\n",
            entry.name,
            time(times.median),
            time(times.min),
            times.rounds,
            match request.pool.threads() {
                1 => "1 thread".to_string(),
                threads => format!("{threads} threads"),
            }
        )
    };
    to_stdout(text.as_bytes())
}

/// Times of one call in milliseconds.
struct Times {
    median: f64,
    min: f64,
    rounds: usize,
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
    Ok(Times {
        median: rounds[rounds.len() / 2],
        min: rounds[0],
        rounds: rounds.len(),
    })
}

/// Milliseconds in a fitting unit.
fn time(ms: f64) -> String {
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
    fn times_have_a_fitting_unit() {
        assert_eq!(time(0.0005), "500.0 ns");
        assert_eq!(time(0.5), "500.00 µs");
        assert_eq!(time(12.3456), "12.346 ms");
        assert_eq!(time(2500.0), "2.500 s");
    }
}
