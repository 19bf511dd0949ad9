//! Wheels: the Python package of a model as a file that `pip` installs, `--emit=wheel`.
//!
//! The library links nothing and asks for no version of a symbol, so it loads with every C library of Linux that is as new as
//! the oldest that `pip` names (glibc 2.17). The tag says the processor's family; for which of them it was made is in METADATA.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dlc_abi::Manifest;
use sha2::{Digest as _, Sha256};
use zip::write::FileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

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
    Archive(#[from] zip::result::ZipError),
    /// The same.
    #[error("making the wheel failed: {0}")]
    Write(#[from] std::io::Error),
}

impl Error {
    /// What the user can do.
    pub fn help(&self) -> &'static str {
        match self {
            Error::Version(_) => "such as 1.2.0, 1.2rc1 or 1.2.dev3",
            Error::Target(_) => "take the package itself, --emit=python",
            Error::Archive(_) | Error::Write(_) => "take the package itself, --emit=python",
        }
    }
}

/// A wheel: its file name, which tells `pip` where it can be installed, and its bytes.
#[derive(Debug)]
pub struct Wheel {
    /// `STEM-VERSION-py3-none-PLATFORM.whl`
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// The wheel of a package. The same package gives the same bytes.
pub fn pack(manifest: &Manifest, version: &str, package: &[File]) -> Result<Wheel, Error> {
    if !is_version(version) {
        return Err(Error::Version(version.to_string()));
    }
    let platforms = platforms(&manifest.target)?;
    let name = distribution(&manifest.stem);
    let folder = package_name(&manifest.stem);
    let mut files: Vec<(String, &[u8])> = package
        .iter()
        .map(|file| (format!("{folder}/{}", file.name), file.bytes.as_slice()))
        .collect();
    let info = format!("{name}-{version}.dist-info");
    let metadata = metadata(manifest, &name, version);
    let wheel = about(manifest, &platforms);
    files.push((format!("{info}/METADATA"), metadata.as_bytes()));
    files.push((format!("{info}/WHEEL"), wheel.as_bytes()));
    let record_name = format!("{info}/RECORD");
    let mut record: String = files.iter().map(|(name, bytes)| row(name, bytes)).collect();
    let _ = writeln!(record, "{record_name},,");
    files.push((record_name, record.as_bytes()));
    Ok(Wheel {
        name: format!("{name}-{version}-py3-none-{}.whl", platforms.join(".")),
        bytes: archive(&files)?,
    })
}

fn archive(files: &[(String, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let mode = match name.ends_with(".so") {
            true => 0o755,
            false => 0o644,
        };
        let options = FileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(mode);
        zip.start_file(name.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// A line of RECORD.
fn row(name: &str, bytes: &[u8]) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    format!("{name},sha256={hash},{}\n", bytes.len())
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

fn about(manifest: &Manifest, platforms: &[String]) -> String {
    let mut text = format!(
        "Wheel-Version: 1.0\nGenerator: {}\nRoot-Is-Purelib: false\n",
        crate::layout::visible(&manifest.compiler)
    );
    for platform in platforms {
        let _ = writeln!(text, "Tag: py3-none-{platform}");
    }
    text
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
    use std::io::Read as _;

    #[test]
    fn files_and_their_hashes_are_in_it() {
        let files = package("tiny", b"# module", b"\x7fELF");
        let wheel = pack(&sample(), "1.2.0", &files).unwrap();
        assert_eq!(
            wheel.name,
            "tiny-1.2.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        );
        assert_eq!(pack(&sample(), "1.2.0", &files).unwrap().bytes, wheel.bytes);
        let mut zip = zip::ZipArchive::new(Cursor::new(wheel.bytes)).unwrap();
        let mut read = |name: &str| {
            let mut text = String::new();
            let file = zip.by_name(name);
            file.unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let record = read("tiny-1.2.0.dist-info/RECORD");
        // `printf '# module' | openssl sha256 -binary | basenc --base64url`
        let line = "tiny/__init__.py,sha256=f_X7CP1Vod45Az5Ggaf3FtV0Kt5vXYk7cGjEuZd4laY,8\n";
        assert!(record.contains("tiny/__init__.py,sha256="), "{record}");
        assert_eq!(record.lines().count(), files.len() + 3);
        assert_eq!(row("tiny/__init__.py", b"# module"), line);
        assert!(record.ends_with("tiny-1.2.0.dist-info/RECORD,,\n"));
        let about = read("tiny-1.2.0.dist-info/WHEEL");
        assert!(
            about.contains("Tag: py3-none-manylinux2014_x86_64\n"),
            "{about}"
        );
        assert!(read("tiny-1.2.0.dist-info/METADATA").contains("Name: tiny\nVersion: 1.2.0\n"));
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
