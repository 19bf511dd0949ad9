//! What was made before: options of every command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use dlc_driver::{
    cache::{Cache, LIMIT},
    memory::parse_bytes,
};

/// What was made before.
#[derive(Debug, Clone, Args)]
pub struct Cached {
    /// The folder where what is made is kept, to be found when it is asked for again; an empty name for none; default
    /// dlc in the system's folder for caches
    #[arg(
        long,
        value_name = "DIR",
        env = "DLC_CACHE_DIR",
        hide_env_values = true,
        global = true,
        help_heading = "Cache"
    )]
    pub cache_dir: Option<OsString>,

    /// The most bytes that this folder may hold, such as 512M; what was not used for longest goes first
    #[arg(long, value_name = "BYTES", env = "DLC_CACHE_LIMIT", hide_env_values = true, global = true,
          value_parser = parse_bytes, default_value_t = LIMIT, hide_default_value = true, help_heading = "Cache")]
    pub cache_limit: u64,

    /// Makes everything anew, and keeps nothing
    #[arg(long, global = true, help_heading = "Cache")]
    pub no_cache: bool,
}

impl Cached {
    /// The cache, if there is to be one.
    pub fn cache(&self) -> Option<Cache> {
        let folder = match &self.cache_dir {
            _ if self.no_cache => None,
            Some(folder) => {
                Some(PathBuf::from(folder)).filter(|folder| !folder.as_os_str().is_empty())
            }
            None => Cache::default_folder(),
        };
        Some(Cache {
            folder: folder?,
            limit: self.cache_limit,
        })
    }

    /// The folder for copies of the standard library, which an editor may show.
    pub fn std_folder(&self) -> Option<PathBuf> {
        let folder = self.cache()?.folder;
        Some(folder.join(concat!("std-", env!("CARGO_PKG_VERSION"))))
    }

    /// The same as arguments of another process.
    pub fn arguments(&self) -> Vec<OsString> {
        match self.cache() {
            Some(cache) => vec![
                "--cache-dir".into(),
                cache.folder.into(),
                "--cache-limit".into(),
                cache.limit.to_string().into(),
            ],
            None => vec!["--no-cache".into()],
        }
    }
}
