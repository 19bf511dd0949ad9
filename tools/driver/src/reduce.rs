//! Smaller programs that still show something: what `dlc reduce` tries.
//!
//! The syntax tree says which parts of the text may go or be replaced by a part of themselves ([`edits`]); what is
//! left is text again, so nothing but spans is needed of it. Whether a smaller program is still of use, the caller says. All
//! edits are tried again until none is left that helps.

mod edits;

use crate::{compile, files::Disk};
use dlc_frontend::{ast::ItemKind, format, parser, source::Source};

/// Replaces bytes of a text; the ranges do not overlap and are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit(pub Vec<(std::ops::Range<usize>, String)>);

impl Edit {
    /// The text without some bytes.
    pub fn remove(range: std::ops::Range<usize>) -> Self {
        Edit(vec![(range, String::new())])
    }

    /// The changed text; nothing where ranges overlap.
    fn apply(&self, text: &str) -> Option<String> {
        let mut parts = self.0.clone();
        parts.sort_by_key(|(range, _)| (range.start, range.end));
        parts.dedup();
        let mut changed = String::new();
        let mut at = 0;
        for (range, by) in &parts {
            changed += text.get(at..range.start)?;
            changed += by;
            at = range.end;
        }
        Some(changed + text.get(at..)?)
    }
}

/// Makes a program smaller as long as `keeps` says that the smaller one still shows what is looked for. The result is in the
/// language's one layout, without comments, where that still shows it.
pub fn reduce(text: &str, keeps: &mut dyn FnMut(&str) -> bool) -> String {
    let mut text = text.to_string();
    let mut try_text = |text: &mut String, candidate: String| {
        let smaller = complexity(&candidate) < complexity(text);
        let better = candidate != *text && smaller && keeps(&candidate);
        if better {
            *text = candidate;
        }
        better
    };
    let bare = without_comments(&text);
    try_text(&mut text, bare);
    loop {
        let before = text.clone();
        for kind in edits::KINDS {
            let mut at = 0;
            loop {
                let edits = kind(&text);
                let Some(edit) = edits.get(at) else { break };
                let candidate = edit.apply(&text);
                if !candidate.is_some_and(|candidate| try_text(&mut text, candidate)) {
                    at += 1;
                }
            }
        }
        if text == before {
            break;
        }
    }
    match formatted(&text) {
        Some(laid_out) if laid_out == text || keeps(&laid_out) => laid_out,
        _ => text,
    }
}

/// Whether a text in place of a source's has no errors.
pub fn is_valid(source: &compile::Source, text: &str) -> bool {
    let source = Source::new(source.name, text);
    dlc_frontend::check(source, &Disk).program.is_some()
}

/// The names of the parameters and dims of an export; of the first one, where none is named.
pub fn names(text: &str, export: Option<&str>) -> Vec<String> {
    let (file, _) = parser::parse(&Source::new("reduced.dl", text));
    let exports = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Fn(function) if function.export => Some(function),
        _ => None,
    });
    let wanted = |name: &str| export.is_none_or(|export| export == name);
    let Some(function) = exports.into_iter().find(|one| wanted(&one.name.name)) else {
        return vec![];
    };
    let params = function.params.iter().map(|param| param.name.name.clone());
    params
        .chain(function.dims.iter().map(|dim| dim.name.name.clone()))
        .collect()
}

/// How large a program is; of two with the same words the one with smaller numbers is the smaller one.
fn complexity(text: &str) -> (usize, u64) {
    /// What a line counts, in characters.
    const LINE: usize = 8;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let numbers = words.filter_map(|word| word.parse::<u64>().ok());
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let size = text.chars().filter(|c| !c.is_whitespace()).count() + LINE * lines.count();
    (size, numbers.fold(0, u64::saturating_add))
}

/// The text in the one layout.
fn formatted(text: &str) -> Option<String> {
    // Blank lines stand where something was.
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    format::format(&Source::new("reduced.dl", text)).ok()
}

/// The text without comments and documentation.
fn without_comments(text: &str) -> String {
    let source = Source::new("reduced.dl", text);
    let (file, _) = parser::parse(&source);
    let strings = edits::strings(&file);
    let mut bare = String::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let mut comments = line.match_indices("//").map(|(at, _)| at);
        let inside = |at: &usize| strings.iter().any(|range| range.contains(&(offset + at)));
        let kept = match comments.find(|at| !inside(at)) {
            Some(at) => line[..at].trim_end(),
            None => line.trim_end(),
        };
        if !kept.is_empty() {
            bare += kept;
            bare.push('\n');
        }
        offset += line.len();
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_frontend::{check_to_string, render::Format};

    /// Reduces a program as long as it has no errors and some words.
    fn reduced(text: &str, words: &[&str]) -> String {
        reduce(text, &mut |text| {
            words.iter().all(|word| text.contains(word))
                && check_to_string("m.dl", text, Format::Short).1
        })
    }

    #[test]
    fn what_does_not_matter_goes() {
        let text = "\
//! A model.
use std::nn::linear
const D = 64 // wide
struct P { w: f32[D, 8], b: f32[8] }

/// Not called.
fn other(x: f32) -> f32 { x + 1.0 }

fn layer<B>(p: P, x: f32[B, D]) -> f32[B, 8] {
  let y = x @ p.w // a product
  let z = y + p.b
  tanh(z * 2.0)
}

export fn f<B in 1..=64>(p: P, x: f32[B, D], s: f32) -> f32[B, 8] {
  var h = layer(p, x)
  for i in 0..4 { h = h * s }
  if s > 0.0 { h } else { -h }
}

test \"//\" { assert(1 < 2) }
";
        let small = reduced(text, &["export fn f", "tanh"]);
        assert!(small.lines().count() <= 3, "{small}");
        assert!(
            !small.contains("struct") && !small.contains("for"),
            "{small}"
        );
        let small = reduced(text, &["export fn f", "@"]);
        assert!(small.lines().count() <= 6, "{small}");
    }

    #[test]
    fn edits_are_applied_together() {
        let edit = Edit(vec![(4..5, "z".into()), (0..1, "ab".into())]);
        assert_eq!(edit.apply("x + y").as_deref(), Some("ab + z"));
        let overlapping = Edit(vec![(0..3, String::new()), (2..4, String::new())]);
        assert_eq!(overlapping.apply("x + y"), None);
        assert_eq!(without_comments("a // b\n\n/// c\nd\n"), "a\nd\n");
    }
}
