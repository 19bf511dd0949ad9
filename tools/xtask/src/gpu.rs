//! `cargo xtask gpu`: what is to be tried where there is a GPU, in one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::llvm::{self, Llvm};
use crate::process::{command, has, read, run as run_command, shown, target};

/// A step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// The device's own tests, and what happens when one is lost
    Device,
    /// The functions for C
    C,
    /// Every test that runs kernels on the interpreter: the GPU does the same, and both agree
    Suite,
    /// The tests of the standard library's layers under compute-sanitizer
    Sanitizer,
    /// Times beside PyTorch's
    Bench,
}

/// Set for tests that run kernels on the interpreter (`test/src/gpu.rs`).
const ASKED: &str = "DLC_GPU";

/// What compute-sanitizer looks for.
const SANITIZERS: [&str; 3] = ["memcheck", "racecheck", "synccheck"];

/// What is built and timed: the folder that `test/bench/gpu.py` looks in, and its source.
const LIBRARIES: [(&str, &str); 2] = [
    ("gpu", "test/bench/gpu.dl"),
    ("transformer", "test/bench/transformer.dl"),
];

/// What commands are made of.
struct With<'a> {
    python: &'a str,
    dlc: PathBuf,
    /// The folder of what is timed.
    folder: PathBuf,
    /// What to compile for.
    architecture: &'static str,
    cargo: &'a dyn Fn() -> Command,
}

/// Runs steps, all that there are or those named; without a GPU it says what it would have run. Each is run, also where one before
/// it fails.
pub fn run(steps: &[Step], python: &str) -> Result<()> {
    let all = Step::value_variants();
    let steps = if steps.is_empty() { all } else { steps };
    let Some(capability) = capability() else {
        println!("skipped: no GPU, as nvidia-smi finds none; with one this would run:");
        let with = With::new(python, "8.0", &|| command("cargo"));
        for line in steps.iter().flat_map(|step| with.commands(*step)) {
            println!("  {}", told(&line));
        }
        return Ok(());
    };
    let llvm: Llvm = llvm::ensure()?;
    let cargo = || llvm.cargo();
    let with = With::new(python, &capability, &cargo);
    let mut failed = vec![];
    for step in steps {
        println!("\n== {step:?}");
        if let Some(reason) = with.lacks(*step) {
            println!("skipped: {reason}");
            continue;
        }
        for mut command in with.commands(*step) {
            println!("+ {}", told(&command));
            if let Err(error) = run_command(&mut command) {
                println!("FAILED: {error:#}");
                failed.push(format!("{step:?}"));
            }
        }
    }
    failed.dedup();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// The compute capability of the first GPU, as `9.0`; nothing where there is none.
fn capability() -> Option<String> {
    const QUERY: [&str; 2] = ["--query-gpu=compute_cap", "--format=csv,noheader"];
    if !has("nvidia-smi") {
        return None;
    }
    let told = read(command("nvidia-smi").args(QUERY))?;
    let first = told.lines().next()?.trim();
    first.contains('.').then(|| first.to_string())
}

impl<'a> With<'a> {
    fn new(python: &'a str, capability: &str, cargo: &'a dyn Fn() -> Command) -> Self {
        Self {
            python,
            dlc: target().join("debug/dlc"),
            folder: target().join("bench-gpu"),
            // Code for 9.0 runs there only.
            architecture: if capability == "9.0" {
                "sm_90a"
            } else {
                "sm_80"
            },
            cargo,
        }
    }

    /// Why a step can't be run, if it can't.
    fn lacks(&self, step: Step) -> Option<String> {
        match step {
            Step::Sanitizer if sanitizer().is_none() => {
                Some("compute-sanitizer is neither on the path nor in /usr/local/cuda".into())
            }
            Step::Bench => {
                let imports = read(command(self.python).args(["-c", "import torch"]));
                let reason = || format!("{} has no PyTorch; name another by --python", self.python);
                imports.is_none().then(reason)
            }
            _ => None,
        }
    }

    /// The commands of a step, in order.
    fn commands(&self, step: Step) -> Vec<Command> {
        match step {
            Step::Device => vec![self.test("dlc-gpu", &["--test", "devices", "--test", "fault"])],
            Step::C => vec![self.test("dlc-gpu-c", &[])],
            Step::Suite => ["filetests", "end_to_end"]
                .map(|name| {
                    let mut suite = self.test("dlc-test", &["--test", name, "--", "gpu-emulated"]);
                    suite.env(ASKED, "1");
                    suite
                })
                .into(),
            Step::Sanitizer => {
                let mut commands = vec![self.build("dlc", &[])];
                for tool in SANITIZERS {
                    let mut checked =
                        command(sanitizer().unwrap_or_else(|| "compute-sanitizer".into()));
                    checked.args(["--tool", tool, "--error-exitcode", "1"]);
                    checked.args(["--target-processes", "all"]).arg(&self.dlc);
                    checked.args(["test", "std::nn", "--target", "gpu", "--threads", "1"]);
                    commands.push(checked);
                }
                commands
            }
            Step::Bench => self.bench(),
        }
    }

    fn bench(&self) -> Vec<Command> {
        let mut commands = vec![
            self.build("dlc", &[]),
            self.build("dlc-gpu-c", &["--release"]),
        ];
        for (name, source) in LIBRARIES {
            let mut library = command(&self.dlc);
            library.args(["build", source, "--gpu", self.architecture]);
            library.arg("--emit=cdylib,manifest").arg("-o");
            library.arg(self.folder.join(name));
            commands.push(library);
        }
        let mut copy = command("cp");
        copy.arg(target().join("release/libdlc_gpu_c.so"));
        copy.arg(&self.folder);
        let mut script = command(self.python);
        script.arg("test/bench/gpu.py").arg(&self.folder);
        commands.extend([copy, script]);
        commands
    }

    fn test(&self, package: &str, arguments: &[&str]) -> Command {
        let mut test = (self.cargo)();
        test.args(["test", "--package", package]).args(arguments);
        test
    }

    fn build(&self, package: &str, arguments: &[&str]) -> Command {
        let mut build = (self.cargo)();
        build.args(["build", "--quiet", "--package", package]);
        build.args(arguments);
        build
    }
}

/// Where NVIDIA's tool is that checks what kernels touch.
fn sanitizer() -> Option<PathBuf> {
    const NAME: &str = "compute-sanitizer";
    let usual = Path::new("/usr/local/cuda/bin").join(NAME);
    if has(NAME) {
        return Some(NAME.into());
    }
    usual.is_file().then_some(usual)
}

/// The line that a person would type.
fn told(command: &Command) -> String {
    let asked = command.get_envs().any(|(name, _)| name == ASKED);
    let prefix = if asked {
        format!("{ASKED}=1 ")
    } else {
        String::new()
    };
    prefix + &shown(command)
}
