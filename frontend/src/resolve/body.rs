//! The names inside items: scopes are walked as the checker walks them.

use std::collections::HashMap;

use crate::ast::visit::{self, Visitor};
use crate::ast::{
    Arg, Block, DType, DimArg, DimParam, Expr, ExprKind, File, Fn, Ident, Item, ItemKind, Pattern,
    PatternKind, Span, Stmt, StmtKind, Struct, Type, TypeKind,
};
use crate::builtins;
use crate::check::seen::Seen;
use crate::modules::Files;
use crate::resolve::items::{refer, segments};
use crate::resolve::{Bound, BoundKind, Names, Reference, Target};

/// Names that are values of the language.
const CONSTANTS: &[&str] = &["inf", "nan", "pi", "newaxis"];

/// Enters the names inside the items of a file.
pub(super) fn walk<'a>(
    files: &'a Files,
    names: &mut Names,
    seen: &Seen,
    file: usize,
    tree: &'a File,
) {
    let items = files.trees.iter().flat_map(|tree| &tree.items);
    let declared = items.filter_map(|item| match &item.kind {
        ItemKind::Fn(f) => Some((f.name.span, Declared::Fn(f))),
        ItemKind::Struct(s) => Some((s.name.span, Declared::Struct(s))),
        _ => None,
    });
    let mut walk = Walk {
        files,
        names,
        seen,
        file,
        declared: declared.collect(),
        locals: Vec::new(),
    };
    for item in &tree.items {
        walk.item(item);
    }
}

