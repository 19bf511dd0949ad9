//! Finding things in what the checker found: the item of a name, the expression at a byte, a name as it is written.

use dlc_frontend::ast::visit::{self, Visitor};
use dlc_frontend::ast::{Doc, Expr, Field, Fn, Item, ItemKind, Span, Struct};
use dlc_frontend::resolve::Target;

use crate::world::Analysis;

/// What a name is declared by.
#[derive(Clone, Copy)]
pub enum Declaration<'a> {
    /// A constant, struct or function.
    Item(&'a Item),
    /// A field of a struct.
    Field(&'a Struct, &'a Field),
}

/// What declares the name that stands at a place.
pub fn declaration(analysis: &Analysis, name: Span) -> Option<Declaration<'_>> {
    let tree = analysis.inspected.trees.get(name.file as usize)?;
    let holds = |item: &&Item| item.span.start <= name.start && name.end <= item.span.end;
    let item = tree.items.iter().find(holds)?;
    let is_name = match &item.kind {
        ItemKind::Const(c) => c.name.span == name,
        ItemKind::Struct(s) => {
            if let Some(field) = s.fields.iter().find(|field| field.name.span == name) {
                return Some(Declaration::Field(s, field));
            }
            s.name.span == name
        }
        ItemKind::Fn(f) => f.name.span == name,
        _ => false,
    };
    is_name.then_some(Declaration::Item(item))
}

/// The function of a name.
pub fn function<'a>(analysis: &'a Analysis, target: &Target) -> Option<(&'a Item, &'a Fn)> {
    match declaration(analysis, place(target)?)? {
        Declaration::Item(item) => match &item.kind {
            ItemKind::Fn(f) => Some((item, f)),
            _ => None,
        },
        Declaration::Field(..) => None,
    }
}

/// The struct of a name.
pub fn structure<'a>(analysis: &'a Analysis, target: &Target) -> Option<&'a Struct> {
    match declaration(analysis, place(target)?)? {
        Declaration::Item(Item {
            kind: ItemKind::Struct(s),
            ..
        }) => Some(s),
        _ => None,
    }
}

fn place(target: &Target) -> Option<Span> {
    match target {
        Target::Place(span) => Some(*span),
        _ => None,
    }
}

/// The lines of a doc comment.
pub fn docs(docs: &[Doc]) -> String {
    let lines: Vec<&str> = docs.iter().map(|doc| doc.text.as_str()).collect();
    lines.join("\n")
}

/// What a name means that is written in the document, its parts from the outermost.
pub fn written(analysis: &Analysis, parts: &[&str]) -> Option<Target> {
    let names = &analysis.inspected.names;
    let (first, rest) = parts.split_first()?;
    let mut target = match names.files.first()?.get(*first) {
        Some(own) => own.target.clone(),
        None if *first == "std" => Target::Std,
        None => Target::Builtin((*first).to_owned()),
    };
    for part in rest {
        target = match target {
            Target::Module(file) => {
                let own = names.files.get(file as usize)?.get(*part)?;
                (!own.used).then(|| own.target.clone())?
            }
            Target::Std => {
                let name = format!("<std>/{part}.dl");
                let mut files = analysis.inspected.sources.files().iter();
                Target::Module(files.find(|source| source.name == name)?.file)
            }
            Target::Place(_) | Target::Builtin(_) => return None,
        };
    }
    Some(target)
}

/// The expressions of the document that hold a byte, the outermost first.
pub fn expressions_at(analysis: &Analysis, offset: u32) -> Vec<&Expr> {
    let mut search = Search {
        offset,
        found: Vec::new(),
    };
    for item in &analysis.tree().items {
        if item.span.start <= offset && offset <= item.span.end {
            match &item.kind {
                ItemKind::Const(c) => search.expr(&c.value),
                ItemKind::Fn(f) => search.block(&f.body),
                ItemKind::Test(test) => search.block(&test.body),
                _ => {}
            }
        }
    }
    search.found
}

struct Search<'a> {
    offset: u32,
    found: Vec<&'a Expr>,
}

impl<'a> Visitor<'a> for Search<'a> {
    fn expr(&mut self, expr: &'a Expr) {
        if expr.span.start <= self.offset && self.offset <= expr.span.end {
            self.found.push(expr);
            visit::expr_parts(self, expr);
        }
    }
}
