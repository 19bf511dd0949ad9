//! What a compilation depends on besides the source.

use crate::{
    cache::Cache,
    faults::Fault,
    pipelines::{self, Stage},
};
use dlc_frontend::{core::Goal, levels::Levels};
use dlc_lowering::{schedule::knobs::Knobs, target::gpu::Architecture};
use std::{collections::BTreeMap, path::PathBuf};

/// What a compilation depends on besides the source.
#[derive(Debug, Clone)]
pub struct Options {
    /// `native`, or a name of LLVM's.
    pub target_cpu: String,
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
    /// A folder for the IR after each pass.
    pub dump_ir: Option<PathBuf>,
    /// Whether times go to the standard error.
    pub time_passes: bool,
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
    /// The GPU that calls can run on, too.
    pub gpu: Option<Architecture>,
    /// Values of schedules that do not follow from the target.
    pub knobs: Knobs,
    /// Whether remarks tell what is fused and what is not.
    pub fusion_remarks: bool,
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
            target_cpu: "native".into(),
            opt_level: 3,
            error_format: ErrorFormat::Human,
            color: false,
            lints: Levels::default(),
            print_ir_after: vec![],
            dump_ir: None,
            time_passes: false,
            keep_ir: None,
            goal: Goal::Library,
            check_bounds: false,
            max_memory: None,
            threads: 1,
            gpu: None,
            knobs: Knobs::new(),
            fusion_remarks: false,
            sizes: BTreeMap::new(),
            jobs: 1,
            cache: None,
            pass_limit: None,
            fault: None,
        }
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
