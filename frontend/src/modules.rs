//! The files of a program: the one given to the compiler, those that it imports, and the standard library.
//!
//! Nothing here reads a file: a [`Loader`] does. A file is one module however often and by whatever path it is
//! imported; its number in the [`SourceMap`] is the module's, and spans carry it, so what a name stands for follows
//! from where it is written.

use std::collections::{BTreeMap, HashMap};

use crate::ast::{File, ItemKind, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::parser;
use crate::source::{MAX_SOURCE_BYTES, Source, SourceMap};

/// Modules by name, and their texts.
pub(crate) type Library = &'static [(&'static str, &'static str)];

/// The modules of the standard library.
pub const STD: Library = &[
    ("init", include_str!("../std/init.dl")),
    ("linalg", include_str!("../std/linalg.dl")),
    ("loss", include_str!("../std/loss.dl")),
    ("metrics", include_str!("../std/metrics.dl")),
    ("nn", include_str!("../std/nn.dl")),
    ("ode", include_str!("../std/ode.dl")),
    ("optim", include_str!("../std/optim.dl")),
];

/// Where the files of the standard library stand, as shown in messages.
const STD_FOLDER: &str = "<std>/";

/// A module of the standard library as a source of its own.
pub fn std_source(module: &str) -> Option<Source> {
    let (name, text) = STD.iter().find(|(name, _)| *name == module)?;
    Some(Source::new(std_name(name), *text))
}

fn std_name(module: &str) -> String {
    format!("{STD_FOLDER}{module}.dl")
}

/// The module of the standard library that defines a function or struct.
pub(crate) fn std_module_of(name: &str) -> Option<&'static str> {
    let defines = |line: &str| {
        let rest = line.strip_prefix("fn ").or(line.strip_prefix("struct "));
        rest.and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['<', '(', ' ']))
    };
    let found = STD.iter().find(|(_, text)| text.lines().any(defines));
    found.map(|(module, _)| *module)
}

/// Whether a file belongs to the standard library.
pub fn is_std(source: &Source) -> bool {
    source.name.starts_with(STD_FOLDER)
}

/// Finds and reads the files that `import` names.
pub trait Loader {
    /// The name, as shown in messages, of the file that `path` means in the file `importer`: by default the path from
    /// the importer's folder.
    fn resolve(&self, importer: &str, path: &str) -> String {
        let path = path.trim_start_matches("./");
        match importer.rfind(['/', '\\']) {
            Some(at) if !path.starts_with('/') => format!("{}{path}", &importer[..=at]),
            _ => path.to_owned(),
        }
    }

    /// What tells files apart: the same for two names of one file.
    fn identity(&self, name: &str) -> String;

    /// The text of a file.
    fn read(&self, name: &str) -> Result<String, LoadError>;
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is none.
    NotFound,
    /// It is not UTF-8; the first wrong byte stands on this line.
    NotUtf8(usize),
    /// It is longer than [`MAX_SOURCE_BYTES`].
    TooLong,
    /// What the system says.
    Other(String),
}

/// There are no files but the one given to the compiler.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn identity(&self, name: &str) -> String {
        name.to_owned()
    }

    fn read(&self, _: &str) -> Result<String, LoadError> {
        Err(LoadError::NotFound)
    }
}

/// Files in memory, by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(pub BTreeMap<String, String>);

impl Loader for MemoryFiles {
    fn identity(&self, name: &str) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for part in name.split('/') {
            match part {
                "." => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        parts.join("/")
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        let text = self.0.get(&self.identity(name));
        text.cloned().ok_or(LoadError::NotFound)
    }
}

/// All files of a program.
pub(crate) struct Files {
    pub sources: SourceMap,
    /// The syntax tree of each.
    pub trees: Vec<File>,
    /// The files that the imports of each stand for, by the place of the path; nothing for one that could not be read.
    pub imports: HashMap<Span, Option<u32>>,
    /// The files of the standard library that are part of the program.
    pub std: BTreeMap<&'static str, u32>,
}

/// Reads and parses a file and all that it needs, for the sake of what the loader sees.
pub fn read_all(root: Source, loader: &dyn Loader) {
    load(root, loader);
}

/// Reads and parses a file and all that it needs.
pub(crate) fn load(root: Source, loader: &dyn Loader) -> (Files, Vec<Diagnostic>) {
    load_with(root, loader, STD)
}

/// [`load`] with another standard library.
pub(crate) fn load_with(
    root: Source,
    loader: &dyn Loader,
    library: Library,
) -> (Files, Vec<Diagnostic>) {
    let mut loading = Loading {
        files: Files {
            sources: SourceMap::new(),
            trees: Vec::new(),
            imports: HashMap::new(),
            std: BTreeMap::new(),
        },
        known: HashMap::new(),
        uses: Vec::new(),
        library,
        loader,
        diagnostics: Vec::new(),
    };
    if is_std(&root)
        && let Some((module, _)) = library
            .iter()
            .find(|(module, _)| std_name(module) == root.name)
    {
        loading.files.std.insert(module, 0);
    }
    let identity = loader.identity(&root.name);
    loading.add(root.name, root.text, identity);
    let mut next = 0;
    while next < loading.files.sources.files().len() {
        loading.parse(next as u32);
        next += 1;
    }
    loading.check_circles();
    (loading.files, loading.diagnostics)
}

struct Loading<'l> {
    files: Files,
    /// The files by what tells them apart.
    known: HashMap<String, u32>,
    /// What names modules of the standard library, and the files of these.
    uses: Vec<(Span, u32)>,
    library: Library,
    loader: &'l dyn Loader,
    diagnostics: Vec<Diagnostic>,
}

