//! `dlc build`: files of the kinds asked for, all or none.

mod packages;

use std::path::{Path, PathBuf};

use dlc_driver::artefact::{self, Artefact};
use dlc_driver::compile::{Emit, Session};
use dlc_driver::dep_info;
use dlc_driver::info;
use dlc_driver::python::{self, package_name};
use dlc_driver::workspace::{self, Workspace};
use dlc_report::Report;

use crate::cli::{Build, Common, ReportFormat};
use crate::report::{Error, to_stderr, to_stdout};
use crate::source::{STDIN, SourceFile, split_target};
use crate::supervise;
use dlc_runtime::input::parse_dim;

/// What is made when nothing is asked for.
const DEFAULT: [Emit; 4] = [Emit::Staticlib, Emit::Cdylib, Emit::Header, Emit::Manifest];

/// The characters of a line where no terminal says how many there are.
const WIDTH: usize = 100;

/// The file name that means standard output.
const STDOUT: &str = "-";

/// Runs the command.
pub fn run(build: &Build, common: &Common) -> Result<(), Error> {
    let (path, export) = split_target(&build.file);
    if export.is_some() {
        return Err(Error::usage("`dlc build` builds all exports of a file")
            .help(Some(format!("say `dlc build {path}`"))));
    }
    let sizes = build.dims.iter().map(|text| parse_dim(text));
    let sizes = sizes.collect::<Result<_, _>>()?;
    let mut options = super::options(&build.compile, build.threads, sizes, common)?;
    options.trace = build.trace;
    options.debug_info = build.debug_info;
    if let Some(triple) = &build.target {
        options.target = Some(triple.clone());
        let least = info::foreign_cpu(triple).map(str::to_string);
        let asked = build.compile.code.target_cpu.clone();
        options.target_cpu = asked.or(least).unwrap_or(options.target_cpu);
    }
    let session = Session::new(options);
    let system = match session.is_for_wasm() {
        Ok(true) => System::Wasm,
        Ok(false) => System::Linux,
        Err(failure) => return Err(Error::of_compilation(failure, path)),
    };
    let to_stdout_only = build.output == Path::new(STDOUT);
    let mut wanted = wanted(&build.emit, system)?;
    if build.report.is_some() {
        if to_stdout_only && build.emit.is_empty() {
            wanted.clear();
        }
        let kind = Emit::Report;
        if wanted.iter().any(|wanted| wanted.kind == kind) {
            return Err(Error::usage("a report is asked for twice")
                .help(Some("leave out --report or --emit=report".to_string())));
        }
        wanted.push(Wanted { kind, file: None });
    }
    if to_stdout_only && (wanted.len() != 1 || wanted[0].file.is_some()) {
        return Err(Error::usage("standard output takes one kind")
            .help(Some("such as --emit=llvm-ir -o -".to_string())));
    }
    let has = |kind| wanted.iter().any(|wanted: &Wanted| wanted.kind == kind);
    if has(Emit::Hpp) && !has(Emit::Header) && !to_stdout_only {
        // It includes it.
        let (kind, file) = (Emit::Header, None);
        wanted.push(Wanted { kind, file });
    }
    let file = SourceFile::read(path)?;
    let kinds = packages::with_needed(wanted.iter().map(|wanted| wanted.kind));
    let mut compiled = session
        .compile(&file.source(), &kinds)
        .map_err(|failure| Error::of_compilation(failure, &file.name))?;
    to_stderr(&compiled.diagnostics);
    if common.verbose
        && let Some(cache) = &session.options().cache
    {
        let what = if compiled.from_cache {
            "found"
        } else {
            "nothing found"
        };
        to_stderr(&format!("{what} in the cache {}\n", cache.folder.display()));
    }
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let package = packages::Package {
        manifest: &compiled.manifest,
        version: &build.packaging.package_version,
    };
    for kind in &kinds {
        if let Some(bytes) = package.make(*kind, &compiled.artefacts)? {
            compiled.artefacts.insert(*kind, bytes);
        }
    }
    let path = |wanted: &Wanted| match &wanted.file {
        Some(file) => Ok(file.clone()),
        None if to_stdout_only => Ok(STDOUT.into()),
        None => {
            let name = match (wanted.kind, build.report) {
                (Emit::Report, Some(ReportFormat::Json)) => {
                    Some(format!("{}.report.json", file.stem()))
                }
                (kind, _) => package.file_name(kind)?,
            };
            let name = name.unwrap_or_else(|| file_name(wanted.kind, system, file.stem()));
            Ok::<PathBuf, Error>(build.output.join(name))
        }
    };
    if kinds.contains(&Emit::DepInfo) {
        let target = |wanted: &Wanted| match wanted.kind {
            // A folder is as old as its list of files.
            Emit::Python => path(wanted).map(|folder| folder.join(python::MODULE)),
            _ => path(wanted),
        };
        let targets = wanted.iter().map(target).collect::<Result<_, _>>()?;
        let rules = rules(targets, compiled.files, file.stem())?;
        compiled.artefacts.insert(Emit::DepInfo, rules.into_bytes());
    }
    let (mut artefacts, mut packages) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let path = path(&wanted)?;
        let bytes = match wanted.kind {
            Emit::Memory => memory(&compiled.workspaces, &path),
            Emit::Remarks => remarks(compiled.report.as_ref(), &path)?,
            Emit::Report => report(compiled.report.as_ref(), &path, build.report)?,
            kind => compiled.artefacts.get(&kind).cloned().unwrap_or_default(),
        };
        match path == Path::new(STDOUT) {
            true => to_stdout(&bytes)?,
            false if wanted.kind == Emit::Python => {
                artefacts.extend(package.files(&path, &compiled.artefacts));
                packages.push(path);
            }
            false => artefacts.push(Artefact { path, bytes }),
        }
    }
    if artefacts.iter().any(|a| a.path.starts_with(&build.output)) {
        artefact::make_folder(&build.output)?;
    }
    for folder in packages {
        artefact::make_folder(&folder)?;
    }
    artefact::write_all(&artefacts)?;
    if common.verbose {
        for artefact in &artefacts {
            to_stderr(&format!("wrote {}\n", artefact.path.display()));
        }
    }
    Ok(())
}

