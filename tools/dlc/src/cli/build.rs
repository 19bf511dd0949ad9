//! The arguments of `dlc build`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Compile, Packaging};

/// Compiles a file to a library, a header and a manifest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc build tiny.dl -o out
  dlc build tiny.dl --emit=staticlib,header --target-cpu x86-64-v3
  dlc build tiny.dl --target aarch64-unknown-linux-gnu -o out
  dlc build tiny.dl --target wasm32-unknown-unknown -o web
  dlc build tiny.dl --emit=llvm-ir -o -
  dlc build tiny.dl --emit=staticlib,header,dep-info -o out
  dlc build tiny.dl --emit=memory -o - --dim B=32

Without --emit: libSTEM.a, libSTEM.so, STEM.h and STEM.json; for wasm32 STEM.wasm instead of
libSTEM.so, and STEM.mjs, which calls it.")]
pub struct Build {
    /// The source file; - for standard input
    #[arg(value_name = "FILE", help_heading = "Input")]
    pub file: String,

    /// The folder for what is made; - for standard output with one kind
    #[arg(
        short,
        long = "out-dir",
        value_name = "DIR",
        default_value = ".",
        help_heading = "Output"
    )]
    pub output: PathBuf,

    /// What to make, separated by commas: ast, dl, linalg, loops, llvm-mlir, llvm-ir, asm, obj,
    /// staticlib, cdylib, header, hpp (C++), rust, python, wheel, pkg-config, js, manifest, schedule, memory,
    /// report, remarks, dep-info, and with --gpu also gpu, nvvm, ptx; KIND=FILE names the file
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub emit: Vec<String>,

    #[command(flatten)]
    pub packaging: Packaging,

    /// Makes a report of what the compiler did, beside what else is made: a page for browsers, or JSON
    #[arg(long, value_name = "FORMAT", help_heading = "Diagnostics")]
    pub report: Option<ReportFormat>,

    /// The size of a dim at which --emit=memory and --report tell numbers
    #[arg(long = "dim", value_name = "NAME=SIZE", help_heading = "Output")]
    pub dims: Vec<String>,

    /// Makes a library whose calls may run on several threads, on 16 if no number is given
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = 1,
        default_missing_value = "16",
        value_parser = clap::value_parser!(u32).range(1..=1024),
        help_heading = "Target"
    )]
    pub threads: u32,

    /// The triple of the machine to compile for, one of --print targets; this one by default
    #[arg(long, value_name = "TRIPLE", help_heading = "Target")]
    pub target: Option<String>,

    /// Makes a library whose calls tell when each nest of loops and product begins and ends, to a
    /// function that the program sets; or to a file in the folder that DLC_TRACE names
    #[arg(long, help_heading = "Debugging")]
    pub trace: bool,

    /// Keeps in the code of the CPU where in the source it comes from, for debuggers and profilers
    #[arg(short = 'g', long, help_heading = "Debugging")]
    pub debug_info: bool,

    #[command(flatten)]
    pub compile: Compile,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// STEM.html
    Html,
    /// STEM.report.json
    Json,
}
