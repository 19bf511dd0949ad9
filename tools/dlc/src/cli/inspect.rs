//! The arguments of `dlc inspect`.

use super::{Compile, ToFile};
use clap::{Args, ValueEnum};
/// Draws which function calls which, and what is left of exports after fusion
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc inspect tiny.dl --graph=svg -o tiny.svg
  dlc inspect tiny.dl::train_step --graph=svg --dim B=32 -o step.svg
  dlc inspect tiny.dl --graph=dot | dot -Tpdf -o tiny.pdf

A box is a product with what goes through its tiles, or a nest of loops with what was fused in it; an arrow is a buffer in
memory. `dlc build --report html` has the same in a page, with much more.")]
pub struct Inspect {
    /// The source file; with an export, the nests of that alone
    #[arg(value_name = "FILE[::EXPORT]", help_heading = "Input")]
    pub callee: String,

    /// A picture that is laid out, or text for Graphviz
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub graph: GraphFormat,

    #[command(flatten)]
    pub to: ToFile,

    /// The size of a dim at which bytes are told
    #[arg(long = "dim", value_name = "NAME=SIZE", help_heading = "Output")]
    pub dims: Vec<String>,

    #[command(flatten)]
    pub compile: Compile,
}

/// The form of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A picture
    Svg,
    /// The language of Graphviz
    Dot,
}
