//! The language reference as a site: the chapters in `docs`, with a page for each error code behind them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{command, has, root, run, target};

/// Puts the book together below `target`, and builds it where mdBook is installed.
pub fn build() -> Result<()> {
    let book = target().join("book-source");
    let chapters = book.join("src");
    if book.exists() {
        fs::remove_dir_all(&book).with_context(|| format!("cannot remove {}", book.display()))?;
    }
    fs::create_dir_all(chapters.join("errors"))?;
    let docs = root().join("docs");
    fs::copy(docs.join("book.toml"), book.join("book.toml"))?;
    copy(&docs.join("src"), &chapters)?;
    let pages = copy(&root().join("frontend/src/codes"), &chapters.join("errors"))?;
    let summary = fs::read_to_string(chapters.join("SUMMARY.md"))?;
    let mut entries = String::new();
    for page in pages {
        let text = fs::read_to_string(chapters.join("errors").join(&page))?;
        let title = text.lines().next().unwrap_or_default();
        let code = page.trim_end_matches(".md");
        let title = title.trim_start_matches(['#', ' ']);
        writeln!(entries, "  - [{code}: {title}](errors/{page})")?;
    }
    let chapter = "- [Errors](errors.md)\n";
    let summary = summary.replace(chapter, &format!("{chapter}{entries}"));
    fs::write(chapters.join("SUMMARY.md"), summary)?;
    if !has("mdbook") {
        println!(
            "skipped: the site, since mdbook is not installed; its source is {}",
            book.display()
        );
        return Ok(());
    }
    run(command("mdbook")
        .arg("build")
        .arg(&book)
        .arg("--dest-dir")
        .arg(target().join("book")))
}

/// Copies the Markdown files of a folder and its pictures; the names of the former in order.
fn copy(from: &Path, to: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") || name.ends_with(".svg") {
            fs::copy(from.join(&name), to.join(&name))?;
        }
        if name.ends_with(".md") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
