//! The command line: what `dlc --help` says, in types.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dlc_driver::{compile::ErrorFormat, memory::parse_bytes};

use crate::report::{ColorChoice, Output};

mod bench;
mod bisect;
mod build;
mod cached;
mod call;
mod code;
mod diff;
mod doc;
mod explain;
mod fmt;
mod grad;
mod inspect;
mod later;
mod lints;
mod lsp;
mod new;
mod packaging;
mod run_target;
mod shell;
mod test;
mod to_file;
mod trouble;
mod tune;

pub use bench::Bench;
pub use bisect::{Bisect, Compared, Reduce, RunVariant};
pub use build::{Build, ReportFormat};
pub use cached::Cached;
pub use call::Call;
pub use code::{Code, Remarks, TimeFormat};
pub use diff::Diff;
pub use doc::Doc;
pub use explain::{Explain, ExplainFormat};
pub use fmt::Fmt;
pub use grad::{Grad, Mode};
pub use inspect::{GraphFormat, Inspect};
pub use later::Later;
pub use lints::Lints;
pub use lsp::Lsp;
pub use new::{Host, New};
pub use packaging::Packaging;
pub use run_target::{RunTarget, RunTargetParser};
pub use shell::{Completions, Man, visible};
pub use test::{RunTest, Test, TestFormat};
pub use to_file::ToFile;
pub use trouble::{Bugreport, Doctor};
pub use tune::Tune;

const EXAMPLES: &str = "\
Examples:
  dlc check tiny.dl
  dlc build tiny.dl -o out --target-cpu native
  dlc run tiny.dl::train_step --input p=@p.npz --input x=@x.npy --input lr=0.1

`dlc FILE.dl` is `dlc build FILE.dl`. `dlc COMMAND --help` tells more.
Exit status: 0 done, 1 error in the input, 2 wrong usage, 3 I/O, 101 compiler bug";

/// Compiles .dl models to native code
#[derive(Debug, Parser)]
#[command(
    name = "dlc",
    about = "Compiles .dl models to native code",
    disable_version_flag = true,
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Prints the version; with --verbose, also those of LLVM and the host
    #[arg(short = 'V', long)]
    pub version: bool,

    /// Prints a list and ends
    #[arg(long, value_name = "WHAT")]
    pub print: Option<Print>,

    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// How errors are written
    #[arg(
        long,
        value_name = "FORMAT",
        global = true,
        default_value = "human",
        help_heading = "Diagnostics"
    )]
    pub error_format: Format,

    /// Whether errors are coloured; NO_COLOR is honoured
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        help_heading = "Diagnostics"
    )]
    pub color: ColorChoice,

    /// Says more
    #[arg(short, long, global = true, help_heading = "Diagnostics")]
    pub verbose: bool,

    #[command(flatten)]
    pub cache: Cached,

    /// Unstable options
    #[arg(short = 'Z', value_name = "KEY=VALUE", global = true, hide = true)]
    pub unstable: Vec<String>,
}

impl Common {
    /// How to write to the terminal.
    pub fn output(&self) -> Output {
        Output {
            format: self.error_format.into(),
            color: self.color.resolve(),
        }
    }
}

/// How errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With the source and help
    Human,
    /// One line each
    Short,
    /// One JSON object a line
    Json,
    /// One SARIF 2.1.0 document
    Sarif,
}

impl From<ErrorFormat> for Format {
    fn from(format: ErrorFormat) -> Self {
        match format {
            ErrorFormat::Human => Format::Human,
            ErrorFormat::Short => Format::Short,
            ErrorFormat::Json => Format::Json,
            ErrorFormat::Sarif => Format::Sarif,
        }
    }
}

impl From<Format> for ErrorFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => ErrorFormat::Human,
            Format::Short => ErrorFormat::Short,
            Format::Json => ErrorFormat::Json,
            Format::Sarif => ErrorFormat::Sarif,
        }
    }
}

