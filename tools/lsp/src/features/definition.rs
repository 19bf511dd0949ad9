//! Where a name is defined, and where it stands.

use std::collections::BTreeSet;

use dlc_frontend::ast::Span;
use dlc_frontend::modules::is_std;
use dlc_frontend::resolve::Target;
use lsp_types::{DocumentHighlight, Location};

use crate::documents::uri_of;
use crate::position::range;
use crate::world::{Analysis, Place, World};

/// Where the name at a place is defined.
pub fn definition(world: &World<'_>, place: &Place) -> Option<Location> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset)?;
    let span = match &named.target {
        Target::Place(span) => *span,
        Target::Module(file) => Span::in_file(*file, 0, 0),
        Target::Std | Target::Builtin(_) => return None,
    };
    world.location(analysis, span)
}

/// A place by the name of its file, so that those of several programs can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The file.
    pub file: String,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Site {
    /// The place of a span.
    pub fn new(analysis: &Analysis, span: Span) -> Self {
        Self {
            file: analysis.inspected.sources.get(span.file).name.clone(),
            start: span.start,
            end: span.end,
        }
    }
}

/// All places in the open programs where what is bound at a place is named, and that place.
pub fn sites(world: &mut World<'_>, declared: &Site) -> BTreeSet<Site> {
    let mut sites = BTreeSet::from([declared.clone()]);
    let names: Vec<String> = world.documents.0.keys().cloned().collect();
    for name in names {
        let Some(analysis) = world.analysis_of(&name) else {
            continue;
        };
        let mut files = analysis.inspected.sources.files().iter();
        let Some(source) = files.find(|source| source.name == declared.file) else {
            continue;
        };
        let span = Span::in_file(source.file, declared.start, declared.end);
        let target = Target::Place(span);
        let named = analysis.inspected.names.of(&target);
        let named: Vec<Site> = named.map(|one| Site::new(&analysis, one.span)).collect();
        sites.extend(named);
    }
    sites
}

/// All places where what the name at a place stands for is named.
pub fn references(world: &mut World<'_>, place: &Place, with: Declared) -> Option<Vec<Location>> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset)?;
    let Target::Place(span) = named.target else {
        // What is not written anywhere is named in this document.
        let named = analysis.inspected.names.of(&named.target);
        let own = named.filter(|one| one.span.file == 0);
        return Some(
            own.filter_map(|one| world.location(analysis, one.span))
                .collect(),
        );
    };
    let declared = Site::new(analysis, span);
    let mut locations = Vec::new();
    for site in sites(world, &declared) {
        if with == Declared::LeftOut && site == declared {
            continue;
        }
        locations.extend(location(world, &site));
    }
    Some(locations)
}

/// Whether the place where a name is declared counts as one where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// It counts.
    Included,
    /// It does not.
    LeftOut,
}

/// A place as the protocol has it, by any program that knows the file.
fn location(world: &mut World<'_>, site: &Site) -> Option<Location> {
    let names: Vec<String> = world.documents.0.keys().cloned().collect();
    for name in names {
        let analysis = world.analysis_of(&name)?;
        let mut files = analysis.inspected.sources.files().iter();
        if let Some(source) = files.find(|source| source.name == site.file) {
            let span = Span::in_file(source.file, site.start, site.end);
            let uri = match is_std(source) {
                true => world.uri(source)?,
                false => uri_of(&site.file)?,
            };
            return Some(Location::new(uri, range(source, span)));
        }
    }
    None
}

/// The places in the document of what the name at a place stands for.
pub fn highlights(place: &Place) -> Option<Vec<DocumentHighlight>> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset)?;
    let all = analysis.inspected.names.of(&named.target);
    let own = all.filter(|one| one.span.file == 0);
    let highlight = |span| DocumentHighlight {
        range: range(analysis.source(), span),
        kind: None,
    };
    Some(own.map(|one| highlight(one.span)).collect())
}
