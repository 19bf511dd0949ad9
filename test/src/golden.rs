//! Goldens: files that hold what a tool should print. `DLC_BLESS=1` rewrites them.

use anyhow::{Context, Result, bail, ensure};
use dlc_frontend::{codes::Code, modules::MemoryFiles, render::Format};
use libtest_mimic::Trial;
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

/// What should become of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// An error. Where the checker finds none, the program is built: some are found after it.
    Refused,
    /// The checker finds no error.
    Accepted,
    /// It is built, and something may be said of it then.
    Built,
}

/// What is said of a program is what stands beside it in `.stderr` (nothing, where there is no such file), and it becomes
/// of it what is expected.
pub fn diagnostics(path: &Path, expected: Expected) -> Result<()> {
    let text = crate::files::read(path)?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} has no name", path.display()))?;
    let files = match name {
        crate::files::MAIN => beside(path)?,
        _ => MemoryFiles::default(),
    };
    let (mut printed, mut ok) = dlc_frontend::check_with(name, &text, &files, Format::Plain);
    if ok && expected != Expected::Accepted {
        (printed, ok) = crate::shell::build(path, name)?;
    }
    check(&path.with_extension("stderr"), &printed)?;
    match (expected, ok) {
        (Expected::Refused, true) => bail!("the program should be refused"),
        (Expected::Accepted | Expected::Built, false) => {
            bail!("the program should be accepted:\n{printed}")
        }
        _ => Ok(()),
    }
}

/// The trial of the programs on a code's page that are built, as what is wrong with them is found after checking.
pub fn built_page(code: Code) -> Option<Trial> {
    let fences = |tag: &str| -> Vec<String> {
        let parts = code.page().split("```").skip(1).step_by(2);
        let bodies = parts.filter_map(|part| part.strip_prefix(tag)?.strip_prefix('\n'));
        bodies.map(str::to_owned).collect()
    };
    let (wrong, right) = (fences("dl,wrong,build"), fences("dl,build"));
    let run = move || {
        ensure!(
            wrong.len() == right.len(),
            "as many right programs as wrong ones"
        );
        for (programs, right) in [(&wrong, false), (&right, true)] {
            for program in programs {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("page.dl");
                fs::write(&path, program)?;
                let (printed, ok) = crate::shell::build(&path, "page.dl")?;
                let errors = printed.lines().filter(|line| line.starts_with("error["));
                let other = errors
                    .clone()
                    .any(|line| !line.contains(&format!("[{code}]")));
                let said = ["error", "remark"].map(|severity| format!("{severity}[{code}]"));
                let said = printed
                    .lines()
                    .any(|line| said.iter().any(|title| line.starts_with(title)));
                let as_said = said != right && ok == (errors.count() == 0) && !other;
                ensure!(as_said, "{program}\n{printed}");
            }
        }
        Ok(())
    };
    let any = code.page().contains(",build");
    any.then(|| crate::trial(format!("page/{code}"), run))
}
