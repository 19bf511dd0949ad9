//! What was made before, in a folder, by the hash of what it was made from.
//!
//! An entry is a file, written elsewhere in the folder and renamed, so that processes may share it; it begins with a hash
//! of all that follows and of its key, so that a damaged one is noticed and made anew. When all entries together
//! are larger than the limit, those that were not used for longest go. Only files that have an entry's name are ever
//! removed. Nothing fails because of a cache: what can't be read or written is made, or not kept.

mod key;
mod stored;

pub use key::Key;
pub(crate) use key::key;
pub use stored::{read, write};

use dlc_lowering::target::Objects;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How large a cache may grow when nothing else is said.
pub const LIMIT: u64 = 2 << 30;

/// What the names of entries end with, and those of entries being written.
const ENTRY: &str = ".dlc-entry";
const UNFINISHED: &str = ".dlc-unfinished";

/// After so long no one writes an unfinished entry any more.
const GIVEN_UP: Duration = Duration::from_secs(3600);

/// A hash stands before each entry.
const HASH: usize = blake3::OUT_LEN;

/// A folder of what was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The folder; made when something is kept.
    pub folder: PathBuf,
    /// The most bytes that all entries may have together.
    pub limit: u64,
}

/// A file of a cache.
struct Entry {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Cache {
    /// The platform's folder for the cache of this program, if it has one.
    pub fn default_folder() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "dlc")?;
        Some(folders.cache_dir().to_path_buf())
    }

    /// What is kept under a key; it counts as used now.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path(key);
        let mut bytes = fs::read(&path).ok()?;
        let found = bytes.get(..HASH).map(<[u8]>::to_vec);
        if found.is_none_or(|found| found != seal(key, &bytes[HASH..])) {
            // Damaged; what is made anew takes its place.
            let _ = fs::remove_file(&path);
            return None;
        }
        if let Ok(file) = fs::File::options().append(true).open(&path) {
            // Only the order in which entries go depends on it.
            let _ = file.set_modified(SystemTime::now());
        }
        bytes.drain(..HASH);
        Some(bytes)
    }

    /// Keeps something under a key, unless it can't be written.
    pub fn put(&self, key: &Key, bytes: &[u8]) {
        if self.keep(key, bytes).is_ok() {
            self.shrink();
        }
    }

    fn keep(&self, key: &Key, bytes: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new()
            .suffix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        file.write_all(&seal(key, bytes))?;
        file.write_all(bytes)?;
        file.persist(self.path(key))?;
        Ok(())
    }

    /// Removes what was not used for longest, until the rest is within the limit.
    fn shrink(&self) {
        let mut entries = self.entries();
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if total <= self.limit {
                break;
            }
            // Another process may have removed it.
            let _ = fs::remove_file(&entry.path);
            total -= entry.bytes;
        }
    }

    /// The entries; what crashed processes left unfinished is removed on the way.
    fn entries(&self) -> Vec<Entry> {
        let files = fs::read_dir(&self.folder).into_iter().flatten();
        let mut entries = vec![];
        for file in files.filter_map(Result::ok) {
            let Ok(about) = file.metadata() else { continue };
            let path = file.path();
            let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let old = || used.elapsed().is_ok_and(|age| age > GIVEN_UP);
            if has_suffix(&path, ENTRY) {
                let bytes = about.len();
                entries.push(Entry { path, used, bytes });
            } else if has_suffix(&path, UNFINISHED) && old() {
                let _ = fs::remove_file(&path);
            }
        }
        entries
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{key}{ENTRY}"))
    }
}

impl Objects for Cache {
    fn get(&self, made_from: &[&[u8]]) -> Option<Vec<u8>> {
        Cache::get(self, &key::part_key(made_from)?)
    }

    fn put(&self, made_from: &[&[u8]], object: &[u8]) {
        if let Some(key) = key::part_key(made_from) {
            // What is made of all parts is kept next, and the limit held then.
            let _ = self.keep(&key, object);
        }
    }
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(suffix))
}

/// The hash that stands before an entry.
fn seal(key: &Key, bytes: &[u8]) -> [u8; HASH] {
    let mut hasher = blake3::Hasher::new_keyed(key.bytes());
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(limit: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache {
            folder: folder.path().join("cache"),
            limit,
        };
        (folder, cache)
    }

    fn key(text: &str) -> Key {
        key::part_key(&[text.as_bytes()]).unwrap()
    }

    #[test]
    fn what_is_kept_is_found() {
        let (_folder, cache) = cache(LIMIT);
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), b"one");
        cache.put(&key("a"), b"two");
        cache.put(&key("b"), b"");
        assert_eq!(cache.get(&key("a")).as_deref(), Some(&b"two"[..]));
        assert_eq!(cache.get(&key("b")).as_deref(), Some(&b""[..]));
        assert_eq!(cache.get(&key("c")), None);
    }

    #[test]
    fn damaged_entries_are_not_found() {
        let (_folder, cache) = cache(LIMIT);
        let path = cache.path(&key("a"));
        for damage in [&b""[..], b"short", &[7; 200]] {
            cache.put(&key("a"), b"one");
            fs::write(&path, damage).unwrap();
            assert_eq!(cache.get(&key("a")), None);
            assert!(!path.exists());
        }
        cache.put(&key("a"), b"one");
        fs::copy(&path, cache.path(&key("b"))).unwrap();
        assert_eq!(cache.get(&key("b")), None, "the entry of another key");
        assert_eq!(cache.get(&key("a")).as_deref(), Some(&b"one"[..]));
    }

    #[test]
    fn the_longest_unused_go_first() {
        let (_folder, cache) = cache(3 * (HASH as u64 + 10));
        let hour = Duration::from_secs(3600);
        for (i, name) in ["a", "b", "c"].into_iter().enumerate() {
            cache.put(&key(name), &[0; 10]);
            let path = cache.path(&key(name));
            let file = fs::File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - hour * (10 - i as u32))
                .unwrap();
        }
        let other = cache.folder.join("notes.txt");
        fs::write(&other, [0; 1000]).unwrap();
        assert!(cache.get(&key("a")).is_some(), "now the last used");
        cache.put(&key("d"), &[0; 10]);
        let left = ["a", "b", "c", "d"].map(|name| cache.path(&key(name)).exists());
        assert_eq!(left, [true, false, true, true]);
        assert!(other.exists(), "no file of a cache");
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let cache = Cache {
            folder: file.join("under"),
            limit: LIMIT,
        };
        cache.put(&key("a"), b"one");
        assert_eq!(cache.get(&key("a")), None);
    }

    #[test]
    fn processes_may_write_the_same() {
        let (_folder, cache) = cache(LIMIT);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        cache.put(&key("a"), &[1; 10_000]);
                        assert!(cache.get(&key("a")).is_some());
                    }
                });
            }
        });
    }
}
