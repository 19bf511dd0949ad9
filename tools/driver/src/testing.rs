//! The tests of a source: which there are, and running one.
//!
//! A test is compiled to an entry without parameters whose results are what its assertions compare; `judge` compares
//! them here.

mod judge;

use std::collections::BTreeMap;

use dlc_abi::status;
use dlc_frontend::core::{Assertion, AssertionKind, Func, Node, Prim, Program, TEST_ENTRY};
use dlc_frontend::diagnostic::{Code, Diagnostic};
use dlc_frontend::modules;
use dlc_frontend::source::SourceMap;
use dlc_gpu::Gpu;
use dlc_reference::EvalError;
use dlc_runtime::{Library, LibraryError, Tensor, bind};
use serde_json::json;

use crate::compile::{Failure, Session, Source, temporary_library};
use crate::source;

pub use judge::Difference;

/// The modules of the standard library, by name.
pub fn std_modules() -> impl Iterator<Item = &'static str> {
    modules::STD.iter().map(|(name, _)| *name)
}

/// The name and the text of a module of the standard library.
pub fn std_module(name: &str) -> Option<(String, String)> {
    modules::std_source(name).map(|source| (source.name, source.text))
}

/// A test of a source.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// The line of its name.
    pub line: usize,
}

/// The tests of a source without errors, and the warnings.
pub fn tests(session: &Session, source: &Source) -> Result<(Vec<Test>, String), Failure> {
    if source::is_module(source) {
        return Err(Failure::Usage(format!(
            "{}: a module has no tests\nhelp: `dlc test` is for DL sources",
            source.name
        )));
    }
    let checked = source::checked(session, source, session.options().frontend())?;
    let test = |test: &dlc_frontend::core::Test| Test {
        name: test.name.clone(),
        line: checked.sources.line_col(test.span).line,
    };
    let tests = checked.program.tests.iter().map(test).collect();
    Ok((tests, checked.warnings))
}

/// What runs a test.
#[derive(Debug, Clone, Copy)]
pub enum Runner<'a> {
    /// Compiled code.
    Cpu,
    /// Compiled code on a device; the session is for its architecture.
    Gpu(&'a Gpu),
    /// The reference evaluator.
    Reference,
}

/// What became of a test.
#[derive(Debug)]
pub struct Outcome {
    /// How many assertions there are.
    pub assertions: usize,
    /// The assertions that do not hold, as JSON objects.
    pub failures: Vec<serde_json::Value>,
    /// The same, ready to be shown.
    pub rendered: String,
}

/// How far a gradient that a test checks is from finite differences, for each part of it.
pub fn differences(
    session: &Session,
    source: &Source,
    runner: Runner,
) -> Result<Vec<judge::Difference>, Failure> {
    let (_, test, results) = given(session, source, runner)?;
    let results = results.map_err(Failure::internal)?;
    let mut results = results.into_iter();
    let parts = test.assertions.iter();
    Ok(parts
        .flat_map(|assertion| judge::differences(assertion, &mut results).unwrap_or_default())
        .collect())
}

/// Runs the test that the session's goal names.
pub fn run(session: &Session, source: &Source, runner: Runner) -> Result<Outcome, Failure> {
    let (checked, test, results) = given(session, source, runner)?;
    let mut diagnostics = Vec::new();
    match results {
        Ok(results) => {
            let mut results = results.into_iter();
            for assertion in &test.assertions {
                let found = judge::judge(assertion, &mut results);
                diagnostics.extend(found.map(|one| with_rules(one, assertion, &checked.program)));
            }
        }
        Err(message) => {
            let failed = failed_check(&checked.program, &message);
            diagnostics.push(failed.ok_or_else(|| Failure::internal(message))?);
        }
    }
    let failures = diagnostics.iter().map(|one| failure(&checked.sources, one));
    Ok(Outcome {
        assertions: test.assertions.len(),
        failures: failures.collect(),
        rendered: source::rendered(session, &checked.sources, &diagnostics),
    })
}

/// A gradient that is wrong, with the functions whose rules may be the reason.
fn with_rules(diagnostic: Diagnostic, assertion: &Assertion, program: &Program) -> Diagnostic {
    let AssertionKind::Gradient { .. } = assertion.kind else {
        return diagnostic;
    };
    let own = |func: &&Func| func.rules.vjp.is_some() || func.rules.jvp.is_some();
    let names = program.funcs.iter().filter(own);
    let names: Vec<String> = names.map(|func| format!("`{}`", func.name)).collect();
    match names.is_empty() {
        true => diagnostic,
        false => diagnostic.note(format!(
            "differentiated by a rule of their own, not by their bodies: {}",
            names.join(", ")
        )),
    }
}

