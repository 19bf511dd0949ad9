//! From objects to a static archive, a shared library and one object.

mod linker;

pub(crate) use linker::asked_for;

use dlc_lowering::target::Place;
use linker::{Job, Linker, variables};
use object::{Object, ObjectSymbol};
use std::fmt::Write as _;
use std::io::{self, Cursor, ErrorKind};
use std::path::Path;
use std::process::Command;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, ObjectReader, write_archive_to_stream,
};

/// A library could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to link with.
    #[error("there is no {programs} to link the {what} for {place} with")]
    NoLinker {
        /// What was looked for.
        programs: String,
        /// What was to be made.
        what: &'static str,
        /// For which place.
        place: String,
        /// The variable that names another program.
        variable: String,
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
    pub fn help(&self) -> String {
        match self {
            Error::NoLinker { variable, .. } => format!(
                "install one, name another in the environment variable {variable}, or make the static library alone with \
                 --emit=staticlib,header,manifest"
            ),
            Error::System => "link the static library, --emit=staticlib,header,manifest".into(),
            Error::Linker { .. } => "make the static library alone with --emit=staticlib".into(),
            Error::Archive { .. } => "take the object itself, --emit=obj".into(),
            Error::Temporary { .. } => "set TMPDIR to a folder that can be written".into(),
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
    let gnu = |object: &Vec<u8>| object.starts_with(b"\x7fELF") || is_wasm(object);
    let kind = if objects.iter().all(gnu) {
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

fn is_wasm(object: &[u8]) -> bool {
    object.starts_with(b"\0asm")
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

/// A shared library that lets out only `exported`, or a module of WebAssembly.
pub fn shared_library(
    place: &Place,
    stem: &str,
    objects: &[Vec<u8>],
    exported: &[String],
) -> Result<Vec<u8>, Error> {
    if place.is_host() && !cfg!(target_os = "linux") {
        return Err(Error::System);
    }
    let script = version_script(exported);
    linked(
        "shared library",
        place,
        objects,
        Some((stem, exported, script.as_str())),
    )
}

/// One object of all: the only one as it is, several linked.
pub fn object(place: &Place, objects: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    match objects {
        [only] => Ok(only.clone()),
        _ => linked("object", place, objects, None),
    }
}

/// Links objects to a library of a stem that lets out functions, which a script says, too, or to one object.
fn linked(
    what: &'static str,
    place: &Place,
    objects: &[Vec<u8>],
    library: Option<(&str, &[String], &str)>,
) -> Result<Vec<u8>, Error> {
    let temporary = |error| Error::Temporary { error };
    let folder = tempfile::Builder::new()
        .prefix("dlc-link-")
        .tempdir()
        .map_err(temporary)?;
    let path = |name: &str| folder.path().join(name);
    let (exports, output) = (path("exports.map"), path("out"));
    let script = display(&exports);
    let job = match library {
        None => Job::Object,
        Some((stem, exported, text)) => {
            std::fs::write(&exports, text).map_err(temporary)?;
            Job::Library {
                stem,
                exported,
                script: &script,
            }
        }
    };
    let mut inputs = vec![];
    for (i, object) in objects.iter().enumerate() {
        let input = path(&format!("in{i}.o"));
        std::fs::write(&input, object).map_err(temporary)?;
        inputs.push(input);
    }
    let all = Linker::all(place);
    let mut tried = all.iter().map(|linker| {
        let mut command = Command::new(&linker.program);
        command.args(&linker.words);
        command.args(linker.arguments(&job, place));
        command.arg("-o").arg(&output).args(&inputs);
        (linker, command.output())
    });
    let missing = [ErrorKind::NotFound, ErrorKind::PermissionDenied];
    let ran =
        tried.find(|(_, result)| !matches!(result, Err(error) if missing.contains(&error.kind())));
    let Some((Linker { program, .. }, result)) = ran else {
        let names = all.iter().map(|linker| format!("`{}`", linker.program));
        return Err(Error::NoLinker {
            programs: names.collect::<Vec<_>>().join(", "),
            what,
            place: place.name.clone(),
            variable: variables(place).remove(0),
        });
    };
    let result = result.map_err(|error| Error::Linker {
        what,
        message: error.to_string(),
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
        let Some(bytes) = object() else { return };
        let exported = ["t_f".to_string()];
        let objects = [bytes];
        let link = || shared_library(&Place::host(), "t", &objects, &exported).unwrap();
        let library = link();
        assert_eq!(link(), library);
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
        let junk = [b"junk".to_vec()];
        let error = shared_library(&Place::host(), "t", &junk, &[]).unwrap_err();
        assert!(matches!(
            error,
            Error::Linker { .. } | Error::NoLinker { .. }
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
