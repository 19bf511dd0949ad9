//! Random programs of fresh seeds on all targets, against their oracle (`dlc_test::programs`).
//!
//! The seed follows from the time of day; a failure names the programs, which a command shows again.

use anyhow::{Result, ensure};
use dlc_test::{
    programs::campaign::{Campaign, Summary},
    trial,
};
use libtest_mimic::{Arguments, Trial};
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How many fresh programs are compared.
const FRESH: u64 = 200;

/// How many there are in each trial.
const TOGETHER: u64 = 50;

/// How many seeds a trial may use: some programs cannot be compared, and others take their place.
const SEEDS: u64 = 2 * TOGETHER;

/// The seed where a run shall be repeated.
const SEED: &str = "DLC_PROGRAMS_SEED";

fn main() -> ExitCode {
    dlc_test::run(trials)
}

fn trials(_: &Arguments) -> Result<Vec<Trial>> {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse()?,
        Err(_) => {
            SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() * (FRESH / TOGETHER) * SEEDS
        }
    };
    println!("{SEED}={seed}");
    let trials = (0..FRESH / TOGETHER).map(|trial_number| {
        let seed = seed + trial_number * SEEDS;
        trial(format!("programs/fresh/{trial_number}"), move || {
            fresh(seed)
        })
    });
    Ok(trials.collect())
}

/// Programs from a seed on agree on all targets.
fn fresh(seed: u64) -> Result<()> {
    let mut whole = Summary::default();
    while whole.agree < TOGETHER {
        let seed = seed + whole.count();
        let summary = some(seed, TOGETHER - whole.agree)?;
        whole.add_all(summary);
        // A generator that makes little that can be compared tests little.
        let left_out = whole.count() - whole.agree;
        ensure!(left_out <= TOGETHER / 10, "{}", whole.text());
    }
    println!("seeds from {seed}: {}", whole.text());
    Ok(())
}

/// What becomes of some programs, of which none fails.
fn some(seed: u64, count: u64) -> Result<Summary> {
    let campaign = Campaign {
        command: PathBuf::from(env!("CARGO_BIN_EXE_fuzz-programs")),
        seed,
        count,
        jobs: 1,
        patience: Duration::from_secs(600),
    };
    let summary = campaign.run(&|_: &Summary| ())?;
    let failures = summary.failures.iter().map(|(name, kind, details)| {
        format!("{kind}: {details}\nto see it again: cargo xtask fuzz-programs -- --program {name} --reduce")
    });
    let failures = failures.collect::<Vec<_>>();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ensure!(summary.count() == count, "some programs were lost");
    Ok(summary)
}