impl Loading<'_> {
    fn add(&mut self, name: String, text: String, identity: String) -> u32 {
        let file = self.files.sources.add(name, text);
        self.known.insert(identity, file);
        file
    }

    /// Parses a file and adds those that it names.
    fn parse(&mut self, file: u32) {
        let (tree, diagnostics) = parser::parse(self.files.sources.get(file));
        self.diagnostics.extend(diagnostics);
        let mut modules: Vec<(&str, Span)> = Vec::new();
        for (module, span) in &tree.std_modules {
            modules.push((module, *span));
        }
        for item in &tree.items {
            match &item.kind {
                ItemKind::Import(import) => {
                    let target = self.import(file, &import.path, import.path_span);
                    self.files.imports.insert(import.path_span, target);
                }
                ItemKind::Use(u) if u.prefix.len() == 1 && u.prefix[0].name == "std" => {
                    modules.extend(u.names.iter().map(|name| (name.name.as_str(), name.span)));
                }
                _ => {}
            }
        }
        for (module, span) in modules {
            let Some((name, text)) = self.library.iter().find(|(name, _)| *name == module) else {
                continue;
            };
            let known = self.files.std.get(name).copied();
            let target = known.unwrap_or_else(|| {
                let source = std_name(name);
                self.add(source.clone(), (*text).to_owned(), source)
            });
            self.files.std.insert(name, target);
            self.uses.push((span, target));
        }
        self.files.trees.push(tree);
    }

    /// The file of an `import`; one that cannot be read is reported.
    fn import(&mut self, importer: u32, path: &str, span: Span) -> Option<u32> {
        let name = self
            .loader
            .resolve(&self.files.sources.get(importer).name, path);
        let identity = self.loader.identity(&name);
        if let Some(known) = self.known.get(&identity) {
            return Some(*known);
        }
        let error = match self.loader.read(&name) {
            Ok(text) => return Some(self.add(name, text, identity)),
            Err(error) => error,
        };
        let message = match &error {
            LoadError::NotFound => format!("there is no file `{path}`"),
            LoadError::NotUtf8(line) => format!("`{path}` is not UTF-8 text, on line {line}"),
            LoadError::TooLong => format!("`{path}` is over {MAX_SOURCE_BYTES} bytes long"),
            LoadError::Other(reason) => format!("`{path}` cannot be read: {reason}"),
        };
        let mut diagnostic =
            Diagnostic::error(Code::DL0607, message, span).note(format!("looked for `{name}`"));
        let stem = path.strip_suffix(".dl").unwrap_or(path);
        let module = stem.strip_prefix("std/").or(stem.strip_prefix("std::"));
        let with_suffix = format!("{path}.dl");
        diagnostic = match module {
            Some(module) if STD.iter().any(|(name, _)| *name == module) => diagnostic.help(
                format!("the standard library needs no `import`: `use std::{module}`"),
            ),
            _ if error != LoadError::NotFound => diagnostic,
            _ if self.exists(importer, &with_suffix) => {
                diagnostic.suggest("write", span, format!("{with_suffix:?}"))
            }
            _ => diagnostic.help("the path is the one from the folder of this file"),
        };
        self.diagnostics.push(diagnostic);
        None
    }

    fn exists(&self, importer: u32, path: &str) -> bool {
        let importer = &self.files.sources.get(importer).name;
        self.loader
            .read(&self.loader.resolve(importer, path))
            .is_ok()
    }

    /// Reports what closes a circle of files, and takes the imports among it out.
    fn check_circles(&mut self) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut edges: Vec<Vec<(Span, u32)>> = vec![Vec::new(); self.files.trees.len()];
        for (span, target) in &self.files.imports {
            edges[span.file as usize].extend(target.map(|target| (*span, target)));
        }
        for (span, target) in &self.uses {
            edges[span.file as usize].push((*span, *target));
        }
        edges.iter_mut().for_each(|edges| edges.sort_unstable());
        let mut state = vec![State::New; edges.len()];
        let mut path: Vec<(u32, usize)> = vec![(0, 0)];
        state[0] = State::Open;
        while let Some((file, next)) = path.pop() {
            let Some((span, target)) = edges[file as usize].get(next).copied() else {
                state[file as usize] = State::Done;
                continue;
            };
            path.push((file, next + 1));
            match state[target as usize] {
                State::New => {
                    state[target as usize] = State::Open;
                    path.push((target, 0));
                }
                State::Open => {
                    let from = path.iter().position(|(open, _)| *open == target);
                    let circle = &path[from.unwrap_or(0)..];
                    self.report_circle(circle, target, span, &edges);
                    self.files.imports.entry(span).and_modify(|to| *to = None);
                }
                State::Done => {}
            }
        }
    }

    fn report_circle(
        &mut self,
        circle: &[(u32, usize)],
        to: u32,
        span: Span,
        edges: &[Vec<(Span, u32)>],
    ) {
        let name = |file: u32| format!("`{}`", self.files.sources.get(file).name);
        let diagnostic = if circle.len() == 1 {
            Diagnostic::error(Code::DL0606, format!("{} imports itself", name(to)), span)
        } else {
            let mut names: Vec<String> = circle.iter().map(|(file, _)| name(*file)).collect();
            names.push(name(to));
            if names.len() > 8 {
                names.splice(4..names.len() - 4, ["…".to_owned()]);
            }
            let message = format!(
                "files import each other in a circle: {}",
                names.join(" -> ")
            );
            let mut diagnostic = Diagnostic::error(Code::DL0606, message, span);
            for (file, next) in circle.iter().take(circle.len() - 1).take(4) {
                let (at, _) = edges[*file as usize][next - 1];
                diagnostic = diagnostic.secondary(at, "imported here");
            }
            diagnostic
        };
        self.diagnostics
            .push(diagnostic.help("put what both need into a file of its own, which both import"));
    }
}
