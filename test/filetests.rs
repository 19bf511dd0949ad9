//! Tests that are data: RUN lines, evaluations and gradient checks of op files, the sweep over ops and types,
//! golden diagnostics. `cargo test -p dlc-test --test filetests -- FILTER` runs some.

use anyhow::{Context, Result, ensure};
use dlc_autodiff::rules::{Rule, rule};
use dlc_dialects::ops::OpKind;
use dlc_frontend::codes::Code;
use dlc_test::{
    cpu::{self, CPU},
    directive::{self, Directives},
    docs, files,
    golden::{self, Expected},
    gpu::{self, EMULATED},
    levels, opfile,
    runner::{Reference, Runner},
    shell, skipped, sweep, trial,
};
use libtest_mimic::{Arguments, Trial};
use std::{collections::BTreeMap, path::Path, process::ExitCode};

fn main() -> ExitCode {
    dlc_test::run(trials)
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    if !arguments.list {
        files::build_tools()?;
    }
    let mut runners: Vec<&'static dyn Runner> = vec![&Reference, &CPU];
    runners.push(&EMULATED[0]);
    runners.extend(levels::asked().iter().map(|level| level as &dyn Runner));
    let mut trials = vec![];
    let mut ops = BTreeMap::new();
    for folder in ["ops", "passes", "pipelines"] {
        for path in files::below(folder, "mlir")? {
            let text = files::read(&path)?;
            let found = directive::parse(&text).with_context(|| files::shown(&path))?;
            trials.extend(run_lines(&path, &found));
            trials.extend(opfile::trials(&path, &text, &found, &runners));
            if folder == "pipelines" {
                let variants = cpu::variants().into_iter().map(|cpu| cpu as &dyn Runner);
                let variants = variants.chain([&EMULATED[1] as &dyn Runner]);
                let variants = variants.collect::<Vec<_>>();
                trials.extend(opfile::trials(&path, &text, &found, &variants));
            }
            if folder == "ops" {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                ops.insert(stem.context("a file has a name")?.to_string(), found);
            }
        }
    }
    for path in files::programs("frontend/err")? {
        let name = format!("golden/{}", files::shown(&path));
        trials.push(trial(name, move || {
            golden::diagnostics(&path, Expected::Refused)
        }));
    }
    for path in files::programs("frontend/built")? {
        let name = format!("golden/{}", files::shown(&path));
        trials.push(trial(name, move || {
            golden::diagnostics(&path, Expected::Built)
        }));
    }
    for path in files::programs("frontend/ok")? {
        let name = format!("golden/{}", files::shown(&path));
        trials.push(trial(name, move || {
            golden::diagnostics(&path, Expected::Accepted)
        }));
    }
    trials.extend(docs::trials()?);
    for &kind in OpKind::ALL {
        let ulp = ops.get(kind.mnemonic()).and_then(|found| found.ulp);
        for &runner in &runners {
            let sweeps = [("sweep", sweep::run as Sweep), ("batch", sweep::batch::run)];
            // The batch of an elementwise op is the op.
            let once = kind.elementwise().is_some() && runner.name() != Reference.name();
            for (what, run) in sweeps.into_iter().take(if once { 1 } else { 2 }) {
                let name = format!("{what}/{}/{}", runner.name(), kind.mnemonic());
                trials.push(match runner.skips(&name) {
                    Some(reason) => skipped(name, reason),
                    None => trial(name, move || run(kind, ulp, runner)),
                });
            }
        }
    }
    for target in ["cpu", "reference", "gpu-emulated"] {
        let name = format!("std/{target}");
        trials.push(trial(name, move || tests_of("std", target)));
        for path in files::below("language", "dl")? {
            let name = format!("test/{}/{target}", files::shown(&path));
            trials.push(trial(name, move || {
                tests_of(&path.display().to_string(), target)
            }));
        }
    }
    for path in files::models()? {
        let text = std::fs::read_to_string(&path)?;
        for target in ["cpu", "reference", "gpu-emulated"] {
            if text.lines().any(|line| line.starts_with("test \"")) {
                let (file, name) = (
                    path.clone(),
                    format!("test/{target}/{}", files::shown(&path)),
                );
                trials.push(trial(name, move || {
                    tests_of(&file.to_string_lossy(), target)
                }));
            }
        }
    }
    trials.push(trial("complete".into(), move || complete(&ops)));
    trials.push(trial("codes".into(), codes));
    for code in Code::ALL.iter().filter(|code| code.name() < "DL1000") {
        trials.extend(golden::built_page(*code));
    }
    Ok(trials)
}

/// Runs the `test` items of a file or of `std` on a target; those for the interpreter on a GPU, too, if it is asked for.
fn tests_of(what: &str, target: &str) -> Result<()> {
    shell::dlc(&["test", what, "--target", target])?;
    match target == EMULATED[0].name && gpu::asked() {
        true => shell::dlc(&["test", what, "--target", "gpu"]),
        false => Ok(()),
    }
}

