//! `dlc new`: a folder with a model and a program that trains it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::{Host, New};
use crate::report::{Error, to_stdout};

/// A file of a project: its path in it, and its text, in which `{{name}}` and the like stand for what is known later.
type File = (&'static str, &'static str);

/// What is the same for all languages.
const SHARED: [File; 3] = [
    ("spiral.dl", include_str!("../../templates/spiral.dl")),
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

/// What is of one language.
struct Template {
    files: &'static [File],
    /// The commands that build and train, from the project's folder.
    run: &'static str,
    /// What they need beside `dlc`.
    needs: &'static str,
    /// Further lines of the README's table of files.
    more: &'static str,
    /// Files that are written as they are.
    copies: &'static [File],
}

/// The crate that compiles models in build scripts. It is in no registry and depends on nothing, so a project gets a copy.
const DLC_BUILD: &[File] = &[
    (
        "dlc-build/src/lib.rs",
        include_str!("../../../dlc-build/src/lib.rs"),
    ),
    (
        "dlc-build/src/error.rs",
        include_str!("../../../dlc-build/src/error.rs"),
    ),
    (
        "dlc-build/src/rules.rs",
        include_str!("../../../dlc-build/src/rules.rs"),
    ),
    (
        "dlc-build/src/ndarray.rs.in",
        include_str!("../../../dlc-build/src/ndarray.rs.in"),
    ),
    ("dlc-build/LICENSE", include_str!("../../../../LICENSE")),
];

impl Template {
    fn of(host: Host) -> Self {
        match host {
            Host::C => Template {
                files: &[
                    ("main.c", include_str!("../../templates/c/main.c")),
                    ("Makefile", include_str!("../../templates/c/Makefile")),
                ],
                run: "make",
                needs: "a C compiler and make",
                more: "",
                copies: &[],
            },
            Host::Cpp => Template {
                files: &[
                    ("main.cpp", include_str!("../../templates/cpp/main.cpp")),
                    (
                        "CMakeLists.txt",
                        include_str!("../../templates/cpp/CMakeLists.txt"),
                    ),
                ],
                run: "cmake -B build\ncmake --build build\n./build/train",
                needs: "a C++ compiler and CMake 3.20",
                more: "",
                copies: &[],
            },
            Host::Rust => Template {
                files: &[
                    ("src/main.rs", include_str!("../../templates/rust/main.rs")),
                    ("build.rs", include_str!("../../templates/rust/build.rs")),
                    (
                        "Cargo.toml",
                        include_str!("../../templates/rust/Cargo.toml.in"),
                    ),
                    (
                        "dlc-build/Cargo.toml",
                        include_str!("../../templates/rust/dlc-build.toml.in"),
                    ),
                ],
                run: "cargo run --release",
                needs: "Rust 1.85",
                more: "| `dlc-build` | the crate by which `build.rs` does so: a copy of `dlc`'s own, as it is in no registry |\n",
                copies: DLC_BUILD,
            },
            Host::Python => Template {
                files: &[
                    ("train.py", include_str!("../../templates/python/train.py")),
                    ("Makefile", include_str!("../../templates/python/Makefile")),
                ],
                run: "make",
                needs: "Python 3.8 with NumPy, and make",
                more: "",
                copies: &[],
            },
        }
    }

    /// The files of a project of this name.
    fn render(&self, name: &str) -> Vec<(&'static str, String)> {
        let host = self.files[0].0;
        let build = self.files[1].0;
        let all = SHARED.iter().chain(self.files);
        let rendered = all.map(|(path, text)| {
            let text = text
                .replace("{{name}}", name)
                .replace("{{host}}", host)
                .replace("{{build}}", build)
                .replace("{{needs}}", self.needs)
                .replace("{{more}}", self.more)
                .replace("{{version}}", env!("CARGO_PKG_VERSION"))
                .replace("{{run}}", self.run);
            (*path, text)
        });
        let copies = self.copies.iter();
        rendered
            .chain(copies.map(|(path, text)| (*path, text.to_string())))
            .collect()
    }
}

/// Runs the command.
pub fn run(new: &New) -> Result<(), Error> {
    let folder = &new.path;
    let name = project_name(folder)?;
    let template = Template::of(new.host);
    let files = template.render(&name);
    make_folder(folder)?;
    for (path, text) in &files {
        if let Err(error) = write(&folder.join(path), text) {
            // This process has made all that is in it.
            let _ = std::fs::remove_dir_all(folder);
            return Err(error);
        }
    }
    let copies = template.copies.iter();
    let copied = |path: &str| copies.clone().any(|(copy, _)| *copy == path);
    let names = files.iter().map(|(path, _)| *path);
    let names: Vec<_> = names.filter(|path| !copied(path)).collect();
    let mut said = format!("made {}: {}\n\n", folder.display(), names.join(", "));
    said += &format!("  cd {}\n", folder.display());
    for line in template.run.lines() {
        said += &format!("  {line}\n");
    }
    said += &format!("\nbuilds it and trains, with {}.\n", template.needs);
    to_stdout(said.as_bytes())
}

/// The last part of a path, which build systems have to take as a name.
fn project_name(path: &Path) -> Result<String, Error> {
    let name = path.file_name().map(OsStr::to_string_lossy);
    let name = name.unwrap_or_default().into_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && name.len() <= 64 && name.chars().all(fits) {
        return Ok(name);
    }
    let help = "a name has ASCII letters, digits, `-` and `_`, 64 at most, and begins with a letter, as in \
                `dlc new first-model`";
    let message = format!(
        "`{}` does not end with a name for a project",
        path.display()
    );
    Err(Error::usage(message).help(Some(help.to_string())))
}

/// Makes the folder of a project, which must not be there.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let io = |error| Error::io(format!("cannot make {}: {error}", folder.display()));
    let parent: PathBuf = folder.parent().unwrap_or(Path::new("")).into();
    if parent != Path::new("") {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    std::fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let message = format!("{} is there already", folder.display());
            let help = "take another name; `dlc new` changes nothing that is there";
            Error::input(message).help(Some(help.to_string()))
        }
        _ => io(error),
    })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| Error::io(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["first", "a/b-c_2", "/x/Y"] {
            assert!(project_name(Path::new(good)).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "/", "2x", "-x", "a b", "ä", "a.b"] {
            assert!(project_name(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(project_name(Path::new(&"x".repeat(65))).is_err());
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for host in [Host::C, Host::Cpp, Host::Rust, Host::Python] {
            let template = Template::of(host);
            let rendered = template.render("first");
            for (path, text) in &rendered[..rendered.len() - template.copies.len()] {
                assert!(!text.contains("{{"), "{host:?} {path}");
            }
        }
    }
}
