//! What the driver made of PTX before, on disk, beside what the compiler keeps and in the same form.
//!
//! An entry is a file whose name is a key, written elsewhere in the folder and renamed, so that processes may share it. It
//! begins with a hash of all that follows, keyed by its key; one that is damaged is removed and made anew. Nothing
//! fails because of a cache. The compiler holds the limit of the folder, by the times of last use.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The suffix of an entry and of one being written, as in `tools/driver/src/cache.rs`.
const ENTRY: &str = ".dlc-entry";
const UNFINISHED: &str = ".dlc-unfinished";

/// The variable that names the folder; when it is empty nothing is kept.
const VARIABLE: &str = "DLC_CACHE_DIR";

/// What a cubin is made from, as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(blake3::Hash);

impl Key {
    /// The key of what is made from some parts.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [&b"cubin"[..]].iter().chain(parts) {
            // With its length, so that no two lists of parts are one text.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize())
    }

    fn seal(&self, bytes: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(self.0.as_bytes(), bytes)
    }
}

/// A folder of cubins, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cubins {
    folder: Option<PathBuf>,
}

impl Cubins {
    /// The folder that `DLC_CACHE_DIR` names, or the system's for caches where it is not set.
    pub(crate) fn of_environment() -> Self {
        Self::named(std::env::var_os(VARIABLE).as_deref())
    }

    fn named(variable: Option<&OsStr>) -> Self {
        let folder = match variable {
            Some(name) if name.is_empty() => None,
            Some(name) => Some(PathBuf::from(name)),
            None => directories::ProjectDirs::from("", "", "dlc")
                .map(|folders| folders.cache_dir().to_path_buf()),
        };
        Self { folder }
    }

    /// Whether anything is kept.
    pub(crate) fn keeps(&self) -> bool {
        self.folder.is_some()
    }

    /// What is kept under a key; it counts as used now.
    pub(crate) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = path(self.folder.as_deref()?, key);
        let mut bytes = std::fs::read(&path).ok()?;
        let sealed = bytes.split_at_checked(blake3::OUT_LEN);
        if !sealed.is_some_and(|(seal, rest)| key.seal(rest) == *seal) {
            // What is made anew takes its place.
            let _ = std::fs::remove_file(&path);
            return None;
        }
        if let Ok(file) = std::fs::File::options().append(true).open(&path) {
            // Only the order in which entries go depends on it.
            let _ = file.set_modified(SystemTime::now());
        }
        bytes.drain(..blake3::OUT_LEN);
        Some(bytes)
    }

    /// Keeps something under a key, unless it can't be written.
    pub(crate) fn put(&self, key: &Key, bytes: &[u8]) {
        if let Some(folder) = &self.folder {
            // What can't be kept is made again.
            let _ = write(folder, key, bytes);
        }
    }

    /// Forgets what is kept under a key.
    pub(crate) fn remove(&self, key: &Key) {
        if let Some(folder) = &self.folder {
            // Another process may have removed it.
            let _ = std::fs::remove_file(path(folder, key));
        }
    }
}

fn path(folder: &Path, key: &Key) -> PathBuf {
    folder.join(format!("{}{ENTRY}", key.0.to_hex()))
}

fn write(folder: &Path, key: &Key, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .suffix(UNFINISHED)
        .tempfile_in(folder)?;
    file.write_all(key.seal(bytes).as_bytes())?;
    file.write_all(bytes)?;
    file.persist(path(folder, key))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cubins() -> (tempfile::TempDir, Cubins) {
        let folder = tempfile::tempdir().unwrap();
        let cubins = Cubins::named(Some(folder.path().join("cache").as_os_str()));
        (folder, cubins)
    }

    #[test]
    fn what_is_kept_is_found_by_all_that_it_is_made_from() {
        let (_folder, cubins) = cubins();
        let key = Key::of(&[b"ptx", b"9.0"]);
        assert_eq!(cubins.get(&key), None);
        cubins.put(&key, b"cubin");
        assert_eq!(cubins.get(&key).as_deref(), Some(&b"cubin"[..]));
        for other in [&[&b"ptx"[..], b"8.0"][..], &[b"ptx9.0"], &[b"pt", b"x9.0"]] {
            assert_eq!(cubins.get(&Key::of(other)), None);
        }
        cubins.remove(&key);
        assert_eq!(cubins.get(&key), None);
    }

    #[test]
    fn broken_files_are_ignored_and_written_again() {
        let (_folder, cubins) = cubins();
        let key = Key::of(&[b"a"]);
        let file = path(cubins.folder.as_deref().unwrap(), &key);
        for damage in [&b""[..], b"short", &[7; 200]] {
            cubins.put(&key, b"cubin");
            std::fs::write(&file, damage).unwrap();
            assert_eq!(cubins.get(&key), None);
            assert!(!file.exists());
        }
        cubins.put(&key, b"cubin");
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(cubins.get(&key), None, "one bit");
        cubins.put(&key, b"cubin");
        assert!(cubins.get(&key).is_some());
    }

    #[test]
    fn threads_and_processes_may_write_the_same() {
        let (_folder, cubins) = cubins();
        let keys = [Key::of(&[b"a"]), Key::of(&[b"b"])];
        std::thread::scope(|scope| {
            for byte in 0..4_u8 {
                let (cubins, keys) = (&cubins, &keys);
                scope.spawn(move || {
                    for round in 0..50 {
                        let key = &keys[round % 2];
                        cubins.put(key, &[byte; 10_000]);
                        let found = cubins.get(key).unwrap();
                        assert!(found.len() == 10_000 && found.iter().all(|b| *b == found[0]));
                    }
                });
            }
        });
        let folder = std::fs::read_dir(cubins.folder.as_deref().unwrap()).unwrap();
        assert_eq!(folder.count(), 2, "nothing unfinished is left");
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let key = Key::of(&[b"a"]);
        for cubins in [
            Cubins::named(Some(file.join("under").as_os_str())),
            Cubins::named(Some(OsStr::new(""))),
        ] {
            cubins.put(&key, b"cubin");
            assert_eq!(cubins.get(&key), None);
        }
    }

    #[test]
    fn the_variable_names_the_folder() {
        assert!(!Cubins::named(Some(OsStr::new(""))).keeps());
        let folder = Cubins::named(Some(OsStr::new("/x"))).folder;
        assert_eq!(folder.as_deref(), Some(Path::new("/x")));
    }
}