/// An item whose parts can be named elsewhere.
#[derive(Clone, Copy)]
enum Declared<'a> {
    Fn(&'a Fn),
    Struct(&'a Struct),
}

struct Walk<'a, 'n> {
    files: &'a Files,
    names: &'n mut Names,
    seen: &'n Seen,
    file: usize,
    /// Functions and structs by the places of their names.
    declared: HashMap<Span, Declared<'a>>,
    /// The names in reach, the innermost last.
    locals: Vec<&'a Ident>,
}

impl<'a> Walk<'a, '_> {
    fn item(&mut self, item: &'a Item) {
        for attribute in &item.attrs {
            attribute.args.iter().for_each(|arg| self.expr(&arg.value));
        }
        match &item.kind {
            ItemKind::Const(c) => self.expr(&c.value),
            ItemKind::Struct(s) => {
                self.generics(&s.dims, item.span);
                for field in &s.fields {
                    self.ty(&field.ty);
                    self.enter(&field.name, BoundKind::Field, field.name.span.at_start());
                }
            }
            ItemKind::Fn(f) => {
                self.generics(&f.dims, item.span);
                for param in &f.params {
                    self.ty(&param.ty);
                    param.default.iter().for_each(|value| self.expr(value));
                }
                f.result.iter().for_each(|result| self.ty(result));
                for param in &f.params {
                    // A condition may be on a parameter, too.
                    self.bind(&param.name, BoundKind::Param, f.header_span.to(f.body.span));
                }
                f.conditions
                    .iter()
                    .for_each(|condition| self.expr(condition));
                self.block(&f.body);
            }
            ItemKind::Test(test) => self.block(&test.body),
            ItemKind::Import(_) | ItemKind::Use(_) | ItemKind::Bad(_) => {}
        }
        self.locals.clear();
    }

    fn generics(&mut self, dims: &'a [DimParam], reach: Span) {
        for dim in dims {
            self.bind(&dim.name, BoundKind::Generic, reach);
        }
        for range in dims.iter().filter_map(|dim| dim.range.as_ref()) {
            let ends = [&range.start, &range.end].into_iter().flatten();
            ends.for_each(|end| self.expr(end));
        }
    }

    /// Notes what is bound, without a scope.
    fn enter(&mut self, name: &Ident, kind: BoundKind, reach: Span) {
        self.names.bound.push(Bound {
            name: name.name.clone(),
            span: name.span,
            kind,
            reach,
        });
        refer(self.names, name.span, Target::Place(name.span));
    }

    fn bind(&mut self, name: &'a Ident, kind: BoundKind, reach: Span) {
        self.enter(name, kind, reach);
        self.locals.push(name);
    }

    fn pattern(&mut self, pattern: &'a Pattern, kind: BoundKind, reach: Span) {
        match &pattern.kind {
            PatternKind::Name(name) => self.bind(name, kind, reach),
            PatternKind::Tuple(parts) => {
                parts
                    .iter()
                    .for_each(|part| self.pattern(part, kind, reach));
            }
            PatternKind::Wildcard | PatternKind::Error => {}
        }
    }

    /// What is bound inside goes out of reach at its end.
    fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = self.locals.len();
        inside(self);
        self.locals.truncate(outer);
    }

    fn local(&self, name: &str) -> Option<Target> {
        let local = self.locals.iter().rev().find(|local| local.name == name)?;
        Some(Target::Place(local.span))
    }

    fn path(&mut self, path: &'a [Ident]) -> Option<Target> {
        let [name] = path else {
            return segments(self.files, self.names, self.file, path);
        };
        let own = self.names.files[self.file].get(&name.name);
        let target = self
            .local(&name.name)
            .or_else(|| own.map(|own| own.target.clone()))
            .or_else(|| (name.name == "std").then_some(Target::Std))
            .or_else(|| is_builtin(&name.name).then(|| Target::Builtin(name.name.clone())))?;
        refer(self.names, name.span, target.clone());
        Some(target)
    }

    fn ty(&mut self, ty: &'a Type) {
        match &ty.kind {
            TypeKind::Named { path, dims } => {
                let target = self.path(&path.segments);
                self.dim_args(target.as_ref(), dims);
            }
            TypeKind::Generic { dtype, dims, .. } => {
                self.path(std::slice::from_ref(dtype));
                dims.iter().for_each(|dim| self.expr(dim));
            }
            TypeKind::Tensor { dims, .. } => dims.iter().for_each(|dim| self.expr(dim)),
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.ty(part)),
            TypeKind::List { element, count } => {
                self.ty(element);
                self.expr(count);
            }
            TypeKind::Fn { params, result } => {
                params.iter().for_each(|param| self.ty(param));
                result.iter().for_each(|result| self.ty(result));
            }
            TypeKind::Error => {}
        }
    }

    fn declared(&self, target: Option<&Target>) -> Option<Declared<'a>> {
        match target? {
            Target::Place(span) => self.declared.get(span).copied(),
            _ => None,
        }
    }

    /// The dims given to an item: `T` in `f<T=8>` stands for the dim of the item.
    fn dim_args(&mut self, target: Option<&Target>, dims: &'a [DimArg]) {
        let of = self.declared(target);
        for dim in dims {
            if let (Some(of), Some(name)) = (of, &dim.name) {
                self.part(of, name, Part::Generic);
            }
            self.expr(&dim.value);
        }
    }

    /// A name that stands for a part of an item.
    fn part(&mut self, of: Declared<'a>, name: &Ident, part: Part) {
        let dims = match of {
            Declared::Fn(f) => &f.dims,
            Declared::Struct(s) => &s.dims,
        };
        let mut named: Vec<&Ident> = Vec::new();
        match (part, of) {
            (Part::Generic, _) => named.extend(dims.iter().map(|dim| &dim.name)),
            (Part::Member, Declared::Fn(f)) => named.extend(f.params.iter().map(|p| &p.name)),
            (Part::Member, Declared::Struct(s)) => named.extend(s.fields.iter().map(|f| &f.name)),
        }
        if let Some(found) = named.into_iter().find(|known| known.name == name.name) {
            refer(self.names, name.span, Target::Place(found.span));
        }
    }

    /// The arguments of a call of something.
    fn arguments(&mut self, target: Option<&Target>, args: &'a [Arg]) {
        let raw = match target {
            Some(Target::Builtin(name)) => builtins::find(name).map(builtins::raw_arguments),
            _ => None,
        };
        let of = self.declared(target);
        // What a transformation of a function calls by name are parts of that function.
        let mut transformed = None;
        for (position, arg) in args.iter().enumerate() {
            if position == 0
                && raw.is_some_and(|raw| raw.contains(&"wrt"))
                && let ExprKind::Path(path) = &arg.value.kind
            {
                let target = self.path(&path.segments);
                transformed = self.declared(target.as_ref());
                continue;
            }
            let Some(name) = &arg.name else {
                self.expr(&arg.value);
                continue;
            };
            match (of, transformed) {
                (Some(of), _) => self.part(of, name, Part::Member),
                (None, Some(f)) => self.part(f, name, Part::Generic),
                (None, None) => {}
            }
            match raw {
                Some(raw) if raw.contains(&name.name.as_str()) => {
                    if let Some(f) = transformed {
                        self.parameters(f, &arg.value);
                    }
                }
                _ => self.expr(&arg.value),
            }
        }
    }

    /// `p`, `(p, q)`: names of parameters.
    fn parameters(&mut self, f: Declared<'a>, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Path(path) => {
                if let Some(name) = path.as_ident() {
                    self.part(f, name, Part::Member);
                }
            }
            ExprKind::Tuple(parts) | ExprKind::List(parts) => {
                parts.iter().for_each(|part| self.parameters(f, part));
            }
            _ => {}
        }
    }
}

