//! The guide and the reference as a site: the chapters in `docs`, a page for each error code behind them, and the standard
//! library, with one search over all. `dlc doc` makes it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::demo::build_dlc;
use crate::llvm;
use crate::process::{command, root, run, target};

/// Puts the book together below `target`, and makes the site `target/book`.
pub fn build() -> Result<()> {
    let chapters = target().join("book-source");
    if chapters.exists() {
        fs::remove_dir_all(&chapters)
            .with_context(|| format!("cannot remove {}", chapters.display()))?;
    }
    fs::create_dir_all(chapters.join("errors"))?;
    copy(&root().join("docs/src"), &chapters)?;
    let pages = copy(&root().join("frontend/src/codes"), &chapters.join("errors"))?;
    let summary = fs::read_to_string(chapters.join("SUMMARY.md"))?;
    let mut entries = String::new();
    for page in pages {
        let text = fs::read_to_string(chapters.join("errors").join(&page))?;
        let title = text.lines().next().unwrap_or_default();
        let code = page.trim_end_matches(".md");
        let title = format!("{code}: {}", title.trim_start_matches(['#', ' ']));
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        fs::write(
            chapters.join("errors").join(&page),
            format!("# {title}\n{body}"),
        )?;
        writeln!(entries, "  - [{title}](errors/{page})")?;
    }
    let chapter = "- [All errors and warnings](error-index.md)\n";
    let summary = summary.replace(chapter, &format!("{chapter}{entries}"));
    fs::write(chapters.join("SUMMARY.md"), summary)?;
    let dlc = build_dlc(&llvm::ensure()?, false)?;
    let mut doc = command(dlc);
    doc.args(["doc", "std", "--title", "The DL language", "--guide"]);
    run(doc.arg(&chapters).arg("-o").arg(target().join("book")))
}

/// Copies the Markdown files of a folder, and what these show or link to; the names of the former in order.
fn copy(from: &Path, to: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if [".md", ".svg", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            fs::copy(from.join(&name), to.join(&name))?;
        }
        if name.ends_with(".md") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