/// Runs the cases of an op, whose results may be so many units in the last place off.
type Sweep = fn(OpKind, Option<f64>, &dyn Runner) -> Result<()>;

/// The trial of a file's RUN lines.
fn run_lines(path: &Path, found: &Directives) -> Option<Trial> {
    let (path, commands) = (path.to_path_buf(), found.runs.clone());
    let name = format!("run/{}", files::shown(&path));
    (!commands.is_empty()).then(|| trial(name, move || shell::run(&path, &commands)))
}

/// At least so many programs stand in `frontend/err`.
const GOLDENS: usize = 150;

/// The codes without a golden, each with the test that shows it: what the library says when it is called, what a test
/// says when it fails, and a file that is too long to be kept.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("DL0007", "../frontend/src/tests/bad_input.rs"),
    ("DL0311", "../tools/driver/tests/suite/max_memory.rs"),
    ("DL0312", "../tools/driver/tests/suite/max_memory.rs"),
    ("DL0802", "../tools/driver/tests/suite/gpu.rs"),
    ("DL1001", "src/bad_input.rs"),
    ("DL1002", "../tools/driver/tests/suite/abi.rs"),
    ("DL1003", "src/bad_input.rs"),
    ("DL1004", "src/bad_input.rs"),
    ("DL1005", "src/bad_input.rs"),
    ("DL1006", "src/bad_input.rs"),
    ("DL0609", "../tools/dlc/tests/doc.rs"),
    ("DL0906", "../tools/dlc/tests/doc.rs"),
    ("DL1007", "../tools/dlc/tests/bounds.rs"),
    ("DL1008", "../tools/dlc/tests/bounds.rs"),
    ("DL1011", "../tools/driver/tests/suite/abi.rs"),
    ("DL1012", "end_to_end/mlp.c"),
    ("DL1013", "../tools/driver/src/rust_bindings/tests.rs"),
    ("DL1014", "end_to_end/mlp.c"),
    ("DL1015", "end_to_end/gpu.c"),
    ("DL1016", "src/chosen.rs"),
    ("DL1017", "src/chosen.rs"),
    ("DL1018", "src/chosen.rs"),
    ("DL1021", "../tools/dlc/tests/test_command.rs"),
    ("DL1022", "../tools/dlc/tests/bisect.rs"),
    ("DL1101", "../tools/dlc/tests/reports.rs"),
    ("DL1102", "../tools/dlc/tests/reports.rs"),
];

/// Every code stands in a golden, that of an error in one of a program that is refused, or else in the one other test
/// that [`SHOWN_ELSEWHERE`] names.
fn codes() -> Result<()> {
    let mut missing = vec![];
    let printed = |folder: &str| -> Result<String> {
        let goldens = files::below(folder, "stderr")?;
        goldens.iter().map(|path| files::read(path)).collect()
    };
    let refused = printed("frontend/err")?;
    let accepted = printed("frontend/ok")? + &printed("frontend/built")?;
    for code in Code::ALL {
        let error = refused.contains(&format!("error[{code}]"));
        let other = ["warning", "remark"].map(|severity| format!("{severity}[{code}]"));
        let other = other
            .iter()
            .any(|title| accepted.contains(title) || refused.contains(title));
        let golden = error || other;
        let elsewhere = SHOWN_ELSEWHERE
            .iter()
            .find(|(name, _)| *name == code.name());
        match (golden, elsewhere) {
            (false, None) => missing.push(format!("{code} stands in no golden")),
            (true, Some(_)) => missing.push(format!("{code} stands in a golden after all")),
            (false, Some((_, file)))
                if !files::read(&files::root().join(file))?.contains(code.name()) =>
            {
                missing.push(format!("{code} does not stand in {file}"));
            }
            _ => {}
        }
    }
    let programs = files::programs("frontend/err")?.len();
    if programs < GOLDENS {
        missing.push(format!("{programs} wrong programs, {GOLDENS} expected"));
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

/// Every op has a file with verified, evaluated and, where a gradient flows, differentiated functions; and every
/// file is about an op.
fn complete(ops: &BTreeMap<String, Directives>) -> Result<()> {
    let mut missing = vec![];
    for &kind in OpKind::ALL {
        let name = kind.mnemonic();
        let Some(found) = ops.get(name) else {
            missing.push(format!("test/ops/{name}.mlir is missing"));
            continue;
        };
        if found.runs.is_empty() {
            missing.push(format!("test/ops/{name}.mlir has no RUN line"));
        }
        if found.evals.is_empty() {
            missing.push(format!("test/ops/{name}.mlir has no EVAL line"));
        }
        let flows = matches!(rule(kind), Rule::Record(_) | Rule::Hand(..));
        if flows && found.gradchecks.is_empty() {
            missing.push(format!("test/ops/{name}.mlir has no GRADCHECK line"));
        }
    }
    for name in ops.keys() {
        if OpKind::from_mnemonic(name).is_none() {
            missing.push(format!("test/ops/{name}.mlir is about no op"));
        }
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}
