//! Diagnostics as text: in rustc's layout, one line each, JSON, or SARIF.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Padding, Patch, Renderer, Snippet,
};
use serde_json::{Value, json};

pub mod sarif;

use crate::ast::Span;
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{Source, SourceMap};
use crate::summary::summarise;

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, without colours.
    #[default]
    Plain,
    /// For people, with colours.
    Colour,
    /// For people who have it read to them: no drawings.
    Narrated,
    /// `file:line:col: error[DL0203]: message`.
    Short,
    /// One JSON object a line.
    Json,
    /// One SARIF result a line, to be put into a [`sarif::log`].
    Sarif,
}

/// The diagnostics as text, each ending with a newline. For people very many are summed up; programs get all of them.
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic], format: Format) -> String {
    let mut text = String::new();
    let summary;
    let diagnostics = match format {
        Format::Plain | Format::Colour | Format::Narrated => {
            summary = summarise(sources, diagnostics);
            &summary
        }
        Format::Short | Format::Json | Format::Sarif => diagnostics,
    };
    for diagnostic in diagnostics {
        match format {
            Format::Plain => text += &human(sources, diagnostic, &Renderer::plain()),
            Format::Colour => text += &human(sources, diagnostic, &Renderer::styled()),
            Format::Narrated => {
                text += &human(sources, diagnostic, &Renderer::plain().no_graphics(true))
            }
            Format::Short => text += &short(sources, diagnostic),
            Format::Json => text += &json(sources, diagnostic).to_string(),
            Format::Sarif => text += &sarif::result(sources, diagnostic).to_string(),
        }
        text.push('\n');
        if matches!(format, Format::Plain | Format::Colour | Format::Narrated) {
            text.push('\n');
        }
    }
    text
}

/// The longest line that is shown.
const MAX_LINE_BYTES: usize = 1000;

/// A window of lines of a source: annotate-snippets need not see more.
struct Window<'a> {
    source: &'a Source,
    text: &'a str,
    first_line: usize,
    start: usize,
}

impl<'a> Window<'a> {
    /// The lines that the spans cover, and one more on both sides.
    fn around(source: &'a Source, spans: impl Iterator<Item = Span>) -> Self {
        let (first, last) = spans.fold((usize::MAX, 1), |(first, last), span| {
            let (from, to) = (
                source.line_col(span.start).line,
                source.line_col(span.end).line,
            );
            (first.min(from), last.max(to))
        });
        let first_line = first.saturating_sub(1).clamp(1, source.line_count());
        let start = source.line_start(first_line) as usize;
        let end = source.line_start(last + 2) as usize;
        Self {
            source,
            text: &source.text[start..end],
            first_line,
            start,
        }
    }

    /// A span within the window, moved to whole characters.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let text = self.text;
        let inside = |offset: u32| (offset as usize).saturating_sub(self.start).min(text.len());
        let (mut from, mut to) = (inside(span.start), inside(span.end));
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        to = to.max(from);
        while !text.is_char_boundary(to) {
            to += 1;
        }
        from..to
    }

    /// Whether its lines are short enough to be shown.
    fn is_readable(&self) -> bool {
        self.text.lines().all(|line| line.len() <= MAX_LINE_BYTES)
    }

    fn snippet<T: Clone>(&self) -> Snippet<'a, T> {
        Snippet::source(self.text)
            .line_start(self.first_line)
            .path(self.source.name.as_str())
            .fold(true)
    }
}

fn level_of(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Remark => Level::INFO.with_name("remark"),
    }
}

fn human(sources: &SourceMap, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let labels = || std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
    let mut files = vec![diagnostic.primary.span.file];
    for label in labels() {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let title = level_of(diagnostic.severity)
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    for file in files {
        let inside: Vec<&Label> = labels().filter(|label| label.span.file == file).collect();
        let window = Window::around(sources.get(file), inside.iter().map(|label| label.span));
        if window.is_readable() {
            let annotations = inside
                .iter()
                .map(|label| annotation(diagnostic, &window, label));
            group = group.element(window.snippet().annotations(annotations));
        } else {
            group = group.elements(inside.iter().map(|label| origin(&window, label)));
        }
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    let explain = Level::NOTE
        .with_name("explain")
        .message(format!("dlc explain {}", diagnostic.code));
    let Some(help) = &diagnostic.help else {
        return renderer.render(&[group.element(explain)]);
    };
    let window = help
        .replacement
        .as_ref()
        .map(|(span, _)| Window::around(sources.get(span.file), std::iter::once(*span)));
    let (Some((span, replacement)), Some(window)) =
        (&help.replacement, window.filter(Window::is_readable))
    else {
        return renderer.render(&[group
            .element(Level::HELP.message(help.text.as_str()))
            .element(explain)]);
    };
    let patch = Patch::new(window.range(*span), replacement.as_str());
    let title = Level::HELP.secondary_title(help.text.as_str());
    let mut fix = title.element(window.snippet().patch(patch));
    let replaced = &window.text[window.range(*span)];
    if replacement.starts_with(replaced) || replacement.ends_with(replaced) {
        fix = fix.element(Padding); // what is only added is shown without a line of its own
    }
    renderer.render(&[group, fix.element(explain)])
}

fn annotation<'a>(
    diagnostic: &Diagnostic,
    window: &Window<'a>,
    label: &'a Label,
) -> Annotation<'a> {
    let primary = std::ptr::eq(label, &raw const diagnostic.primary);
    let kind = if primary {
        AnnotationKind::Primary
    } else {
        AnnotationKind::Context
    };
    let annotation = kind.span(window.range(label.span));
    if label.text.is_empty() {
        annotation
    } else {
        annotation.label(label.text.as_str())
    }
}

/// A place without its text.
fn origin<'a>(window: &Window<'a>, label: &Label) -> Origin<'a> {
    let place = window.source.line_col(label.span.start);
    Origin::path(window.source.name.as_str())
        .line(place.line)
        .char_column(place.col)
}

fn short(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let source = sources.get(diagnostic.primary.span.file);
    let place = source.line_col(diagnostic.primary.span.start);
    let (severity, code, message) = (
        diagnostic.severity.name(),
        diagnostic.code,
        &diagnostic.message,
    );
    format!(
        "{}:{}:{}: {severity}[{code}]: {message}",
        source.name, place.line, place.col
    )
}

fn json(sources: &SourceMap, diagnostic: &Diagnostic) -> Value {
    let place = |span: Span| {
        let source = sources.get(span.file);
        let (from, to) = (source.line_col(span.start), source.line_col(span.end));
        json!({
            "file": source.name,
            "start": span.start, "end": span.end,
            "line": from.line, "col": from.col,
            "end_line": to.line, "end_col": to.col,
        })
    };
    let label = |label: &Label| {
        let mut value = place(label.span);
        value["label"] = json!(label.text);
        value
    };
    json!({
        "severity": diagnostic.severity.name(),
        "code": diagnostic.code.name(),
        "title": diagnostic.code.title(),
        "message": diagnostic.message,
        "primary": label(&diagnostic.primary),
        "secondary": diagnostic.secondary.iter().map(label).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help.as_ref().map(|help| json!({
            "text": help.text,
            "replacement": help.replacement.as_ref().map(|(span, text)| {
                let mut value = place(*span);
                value["text"] = json!(text);
                value
            }),
        })),
    })
}
