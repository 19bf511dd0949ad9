//! One text and what the server would say of it, for a page that has no server.

use std::rc::Rc;

use dlc_frontend::modules::Loader;
use dlc_frontend::source::Source;
use dlc_frontend::{Inspected, inspect};
use lsp_types::{Hover, InlayHint, Position, Range, SemanticToken, SemanticTokensLegend};

use crate::features::{hover, inlay, semantic};
use crate::position::offset;
use crate::world::{Analysis, Place};

/// A text that has been checked.
pub struct Text {
    analysis: Rc<Analysis>,
}

impl Text {
    /// Checks a text and what it imports.
    pub fn new(source: Source, files: &dyn Loader) -> Self {
        let inspected = inspect(source, files);
        Self {
            analysis: Rc::new(Analysis { inspected }),
        }
    }

    /// What the checker found.
    pub fn inspected(&self) -> &Inspected {
        &self.analysis.inspected
    }

    /// The types of names that are bound without one.
    pub fn hints(&self) -> Vec<InlayHint> {
        let all = Range::new(Position::new(0, 0), Position::new(u32::MAX - 1, 0));
        inlay::hints(&self.analysis, all)
    }

    /// What is at a position, in Markdown.
    pub fn hover(&self, position: Position) -> Option<Hover> {
        hover::hover(&Place {
            analysis: self.analysis.clone(),
            offset: offset(self.analysis.source(), position),
        })
    }

    /// What kind of thing each word is; the numbers are those of [`Text::legend`].
    pub fn tokens(&self) -> Vec<SemanticToken> {
        semantic::tokens(&self.analysis)
    }

    /// The kinds of words.
    pub fn legend() -> SemanticTokensLegend {
        semantic::legend()
    }
}
