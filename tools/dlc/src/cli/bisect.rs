//! The arguments of `dlc bisect`, and of the process in which it runs one variant of a compilation.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Call, Code, Common, Compile, RunTarget, ToFile};

/// Names the pass and the source line where compiled code begins to differ from the reference evaluator
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  dlc bisect model.dl::f --input x=@x.npy
  dlc bisect model.dl::train_step --dim B=4 --seed 7 -O3 --threads 2
  dlc bisect model.dl::f --dim B=4 --target gpu-emulated

Parameters without an input are random. The export is compiled with more and more of the passes, the others
replaced by plain ones or left out, and run; then its `dl` function is cut behind ever other ops. Exit status 0
if nothing differs, 1 if something does.")]
pub struct Bisect {
    #[command(flatten)]
    pub compared: Compared,

    /// Only says whether anything differs
    #[arg(long, help_heading = "Check")]
    pub quick: bool,
}

/// A call as compiled code, to be compared with the reference evaluator.
#[derive(Debug, Clone, Args)]
pub struct Compared {
    #[command(flatten)]
    pub call: Call,

    /// What runs the compiled code
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "cpu",
        help_heading = "Target"
    )]
    pub target: RunTarget,

    /// The relative difference of floats that rounding may explain; 1e-3 in f32 by default
    #[arg(long, value_name = "X", value_parser = positive, help_heading = "Check")]
    pub rtol: Option<f64>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "it is a number from 0 up, such as 1e-4".to_string())
}

/// Makes a program smaller as long as it still shows a wrong value or a crash
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc reduce model.dl::f --dim B=4 -o small.dl
  dlc reduce model.dl::train_step --input x=@x.npy --seconds 60
  dlc reduce model.dl --check './fails.sh' -o small.dl

Without --check, a program is kept where the compiler ends as it does on the whole program, or where `dlc bisect`
finds that a value differs. What the file imports stays as it is.")]
pub struct Reduce {
    #[command(flatten)]
    pub compared: Compared,

    /// A command of the shell that ends with 0 where the program in the file $1 still shows it
    #[arg(long, value_name = "SCRIPT", help_heading = "Check")]
    pub check: Option<String>,

    /// How long to try smaller programs at most
    #[arg(long, value_name = "N", default_value_t = 600, help_heading = "Check")]
    pub seconds: u64,

    #[command(flatten)]
    pub to: ToFile,
}

/// Runs one variant of a compilation for `dlc bisect`
#[derive(Debug, Args)]
pub struct RunVariant {
    #[command(flatten)]
    pub call: Call,

    /// What runs it
    #[arg(long)]
    pub target: RunTarget,

    /// The leaves of the parameters
    #[arg(long)]
    pub leaves: PathBuf,

    /// The text of a `dl` module to be compiled in place of the source
    #[arg(long)]
    pub module: Option<PathBuf>,

    /// The file for the results
    #[arg(long)]
    pub write: PathBuf,
}

impl Compared {
    /// The same call of another file as arguments of another process, with its inputs.
    pub fn arguments(&self, callee: &str) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![callee.into()];
        for input in &self.call.inputs {
            arguments.extend(["--input".into(), input.into()]);
        }
        if self.call.seed != 0 {
            arguments.extend(["--seed".into(), self.call.seed.to_string().into()]);
        }
        arguments.extend(self.options());
        if let Some(rtol) = self.rtol {
            arguments.extend(["--rtol".into(), rtol.to_string().into()]);
        }
        arguments
    }

    /// The options that say how it is compiled and run, where they are not the usual ones.
    pub fn options(&self) -> Vec<OsString> {
        let Call {
            callee: _,
            inputs: _,
            dims,
            seed: _,
            threads,
            compile,
        } = &self.call;
        let Compile {
            lints: _,
            code,
            gpu,
            schedule,
            max_memory,
            jobs,
            check_bounds,
            print_ir_after: _,
            print_ir_after_all: _,
            print_ir_after_change: _,
            dump_ir: _,
            time_passes: _,
            stats: _,
            crash_dir: _,
        } = compile;
        let Code {
            target_cpu,
            target_feature,
            level,
            remarks: _,
        } = code;
        let mut arguments: Vec<OsString> = vec![];
        let mut put = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        for dim in dims {
            put("--dim", dim.into());
        }
        if *threads != 1 {
            put("--threads", threads.to_string().into());
        }
        if let Some(cpu) = target_cpu {
            put("--target-cpu", cpu.into());
        }
        if !target_feature.is_empty() {
            put("--target-feature", target_feature.into());
        }
        if gpu != "none" {
            put("--gpu", gpu.into());
        }
        if let Some(schedule) = schedule {
            put("--schedule", schedule.into());
        }
        if let Some(bytes) = max_memory {
            put("--max-memory", bytes.to_string().into());
        }
        if let Some(jobs) = jobs {
            put("--jobs", jobs.to_string().into());
        }
        if self.target != RunTarget::Cpu {
            let name = self.target.to_possible_value();
            let name = name.expect("no target is left out");
            put("--target", name.get_name().into());
        }
        if *level != 3 {
            arguments.push(format!("-O{level}").into());
        }
        if *check_bounds {
            arguments.push("--check-bounds".into());
        }
        arguments
    }
}

impl Common {
    /// The unstable options as arguments of another process.
    pub fn unstable_arguments(&self) -> Vec<OsString> {
        let options = self.unstable.iter();
        options.map(|option| format!("-Z{option}").into()).collect()
    }
}
