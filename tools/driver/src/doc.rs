//! `dlc doc`: a site about the items of programs and chapters in Markdown, from what the frontend knows of them.
//!
//! What is found out here is plain data; `dlc_doc` makes pages of it.

mod collect;
mod examples;
mod guide;
mod pieces;
mod program;
mod words;

use dlc_doc::model::Library;
use dlc_doc::site;
use dlc_frontend::diagnostic::{Diagnostic, sort};
use dlc_frontend::modules::std_source;
use dlc_frontend::source::SourceMap;

use crate::compile::{Failure, Session, Source};
use crate::source;
use program::Program;

pub use dlc_doc::site::File;
pub use guide::Guide;

/// What to write about.
pub struct Request<'a> {
    /// The title of the site.
    pub title: &'a str,
    /// Files of programs.
    pub files: &'a [Source<'a>],
    /// Modules of the standard library, by name.
    pub std: &'a [&'a str],
    /// Chapters that come first.
    pub guide: Option<Guide>,
    /// What becomes of the programs in doc comments and chapters.
    pub examples: Examples,
}

/// What becomes of the programs in doc comments and chapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examples {
    /// They are shown.
    Show,
    /// They are checked, and nothing is shown.
    Check,
}

/// What came of a request.
pub struct Documented {
    /// The files of the site; none where programs were only checked.
    pub files: Vec<File>,
    /// How many programs were checked.
    pub examples: usize,
    /// The warnings, ready to be shown.
    pub warnings: String,
}

/// Makes the files of a site, or checks the programs that it would show.
pub fn document(session: &Session, request: &Request) -> Result<Documented, Failure> {
    if let Some(module) = request.files.iter().find(|file| source::is_module(file)) {
        return Err(Failure::Usage(format!(
            "{} is a module of the IR, not DL\nhelp: `dlc doc` is for DL sources",
            module.name
        )));
    }
    let own = request.files.iter().map(source::text);
    let std = request.std.iter().filter_map(|name| std_source(name));
    let roots: Vec<_> = own.chain(std).collect();
    let mut report = Report::new(session);
    let program = Program::new(roots);
    for inspected in &program.inspected {
        let errors = inspected.diagnostics.iter().filter(|one| one.is_error());
        report.add(&inspected.sources, errors.cloned().collect());
    }
    if report.errors > 0 {
        return Err(report.failure());
    }
    if request.examples == Examples::Check {
        let mut count = examples::check_docs(&program, &mut report);
        if let Some(guide) = &request.guide {
            count += guide.check(&mut report);
        }
        return report.finish(Vec::new(), count);
    }
    let mut library = Library {
        title: request.title.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chapters: Vec::new(),
        attachments: Vec::new(),
        builtins: Vec::new(),
        modules: Vec::new(),
    };
    let outline = request.guide.as_ref().map(Guide::outline);
    let outline = outline.unwrap_or_default();
    library.builtins = outline.explained();
    library.modules = collect::modules(&program, &outline, &mut report);
    if let Some(guide) = &request.guide {
        (library.chapters, library.attachments) =
            guide.chapters(&program, &outline, &mut report)?;
    }
    report.finish(site::pages(&library), 0)
}

/// What there is to say about the programs and chapters.
pub(crate) struct Report<'s> {
    session: &'s Session,
    text: String,
    errors: usize,
}

impl<'s> Report<'s> {
    fn new(session: &'s Session) -> Self {
        Self {
            session,
            text: String::new(),
            errors: 0,
        }
    }

    /// Adds what is to be said about these files.
    fn add(&mut self, sources: &SourceMap, mut diagnostics: Vec<Diagnostic>) {
        self.session.options().lints.apply(&mut diagnostics);
        sort(&mut diagnostics);
        self.errors += diagnostics.iter().filter(|one| one.is_error()).count();
        self.text += &source::rendered(self.session, sources, &diagnostics);
    }

    fn failure(self) -> Failure {
        Failure::User {
            rendered: self.text,
            errors: self.errors,
        }
    }

    fn finish(self, files: Vec<File>, examples: usize) -> Result<Documented, Failure> {
        match self.errors {
            0 => Ok(Documented {
                files,
                examples,
                warnings: self.text,
            }),
            _ => Err(self.failure()),
        }
    }
}
