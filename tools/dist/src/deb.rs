//! A package for Debian: an `ar` archive of a version, what dpkg has to know, and the files under `/usr`.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use md5::{Digest, Md5};

use crate::Release;
use crate::archive::tar_xz;
use crate::contents::{File, Kind};

/// What `apt show` says of it.
const DESCRIPTION: &str = "\
compiler for deep learning models written in DL
 dlc compiles models written in DL, a small, statically shaped, differentiable
 language, to native libraries with a C interface: forward pass, gradient and
 optimiser step are plain functions that allocate nothing. LLVM, MLIR and a
 linker are inside; a C compiler is not needed.";

/// The package's name and bytes.
pub fn make(release: &Release) -> Result<(String, Vec<u8>)> {
    let architecture = match release.binary.processor {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Debian's name for {other} is not known"),
    };
    let files = &release.contents.files;
    let meta = [
        text("control", control(release, architecture)),
        text("md5sums", sums(files)),
        // The system's loader learns of the libraries.
        text("triggers", "activate-noawait ldconfig\n".to_string()),
    ];
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.xz", tar_xz(&meta, "", release.time)?),
        ("data.tar.xz", tar_xz(files, "usr/", release.time)?),
    ];
    let mut package = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        header.set_mode(0o100644);
        header.set_mtime(release.time);
        package.append(&header, bytes.as_slice())?;
    }
    let name = format!("dlc_{}_{architecture}.deb", release.version);
    Ok((name, package.into_inner()?))
}

fn text(path: &str, text: String) -> File {
    File {
        path: path.to_string(),
        kind: Kind::Text,
        bytes: text.into_bytes(),
    }
}

fn control(release: &Release, architecture: &str) -> String {
    let bytes: usize = release
        .contents
        .files
        .iter()
        .map(|file| file.bytes.len())
        .sum();
    format!(
        "Package: dlc\n\
         Version: {}\n\
         Architecture: {architecture}\n\
         Maintainer: dlc developers <dlc@localhost>\n\
         Installed-Size: {}\n\
         Depends: libc6 (>= {})\n\
         Suggests: gcc | c-compiler, make, cmake, cargo, python3-numpy\n\
         Section: devel\n\
         Priority: optional\n\
         Description: {DESCRIPTION}\n",
        release.version,
        bytes.div_ceil(1024),
        release.binary.glibc,
    )
}

/// What `dpkg --verify` compares with.
fn sums(files: &[File]) -> String {
    let mut sums = String::new();
    for file in files
        .iter()
        .filter(|file| !matches!(file.kind, Kind::Link(_)))
    {
        for byte in Md5::digest(&file.bytes) {
            let _ = write!(sums, "{byte:02x}");
        }
        let _ = writeln!(sums, "  usr/{}", file.path);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_leave_links_out() {
        let mut link = text("bin/b", String::new());
        link.kind = Kind::Link("a");
        let sums = sums(&[text("bin/a", "a".to_string()), link]);
        assert_eq!(sums, "0cc175b9c0f1b6a831c399e269772661  usr/bin/a\n");
    }
}