/// What `--print` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// The passes that --print-ir-after knows
    Passes,
    /// The built-in operations of the language, with their parameters
    Builtins,
    /// The operations of the dl dialect
    Ops,
    /// The triples that `dlc build --target` knows
    Targets,
    /// The CPUs and features that --target-cpu and --target-feature know
    TargetCpus,
    /// The target triple of this machine
    HostTuple,
    /// The system libraries that a static library needs
    NativeStaticLibs,
    /// The JSON schema of manifests
    ManifestSchema,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a file and writes nothing
    Check(Check),
    /// Compiles a file to a library, a header and a manifest
    Build(Build),
    /// Compiles a file and calls one of its exports
    Run(Run),
    /// Compiles a file and times one of its exports
    Bench(Bench),
    /// Compares two outputs of `dlc bench --json`
    Diff(Diff),
    /// Searches for schedules that make an export faster on this machine
    Tune(Tune),
    /// Runs the tests of a file or of the standard library
    Test(Test),
    /// Runs one test; `dlc test` starts it
    #[command(hide = true)]
    RunTest(RunTest),
    /// Lists what a file imports; a reproducer has these files, too
    #[command(hide = true)]
    Imports(Imports),
    /// Prints the derivative of a function as source, or compares it with finite differences
    Grad(Grad),
    /// Draws which function calls which, and what is left of exports after fusion
    Inspect(Inspect),
    /// Names the pass and the source line where compiled code begins to differ from the reference evaluator
    Bisect(Bisect),
    /// Makes a program smaller as long as it still shows a wrong value or a crash
    Reduce(Reduce),
    /// Writes a folder for a report of a bug, and says what is in it
    Bugreport(Bugreport),
    /// Says what this installation can do, and what is missing
    Doctor(Doctor),
    /// Runs one variant of a compilation; `dlc bisect` starts it
    #[command(hide = true)]
    RunVariant(RunVariant),
    /// Formats files
    Fmt(Fmt),
    /// Writes a site about the items of programs or of the standard library
    Doc(Doc),
    /// Explains an error code or a lint
    Explain(Explain),
    /// Serves an editor over standard input and output, by the language server protocol
    Lsp(Lsp),
    /// Makes a project: a model and a program that trains it
    New(New),
    /// Writes a script with which a shell completes command lines
    Completions(Completions),
    /// Writes the pages for `man`
    Man(Man),
    #[command(flatten)]
    Later(Later),
}

impl Command {
    /// Whether it reads programs or calls compiled code, so that errors of the compiler may show in it.
    pub fn compiles(&self) -> bool {
        match self {
            Command::Check(_)
            | Command::Build(_)
            | Command::Run(_)
            | Command::Bench(_)
            | Command::Tune(_)
            | Command::Grad(_)
            | Command::Inspect(_)
            | Command::Bisect(_)
            | Command::Doctor(_)
            | Command::Fmt(_)
            | Command::Doc(_) => true,
            // Each of its tests runs in a process of its own.
            Command::Test(_)
            | Command::RunTest(_)
            | Command::RunVariant(_)
            | Command::Reduce(_)
            | Command::Bugreport(_)
            | Command::Imports(_)
            | Command::Diff(_)
            | Command::Explain(_)
            | Command::Lsp(_)
            | Command::New(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Later(_) => false,
        }
    }

    /// The files that are compiled, without what they import.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Command::Check(check) => check.files.iter().map(String::as_str).collect(),
            Command::Build(build) => vec![&build.file],
            Command::Run(run) => vec![&run.call.callee],
            Command::Bench(bench) => vec![&bench.call.callee],
            Command::Tune(tune) => vec![&tune.call.callee],
            Command::Grad(grad) => vec![&grad.callee],
            Command::Inspect(inspect) => vec![&inspect.callee],
            Command::Fmt(fmt) => fmt.paths.iter().map(String::as_str).collect(),
            Command::Doc(doc) => doc.files(),
            Command::Test(test) => vec![&test.what],
            Command::Bisect(bisect) => vec![&bisect.compared.call.callee],
            Command::Reduce(reduce) => vec![&reduce.compared.call.callee],
            Command::Bugreport(report) => vec![&report.file],
            Command::RunTest(_)
            | Command::RunVariant(_)
            | Command::Doctor(_)
            | Command::Imports(_)
            | Command::Diff(_)
            | Command::Explain(_)
            | Command::Lsp(_)
            | Command::New(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Later(_) => vec![],
        }
    }

