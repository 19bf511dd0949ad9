//! Wheels: the Python package of a model as a file that `pip` installs, `--emit=wheel`.
//!
//! The library links nothing and asks for no version of a symbol, so it loads with every C library of Linux that is as new as
//! the oldest that `pip` names (glibc 2.17). The tag says the processor's family; for which of them it was made is in METADATA.

use dlc_abi::Manifest;
use dlc_wheel::Contents;
pub use dlc_wheel::Wheel;

use crate::python::{File, package_name};

/// Why there is no wheel of a library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The version is none that Python's packages have.
    #[error("`{0}` is no version of a Python package")]
    Version(String),
    /// Python has no tag for the target.
    #[error("there are no wheels for the target {0}")]
    Target(String),
    /// The archive could not be made.
    #[error("making the wheel failed: {0}")]
    Archive(#[from] dlc_wheel::Error),
}

impl Error {
    /// What the user can do.
    pub fn help(&self) -> &'static str {
        match self {
            Error::Version(_) => "such as 1.2.0, 1.2rc1 or 1.2.dev3",
            Error::Target(_) => "take the package itself, --emit=python",
            Error::Archive(_) => "take the package itself, --emit=python",
        }
    }
}

/// The wheel of a package. The same package gives the same bytes.
pub fn pack(manifest: &Manifest, version: &str, package: &[File]) -> Result<Wheel, Error> {
    if !is_version(version) {
        return Err(Error::Version(version.to_string()));
    }
    let platforms = platforms(&manifest.target)?;
    let name = distribution(&manifest.stem);
    let folder = package_name(&manifest.stem);
    let files = package.iter().map(|file| dlc_wheel::File {
        path: format!("{folder}/{}", file.name),
        mode: match file.name.ends_with(".so") {
            true => 0o755,
            false => 0o644,
        },
        bytes: file.bytes.clone(),
    });
    let contents = Contents {
        name: &name,
        version,
        platforms: &platforms,
        generator: &crate::layout::visible(&manifest.compiler),
        metadata: &metadata(manifest, &name, version),
        files: files.collect(),
    };
    Ok(contents.pack()?)
}

fn metadata(manifest: &Manifest, name: &str, version: &str) -> String {
    let target = crate::layout::visible(&manifest.target);
    format!(
        "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {stem}, compiled by {compiler} for {target}\n\
         Requires-Python: >=3.8\n",
        stem = manifest.stem,
        compiler = crate::layout::visible(&manifest.compiler),
    )
}

/// The tags of the platforms that a target is.
fn platforms(target: &str) -> Result<Vec<String>, Error> {
    let triple = target.split_whitespace().next().unwrap_or_default();
    let arch = triple.split('-').next().unwrap_or_default();
    if !triple.contains("linux") {
        return Err(Error::Target(triple.to_string()));
    }
    match arch {
        "x86_64" | "aarch64" => Ok(vec![
            format!("manylinux_2_17_{arch}"),
            format!("manylinux2014_{arch}"),
        ]),
        // The oldest C library for it that Python's tags know is newer.
        "riscv64" | "riscv64gc" => Ok(vec!["manylinux_2_31_riscv64".into()]),
        _ => Err(Error::Target(triple.to_string())),
    }
}

/// The name of a distribution as file names have it: it begins and ends with a letter or digit, with no two `_` in a row.
fn distribution(stem: &str) -> String {
    let words: Vec<&str> = stem.split('_').filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => "model".into(),
        false => words.join("_").to_ascii_lowercase(),
    }
}

/// Whether Python's packages can have a version: numbers with dots, and one of `a1`, `b1`, `rc1`, then `.post1`, `.dev1`.
fn is_version(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (text, dev) = text.split_once(".dev").unwrap_or((text, "0"));
    let (text, post) = text.split_once(".post").unwrap_or((text, "0"));
    let before = ["rc", "a", "b"]
        .into_iter()
        .find_map(|mark| text.split_once(mark));
    let (release, candidate) = before.unwrap_or((text, "0"));
    number(dev) && number(post) && number(candidate) && release.split('.').all(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::sample;
    use crate::python::package;

    #[test]
    fn the_name_tells_where_it_can_be_installed() {
        let files = package("tiny", b"# module", b"\x7fELF");
        let wheel = pack(&sample(), "1.2.0", &files).unwrap();
        assert_eq!(
            wheel.name,
            "tiny-1.2.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        );
        assert_eq!(pack(&sample(), "1.2.0", &files).unwrap().bytes, wheel.bytes);
        assert!(metadata(&sample(), "tiny", "1.2.0").contains("Name: tiny\nVersion: 1.2.0\n"));
    }

    #[test]
    fn versions_and_names_are_those_of_packages() {
        for good in [
            "1",
            "0.1.0",
            "2026.11",
            "1.2rc1",
            "1.0b2.post3.dev4",
            "1.dev0",
        ] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "v1", "1.", "1..2", "1.0-beta", "1.0 ", "rc1", "1.0\n"] {
            assert!(!is_version(bad), "{bad}");
        }
        assert_eq!(distribution("_3d__Net_"), "3d_net");
        assert_eq!(distribution("_"), "model");
        let error = pack(&sample(), "x", &[]).unwrap_err();
        assert_eq!(error.to_string(), "`x` is no version of a Python package");
    }

    #[test]
    fn targets_have_their_tags() {
        let tag = |target: &str| platforms(target).map(|tags| tags.join("."));
        assert_eq!(
            tag("aarch64-unknown-linux-gnu generic").unwrap(),
            "manylinux_2_17_aarch64.manylinux2014_aarch64"
        );
        assert_eq!(
            tag("riscv64gc-unknown-linux-gnu").unwrap(),
            "manylinux_2_31_riscv64"
        );
        assert!(tag("wasm32-unknown-unknown").is_err());
        assert!(tag("").is_err());
    }
}
