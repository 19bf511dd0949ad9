//! `dlc inspect`: graphs of what the compiler made of a program.

use dlc_driver::compile::Emit;
use dlc_report::Report;
use dlc_runtime::input::parse_dim;

use crate::cli::{Common, GraphFormat, Inspect};
use crate::report::{Error, to_stderr};
use crate::source::{SourceFile, split_target};
use crate::supervise;

/// Runs the command.
pub fn run(inspect: &Inspect, common: &Common) -> Result<(), Error> {
    let (path, export) = split_target(&inspect.callee);
    let sizes = inspect.dims.iter().map(|text| parse_dim(text));
    let sizes = sizes.collect::<Result<_, _>>()?;
    let session = super::session(&inspect.compile, 1, sizes, common)?;
    let file = SourceFile::read(path)?;
    // All that graphs need is known once loops are made.
    let compiled = session
        .compile(&file.source(), &[Emit::Remarks])
        .map_err(|failure| Error::of_compilation(failure, &file.name))?;
    to_stderr(&compiled.diagnostics);
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let report = compiled
        .report
        .ok_or_else(|| Error::Internal("there is no report".to_string()))?;
    if let Some(export) = export {
        known(&report, export)?;
    }
    let graph = match inspect.graph {
        GraphFormat::Svg => dlc_report::svg(&report, export),
        GraphFormat::Dot => dlc_report::dot(&report, export),
    };
    super::write(&inspect.to.output, graph.as_bytes())
}

/// An error where a program has no such export.
fn known(report: &Report, export: &str) -> Result<(), Error> {
    let names: Vec<_> = report.entries.iter().map(|one| one.name.as_str()).collect();
    match names.contains(&export) {
        true => Ok(()),
        false => Err(
            Error::input(format!("{} has no export `{export}`", report.program))
                .help(Some(format!("its exports are {}", names.join(", ")))),
        ),
    }
}
