//! Programs in doc comments and chapters: each is a file of its own, beside the one in which it stands.

use std::cell::Cell;

use dlc_doc::markdown::{Fence, fences};
use dlc_frontend::ast::{Doc, Item, ItemKind};
use dlc_frontend::check;
use dlc_frontend::codes::Code;
use dlc_frontend::diagnostic::Diagnostic;
use dlc_frontend::modules::{LoadError, Loader, is_std};
use dlc_frontend::source::Source;

use super::Report;
use super::program::Program;
use crate::files::Disk;

/// Files on disk, none of which is the one that is loaded first, though it has the name of one.
#[derive(Debug, Default)]
pub(super) struct Beside {
    started: Cell<bool>,
}

impl Loader for Beside {
    fn identity(&self, name: &str) -> String {
        match self.started.replace(true) {
            true => Disk.identity(name),
            false => format!("{name}, an example"),
        }
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        Disk.read(name)
    }
}

/// The name of the file that the programs in a file's doc comments stand beside.
pub(super) fn beside(source: &Source) -> String {
    match is_std(source) {
        true => format!("std/{}.dl", source.stem()),
        false => source.name.clone(),
    }
}

/// The doc comments of a file, each with what stands in it.
pub(super) fn all_docs(items: &[Item]) -> impl Iterator<Item = &Vec<Doc>> {
    items.iter().flat_map(|item| {
        let fields = match &item.kind {
            ItemKind::Struct(s) => s.fields.as_slice(),
            _ => &[],
        };
        std::iter::once(&item.docs).chain(fields.iter().map(|field| &field.docs))
    })
}

/// The text of a doc comment.
pub(super) fn text_of(docs: &[Doc]) -> String {
    let lines: Vec<&str> = docs.iter().map(|doc| doc.text.as_str()).collect();
    lines.join("\n")
}

/// Checks the programs in the doc comments of the files that were asked for; gives their number.
pub(super) fn check_docs(program: &Program, report: &mut Report) -> usize {
    let mut count = 0;
    let roots = (0..program.files.len()).filter(|at| program.files[*at].is_root);
    for at in roots {
        let tree = program.tree(at);
        let source = program.source(at);
        for docs in std::iter::once(&tree.docs).chain(all_docs(&tree.items)) {
            for fence in fences(&text_of(docs)) {
                let placed = in_docs(source, docs, &fence);
                check_one(&beside(source), placed, &fence.tag, report);
                count += 1;
            }
        }
    }
    count
}

/// Where the text of a line of a doc comment begins: after `///` and a blank.
pub(super) fn text_start(source: &Source, doc: &Doc) -> u32 {
    let written = source.slice(doc.span);
    let trimmed = written.trim_end();
    doc.span.start + (trimmed.len() - doc.text.len().min(trimmed.len())) as u32
}

/// A program of a doc comment, in the lines and columns in which it stands.
fn in_docs(source: &Source, docs: &[Doc], fence: &Fence) -> String {
    let first = text_of(docs)[..fence.range.start].matches('\n').count();
    let lines = fence.text.lines().enumerate();
    let places = lines.filter_map(|(index, line)| {
        let doc = docs.get(first + index)?;
        let place = source.line_col(text_start(source, doc));
        Some((place.line, place.col, line))
    });
    placed(places)
}

/// A text that has these lines, each at a line and a column, and nothing else.
pub(super) fn placed<'a>(lines: impl Iterator<Item = (usize, usize, &'a str)>) -> String {
    let mut text = String::new();
    let mut at = 1;
    for (line, column, part) in lines {
        text += &"\n".repeat(line.saturating_sub(at));
        text += &" ".repeat(column - 1);
        text += part;
        at = line.max(at);
    }
    text + "\n"
}

/// Checks a program, which has no errors, or those of the code that its tag names.
pub(super) fn check_one(name: &str, text: String, tag: &str, report: &mut Report) {
    let checked = check(Source::new(name, text), &Beside::default());
    let mut diagnostics = checked.diagnostics;
    // A page of `dlc explain` shows what its code is about, which may only be found when it is built.
    if tag.split(',').any(|word| word == "wrong") {
        return;
    }
    let expected = tag
        .split(',')
        .skip(1)
        .find_map(|word| word.strip_prefix("error="));
    if let Some(expected) = expected {
        let start = checked.sources.root().text.len() as u32;
        let place = dlc_frontend::ast::Span::new(start.saturating_sub(1), start);
        let is_it = |one: &Diagnostic| Code::parse(expected) == Some(one.code);
        let found = diagnostics.iter().any(is_it);
        diagnostics.retain(|one| one.is_error() && !is_it(one));
        if !found {
            let message = format!("this program should have the error {expected}");
            diagnostics.push(Diagnostic::error(Code::DL0609, message, place));
        }
    }
    report.add(&checked.sources, diagnostics);
}
