//! From a text to a module of plain `dl`.

use std::sync::Once;

use dlc_abi::Entry;
use dlc_autodiff::stage::DL;
use dlc_dialects::ir::context::{Record, register_upstream_passes, with_diagnostics};
use dlc_dialects::pass::{parse_pipeline, register};
use dlc_frontend::core::Options;
use dlc_frontend::diagnostic::Diagnostic;
use dlc_frontend::modules::NoFiles;
use dlc_frontend::render::{Format, render};
use dlc_frontend::reported;
use dlc_frontend::source::{Source, SourceMap};
use melior::Context;
use melior::ir::Module;
use melior::ir::operation::OperationLike;
use melior::pass::PassManager;

use crate::{NAME, Refused};

/// A program after the first stage of a pipeline.
pub struct Program<'c> {
    /// Plain `dl`.
    pub module: Module<'c>,
    /// The exports.
    pub entries: Vec<Entry>,
    /// The prefix of their symbols.
    pub stem: String,
    /// The files.
    pub sources: SourceMap,
}

/// Checks a text and runs the first stage on it.
pub fn program<'c>(
    context: &'c Context,
    text: &str,
    options: Options,
) -> Result<Program<'c>, Refused> {
    let checked = dlc_frontend::check_for(Source::new(NAME, text), &NoFiles, options);
    let sources = checked.sources;
    let Some(program) = checked.program else {
        return Err(errors(&sources, &checked.diagnostics));
    };
    let (module, records) = with_diagnostics(context, || {
        let module = dlc_frontend::emit::emit(context, &program, &sources);
        module.as_operation().verify().then_some(module)
    });
    let mut module = module.ok_or_else(|| bug(&records))?;
    run(context, &mut module).map_err(|records| refused(&sources, &records))?;
    Ok(Program {
        module,
        entries: program.entries,
        stem: program.stem,
        sources,
    })
}

fn run<'c>(context: &'c Context, module: &mut Module<'c>) -> Result<(), Vec<Record>> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_upstream_passes();
        register(dlc_autodiff::passes::PASSES);
    });
    let passes: Vec<_> = DL.passes.iter().map(|step| step.text()).collect();
    let manager = PassManager::new(context);
    let pipeline = format!("builtin.module({})", passes.join(","));
    let (result, records) = with_diagnostics(context, || {
        parse_pipeline(&manager, &pipeline)?;
        manager.run(module).map_err(|error| error.to_string())
    });
    result.map_err(|message| match records.is_empty() {
        false => records,
        true => vec![Record {
            error: true,
            location: "loc(unknown)".into(),
            message,
            notes: vec![],
        }],
    })
}

/// What a failed pass reported: the program's errors, or a bug of the compiler.
fn refused(sources: &SourceMap, records: &[Record]) -> Refused {
    let failed = records.iter().filter(|record| record.error);
    let found: Option<Vec<Diagnostic>> = failed
        .map(|record| {
            let message = reported::users(&record.message)?;
            reported::diagnostic(sources, record, message)
        })
        .collect();
    match found {
        Some(found) if !found.is_empty() => errors(sources, &found),
        _ => bug(records),
    }
}

fn errors(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Refused {
    Refused::Program(render(sources, diagnostics, Format::Colour))
}

fn bug(records: &[Record]) -> Refused {
    let messages = records.iter().map(|record| record.message.as_str());
    let messages = messages.collect::<Vec<_>>().join("; ");
    Refused::Message(format!("a bug of the compiler: {messages}"))
}
