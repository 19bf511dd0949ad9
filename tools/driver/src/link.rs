//! From objects to a static archive, a shared library and one object.

use std::fmt::Write as _;
use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::process::Command;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};

/// A library could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no C compiler to link with.
    #[error("there is no C compiler `{program}` to link the {what} with")]
    NoCompiler {
        /// What was called.
        program: String,
        /// What was to be made.
        what: &'static str,
    },
    /// This system's shared libraries are not made yet.
    #[error("shared libraries are made on Linux only")]
    System,
    /// The linker failed.
    #[error("linking the {what} failed: {message}")]
    Linker {
        /// What was to be made.
        what: &'static str,
        /// What it said.
        message: String,
    },
    /// The archive could not be made.
    #[error("making the archive failed: {message}")]
    Archive {
        /// Why.
        message: String,
    },
    /// A temporary file could not be read or written.
    #[error("cannot use the temporary folder: {error}")]
    Temporary {
        /// Why.
        error: std::io::Error,
    },
}

impl Error {
    /// What the user can do.
    pub fn help(&self) -> &'static str {
        match self {
            Error::NoCompiler { .. } => {
                "install gcc or clang, set CC, or make the static library alone with \
                 --emit=staticlib,header,manifest"
            }
            Error::System => "link the static library, --emit=staticlib,header,manifest",
            Error::Linker { .. } => "make the static library alone with --emit=staticlib",
            Error::Archive { .. } => "take the object itself, --emit=obj",
            Error::Temporary { .. } => "set TMPDIR to a folder that can be written",
        }
    }
}

/// An archive of objects, with a symbol table and without dates, so that the same objects give the same archive.
pub fn static_library(stem: &str, objects: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let members: Vec<_> = objects
        .iter()
        .enumerate()
        .map(|(i, object)| {
            let name = match objects.len() {
                1 => format!("{stem}.o"),
                _ => format!("{stem}.{i}.o"),
            };
            NewArchiveMember::new(object.as_slice(), &DEFAULT_OBJECT_READER, name)
        })
        .collect();
    let elf = |object: &Vec<u8>| object.starts_with(b"\x7fELF");
    let kind = if objects.iter().all(elf) {
        ArchiveKind::Gnu
    } else {
        ArchiveKind::Darwin
    };
    let mut archive = Cursor::new(Vec::new());
    write_archive_to_stream(&mut archive, &members, kind, false, None).map_err(|error| {
        Error::Archive {
            message: error.to_string(),
        }
    })?;
    Ok(archive.into_inner())
}

/// A shared library that lets out only `exported`, linked by the system's C compiler.
pub fn shared_library(
    stem: &str,
    objects: &[Vec<u8>],
    exported: &[String],
) -> Result<Vec<u8>, Error> {
    if !cfg!(target_os = "linux") {
        return Err(Error::System);
    }
    let script = version_script(exported);
    linked("shared library", objects, Some(&script), |script| {
        let mut arguments = ["-shared", "-nostdlib", "-fPIC"].map(String::from).to_vec();
        arguments.push(
            "-Wl,-z,now,-z,relro,-z,noexecstack,--hash-style=gnu,--build-id=none,--no-undefined-version".into(),
        );
        arguments.push(format!("-Wl,-soname,lib{stem}.so"));
        arguments.push(format!("-Wl,--version-script={script}"));
        arguments
    })
}

/// One object of all: the only one as it is, several linked by the system's C compiler.
pub fn object(objects: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    match objects {
        [only] => Ok(only.clone()),
        _ => linked("object", objects, None, |_| {
            ["-r", "-nostdlib", "-Wl,--build-id=none"]
                .map(String::from)
                .to_vec()
        }),
    }
}

