//! Trees of structs, lists and tuples as source: how a leaf is read, and how a tree is made of leaves. The structs may be of
//! other files and of the standard library.

use dlc_frontend::{
    ast::{File, ItemKind, Struct, Type, TypeKind},
    modules::{Loader, std_source},
    parser,
    source::{SourceMap, stem},
};

/// The leaves of a tree by their paths.
#[derive(Default)]
pub struct Node {
    /// The leaf, where this is one.
    pub leaf: Option<String>,
    /// Its parts, by name or number.
    pub children: Vec<(String, Node)>,
}

impl Node {
    /// Puts a leaf at a path.
    pub fn put<'p>(&mut self, mut path: impl Iterator<Item = &'p str>, leaf: &str) {
        let Some(name) = path.next() else {
            self.leaf = Some(leaf.to_string());
            return;
        };
        let at = self.children.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            self.children.push((name.to_string(), Node::default()));
            self.children.len() - 1
        });
        self.children[at].1.put(path, leaf);
    }
}

/// A file of a program.
struct Module {
    /// As in messages.
    name: String,
    file: File,
}

/// The structs of a program.
pub struct Trees<'l> {
    loader: &'l dyn Loader,
    /// The file given to the compiler comes first.
    modules: Vec<Module>,
}

/// A type, and the file that it is written in.
type Place<'t> = (usize, &'t Type);

impl<'l> Trees<'l> {
    /// Those of the files of a program.
    pub fn of(sources: &SourceMap, loader: &'l dyn Loader) -> Self {
        let modules = sources.files().iter().map(|source| Module {
            name: source.name.clone(),
            file: parser::parse(source).0,
        });
        Self {
            loader,
            modules: modules.collect(),
        }
    }

    /// How a leaf of a parameter of the file's is written.
    pub fn leaf<'p>(
        &self,
        root: &str,
        ty: Option<&Type>,
        parts: impl Iterator<Item = &'p str>,
    ) -> Result<String, String> {
        let mut text = root.to_string();
        let mut at = ty.map(|ty| (0, ty));
        for part in parts {
            let (module, ty) = at.ok_or_else(unknown)?;
            at = match &ty.kind {
                TypeKind::List { element, .. } => {
                    text += &format!("[{part}]");
                    Some((module, &**element))
                }
                TypeKind::Tuple(items) => {
                    text += &format!(".{part}");
                    let item = part.parse().ok().and_then(|i: usize| items.get(i));
                    item.map(|item| (module, item))
                }
                TypeKind::Named { .. } => {
                    text += &format!(".{part}");
                    self.field((module, ty), part)
                }
                _ => return Err(unknown()),
            };
        }
        Ok(text)
    }

    /// A tree of a type of the file's, with these leaves.
    pub fn tree(&self, ty: Option<&Type>, node: &Node) -> Result<String, String> {
        self.written(ty.map(|ty| (0, ty)), node)
    }

    fn written(&self, at: Option<Place>, node: &Node) -> Result<String, String> {
        if let Some(leaf) = &node.leaf {
            return Ok(leaf.clone());
        }
        let (module, ty) = at.ok_or_else(unknown)?;
        let mut parts = vec![];
        for (i, (name, child)) in node.children.iter().enumerate() {
            let of_child = match &ty.kind {
                TypeKind::List { element, .. } => Some((module, &**element)),
                TypeKind::Tuple(items) => items.get(i).map(|item| (module, item)),
                TypeKind::Named { .. } => self.field((module, ty), name),
                _ => None,
            };
            let text = self.written(of_child, child)?;
            parts.push(match &ty.kind {
                TypeKind::Named { .. } => format!("{name}: {text}"),
                _ => text,
            });
        }
        let text = parts.join(", ");
        match &ty.kind {
            TypeKind::List { .. } => Ok(format!("[{text}]")),
            TypeKind::Tuple(items) if items.len() == 1 => Ok(format!("({text},)")),
            TypeKind::Tuple(_) => Ok(format!("({text})")),
            TypeKind::Named { path, .. } => {
                let segments = path.segments.iter().map(|part| part.name.clone());
                let found = self.find(module, &segments.collect::<Vec<_>>());
                let (of, found) = found.ok_or_else(unknown)?;
                Ok(format!("{} {{ {text} }}", self.name(of, &found.name.name)?))
            }
            _ => Err(unknown()),
        }
    }

    /// The type of a field of a struct.
    fn field(&self, (module, ty): Place, name: &str) -> Option<Place<'_>> {
        let TypeKind::Named { path, .. } = &ty.kind else {
            return None;
        };
        let segments = path.segments.iter().map(|part| part.name.clone());
        let (of, found) = self.find(module, &segments.collect::<Vec<_>>())?;
        let field = found.fields.iter().find(|field| field.name.name == name)?;
        Some((of, &field.ty))
    }

    /// The struct that a path in a file means, and its file.
    fn find(&self, module: usize, path: &[String]) -> Option<(usize, &Struct)> {
        let (first, rest) = path.split_first()?;
        let items = || self.modules[module].file.items.iter();
        if rest.is_empty() {
            let own = items().find_map(|item| match &item.kind {
                ItemKind::Struct(found) if found.name.name == *first => Some(found),
                _ => None,
            });
            if let Some(own) = own {
                return Some((module, own));
            }
        }
        if let ("std", [of, name]) = (first.as_str(), rest) {
            let file = std_source(of)?.name;
            return self.find(self.number(&file)?, std::slice::from_ref(name));
        }
        items().find_map(|item| match &item.kind {
            ItemKind::Use(used) if !used.prefix.is_empty() => {
                used.names.iter().find(|name| name.name == *first)?;
                let prefix = used.prefix.iter().map(|part| part.name.clone());
                let whole = prefix.chain(path.iter().cloned()).collect::<Vec<_>>();
                self.find(module, &whole)
            }
            ItemKind::Import(import) if stem(&import.path) == *first => {
                let name = self
                    .loader
                    .resolve(&self.modules[module].name, &import.path);
                self.find(self.number(&name)?, rest)
            }
            _ => None,
        })
    }

    fn number(&self, name: &str) -> Option<usize> {
        let identity = self.loader.identity(name);
        let mut modules = self.modules.iter();
        modules.position(|module| {
            module.name == name || self.loader.identity(&module.name) == identity
        })
    }

    /// What the file given to the compiler calls a struct of a file.
    fn name(&self, of: usize, name: &String) -> Result<String, String> {
        let known = |path: &[String]| self.find(0, path).map(|(module, _)| module);
        if known(std::slice::from_ref(name)) == Some(of) {
            return Ok(name.clone());
        }
        let file = &self.modules[of].name;
        let std = file
            .strip_prefix("<std>/")
            .and_then(|file| file.strip_suffix(".dl"));
        let qualifier = stem(file);
        match std {
            Some(std) => Ok(format!("std::{std}::{name}")),
            None if known(&[qualifier.clone(), name.clone()]) == Some(of) => {
                Ok(format!("{qualifier}::{name}"))
            }
            None => Err(unknown()),
        }
    }
}

/// What stands for a struct that the file cannot name.
fn unknown() -> String {
    "a tree of a file that this one does not import".to_string()
}
