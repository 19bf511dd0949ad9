//! What the host programs of the examples share: the command line, what a run has to reach, the digits, and pictures.

use anyhow::{Result, bail, ensure};
use std::{env, time::Instant};

pub mod chart;
pub mod digits;

/// A run of an example: what was asked for, and since when it runs.
pub struct Run {
    quick: bool,
    start: Instant,
}

impl Run {
    /// From the command line, which may say `--quick`.
    pub fn begin() -> Result<Self> {
        let mut quick = false;
        for argument in env::args().skip(1) {
            match argument.as_str() {
                "--quick" => quick = true,
                _ => bail!("`{argument}` is not known; `--quick` makes a short run for tests"),
            }
        }
        let start = Instant::now();
        Ok(Self { quick, start })
    }

    /// What a whole run and what a quick one needs.
    pub fn choose<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }

    /// Whether pictures are drawn, which are those of a whole run.
    pub fn draws(&self) -> bool {
        !self.quick
    }

    /// Prints the time since the start.
    pub fn end(&self) {
        println!("time: {:.1} s", self.start.elapsed().as_secs_f64());
    }
}

/// Prints a result; an error if it is below the goal.
pub fn at_least(what: &str, value: f64, goal: f64) -> Result<()> {
    println!("{what}: {value:.4} (goal: at least {goal})");
    ensure!(value >= goal, "the goal is missed");
    Ok(())
}

/// Prints a result; an error if it is above the goal.
pub fn at_most(what: &str, value: f64, goal: f64) -> Result<()> {
    match value.abs() < 1e-3 {
        true => println!("{what}: {value:.2e} (goal: at most {goal})"),
        false => println!("{what}: {value:.4} (goal: at most {goal})"),
    }
    ensure!(value <= goal, "the goal is missed");
    Ok(())
}
