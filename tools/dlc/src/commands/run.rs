//! `dlc run`: one call of an export, or some, one after the other.

use std::path::{Path, PathBuf};
use std::time::Instant;

use dlc_abi::{Entry, Mode};
use dlc_driver::artefact::{self, Artefact};
use dlc_driver::compile::{Emit, Options, Session};
use dlc_gpu::Gpu;
use dlc_runtime::output::{Output as CallOutput, outputs_of};
use dlc_runtime::trace::Done;
use dlc_runtime::{Bound, Library, LibraryError};

use super::call::{Request, output_files};
use super::device;
use crate::cli::{Common, Run, RunTarget};
use crate::events::Events;
use crate::report::{Error, to_stderr, to_stdout};
use crate::source::SourceFile;
use crate::supervise;

/// Runs the command.
pub fn run(run: &Run, common: &Common) -> Result<(), Error> {
    let files = output_files(&run.outputs)?;
    if run.target == RunTarget::Reference {
        refuse_on_reference(run)?;
    }
    let (gpu, traced) = match &run.trace {
        Some(_) => device::open_traced(run.target)?.unzip(),
        None => (device::open(run.target)?, None),
    };
    let call = device::call_for(gpu.as_ref(), &run.call)?;
    let mut request = Request::new(&call, common)?;
    let mut rounds = Rounds::new(run);
    let outputs = match &gpu {
        Some(gpu) => on_gpu(&request, &files, gpu, &mut rounds)?,
        None if run.target == RunTarget::Reference => on_reference(&request, &files)?,
        None => {
            let options = request.session.options().clone();
            let trace = run.trace.is_some();
            request.session = Session::new(Options { trace, ..options });
            call_on_cpu(&request, &files, &mut rounds, run.trace.as_deref())?
        }
    };
    let Some(outputs) = outputs else {
        return Ok(());
    };
    if let (Some(path), Some(traced)) = (&run.trace, traced) {
        artefact::write(path, traced.json()?.as_bytes())?;
    }
    rounds.write()?;
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

/// What only compiled code does.
fn refuse_on_reference(run: &Run) -> Result<(), Error> {
    let asked = [
        ("--trace", run.trace.is_some()),
        ("--repeat", run.repeat > 1),
        ("--log", run.log.is_some()),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((option, _)) => Err(Error::usage(format!(
            "`{option}` is not for the reference evaluator"
        ))
        .help(Some("leave out `--target reference`".to_string()))),
        None => Ok(()),
    }
}

/// The calls of one run, and what is logged of them.
struct Rounds<'r> {
    count: u64,
    log: Option<(&'r Path, Events)>,
}

impl<'r> Rounds<'r> {
    fn new(run: &'r Run) -> Self {
        let log = run.log.as_deref();
        Self {
            count: run.repeat,
            log: log.map(|folder| (folder, Events::new())),
        }
    }

    /// Calls as often as asked for.
    fn run(
        &mut self,
        entry: &Entry,
        bound: &mut Bound,
        call: &mut dyn FnMut(&mut Bound) -> Result<(), LibraryError>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        for step in 0..self.count {
            let begin = Instant::now();
            call(bound)?;
            let milliseconds = begin.elapsed().as_secs_f64() * 1e3;
            if let Some((_, events)) = &mut self.log {
                let mut scalars = bound.scalars(entry);
                scalars.push(("time/ms".to_string(), milliseconds));
                events.add(step, start.elapsed(), &scalars);
            }
        }
        Ok(())
    }

    /// Writes the log.
    fn write(&self) -> Result<(), Error> {
        let Some((folder, events)) = &self.log else {
            return Ok(());
        };
        let written = events.write(folder);
        let failed = |error| Error::io(format!("cannot write into {}: {error}", folder.display()));
        written.map(|_| ()).map_err(failed)
    }
}

type Files = [(String, PathBuf)];

/// Nothing when only the compilation was wanted.
fn call_on_cpu(
    request: &Request,
    files: &Files,
    rounds: &mut Rounds,
    trace: Option<&Path>,
) -> Result<Option<Vec<CallOutput>>, Error> {
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(None);
    }
    let entry = request.entry(library.manifest())?.clone();
    check_output_names(&entry, files)?;
    let mut bound = request.bind(&entry)?;
    let mut all = |library: &Library| {
        let mut call = library.prepare(&bound)?.on(&request.pool);
        rounds.run(&entry, &mut bound, &mut |bound| call.run(bound))
    };
    match trace {
        None => all(&library)?,
        Some(path) => {
            let recording = library.record()?;
            all(&recording)?;
            let text = recording.json(|done| named(&request.file, done));
            artefact::write(path, text.as_bytes())?;
            if recording.left_out() > 0 {
                let (left_out, path) = (recording.left_out(), path.display());
                to_stderr(&format!(
                    "warning: {path} lacks the last {left_out} spans\n"
                ));
            }
        }
    }
    Ok(Some(bound.into_outputs(&entry)))
}

/// What is shown of a piece of work: its line of the source, if that is in the file that is called.
fn named(file: &SourceFile, done: &Done) -> String {
    if done.what == "call" {
        return done.entry.clone();
    }
    let name = Path::new(&file.name).file_name();
    let is_here = name.is_some_and(|name| name == done.file.as_str());
    let text = file.source().text;
    let line = text
        .lines()
        .nth(done.line.wrapping_sub(1))
        .filter(|_| is_here);
    let place = format!("{}:{}", done.file, done.line);
    match line {
        Some(line) => format!("{place} {}", line.trim()),
        None => format!("{place} {}", done.what),
    }
}

fn on_gpu(
    request: &Request,
    files: &Files,
    gpu: &Gpu,
    rounds: &mut Rounds,
) -> Result<Option<Vec<CallOutput>>, Error> {
    let library = request.library()?;
    if supervise::keep_ir().is_some() {
        return Ok(None);
    }
    let entry = request.entry(library.manifest())?;
    check_output_names(entry, files)?;
    let mut bound = request.bind(entry)?;
    let call = library.prepare_on(gpu, &bound)?;
    rounds.run(entry, &mut bound, &mut |bound| call.run(bound))?;
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
