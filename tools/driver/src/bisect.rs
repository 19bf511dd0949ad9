//! Where compiled code begins to differ from what a program means: what `dlc bisect` asks the compiler for.
//!
//! The passes on `dl` are held against the reference evaluator one by one ([`Bisector::on_dl`]); derivatives, which it
//! does not run before they are made, against finite differences. What comes later can only be run: a caller
//! compiles with [`Options::pass_limit`](crate::compile::Options) and compares. For a place in the source, the `dl`
//! function is cut behind an op ([`cuts`]), so that it gives the values that are alive there.

pub mod compare;
pub mod cuts;
mod derivative;

use crate::{
    compile::{Failure, Input, Session, Source},
    pipelines::{CPU, GPU, Runner, Selection, Stage, length, pass_of},
    render, source,
};
use compare::{Difference, Tolerance};
use cuts::Cuts;
use dlc_abi::Entry;
use dlc_dialects::ir::edit;
use dlc_frontend::{
    ast::Span,
    diagnostic::{Code, Diagnostic},
    reported,
    source::SourceMap,
};
use dlc_lowering::entry;
use dlc_reference::{EvalError, evaluate, evaluate_by_differences};
use dlc_runtime::Tensor;
use melior::ir::{Module, operation::OperationLike};
use std::collections::BTreeMap;

/// A call of an export.
#[derive(Debug, Clone, Copy)]
pub struct Called<'x> {
    /// The export.
    pub export: &'x str,
    /// Its dims.
    pub dims: &'x BTreeMap<String, i64>,
    /// The leaves of its parameters, in the manifest's order.
    pub leaves: &'x [Tensor],
}

/// A pass of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Its number, counted from the pipeline's first pass.
    pub number: usize,
    /// Its name, or what LLVM's passes are called.
    pub name: &'static str,
    /// Its stage.
    pub stage: &'static str,
}

/// Which pipeline makes the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// That for CPUs.
    ForCpu,
    /// That for GPUs.
    ForGpu,
}

impl Made {
    fn stages(self) -> &'static [Stage] {
        match self {
            Made::ForCpu => CPU,
            Made::ForGpu => GPU,
        }
    }

    /// How many passes there are, with LLVM's as the last one.
    pub fn passes(self) -> usize {
        length(self.stages()) + 1
    }

    /// The pass of a number.
    pub fn pass(self, number: usize) -> Pass {
        let (stage, name) = pass_of(self.stages(), number).unwrap_or(("llvm-ir", "LLVM"));
        Pass {
            number,
            name,
            stage,
        }
    }

    /// The number of the first pass that the reference evaluator can't follow.
    pub fn first_below_dl(self) -> usize {
        let mut passes = self.stages().iter().flat_map(|stage| stage.passes);
        let first = passes.position(|step| step.name() == "dl-to-linalg");
        first.expect("every pipeline has it")
    }
}

/// What the passes on `dl` make of a call.
pub struct OnDl {
    /// What the call gives, of the reference evaluator.
    pub expected: Vec<Tensor>,
    /// The first pass after which that is no longer so.
    pub wrong: Option<WrongOnDl>,
    /// Why derivatives were not held against finite differences, where there are any and they were not.
    pub unheld: Option<String>,
}

/// A pass on `dl` that is wrong.
pub struct WrongOnDl {
    /// The pass.
    pub pass: Pass,
    /// How the results differ.
    pub difference: Difference,
    /// MLIR's text of the place, where it is known.
    pub location: Option<String>,
}

/// A program whose exports are looked into.
pub struct Bisector<'c> {
    session: &'c Session,
    source: Source<'c>,
    module: Module<'c>,
    /// Its exports.
    pub entries: Vec<Entry>,
    sources: SourceMap,
}

/// The pass that makes derivatives, and the one before which the evaluator runs nothing.
const EXPAND: &str = "expand-derivatives";

impl<'c> Bisector<'c> {
    /// Checks a source.
    pub fn new(session: &'c Session, source: Source<'c>) -> Result<Self, Failure> {
        let unit = source::emit(session, &source)?;
        Ok(Self {
            session,
            source,
            module: unit.module,
            entries: unit.entries,
            sources: unit.sources,
        })
    }

