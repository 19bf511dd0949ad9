//! Sources: DL text through the frontend, or textual `dl` modules.

use crate::{
    compile::{ErrorFormat, Failure, Input, Ran, Session, Source},
    files::Disk,
    pipelines::CPU,
    render,
};
use dlc_abi::{Entry, status};
use dlc_dialects::ir::{context::with_diagnostics, edit};
use dlc_frontend::{
    core::{Options, Program},
    diagnostic::Diagnostic,
    modules::{self, LoadError, Loader},
    render::{Format, render as rendered_text},
    source::SourceMap,
};
use dlc_lowering::{entry, walk};
use dlc_reference::EvalError;
use dlc_runtime::Tensor;
use melior::ir::{
    Module, OperationRef,
    attribute::{ArrayAttribute, StringAttribute},
    operation::OperationLike,
};
use std::collections::BTreeMap;

/// A source as a `dl` module.
pub struct Unit<'c> {
    /// The module.
    pub module: Module<'c>,
    /// Its entries, as the manifest has them.
    pub entries: Vec<Entry>,
    /// The warnings, ready to be shown.
    pub diagnostics: String,
    /// The files it was made of; none for a textual module.
    pub sources: SourceMap,
}

/// Whether a source is a textual `dl` module.
pub fn is_module(source: &Source) -> bool {
    source.name.ends_with(".mlir")
}

/// The source as the frontend has it.
pub fn text(source: &Source) -> dlc_frontend::source::Source {
    dlc_frontend::source::Source::new(source.name, source.text)
}

/// Diagnostics in the form that the session's options ask for.
pub fn rendered(session: &Session, sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let format = format_of(session.options().error_format, session.options().color);
    rendered_text(sources, diagnostics, format)
}

/// The frontend's name of a format.
pub fn format_of(format: ErrorFormat, color: bool) -> Format {
    match (format, color) {
        (ErrorFormat::Human, true) => Format::Colour,
        (ErrorFormat::Human, false) => Format::Plain,
        (ErrorFormat::Short, _) => Format::Short,
        (ErrorFormat::Json, _) => Format::Json,
        (ErrorFormat::Sarif, _) => Format::Sarif,
    }
}

/// Diagnostics in the form that the session's options ask for; a failure if any is an error.
pub fn report(
    session: &Session,
    sources: &SourceMap,
    diagnostics: &[Diagnostic],
) -> Result<String, Failure> {
    let rendered = rendered(session, sources, diagnostics);
    match diagnostics.iter().filter(|d| d.is_error()).count() {
        0 => Ok(rendered),
        errors => Err(Failure::User { rendered, errors }),
    }
}

/// A DL program without errors.
pub struct Checked {
    /// The program.
    pub program: Program,
    /// The warnings, ready to be shown.
    pub warnings: String,
    /// The files that it is made of.
    pub sources: SourceMap,
}

/// The program of a DL source.
pub fn checked(session: &Session, source: &Source, options: Options) -> Result<Checked, Failure> {
    let mut checked = dlc_frontend::check_for(text(source), &Disk, options);
    session.options().lints.apply(&mut checked.diagnostics);
    let warnings = report(session, &checked.sources, &checked.diagnostics)?;
    let program = checked
        .program
        .ok_or_else(|| Failure::internal("the checker gave neither a program nor an error"))?;
    Ok(Checked {
        program,
        warnings,
        sources: checked.sources,
    })
}

/// Checks a source; gives the warnings.
pub fn check(session: &Session, source: &Source) -> Result<String, Failure> {
    match is_module(source) {
        true => Ok(parse(session, source)?.diagnostics),
        false => Ok(checked(session, source, session.options().frontend())?.warnings),
    }
}

/// The files that a source is made of, as named in messages, without those that are part of the compiler.
pub fn files(source: &Source, sources: &SourceMap) -> Vec<String> {
    if is_module(source) {
        return vec![source.name.to_owned()];
    }
    let files = sources.files().iter();
    let own = files.filter(|file| !modules::is_std(file));
    own.map(|file| file.name.clone()).collect()
}