    /// The options of the compilation.
    pub fn compile_options(&self) -> Option<&Compile> {
        match self {
            Command::Check(check) => Some(&check.compile),
            Command::Build(build) => Some(&build.compile),
            Command::Run(run) => Some(&run.call.compile),
            Command::Bench(bench) => Some(&bench.call.compile),
            Command::Tune(tune) => Some(&tune.call.compile),
            Command::Grad(grad) => Some(&grad.compile),
            Command::Inspect(inspect) => Some(&inspect.compile),
            Command::Bisect(bisect) => Some(&bisect.compared.call.compile),
            Command::Reduce(reduce) => Some(&reduce.compared.call.compile),
            Command::Test(_)
            | Command::RunTest(_)
            | Command::RunVariant(_)
            | Command::Bugreport(_)
            | Command::Doctor(_)
            | Command::Imports(_)
            | Command::Diff(_)
            | Command::Fmt(_)
            | Command::Doc(_)
            | Command::Explain(_)
            | Command::Lsp(_)
            | Command::New(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Later(_) => None,
        }
    }
}

/// Checks a file and writes nothing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc check tiny.dl
  dlc check tiny.dl -D warnings --error-format=short
  dlc check tiny.dl --error-format=sarif 2> tiny.sarif
  cat tiny.dl | dlc check -")]
pub struct Check {
    /// The source files; - for standard input
    #[arg(value_name = "FILE", required = true, help_heading = "Input")]
    pub files: Vec<String>,

    #[command(flatten)]
    pub compile: Compile,
}

/// Compiles a file and calls one of its exports
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc run tiny.dl::init --input key='key(42)' --output out=@p.npz
  dlc run tiny.dl::train_step --input p=@p.npz --input x='normal(2,8)' --input lr=0.1
  dlc run tiny.dl::loss --input x=@x.npy --dim T=8 --target reference

A VALUE is @FILE.npy for a tensor; @FILE.npz or @FILE.safetensors for a tree, keyed by dotted path
(w1, blocks.0.wqkv, 0); a scalar (0.1, 3, true); a list ([[1, 2], [3, 4]]); zeros(2,8), ones(2,8) or normal(2,8), with :DTYPE
if wanted; key(42) for a key. Outputs are `out` and each `inout` parameter by its name.")]
pub struct Run {
    #[command(flatten)]
    pub call: Call,

    /// Writes an output to a file; without any, a summary of each is printed
    #[arg(long = "output", value_name = "NAME=@FILE", help_heading = "Output")]
    pub outputs: Vec<String>,

    /// What runs the export
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "cpu",
        value_parser = RunTargetParser,
        help_heading = "Target"
    )]
    pub target: RunTarget,

    /// Writes when what of the call was done, on the CPU or a GPU, for chrome://tracing or ui.perfetto.dev
    #[arg(long, value_name = "FILE", help_heading = "Debugging")]
    pub trace: Option<PathBuf>,

    /// Calls so many times, each with what the one before made of the `inout` parameters
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Input")]
    pub repeat: u64,

    /// Writes the numbers among the outputs of each call, such as a loss, as an event file for TensorBoard
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub log: Option<PathBuf>,
}

/// Lists what a file imports
#[derive(Debug, Args)]
pub struct Imports {
    /// The file
    pub file: String,
}

/// Options of the compilation.
#[derive(Debug, Clone, Args)]
pub struct Compile {
    #[command(flatten)]
    pub lints: Lints,

    #[command(flatten)]
    pub code: Code,

    /// The GPU to compile for as well: none, sm_80 (and newer) or sm_90a; the library's functions then run on one where
    /// there is one, unless DLC_DEVICE=cpu
    #[arg(
        long,
        value_name = "GPU",
        default_value = "none",
        help_heading = "Target"
    )]
    pub gpu: String,

    /// Schedules to use, as --emit=schedule or `dlc tune` writes them
    #[arg(long, value_name = "FILE", help_heading = "Optimisation")]
    pub schedule: Option<PathBuf>,

    /// The most bytes of workspace, such as 512K, 64M or 2G, that an export may need at its dims' greatest sizes: its
    /// derivatives keep less and compute more again, until it fits
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, help_heading = "Optimisation")]
    pub max_memory: Option<u64>,

    /// On how many threads to compile; default one for each core. What is made does not depend on it
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Optimisation")]
    pub jobs: Option<u16>,

    /// Makes a call fail where an index is out of range, which is clamped otherwise
    #[arg(long, help_heading = "Debugging")]
    pub check_bounds: bool,

    /// Prints the IR after a pass; `all` for every pass
    #[arg(
        long,
        value_name = "PASS",
        value_delimiter = ',',
        help_heading = "Debugging"
    )]
    pub print_ir_after: Vec<String>,

    /// Writes the IR after every pass into a folder
    #[arg(long, value_name = "DIR", help_heading = "Debugging")]
    pub dump_ir: Option<PathBuf>,

    /// Prints the IR after every pass
    #[arg(long, help_heading = "Debugging")]
    pub print_ir_after_all: bool,

    /// Prints the IR after every pass that changes it
    #[arg(long, help_heading = "Debugging")]
    pub print_ir_after_change: bool,

    /// Prints how long each pass, LLVM and the linker took: as a table, as JSON, or as a trace for
    /// chrome://tracing
    #[arg(
        long,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        help_heading = "Debugging"
    )]
    pub time_passes: Option<TimeFormat>,

    /// Prints how many functions and operations there are at each level
    #[arg(long, help_heading = "Debugging")]
    pub stats: bool,

    /// The folder for the reproducer of a compiler bug; default dlc-crash-* here
    #[arg(long, value_name = "DIR", help_heading = "Debugging")]
    pub crash_dir: Option<PathBuf>,
}

