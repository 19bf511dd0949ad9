//! The modules of a site: their items with signatures, doc comments and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dlc_doc::markdown::{self, Place};
use dlc_doc::model::{Class, Code, Docs, Field, Item, Kind, Link, Module, Test};
use dlc_frontend::ast::{Doc, Item as Ast, ItemKind, Span};
use dlc_frontend::codes::Code as DiagnosticCode;
use dlc_frontend::diagnostic::{Diagnostic, similar};
use dlc_frontend::modules::is_std;
use dlc_frontend::resolve::{Reference, Target};

use super::Report;
use super::examples::{beside, text_of, text_start};
use super::pieces::{DocLines, Text, plain};
use super::program::{Program, Shown};
use super::words::{Outline, Scope};

/// All modules; links in doc comments that lead nowhere are reported for the files that were asked for.
pub(super) fn modules(program: &Program, outline: &Outline, report: &mut Report) -> Vec<Module> {
    let users = users(program);
    let files = 0..program.files.len();
    files
        .map(|at| {
            let mut collector = Collector {
                program,
                outline,
                at,
                broken: Vec::new(),
            };
            let module = collector.module(&users);
            if program.files[at].is_root {
                report.add(&program.inspection(at).sources, collector.broken);
            }
            module
        })
        .collect()
}

/// What has each struct in its signature, by the address of the struct.
fn users(program: &Program) -> BTreeMap<String, BTreeSet<Link>> {
    let mut users: BTreeMap<String, BTreeSet<Link>> = BTreeMap::new();
    for at in 0..program.files.len() {
        let located = program.located(at);
        let references = &program.inspection(at).names.references;
        for item in &program.tree(at).items {
            let Some(shown) = Shown::of(item) else {
                continue;
            };
            let head = shown.head(item);
            let (name, own) = shown.name();
            let Some(user) = program.address(&Target::Place(own), located) else {
                continue;
            };
            let first = references.partition_point(|one| one.span < head.at_start());
            let inside = references[first..].iter();
            for reference in
                inside.take_while(|one| one.span.file == head.file && one.span.end <= head.end)
            {
                if reference.target == Target::Place(own) {
                    continue;
                }
                if let Some(used) = program.address(&reference.target, located) {
                    users.entry(used).or_default().insert(Link {
                        name: name.to_owned(),
                        address: user.clone(),
                    });
                }
            }
        }
    }
    users
}

/// What a file's module is made of.
struct Collector<'a> {
    program: &'a Program,
    outline: &'a Outline,
    at: usize,
    broken: Vec<Diagnostic>,
}

impl<'a> Collector<'a> {
    fn module(&mut self, users: &BTreeMap<String, BTreeSet<Link>>) -> Module {
        let program = self.program;
        let source = program.source(self.at);
        let tree = program.tree(self.at);
        let place = Place {
            below: 1,
            prefix: "about-",
        };
        let docs = self.docs(&tree.docs, BTreeSet::new(), place);
        let mut items = Vec::new();
        let mut tests = Vec::new();
        for item in &tree.items {
            match (&item.kind, Shown::of(item)) {
                (_, Some(shown)) => items.push(self.item(item, shown, users)),
                (ItemKind::Test(test), _) => tests.push(Test {
                    name: test.name.clone(),
                    line: source.line_col(item.span.start).line,
                }),
                _ => {}
            }
        }
        Module {
            name: program.name(self.at),
            slug: program.files[self.at].slug.clone(),
            file: source.name.clone(),
            is_std: is_std(source),
            docs,
            items,
            tests,
            source: self.pieces(self.whole(), DocLines::Keep, None),
        }
    }

    fn whole(&self) -> Span {
        let length = self.program.source(self.at).text.len() as u32;
        Span::in_file(self.program.files[self.at].number, 0, length)
    }

    /// The pieces of a part of the file; the name at a place leads nowhere.
    fn pieces(&self, part: Span, docs: DocLines, own: Option<Span>) -> Code {
        let file = &self.program.files[self.at];
        let scope = self.scope(BTreeSet::new(), &|_| None, "");
        let located = self.program.located(self.at);
        let link = |reference: &Reference| match Some(reference.span) == own {
            true => None,
            false => scope.link(reference, located),
        };
        let text = Text {
            inspected: self.program.inspection(self.at),
            file: file.number,
            tokens: &file.tokens,
            link: &link,
        };
        text.pieces(part, docs)
    }

