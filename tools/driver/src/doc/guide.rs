//! Chapters in Markdown, in the order of a `SUMMARY.md`, as mdBook has it.

use std::collections::{BTreeMap, BTreeSet};

use dlc_doc::markdown::{self, Place, anchor, fences};
use dlc_doc::model::{Attachment, Chapter, page};
use dlc_frontend::ast::Span;
use dlc_frontend::builtins;
use dlc_frontend::codes::Code;
use dlc_frontend::diagnostic::Diagnostic;
use dlc_frontend::source::{Source, SourceMap};

use super::Report;
use super::examples::{check_one, placed};
use super::program::Program;
use super::words::{Outline, Scope, builtin_anchor};
use crate::compile::Failure;

/// The name of the table of contents.
const SUMMARY: &str = "SUMMARY.md";

/// The files of a folder of chapters.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// The folder, as shown in messages.
    pub folder: String,
    /// Chapters and the table of contents by their paths in the folder.
    pub texts: BTreeMap<String, String>,
    /// What chapters show or link to, by its path.
    pub attachments: BTreeMap<String, Vec<u8>>,
}

/// A line of the table of contents.
struct Line {
    title: String,
    path: String,
    depth: usize,
    part: Option<String>,
}

/// The page of a chapter without `.html`.
fn slug(path: &str) -> String {
    let path = path.strip_suffix(".md").unwrap_or(path);
    format!("guide-{}", path.replace('/', "-"))
}

/// The chapters of a table of contents.
fn lines(summary: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut part = None;
    for line in summary.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            part = (title != "Summary").then(|| title.to_owned());
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let entry = line.trim_start().trim_start_matches("- ");
        let Some((title, path)) = entry
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]("))
        else {
            continue;
        };
        let Some((path, _)) = path.split_once(')') else {
            continue;
        };
        lines.push(Line {
            title: title.to_owned(),
            path: path.trim_start_matches("./").to_owned(),
            depth: indent / 2,
            part: part.take(),
        });
    }
    lines
}

impl Guide {
    fn lines(&self) -> Vec<Line> {
        self.texts
            .get(SUMMARY)
            .map_or(Vec::new(), |text| lines(text))
    }

    /// What the chapters explain, and where.
    pub(super) fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        let builtins = builtins();
        for line in self.lines() {
            let text = self.texts.get(&line.path).map_or("", String::as_str);
            let page = page(&slug(&line.path));
            for (name, params) in &builtins {
                if text.contains(&format!("`{name}({params})`")) {
                    let address = format!("{page}#{}", builtin_anchor(name));
                    outline
                        .builtins
                        .entry((*name).to_owned())
                        .or_insert(address);
                }
            }
            let stem = line.path.rsplit('/').next().unwrap_or_default();
            let code = stem.strip_suffix(".md").and_then(Code::parse);
            if let Some(code) = code {
                outline.codes.insert(code.name().to_owned(), page);
            }
        }
        outline
    }

    /// The chapters, and what they show or link to.
    pub(super) fn chapters(
        &self,
        program: &Program,
        outline: &Outline,
        report: &mut Report,
    ) -> Result<(Vec<Chapter>, Vec<Attachment>), Failure> {
        let lines = self.lines();
        if lines.is_empty() {
            return Err(Failure::Usage(format!(
                "{} has no {SUMMARY} that lists chapters\nhelp: a line of it is `- [Title](file.md)`",
                self.folder
            )));
        }
        let listed: BTreeSet<&str> = lines.iter().map(|line| line.path.as_str()).collect();
        let mut chapters = Vec::new();
        for line in &lines {
            let Some(text) = self.texts.get(&line.path) else {
                let message = format!(
                    "{}/{SUMMARY} lists {}, which is not there",
                    self.folder, line.path
                );
                return Err(Failure::Usage(message));
            };
            let files = |path: &str| self.file(&listed, &line.path, path);
            let scope = Scope {
                program,
                outline,
                file: None,
                own: BTreeSet::new(),
                beside: "example.dl",
                files: &files,
            };
            let place = Place {
                below: 0,
                prefix: "",
            };
            let rendered = markdown::render(text, &scope, place);
            let source = Source::new(format!("{}/{}", self.folder, line.path), text.as_str());
            let broken = rendered.broken.iter().map(|broken| {
                let span = Span::new(broken.range.start as u32, broken.range.end as u32);
                let message = format!("`{}` leads nowhere", broken.name);
                Diagnostic::warning(Code::DL0906, message, span)
                    .help("a chapter that is listed, a heading, a code or `std::nn::linear` can be linked to")
            });
            report.add(&SourceMap::from(source), broken.collect());
            chapters.push(Chapter {
                title: line.title.replace('`', ""),
                depth: line.depth,
                part: line.part.clone(),
                slug: slug(&line.path),
                html: rendered.docs.html,
                sections: rendered.sections,
            });
        }
        let attachments = self.attachments.iter().map(|(path, bytes)| Attachment {
            name: attachment(path),
            bytes: bytes.clone(),
        });
        Ok((chapters, attachments.collect()))
    }

    /// The address of what a chapter links to by its path.
    fn file(&self, listed: &BTreeSet<&str>, from: &str, target: &str) -> Option<String> {
        let (path, heading) = match target.split_once('#') {
            Some((path, heading)) => (path, Some(heading)),
            None => (target, None),
        };
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = joined(folder, path);
        if self.attachments.contains_key(&path) {
            return Some(attachment(&path));
        }
        let text = self
            .texts
            .get(&path)
            .filter(|_| listed.contains(path.as_str()))?;
        let page = page(&slug(&path));
        match heading {
            None => Some(page),
            Some(heading) => {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let found = headings.any(|line| {
                    anchor(&line.trim_start_matches('#').trim().replace('`', "")) == heading
                });
                found.then(|| format!("{page}#{heading}"))
            }
        }
    }

    /// Checks the programs in the chapters; gives their number.
    pub(super) fn check(&self, report: &mut Report) -> usize {
        let mut count = 0;
        for line in self.lines() {
            let text = self.texts.get(&line.path).map_or("", String::as_str);
            let name = format!("{}/{}", self.folder, line.path);
            for fence in fences(text) {
                let first = text[..fence.range.start].matches('\n').count() + 1;
                let lines = fence.text.lines().enumerate();
                let program = placed(lines.map(|(index, line)| (first + index, 1, line)));
                check_one(&name, program, &fence.tag, report);
                count += 1;
            }
        }
        count
    }
}

/// A path from a folder, without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The name in the site of a file that stands beside chapters.
fn attachment(path: &str) -> String {
    format!("guide-{}", path.replace('/', "-"))
}
