//! Which variables a piece of text may assign, seen without its meaning: the roots of the targets of assignments, and
//! of the arguments of calls, since a parameter may be `inout`. Names that are declared in the text itself may be among
//! them.

use crate::ast::visit::{self, Visitor};
use crate::ast::{Arg, Block, Expr, ExprKind, Stmt, StmtKind};

/// Names in the order of their first occurrence.
pub(super) struct Assigned<'a> {
    /// The names.
    pub names: Vec<&'a str>,
    /// Whether arguments of calls count.
    arguments: bool,
}

impl<'a> Assigned<'a> {
    /// All that a block may assign.
    pub fn of_block(block: &'a Block) -> Self {
        let mut assigned = Self {
            names: Vec::new(),
            arguments: true,
        };
        assigned.block(block);
        assigned
    }

    /// The targets of a block's assignments alone.
    pub fn targets_of_block(block: &'a Block) -> Self {
        let mut assigned = Self {
            names: Vec::new(),
            arguments: false,
        };
        assigned.block(block);
        assigned
    }

    /// The variables that a target is part of.
    fn place(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Path(path) => {
                if let Some(ident) = path.as_ident()
                    && !self.names.contains(&ident.name.as_str())
                {
                    self.names.push(&ident.name);
                }
            }
            ExprKind::Tuple(items) => items.iter().for_each(|item| self.place(item)),
            ExprKind::Field { base, .. }
            | ExprKind::TupleField { base, .. }
            | ExprKind::Index { base, .. } => self.place(base),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Assigned<'a> {
    fn stmt(&mut self, stmt: &'a Stmt) {
        if let StmtKind::Assign { target, .. } = &stmt.kind {
            self.place(target);
        }
        visit::stmt_parts(self, stmt);
    }

    fn expr(&mut self, expr: &'a Expr) {
        // What is outside of a function value cannot be assigned in it.
        if !matches!(expr.kind, ExprKind::Lambda { .. }) {
            visit::expr_parts(self, expr);
        }
    }

    fn argument(&mut self, arg: &'a Arg) {
        if self.arguments {
            self.place(&arg.value);
        }
        self.expr(&arg.value);
    }
}