    fn scope<'s>(
        &self,
        own: BTreeSet<&'s str>,
        files: &'s dyn Fn(&str) -> Option<String>,
        beside: &'s str,
    ) -> Scope<'s>
    where
        'a: 's,
    {
        Scope {
            program: self.program,
            outline: self.outline,
            file: Some(self.at),
            own,
            beside,
            files,
        }
    }

    fn item(
        &mut self,
        item: &'a Ast,
        shown: Shown<'a>,
        users: &BTreeMap<String, BTreeSet<Link>>,
    ) -> Item {
        let program = self.program;
        let source = program.source(self.at);
        let (name, name_span) = shown.name();
        let mut signature = Code::new();
        for attribute in &item.attrs {
            signature.extend(self.pieces(attribute.span, DocLines::LeaveOut, None));
            signature.push(plain("\n", Class::Plain));
        }
        signature.extend(self.pieces(shown.head(item), DocLines::LeaveOut, Some(name_span)));
        signature.extend(self.value(shown));
        let place = Place {
            below: 2,
            prefix: &format!("{name}-"),
        };
        let own = own_names(shown);
        let mut fields = Vec::new();
        if let Shown::Struct(s) = shown {
            for field in &s.fields {
                fields.push(Field {
                    name: field.name.name.clone(),
                    ty: self.pieces(field.ty.span, DocLines::LeaveOut, None),
                    docs: self.docs(&field.docs, own.clone(), place),
                });
            }
            // The signature has them all; those that nothing is said of are not listed again.
            if fields.iter().all(|field| field.docs.html.is_empty()) {
                fields.clear();
            }
        }
        let located = program.located(self.at);
        let address = program.address(&Target::Place(name_span), located);
        let used_by = match shown {
            Shown::Struct(_) => address.and_then(|address| users.get(&address)),
            Shown::Const(_) | Shown::Fn(_) => None,
        };
        Item {
            name: name.to_owned(),
            kind: match shown {
                Shown::Const(_) => Kind::Const,
                Shown::Struct(_) => Kind::Struct,
                Shown::Fn(f) if f.export => Kind::Export,
                Shown::Fn(_) => Kind::Function,
            },
            signature,
            docs: self.docs(&item.docs, own, place),
            fields,
            used_by: used_by.into_iter().flatten().cloned().collect(),
            line: source.line_col(item.span.start).line,
        }
    }

    /// The value of a constant, where its text is not the value.
    fn value(&self, shown: Shown) -> Option<dlc_doc::model::Piece> {
        let Shown::Const(c) = shown else { return None };
        let seen = &self.program.inspection(self.at).seen;
        let value = seen.type_at(c.value.span)?.value?;
        let written = self.program.source(self.at).slice(c.value.span);
        (written != value).then(|| plain(&format!("  // {value}"), Class::Comment))
    }

    fn docs(&mut self, docs: &[Doc], own: BTreeSet<&str>, place: Place) -> Docs {
        if docs.is_empty() {
            return Docs::default();
        }
        let source = self.program.source(self.at);
        let beside = beside(source);
        let text = text_of(docs);
        let scope = self.scope(own, &|_| None, &beside);
        let rendered = markdown::render(&text, &scope, place);
        for broken in rendered.broken {
            let span = self.span_in(docs, &text, broken.range);
            let message = format!("`{}` in this doc comment names nothing", broken.name);
            let diagnostic = Diagnostic::warning(DiagnosticCode::DL0906, message, span);
            self.broken.push(self.advised(diagnostic, &broken.name));
        }
        rendered.docs
    }

    /// A warning with what may have been meant.
    fn advised(&self, diagnostic: Diagnostic, name: &str) -> Diagnostic {
        let names = &self.program.inspection(self.at).names;
        let number = self.program.files[self.at].number as usize;
        let own = names.files[number].keys().map(String::as_str);
        match similar(name, own) {
            Some(near) => diagnostic.help(format!("there is `{near}`")),
            None => diagnostic
                .help("a name is one that the file could use: `f`, `file::f`, `std::nn::linear`"),
        }
    }

    /// Where bytes of the text of a doc comment stand in the file; of several lines the first.
    fn span_in(&self, docs: &[Doc], text: &str, range: Range<usize>) -> Span {
        let before = &text[..range.start];
        let line = before.matches('\n').count();
        let column = range.start - before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[range.start..range.end];
        let length = rest.find('\n').unwrap_or(rest.len());
        let Some(doc) = docs.get(line) else {
            return docs[0].span;
        };
        let start = text_start(self.program.source(self.at), doc) + column as u32;
        Span::in_file(doc.span.file, start, start + length as u32)
    }
}

/// The names of parameters, dims and fields.
fn own_names(shown: Shown<'_>) -> BTreeSet<&str> {
    match shown {
        Shown::Const(_) => BTreeSet::new(),
        Shown::Struct(s) => {
            let dims = s.dims.iter().map(|dim| dim.name.name.as_str());
            dims.chain(s.fields.iter().map(|field| field.name.name.as_str()))
                .collect()
        }
        Shown::Fn(f) => {
            let dims = f.dims.iter().map(|dim| dim.name.name.as_str());
            dims.chain(f.params.iter().map(|param| param.name.name.as_str()))
                .chain([f.name.name.as_str()])
                .collect()
        }
    }
}