    fn input(&self) -> Input<'_> {
        Input {
            source: &self.source,
            sources: &self.sources,
        }
    }

    /// Runs passes on `dl` on a module; `after` is called after each, with its number.
    fn run<'m>(
        &'m self,
        module: &mut Module<'m>,
        selection: Selection<'m>,
        after: impl FnMut(usize, &Module<'m>),
    ) -> Result<(), Failure>
    where
        'c: 'm,
    {
        let observe = Default::default();
        let mut runner = Runner::new(self.session.context(), &observe, selection);
        let result = runner.run_each(&CPU[0], module, after);
        result.map_err(|failed| self.session.failure(self.input(), failed))
    }

    /// The name of an export's function and its dims, as numbers.
    fn function(&self, called: Called) -> Result<(String, Vec<i64>), Failure> {
        let unknown = || Failure::internal(format!("no export {}", called.export));
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name == called.export);
        let entry = entry.ok_or_else(unknown)?;
        let dims = entry
            .dims
            .iter()
            .map(|dim| called.dims.get(&dim.name).copied());
        let dims = dims.collect::<Option<Vec<_>>>().ok_or_else(unknown)?;
        let entries = entry::entries(self.module.as_operation())
            .map_err(|error| Failure::internal(error.message))?;
        let found = entries.iter().find(|one| one.symbol == entry.symbol);
        let name = found.and_then(|one| entry::string(one.func.attribute("sym_name").ok()));
        Ok((name.ok_or_else(unknown)?, dims))
    }

    /// Runs a call on the reference evaluator after each pass on `dl`, and by finite differences before there are
    /// derivatives.
    pub fn on_dl(&self, called: Called, tolerance: Tolerance) -> Result<OnDl, Failure> {
        let (name, dims) = self.function(called)?;
        let mut module = edit::clone_module(&self.module);
        let mut seen: Vec<(usize, Result<Vec<Tensor>, EvalError>)> = vec![];
        let mut before = None;
        self.run(&mut module, self.session.selection(), |number, module| {
            if Made::ForCpu.pass(number + 1).name == EXPAND {
                before = Some(evaluate_by_differences(module, &name, &dims, called.leaves));
            } else if before.is_some() {
                seen.push((number, evaluate(module, &name, &dims, called.leaves)));
            }
        })?;
        let (mut results, mut wrong, mut unheld) = (None, None, None);
        let mut asked = vec![];
        match before {
            Some(Ok((values, derivatives))) => {
                results = Some(values);
                asked = derivatives;
            }
            Some(Err(EvalError::Unsupported { op, location })) => {
                unheld = Some(self.unheld(&op, &location));
            }
            Some(Err(error)) => return Err(refused(called, &error)),
            None => {}
        }
        for (number, found) in seen {
            let found = found.map_err(|error| refused(called, &error))?;
            let Some(expected) = &results else {
                results = Some(found);
                continue;
            };
            // A difference by steps is near, not exact.
            let tolerance = match Made::ForCpu.pass(number).name == EXPAND && !asked.is_empty() {
                true => tolerance.at_least(derivative::NEAR),
                false => tolerance,
            };
            let difference = compare::all(expected, &found, tolerance);
            if let (Some(difference), None) = (difference, &wrong) {
                let pass = Made::ForCpu.pass(number);
                let location = match pass.name == EXPAND {
                    // The pass is known; a place would only help.
                    true => self.wrong_derivative(&asked, tolerance).ok().flatten(),
                    false => None,
                };
                wrong = Some(WrongOnDl {
                    pass,
                    difference,
                    location,
                });
            }
            if !asked.is_empty() && wrong.is_none() {
                // From here on values are the evaluator's own.
                asked.clear();
                results = Some(found);
            }
        }
        Ok(OnDl {
            expected: results.unwrap_or_default(),
            wrong,
            unheld,
        })
    }

    /// Why a derivative is not had by differences.
    fn unheld(&self, op: &str, location: &str) -> String {
        let place = self.place(location).unwrap_or_else(|| location.to_string());
        match op {
            "dl.vmap" => format!("{place}: a function is of each element of a batch"),
            _ => format!(
                "{place}: it is by more than {} elements, or through a rule of its own or the bits of floats",
                dlc_reference::MOST_STEPS
            ),
        }
    }

    /// The function of a call on `dl`, ready to be cut.
    pub fn cuts<'m>(&'m self, called: Called) -> Result<Cuts<'m>, Failure>
    where
        'c: 'm,
    {
        let (name, dims) = self.function(called)?;
        let mut module: Module<'m> = edit::clone_module(&self.module);
        let plainly = Selection {
            optimise: false,
            skipped: &[],
            limit: None,
            fault: None,
        };
        self.run(&mut module, plainly, |_, _| {})?;
        Cuts::new(
            self.session.context(),
            module,
            name,
            dims,
            called.leaves.to_vec(),
        )
    }

    /// The place in the source of an op's location in MLIR's text, as `FILE:LINE:COLUMN`.
    pub fn place(&self, location: &str) -> Option<String> {
        let span = reported::span(&self.sources, location)?;
        let source = self.sources.get(span.file);
        let place = source.line_col(span.start);
        Some(format!("{}:{}:{}", source.name, place.line, place.col))
    }

    /// The error of a wrong value, ready to be shown.
    pub fn shown(&self, found: &Found) -> String {
        let at = found.location.as_deref();
        let span = at.and_then(|at| reported::span(&self.sources, at));
        if source::is_module(&self.source) {
            let location = at.unwrap_or_default();
            let line = render::line(&self.source, location, "error", &found.message);
            let notes = found.notes.iter().map(|note| format!("note: {note}\n"));
            return format!("{line}{}{}\n", notes.collect::<String>(), found.label);
        }
        let span = span.unwrap_or_else(|| Span::in_file(0, 0, 0));
        let mut diagnostic =
            Diagnostic::error(Code::DL1022, &found.message, span).label(&found.label);
        for note in &found.notes {
            diagnostic = diagnostic.note(note);
        }
        diagnostic = diagnostic.help(&found.help);
        source::rendered(self.session, &self.sources, &[diagnostic])
    }
}

/// What is to be told of a wrong value.
#[derive(Debug, Default)]
pub struct Found {
    /// MLIR's text of the place, where it is known.
    pub location: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What is said at the place.
    pub label: String,
    /// Further facts.
    pub notes: Vec<String>,
    /// What to do.
    pub help: String,
}

/// A call that the reference evaluator refuses: it says nothing about the compiler.
fn refused(called: Called, error: &EvalError) -> Failure {
    Failure::User {
        rendered: format!(
            "error: the reference evaluator refuses this call of {}: {error}\nhelp: give inputs on which it is defined\n",
            called.export
        ),
        errors: 1,
    }
}
