//! `dlc diff`: whether a program became faster.

use std::path::Path;

use serde_json::{Deserializer, Value, json};

use crate::cli::Diff;
use crate::report::{Error, Status, to_stderr, to_stdout};

/// Runs the command.
pub fn run(diff: &Diff) -> Result<(), Error> {
    let (before, after) = (read(&diff.before)?, read(&diff.after)?);
    let (pairs, alone) = paired(&before, &after);
    if pairs.is_empty() {
        let message = "no export is in both files".to_string();
        return Err(Error::input(message).help(Some(format!(
            "{} has {}, and {} has {}",
            diff.before.display(),
            names(&before),
            diff.after.display(),
            names(&after),
        ))));
    }
    for run in alone {
        to_stderr(&format!("{} is in one of the files only\n", run.entry));
    }
    let mut holds = true;
    for (before, after) in pairs {
        let change = Change::between(before, after);
        let text = match diff.json {
            true => change.json(before, after),
            false => change.text(before, after),
        };
        to_stdout(text.as_bytes())?;
        let most = diff.assert_within.unwrap_or(f64::INFINITY);
        if change.ratio > most && change.is_significant() {
            to_stderr(&format!(
                "{}: {:.3} times as long, and {most:.3} times are allowed\n",
                after.entry, change.ratio
            ));
            holds = false;
        }
    }
    match holds {
        true => Ok(()),
        false => Err(Error::Shown(Status::Input)),
    }
}

/// One output of `dlc bench --json`, times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    entry: String,
    threads: u64,
    median: f64,
    /// The interval of 95 % of the median.
    interval: (f64, f64),
}

/// The runs in a file.
fn read(path: &Path) -> Result<Vec<Run>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format!("cannot read {}: {error}", path.display())))?;
    runs(&text).map_err(|what| {
        let message = format!("{} is no output of `dlc bench`: {what}", path.display());
        Error::input(message).help(Some("`dlc bench --json` writes such a file".to_string()))
    })
}

/// The runs in a text; an error says what is wrong.
fn runs(text: &str) -> Result<Vec<Run>, String> {
    let mut runs = vec![];
    for value in Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| error.to_string())?;
        let time = |of: &Value| of.as_f64().filter(|time| *time > 0.0);
        let interval = &value["median_interval_ms"];
        runs.push(Run {
            entry: value["entry"]
                .as_str()
                .ok_or("there is no entry")?
                .to_string(),
            threads: value["threads"].as_u64().unwrap_or(1),
            median: time(&value["median_ms"]).ok_or("there is no median_ms")?,
            interval: time(&interval[0])
                .zip(time(&interval[1]))
                .ok_or("there is no median_interval_ms, which earlier versions did not write")?,
        });
    }
    match runs.is_empty() {
        true => Err("it is empty".to_string()),
        false => Ok(runs),
    }
}

fn names(runs: &[Run]) -> String {
    let names: Vec<_> = runs.iter().map(|run| run.entry.as_str()).collect();
    names.join(", ")
}

/// The runs that belong together, and those that belong to none: the first of an export with the first of it, and so on; where
/// there is one on each side, these.
fn paired<'a>(before: &'a [Run], after: &'a [Run]) -> (Vec<(&'a Run, &'a Run)>, Vec<&'a Run>) {
    if let ([before], [after]) = (before, after) {
        return (vec![(before, after)], vec![]);
    }
    let mut left: Vec<&Run> = before.iter().collect();
    let (mut pairs, mut alone) = (vec![], vec![]);
    for run in after {
        match left.iter().position(|other| other.entry == run.entry) {
            Some(at) => pairs.push((left.remove(at), run)),
            None => alone.push(run),
        }
    }
    left.extend(alone);
    (pairs, left)
}

/// How many times as long something takes.
#[derive(Debug, PartialEq)]
struct Change {
    ratio: f64,
    /// The interval of 95 %.
    interval: (f64, f64),
}

impl Change {
    /// From the medians and their intervals: R. M. Price and D. G. Bonett, Distribution-free confidence intervals for
    /// difference and ratio of medians, Journal of Statistical Computation and Simulation 72 (2002). The logarithm of a
    /// median has the standard error that its interval's width tells, and errors of independent runs add as squares.
    fn between(before: &Run, after: &Run) -> Self {
        let width = |(low, high): (f64, f64)| (high / low).ln() / 2.0;
        let ratio = after.median / before.median;
        let factor = width(before.interval).hypot(width(after.interval)).exp();
        Self {
            ratio,
            interval: (ratio / factor, ratio * factor),
        }
    }

    fn is_significant(&self) -> bool {
        let (low, high) = self.interval;
        low > 1.0 || high < 1.0
    }

    fn text(&self, before: &Run, after: &Run) -> String {
        let (low, high) = self.interval;
        let what = match (self.is_significant(), self.ratio < 1.0) {
            (false, _) => "no significant difference",
            (true, true) => "faster",
            (true, false) => "slower",
        };
        let entry = match before.entry == after.entry {
            true => before.entry.clone(),
            false => format!("{} to {}", before.entry, after.entry),
        };
        let threads = match before.threads == after.threads {
            true => String::new(),
            false => format!(", {} to {} threads", before.threads, after.threads),
        };
        format!(
            "{entry}: {} to {}{threads}, {:.3} times ({low:.3} to {high:.3}): {what}\n",
            super::bench::time(before.median),
            super::bench::time(after.median),
            self.ratio,
        )
    }

    fn json(&self, before: &Run, after: &Run) -> String {
        let object = json!({
            "before": before.entry,
            "after": after.entry,
            "before_ms": before.median,
            "after_ms": after.median,
            "ratio": self.ratio,
            "ratio_interval": [self.interval.0, self.interval.1],
            "significant": self.is_significant(),
        });
        format!("{object}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(entry: &str, median: f64, interval: (f64, f64)) -> Run {
        Run {
            entry: entry.to_string(),
            threads: 1,
            median,
            interval,
        }
    }

    #[test]
    fn what_is_significant() {
        // Half-widths of ln 1.03 and ln 1.04 add to one of 0.0491, so that the factor is 1.0503.
        let before = run("f", 2.0, (2.0 / 1.03, 2.0 * 1.03));
        let change = |median: f64| {
            Change::between(&before, &run("f", median, (median / 1.04, median * 1.04)))
        };
        let slower = change(2.2);
        assert!(
            (slower.interval.0 - 1.1 / 1.0503).abs() < 1e-4,
            "{slower:?}"
        );
        assert!(
            (slower.interval.1 - 1.1 * 1.0503).abs() < 1e-4,
            "{slower:?}"
        );
        assert!(slower.is_significant() && change(1.8).is_significant());
        assert!(!change(2.08).is_significant() && !change(1.95).is_significant());
    }

    #[test]
    fn runs_of_an_export_belong_together() {
        let of = |entry: &str| run(entry, 1.0, (1.0, 1.0));
        let (f, g, h) = (of("f"), of("g"), of("h"));
        let before = [f.clone(), g.clone()];
        let after = [h.clone(), g.clone(), f.clone()];
        let (pairs, alone) = paired(&before, &after);
        assert_eq!(pairs, [(&g, &g), (&f, &f)]);
        assert_eq!(alone, [&h]);
        // One alone on each side may have another name.
        assert_eq!(paired(&before[..1], &after[..1]).0, [(&f, &h)]);
    }
}
