//! `dlc bench`.

use super::Call;
use clap::Args;
use std::path::PathBuf;

/// Compiles a file and times one of its exports
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc bench tiny.dl::train_step --dim B=32
  dlc bench tiny.dl::matmul --dim M=512 --dim N=512 --dim K=512 --json > before.json
  dlc bench tiny.dl::matmul --dim M=512 --dim N=512 --dim K=512 --baseline before.json --assert-within 5%
  dlc bench tiny.dl::train_step --input p=@p.npz --input x='normal(32,64)' --input lr=0.1

Parameters without --input are random, by --seed: floats are standard normal, whole numbers 0 or 1. GFLOP/s
counts each addition, multiplication, division, maximum and mathematical function on floats once, so that a product of
m x k and k x n counts 2mnk. The limit is the time that the machine needs for that many operations in fused
multiply-adds on f32, or to read each parameter and write each result once, whichever is longer; both speeds
are measured in the same run, on as many threads.")]
pub struct Bench {
    #[command(flatten)]
    pub call: Call,

    /// Prints a JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// The output of an earlier run with --json, for --assert-within
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub baseline: Option<PathBuf>,

    /// Ends with status 1 if the median is longer than the baseline's, or without one than the limit, by more than so
    /// much: 5% more, or 1.05 times it
    #[arg(long, value_name = "PERCENT|FACTOR", value_parser = factor, help_heading = "Output")]
    pub assert_within: Option<f64>,
}

/// How many times as long something may take: `5%` is 1.05.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    let wrong =
        || "it is a percentage such as 5%, or a factor of 1 and more such as 1.05".to_string();
    let factor = match text.strip_suffix('%') {
        Some(percent) => 1.0 + percent.parse::<f64>().map_err(|_| wrong())? / 100.0,
        None => text.parse::<f64>().map_err(|_| wrong())?,
    };
    (factor.is_finite() && factor >= 1.0)
        .then_some(factor)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::factor;

    #[test]
    fn percentages_and_factors() {
        assert_eq!(factor("50%"), Ok(1.5));
        assert_eq!(factor("2"), Ok(2.0));
        assert_eq!(factor("1.25"), Ok(1.25));
        for wrong in ["", "%", "0.9", "-5%", "x", "inf", "NaN"] {
            assert!(factor(wrong).is_err(), "{wrong}");
        }
    }
}
