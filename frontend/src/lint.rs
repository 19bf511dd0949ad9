//! Variables that nothing reads, found in the syntax tree alone.
//!
//! A name that begins with `_` is meant to be unused. Parameters and loop variables are left alone: a function may
//! have to take what it does not need, and a loop to be run a number of times.

use std::collections::HashMap;

use crate::ast::visit::{self, Visitor};
use crate::ast::{
    Block, Expr, ExprKind, File, Ident, ItemKind, Pattern, PatternKind, Stmt, StmtKind,
};
use crate::diagnostic::{Code, Diagnostic};

/// A warning for each variable of a file that nothing reads.
pub(crate) fn unused_variables(file: &File) -> Vec<Diagnostic> {
    let mut walk = Walk::default();
    for item in &file.items {
        match &item.kind {
            ItemKind::Fn(function) => walk.scope(|walk| {
                for param in &function.params {
                    walk.bind(&param.name, false);
                }
                walk.block(&function.body);
            }),
            ItemKind::Test(test) => walk.block(&test.body),
            _ => {}
        }
    }
    walk.found
}

/// A name in reach.
struct Local<'a> {
    name: &'a Ident,
    /// Whether it is a variable by `let` or `var` that nothing has read so far.
    unread: bool,
    /// Whether it has been assigned.
    assigned: bool,
}

#[derive(Default)]
struct Walk<'a> {
    /// The innermost last.
    locals: Vec<Local<'a>>,
    /// The places of each name in `locals`.
    places: HashMap<&'a str, Vec<usize>>,
    found: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    /// What is bound in it goes out of reach at its end.
    fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = self.locals.len();
        inside(self);
        for local in self.locals.drain(outer..) {
            let Ident { name, span } = local.name;
            if let Some(places) = self.places.get_mut(name.as_str()) {
                places.pop();
            }
            if !local.unread {
                continue;
            }
            let message = format!("nothing reads `{name}`");
            let advice =
                "take it out, or say by a `_` before its name that it is meant to be unused";
            let diagnostic = Diagnostic::warning(Code::DL0905, message, *span);
            // A variable that is assigned stands in other places, too.
            self.found.push(match local.assigned {
                true => diagnostic.label("it is only assigned").help(advice),
                false => diagnostic.suggest(advice, *span, format!("_{name}")),
            });
        }
    }

    fn bind(&mut self, name: &'a Ident, variable: bool) {
        let unread = variable && !name.name.starts_with('_');
        let places = self.places.entry(&name.name).or_default();
        places.push(self.locals.len());
        self.locals.push(Local {
            name,
            unread,
            assigned: false,
        });
    }

    fn pattern(&mut self, pattern: &'a Pattern, variable: bool) {
        match &pattern.kind {
            PatternKind::Name(name) => self.bind(name, variable),
            PatternKind::Tuple(parts) => {
                for part in parts {
                    self.pattern(part, variable);
                }
            }
            PatternKind::Wildcard | PatternKind::Error => {}
        }
    }

    fn local(&mut self, name: &str) -> Option<&mut Local<'a>> {
        let place = *self.places.get(name)?.last()?;
        self.locals.get_mut(place)
    }

    fn read(&mut self, name: &str) {
        if let Some(local) = self.local(name) {
            local.unread = false;
        }
    }

    /// To be assigned is not to be read.
    fn target(&mut self, target: &'a Expr) {
        match &target.kind {
            ExprKind::Path(path) => {
                let name = path.as_ident();
                if let Some(local) = name.and_then(|name| self.local(&name.name)) {
                    local.assigned = true;
                }
            }
            ExprKind::Tuple(parts) => parts.iter().for_each(|part| self.target(part)),
            ExprKind::Field { base, .. } | ExprKind::TupleField { base, .. } => self.target(base),
            ExprKind::Index { base, indices, .. } => {
                self.target(base);
                indices
                    .iter()
                    .for_each(|index| visit::index_parts(self, &index.kind));
            }
            _ => self.expr(target),
        }
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn block(&mut self, block: &'a Block) {
        self.scope(|walk| visit::block_parts(walk, block));
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Let { pattern, .. } | StmtKind::Var { pattern, .. } => {
                visit::stmt_parts(self, stmt);
                self.pattern(pattern, true);
            }
            StmtKind::Assign { target, value, .. } => {
                self.target(target);
                self.expr(value);
            }
            StmtKind::For {
                pattern,
                iter,
                body,
            } => {
                visit::iter_parts(self, &iter.kind);
                self.scope(|walk| {
                    walk.pattern(pattern, false);
                    walk.block(body);
                });
            }
            _ => visit::stmt_parts(self, stmt),
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Path(path) => {
                if let Some(name) = path.as_ident() {
                    self.read(&name.name);
                }
            }
            ExprKind::Lambda { params, .. } => self.scope(|walk| {
                for param in params {
                    walk.pattern(&param.pattern, false);
                }
                visit::expr_parts(walk, expr);
            }),
            _ => visit::expr_parts(self, expr),
        }
    }
}
