//! What each name in a program stands for, found in the syntax trees alone, so that it is known in broken text, too.
//!
//! The language server asks for it; the checker has rules of its own ([`crate::check`]), with errors, and a test holds
//! the two against each other. Fields of values need types: those come from what the checker saw.

mod body;
mod items;

use std::collections::BTreeMap;

use crate::ast::Span;
use crate::check::seen::Seen;
use crate::modules::Files;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// What is bound at this place, which is that of a name.
    Place(Span),
    /// A file, by its number.
    Module(u32),
    /// The standard library.
    Std,
    /// A built-in operation, dtype or constant of this name.
    Builtin(String),
}

/// A name in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it stands.
    pub span: Span,
    /// What it stands for.
    pub target: Target,
}

/// How a name is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundKind {
    /// `const`.
    Const,
    /// `struct`.
    Struct,
    /// `fn`.
    Fn,
    /// A field of a struct.
    Field,
    /// A dim, tree or dtype in `<…>`.
    Generic,
    /// A parameter of a function.
    Param,
    /// By `let`, or as a parameter of a function value.
    Let,
    /// By `var`.
    Var,
    /// By `for`.
    Loop,
}

/// A name that something binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// How it is bound.
    pub kind: BoundKind,
    /// Where it is in reach; for an item all of its file, for a field nothing.
    pub reach: Span,
}

/// A name that a file has by itself, by `import` or by `use`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// What it stands for.
    pub target: Target,
    /// Whether `use` brought it in, so that other files do not see it here.
    pub used: bool,
}

/// The names of a program.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// All names that stand for something, in the order of their places; what binds a name stands for itself.
    pub references: Vec<Reference>,
    /// All that is bound, in the order of the places.
    pub bound: Vec<Bound>,
    /// The names of each file.
    pub files: Vec<BTreeMap<String, FileName>>,
}

impl Names {
    /// The name at a byte of a file; at the end of a name it counts as well.
    pub fn at(&self, file: u32, offset: u32) -> Option<&Reference> {
        let after = self
            .references
            .partition_point(|one| (one.span.file, one.span.start) <= (file, offset));
        let before = self.references[..after].iter().rev().take(2);
        let mut holding = before.filter(|one| one.span.file == file && offset <= one.span.end);
        holding.next()
    }

    /// All names that stand for something.
    pub fn of<'n>(&'n self, target: &'n Target) -> impl Iterator<Item = &'n Reference> {
        self.references
            .iter()
            .filter(move |one| one.target == *target)
    }

    /// What is bound at the place of a name.
    pub fn bound_at(&self, span: Span) -> Option<&Bound> {
        let found = self.bound.binary_search_by_key(&span, |one| one.span);
        found.ok().map(|index| &self.bound[index])
    }

    /// What is in reach at a byte of a file, without items: inner names first, and those that they hide left out.
    pub fn in_reach(&self, file: u32, offset: u32) -> Vec<&Bound> {
        let mut found: Vec<&Bound> = Vec::new();
        for one in self.bound.iter().rev() {
            let local = !matches!(
                one.kind,
                BoundKind::Const | BoundKind::Struct | BoundKind::Fn | BoundKind::Field
            );
            let reaches =
                one.reach.file == file && one.reach.start <= offset && offset <= one.reach.end;
            if local && reaches && !found.iter().any(|known| known.name == one.name) {
                found.push(one);
            }
        }
        found
    }
}

/// The names of a program, with the fields that the checker saw.
pub(crate) fn names(files: &Files, seen: &Seen) -> Names {
    let mut names = items::names(files);
    for (file, tree) in files.trees.iter().enumerate() {
        body::walk(files, &mut names, seen, file, tree);
    }
    names
        .references
        .sort_by_key(|one| (one.span, one.target.clone()));
    names.references.dedup_by_key(|one| one.span);
    names.bound.sort_by_key(|one| one.span);
    names
}

#[cfg(test)]
mod tests;