/// Calls the system's C compiler on objects, with the arguments that `arguments` gives for the path of a script.
fn linked(
    what: &'static str,
    objects: &[Vec<u8>],
    script: Option<&str>,
    arguments: impl FnOnce(&str) -> Vec<String>,
) -> Result<Vec<u8>, Error> {
    let temporary = |error| Error::Temporary { error };
    let folder = tempfile::Builder::new()
        .prefix("dlc-link-")
        .tempdir()
        .map_err(temporary)?;
    let path = |name: &str| folder.path().join(name);
    let (exports, output) = (path("exports.map"), path("out"));
    std::fs::write(&exports, script.unwrap_or_default()).map_err(temporary)?;
    let compiler = std::env::var("CC").unwrap_or_default();
    let mut words = compiler.split_whitespace();
    let program = words.next().unwrap_or("cc").to_string();
    let mut command = Command::new(&program);
    command.args(words).args(arguments(&display(&exports)));
    command.arg("-o").arg(&output);
    for (i, object) in objects.iter().enumerate() {
        let input = path(&format!("in{i}.o"));
        std::fs::write(&input, object).map_err(temporary)?;
        command.arg(input);
    }
    let result = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Error::NoCompiler {
            program: program.clone(),
            what,
        },
        _ => Error::Linker {
            what,
            message: error.to_string(),
        },
    })?;
    if !result.status.success() {
        let stderr = String::from_utf8_lossy(&result.stderr);
        let said = stderr.replace(&display(folder.path()), "…");
        return Err(Error::Linker {
            what,
            message: format!(
                "{program} ended with {}\n{}",
                result.status,
                said.trim_end()
            ),
        });
    }
    std::fs::read(&output).map_err(temporary)
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn version_script(exported: &[String]) -> String {
    let mut script = String::from("{\n  global:\n");
    for symbol in exported {
        let _ = writeln!(script, "    {symbol};");
    }
    script += "  local:\n    *;\n};\n";
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::sample;

    /// The bytes of an object that defines `t_f` and `t_hidden`; nothing without a C compiler.
    fn object() -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let (source, object) = (folder.path().join("t.c"), folder.path().join("t.o"));
        std::fs::write(
            &source,
            "int t_hidden(void) { return 2; }\nint t_f(void) { return 1; }\n",
        )
        .unwrap();
        let compiled = Command::new("cc")
            .args(["-c", "-fPIC", "-o"])
            .args([&object, &source])
            .status();
        if compiled.is_err() {
            println!("skipped: no C compiler");
            return None;
        }
        Some(std::fs::read(object).unwrap())
    }

    #[test]
    fn archives_are_the_same_each_time_and_have_an_index() {
        let Some(object) = object() else { return };
        let objects = [object];
        let archive = static_library("t", &objects).unwrap();
        assert!(archive.starts_with(b"!<arch>\n/ "));
        assert_eq!(static_library("t", &objects).unwrap(), archive);
        let index = &archive[..200];
        assert!(index.windows(3).any(|window| window == b"t_f"));
    }

    #[test]
    fn shared_libraries_let_out_only_what_is_asked() {
        use object::{Object, ObjectSymbol};
        let Some(bytes) = object() else { return };
        let exported = ["t_f".to_string()];
        let objects = [bytes];
        let library = shared_library("t", &objects, &exported).unwrap();
        assert_eq!(shared_library("t", &objects, &exported).unwrap(), library);
        let file = object::File::parse(library.as_slice()).unwrap();
        let names: Vec<_> = file
            .dynamic_symbols()
            .filter(|symbol| symbol.is_definition())
            .map(|symbol| symbol.name().unwrap())
            .collect();
        assert_eq!(names, ["t_f"]);
    }

    #[test]
    fn what_the_linker_says_is_passed_on() {
        let error = shared_library("t", &[b"junk".to_vec()], &[]).unwrap_err();
        assert!(matches!(
            error,
            Error::Linker { .. } | Error::NoCompiler { .. }
        ));
        assert!(!error.help().is_empty());
    }

    #[test]
    fn the_header_s_functions_are_let_out() {
        let symbols = sample().exported_symbols();
        let header = crate::header::generate(&sample());
        for symbol in &symbols {
            assert!(header.contains(&format!("{symbol}(")), "{symbol}");
        }
        assert_eq!(symbols.len(), 1 + 4 * sample().entries.len());
    }
}
