//! From objects to a static archive, a shared library and one object.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Cursor};
use std::path::Path;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, ObjectReader, write_archive_to_stream,
};
use dlc_lowering::target::{self, Linker};
use object::{Object, ObjectSymbol};

/// The stack of a module of WebAssembly, which is part of its memory.
const STACK: usize = 1 << 20;

/// A library could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Objects of this system are not linked yet.
    #[error(
        "shared libraries, and objects of several parts, are made for Linux and WebAssembly only"
    )]
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
            NewArchiveMember::new(object.as_slice(), reader(object), name)
        })
        .collect();
    let kind = if linker(objects).is_some() {
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

/// What reads the symbols of an object.
fn reader(object: &[u8]) -> &'static ObjectReader {
    const WASM: ObjectReader = ObjectReader {
        get_symbols: wasm_symbols,
        ..DEFAULT_OBJECT_READER
    };
    match is_wasm(object) {
        true => &WASM,
        false => &DEFAULT_OBJECT_READER,
    }
}

/// Hands over the symbols that an object of WebAssembly defines.
fn wasm_symbols(object: &[u8], found: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
    let file = object::File::parse(object).map_err(io::Error::other)?;
    for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
        if symbol.is_global() {
            found(symbol.name_bytes().map_err(io::Error::other)?)?;
        }
    }
    Ok(true)
}

/// A shared library of ELF objects, or a module of WebAssembly, that lets out only `exported`.
pub fn shared_library(
    stem: &str,
    objects: &[Vec<u8>],
    exported: &[String],
) -> Result<Vec<u8>, Error> {
    let linker = linker(objects).ok_or(Error::System)?;
    linked(
        "shared library",
        linker,
        objects,
        &version_script(exported),
        |script| match linker {
            Linker::Elf => elf(stem, script),
            Linker::Wasm => wasm(exported),
        },
    )
}

/// The arguments for a shared library, which lets out what a script says.
fn elf(stem: &str, script: &Path) -> Vec<OsString> {
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
}

/// The arguments for a module: functions and its memory are let out, with the address behind what is the module's own.
fn wasm(exported: &[String]) -> Vec<OsString> {
    let mut arguments = vec!["--no-entry".into(), "--stack-first".into()];
    arguments.push(format!("-zstack-size={STACK}").into());
    arguments.push("--strip-all".into());
    // What a program prints with is its host's.
    arguments.push("--import-undefined".into());
    arguments.push("--export=__heap_base".into());
    let exports = exported
        .iter()
        .map(|name| format!("--export={name}").into());
    arguments.extend(exports);
    arguments
}

/// One object of all: the only one as it is, several linked.
pub fn object(objects: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    if let [only] = objects {
        return Ok(only.clone());
    }
    let linker = linker(objects).ok_or(Error::System)?;
    linked("object", linker, objects, "", |_| match linker {
        Linker::Elf => vec!["-r".into(), "--build-id=none".into()],
        Linker::Wasm => vec!["-r".into()],
    })
}

/// What links objects, if they are all of one kind that is linked here.
fn linker(objects: &[Vec<u8>]) -> Option<Linker> {
    let all = |is: fn(&[u8]) -> bool| objects.iter().all(|object| is(object));
    if all(|object| object.starts_with(b"\x7fELF")) {
        return Some(Linker::Elf);
    }
    all(is_wasm).then_some(Linker::Wasm)
}

fn is_wasm(object: &[u8]) -> bool {
    object.starts_with(b"\0asm")
}

/// Links objects, with the arguments that `arguments` gives for the path of a script.
fn linked(
    what: &'static str,
    linker: Linker,
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
    target::link(linker, &arguments).map_err(|said| Error::Linker {
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
