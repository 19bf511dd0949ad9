//! What names stand for in each file: its own items, the files that it imports, and what `use` brings in.

use std::collections::HashMap;

use crate::ast::{Ident, ItemKind, Path, Span, Use};
use crate::check::Checker;
use crate::check::generic;
use crate::check::items::{ConstItem, ConstState, FnItem, StructItem};
use crate::check::value::{Reported, Res};
use crate::diagnostic::{Code, Diagnostic, similar};
use crate::modules;
use crate::source::stem;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A constant.
    Const(usize),
    /// A struct.
    Struct(usize),
    /// A function.
    Fn(usize),
    /// A file.
    Module(u32),
    /// The standard library.
    Std,
    /// Something that has been reported.
    Unknown,
}

impl Item {
    /// What it is called in messages.
    fn kind(self) -> &'static str {
        match self {
            Item::Const(_) => "a constant",
            Item::Struct(_) => "a struct",
            Item::Fn(_) => "a function",
            Item::Module(_) | Item::Std | Item::Unknown => "a module",
        }
    }
}

/// A name of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub item: Item,
    /// Where it is defined or brought in.
    span: Span,
    /// Whether `use` brought it in: other files do not see it here.
    used: bool,
}

/// The names of a file.
pub(crate) type Names = HashMap<String, Name>;

impl<'a> Checker<'a> {
    /// Enters the items and imports of all files.
    pub(super) fn collect_items(&mut self) {
        let files = self.files;
        for tree in &files.trees {
            self.names.push(Names::new());
            let file = self.names.len() - 1;
            for item in &tree.items {
                let (name, entry) = match &item.kind {
                    ItemKind::Const(c) => {
                        self.consts.push(ConstItem {
                            ast: c,
                            state: ConstState::New,
                        });
                        (&c.name, Item::Const(self.consts.len() - 1))
                    }
                    ItemKind::Struct(s) => {
                        self.structs.push(StructItem {
                            ast: s,
                            name: s.name.name.as_str().into(),
                            dims: generic::plain_dims(&s.dims),
                            generics: generic::of_struct(s),
                            base: self.structs.len(),
                            fields: Vec::new(),
                        });
                        (&s.name, Item::Struct(self.structs.len() - 1))
                    }
                    ItemKind::Fn(f) => {
                        self.fns.push(FnItem {
                            ast: f,
                            item,
                            generics: generic::of_function(f),
                            base: self.fns.len(),
                            sig: None,
                            failed: false,
                            inlined: false,
                        });
                        (&f.name, Item::Fn(self.fns.len() - 1))
                    }
                    ItemKind::Import(import) => {
                        let stem = stem(&import.path);
                        let target = files.imports.get(&import.path_span).copied().flatten();
                        let entry = target.map_or(Item::Unknown, Item::Module);
                        self.define(file, &stem, import.path_span, entry, false);
                        self.check_used(file, &stem, import.path_span, item.span);
                        continue;
                    }
                    ItemKind::Bad(Some(name)) => (name, Item::Unknown),
                    ItemKind::Bad(None) | ItemKind::Use(_) | ItemKind::Test(_) => continue,
                };
                self.define(file, &name.name, name.span, entry, false);
            }
        }
    }

    /// Structs of one name are told apart by their modules; those of the file given to the compiler keep their names.
    pub(super) fn qualify_structs(&mut self) {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for s in &self.structs {
            *uses.entry(&s.ast.name.name).or_default() += 1;
        }
        for s in &mut self.structs {
            let name = &s.ast.name;
            if name.span.file > 0 && uses[name.name.as_str()] > 1 {
                let module = self.sources.get(name.span.file).stem();
                s.name = format!("{module}::{}", name.name).into();
            }
        }
    }

    /// Enters what `use` brings in; all items of all files are known.
    pub(super) fn resolve_uses(&mut self) {
        for (file, tree) in self.files.trees.iter().enumerate() {
            for item in &tree.items {
                if let ItemKind::Use(u) = &item.kind {
                    self.resolve_use(file, u, item.span);
                }
            }
        }
    }