/// Which parts of an item a name is looked for in.
#[derive(Clone, Copy)]
enum Part {
    Generic,
    Member,
}

fn is_builtin(name: &str) -> bool {
    CONSTANTS.contains(&name)
        || DType::ALL.iter().any(|dtype| dtype.dl_name() == name)
        || builtins::find(name).is_some()
}

impl<'a> Visitor<'a> for Walk<'a, '_> {
    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Path(path) => {
                self.path(&path.segments);
            }
            ExprKind::Call {
                callee, dims, args, ..
            } => {
                let target = match &callee.kind {
                    ExprKind::Path(path) => self.path(&path.segments),
                    _ => {
                        self.expr(callee);
                        None
                    }
                };
                self.dim_args(target.as_ref(), dims);
                self.arguments(target.as_ref(), args);
            }
            ExprKind::Field { base, name } => {
                self.expr(base);
                if let Some(declared) = self.seen.field_at(name.span) {
                    self.names.references.push(Reference {
                        span: name.span,
                        target: Target::Place(declared),
                    });
                }
            }
            ExprKind::Struct {
                path,
                dims,
                fields,
                base,
            } => {
                let target = self.path(&path.segments);
                self.dim_args(target.as_ref(), dims);
                let of = self.declared(target.as_ref());
                for field in fields {
                    // In `Name { a }` the one name is a field and a variable; what is renamed is the variable.
                    if let (Some(of), true) = (of, field.name.span != field.value.span) {
                        self.part(of, &field.name, Part::Member);
                    }
                    self.expr(&field.value);
                }
                base.iter().for_each(|base| self.expr(base));
            }
            ExprKind::Lambda { params, body } => self.scope(|walk| {
                for param in params {
                    param.ty.iter().for_each(|ty| walk.ty(ty));
                    walk.pattern(&param.pattern, BoundKind::Let, expr.span);
                }
                walk.expr(body);
            }),
            _ => visit::expr_parts(self, expr),
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::For {
                pattern,
                iter,
                body,
            } => {
                visit::iter_parts(self, &iter.kind);
                self.scope(|walk| {
                    walk.pattern(pattern, BoundKind::Loop, body.span);
                    walk.block(body);
                });
            }
            StmtKind::Let { ty, value, .. } | StmtKind::Var { ty, value, .. } => {
                self.expr(value);
                ty.iter().for_each(|ty| self.ty(ty));
            }
            _ => visit::stmt_parts(self, stmt),
        }
    }

    fn block(&mut self, block: &'a Block) {
        self.scope(|walk| {
            for stmt in &block.stmts {
                walk.stmt(stmt);
                let (pattern, kind) = match &stmt.kind {
                    StmtKind::Let { pattern, .. } => (pattern, BoundKind::Let),
                    StmtKind::Var { pattern, .. } => (pattern, BoundKind::Var),
                    _ => continue,
                };
                let reach = Span {
                    start: stmt.span.end,
                    ..block.span
                };
                walk.pattern(pattern, kind, reach);
            }
            block.tail.iter().for_each(|tail| walk.expr(tail));
        });
    }
}