/// Calls `found` with the name of each file that a source imports, as soon as it is read.
pub fn find_imports(source: &Source, found: &dyn Fn(&str)) {
    if !is_module(source) {
        modules::read_all(text(source), &Noting { found });
    }
}

/// Files on disk, each of which is told of when it is read.
struct Noting<'f> {
    found: &'f dyn Fn(&str),
}

impl Loader for Noting<'_> {
    fn identity(&self, name: &str) -> String {
        Disk.identity(name)
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        let text = Disk.read(name)?;
        (self.found)(name);
        Ok(text)
    }
}

/// The syntax tree as text, and the warnings.
pub fn ast(session: &Session, source: &Source) -> Result<(String, String), Failure> {
    if is_module(source) {
        return Err(Failure::Usage(format!(
            "{}: a module has no syntax tree\nhelp: `--emit=ast` is for DL sources",
            source.name
        )));
    }
    let text = text(source);
    let (file, mut diagnostics) = dlc_frontend::parser::parse(&text);
    session.options().lints.apply(&mut diagnostics);
    let warnings = report(session, &text.into(), &diagnostics)?;
    Ok((dlc_frontend::ast_print::print(&file), warnings))
}

/// The `dl` module of a source, for compiled code.
pub fn emit<'c>(session: &'c Session, source: &Source) -> Result<Unit<'c>, Failure> {
    emit_for(session, source, session.options().frontend())
}

fn emit_for<'c>(
    session: &'c Session,
    source: &Source,
    options: Options,
) -> Result<Unit<'c>, Failure> {
    if is_module(source) {
        return parse(session, source);
    }
    let Checked {
        program,
        warnings,
        sources,
    } = checked(session, source, options)?;
    let context = session.context();
    let (module, records) = with_diagnostics(context, || {
        let module = dlc_frontend::emit::emit(context, &program, &sources);
        module.as_operation().verify().then_some(module)
    });
    let Some(module) = module else {
        let messages = records.iter().map(|record| record.message.as_str());
        return Err(Failure::internal(format!(
            "the emitted module does not verify: {}",
            messages.collect::<Vec<_>>().join("; ")
        )));
    };
    Ok(Unit {
        module,
        entries: program.entries,
        diagnostics: warnings,
        sources,
    })
}

/// An error where a textual module has a function of tensors that is neither exported nor private: it would be part of the
/// library, and no caller could give it the memory that it needs.
pub fn exported_or_private(source: &Source, module: &Module) -> Result<(), Failure> {
    if !is_module(source) {
        return Ok(());
    }
    let text = |op: OperationRef, name| entry::string(op.attribute(name).ok());
    let is_loose = |op: &OperationRef| {
        let takes = op.attribute("function_type").map(|ty| ty.to_string());
        walk::is(*op, "func.func")
            && takes.is_ok_and(|ty| ty.contains("tensor<"))
            && text(*op, "dl.entry").is_none()
            && text(*op, "sym_visibility").is_none()
    };
    let loose: Vec<_> = walk::inside(module.as_operation())
        .into_iter()
        .filter(is_loose)
        .collect();
    let lines = loose.iter().map(|op| {
        let name = text(*op, "sym_name").unwrap_or_default();
        let message = format!(
            "`@{name}` is neither exported nor private\nhelp: give it `dl.entry`, `dl.dims` and the paths of its arguments, as \
             `dlc build --emit=dl` writes them, or make it `private`"
        );
        render::line(source, &op.location().to_string(), "error", &message)
    });
    match loose.len() {
        0 => Ok(()),
        errors => Err(Failure::User {
            rendered: lines.collect(),
            errors,
        }),
    }
}

