//! Wheels: archives that `pip` installs (the binary distribution format 1.0 of Python's packaging specifications).
//!
//! Invariant: the same contents give the same bytes.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zip::write::FileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A wheel could not be made.
pub type Error = zip::result::ZipError;

/// What is in a wheel for any Python 3.
#[derive(Debug)]
pub struct Contents<'x> {
    /// The name of the distribution, as file names have it.
    pub name: &'x str,
    /// Its version.
    pub version: &'x str,
    /// The platforms on which it can be installed, such as `manylinux_2_17_x86_64`.
    pub platforms: &'x [String],
    /// What made it.
    pub generator: &'x str,
    /// The text of `METADATA`.
    pub metadata: &'x str,
    /// All other files.
    pub files: Vec<File>,
}

/// A file in a wheel.
#[derive(Debug)]
pub struct File {
    /// Its path.
    pub path: String,
    /// Its permissions, such as 0o644.
    pub mode: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A wheel.
#[derive(Debug)]
pub struct Wheel {
    /// Its file name, which tells `pip` where it can be installed: `NAME-VERSION-py3-none-PLATFORM.whl`.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

impl Contents<'_> {
    /// The folder of what tells about the distribution.
    pub fn info(&self) -> String {
        format!("{}-{}.dist-info", self.name, self.version)
    }

    /// The wheel's file name.
    pub fn file_name(&self) -> String {
        format!(
            "{}-{}-py3-none-{}.whl",
            self.name,
            self.version,
            self.platforms.join(".")
        )
    }

    /// The wheel.
    ///
    /// # Errors
    /// What the archive refuses, such as a path that is too long.
    pub fn pack(self) -> Result<Wheel, Error> {
        let (name, info) = (self.file_name(), self.info());
        let about = self.about();
        let text = |path: &str, text: &str| File {
            path: format!("{info}/{path}"),
            mode: 0o644,
            bytes: text.into(),
        };
        let mut files = self.files;
        files.push(text("METADATA", self.metadata));
        files.push(text("WHEEL", &about));
        let rows = files.iter().map(|file| row(&file.path, &file.bytes));
        let record: String = rows.chain([format!("{info}/RECORD,,\n")]).collect();
        files.push(text("RECORD", &record));
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for file in &files {
            let options = FileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(9))
                .last_modified_time(DateTime::default())
                .unix_permissions(file.mode);
            archive.start_file(file.path.as_str(), options)?;
            archive.write_all(&file.bytes)?;
        }
        let bytes = archive.finish()?.into_inner();
        Ok(Wheel { name, bytes })
    }

    /// The text of `WHEEL`.
    fn about(&self) -> String {
        let mut text = format!(
            "Wheel-Version: 1.0\nGenerator: {}\nRoot-Is-Purelib: false\n",
            self.generator
        );
        for platform in self.platforms {
            let _ = writeln!(text, "Tag: py3-none-{platform}");
        }
        text
    }
}

/// A line of `RECORD`.
fn row(path: &str, bytes: &[u8]) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    format!("{path},sha256={hash},{}\n", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn made() -> Wheel {
        let platforms = ["manylinux_2_17_x86_64", "manylinux2014_x86_64"].map(String::from);
        let contents = Contents {
            name: "tiny",
            version: "1.2.0",
            platforms: &platforms,
            generator: "a test",
            metadata: "Metadata-Version: 2.1\n",
            files: vec![File {
                path: "tiny/__init__.py".into(),
                mode: 0o644,
                bytes: b"# module".to_vec(),
            }],
        };
        contents.pack().unwrap()
    }

    #[test]
    fn files_and_their_hashes_are_in_it() {
        let wheel = made();
        assert_eq!(
            wheel.name,
            "tiny-1.2.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        );
        assert_eq!(made().bytes, wheel.bytes);
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
        assert!(record.starts_with(line), "{record}");
        assert_eq!(record.lines().count(), 4);
        assert!(record.ends_with("tiny-1.2.0.dist-info/RECORD,,\n"));
        let about = read("tiny-1.2.0.dist-info/WHEEL");
        assert!(about.contains("Tag: py3-none-manylinux2014_x86_64\n"));
        assert!(read("tiny-1.2.0.dist-info/METADATA").starts_with("Metadata-Version"));
    }
}
