//! Which variables a piece of text may assign, seen without its meaning: the roots of the targets of assignments, and
//! of the arguments of calls, since a parameter may be `inout`. Names that are declared in the text itself may be among
//! them.

use crate::ast::{Arg, Block, Expr, ExprKind, Index, IndexKind, IterKind, Stmt, StmtKind};

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

    /// Adds those of a block.
    pub fn block(&mut self, block: &'a Block) {
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
        self.maybe(block.tail.as_deref());
    }

    /// Adds those of an expression.
    pub fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Call { callee, args, .. } => {
                self.expr(callee);
                args.iter().for_each(|arg| self.argument(arg));
            }
            ExprKind::Index { base, indices, .. } => {
                self.expr(base);
                indices.iter().for_each(|index| self.index(index));
            }
            ExprKind::Field { base, .. } | ExprKind::TupleField { base, .. } => self.expr(base),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.expr(cond);
                self.block(then);
                self.maybe(otherwise.as_deref());
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Struct { fields, base, .. } => {
                fields.iter().for_each(|field| self.expr(&field.value));
                self.maybe(base.as_deref());
            }
            ExprKind::List(items) | ExprKind::Tuple(items) => {
                items.iter().for_each(|item| self.expr(item));
            }
            // What is outside of a function value cannot be assigned in it.
            ExprKind::Lambda { .. }
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Str(_)
            | ExprKind::Path(_)
            | ExprKind::Range { .. }
            | ExprKind::Error => {}
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::Var { value, .. } | StmtKind::Expr(value) => {
                self.expr(value);
            }
            StmtKind::Assign { target, value, .. } => {
                self.place(target);
                self.expr(target);
                self.expr(value);
            }
            StmtKind::For { iter, body, .. } => {
                match &iter.kind {
                    IterKind::Range { start, end, .. } => {
                        self.expr(start);
                        self.expr(end);
                    }
                    IterKind::Values(values) => self.expr(values),
                }
                self.block(body);
            }
            StmtKind::While { cond, bound, body } => {
                self.maybe(bound.as_ref());
                self.expr(cond);
                self.block(body);
            }
            StmtKind::Return(value) => self.maybe(value.as_ref()),
            StmtKind::Error => {}
        }
    }

    fn argument(&mut self, arg: &'a Arg) {
        if self.arguments {
            self.place(&arg.value);
        }
        self.expr(&arg.value);
    }

    fn index(&mut self, index: &'a Index) {
        match &index.kind {
            IndexKind::At(at) => self.expr(at),
            IndexKind::Slice { start, end, step } => {
                for part in [start, end, step] {
                    self.maybe(part.as_ref());
                }
            }
            IndexKind::Ellipsis | IndexKind::NewAxis => {}
        }
    }

    fn maybe(&mut self, expr: Option<&'a Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
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
