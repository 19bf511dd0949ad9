//! A wheel, by which `pip install` puts `dlc` into an environment of Python (the binary distribution format 1.0).

use std::fmt::Write as _;
use std::io::{Cursor, Write};

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zip::write::FileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Release;
use crate::contents::LICENSE;

/// The wheel's name and bytes.
pub fn make(release: &Release) -> Result<(String, Vec<u8>)> {
    let version = release.version;
    let tag = tag(release);
    let info = format!("dlc-{version}.dist-info");
    let copyright = release.contents.files.iter();
    let copyright = copyright.filter(|file| file.path.ends_with("/copyright"));
    let copyright = copyright.flat_map(|file| file.bytes.clone()).collect();
    let files = [
        (
            format!("dlc-{version}.data/scripts/dlc"),
            0o755,
            release.contents.dlc().to_vec(),
        ),
        (
            format!("{info}/METADATA"),
            0o644,
            metadata(release).into_bytes(),
        ),
        (format!("{info}/WHEEL"), 0o644, wheel(&tag).into_bytes()),
        (format!("{info}/licenses/LICENSE"), 0o644, LICENSE.into()),
        (format!("{info}/licenses/copyright"), 0o644, copyright),
    ];
    let record_path = format!("{info}/RECORD");
    let mut record = String::new();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = |mode| {
        FileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .unix_permissions(mode)
    };
    for (path, mode, bytes) in &files {
        archive.start_file(path.as_str(), options(*mode))?;
        archive.write_all(bytes)?;
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let _ = writeln!(record, "{path},sha256={hash},{}", bytes.len());
    }
    let _ = writeln!(record, "{record_path},,");
    archive.start_file(record_path.as_str(), options(0o644))?;
    archive.write_all(record.as_bytes())?;
    let bytes = archive.finish()?.into_inner();
    Ok((format!("dlc-{version}-{tag}.whl"), bytes))
}

/// Any Python 3 on systems with this glibc or a newer one.
fn tag(release: &Release) -> String {
    let binary = &release.binary;
    let glibc = binary.glibc;
    format!(
        "py3-none-manylinux_{}_{}_{}",
        glibc.major, glibc.minor, binary.processor
    )
}

fn metadata(release: &Release) -> String {
    format!(
        "Metadata-Version: 2.4\n\
         Name: dlc\n\
         Version: {}\n\
         Summary: Compiler for deep learning models written in DL\n\
         License-Expression: Apache-2.0 WITH LLVM-exception\n\
         License-File: LICENSE\n\
         License-File: copyright\n\
         Requires-Python: >=3.8\n\
         \n\
         `dlc` compiles models written in DL to native libraries. LLVM and a linker are inside; a C compiler\n\
         is not needed.\n",
        release.version
    )
}

fn wheel(tag: &str) -> String {
    format!("Wheel-Version: 1.0\nGenerator: dlc-dist\nRoot-Is-Purelib: false\nTag: {tag}\n")
}
