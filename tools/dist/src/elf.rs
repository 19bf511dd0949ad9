//! What a program needs of the system that it runs on.

use std::fmt;

use anyhow::{Context, Result, ensure};
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn, ElfFile};
use object::{Architecture, Endianness, Object};

/// The libraries that are part of glibc, which every system with it has.
const OF_GLIBC: [&str; 6] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
];

/// What the prefix of glibc's versions of symbols is.
const GLIBC: &str = "GLIBC_";

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc {
    pub major: u32,
    pub minor: u32,
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a program needs.
#[derive(Debug)]
pub struct Binary {
    /// The processor, as `uname -m` says it.
    pub processor: &'static str,
    /// The libraries, all of glibc.
    pub needed: Vec<String>,
    /// The least version that has all of its symbols.
    pub glibc: Glibc,
}

impl Binary {
    /// Reads a program and libraries, and gives what all of them need.
    pub fn read_all<'data>(files: impl Iterator<Item = &'data [u8]>) -> Result<Self> {
        let mut all: Option<Self> = None;
        for bytes in files {
            let one = Self::read(bytes)?;
            let Some(all) = &mut all else {
                all = Some(one);
                continue;
            };
            all.glibc = all.glibc.max(one.glibc);
            all.needed.extend(one.needed);
            all.needed.sort();
            all.needed.dedup();
        }
        all.context("there is no program")
    }

    /// Reads a program; one that needs more than glibc is refused, as it would not run everywhere.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let file = ElfFile::<FileHeader64<Endianness>>::parse(bytes)
            .context("the program is no ELF file")?;
        let processor = match file.architecture() {
            Architecture::X86_64 => "x86_64",
            Architecture::Aarch64 => "aarch64",
            other => anyhow::bail!("there are no packages for {other:?} yet"),
        };
        let needed = needed(&file)?;
        let foreign: Vec<_> = needed
            .iter()
            .filter(|name| !OF_GLIBC.contains(&name.as_str()) && !name.starts_with("ld-linux"))
            .cloned()
            .collect();
        ensure!(
            foreign.is_empty(),
            "the program needs {}, which a package would have to bring",
            foreign.join(", ")
        );
        let versions = versions(&file)?;
        let newest = versions.iter().filter_map(|name| glibc(name)).max();
        Ok(Self {
            processor,
            needed,
            glibc: newest.context("the program asks for no version of glibc")?,
        })
    }
}

type File<'data> = ElfFile<'data, FileHeader64<Endianness>>;

/// The libraries that the loader looks for.
fn needed(file: &File) -> Result<Vec<String>> {
    let (endian, data) = (file.endian(), file.data());
    let sections = file.elf_section_table();
    let Some((entries, strings)) = sections.dynamic(endian, data)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, data, strings)?;
    entries
        .iter()
        .filter(|entry| entry.tag(endian) == DT_NEEDED)
        .map(|entry| Ok(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned()))
        .collect()
}

/// The names of the versions of symbols that are asked for.
fn versions(file: &File) -> Result<Vec<String>> {
    let (endian, data) = (file.endian(), file.data());
    let sections = file.elf_section_table();
    let Some((mut libraries, strings)) = sections.gnu_verneed(endian, data)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, data, strings)?;
    let mut names = Vec::new();
    while let Some((_, mut asked)) = libraries.next()? {
        while let Some(version) = asked.next()? {
            names.push(String::from_utf8_lossy(version.name(endian, strings)?).into_owned());
        }
    }
    Ok(names)
}

/// The version in `GLIBC_2.34`; none in `GLIBC_PRIVATE` and the names of others.
fn glibc(name: &str) -> Option<Glibc> {
    let mut numbers = name.strip_prefix(GLIBC)?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some(Glibc { major, minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |name| glibc(name).unwrap();
        assert!(of("GLIBC_2.4") < of("GLIBC_2.34"));
        assert_eq!(of("GLIBC_2.2.5").to_string(), "2.2");
        assert_eq!(glibc("GLIBC_PRIVATE"), None);
        assert_eq!(glibc("GCC_3.0"), None);
    }

    #[test]
    fn what_needs_more_than_glibc_is_refused() {
        // The running test needs libgcc_s, unless it is linked statically.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        match Binary::read(&own) {
            Ok(binary) => assert!(binary.needed.iter().any(|name| name.starts_with("libc"))),
            Err(error) => assert!(error.to_string().contains("libgcc_s"), "{error}"),
        }
        assert!(Binary::read(b"text").is_err());
    }
}
