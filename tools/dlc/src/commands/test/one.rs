//! One test, in the process that `dlc test` starts for it. What it finds goes to standard output as a JSON object.

use dlc_driver::compile::{Architecture, Goal, Options, Session};
use dlc_driver::levels::Levels;
use dlc_driver::testing::{self, Runner};
use dlc_gpu::Gpu;

use super::super::device;
use super::Outcome;
use crate::cli::{Common, RunTarget, RunTest};
use crate::report::{Error, to_stdout};

/// How tests are compiled.
pub struct Setup<'a> {
    /// Running a test of a file, or finding its tests.
    pub goal: Goal,
    /// What becomes of warnings.
    pub lints: Levels,
    /// The CPU to compile for.
    pub target_cpu: &'a str,
    /// What it has besides or lacks.
    pub target_features: &'a str,
    /// How much to optimise.
    pub level: u8,
    /// Whether they fail where an index is out of range.
    pub check_bounds: bool,
    /// The GPU to compile for.
    pub gpu: Option<Architecture>,
}

/// A session for tests.
pub fn session(common: &Common, setup: Setup) -> Session {
    let output = common.output();
    Session::new(Options {
        target_cpu: setup.target_cpu.to_owned(),
        target_features: setup.target_features.to_owned(),
        opt_level: setup.level,
        check_bounds: setup.check_bounds,
        error_format: output.format,
        color: output.color,
        lints: setup.lints,
        goal: setup.goal,
        gpu: setup.gpu,
        cache: common.cache.cache(),
        ..Options::default()
    })
}

/// What runs tests for a target, whose device this is.
pub fn runner(target: RunTarget, gpu: Option<&Gpu>) -> Runner<'_> {
    match (gpu, target) {
        (Some(gpu), _) => Runner::Gpu(gpu),
        (None, RunTarget::Reference) => Runner::Reference,
        (None, _) => Runner::Cpu,
    }
}

/// Runs the command.
pub fn run(test: &RunTest, common: &Common) -> Result<(), Error> {
    super::super::unstable::run(common)?;
    let file = super::file(&test.what)?;
    let gpu = device::open(test.target)?;
    let setup = Setup {
        goal: Goal::Test(test.index),
        // The process that started this one has shown the warnings, or ended because of them.
        lints: Levels::default(),
        target_cpu: &test.target_cpu,
        target_features: &test.target_feature,
        level: test.level,
        check_bounds: test.check_bounds,
        gpu: gpu.as_ref().map(device::architecture),
    };
    let session = session(common, setup);
    let runner = runner(test.target, gpu.as_ref());
    let outcome = testing::run(&session, &file.source(), runner)
        .map_err(|failure| Error::of_compilation(failure, &file.name))?;
    let object = serde_json::json!({
        "failures": outcome.failures,
        "rendered": outcome.rendered,
    });
    to_stdout(format!("{object}\n").as_bytes())
}

/// What the process of a test said, unless it is not what [`run`] says. `print` in a test writes to the same output,
/// before the object or, from a buffer, behind it.
pub fn outcome(stdout: &[u8]) -> Option<Outcome> {
    let text = String::from_utf8_lossy(stdout);
    let object = |line: &str| -> Option<serde_json::Value> {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value["failures"].is_array().then_some(value)
    };
    let (at, mut object) = text
        .lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at, object(line)?)))
        .last()?;
    let failures = object["failures"].as_array_mut()?.split_off(0);
    if failures.is_empty() {
        return Some(Outcome::Passed);
    }
    let printed = text.lines().enumerate().filter(|(i, _)| *i != at);
    let printed: String = printed.map(|(_, line)| format!("{line}\n")).collect();
    let rendered = object["rendered"].as_str()?;
    Some(Outcome::Failed {
        rendered: printed + rendered,
        failures,
    })
}
