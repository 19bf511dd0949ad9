//! What the words of a doc comment or a chapter stand for.

use std::collections::{BTreeMap, BTreeSet};

use dlc_doc::markdown::{Mention, Words};
use dlc_doc::model::{Builtin, Class, Code, page};
use dlc_frontend::ast::Span;
use dlc_frontend::codes::Code as DiagnosticCode;
use dlc_frontend::lexer::lex;
use dlc_frontend::modules::STD;
use dlc_frontend::resolve::{Names, Reference, Target};
use dlc_frontend::source::Source;
use dlc_frontend::{builtins, inspect};

use super::examples::Beside;
use super::pieces::{DocLines, Text, plain};
use super::program::Program;

/// The addresses of what chapters explain, known before they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// The built-in operations.
    pub builtins: BTreeMap<String, String>,
    /// The pages of codes.
    pub codes: BTreeMap<String, String>,
}

impl Outline {
    /// The built-in operations, for the search.
    pub fn explained(&self) -> Vec<Builtin> {
        let explained = builtins().into_iter().filter_map(|(name, params)| {
            let address = self.builtins.get(name)?.clone();
            Some(Builtin {
                name: name.to_owned(),
                signature: format!("{name}({params})"),
                address,
            })
        });
        explained.collect()
    }
}

/// The names that a text may use.
pub(super) struct Scope<'a> {
    /// The site's files.
    pub program: &'a Program,
    /// The chapters.
    pub outline: &'a Outline,
    /// The file whose names count; none for a chapter.
    pub file: Option<usize>,
    /// Names of parameters, dims and fields, which hide others.
    pub own: BTreeSet<&'a str>,
    /// The file that programs stand beside.
    pub beside: &'a str,
    /// The addresses of files, by their paths as the text writes them.
    pub files: &'a dyn Fn(&str) -> Option<String>,
}

impl Scope<'_> {
    /// The address of a name, where something has it; `Err` where nothing is called that.
    fn find(&self, name: &str) -> Result<Option<String>, ()> {
        let (path, field) = match name.split_once('.') {
            Some((path, field)) => (path, Some(field)),
            None => (name, None),
        };
        let mut segments = path.split("::");
        let first = segments.next().unwrap_or_default();
        let rest: Vec<&str> = segments.collect();
        let own = self.file.and_then(|at| {
            let names: &Names = &self.program.inspection(at).names;
            let number = self.program.files[at].number as usize;
            names.files.get(number)?.get(first)
        });
        let address = match own {
            Some(own) => {
                let at = self.file.ok_or(())?;
                self.member(at, &own.target, &rest)?
            }
            None if first == "std" => self.std(&rest)?,
            None => return self.of_language(name),
        };
        match (address, field) {
            (None, _) => Ok(None),
            (Some(address), None) => Ok(Some(address)),
            (Some(address), Some(field)) => {
                let found = self.program.anchor(format!("{address}.{field}"));
                found.map(Some).ok_or(())
            }
        }
    }

    /// What is called so in a module, where that is not a file's own name.
    fn member(&self, at: usize, target: &Target, rest: &[&str]) -> Result<Option<String>, ()> {
        let located = self.program.located(at);
        let Some((name, rest)) = rest.split_first() else {
            return Ok(self.program.address(target, located));
        };
        match target {
            Target::Std => self.std(&[&[*name], rest].concat()),
            Target::Module(number) => {
                let names = &self.program.inspection(at).names;
                let own = names
                    .files
                    .get(*number as usize)
                    .and_then(|own| own.get(*name));
                let own = own.filter(|own| !own.used).ok_or(())?;
                self.member(at, &own.target, rest)
            }
            Target::Place(_) | Target::Builtin(_) => Err(()),
        }
    }

    /// What is called so in the standard library, which may be no part of the site.
    fn std(&self, path: &[&str]) -> Result<Option<String>, ()> {
        let Some((module, rest)) = path.split_first() else {
            return Ok(Some(page("index")));
        };
        if !STD.iter().any(|(name, _)| name == module) {
            return Err(());
        }
        let Some(at) = self.program.std_module(module) else {
            return Ok(None);
        };
        let address = page(&self.program.files[at].slug);
        match rest {
            [] => Ok(Some(address)),
            [name] => {
                let found = self.program.anchor(format!("{address}#{name}"));
                found.map(Some).ok_or(())
            }
            _ => Err(()),
        }
    }

    /// A built-in operation or a code.
    fn of_language(&self, name: &str) -> Result<Option<String>, ()> {
        if let Some(code) = DiagnosticCode::parse(name).filter(|code| code.name() == name) {
            return Ok(self.outline.codes.get(code.name()).cloned());
        }
        let known = builtins().iter().any(|(builtin, _)| *builtin == name);
        match known {
            true => Ok(self.outline.builtins.get(name).cloned()),
            false => Err(()),
        }
    }

    /// The address of what a name in a program stands for.
    pub fn link(&self, reference: &Reference, located: &[Option<usize>]) -> Option<String> {
        match &reference.target {
            Target::Builtin(name) => self.outline.builtins.get(name).cloned(),
            target => self.program.address(target, located),
        }
    }
}

impl Words for Scope<'_> {
    fn named(&self, name: &str, how: Mention) -> Option<String> {
        if how == Mention::Word && self.own.contains(name) {
            return None;
        }
        self.find(name).ok().flatten()
    }

    fn is_known(&self, name: &str) -> bool {
        self.find(name).is_ok() || self.own.contains(name)
    }

    fn program(&self, text: &str) -> Code {
        let source = Source::new(self.beside, text);
        let tokens = lex(&source).0;
        let length = source.text.len() as u32;
        let inspected = inspect(source, &Beside::default());
        let located = self.program.locate(&inspected);
        // What is declared in the program itself stands in no file of the site.
        let own = |reference: &Reference| match &reference.target {
            Target::Place(span) => span.file == 0,
            Target::Module(file) => *file == 0,
            _ => false,
        };
        let text = Text {
            inspected: &inspected,
            file: 0,
            tokens: &tokens,
            link: &|reference| match own(reference) {
                true => None,
                false => self.link(reference, &located),
            },
        };
        let mut code = text.pieces(Span::new(0, length), DocLines::Keep);
        if code.is_empty() {
            code.push(plain("", Class::Plain));
        }
        code
    }

    fn file(&self, path: &str) -> Option<String> {
        (self.files)(path)
    }

    fn anchor(&self, code: &str) -> Option<String> {
        if self.file.is_some() {
            return None;
        }
        let (name, _) = code.split_once('(')?;
        let all = builtins();
        let mut same = all.iter().filter(|(builtin, _)| *builtin == name);
        let explained = same.any(|(name, params)| code == format!("{name}({params})"));
        explained.then(|| builtin_anchor(name))
    }
}

/// The anchor of the place where a built-in operation is explained.
pub(super) fn builtin_anchor(name: &str) -> String {
    format!("builtin-{name}")
}
