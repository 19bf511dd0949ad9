//! The command line: what `dlc --help` says, in types.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dlc_driver::{compile::ErrorFormat, memory::parse_bytes};

use crate::report::{ColorChoice, Output};

mod bench;
mod cached;
mod code;
mod explain;
mod fmt;
mod grad;
mod lints;
mod lsp;
mod test;
mod tune;

pub use bench::Bench;
pub use cached::Cached;
pub use code::{Code, Remarks};
pub use explain::{Explain, ExplainFormat};
pub use fmt::Fmt;
pub use grad::{Grad, Mode};
pub use lints::Lints;
pub use lsp::Lsp;
pub use test::{RunTest, Test, TestFormat};
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
    /// The CPUs that --target-cpu knows
    TargetCpus,
    /// The target triple of this machine
    HostTuple,
    /// The system libraries that a static library needs
    NativeStaticLibs,
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
    /// Formats files
    Fmt(Fmt),
    /// Explains an error code or a lint
    Explain(Explain),
    /// Serves an editor over standard input and output, by the language server protocol
    Lsp(Lsp),
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
            | Command::Fmt(_) => true,
            // Each of its tests runs in a process of its own.
            Command::Test(_)
            | Command::RunTest(_)
            | Command::Imports(_)
            | Command::Explain(_)
            | Command::Lsp(_)
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
            Command::Fmt(fmt) => fmt.paths.iter().map(String::as_str).collect(),
            Command::Test(test) => vec![&test.what],
            Command::RunTest(_)
            | Command::Imports(_)
            | Command::Explain(_)
            | Command::Lsp(_)
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
            Command::Test(_)
            | Command::RunTest(_)
            | Command::Imports(_)
            | Command::Fmt(_)
            | Command::Explain(_)
            | Command::Lsp(_)
            | Command::Later(_) => None,
        }
    }
}

/// Commands that have their name but are not built yet.
#[derive(Debug, Subcommand)]
pub enum Later {
    #[command(hide = true, disable_help_flag = true)]
    New(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Doc(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Import(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Inspect(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Diff(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Bisect(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Reduce(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Completions(Anything),
    #[command(hide = true, disable_help_flag = true)]
    Man(Anything),
}

impl Later {
    /// The name of the command, and what to do instead.
    pub fn name_and_help(&self) -> (&'static str, &'static str) {
        const AVAILABLE: &str = "`dlc --help` lists the commands";
        match self {
            Later::New(_) => ("new", "write a file NAME.dl and `dlc check` it"),
            Later::Doc(_) => ("doc", "the header of `dlc build` describes each export"),
            Later::Import(_) => ("import", AVAILABLE),
            Later::Inspect(_) => ("inspect", "use `dlc build --emit=dl,linalg,loops,llvm-ir`"),
            Later::Diff(_) => ("diff", "compare two outputs of `dlc bench --json`"),
            Later::Bisect(_) => ("bisect", "use `dlc build --dump-ir DIR`"),
            Later::Reduce(_) => ("reduce", "use mlir-reduce with dlc-opt"),
            Later::Completions(_) => ("completions", AVAILABLE),
            Later::Man(_) => ("man", "use `dlc COMMAND --help`"),
        }
    }
}

/// Whatever follows a command that is not built yet.
#[derive(Debug, Args)]
pub struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<OsString>,
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

/// Compiles a file to a library, a header and a manifest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc build tiny.dl -o out
  dlc build tiny.dl --emit=staticlib,header --target-cpu x86-64-v3
  dlc build tiny.dl --emit=llvm-ir -o -
  dlc build tiny.dl --emit=staticlib,header,dep-info -o out
  dlc build tiny.dl --emit=memory -o - --dim B=32

Without --emit: libSTEM.a, libSTEM.so, STEM.h and STEM.json.")]
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
    /// staticlib, cdylib, header, rust, manifest, schedule, memory, dep-info, and with --gpu also
    /// gpu, nvvm, ptx; KIND=FILE names the file
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub emit: Vec<String>,

    /// The size of a dim at which --emit=memory tells bytes
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
        help_heading = "Target"
    )]
    pub target: RunTarget,

    /// Writes when a GPU did what, for chrome://tracing or ui.perfetto.dev
    #[arg(long, value_name = "FILE", help_heading = "Debugging")]
    pub trace: Option<PathBuf>,
}

/// Lists what a file imports
#[derive(Debug, Args)]
pub struct Imports {
    /// The file
    pub file: String,
}

/// An export and its inputs.
#[derive(Debug, Clone, Args)]
pub struct Call {
    /// The source file and the export; the export may be left out when there is only one
    #[arg(value_name = "FILE::EXPORT", help_heading = "Input")]
    pub callee: String,

    /// The value of a parameter
    #[arg(long = "input", value_name = "NAME=VALUE", help_heading = "Input")]
    pub inputs: Vec<String>,

    /// The value of a dim that no input gives
    #[arg(long = "dim", value_name = "NAME=SIZE", help_heading = "Input")]
    pub dims: Vec<String>,

    /// The seed of normal(...), and of what `dlc bench` makes up
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Input")]
    pub seed: u64,

    /// How many threads to run on
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Target")]
    pub threads: usize,

    #[command(flatten)]
    pub compile: Compile,
}

/// What runs an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunTarget {
    /// The compiled library
    Cpu,
    /// The reference evaluator, slow and clear
    Reference,
    /// A GPU, with NVIDIA's driver
    Gpu,
    /// An interpreter of what a GPU would run, which checks every access, slow
    GpuEmulated,
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

    /// Prints how long each pass, LLVM and the linker took
    #[arg(long, help_heading = "Debugging")]
    pub time_passes: bool,

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
            "dlc explain DL0203",
            "dlc fmt a.dl folder -",
            "dlc fmt --check a.dl",
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
