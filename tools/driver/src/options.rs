//! What a compilation depends on besides the source.

use crate::{
    cache::Cache,
    faults::Fault,
    pipelines::{self, Stage},
};
use dlc_dialects::ir::context::Record;
use dlc_frontend::{core::Goal, levels::Levels};
use dlc_lowering::{remarks, schedule::knobs::Knobs, target::gpu::Architecture};
use std::{collections::BTreeMap, path::PathBuf};

/// What a compilation depends on besides the source.
#[derive(Debug, Clone)]
pub struct Options {
    /// The triple of the place that code is made for; none for this machine.
    pub target: Option<String>,
    /// `native`, a name of LLVM's, or several of levels, of which calls take the best that the machine has.
    pub target_cpu: String,
    /// What CPUs have besides or lack, as `+fma,-avx2`.
    pub target_features: String,
    /// 0 to 3.
    pub opt_level: u8,
    /// How messages are written.
    pub error_format: ErrorFormat,
    /// Whether they are coloured.
    pub color: bool,
    /// Which warnings are shown, and which are errors.
    pub lints: Levels,
    /// Passes after which the IR goes to the standard error; `all` for each.
    pub print_ir_after: Vec<String>,
    /// Whether the IR goes there after each pass that changes it.
    pub print_ir_after_change: bool,
    /// A folder for the IR after each pass.
    pub dump_ir: Option<PathBuf>,
    /// In which form times go to the standard error, if they do.
    pub time_passes: Option<TimeFormat>,
    /// Whether counts of what the program consists of at each level do.
    pub stats: bool,
    /// A file for the IR before each pass, which a crash leaves behind.
    pub keep_ir: Option<PathBuf>,
    /// What the entries of a DL program are.
    pub goal: Goal,
    /// Whether an index out of range makes a call fail, where compiled code clamps it otherwise.
    pub check_bounds: bool,
    /// The most bytes that the workspace of an export may have where its dims are greatest; derivatives keep less until
    /// that is so.
    pub max_memory: Option<u64>,
    /// The most threads on which a call runs.
    pub threads: u32,
    /// Whether calls tell when their pieces of work begin and end.
    pub trace: bool,
    /// Whether the code says where in the source it comes from, for debuggers and profilers.
    pub debug_info: bool,
    /// The GPU that calls can run on, too.
    pub gpu: Option<Architecture>,
    /// Values of schedules that do not follow from the target.
    pub knobs: Knobs,
    /// Which remarks are shown of what is fused and what is not.
    pub remarks: Remarks,
    /// Sizes of dims for which reports tell bytes.
    pub sizes: BTreeMap<String, i64>,
    /// The most threads on which the compiler works; what it makes does not depend on it.
    pub jobs: usize,
    /// Where to keep what is made, and to look for it.
    pub cache: Option<Cache>,
    /// How many passes of a pipeline run as they should, where not all do; LLVM's are one more.
    pub pass_limit: Option<usize>,
    /// A wrong rewrite that comes with a pass, for tests.
    pub fault: Option<&'static Fault>,
}

impl Options {
    /// What the frontend is asked for.
    pub(crate) fn frontend(&self) -> dlc_frontend::core::Options {
        dlc_frontend::core::Options {
            goal: self.goal,
            check_bounds: self.check_bounds,
            threads: self.threads > 1,
            gpu: self.gpu.is_some(),
        }
    }

    /// How much LLVM optimises what a pipeline makes.
    pub(crate) fn llvm_level(&self, pipeline: &[Stage]) -> u8 {
        let plainly = |limit| limit <= pipelines::length(pipeline);
        match self.pass_limit.is_some_and(plainly) {
            true => 0,
            false => self.opt_level,
        }
    }

    /// What the frontend is asked for by the reference evaluator, which always checks indices.
    pub(crate) fn reference(&self) -> dlc_frontend::core::Options {
        dlc_frontend::core::Options {
            check_bounds: true,
            ..self.frontend()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: None,
            target_cpu: "native".into(),
            target_features: String::new(),
            opt_level: 3,
            error_format: ErrorFormat::Human,
            color: false,
            lints: Levels::default(),
            print_ir_after: vec![],
            print_ir_after_change: false,
            dump_ir: None,
            time_passes: None,
            stats: false,
            keep_ir: None,
            goal: Goal::Library,
            check_bounds: false,
            max_memory: None,
            threads: 1,
            trace: false,
            debug_info: false,
            gpu: None,
            knobs: Knobs::new(),
            remarks: Remarks::default(),
            sizes: BTreeMap::new(),
            jobs: 1,
            cache: None,
            pass_limit: None,
            fault: None,
        }
    }
}

/// The form of a table of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For chrome://tracing and ui.perfetto.dev.
    Chrome,
}

/// Which remarks are shown. Those that passes always give are, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remarks {
    /// What was fused.
    pub passed: bool,
    /// What was not, and why.
    pub missed: bool,
}

impl Remarks {
    /// Whether any are asked for.
    pub fn any(self) -> bool {
        self.passed || self.missed
    }

    /// Those of what passes said that are shown.
    pub(crate) fn shown(self, mut records: Vec<Record>) -> Vec<Record> {
        records.retain(|record| match record.message.split(' ').next() {
            Some(remarks::FUSED) => self.passed,
            Some(remarks::MISSED) => self.missed,
            _ => true,
        });
        records
    }
}

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// With source lines, for people.
    Human,
    /// One line each.
    Short,
    /// One JSON object each.
    Json,
    /// One SARIF result each.
    Sarif,
}
