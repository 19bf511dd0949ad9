//! The files of a package, by their place under the folder where it is installed.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// To be run.
    Program,
    /// To be loaded.
    Library,
    /// To be read.
    Text,
    /// A link to another file of the same folder.
    Link(&'static str),
}

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, such as `bin/dlc`.
    pub path: String,
    pub kind: Kind,
    pub bytes: Vec<u8>,
}

/// All files.
#[derive(Debug)]
pub struct Contents {
    pub files: Vec<File>,
}

/// Where shells look for scripts that complete command lines.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/dlc"),
    ("zsh", "share/zsh/vendor-completions/_dlc"),
    ("fish", "share/fish/vendor_completions.d/dlc.fish"),
];

/// What programs that use models may want beside them: threads for C, and GPUs.
const LIBRARIES: [&str; 2] = ["libdlc_pool_c.so", "libdlc_gpu_c.so"];

/// Their headers.
const HEADERS: [(&str, &str); 2] = [
    (
        "include/dlc_pool.h",
        include_str!("../../../runtime/pool-c/include/dlc_pool.h"),
    ),
    (
        "include/dlc_gpu.h",
        include_str!("../../../runtime/gpu-c/include/dlc_gpu.h"),
    ),
];

/// What makes models libraries of a project of CMake.
pub const CMAKE: [(&str, &str); 2] = [
    (
        "lib/cmake/dlc/dlcConfig.cmake",
        include_str!("../../cmake/dlcConfig.cmake"),
    ),
    (
        "lib/cmake/dlc/dlcConfigVersion.cmake",
        include_str!("../../cmake/dlcConfigVersion.cmake"),
    ),
];

/// The licence of the compiler.
pub const LICENSE: &str = include_str!("../../../LICENSE");

/// Who made what is inside, and under which licences; the crates follow.
const COPYRIGHT: &str = include_str!("../copyright");

/// What the package is, for who opens its folder.
const README: &str = include_str!("../README.md");

impl Contents {
    /// The program, what it says of itself for shells and `man`, and the libraries that lie beside it.
    pub fn gather(path: &Path, program: Vec<u8>, crates: &str) -> Result<Self> {
        let text = |path: &str, bytes: Vec<u8>| File {
            path: path.to_string(),
            kind: Kind::Text,
            bytes,
        };
        let mut files = vec![
            File {
                path: "bin/dlc".to_string(),
                kind: Kind::Program,
                bytes: program,
            },
            File {
                path: "bin/dlc-opt".to_string(),
                kind: Kind::Link("dlc"),
                bytes: Vec::new(),
            },
            text(
                "share/doc/dlc/copyright",
                format!("{COPYRIGHT}{crates}").into_bytes(),
            ),
            text("share/doc/dlc/README.md", README.into()),
        ];
        for name in LIBRARIES {
            let library = path.with_file_name(name);
            let bytes = std::fs::read(&library);
            files.push(File {
                path: format!("lib/{name}"),
                kind: Kind::Library,
                bytes: bytes.with_context(|| format!("cannot read {}", library.display()))?,
            });
        }
        for (place, file) in HEADERS.into_iter().chain(CMAKE) {
            files.push(text(place, file.into()));
        }
        for (shell, place) in COMPLETIONS {
            files.push(text(place, said(path, &["completions", shell])?));
        }
        for (name, page) in pages(path)? {
            files.push(text(&format!("share/man/man1/{name}.gz"), gzip(&page)?));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// What is run or loaded.
    pub fn binaries(&self) -> impl Iterator<Item = &[u8]> {
        let files = self.files.iter();
        let binary = files.filter(|file| matches!(file.kind, Kind::Program | Kind::Library));
        binary.map(|file| file.bytes.as_slice())
    }

    /// The program.
    pub fn dlc(&self) -> &[u8] {
        let mut files = self.files.iter();
        let program = files.find(|file| file.kind == Kind::Program);
        program.map_or(&[], |file| &file.bytes)
    }
}

/// What the program writes to standard output.
fn said(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    let output = command.args(arguments).output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "dlc {} ended with {}: {}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// The pages for `man`: names and texts.
fn pages(program: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = program.with_file_name("man");
    let shown = folder.display().to_string();
    said(program, &["man", &shown])?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        pages.push((name, std::fs::read(entry.path())?));
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(pages)
}

/// Without a time and a name, so that the same text gives the same bytes.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
