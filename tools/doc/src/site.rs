//! The files of a site.

use crate::model::Library;
use crate::{page, search};

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name; all lie in one folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Names of pages that have a meaning of their own; no module may take one.
pub const RESERVED: &[&str] = &["index"];

/// The policy of each page: scripts, styles and pictures of the site, and nothing else.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                                 base-uri 'none'; form-action 'none'";

pub(crate) const STYLE: &str = "doc.css";
pub(crate) const SCRIPT: &str = "doc.js";

/// All files.
pub fn pages(library: &Library) -> Vec<File> {
    let mut files = vec![
        file(STYLE, include_str!("../assets/doc.css")),
        file(SCRIPT, include_str!("../assets/doc.js")),
        file("search.js", search::script(library)),
        file("index.html", page::index(library)),
    ];
    for at in 0..library.chapters.len() {
        let name = crate::model::page(&library.chapters[at].slug);
        files.push(file(&name, page::chapter(library, at)));
    }
    for module in &library.modules {
        files.push(file(&module.page(), page::module(library, module)));
        files.push(file(&module.source_page(), page::source(library, module)));
    }
    files.extend(library.attachments.iter().map(|one| File {
        name: one.name.clone(),
        bytes: one.bytes.clone(),
    }));
    files
}

fn file(name: &str, text: impl Into<String>) -> File {
    File {
        name: name.to_owned(),
        bytes: text.into().into_bytes(),
    }
}