/// The test that the session's goal names, and what it gives.
fn given(
    session: &Session,
    source: &Source,
    runner: Runner,
) -> Result<(source::Checked, dlc_frontend::core::Test, Given), Failure> {
    let options = match runner {
        Runner::Cpu | Runner::Gpu(_) => session.options().frontend(),
        Runner::Reference => session.options().reference(),
    };
    let checked = source::checked(session, source, options)?;
    let dlc_frontend::core::Goal::Test(index) = session.options().goal else {
        return Err(Failure::internal("the session is for no test"));
    };
    let test =
        checked.program.tests.get(index).ok_or_else(|| {
            Failure::Usage(format!("{} has no test of number {index}", source.name))
        })?;
    let test = test.clone();
    let results = match runner {
        Runner::Cpu => compiled(session, source, None)?,
        Runner::Gpu(gpu) => compiled(session, source, Some(gpu))?,
        Runner::Reference => evaluated(session, source)?,
    };
    Ok((checked, test, results))
}

/// What a test gives, or the message of the check in it that fails.
type Given = Result<Vec<Tensor>, String>;

/// What the reference evaluator gives.
fn evaluated(session: &Session, source: &Source) -> Result<Given, Failure> {
    match source::evaluated(session, source, TEST_ENTRY, &BTreeMap::new(), Vec::new())? {
        Ok(results) => Ok(Ok(results)),
        Err(EvalError::Check { code, text }) => {
            Ok(Err(status::failure_message(TEST_ENTRY, &code, &text)))
        }
        Err(error) => Err(Failure::User {
            rendered: format!("error: {error}\n"),
            errors: 1,
        }),
    }
}

/// The check of a program that has this message, at its place.
fn failed_check(program: &Program, message: &str) -> Option<Diagnostic> {
    let nodes = program.funcs.iter().flat_map(|func| &func.nodes);
    let mut nodes: Vec<&Node> = nodes.collect();
    while let Some(node) = nodes.pop() {
        if let Prim::Check { code, text } = &node.op
            && status::failure_message(TEST_ENTRY, code.name(), text) == message
        {
            // The text ends with the place in brackets, which the diagnostic shows.
            let text = text
                .rsplit_once(" (")
                .map_or(text.as_str(), |(text, _)| text);
            return Some(Diagnostic::error(*code, text.to_owned(), node.span));
        }
        nodes.extend(
            node.op
                .regions()
                .into_iter()
                .flat_map(|region| &region.nodes),
        );
    }
    None
}

/// What the compiled test gives, on a device or else on the CPU.
fn compiled(session: &Session, source: &Source, gpu: Option<&Gpu>) -> Result<Given, Failure> {
    let built = temporary_library(session, source)?;
    let internal = |error: &dyn std::fmt::Display| Failure::internal(error.to_string());
    let library = Library::with_manifest(&built.path, built.manifest.clone());
    let library = library.map_err(|error| internal(&error))?;
    let entry = library.entry(TEST_ENTRY);
    let entry = entry.map_err(|error| internal(&error))?;
    let mut bound = bind(entry, &[], &[], 0).map_err(|error| internal(&error))?;
    let called = match gpu {
        Some(gpu) => (library.prepare_on(gpu, &bound)).and_then(|call| call.run(&mut bound)),
        None => (library.prepare(&bound)).and_then(|mut call| call.run(&mut bound)),
    };
    match called {
        Ok(()) => Ok(Ok(bound.results().to_vec())),
        Err(LibraryError::Status { code, message, .. }) if code >= status::CHECK => {
            Ok(Err(message))
        }
        Err(error) => Err(match &error {
            LibraryError::Gpu(_) => Failure::Io(error.to_string()),
            LibraryError::Status { code, .. } if *code == status::DEVICE => {
                Failure::Io(error.to_string())
            }
            _ => internal(&error),
        }),
    }
}

fn failure(sources: &SourceMap, diagnostic: &Diagnostic) -> serde_json::Value {
    let span = diagnostic.primary.span;
    let place = sources.line_col(span);
    json!({
        "file": sources.get(span.file).name,
        "line": place.line,
        "col": place.col,
        "code": diagnostic.code.name(),
        "message": diagnostic.message,
        "notes": diagnostic.notes,
    })
}

/// An assertion that does not hold.
fn fails(message: String, span: dlc_frontend::ast::Span) -> Diagnostic {
    Diagnostic::error(Code::DL1021, message, span)
}
