//! The language reference in `docs`: its code compiles, it has every built-in with its signature, and its links lead
//! somewhere.
//!
//! A fence ```` ```dl ```` holds a program without diagnostics, ```` ```dl,error=DL0203 ```` one whose errors all have that
//! code. Lines that begin with `# ` belong to the program and are not shown. `file=NAME` in any tag gives a block that is a
//! file, which commands in later blocks ```` ```sh,run ```` find (`run`); `needs=TOOL` says what a command needs.

mod ops;
mod run;
mod tables;

use anyhow::{Result, bail, ensure};
use dlc_frontend::{builtins, check_to_string, codes::Code, render::Format};
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};

/// The folder of the chapters, below the tests' folder.
const FOLDER: &str = "../docs/src";

/// A program in a chapter.
struct Block {
    line: usize,
    tag: String,
    text: String,
}

/// The trials of all chapters.
pub fn trials() -> Result<Vec<Trial>> {
    let chapters = crate::files::below(FOLDER, "md")?;
    let mut trials = vec![];
    for path in chapters.clone() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("docs/{name}");
        trials.push(crate::trial(name, move || chapter(&path)));
    }
    trials.extend(tables::trials());
    trials.push(crate::trial("docs-builtins".into(), move || {
        every_builtin(&chapters)
    }));
    Ok(trials)
}

/// Checks the programs and the links of a chapter.
fn chapter(path: &Path) -> Result<()> {
    let text = crate::files::read(path)?;
    let mut faults = vec![];
    let blocks = blocks(&text)?;
    for block in blocks.iter().filter(|block| block.tag.starts_with("dl")) {
        if let Err(error) = check(block) {
            faults.push(format!("line {}: {error:#}\n{}", block.line, block.text));
        }
    }
    if faults.is_empty() && run::runs(&blocks) {
        run::run(&blocks)?;
    }
    let in_block = |number: usize| {
        let lines = |block: &&Block| block.line..block.line + block.text.lines().count() + 1;
        blocks.iter().any(|block| lines(&block).contains(&number))
    };
    for (number, line) in text.lines().enumerate() {
        for target in links(line).filter(|_| !in_block(number + 1)) {
            let file = path.with_file_name(target);
            if !file.exists() && !target.starts_with("errors/") {
                faults.push(format!("line {}: {target} is not there", number + 1));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// The fences of a chapter.
fn blocks(text: &str) -> Result<Vec<Block>> {
    let mut blocks = vec![];
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if !line.starts_with("```") {
            continue;
        }
        let tag = line.trim_start_matches('`');
        let fence = &line[..line.len() - tag.len()];
        let mut text = String::new();
        let mut closed = false;
        for (_, line) in lines.by_ref() {
            closed = line == fence;
            if closed {
                break;
            }
            text += match tag.starts_with("dl") {
                true => line.strip_prefix("# ").unwrap_or(line),
                false => line,
            };
            text += "\n";
        }
        ensure!(closed, "line {}: the fence has no end", number + 1);
        blocks.push(Block {
            line: number + 1,
            tag: tag.to_string(),
            text,
        });
    }
    Ok(blocks)
}

/// What a word of a tag says: `linear.dl` for `file=` in `dl,file=linear.dl`.
fn words<'t>(tag: &'t str, word: &str) -> Option<&'t str> {
    let mut words = tag.split(',').skip(1);
    words.find_map(|one| one.strip_prefix(word))
}

fn check(block: &Block) -> Result<()> {
    let (json, ok) = check_to_string("docs.dl", &block.text, Format::Short);
    if block.tag == "dl" || block.tag.starts_with("dl,file=") {
        ensure!(ok && json.is_empty(), "{json}");
        return Ok(());
    }
    let Some(code) = block.tag.strip_prefix("dl,error=") else {
        bail!(
            "the tag `{}` is neither dl, dl,file=NAME nor dl,error=DLnnnn",
            block.tag
        );
    };
    ensure!(Code::parse(code).is_some(), "there is no code {code}");
    ensure!(!ok, "the program has no error");
    let errors: Vec<_> = json.lines().filter(|line| line.contains("DL")).collect();
    ensure!(
        errors.iter().all(|line| line.contains(code)),
        "{code} is expected:\n{json}"
    );
    Ok(())
}

/// What a line links to inside the book, without the part after `#`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains(':') && !target.starts_with('#'))
        .map(|target| target.split_once('#').map_or(target, |(file, _)| file))
}

/// Every built-in stands in the reference with the parameters that it has.
fn every_builtin(chapters: &[PathBuf]) -> Result<()> {
    let mut text = String::new();
    for path in chapters {
        text += &crate::files::read(path)?;
    }
    let missing: Vec<_> = builtins()
        .into_iter()
        .map(|(name, params)| format!("`{name}({params})`"))
        .filter(|signature| !text.contains(signature.as_str()))
        .collect();
    ensure!(
        missing.is_empty(),
        "docs/src does not have {}",
        missing.join(", ")
    );
    Ok(())
}
