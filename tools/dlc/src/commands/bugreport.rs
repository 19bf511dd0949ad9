//! `dlc bugreport`: a folder that others can look into, with nothing in it that is not said.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use dlc_driver::artefact;
use dlc_runtime::file;

use super::{doctor, imports, print};
use crate::cli::{Bugreport, Common};
use crate::crash;
use crate::report::{Error, to_stdout};
use crate::source::SourceFile;

/// Runs the command.
pub fn run(report: &Bugreport, common: &Common) -> Result<(), Error> {
    if report.file == "-" {
        return Err(Error::usage("a report needs a file, not standard input"));
    }
    let source = SourceFile::read(&report.file)?;
    let mut files = vec![report.file.clone()];
    files.extend(imports::of(&report.file));
    let sources = crash::sources(&files);
    let folder = match &report.output {
        Some(folder) => folder.clone(),
        None => PathBuf::from(format!("dlc-report-{}", source.stem())),
    };
    if folder
        .read_dir()
        .is_ok_and(|mut inside| inside.next().is_some())
    {
        let message = format!("{} is there already", folder.display());
        return Err(Error::usage(message).help(Some("name another one with -o".to_string())));
    }
    artefact::make_folder(&folder)?;
    let mut written = vec![];
    let mut write = |name: &Path, content: &[u8], what: &str| -> Result<(), Error> {
        let path = folder.join(name);
        artefact::make_folder(path.parent().unwrap_or(&folder))?;
        file::write(&path, content)?;
        written.push((name.display().to_string(), content.len(), what.to_string()));
        Ok(())
    };
    for (name, content) in &sources {
        let name = Path::new("sources").join(name);
        write(&name, content, "your program, as it is on the disk")?;
    }
    let versions = format!("{}\n{}", print::version_text(true), doctor::report(common));
    write(
        Path::new("versions.txt"),
        versions.as_bytes(),
        "versions, processor, folders and tools of this machine (`dlc doctor`)",
    )?;
    let crashes = folder.join("crash");
    let said = said(report, &crashes)?;
    write(
        Path::new("build.txt"),
        said.as_bytes(),
        "the command `dlc build` on the file and what it says",
    )?;
    if let Some(from) = &report.crash {
        copy(from, Path::new("given-crash"), &mut |name, content| {
            write(name, content, "from the reproducer that you named")
        })?;
    }
    if crashes.is_dir() {
        copy(&crashes, Path::new("crash"), &mut |name, content| {
            write(name, content, "what the compiler left as it ended")
        })?;
    }
    let width = written
        .iter()
        .map(|(name, ..)| name.len())
        .max()
        .unwrap_or(0);
    let mut text = format!("{} holds:\n", folder.display());
    for (name, bytes, what) in &written {
        text += &format!("  {name:<width$}  {bytes:>8} bytes  {what}\n");
    }
    text += "No other file, no variable of the environment and no data went into it. Look through it before you pass it on: it names folders of this machine.\n";
    to_stdout(text.as_bytes())
}

/// What building the file says, and how it ends.
fn said(report: &Bugreport, crashes: &Path) -> Result<String, Error> {
    let io = |error: std::io::Error| Error::io(format!("cannot build the file: {error}"));
    let out = tempfile::tempdir().map_err(io)?;
    let mut process = Process::new(std::env::current_exe().map_err(io)?);
    process.args([
        "build",
        &report.file,
        "--no-cache",
        "--color",
        "never",
        "-o",
    ]);
    process.arg(out.path()).arg("--crash-dir").arg(crashes);
    let ended = process.stdin(Stdio::null()).output().map_err(io)?;
    Ok(format!(
        "dlc build {}\n{}\n{}",
        crash::quote(&report.file),
        ended.status,
        String::from_utf8_lossy(&ended.stderr)
    ))
}

/// What writes a file of the report.
type Write<'a> = &'a mut dyn FnMut(&Path, &[u8]) -> Result<(), Error>;

/// Copies the files of a folder and of those in it.
fn copy(from: &Path, to: &Path, write: Write) -> Result<(), Error> {
    let unreadable =
        |error: std::io::Error| Error::io(format!("cannot read {}: {error}", from.display()));
    let entries = std::fs::read_dir(from).map_err(unreadable)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = to.join(entry.file_name());
        match entry.file_type().map_err(unreadable)? {
            kind if kind.is_dir() => copy(&entry.path(), &name, write)?,
            kind if kind.is_file() => {
                let content = std::fs::read(entry.path()).map_err(unreadable)?;
                write(&name, &content)?;
            }
            // A link may lead anywhere.
            _ => {}
        }
    }
    Ok(())
}
