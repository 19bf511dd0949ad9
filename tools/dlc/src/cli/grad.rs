//! The arguments of `dlc grad`.

use clap::{Args, ValueEnum};

use super::{Compile, RunTarget, ToFile};

/// Prints the derivative of a function as source, or compares it with finite differences
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc grad tiny.dl::loss
  dlc grad tiny.dl::loss --wrt p,x -o loss_grad.dl
  dlc grad tiny.dl::model --mode forward
  dlc grad tiny.dl::loss --check --dims B=2,T=8

What is printed is what runs, after the simplification of derivatives; it compiles again. Exit status 1
if a gradient is wrong.")]
pub struct Grad {
    /// The source file and a function of it
    #[arg(value_name = "FILE::FN", help_heading = "Input")]
    pub callee: String,

    /// The parameters to differentiate with respect to; the first by default, with --check all
    /// that may hold floats
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Input"
    )]
    pub wrt: Vec<String>,

    /// Gradients, or tangents of the result
    #[arg(
        long,
        value_name = "MODE",
        default_value = "reverse",
        help_heading = "Input"
    )]
    pub mode: Mode,

    #[command(flatten)]
    pub to: ToFile,

    /// Compares the gradient with finite differences on random inputs
    #[arg(long, conflicts_with = "output", help_heading = "Check")]
    pub check: bool,

    /// Sizes of dims, NAME=SIZE; 3 for those that are not given
    #[arg(
        long,
        value_name = "DIMS",
        value_delimiter = ',',
        requires = "check",
        help_heading = "Check"
    )]
    pub dims: Vec<String>,

    /// What the random inputs are made of
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "check",
        help_heading = "Check"
    )]
    pub seed: i64,

    /// The relative difference that is allowed; 1e-5 in f64, 1e-2 in f32 by default
    #[arg(long, value_name = "X", requires = "check", help_heading = "Check")]
    pub rtol: Option<f64>,

    /// What runs the comparison
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "cpu",
        help_heading = "Check"
    )]
    pub target: RunTarget,

    #[command(flatten)]
    pub compile: Compile,
}

/// A mode of differentiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Gradients
    Reverse,
    /// Tangents
    Forward,
}
