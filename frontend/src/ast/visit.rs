//! A walk over the expressions, statements and blocks of a syntax tree, in the order in which they run.

use super::{
    Arg, Block, DimArg, Expr, ExprKind, IndexKind, IterKind, Stmt, StmtKind, Type, TypeKind,
};

/// Who walks: a method does what is special and lets the function of its name go on.
pub trait Visitor<'a>: Sized {
    /// At an expression.
    fn expr(&mut self, expr: &'a Expr) {
        expr_parts(self, expr);
    }

    /// At a statement.
    fn stmt(&mut self, stmt: &'a Stmt) {
        stmt_parts(self, stmt);
    }

    /// At a block.
    fn block(&mut self, block: &'a Block) {
        block_parts(self, block);
    }

    /// At an argument of a call.
    fn argument(&mut self, arg: &'a Arg) {
        self.expr(&arg.value);
    }
}

/// The statements of a block, and its value.
pub fn block_parts<'a>(visitor: &mut impl Visitor<'a>, block: &'a Block) {
    block.stmts.iter().for_each(|stmt| visitor.stmt(stmt));
    maybe(visitor, block.tail.as_deref());
}

/// What stands in a statement; not the names that it binds.
pub fn stmt_parts<'a>(visitor: &mut impl Visitor<'a>, stmt: &'a Stmt) {
    match &stmt.kind {
        StmtKind::Let { ty, value, .. } | StmtKind::Var { ty, value, .. } => {
            visitor.expr(value);
            ty.iter().for_each(|ty| type_parts(visitor, ty));
        }
        StmtKind::Assign { target, value, .. } => {
            visitor.expr(target);
            visitor.expr(value);
        }
        StmtKind::Expr(value) => visitor.expr(value),
        StmtKind::For { iter, body, .. } => {
            iter_parts(visitor, &iter.kind);
            visitor.block(body);
        }
        StmtKind::While { cond, bound, body } => {
            maybe(visitor, bound.as_ref());
            visitor.expr(cond);
            visitor.block(body);
        }
        StmtKind::Return(value) => maybe(visitor, value.as_ref()),
        StmtKind::Error => {}
    }
}

/// What a loop goes over.
pub fn iter_parts<'a>(visitor: &mut impl Visitor<'a>, iter: &'a IterKind) {
    match iter {
        IterKind::Range { start, end, .. } => {
            visitor.expr(start);
            visitor.expr(end);
        }
        IterKind::Values(values) => visitor.expr(values),
    }
}

/// What an expression is made of.
pub fn expr_parts<'a>(visitor: &mut impl Visitor<'a>, expr: &'a Expr) {
    match &expr.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Str(_)
        | ExprKind::Path(_)
        | ExprKind::Error => {}
        ExprKind::Unary { operand, .. } => visitor.expr(operand),
        ExprKind::Binary { left, right, .. } => {
            visitor.expr(left);
            visitor.expr(right);
        }
        ExprKind::Call {
            callee, dims, args, ..
        } => {
            visitor.expr(callee);
            dim_parts(visitor, dims);
            args.iter().for_each(|arg| visitor.argument(arg));
        }
        ExprKind::Index { base, indices, .. } => {
            visitor.expr(base);
            indices
                .iter()
                .for_each(|index| index_parts(visitor, &index.kind));
        }
        ExprKind::Field { base, .. } | ExprKind::TupleField { base, .. } => visitor.expr(base),
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            visitor.expr(cond);
            visitor.block(then);
            maybe(visitor, otherwise.as_deref());
        }
        ExprKind::Block(block) => visitor.block(block),
        ExprKind::Lambda { params, body } => {
            let types = params.iter().flat_map(|param| &param.ty);
            types.for_each(|ty| type_parts(visitor, ty));
            visitor.expr(body);
        }
        ExprKind::Struct {
            dims, fields, base, ..
        } => {
            dim_parts(visitor, dims);
            fields.iter().for_each(|field| visitor.expr(&field.value));
            maybe(visitor, base.as_deref());
        }
        ExprKind::List(values) | ExprKind::Tuple(values) => {
            values.iter().for_each(|value| visitor.expr(value));
        }
        ExprKind::Range { start, end, .. } => {
            visitor.expr(start);
            visitor.expr(end);
        }
    }
}

/// The numbers of an index.
pub fn index_parts<'a>(visitor: &mut impl Visitor<'a>, index: &'a IndexKind) {
    match index {
        IndexKind::At(value) => visitor.expr(value),
        IndexKind::Slice { start, end, step } => {
            for bound in [start, end, step] {
                maybe(visitor, bound.as_ref());
            }
        }
        IndexKind::Ellipsis | IndexKind::NewAxis => {}
    }
}

/// The dims and counts of a type.
pub fn type_parts<'a>(visitor: &mut impl Visitor<'a>, ty: &'a Type) {
    match &ty.kind {
        TypeKind::Tensor { dims, .. } | TypeKind::Generic { dims, .. } => {
            dims.iter().for_each(|dim| visitor.expr(dim));
        }
        TypeKind::Named { dims, .. } => dim_parts(visitor, dims),
        TypeKind::Tuple(parts) => parts.iter().for_each(|part| type_parts(visitor, part)),
        TypeKind::List { element, count } => {
            type_parts(visitor, element);
            visitor.expr(count);
        }
        TypeKind::Fn { params, result } => {
            params.iter().for_each(|param| type_parts(visitor, param));
            result.iter().for_each(|result| type_parts(visitor, result));
        }
        TypeKind::Error => {}
    }
}

fn dim_parts<'a>(visitor: &mut impl Visitor<'a>, dims: &'a [DimArg]) {
    dims.iter().for_each(|dim| visitor.expr(&dim.value));
}

fn maybe<'a>(visitor: &mut impl Visitor<'a>, expr: Option<&'a Expr>) {
    expr.into_iter().for_each(|expr| visitor.expr(expr));
}
