//! `cargo xtask`: set-up, tests, demo, benchmarks and the checks of the code base.
//!
//! Invariant: builds without LLVM and MLIR, so that it can say what is missing on a clean machine.

mod bench;
mod book;
mod demo;
mod dist;
mod docs;
mod example;
mod gpu;
mod llvm;
mod packages;
mod playground;
mod process;
mod programs;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set-up, tests, demo, benchmarks and the checks of the code base
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the compiler, trains the digits example from Rust and from C
    Demo {
        /// Builds the compiler with optimisation
        #[arg(long)]
        release: bool,
    },
    /// Builds the compiler and trains an example, or all of them
    Example {
        /// The example's folder in `examples`; all if it is left out
        name: Option<String>,
        /// Makes the short run of the tests
        #[arg(long)]
        quick: bool,
        /// Builds the compiler with optimisation
        #[arg(long)]
        release: bool,
    },
    /// Builds everything and runs every test and `tidy`
    Test {
        /// Only tests whose name contains this; then without `tidy`
        filter: Option<String>,
        /// Also all ops and models at -O0, -O2 and -O3, on one thread and on two, which takes half an hour and more
        #[arg(long)]
        full: bool,
    },
    /// Rewrites the goldens that the tests compare with
    Bless {
        /// Only goldens of tests whose name contains this
        filter: Option<String>,
    },
    /// Checks the rules of the code base
    Tidy,
    /// Times built libraries beside PyTorch, JAX and ONNX Runtime where they are installed
    Bench {
        /// The Python whose packages are the peers
        #[arg(long, default_value = "python3", env = "DLC_PEERS_PYTHON")]
        python: String,
        /// Times `dlc check` and hovers of long programs instead
        #[arg(long)]
        check: bool,
        /// Times pieces of the compiler and of what it builds instead
        #[arg(long, conflicts_with = "check")]
        pieces: bool,
        /// Writes docs/src/performance.md: with new figures of one thread and of two, or of these numbers of threads
        #[arg(
            long,
            value_name = "THREADS",
            num_args = 0..=1,
            require_equals = true,
            value_delimiter = ',',
            default_missing_value = "1,2",
            conflicts_with_all = ["check", "pieces", "arguments"]
        )]
        write: Option<Vec<u32>>,
        /// Arguments for test/bench/bench.py
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Tests and times on a GPU
    Gpu {
        /// The steps to run; all if none is named
        #[arg(value_name = "STEP")]
        steps: Vec<gpu::Step>,
        /// The Python whose PyTorch is the peer
        #[arg(long, default_value = "python3", env = "DLC_PEERS_PYTHON")]
        python: String,
    },
    /// Holds random programs on all targets against an oracle of their own; `-- --help` lists the options
    FuzzPrograms {
        /// Builds the compiler with optimisation
        #[arg(long)]
        release: bool,
        /// Options for the command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Puts programs in layouts at random through the formatter
    FuzzFmt {
        /// For how long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The first seed; without it, one by the time of day
        #[arg(long)]
        seed: Option<u64>,
        /// Builds the compiler with optimisation
        #[arg(long)]
        release: bool,
    },
    /// Builds the compiler with LLVM inside and packs it, to target/dist: an archive, a Debian package, a wheel
    Dist {
        /// Also installs the packages into systems without LLVM and uses them there, which needs root and Debian's archive
        #[arg(long)]
        check: bool,
    },
    /// Builds the playground, a site whose pages compile and run programs in the browser, in `target/playground`
    Playground,
    /// Says what is installed and what is missing
    Doctor {
        /// Installs what is missing
        #[arg(long)]
        install: bool,
    },
    /// Writes the reference of the dl dialect, dialects/OPS.md, and the site of the guide, target/book
    Docs {
        /// Fails when it is not up to date
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo { release } => demo::run(release),
        Task::Example {
            name,
            quick,
            release,
        } => example::run(name.as_deref(), quick, release),
        Task::Test { filter, full } => test::run(filter.as_deref(), full),
        Task::Bless { filter } => test::bless(filter.as_deref()),
        Task::Tidy => tidy::run(),
        Task::Bench { check: true, .. } => bench::check(),
        Task::Bench { pieces: true, .. } => bench::pieces(),
        Task::Bench {
            python,
            write: Some(threads),
            ..
        } => bench::write(&python, &threads),
        Task::Bench {
            python, arguments, ..
        } => bench::run(&python, &arguments),
        Task::Gpu { steps, python } => gpu::run(&steps, &python),
        Task::FuzzPrograms { release, arguments } => programs::run(release, &arguments),
        Task::FuzzFmt {
            seconds,
            seed,
            release,
        } => programs::layouts(release, seconds, seed),
        Task::Dist { check } => dist::run(check),
        Task::Playground => playground::build(),
        Task::Doctor { install } => llvm::doctor(install),
        Task::Docs { check } => docs::run(check).and_then(|()| match check {
            true => Ok(()),
            false => book::build(),
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
