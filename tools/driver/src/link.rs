//! From objects to a static archive, a shared library and one object.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Cursor;
use std::path::Path;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use dlc_lowering::target::{self, Linker};

/// A library could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Objects of this system are not linked yet.
    #[error("shared libraries, and objects of several parts, are made for Linux only")]
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
    let kind = if objects.iter().all(|object| is_elf(object)) {
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

/// A shared library of ELF objects that lets out only `exported`.
pub fn shared_library(
    stem: &str,
    objects: &[Vec<u8>],
    exported: &[String],
) -> Result<Vec<u8>, Error> {
    if !objects.iter().all(|object| is_elf(object)) {
        return Err(Error::System);
    }
    let script = version_script(exported);
    linked("shared library", objects, &script, |script| {
        let mut arguments: Vec<OsString> = [
            "-shared",
            "-znow",
            "-zrelro",
            "-znoexecstack",
            "--hash-style=gnu",
            "--build-id=none",
            "--eh-frame-hdr",
            "--no-undefined-version",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push(format!("--soname=lib{stem}.so").into());
        arguments.push("--version-script".into());
        arguments.push(script.into());
        arguments
    })
}

/// One object of all: the only one as it is, several ELF objects linked.
pub fn object(objects: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    match objects {
        [only] => Ok(only.clone()),
        _ if !objects.iter().all(|object| is_elf(object)) => Err(Error::System),
        _ => linked("object", objects, "", |_| {
            ["-r", "--build-id=none"].map(OsString::from).to_vec()
        }),
    }
}

fn is_elf(object: &[u8]) -> bool {
    object.starts_with(b"\x7fELF")
}

/// Links objects, with the arguments that `arguments` gives for the path of a script.
fn linked(
    what: &'static str,
    objects: &[Vec<u8>],
    script: &str,
    arguments: impl FnOnce(&Path) -> Vec<OsString>,
) -> Result<Vec<u8>, Error> {
    let temporary = |error| Error::Temporary { error };
    let folder = tempfile::Builder::new()
        .prefix("dlc-link-")
        .tempdir()
        .map_err(temporary)?;
    let path = |name: &str| folder.path().join(name);
    let (exports, output) = (path("exports.map"), path("out"));
    std::fs::write(&exports, script).map_err(temporary)?;
    let mut arguments = arguments(&exports);
    arguments.extend(["-o".into(), output.clone().into()]);
    for (i, object) in objects.iter().enumerate() {
        let input = path(&format!("in{i}.o"));
        std::fs::write(&input, object).map_err(temporary)?;
        arguments.push(input.into());
    }
    target::link(Linker::Elf, &arguments).map_err(|said| Error::Linker {
        what,
        message: said.replace(&folder.path().display().to_string(), "…"),
    })?;
    std::fs::read(&output).map_err(temporary)
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
    use std::process::Command;

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
        let error = shared_library("t", &[b"\x7fELF but no more".to_vec()], &[]).unwrap_err();
        let Error::Linker { message, .. } = &error else {
            panic!("{error}");
        };
        assert!(message.contains("in0.o"), "{message}");
        assert!(!message.contains("dlc-link-"), "{message}");
        assert!(!error.help().is_empty());
        let Some(object) = object() else { return };
        assert!(shared_library("t", &[object], &["t_f".to_string()]).is_ok());
        let error = shared_library("t", &[b"junk".to_vec()], &[]).unwrap_err();
        assert!(matches!(error, Error::System));
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
