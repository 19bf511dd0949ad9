//! Compiler bugs: what the user reads, and the reproducer that goes into a report.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dlc_driver::compile::ErrorFormat;
use dlc_driver::{Severity, sarif};
use dlc_runtime::file;

use crate::report::{Output, to_stderr};
use crate::source::split_target;
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
    /// The file that was compiled.
    pub file: Option<&'a str>,
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
            text += "help: please report it with that folder; it holds your source file\n";
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
    let source = crash.file.map(|target| split_target(target).0);
    let source = source.filter(|path| *path != "-");
    let content = source.and_then(|path| std::fs::read(path).ok());
    let folder = match crash.folder {
        Some(folder) => folder.to_path_buf(),
        None => {
            let mut hasher = blake3::Hasher::new();
            hasher.update(command.as_bytes());
            hasher.update(content.as_deref().unwrap_or_default());
            let hash = hasher.finalize().to_hex();
            PathBuf::from(format!("dlc-crash-{}", &hash.as_str()[..12]))
        }
    };
    std::fs::create_dir_all(&folder).map_err(|error| file::FileError::Write {
        path: folder.clone(),
        error,
    })?;
    let about = format!(
        "{}\n{}\n\nThe compiler {}. It said:\n\n{}\n",
        commands::print::version_text(true),
        command.trim_end(),
        crash.how,
        crash.said.trim_end()
    );
    file::write(&folder.join("crash.txt"), about.as_bytes())?;
    file::write(&folder.join("command.sh"), command.as_bytes())?;
    if let (Some(path), Some(content)) = (source, content) {
        let name = Path::new(path).file_name().unwrap_or_default();
        file::write(&folder.join(name), &content)?;
    }
    let ir = folder.join("last-ir.mlir");
    // One of an earlier crash would mislead.
    let _ = std::fs::remove_file(&ir);
    last_ir(&ir);
    Ok(folder)
}

/// The argument as a shell takes it.
fn quote(text: &str) -> String {
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
            file: source.to_str(),
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
