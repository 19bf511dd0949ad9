//! The documents that the editor has open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dlc_frontend::modules::{LoadError, Loader};
use dlc_frontend::source::Source;
use lsp_types::{TextDocumentContentChangeEvent, Url};

use crate::position::offset;

/// A document that the editor has open.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its address.
    pub uri: Url,
    /// The version that the editor gave.
    pub version: i32,
    /// Its text.
    pub text: String,
}

impl Document {
    /// Makes the changes of an editor, one after another.
    pub fn change(&mut self, changes: Vec<TextDocumentContentChangeEvent>) {
        for change in changes {
            let Some(range) = change.range else {
                self.text = change.text;
                continue;
            };
            let source = Source::new("", std::mem::take(&mut self.text));
            let (start, end) = (offset(&source, range.start), offset(&source, range.end));
            self.text = source.text;
            let range = start.min(end) as usize..start.max(end) as usize;
            self.text.replace_range(range, &change.text);
        }
    }
}

/// The documents by their names.
#[derive(Clone, Debug, Default)]
pub struct Documents(pub BTreeMap<String, Document>);

/// The name of a document, as the checker takes it: the path of a file, or the address of anything else.
pub fn name_of(uri: &Url) -> String {
    match uri.to_file_path() {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(()) => uri.to_string(),
    }
}

/// The address of a name.
pub fn uri_of(name: &str) -> Option<Url> {
    Url::from_file_path(name)
        .ok()
        .or_else(|| Url::parse(name).ok())
}

/// Open documents, and what lies on the disk behind them.
pub struct Overlay<'a> {
    /// What is open.
    pub documents: &'a Documents,
    /// The disk.
    pub disk: &'a dyn Loader,
}

impl Loader for Overlay<'_> {
    fn resolve(&self, importer: &str, path: &str) -> String {
        // One file has one name, so that names of several programs can be compared.
        let folder = Path::new(importer).parent().unwrap_or(Path::new(""));
        normal(&folder.join(path)).to_string_lossy().into_owned()
    }

    fn identity(&self, name: &str) -> String {
        // One that is open may not be on the disk yet, or no longer.
        let identity = self.disk.identity(name);
        match identity == name {
            true => normal(Path::new(name)).to_string_lossy().into_owned(),
            false => identity,
        }
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        if let Some(document) = self.documents.0.get(name) {
            return Ok(document.text.clone());
        }
        let identity = self.identity(name);
        let mut open = self.documents.0.iter();
        match open.find(|(open, _)| self.identity(open) == identity) {
            Some((_, document)) => Ok(document.text.clone()),
            None => self.disk.read(name),
        }
    }
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.file_name().is_some() => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use lsp_types::{Position, Range};

    use super::*;

    #[test]
    fn changes_are_made_in_order() {
        let mut document = Document {
            uri: Url::parse("file:///a.dl").unwrap(),
            version: 1,
            text: "// 𝄞\nlet a = 1".into(),
        };
        let change = |line, from, to, text: &str| TextDocumentContentChangeEvent {
            range: Some(Range::new(
                Position::new(line, from),
                Position::new(line, to),
            )),
            range_length: None,
            text: text.into(),
        };
        document.change(vec![
            change(1, 8, 9, "22"),
            change(1, 9, 9, "3"),
            change(0, 5, 5, "x"),
        ]);
        assert_eq!(document.text, "// 𝄞x\nlet a = 232");
        // From end to start, as some editors send it.
        document.change(vec![TextDocumentContentChangeEvent {
            range: Some(Range::new(Position::new(1, 9), Position::new(1, 8))),
            range_length: None,
            text: String::new(),
        }]);
        assert_eq!(document.text, "// 𝄞x\nlet a = 32");
    }

    #[test]
    fn names_and_addresses() {
        let uri = Url::parse("file:///a%20b/c.dl").unwrap();
        assert_eq!(name_of(&uri), "/a b/c.dl");
        assert_eq!(uri_of("/a b/c.dl"), Some(uri));
        let untitled = Url::parse("untitled:Untitled-1").unwrap();
        assert_eq!(uri_of(&name_of(&untitled)), Some(untitled));
        assert_eq!(
            normal(Path::new("/a/./b/../c.dl")),
            PathBuf::from("/a/c.dl")
        );
    }
}