/// Workspaces in the form that fits a file.
fn memory(workspaces: &[Workspace], path: &Path) -> Vec<u8> {
    let text = match path.extension() {
        Some(extension) if extension == "json" => workspace::json(workspaces),
        _ => workspace::text(workspaces, width(path)),
    };
    text.into_bytes()
}

/// Remarks in the form that fits a file.
fn remarks(report: Option<&Report>, path: &Path) -> Result<Vec<u8>, Error> {
    let report = report.ok_or_else(|| Error::Internal("there are no remarks".to_string()))?;
    let (remarks, files) = (&report.remarks, &report.files);
    let text = match path.extension() {
        Some(extension) if extension == "json" => dlc_report::remarks::json(remarks, files),
        _ => dlc_report::remarks::yaml(remarks, files),
    };
    Ok(text.into_bytes())
}

/// A report in the form that was asked for, or that fits a file.
fn report(
    report: Option<&Report>,
    path: &Path,
    format: Option<ReportFormat>,
) -> Result<Vec<u8>, Error> {
    let report = report.ok_or_else(|| Error::Internal("there is no report".to_string()))?;
    let of_file = match path.extension() {
        Some(extension) if extension == "json" => ReportFormat::Json,
        _ => ReportFormat::Html,
    };
    let text = match format.unwrap_or(of_file) {
        ReportFormat::Json => {
            dlc_report::json(report).map_err(|error| Error::Internal(error.to_string()))?
        }
        ReportFormat::Html => dlc_report::html(report),
    };
    Ok(text.into_bytes())
}

/// The characters of a line: the terminal's, where it goes to one.
fn width(path: &Path) -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let terminal = terminal.filter(|_| path == Path::new(STDOUT));
    terminal.map_or(WIDTH, |(width, _)| width.0.into())
}

/// What make needs to know: the files that the program is made of.
fn rules(mut targets: Vec<PathBuf>, mut files: Vec<String>, stem: &str) -> Result<String, Error> {
    files.retain(|file| file != STDIN);
    targets.retain(|target| target != Path::new(STDOUT));
    if targets.is_empty() {
        targets.push(file_name(Emit::DepInfo, System::Linux, stem).into());
    }
    let targets: Vec<String> = targets
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    dep_info::rules(&targets, &files).map_err(|message| {
        Error::usage(message).help(Some(
            "rename the file, or leave out --emit=dep-info".to_string(),
        ))
    })
}

/// What takes the place of shared libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// They do.
    Linux,
    /// Modules of WebAssembly.
    Wasm,
}

