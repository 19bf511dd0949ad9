//! The files that a site is about, and the addresses of what is declared in them.

use std::collections::{BTreeSet, HashMap};

use dlc_doc::model::page;
use dlc_doc::site::RESERVED;
use dlc_frontend::ast::{Const, File, Fn, Item, ItemKind, Span, Struct};
use dlc_frontend::lexer::lex;
use dlc_frontend::modules::{Loader, is_std};
use dlc_frontend::resolve::Target;
use dlc_frontend::source::Source;
use dlc_frontend::token::Token;
use dlc_frontend::{Inspected, inspect};

use crate::files::Disk;

/// A file of the site.
pub(super) struct FileOf {
    /// Which inspection has it.
    pub inspected: usize,
    /// Its number there.
    pub number: u32,
    /// The name of its page without `.html`.
    pub slug: String,
    /// Whether it was asked for, or is only imported.
    pub is_root: bool,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// All files that are asked for, and what they import.
pub(super) struct Program {
    /// What was found in each file that was asked for; file 0 of each.
    pub inspected: Vec<Inspected>,
    /// The files of the site: those asked for, then imported ones, then those of the standard library.
    pub files: Vec<FileOf>,
    /// For each inspection the positions of its files in `files`.
    located: Vec<Vec<Option<usize>>>,
    identities: HashMap<String, usize>,
    /// The addresses of items and fields, by file and the place of the name.
    places: HashMap<(usize, u32), String>,
    /// All addresses of items and fields.
    anchors: BTreeSet<String>,
}

/// The parts of an item that has a page.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    Const(&'a Const),
    Struct(&'a Struct),
    Fn(&'a Fn),
}

impl<'a> Shown<'a> {
    /// An item of a kind that is shown.
    pub fn of(item: &'a Item) -> Option<Self> {
        match &item.kind {
            ItemKind::Const(c) => Some(Self::Const(c)),
            ItemKind::Struct(s) => Some(Self::Struct(s)),
            ItemKind::Fn(f) => Some(Self::Fn(f)),
            _ => None,
        }
    }

    /// Its name, and where that stands.
    pub fn name(self) -> (&'a str, Span) {
        let ident = match self {
            Self::Const(c) => &c.name,
            Self::Struct(s) => &s.name,
            Self::Fn(f) => &f.name,
        };
        (&ident.name, ident.span)
    }

    /// Where its head stands.
    pub fn head(self, item: &Item) -> Span {
        match self {
            Self::Fn(f) => f.header_span,
            Self::Const(_) | Self::Struct(_) => item.span,
        }
    }
}

impl Program {
    /// Inspects the files; one that is given twice, or imported by another, is there once.
    pub fn new(roots: Vec<Source>) -> Self {
        let mut program = Self {
            inspected: Vec::new(),
            files: Vec::new(),
            located: Vec::new(),
            identities: HashMap::new(),
            places: HashMap::new(),
            anchors: BTreeSet::new(),
        };
        let mut slugs: BTreeSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
        for root in roots {
            let identity = Disk.identity(&root.name);
            if !program.identities.contains_key(&identity) {
                program.inspected.push(inspect(root, &Disk));
                let at = program.inspected.len() - 1;
                program.add(at, 0, &mut slugs);
            }
        }
        for std in [false, true] {
            for at in 0..program.inspected.len() {
                for number in 1..program.inspected[at].sources.files().len() {
                    let source = &program.inspected[at].sources.files()[number];
                    if is_std(source) == std {
                        program.add(at, number as u32, &mut slugs);
                    }
                }
            }
        }
        // Those of the standard library come last, whether asked for or not.
        let order = |program: &Self, file: &FileOf| is_std(program.source_of(file));
        let (std, own): (Vec<_>, Vec<_>) = std::mem::take(&mut program.files)
            .into_iter()
            .partition(|file| order(&program, file));
        program.files = own.into_iter().chain(std).collect();
        program.identities = (0..program.files.len())
            .map(|at| (Disk.identity(&program.source(at).name), at))
            .collect();
        let located = program.inspected.iter().map(|one| program.locate(one));
        program.located = located.collect();
        program.place();
        program
    }

    fn add(&mut self, inspected: usize, number: u32, slugs: &mut BTreeSet<String>) {
        let source = self.inspected[inspected].sources.get(number);
        let identity = Disk.identity(&source.name);
        if self.identities.contains_key(&identity) {
            return;
        }
        let stem = match is_std(source) {
            true => format!("std.{}", source.stem()),
            false => source.stem(),
        };
        // Folders where small and capital letters are the same take one of two such names.
        let mut slug = stem.clone();
        let mut count = 1;
        while !slugs.insert(slug.to_lowercase()) {
            count += 1;
            slug = format!("{stem}-{count}");
        }
        let tokens = lex(source).0;
        self.identities.insert(identity, self.files.len());
        self.files.push(FileOf {
            inspected,
            number,
            slug,
            is_root: number == 0,
            tokens,
        });
    }

    /// Notes where everything is declared.
    fn place(&mut self) {
        let mut places = HashMap::new();
        for at in 0..self.files.len() {
            let page = page(&self.files[at].slug);
            for shown in self.tree(at).items.iter().filter_map(Shown::of) {
                let (name, span) = shown.name();
                places.insert((at, span.start), format!("{page}#{name}"));
                let fields = match shown {
                    Shown::Struct(s) => s.fields.as_slice(),
                    _ => &[],
                };
                for field in fields {
                    let address = format!("{page}#{name}.{}", field.name.name);
                    places.insert((at, field.name.span.start), address);
                }
            }
        }
        self.anchors = places.values().cloned().collect();
        self.places = places;
    }

    /// The positions in `files` of the files of an inspection.
    pub fn locate(&self, inspected: &Inspected) -> Vec<Option<usize>> {
        let files = inspected.sources.files().iter();
        files
            .map(|source| self.identities.get(&Disk.identity(&source.name)).copied())
            .collect()
    }

    /// The positions in `files` of the files that a file's inspection has.
    pub fn located(&self, at: usize) -> &[Option<usize>] {
        &self.located[self.files[at].inspected]
    }

    /// The module of the standard library of a name.
    pub fn std_module(&self, name: &str) -> Option<usize> {
        self.identities.get(&format!("<std>/{name}.dl")).copied()
    }

    fn source_of(&self, file: &FileOf) -> &Source {
        self.inspected[file.inspected].sources.get(file.number)
    }

    /// The text of a file.
    pub fn source(&self, at: usize) -> &Source {
        self.source_of(&self.files[at])
    }

    /// The tree of a file.
    pub fn tree(&self, at: usize) -> &File {
        let file = &self.files[at];
        &self.inspected[file.inspected].trees[file.number as usize]
    }

    /// The inspection that has a file.
    pub fn inspection(&self, at: usize) -> &Inspected {
        &self.inspected[self.files[at].inspected]
    }

    /// What a module is called.
    pub fn name(&self, at: usize) -> String {
        let source = self.source(at);
        match is_std(source) {
            true => format!("std::{}", source.stem()),
            false => source.stem(),
        }
    }

    /// The address of what a name stands for, where files are numbered as in an inspection whose files are located.
    pub fn address(&self, target: &Target, located: &[Option<usize>]) -> Option<String> {
        let file = |number: u32| located.get(number as usize).copied().flatten();
        match target {
            Target::Std => Some(page("index")),
            Target::Module(number) => Some(page(&self.files[file(*number)?].slug)),
            Target::Place(span) => self.places.get(&(file(span.file)?, span.start)).cloned(),
            Target::Builtin(_) => None,
        }
    }

    /// The address, if something has it.
    pub fn anchor(&self, address: String) -> Option<String> {
        self.anchors.contains(&address).then_some(address)
    }
}
