//! What the server knows: the open documents, and what the checker found in them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use dlc_frontend::ast::{File, Span};
use dlc_frontend::modules::{Loader, is_std};
use dlc_frontend::source::Source;
use dlc_frontend::{Inspected, inspect};
use lsp_types::{Location, Position, Url};

use crate::documents::{Document, Documents, Overlay, name_of, uri_of};
use crate::position::{offset, range};

/// What the server is given by the program that runs it.
pub struct Settings<'a> {
    /// The files that are not open in the editor.
    pub disk: &'a dyn Loader,
    /// A folder for copies of the standard library, so that an editor may show them.
    pub std_folder: Option<PathBuf>,
}

/// How many analyses that hold no more are kept at most, where an editor never pauses.
const MAX_OUTDATED: usize = 8;

/// All that is known.
pub struct World<'a> {
    settings: Settings<'a>,
    /// What is open.
    pub documents: Documents,
    analyses: HashMap<String, Rc<Analysis>>,
    /// What holds no more. To free it takes as long as a fifth of a check, so that it waits until nobody else does.
    outdated: Vec<Rc<Analysis>>,
}

/// What the checker found in a document and what it imports.
pub struct Analysis {
    /// What it found; file 0 is the document.
    pub inspected: Inspected,
}

/// A byte of a document, and what is known there.
pub struct Place {
    /// What is known of the document.
    pub analysis: Rc<Analysis>,
    /// The byte.
    pub offset: u32,
}

impl Analysis {
    /// The document.
    pub fn source(&self) -> &Source {
        self.inspected.sources.root()
    }

    /// The document's tree.
    pub fn tree(&self) -> &File {
        &self.inspected.trees[0]
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.inspected.sources.slice(span)
    }
}

impl<'a> World<'a> {
    /// Nothing is open.
    pub fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            documents: Documents::default(),
            analyses: HashMap::new(),
            outdated: Vec::new(),
        }
    }

    /// Opens a document.
    pub fn open(&mut self, document: Document) {
        self.forget();
        let name = name_of(&document.uri);
        self.documents.0.insert(name, document);
    }

    /// Closes a document.
    pub fn close(&mut self, uri: &Url) {
        self.forget();
        self.documents.0.remove(&name_of(uri));
    }

    /// An open document, to be changed.
    pub fn change(&mut self, uri: &Url) -> Option<&mut Document> {
        if self.outdated.len() >= MAX_OUTDATED {
            self.tidy();
        }
        let name = name_of(uri);
        // What could not be read may be readable now.
        let outdated = self.analyses.extract_if(|_, analysis| {
            let sources = &analysis.inspected.sources;
            sources.files().iter().any(|source| source.name == name)
        });
        self.outdated.extend(outdated.map(|(_, analysis)| analysis));
        self.documents.0.get_mut(&name)
    }

    /// Forgets what was found, as files on the disk may have changed.
    pub fn forget(&mut self) {
        let outdated = self.analyses.drain();
        self.outdated.extend(outdated.map(|(_, analysis)| analysis));
    }

    /// Frees what holds no more.
    pub fn tidy(&mut self) {
        self.outdated.clear();
    }

    /// Whether what is in a document is known.
    pub fn is_known(&self, name: &str) -> bool {
        self.analyses.contains_key(name)
    }

    /// The text of an open document.
    pub fn source(&self, uri: &Url) -> Option<Source> {
        let document = self.documents.0.get(&name_of(uri))?;
        Some(Source::new("", document.text.clone()))
    }

    /// What is in an open document.
    pub fn analysis(&mut self, uri: &Url) -> Option<Rc<Analysis>> {
        self.analysis_of(&name_of(uri))
    }

    /// What is in the open document of a name.
    pub fn analysis_of(&mut self, name: &str) -> Option<Rc<Analysis>> {
        if let Some(known) = self.analyses.get(name) {
            return Some(known.clone());
        }
        let text = self.documents.0.get(name)?.text.clone();
        let analysis = Rc::new(self.analyse(name, text, &self.documents));
        self.analyses.insert(name.to_owned(), analysis.clone());
        Some(analysis)
    }

    /// What is in a text that stands for an open document, next to these documents.
    pub fn analyse(&self, name: &str, text: String, documents: &Documents) -> Analysis {
        let overlay = Overlay {
            documents,
            disk: self.settings.disk,
        };
        let source = Source::new(self.std_name(name), text);
        Analysis {
            inspected: inspect(source, &overlay),
        }
    }

    /// What is known at a position of an open document.
    pub fn place(&mut self, uri: &Url, position: Position) -> Option<Place> {
        let analysis = self.analysis(uri)?;
        let offset = offset(analysis.source(), position);
        Some(Place { analysis, offset })
    }

    /// The location of a span. A module of the standard library is written to its folder.
    pub fn location(&self, analysis: &Analysis, span: Span) -> Option<Location> {
        let source = analysis.inspected.sources.get(span.file);
        Some(Location::new(self.uri(source)?, range(source, span)))
    }

    /// The address of a file.
    pub fn uri(&self, source: &Source) -> Option<Url> {
        if !is_std(source) {
            return uri_of(&source.name);
        }
        let folder = self.settings.std_folder.as_ref()?;
        let path = folder.join(source.name.rsplit('/').next()?);
        let written = std::fs::read_to_string(&path).is_ok_and(|text| text == source.text);
        if !written {
            std::fs::create_dir_all(folder).ok()?;
            std::fs::write(&path, &source.text).ok()?;
        }
        Url::from_file_path(path).ok()
    }

    /// What the checker calls a file: a copy of a module of the standard library is that module.
    fn std_name(&self, name: &str) -> String {
        let folder = self.settings.std_folder.as_deref();
        let path = std::path::Path::new(name);
        match path.file_name() {
            Some(file) if folder.is_some() && path.parent() == folder => {
                format!("<std>/{}", file.to_string_lossy())
            }
            _ => name.to_owned(),
        }
    }
}