/// A kind to make.
#[derive(Debug, PartialEq)]
struct Wanted {
    kind: Emit,
    /// Where it goes; into the output folder when not given.
    file: Option<PathBuf>,
}

fn wanted(emit: &[String], system: System) -> Result<Vec<Wanted>, Error> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for word in emit {
        let (name, file) = match word.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (word.as_str(), None),
        };
        let kind = kind(name.trim())?;
        if !wanted.iter().any(|other| other.kind == kind) {
            wanted.push(Wanted { kind, file });
        }
    }
    if wanted.is_empty() {
        let more = (system == System::Wasm).then_some(Emit::Js);
        let kinds = DEFAULT.into_iter().chain(more);
        wanted.extend(kinds.map(|kind| Wanted { kind, file: None }));
    }
    Ok(wanted)
}

fn kind(name: &str) -> Result<Emit, Error> {
    let known = Emit::named(name);
    // The stage before any lowering has both names.
    let known = known.or((name == "tensor").then_some(Emit::Dl));
    known.ok_or_else(|| {
        let names: Vec<_> = Emit::ALL.iter().map(|kind| kind.name()).collect();
        Error::usage(format!("there is no kind `{name}` to emit"))
            .help(Some(format!("the kinds are {}", names.join(", "))))
    })
}

/// The name of the file of a kind.
pub fn file_name(kind: Emit, system: System, stem: &str) -> String {
    match kind {
        Emit::Ast => format!("{stem}.ast"),
        Emit::Dl => format!("{stem}.dl.mlir"),
        Emit::Linalg => format!("{stem}.linalg.mlir"),
        Emit::Loops => format!("{stem}.loops.mlir"),
        Emit::LlvmMlir => format!("{stem}.llvm.mlir"),
        Emit::LlvmIr => format!("{stem}.ll"),
        Emit::Asm => format!("{stem}.s"),
        Emit::Gpu => format!("{stem}.gpu.mlir"),
        Emit::Nvvm => format!("{stem}.nvvm.mlir"),
        Emit::Ptx => format!("{stem}.ptx"),
        Emit::Obj => format!("{stem}.o"),
        Emit::Staticlib => format!("lib{stem}.a"),
        Emit::Cdylib if system == System::Wasm => format!("{stem}.wasm"),
        Emit::Cdylib => format!("lib{stem}.so"),
        Emit::Header => format!("{stem}.h"),
        Emit::Hpp => format!("{stem}.hpp"),
        Emit::Rust => format!("{stem}.rs"),
        Emit::Python => package_name(stem),
        Emit::Wheel => format!("{stem}.whl"),
        Emit::PkgConfig => format!("{stem}.pc"),
        Emit::Js => format!("{stem}.mjs"),
        Emit::Manifest => format!("{stem}.json"),
        Emit::Schedule => format!("{stem}.schedule.toml"),
        Emit::Memory => format!("{stem}.memory.txt"),
        Emit::Report => format!("{stem}.html"),
        Emit::Remarks => format!("{stem}.opt.yaml"),
        Emit::DepInfo => format!("{stem}.d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn kinds_are_read() {
        let kinds = |emit: &[&str]| -> Vec<&str> {
            let wanted = wanted(&words(emit), System::Linux).unwrap();
            wanted.iter().map(|wanted| wanted.kind.name()).collect()
        };
        assert_eq!(kinds(&[]), ["staticlib", "cdylib", "header", "manifest"]);
        assert_eq!(kinds(&["obj", "tensor", "obj"]), ["obj", "dl"]);
        let named = wanted(&words(&["header=a/b.h"]), System::Linux).unwrap();
        assert_eq!(named[0].file.as_deref(), Some(Path::new("a/b.h")));
        for kind in Emit::ALL {
            assert_eq!(kinds(&[kind.name()]), [kind.name()]);
        }
        let Err(Error::Message { message, .. }) = wanted(&words(&["perl"]), System::Linux) else {
            panic!("a message");
        };
        assert_eq!(message, "there is no kind `perl` to emit");
    }

    #[test]
    fn every_kind_has_its_own_file() {
        let names: std::collections::BTreeSet<_> = Emit::ALL
            .iter()
            .map(|kind| file_name(*kind, System::Wasm, "m"))
            .collect();
        assert_eq!(names.len(), Emit::ALL.len());
    }
}
