//! Compiler bugs: what the user reads, and the reproducer that goes into a report.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use dlc_driver::artefact;
use dlc_driver::compile::ErrorFormat;
use dlc_driver::{Severity, sarif};
use dlc_runtime::file;

use crate::report::{Output, to_stderr};
use crate::{commands, supervise};

/// A child process that died.
#[derive(Debug)]
pub struct Crash<'a> {
    /// How it died.
    pub how: String,
    /// What it wrote to standard error.
    pub said: &'a str,
    /// The command line.
    pub arguments: &'a [OsString],
    /// The files that were compiled, and those that they import.
    pub files: Vec<String>,
    /// Where the reproducer goes; a folder `dlc-crash-*` here when not given.
    pub folder: Option<&'a Path>,
}

/// Reports panics in our own words. The child's goes into the reproducer.
pub fn set_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()))
            .unwrap_or_default();
        let text = info
            .payload()
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let what = format!("panic{place}: {text}");
        if supervise::is_child() {
            to_stderr(&format!("{what}\n"));
        } else {
            to_stderr(&format!("{}\n  {what}\n", headline()));
        }
    }));
}

fn headline() -> String {
    format!(
        "error: this is a bug in dlc {}, not in your program",
        env!("CARGO_PKG_VERSION")
    )
}

/// Writes the reproducer and gives what to tell the user. `last_ir` compiles again and keeps the IR in a file.
pub fn report(crash: &Crash<'_>, output: Output, last_ir: impl FnOnce(&Path)) -> String {
    let said = crash.said.trim();
    let reason = said.lines().next_back().unwrap_or_default();
    let folder = write_reproducer(crash, last_ir);
    if output.format == ErrorFormat::Json {
        let folder = folder
            .as_ref()
            .ok()
            .map(|folder| folder.display().to_string());
        let object = serde_json::json!({
            "severity": "bug",
            "message": crash.how,
            "said": said,
            "reproducer": folder,
        });
        return format!("{object}\n");
    }
    let mut text = format!("{}\n  the compiler {}\n", headline(), crash.how);
    if !reason.is_empty() {
        let short: String = reason.chars().take(300).collect();
        let _ = writeln!(text, "  {short}");
    }
    match folder {
        Ok(folder) => {
            let _ = writeln!(text, "  reproducer written to {}", folder.display());
            text += "help: please report it with that folder; it holds your source files\n";
        }
        Err(error) => {
            let _ = writeln!(text, "  no reproducer: {error}");
            text += "help: give a folder that can be written with --crash-dir\n";
        }
    }
    if output.format == ErrorFormat::Sarif {
        let notification = sarif::notification(Severity::Error, text.trim_end(), None);
        return format!("{notification}\n");
    }
    text
}

/// Writes source, command line, what the compiler said and the last IR into a folder.
fn write_reproducer(
    crash: &Crash<'_>,
    last_ir: impl FnOnce(&Path),
) -> Result<PathBuf, file::FileError> {
    let command: Vec<String> = crash
        .arguments
        .iter()
        .map(|argument| quote(&argument.to_string_lossy()))
        .collect();
    let command = format!("dlc {}\n", command.join(" "));
    let sources = sources(&crash.files);
    let folder = match crash.folder {
        Some(folder) => folder.to_path_buf(),
        None => {
            let mut hasher = blake3::Hasher::new();
            hasher.update(command.as_bytes());
            for (_, content) in &sources {
                hasher.update(content);
            }
            let hash = hasher.finalize().to_hex();
            PathBuf::from(format!("dlc-crash-{}", &hash.as_str()[..12]))
        }
    };
    artefact::make_folder(&folder)?;
    let about = format!(
        "{}\n{}\n\nThe compiler {}. It said:\n\n{}\n",
        commands::print::version_text(true),
        command.trim_end(),
        crash.how,
        crash.said.trim_end()
    );
    file::write(&folder.join("crash.txt"), about.as_bytes())?;
    file::write(&folder.join("command.sh"), command.as_bytes())?;
    for (name, content) in &sources {
        let path = folder.join(name);
        artefact::make_folder(path.parent().unwrap_or(&folder))?;
        file::write(&path, content)?;
    }
    let ir = folder.join("last-ir.mlir");
    // One of an earlier crash would mislead.
    let _ = std::fs::remove_file(&ir);
    last_ir(&ir);
    Ok(folder)
}

/// The files that can be read: where each goes in the reproducer, and its content. They stand to each other as they
/// were, so that imports find them; the folder that all are in is left out.
pub fn sources(files: &[String]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut sources: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for file in files {
        let (Ok(path), Ok(content)) = (std::path::absolute(file), std::fs::read(file)) else {
            continue;
        };
        sources.push((without_dots(&path), content));
    }
    let parents = sources.iter().filter_map(|(path, _)| path.parent());
    let common = parents.map(Path::to_path_buf).reduce(|common, parent| {
        let above = common.ancestors().find(|above| parent.starts_with(above));
        above.map(Path::to_path_buf).unwrap_or_default()
    });
    for (path, _) in &mut sources {
        let inside = common
            .as_ref()
            .and_then(|common| path.strip_prefix(common).ok());
        *path = inside.unwrap_or(path).to_path_buf();
    }
    sources
}

/// A path from the root without `.` and `..`.
fn without_dots(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = whole.pop(),
            Component::CurDir => {}
            _ => whole.push(part),
        }
    }
    whole
}

/// The argument as a shell takes it.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted() {
        assert_eq!(quote("--input"), "--input");
        assert_eq!(quote("x=zeros(2)"), "'x=zeros(2)'");
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn files_keep_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::create_dir_all(path("a/lib")).unwrap();
        std::fs::create_dir(path("b")).unwrap();
        for name in ["a/m.dl", "a/lib/x.dl", "b/y.dl"] {
            std::fs::write(path(name), name).unwrap();
        }
        let places = |names: &[&str]| -> Vec<String> {
            let names: Vec<String> = names.iter().map(|name| path(name)).collect();
            let sources = sources(&names).into_iter();
            sources
                .map(|(path, _)| path.to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(places(&["a/m.dl", "a/lib/x.dl"]), ["m.dl", "lib/x.dl"]);
        assert_eq!(places(&["a/m.dl", "a/../b/./y.dl"]), ["a/m.dl", "b/y.dl"]);
        assert_eq!(places(&["a/none.dl"]), [""; 0]);
    }

    #[test]
    fn a_reproducer_has_everything() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("m.dl");
        std::fs::write(&source, "export fn f() {}").unwrap();
        let crash_dir = folder.path().join("crash");
        let arguments = ["build".into(), source.clone().into_os_string()];
        let crash = Crash {
            how: "ended by SIGSEGV".into(),
            said: "panic at x.rs:3: oh\n",
            arguments: &arguments,
            files: vec![source.to_string_lossy().into_owned()],
            folder: Some(&crash_dir),
        };
        let written = write_reproducer(&crash, |ir| std::fs::write(ir, "module {}").unwrap());
        assert_eq!(written.unwrap(), crash_dir);
        let mut names: Vec<_> = std::fs::read_dir(&crash_dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["command.sh", "crash.txt", "last-ir.mlir", "m.dl"]);
        let about = std::fs::read_to_string(crash_dir.join("crash.txt")).unwrap();
        assert!(
            about.contains("ended by SIGSEGV") && about.contains("x.rs:3: oh"),
            "{about}"
        );
    }
}
