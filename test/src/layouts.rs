//! Programs in layouts at random, through the formatter: `cargo xtask fuzz-fmt`.
//!
//! A round is a program that is generated, items of one of the repository, or these with some words changed, which may
//! not parse. Blanks, ends of lines, comments and commas are put in at random; `frontend/fuzz/layouts.rs` says what
//! holds of what is formatted.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use dlc_programs::{generate::generate, print::program, random::Random};

use crate::files;

#[path = "../../frontend/fuzz/layouts.rs"]
mod rules;
#[path = "../../frontend/fuzz/words.rs"]
mod words;

/// The longest text of a round, in bytes.
const MAX_BYTES: usize = 3000;

/// How often the state is printed.
const SHOWN: Duration = Duration::from_secs(60);

/// What came of rounds.
#[derive(Default)]
struct Summary {
    generated: u64,
    own: u64,
    changed: u64,
    unparsed: u64,
    faults: u64,
}

impl Summary {
    fn text(&self) -> String {
        let all = self.generated + self.own + self.changed;
        format!(
            "{all} programs: {} generated, {} of the repository, {} of these with words changed, of which {} do not parse; {} faults",
            self.generated, self.own, self.changed, self.unparsed, self.faults
        )
    }
}

/// Runs rounds from a seed on until the time is over, and prints what goes wrong, made small. Whether nothing did.
pub fn campaign(seed: u64, time: Duration) -> Result<bool> {
    let texts = repository()?;
    let (start, mut shown) = (Instant::now(), Instant::now());
    let mut summary = Summary::default();
    println!("seeds from {seed}, {} files", texts.len());
    for seed in seed.. {
        if start.elapsed() >= time {
            break;
        }
        let mut random = Random::of(&seed.to_string());
        let text = text(seed, &texts, &mut random, &mut summary);
        let shaken = rules::shaken(&text, &mut random);
        summary.unparsed += u64::from(rules::tree(&shaken).is_none());
        if let Some(fault) = fault(&shaken) {
            summary.faults += 1;
            println!("\nseed {seed}: {fault}\n{:?}", smaller(&shaken, &fault));
        }
        if shown.elapsed() > SHOWN {
            shown = Instant::now();
            println!(
                "{} in {:.0} s",
                summary.text(),
                start.elapsed().as_secs_f64()
            );
        }
    }
    println!(
        "{} in {:.0} s",
        summary.text(),
        start.elapsed().as_secs_f64()
    );
    Ok(summary.faults == 0)
}

/// The programs of the repository.
fn repository() -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for folder in ["../examples", "../frontend/std", ""] {
        for path in files::below(folder, "dl")? {
            texts.extend(std::fs::read_to_string(path));
        }
    }
    ensure!(!texts.is_empty(), "there are no programs");
    Ok(texts)
}

/// The text of a round, in the layout of its author.
fn text(seed: u64, texts: &[String], random: &mut Random, summary: &mut Summary) -> String {
    if seed.is_multiple_of(3) {
        summary.generated += 1;
        return program(&generate(seed).0);
    }
    let program = random.choose::<String>(texts);
    let items = items(program, random);
    if seed % 3 == 1 {
        summary.own += 1;
        return items;
    }
    summary.changed += 1;
    words::changed(&items, &mut |end| random.below(end))
}

/// Some items of a program that follow on each other, with what stands before them.
fn items(text: &str, random: &mut Random) -> String {
    // An item begins behind an empty line, and its inside does not begin at the margin.
    let begins = |at: &usize| text[*at..].starts_with(|c: char| !c.is_whitespace());
    let starts = text.match_indices("\n\n").map(|(at, _)| at + 2);
    let starts: Vec<usize> = [0].into_iter().chain(starts.filter(begins)).collect();
    let first = *random.choose(&starts);
    let ends = starts.iter().copied().chain([text.len()]);
    let mut ends = ends.filter(|end| (first + 1..first + MAX_BYTES).contains(end));
    let end = ends.nth(random.below(4)).or(ends.next_back());
    text[first..end.unwrap_or(text.len())].to_owned()
}

/// What is wrong with the formatter on a text.
fn fault(text: &str) -> Option<String> {
    match catch_unwind(|| rules::fault(text)) {
        Ok(fault) => fault.map(str::to_owned),
        Err(_) => Some("it panics".to_owned()),
    }
}

/// A text with as many of its lines left out as can be while the same is wrong.
fn smaller(text: &str, wrong: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut run = lines.len();
    while run > 0 {
        let mut at = 0;
        while at < lines.len() {
            let mut fewer = lines.clone();
            fewer.drain(at..(at + run).min(lines.len()));
            match fault(&fewer.concat()).as_deref() == Some(wrong) {
                true => lines = fewer,
                false => at += run,
            }
        }
        run /= 2;
    }
    lines.concat()
}
