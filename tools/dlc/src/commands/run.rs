//! `dlc run`: one call of an export.

use dlc_abi::{Entry, Mode};
use dlc_driver::artefact::{self, Artefact};
use dlc_driver::compile::Emit;
use dlc_gpu::Gpu;
use dlc_runtime::output::{Output as CallOutput, outputs_of};

use super::call::{Request, output_files};
use super::device;
use crate::cli::{Common, Run, RunTarget};
use crate::report::{Error, to_stderr, to_stdout};
use crate::supervise;

/// Runs the command.
pub fn run(run: &Run, common: &Common) -> Result<(), Error> {
    let files = output_files(&run.outputs)?;
    let (gpu, traced) = match &run.trace {
        Some(path) => {
            let (gpu, traced) = device::open_traced(run.target)?;
            (Some(gpu), Some((path, traced)))
        }
        None => (device::open(run.target)?, None),
    };
    let call = device::call_for(gpu.as_ref(), &run.call)?;
    let request = Request::new(&call, common)?;
    let outputs = match &gpu {
        Some(gpu) => on_gpu(&request, &files, gpu)?,
        None if run.target == RunTarget::Reference => on_reference(&request, &files)?,
        None => call_on_cpu(&request, &files)?,
    };
    let Some(outputs) = outputs else {
        return Ok(());
    };
    if let Some((path, traced)) = traced {
        artefact::write(path, traced.json()?.as_bytes())?;
    }
    if files.is_empty() {
        let text: String = outputs.iter().map(CallOutput::summary).collect();
        return to_stdout(text.as_bytes());
    }
    let mut artefacts = Vec::new();
    for (name, path) in files {
        let output = outputs.iter().find(|output| output.name == name);
        let output = output.expect("the names were checked before the call");
        artefacts.push(Artefact {
            bytes: output.encode(&path)?,
            path,
        });
    }
    artefact::write_all(&artefacts)?;
    Ok(())
}

type Files = [(String, std::path::PathBuf)];

/// Nothing when only the compilation was wanted.
fn call_on_cpu(request: &Request, files: &Files) -> Result<Option<Vec<CallOutput>>, Error> {
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(None);
    }
    let entry = request.entry(library.manifest())?;
    check_output_names(entry, files)?;
    let mut bound = request.bind(entry)?;
    library.prepare(&bound)?.on(&request.pool).run(&mut bound)?;
    Ok(Some(bound.into_outputs(entry)))
}

fn on_gpu(request: &Request, files: &Files, gpu: &Gpu) -> Result<Option<Vec<CallOutput>>, Error> {
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(None);
    }
    let entry = request.entry(library.manifest())?;
    check_output_names(entry, files)?;
    let mut bound = request.bind(entry)?;
    library.prepare_on(gpu, &bound)?.run(&mut bound)?;
    Ok(Some(bound.into_outputs(entry)))
}

fn on_reference(request: &Request, files: &Files) -> Result<Option<Vec<CallOutput>>, Error> {
    let failed = |failure| Error::of_compilation(failure, &request.file.name);
    let source = request.file.source();
    let compiled = request
        .session
        .compile(&source, &[Emit::Manifest])
        .map_err(failed)?;
    to_stderr(&compiled.diagnostics);
    if supervise::keep_ir().is_some() {
        return Ok(None);
    }
    let entry = request.entry(&compiled.manifest)?;
    check_output_names(entry, files)?;
    let bound = request.bind(entry)?;
    let tensors = request
        .session
        .evaluate(&source, &entry.name, bound.dims(), bound.params().to_vec())
        .map_err(failed)?;
    Ok(Some(outputs_of(entry, tensors)))
}

fn check_output_names(entry: &Entry, files: &Files) -> Result<(), Error> {
    let inouts = entry
        .params
        .iter()
        .filter(|param| param.mode == Mode::InOut)
        .map(|param| param.name.as_str());
    let names: Vec<&str> = inouts.chain(entry.result.iter().map(|_| "out")).collect();
    for (name, _) in files {
        if !names.contains(&name.as_str()) {
            let help = match names.is_empty() {
                true => "it has no outputs".to_string(),
                false => format!("its outputs are {}", names.join(", ")),
            };
            let message = format!("{} has no output {name}", entry.name);
            return Err(Error::usage(message).help(Some(help)));
        }
    }
    Ok(())
}