    fn resolve_use(&mut self, file: usize, u: &'a Use, whole: Span) {
        let module = match u.prefix.as_slice() {
            [] => None,
            prefix => Some(self.resolve_segments(prefix)),
        };
        for name in &u.names {
            let item = match module {
                None => self.first_segment(name, None),
                Some(Ok(module)) => self.member(module, u.prefix.last(), name),
                Some(Err(reported)) => Err(reported),
            };
            let item = item.unwrap_or(Item::Unknown);
            self.define(file, &name.name, name.span, item, true);
            let removed = match u.names.len() {
                1 => whole,
                _ => name.span,
            };
            self.check_used(file, &name.name, name.span, removed);
        }
    }

    fn define(&mut self, file: usize, name: &str, span: Span, item: Item, used: bool) {
        let entry = Name { item, span, used };
        let Some(first) = self.names[file].get(name) else {
            self.names[file].insert(name.to_owned(), entry);
            return;
        };
        let first = *first;
        if first.item == Item::Unknown {
            self.names[file].insert(name.to_owned(), entry);
        } else if item != Item::Unknown {
            let (how, what) = match used {
                true => ("is brought in, and there is one already", "brought in here"),
                false => ("is defined twice", "again here"),
            };
            let diagnostic = Diagnostic::error(Code::DL0602, format!("`{name}` {how}"), span)
                .label(what)
                .secondary(first.span, "first defined here");
            self.report(diagnostic);
        }
    }

    /// Warns of what is brought in and not mentioned. The standard library is checked when it is tested.
    fn check_used(&mut self, file: usize, name: &str, span: Span, removed: Span) {
        let files = self.files;
        let imported = file > 0 && modules::is_std(self.sources.get(file as u32));
        let broken = self.names[file].get(name).map(|name| name.item) == Some(Item::Unknown);
        if imported || broken || files.trees[file].mentioned.contains(name) {
            return;
        }
        let diagnostic = Diagnostic::warning(
            Code::DL0904,
            format!("`{name}` is brought in and not used"),
            span,
        );
        let diagnostic = if removed == span {
            diagnostic.help("take it out")
        } else {
            diagnostic.suggest("take it out", removed, "")
        };
        self.report(diagnostic);
    }

    /// What a name stands for in the file where it is written.
    pub(super) fn item_named(&self, name: &str, place: Span) -> Option<Item> {
        let name = self.names[place.file as usize].get(name)?;
        Some(name.item)
    }

    /// What a qualified name stands for.
    pub(super) fn resolve_path(&mut self, path: &Path) -> Res<Item> {
        self.resolve_segments(&path.segments)
    }

    fn resolve_segments(&mut self, segments: &[Ident]) -> Res<Item> {
        let [first, rest @ ..] = segments else {
            return Err(Reported);
        };
        let mut item = self.first_segment(first, rest.first())?;
        let mut before = first;
        for name in rest {
            item = self.member(item, Some(before), name)?;
            before = name;
        }
        Ok(item)
    }

