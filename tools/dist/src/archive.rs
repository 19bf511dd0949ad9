//! A tar archive, compressed by xz, for any system: unpacked anywhere it can be run.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use liblzma::write::XzEncoder;
use tar::{Builder, EntryType, Header};

use crate::Release;
use crate::contents::{File, Kind};

/// How hard xz tries; more takes more memory to unpack and gains little.
const LEVEL: u32 = 6;

/// The archive's name and bytes; all is in one folder.
pub fn make(release: &Release) -> Result<(String, Vec<u8>)> {
    let folder = format!("dlc-{}-{}-linux", release.version, release.binary.processor);
    let files = &release.contents.files;
    let bytes = tar_xz(files, &format!("{folder}/"), release.time)?;
    Ok((format!("{folder}.tar.xz"), bytes))
}

/// The files with `prefix` before their paths, and the folders in which they are, as root's.
pub fn tar_xz(files: &[File], prefix: &str, time: u64) -> Result<Vec<u8>> {
    let mut builder = Builder::new(XzEncoder::new(Vec::new(), LEVEL));
    let mut folders = BTreeSet::new();
    for file in files {
        let path = format!("{prefix}{}", file.path);
        let above = Path::new(&path).ancestors().skip(1);
        let above: Vec<_> = above.filter(|path| path.parent().is_some()).collect();
        for folder in above.into_iter().rev() {
            if folders.insert(folder.to_path_buf()) {
                let mut header = header(EntryType::Directory, 0o755, time);
                header.set_size(0);
                builder.append_data(&mut header, format!("{}/", folder.display()), &[][..])?;
            }
        }
        match &file.kind {
            Kind::Link(to) => {
                let mut header = header(EntryType::Symlink, 0o777, time);
                header.set_size(0);
                builder.append_link(&mut header, &path, to)?;
            }
            kind => {
                let mode = if *kind == Kind::Program { 0o755 } else { 0o644 };
                let mut header = header(EntryType::Regular, mode, time);
                header.set_size(file.bytes.len() as u64);
                builder.append_data(&mut header, &path, file.bytes.as_slice())?;
            }
        }
    }
    let mut encoder = builder.into_inner()?;
    encoder.flush()?;
    Ok(encoder.finish()?)
}

fn header(kind: EntryType, mode: u32, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use liblzma::read::XzDecoder;

    #[test]
    fn folders_come_once_and_before_their_files() {
        let file = |path: &str, kind| File {
            path: path.to_string(),
            kind,
            bytes: b"x".to_vec(),
        };
        let files = [
            file("bin/a", Kind::Program),
            file("bin/b", Kind::Link("a")),
            file("share/c", Kind::Text),
        ];
        let bytes = tar_xz(&files, "usr/", 7).unwrap();
        assert_eq!(bytes, tar_xz(&files, "usr/", 7).unwrap());
        let mut archive = tar::Archive::new(XzDecoder::new(bytes.as_slice()));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.header().mode().unwrap();
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            assert_eq!(entry.header().mtime().unwrap(), 7);
            (path, mode)
        });
        let entries: Vec<_> = entries.collect();
        let expected = [
            ("usr/", 0o755),
            ("usr/bin/", 0o755),
            ("usr/bin/a", 0o755),
            ("usr/bin/b", 0o777),
            ("usr/share/", 0o755),
            ("usr/share/c", 0o644),
        ];
        assert_eq!(
            entries,
            expected.map(|(path, mode)| (path.to_string(), mode))
        );
    }
}
