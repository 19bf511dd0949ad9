//! New names. A change is made to copies first and checked: one that would make names mean something else is refused.

use std::collections::{BTreeMap, HashMap};

use dlc_frontend::ast::{ExprKind, Span};
use dlc_frontend::lexer::lex;
use dlc_frontend::resolve::Target;
use dlc_frontend::source::Source;
use dlc_frontend::token::Tok;
use lsp_types::{PrepareRenameResponse, TextEdit, WorkspaceEdit};

use crate::documents::uri_of;
use crate::features::definition::{Site, sites};
use crate::names::expressions_at;
use crate::position::range;
use crate::world::{Analysis, Place, World};

/// What would be renamed at a place.
pub fn prepare(place: &Place) -> Option<PrepareRenameResponse> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset)?;
    declared(analysis, &named.target).ok()?;
    Some(PrepareRenameResponse::Range(range(
        analysis.source(),
        named.span,
    )))
}

/// The place that a name is declared at, if it may be given another name.
fn declared(analysis: &Analysis, target: &Target) -> Result<Site, String> {
    match target {
        Target::Place(span) => {
            let source = analysis.inspected.sources.get(span.file);
            match dlc_frontend::modules::is_std(source) {
                true => Err("this is part of the standard library".into()),
                false => Ok(Site::new(analysis, *span)),
            }
        }
        Target::Module(_) => Err("a module is called as its file is: rename the file".into()),
        Target::Std | Target::Builtin(_) => Err("this is part of the language".into()),
    }
}

/// The changes that give what is at a place another name, or why there are none.
pub fn rename(world: &mut World<'_>, place: &Place, new: &str) -> Result<WorkspaceEdit, String> {
    let analysis = &place.analysis;
    let named = analysis.inspected.names.at(0, place.offset);
    let named = named.ok_or("there is no name here that is known")?;
    let declared = declared(analysis, &named.target)?;
    let (tokens, _) = lex(&Source::new("", new));
    if !matches!(tokens.as_slice(), [one] if one.tok == Tok::Ident(new.to_owned())) {
        return Err(format!("`{new}` is not a name"));
    }
    let mut edits: BTreeMap<String, Vec<(Span, String)>> = BTreeMap::new();
    for site in sites(world, &declared) {
        let span = Span::new(site.start, site.end);
        let text = replacement(world, &site, new);
        edits.entry(site.file).or_default().push((span, text));
    }
    let texts = changed(world, &edits)?;
    verify(world, &declared, &edits, &texts)?;
    let mut changes = HashMap::new();
    for (file, edits) in edits {
        let uri = uri_of(&file).ok_or_else(|| format!("`{file}` has no address"))?;
        let source = Source::new("", before(world, &file)?);
        let edits = edits.into_iter();
        let edits = edits.map(|(span, text)| TextEdit::new(range(&source, span), text));
        changes.insert(uri, edits.collect());
    }
    Ok(WorkspaceEdit::new(changes))
}

/// What stands for the new name at a place: in `Name { a }` the field keeps its name.
fn replacement(world: &mut World<'_>, site: &Site, new: &str) -> String {
    let Some(analysis) = world.analysis_of(&site.file) else {
        return new.to_owned();
    };
    let span = Span::new(site.start, site.end);
    let short = expressions_at(&analysis, site.start)
        .iter()
        .any(|expr| match &expr.kind {
            ExprKind::Struct { fields, .. } => fields
                .iter()
                .any(|field| field.name.span == span && field.value.span == span),
            _ => false,
        });
    match short {
        true => format!("{}: {new}", analysis.text(span)),
        false => new.to_owned(),
    }
}

/// The text of a file as it is now.
fn before(world: &mut World<'_>, file: &str) -> Result<String, String> {
    let names: Vec<String> = world.documents.0.keys().cloned().collect();
    for name in names {
        if let Some(analysis) = world.analysis_of(&name) {
            let mut files = analysis.inspected.sources.files().iter();
            if let Some(source) = files.find(|source| source.name == file) {
                return Ok(source.text.clone());
            }
        }
    }
    Err(format!("`{file}` is not known"))
}

/// The texts with the changes made.
fn changed(
    world: &mut World<'_>,
    edits: &BTreeMap<String, Vec<(Span, String)>>,
) -> Result<BTreeMap<String, String>, String> {
    let mut texts = BTreeMap::new();
    for (file, edits) in edits {
        let mut text = before(world, file)?;
        for (span, new) in edits.iter().rev() {
            text.replace_range(span.range(), new);
        }
        texts.insert(file.clone(), text);
    }
    Ok(texts)
}

/// Checks the programs with the changes made: there are no more errors, and the same names mean the same thing.
fn verify(
    world: &mut World<'_>,
    declared: &Site,
    edits: &BTreeMap<String, Vec<(Span, String)>>,
    texts: &BTreeMap<String, String>,
) -> Result<(), String> {
    let mut documents = world.documents.clone();
    for (file, text) in texts {
        match documents.0.get_mut(file) {
            Some(document) => document.text = text.clone(),
            // A file that is not open is as good as open for the check.
            None => {
                let uri = uri_of(file).ok_or_else(|| format!("`{file}` has no address"))?;
                let version = 0;
                let text = text.clone();
                let document = crate::documents::Document { uri, version, text };
                documents.0.insert(file.clone(), document);
            }
        }
    }
    let own = edits.get(&declared.file).into_iter().flatten();
    let earlier = own.filter(|(span, _)| span.start < declared.start);
    let shift: i64 = earlier
        .map(|(span, text)| text.len() as i64 - span.len() as i64)
        .sum();
    let start = (i64::from(declared.start) + shift) as u32;
    let names: Vec<String> = world.documents.0.keys().cloned().collect();
    for name in names {
        let Some(old) = world.analysis_of(&name) else {
            continue;
        };
        let mut files = old.inspected.sources.files().iter();
        if !files.any(|source| edits.contains_key(&source.name)) {
            continue;
        }
        let new = world.analyse(&name, documents.0[&name].text.clone(), &documents);
        let errors = |analysis: &Analysis| {
            let all = analysis.inspected.diagnostics.iter();
            all.filter(|one| one.is_error()).count()
        };
        if errors(&new) > errors(&old) {
            let known: Vec<&str> = old
                .inspected
                .diagnostics
                .iter()
                .map(|one| &*one.message)
                .collect();
            let mut all = new
                .inspected
                .diagnostics
                .iter()
                .filter(|one| one.is_error());
            let first = all.find(|one| !known.contains(&&*one.message));
            let why = first.map_or("there are more errors", |one| &one.message);
            return Err(format!("the program would be wrong: {why}"));
        }
        let count = |analysis: &Analysis, at: u32| {
            let mut files = analysis.inspected.sources.files().iter();
            files
                .find(|source| source.name == declared.file)
                .map(|source| {
                    let end = analysis.inspected.names.references.iter();
                    let mut end =
                        end.filter(|one| one.span.file == source.file && one.span.start == at);
                    end.next()
                        .map_or(0, |one| analysis.inspected.names.of(&one.target).count())
                })
        };
        if count(&old, declared.start) != count(&new, start) {
            return Err("another thing of that name is in reach: they would be mixed up".into());
        }
    }
    Ok(())
}
