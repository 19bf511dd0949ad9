//! Goldens: files that hold what a tool should print. `DLC_BLESS=1` rewrites them.

use anyhow::{Context, Result, bail};
use dlc_frontend::{modules::MemoryFiles, render::Format};
use similar::TextDiff;
use std::{env, fs, path::Path};

/// Whether goldens are rewritten instead of compared.
pub fn blessing() -> bool {
    env::var_os("DLC_BLESS").is_some_and(|value| value == "1")
}

/// That a golden file holds `actual`.
pub fn check(path: &Path, actual: &str) -> Result<()> {
    let expected = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    if expected == actual {
        return Ok(());
    }
    if blessing() {
        if actual.is_empty() {
            return Ok(fs::remove_file(path)?);
        }
        return fs::write(path, actual).with_context(|| path.display().to_string());
    }
    let diff = TextDiff::from_lines(expected.as_str(), actual);
    let diff = diff.unified_diff().header("expected", "actual").to_string();
    bail!(
        "{} does not hold what is printed:\n{diff}\nif that is right: cargo bless",
        crate::files::shown(path)
    )
}

/// The files that a program in a folder of its own can import, by their paths from it.
fn beside(main: &Path) -> Result<MemoryFiles> {
    let folder = main.parent().context("a file stands in a folder")?;
    let shown = crate::files::shown(folder);
    let mut files = MemoryFiles::default();
    for path in crate::files::below(&shown, "dl")? {
        let name = path.strip_prefix(folder)?.display().to_string();
        files.0.insert(name, crate::files::read(&path)?);
    }
    Ok(files)
}

/// What `dlc check` says of a program is what stands beside it in `.stderr` (nothing, where there is no such file),
/// and it accepts the program or refuses it.
pub fn diagnostics(path: &Path, accepted: bool) -> Result<()> {
    let text = crate::files::read(path)?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} has no name", path.display()))?;
    let files = match name {
        crate::files::MAIN => beside(path)?,
        _ => MemoryFiles::default(),
    };
    let (printed, ok) = dlc_frontend::check_with(name, &text, &files, Format::Plain);
    check(&path.with_extension("stderr"), &printed)?;
    match (accepted, ok) {
        (true, false) => bail!("the program should be accepted:\n{printed}"),
        (false, true) => bail!("the program should be refused"),
        _ => Ok(()),
    }
}
