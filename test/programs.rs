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

/// How many fresh programs there are.
const FRESH: u64 = 200;

/// How many there are in each trial.
const TOGETHER: u64 = 50;

/// The seed where a run shall be repeated.
const SEED: &str = "DLC_PROGRAMS_SEED";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>> {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse()?,
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() * FRESH,
    };
    println!("{SEED}={seed}");
    let from = (0..FRESH).step_by(TOGETHER as usize);
    let trials = from.map(|from| {
        let seed = seed + from;
        trial(format!("programs/fresh/{from}"), move || fresh(seed))
    });
    Ok(trials.collect())
}

/// Programs from a seed on agree on all targets.
fn fresh(seed: u64) -> Result<()> {
    let campaign = Campaign {
        command: PathBuf::from(env!("CARGO_BIN_EXE_fuzz-programs")),
        seed,
        count: TOGETHER,
        jobs: 1,
        patience: Duration::from_secs(600),
    };
    let summary = campaign.run(&|_: &Summary| ())?;
    let failures = summary.failures.iter().map(|(name, kind, details)| {
        format!("{kind}: {details}\nto see it again: cargo xtask fuzz-programs -- --program {name} --reduce")
    });
    let failures = failures.collect::<Vec<_>>();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ensure!(summary.count() == TOGETHER, "some programs were lost");
    // A generator that makes nothing that can be compared tests nothing.
    ensure!(summary.agree >= TOGETHER * 9 / 10, "{}", summary.text());
    Ok(())
}