    /// The first part of a qualified name, which `next` follows.
    fn first_segment(&mut self, first: &Ident, next: Option<&Ident>) -> Res<Item> {
        let name = first.name.as_str();
        match self.item_named(name, first.span) {
            Some(Item::Unknown) => return Err(Reported),
            Some(item) => return Ok(item),
            None if name == "std" => return Ok(Item::Std),
            None => {}
        }
        let file = first.span.file as usize;
        if self.files.trees[file].broken_names.contains(name) {
            return Err(Reported);
        }
        let message = format!("there is no module `{name}` here");
        let diagnostic = Diagnostic::error(Code::DL0601, message, first.span);
        let known = self.names[file].iter();
        let modules = known.filter(|(_, known)| matches!(known.item, Item::Module(_)));
        let similar = similar(name, modules.map(|(name, _)| name.as_str())).map(str::to_owned);
        let diagnostic = if modules::STD.iter().any(|(module, _)| *module == name) {
            let full = format!("std::{name}");
            match next {
                Some(_) => diagnostic.suggest(
                    format!(
                        "it is in the standard library; `use {full}` makes the short form known"
                    ),
                    first.span,
                    full,
                ),
                None => diagnostic.suggest("it is in the standard library", first.span, full),
            }
        } else if let Some(similar) = similar {
            diagnostic.suggest("a similar one exists", first.span, similar)
        } else {
            diagnostic.help(format!("`import \"{name}.dl\"` brings in a file"))
        };
        Err(self.report(diagnostic))
    }

    /// A name in a module; `module` is how the module is written.
    fn member(&mut self, item: Item, module: Option<&Ident>, name: &Ident) -> Res<Item> {
        let written = module.map_or("", |module| module.name.as_str());
        let names = match item {
            Item::Std => {
                if let Some(file) = self.files.std.get(name.name.as_str()) {
                    return Ok(Item::Module(*file));
                }
                let message = format!("the standard library has no module `{}`", name.name);
                let modules = modules::STD.iter().map(|(module, _)| *module);
                let diagnostic = Diagnostic::error(Code::DL0608, message, name.span);
                let diagnostic = match similar(&name.name, modules.clone()) {
                    Some(similar) => diagnostic.suggest("a similar one exists", name.span, similar),
                    None => {
                        let modules: Vec<&str> = modules.collect();
                        diagnostic.help(format!("its modules are {}", modules.join(", ")))
                    }
                };
                return Err(self.report(diagnostic));
            }
            Item::Module(file) => &self.names[file as usize],
            Item::Unknown => return Err(Reported),
            Item::Const(_) | Item::Struct(_) | Item::Fn(_) => {
                let message = format!("`{written}` is {}, not a module", item.kind());
                let span = module.map_or(name.span, |module| module.span);
                return self.error(Code::DL0608, message, span);
            }
        };
        match names.get(&name.name) {
            Some(Name {
                item: Item::Unknown,
                ..
            }) => return Err(Reported),
            Some(Name {
                item, used: false, ..
            }) => return Ok(*item),
            Some(Name {
                used: true, span, ..
            }) => {
                let message = format!("`{written}` does not define `{}`, it uses it", name.name);
                let diagnostic = Diagnostic::error(Code::DL0608, message, name.span)
                    .secondary(*span, "brought in here")
                    .help("what a file brings in by `use` is not passed on: `use` it here too");
                return Err(self.report(diagnostic));
            }
            None => {}
        }
        if let Item::Module(file) = item
            && self.files.trees[file as usize]
                .broken_names
                .contains(&name.name)
        {
            return Err(Reported);
        }
        let own = names.iter().filter(|(_, known)| !known.used);
        let mut own: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
        own.sort_unstable();
        let message = format!("`{written}` has no `{}`", name.name);
        let diagnostic = Diagnostic::error(Code::DL0608, message, name.span);
        let diagnostic = match similar(&name.name, own.iter().copied()) {
            Some(similar) => diagnostic.suggest("a similar name exists", name.span, similar),
            None if own.is_empty() => diagnostic.note("that file defines nothing"),
            None if own.len() > 12 => diagnostic,
            None => diagnostic.help(format!("it has {}", own.join(", "))),
        };
        Err(self.report(diagnostic))
    }

    /// Reports a module where something else has to stand.
    pub(super) fn module_as_value<T>(&mut self, path: &Path, wanted: &str) -> Res<T> {
        let diagnostic = Diagnostic::error(
            Code::DL0209,
            format!("`{path}` is a module, not {wanted}"),
            path.span,
        )
        .help(format!("what is in it is written `{path}::name`"));
        Err(self.report(diagnostic))
    }
}