fn parse<'c>(session: &'c Session, source: &Source) -> Result<Unit<'c>, Failure> {
    let context = session.context();
    let (module, records) = with_diagnostics(context, || Module::parse(context, source.text));
    let errors: Vec<_> = records.iter().filter(|record| record.error).collect();
    let Some(module) = module else {
        let lines = errors
            .iter()
            .map(|record| render::line(source, &record.location, "error", &record.message));
        return Err(Failure::User {
            rendered: lines.collect(),
            errors: errors.len().max(1),
        });
    };
    let entries = entry::entries(module.as_operation()).map_err(|error| Failure::User {
        rendered: format!("{}: error: {}\n", source.name, error.message),
        errors: 1,
    })?;
    for entry in entries.iter().filter(|entry| !entry.failures.is_empty()) {
        // No pass may change the statuses by what it removes.
        let texts = entry.failures.iter();
        let texts = texts.map(|text| StringAttribute::new(context, text).into());
        let texts = ArrayAttribute::new(context, &texts.collect::<Vec<_>>());
        edit::set_attribute(entry.func, entry::FAILURES, texts.into());
    }
    let entries = entries.iter().map(|entry| entry.manifest()).collect();
    Ok(Unit {
        module,
        entries,
        diagnostics: String::new(),
        sources: SourceMap::new(),
    })
}

/// Runs an export on the reference evaluator.
pub fn evaluate(
    session: &Session,
    source: &Source,
    export: &str,
    dims: &BTreeMap<String, i64>,
    leaves: Vec<Tensor>,
) -> Result<Vec<Tensor>, Failure> {
    evaluated(session, source, export, dims, leaves)?.map_err(|error| {
        let error = match error {
            EvalError::Check { code, text } => {
                let values = dims.iter().map(|(name, value)| format!("{name} = {value}"));
                let values = values.collect::<Vec<_>>().join(", ");
                let message = status::failure_message(export, &code, &text);
                match values.is_empty() {
                    true => message,
                    false => format!("{message}; {values}"),
                }
            }
            error => error.to_string(),
        };
        Failure::User {
            rendered: format!("error: {error}\n"),
            errors: 1,
        }
    })
}

/// Runs an export on the reference evaluator; tells apart that it fails and that it cannot be run.
pub fn evaluated(
    session: &Session,
    source: &Source,
    export: &str,
    dims: &BTreeMap<String, i64>,
    leaves: Vec<Tensor>,
) -> Result<Result<Vec<Tensor>, EvalError>, Failure> {
    Evaluator::new(session, source)?.call(export, dims, &leaves)
}

/// The exports of a source, ready to be run on the reference evaluator.
pub struct Evaluator<'c> {
    module: Module<'c>,
    entries: Vec<Entry>,
}

impl<'c> Evaluator<'c> {
    /// Checks a source and makes its derivatives: the evaluator runs nothing but `dl` ops.
    pub fn new(session: &'c Session, source: &Source) -> Result<Self, Failure> {
        let mut unit = emit_for(session, source, session.options().reference())?;
        let input = Input {
            source,
            sources: &unit.sources,
        };
        session.run_stages(
            input,
            &mut unit.module,
            &CPU[..1],
            &mut Ran::default(),
            |_, _| {},
        )?;
        Ok(Self {
            module: unit.module,
            entries: unit.entries,
        })
    }

    /// Runs an export; tells apart that it fails and that it cannot be run.
    pub fn call(
        &self,
        export: &str,
        dims: &BTreeMap<String, i64>,
        leaves: &[Tensor],
    ) -> Result<Result<Vec<Tensor>, EvalError>, Failure> {
        let unknown = || {
            Failure::Usage(format!(
                "there is no export {export}\nhelp: mark it with `export fn`"
            ))
        };
        let found = self.entries.iter().find(|entry| entry.name == export);
        let entry = found.ok_or_else(unknown)?;
        let mut values = vec![];
        for dim in &entry.dims {
            let value = dims.get(&dim.name).ok_or_else(|| {
                Failure::Usage(format!(
                    "dim {0} has no value\nhelp: give it as `--dim {0}=8`",
                    dim.name
                ))
            })?;
            values.push(*value);
        }
        let function = entry::entries(self.module.as_operation())
            .map_err(|error| Failure::internal(error.message))?
            .into_iter()
            .find(|found| found.symbol == entry.symbol)
            .and_then(|found| entry::string(found.func.attribute("sym_name").ok()))
            .ok_or_else(unknown)?;
        Ok(dlc_reference::evaluate(
            &self.module,
            &function,
            &values,
            leaves,
        ))
    }
}
