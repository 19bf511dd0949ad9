//! `fuzz-programs`: random programs on all targets against their oracle. `cargo xtask fuzz-programs` runs it.

use anyhow::{Result, bail, ensure};
use dlc_programs::{generate::generate, kinds};
use dlc_test::{
    layouts,
    programs::{
        Name, Outcome,
        campaign::{Campaign, Summary, WORKER},
        worker,
    },
};
use std::{
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

const HELP: &str = "\
Random programs on all targets against their oracle

Usage: fuzz-programs [--seed N] [--count N] [--jobs N] [--reduce | --kinds]
       fuzz-programs --program SEED[:EDITS] [--reduce]
       fuzz-programs --layouts SECONDS [--seed N]

  --seed N      the first seed; without it, one by the time of day
  --count N     how many programs [default: 200]
  --jobs N      how many processes at once [default: one a core]
  --kinds       runs nothing, but says how many of the programs have each construct
  --program P   one program: its text and what becomes of it
  --reduce      looks for smaller programs that fail in the same way
  --layouts N   programs in layouts at random through the formatter, for N seconds
  --patience N  after so many seconds without a word a process is ended [default: 600]
";

/// The command line.
struct Arguments {
    seed: u64,
    count: u64,
    jobs: usize,
    program: Option<Name>,
    reduce: bool,
    kinds: bool,
    layouts: Option<u64>,
    patience: u64,
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let mut arguments = Arguments {
        // The seeds of two campaigns are far from each other.
        seed: now.as_secs() % 1_000_000 * 100_000,
        count: 200,
        jobs: std::thread::available_parallelism()?.get(),
        program: None,
        reduce: false,
        kinds: false,
        layouts: None,
        patience: 600,
    };
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.ok_or_else(|| anyhow::anyhow!("{word} takes a value"))
        };
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--seed" => arguments.seed = value()?.parse()?,
            "--count" => arguments.count = value()?.parse()?,
            "--jobs" => arguments.jobs = value()?.parse()?,
            "--patience" => arguments.patience = value()?.parse()?,
            "--program" => arguments.program = Some(value()?.parse()?),
            "--layouts" => arguments.layouts = Some(value()?.parse()?),
            "--reduce" => arguments.reduce = true,
            "--kinds" => arguments.kinds = true,
            _ => bail!("no option {word}; `--help` lists them"),
        }
    }
    Ok(Some(arguments))
}

fn run() -> Result<bool> {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().is_some_and(|word| word == WORKER) {
        let names = words.skip(1).map(|name| name.parse());
        worker::run(&names.collect::<Result<Vec<Name>, _>>()?)?;
        return Ok(true);
    }
    let Some(arguments) = arguments(words)? else {
        print!("{HELP}");
        return Ok(true);
    };
    if let Some(seconds) = arguments.layouts {
        return layouts::campaign(arguments.seed, Duration::from_secs(seconds));
    }
    let campaign = Campaign {
        command: std::env::current_exe()?,
        seed: arguments.seed,
        count: arguments.count,
        jobs: arguments.jobs,
        patience: Duration::from_secs(arguments.patience),
    };
    if let Some(name) = &arguments.program {
        return one(&campaign, name, arguments.reduce);
    }
    println!(
        "seeds {} to {}",
        arguments.seed,
        arguments.seed + arguments.count - 1
    );
    if arguments.kinds {
        kinds(arguments.seed, arguments.count);
        return Ok(true);
    }
    let (start, shown) = (Instant::now(), Mutex::new(Instant::now()));
    let summary = campaign.run(&|summary: &Summary| {
        let mut shown = shown.lock().expect("no thread panics with it");
        if shown.elapsed() > Duration::from_secs(10) {
            *shown = Instant::now();
            let speed = summary.count() as f64 / start.elapsed().as_secs_f64();
            println!("{} ({speed:.1} programs/s)", summary.text());
        }
    })?;
    for (name, kind, details) in &summary.failures {
        println!("\n{name}: {kind}\n{details}");
        if arguments.reduce {
            show(&campaign.reduce(name, kind)?)?;
        }
        println!("to see it again: cargo xtask fuzz-programs -- --program {name}");
    }
    for (reason, count) in &summary.rejected {
        println!("not comparable: {count} by {reason}");
    }
    println!(
        "{} in {:.0} s",
        summary.text(),
        start.elapsed().as_secs_f64()
    );
    ensure!(
        summary.count() == arguments.count,
        "some programs were lost"
    );
    Ok(summary.failures.is_empty())
}

/// How many of the programs have each construct.
fn kinds(seed: u64, count: u64) {
    let mut found = kinds::ALL.map(|kind| (kind, 0));
    for seed in seed..seed + count {
        let own = kinds::of(&generate(seed).0);
        for (_, count) in found.iter_mut().filter(|(kind, _)| own.contains(kind)) {
            *count += 1;
        }
    }
    for (kind, own) in found {
        println!(
            "{own:6} {:5.1} %  {kind}",
            100.0 * own as f64 / count as f64
        );
    }
}

fn show(name: &Name) -> Result<()> {
    println!(
        "--program {name}\n{}",
        worker::text(name).unwrap_or_default()
    );
    Ok(())
}

fn one(campaign: &Campaign, name: &Name, reduce: bool) -> Result<bool> {
    show(name)?;
    let outcome = campaign.outcome(name)?;
    let Outcome::Fails { kind, details } = outcome else {
        println!("{outcome:?}");
        return Ok(true);
    };
    println!("{kind}\n{details}");
    if reduce {
        let smaller = campaign.reduce(name, &kind)?;
        show(&smaller)?;
        println!("{:?}", campaign.outcome(&smaller)?);
    }
    Ok(false)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
