//! Programs that link: which there are for a place, and how each is told what to do.

use dlc_lowering::{schedule::Arch, target::Place};
use std::path::Path;

/// How a program takes arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A compiler of C, which passes them on to its linker.
    Compiler,
    /// A linker itself.
    Linker,
}

/// A program that links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Linker {
    /// What is called.
    pub program: String,
    /// Its first arguments.
    pub words: Vec<String>,
    manner: Manner,
}

/// What is to be linked.
pub(super) enum Job<'x> {
    /// One object of several.
    Object,
    /// A shared library of a name, or a module of WebAssembly.
    Library {
        /// The stem of its name.
        stem: &'x str,
        /// The functions that it lets out.
        exported: &'x [String],
        /// The path of a script that says these.
        script: &'x str,
    },
}

/// The stack of a module of WebAssembly, which is part of its memory.
const STACK: usize = 1 << 20;

impl Linker {
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_string);
        let program = words.next()?;
        let name = Path::new(&program).file_name()?.to_str()?;
        let manner = match ["ld.lld", "wasm-ld"].iter().any(|one| name.contains(one)) {
            true => Manner::Linker,
            false => Manner::Compiler,
        };
        Some(Self {
            words: words.collect(),
            program,
            manner,
        })
    }

    /// What to try for a place, in order.
    pub fn all(place: &Place) -> Vec<Self> {
        let asked = asked_for(place).iter().find_map(|line| Self::of(line));
        if let Some(linker) = asked {
            return vec![linker];
        }
        let names = match place.arch {
            _ if place.is_host() => vec!["cc".to_string()],
            Arch::Wasm32 => ["wasm-ld", "wasm-ld-22"].map(String::from).to_vec(),
            _ => {
                let compiler = format!("{}-gcc", place.short());
                vec![compiler, "ld.lld".into(), "ld.lld-22".into()]
            }
        };
        names.iter().filter_map(|name| Self::of(name)).collect()
    }

    /// The arguments for a job.
    pub fn arguments(&self, job: &Job, place: &Place) -> Vec<String> {
        let list = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        match (job, place.arch, self.manner) {
            (Job::Object, Arch::Wasm32, Manner::Linker) => list(&["-r"]),
            (Job::Object, _, Manner::Linker) => list(&["-r", "--build-id=none"]),
            (Job::Object, _, Manner::Compiler) => list(&["-r", "-nostdlib", "-Wl,--build-id=none"]),
            (Job::Library { exported, .. }, Arch::Wasm32, manner) => wasm(exported, manner),
            (Job::Library { stem, script, .. }, _, Manner::Compiler) => {
                let mut all: Vec<String> = list(&[
                    "-shared",
                    "-nostdlib",
                    "-fPIC",
                    "-Wl,-z,now,-z,relro,-z,noexecstack,--hash-style=gnu,--build-id=none,--no-undefined-version",
                ]);
                all.push(format!("-Wl,-soname,lib{stem}.so"));
                all.push(format!("-Wl,--version-script={script}"));
                all
            }
            (Job::Library { stem, script, .. }, _, Manner::Linker) => {
                let mut all: Vec<String> = list(&[
                    "-shared",
                    "-znow",
                    "-zrelro",
                    "-znoexecstack",
                    "--hash-style=gnu",
                    "--build-id=none",
                    "--no-undefined-version",
                ]);
                all.push(format!("-soname=lib{stem}.so"));
                all.push(format!("--version-script={script}"));
                all
            }
        }
    }
}

/// A module of WebAssembly: functions and its memory are let out, with the address behind what is the module's own.
fn wasm(exported: &[String], manner: Manner) -> Vec<String> {
    let mut all = vec!["--no-entry".to_string(), "--stack-first".into()];
    all.push(format!("-zstack-size={STACK}"));
    all.push("--strip-all".into());
    // What a program prints with is its host's.
    all.push("--import-undefined".into());
    all.push("--export=__heap_base".into());
    all.extend(exported.iter().map(|name| format!("--export={name}")));
    match manner {
        Manner::Linker => all,
        Manner::Compiler => {
            let target = ["--target=wasm32-unknown-unknown", "-nostdlib"].map(String::from);
            let passed = all.into_iter().map(|word| format!("-Wl,{word}"));
            target.into_iter().chain(passed).collect()
        }
    }
}

/// The variables that name a linker for a place: `CC` for this machine, `CC_TRIPLE` for others, with `_` for `-`.
pub(super) fn variables(place: &Place) -> Vec<String> {
    if place.is_host() {
        return vec!["CC".into()];
    }
    let names = [place.name.as_str(), &place.triple];
    let mut names = names
        .map(|name| format!("CC_{}", name.replace('-', "_")))
        .to_vec();
    names.dedup();
    names
}

/// What these say.
pub(crate) fn asked_for(place: &Place) -> Vec<String> {
    let said = |name: &String| std::env::var(name).unwrap_or_default();
    variables(place).iter().map(said).collect()
}