/// The arguments with `build` put in before a file that stands where a command would.
pub fn expand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    const WITH_VALUE: &str = "--error-format --color --print --cache-dir --cache-limit -Z";
    let mut at = 1;
    while let Some(argument) = arguments.get(at).and_then(|argument| argument.to_str()) {
        if WITH_VALUE.split(' ').any(|option| option == argument) {
            at += 2;
        } else if argument.starts_with('-') && argument != "-" {
            at += 1;
        } else {
            if argument.ends_with(".dl") || argument.contains(".dl::") {
                arguments.insert(at, OsString::from("build"));
            }
            break;
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn expanded(arguments: &[&str]) -> Vec<String> {
        let arguments = std::iter::once("dlc").chain(arguments.iter().copied());
        expand(arguments.map(OsString::from).collect())
            .into_iter()
            .skip(1)
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_alone_is_built() {
        assert_eq!(expanded(&["x.dl", "-O0"]), ["build", "x.dl", "-O0"]);
        let colored = ["--color", "never", "x.dl"];
        assert_eq!(expanded(&colored), ["--color", "never", "build", "x.dl"]);
        assert_eq!(expanded(&["check", "x.dl"]), ["check", "x.dl"]);
        assert_eq!(expanded(&["--version"]), ["--version"]);
        assert_eq!(expanded(&[]), Vec::<String>::new());
    }

    #[test]
    fn the_documented_forms_parse() {
        for line in [
            "dlc check a.dl",
            "dlc build a.dl -o out --emit dl,obj --target-cpu x86-64-v3 -O0 --gpu none",
            "dlc build a.dl --emit=header=x.h,obj -O2",
            "dlc run a.dl::f --input x=@x.npy --input lr=-0.1 --output out=@o.npy --dim T=8",
            "dlc run a.dl::f --target reference --threads 2 --seed 7",
            "dlc bench a.dl::f --json --threads 1",
            "dlc test a.dl grad --exact --target reference --threads 2 --format json --timeout 5",
            "dlc test std::nn --list",
            "dlc inspect a.dl --graph=svg --dim B=8 -o a.svg",
            "dlc inspect a.dl::f --graph dot",
            "dlc diff a.json b.json --assert-within 5% --json",
            "dlc explain DL0203",
            "dlc new first --host rust",
            "dlc completions zsh",
            "dlc man pages",
            "dlc fmt a.dl folder -",
            "dlc fmt --check a.dl",
            "dlc doc a.dl folder -o out --guide docs --title T",
            "dlc doc std --test -D broken-doc-links",
            "dlc --version --verbose",
            "dlc --print passes",
            "dlc check a.dl --error-format json --color never",
            "dlc check a.dl --error-format sarif",
            "dlc check a.dl -D warnings -A unused-variables -WDL0904",
        ] {
            if let Err(error) = Cli::try_parse_from(line.split(' ')) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn similar_commands_are_suggested() {
        let error = Cli::try_parse_from(["dlc", "biuld"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("'build'"), "{error}");
        let error = Cli::try_parse_from(["dlc", "build", "a.dl", "--emti", "dl"]);
        assert!(error.unwrap_err().to_string().contains("'--emit'"));
        assert!(Cli::try_parse_from(["dlc", "build", "a.dl", "-O4"]).is_err());
    }
}
