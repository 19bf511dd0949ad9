//! The names of files: items, and what `import` and `use` bring in.

use std::collections::BTreeMap;

use crate::ast::{Ident, ItemKind, Span};
use crate::modules::Files;
use crate::resolve::{Bound, BoundKind, FileName, Names, Reference, Target};
use crate::source::stem;

/// The names that all files have, and what binds them.
pub(super) fn names(files: &Files) -> Names {
    let mut names = Names::default();
    for tree in &files.trees {
        let mut own = BTreeMap::new();
        for item in &tree.items {
            let (ident, kind) = match &item.kind {
                ItemKind::Const(c) => (&c.name, BoundKind::Const),
                ItemKind::Struct(s) => (&s.name, BoundKind::Struct),
                ItemKind::Fn(f) => (&f.name, BoundKind::Fn),
                ItemKind::Import(import) => {
                    let file = files.imports.get(&import.path_span).copied().flatten();
                    if let Some(file) = file {
                        let target = Target::Module(file);
                        names.references.push(Reference {
                            span: import.path_span,
                            target: target.clone(),
                        });
                        define(&mut own, &stem(&import.path), target, false);
                    }
                    continue;
                }
                ItemKind::Use(_) | ItemKind::Test(_) | ItemKind::Bad(_) => continue,
            };
            names.bound.push(Bound {
                name: ident.name.clone(),
                span: ident.span,
                kind,
                reach: tree.span,
            });
            names.references.push(Reference {
                span: ident.span,
                target: Target::Place(ident.span),
            });
            define(&mut own, &ident.name, Target::Place(ident.span), false);
        }
        names.files.push(own);
    }
    for (file, tree) in files.trees.iter().enumerate() {
        for item in &tree.items {
            let ItemKind::Use(u) = &item.kind else {
                continue;
            };
            let module = segments(files, &mut names, file, &u.prefix);
            for name in &u.names {
                let target = match (&module, u.prefix.is_empty()) {
                    (_, true) => segments(files, &mut names, file, std::slice::from_ref(name)),
                    (Some(module), false) => member(files, &names, module, &name.name),
                    (None, false) => None,
                };
                if let Some(target) = target {
                    refer(&mut names, name.span, target.clone());
                    define(&mut names.files[file], &name.name, target, true);
                }
            }
        }
    }
    names
}

fn define(own: &mut BTreeMap<String, FileName>, name: &str, target: Target, used: bool) {
    // The first of two that are called the same counts; the checker reports the second.
    own.entry(name.to_owned())
        .or_insert(FileName { target, used });
}

/// Notes what a name stands for.
pub(super) fn refer(names: &mut Names, span: Span, target: Target) {
    names.references.push(Reference { span, target });
}

/// What a qualified name stands for; each of its parts is noted.
pub(super) fn segments(
    files: &Files,
    names: &mut Names,
    file: usize,
    segments: &[Ident],
) -> Option<Target> {
    let (first, rest) = segments.split_first()?;
    let own = names.files[file].get(&first.name);
    let mut target = match own {
        Some(own) => own.target.clone(),
        None if first.name == "std" => Target::Std,
        None => return None,
    };
    refer(names, first.span, target.clone());
    for name in rest {
        target = member(files, names, &target, &name.name)?;
        refer(names, name.span, target.clone());
    }
    Some(target)
}

/// A name in a module.
fn member(files: &Files, names: &Names, module: &Target, name: &str) -> Option<Target> {
    match module {
        Target::Std => files.std.get(name).map(|file| Target::Module(*file)),
        Target::Module(file) => names.files[*file as usize]
            .get(name)
            .filter(|own| !own.used)
            .map(|own| own.target.clone()),
        Target::Place(_) | Target::Builtin(_) => None,
    }
}
