//! Chapters whose programs are run: files are written into a folder, commands run there, and what they print is
//! what stands below them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use super::{Block, words};
use crate::{files, host};

/// The fence of what the command above it prints.
const OUTPUT: &str = "output";

/// What commands may need beside programs: modules of the Python that `python3` is.
const MODULES: [&str; 2] = ["numpy", "torch"];

/// Whether a block is a command that runs.
fn is_command(block: &Block) -> bool {
    block.tag == "sh,run" || block.tag.starts_with("sh,run,needs=")
}

/// Whether a chapter has something to run.
pub fn runs(blocks: &[Block]) -> bool {
    blocks.iter().any(is_command)
}

/// Runs the commands of a chapter, one after another, in a folder with its files.
pub fn run(blocks: &[Block]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shell = Shell::new()?;
    let mut printed = None;
    for block in blocks {
        let at = || format!("line {}", block.line);
        if let Some(name) = words(&block.tag, "file=") {
            ensure!(!name.contains('/'), "{}: {name} is not in the folder", at());
            fs::write(folder.path().join(name), &block.text)?;
        } else if is_command(block) {
            let mut needs = block
                .tag
                .split(',')
                .filter_map(|word| word.strip_prefix("needs="));
            printed = match needs.find(|need| !shell.has(need)) {
                Some(tool) => {
                    println!("skipped a command of the guide: {tool} is not installed");
                    None
                }
                None => Some(shell.run(folder.path(), &block.text).with_context(at)?),
            };
        } else if block.tag == OUTPUT
            && let Some(printed) = printed.take()
            && printed != block.text
        {
            bail!(
                "{}: what is printed is\n{printed}\nand not\n{}",
                at(),
                block.text
            );
        }
    }
    Ok(())
}

/// Where commands run as if `dlc` was installed.
struct Shell {
    /// A folder with the `python3` of `DLC_PYTHON`, if one is named.
    own: tempfile::TempDir,
}

impl Shell {
    fn new() -> Result<Self> {
        let own = tempfile::tempdir()?;
        if let Some(python) = env::var_os("DLC_PYTHON") {
            // Not a link, by which an environment would not find its modules.
            let text = format!(
                "#!/bin/sh\nexec '{}' \"$@\"\n",
                PathBuf::from(python).display()
            );
            let script = own.path().join("python3");
            fs::write(&script, text)?;
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { own })
    }

    /// Whether there is a program of a name, or a module of Python.
    fn has(&self, need: &str) -> bool {
        if !MODULES.contains(&need) {
            return host::tool(need).is_some();
        }
        // Not imported, as that takes seconds.
        let find = "import sys, importlib.util as of; sys.exit(of.find_spec(sys.argv[1]) is None)";
        let command = self.command(&format!("python3 -c '{find}' {need}"));
        command.is_ok_and(|mut command| host::run(&mut command).is_ok())
    }

    /// What a command prints; it has to succeed.
    fn run(&self, folder: &Path, text: &str) -> Result<String> {
        let output = host::run(self.command(text)?.current_dir(folder))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, text: &str) -> Result<Command> {
        let rest = env::var_os("PATH").unwrap_or_default();
        let first = [self.own.path().to_path_buf(), files::tools()?];
        let search = env::join_paths(first.into_iter().chain(env::split_paths(&rest)))?;
        let mut command = Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", text])
            .env("PATH", search)
            .env("dlc_DIR", files::root().join("../tools/cmake"))
            .env("DLC", files::tools()?.join("dlc"))
            .env("DLC_CACHE_DIR", "")
            .env("NO_COLOR", "1");
        // What the tests' own build is told is not for packages of the guide.
        for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(name);
        }
        Ok(command)
    }
}
