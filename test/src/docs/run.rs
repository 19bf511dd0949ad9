//! Chapters whose programs are run: files are written into a folder, commands run there, and what they print is
//! what stands below them.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use super::{Block, words};
use crate::{files, host};

/// The fence of what the command above it prints.
const OUTPUT: &str = "output";

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
    let mut printed = None;
    for block in blocks {
        let at = || format!("line {}", block.line);
        if let Some(name) = words(&block.tag, "file=") {
            ensure!(!name.contains('/'), "{}: {name} is not in the folder", at());
            fs::write(folder.path().join(name), &block.text)?;
        } else if is_command(block) {
            let missing = words(&block.tag, "needs=").filter(|tool| host::tool(tool).is_none());
            printed = match missing {
                Some(tool) => {
                    println!("skipped a command of the guide: {tool} is not installed");
                    None
                }
                None => Some(command(folder.path(), &block.text).with_context(at)?),
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

/// What a command prints; it has to succeed.
fn command(folder: &Path, text: &str) -> Result<String> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let search = env::join_paths(std::iter::once(files::tools()?).chain(env::split_paths(&rest)))?;
    let output = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", text])
        .current_dir(folder)
        .env("PATH", search)
        .env("DLC_CACHE_DIR", "")
        .env("NO_COLOR", "1")
        .output()
        .context("cannot run bash")?;
    ensure!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
