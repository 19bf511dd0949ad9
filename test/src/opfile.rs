//! The `EVAL` and `GRADCHECK` lines of a test file, on every runner.

use crate::{
    compare::{self, Bound},
    directive::{Directives, Eval, Expected},
    files, gradcheck, module,
    runner::Runner,
    skipped, trial,
};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use std::{path::Path, sync::Arc};

/// The module that evaluations are about: what stands before the first `// -----`.
pub fn module_text(text: &str) -> &str {
    text.split_once("\n// -----")
        .map_or(text, |(first, _)| first)
}

/// The trials of a file's lines.
pub fn trials(
    path: &Path,
    text: &str,
    found: &Directives,
    runners: &[&'static dyn Runner],
) -> Vec<Trial> {
    let shown = files::shown(path);
    let text: Arc<str> = module_text(text).into();
    let mut trials = vec![];
    for &runner in runners {
        let on = runner.name();
        let mut add = |name: String, run: Box<dyn FnOnce() -> Result<()> + Send>| {
            trials.push(match runner.skips(&name) {
                Some(reason) => skipped(name, reason),
                None => trial(name, run),
            });
        };
        let evals = found
            .evals
            .iter()
            .filter(|eval| on == "reference" || !matches!(eval.expected, Expected::Error(_)))
            .cloned()
            .collect::<Vec<_>>();
        if !evals.is_empty() {
            let text = text.clone();
            let run = move || run_evals(&evals, &text, runner);
            add(format!("eval/{on}/{shown}"), Box::new(run));
        }
        for check in &found.gradchecks {
            let (check, text) = (check.clone(), text.clone());
            let name = format!("gradcheck/{on}/{shown}:{}", check.line);
            add(
                name,
                Box::new(move || gradcheck::run(&check, &text, runner)),
            );
        }
    }
    trials
}

/// Runs all evaluations of a file, which a runner loads once.
fn run_evals(evals: &[Eval], text: &str, runner: &dyn Runner) -> Result<()> {
    let program = runner.load(text)?;
    let module = module::parse(text)?;
    let mut failures = vec![];
    for eval in evals {
        let run = || -> Result<()> {
            let signature = module::signature_of(&module, &eval.function)?;
            let (dims, args) = eval.args.split_at(signature.dims.min(eval.args.len()));
            let dims = dims
                .iter()
                .map(|dim| dim.integer())
                .collect::<Result<Vec<_>>>()?;
            let (params, result_types) = signature.at(&dims)?;
            ensure!(
                args.len() == signature.params.len(),
                "{} tensors wanted",
                signature.params.len()
            );
            let args = args
                .iter()
                .zip(&params)
                .map(|(arg, ty)| arg.tensor(ty))
                .collect::<Result<Vec<_>>>()?;
            let results = program.call(&eval.function, &dims, &args);
            let (values, tolerance) = match &eval.expected {
                Expected::Error(text) | Expected::Fails(text) => match results {
                    Ok(_) => bail!("an error is expected"),
                    Err(error) if format!("{error:#}").contains(text) => return Ok(()),
                    Err(error) => return Err(error).context(format!("`{text}` is expected")),
                },
                Expected::Equal(values) => (values, None),
                Expected::Near(values, tolerance) => (values, Some(*tolerance)),
            };
            let results = results?;
            ensure!(results.len() == values.len(), "{} results", results.len());
            for ((value, ty), actual) in values.iter().zip(&result_types).zip(&results) {
                let expected = value.tensor(ty)?;
                let bound = match tolerance {
                    None => Bound::Exact,
                    Some(given) => Bound::Near(given.unwrap_or(compare::tolerance(ty.dtype))),
                };
                compare::check(&expected, actual, bound)?;
            }
            Ok(())
        };
        if let Err(error) = run() {
            failures.push(format!("line {}: @{}: {error:#}", eval.line, eval.function));
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
