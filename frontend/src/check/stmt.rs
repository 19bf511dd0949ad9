//! Statements, blocks and patterns.

use crate::ast::{Block, Expr, ExprKind, Pattern, PatternKind, Stmt, StmtKind, Type};
use crate::check::Checker;
use crate::check::convert::Expected;
use crate::check::dims::count;
use crate::check::env::{Binding, Kind};
use crate::check::types::Ty;
use crate::check::value::{Reported, Res, Value};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Checker<'a> {
    /// The value of a block, in the scope at hand.
    pub(super) fn eval_block(&mut self, block: &'a Block) -> Res<Value<'a>> {
        self.statements(block)?;
        match &block.tail {
            Some(tail) => self.eval(tail),
            None => Ok(Value::unit()),
        }
    }

    /// A block whose value nobody takes.
    pub(super) fn run_block(&mut self, block: &'a Block) -> Res<()> {
        self.statements(block)?;
        match &block.tail {
            Some(tail) => self.eval_unwanted(tail).map(|_| ()),
            None => Ok(()),
        }
    }

    fn statements(&mut self, block: &'a Block) -> Res<()> {
        for stmt in &block.stmts {
            if let StmtKind::Return(_) = stmt.kind {
                let diagnostic = Diagnostic::error(
                    Code::DL0712,
                    "`return` stands only at the end of a function",
                    stmt.span,
                )
                .help("a block's value is its last expression; choose values by `if` or `where`");
                self.report(diagnostic);
                continue;
            }
            let _ = self.statement(stmt);
            if self.unrolling.is_some() {
                return Err(Reported);
            }
        }
        Ok(())
    }

    /// The value of a function's body, where `return` may be the last statement.
    pub(super) fn eval_body(&mut self, block: &'a Block) -> Res<Value<'a>> {
        let Some((
            Stmt {
                kind: StmtKind::Return(value),
                ..
            },
            before,
        )) = block.stmts.split_last()
        else {
            return self.eval_block(block);
        };
        if block.tail.is_some() {
            return self.eval_block(block);
        }
        for stmt in before {
            if let StmtKind::Return(_) = stmt.kind {
                let _ = self.error::<()>(
                    Code::DL0712,
                    "`return` stands only at the end of a function",
                    stmt.span,
                );
                continue;
            }
            let _ = self.statement(stmt);
            if self.unrolling.is_some() {
                return Err(Reported);
            }
        }
        match value {
            Some(value) => self.eval(value),
            None => Ok(Value::unit()),
        }
    }

    fn statement(&mut self, stmt: &'a Stmt) -> Res<()> {
        match &stmt.kind {
            StmtKind::Let { pattern, ty, value } => {
                let value = self.declared_value(ty.as_ref(), value);
                let value = value.unwrap_or(Value::Error);
                if let (Value::Fn(_), PatternKind::Name(name)) = (&value, &pattern.kind) {
                    let diagnostic = Diagnostic::error(
                        Code::DL0705,
                        "a function value can only be an argument",
                        stmt.span,
                    )
                    .help(format!("declare it: `fn {}(…) {{ … }}`", name.name));
                    self.report(diagnostic);
                    self.bind_error(pattern);
                    return Err(Reported);
                }
                self.bind(pattern, value, &|_| Kind::Let)
            }
            StmtKind::Var { pattern, ty, value } => {
                let span = value.span;
                let value = self
                    .declared_value(ty.as_ref(), value)
                    .and_then(|value| self.as_variable(value, span));
                match value {
                    Ok((value, _)) => self.bind(pattern, value, &|ty| {
                        ty.map_or(Kind::Var(Ty::Error), Kind::Var)
                    }),
                    Err(Reported) => {
                        self.bind_error(pattern);
                        Err(Reported)
                    }
                }
            }
            StmtKind::Assign {
                target,
                op,
                op_span,
                value,
            } => self.assignment(target, *op, *op_span, value),
            StmtKind::Expr(expr) => {
                let value = self.eval_unwanted(expr)?;
                let call = matches!(
                    expr.kind,
                    ExprKind::Call { .. } | ExprKind::If { .. } | ExprKind::Block(_)
                );
                if !call && !matches!(&value, Value::Tuple(items) if items.is_empty()) {
                    let diagnostic =
                        Diagnostic::warning(Code::DL0901, "this value is not used", expr.span)
                            .help("bind it by `let`, or take it out");
                    self.report(diagnostic);
                }
                Ok(())
            }
            StmtKind::For {
                pattern,
                iter,
                body,
            } => self.for_loop(pattern, iter, body),
            StmtKind::While { cond, bound, body } => {
                self.while_loop((cond, bound.as_ref()), body, stmt.span)
            }
            StmtKind::Return(_) | StmtKind::Error => Err(Reported),
        }
    }

    /// A value with the type that is written, if one is.
    fn declared_value(&mut self, ty: Option<&'a Type>, expr: &'a Expr) -> Res<Value<'a>> {
        let value = self.eval(expr);
        let Some(written) = ty else { return value };
        let ty = self.body_type(written);
        let (value, ty) = (value?, ty?);
        let expected = Expected::new("the value", Code::DL0205)
            .declared(written.span, "declared here")
            .expr(expr);
        self.coerce(value, &ty, expr.span, &expected)
    }

    /// Binds the names of a pattern.
    pub(super) fn bind(
        &mut self,
        pattern: &'a Pattern,
        value: Value<'a>,
        kind: &dyn Fn(Option<Ty>) -> Kind,
    ) -> Res<()> {
        match &pattern.kind {
            PatternKind::Name(name) => {
                self.see(name.span, &value);
                let kind = kind(self.type_of(&value));
                self.scope.bind(
                    &name.name,
                    Binding {
                        value,
                        kind,
                        span: name.span,
                    },
                );
                Ok(())
            }
            PatternKind::Wildcard => Ok(()),
            PatternKind::Tuple(patterns) => {
                let parts: Vec<Value<'a>> = match &value {
                    Value::Tuple(items) | Value::List(items) => items.to_vec(),
                    Value::Error => {
                        self.bind_error(pattern);
                        return Err(Reported);
                    }
                    Value::Tensor(id) if self.dtype(*id) == crate::ast::DType::Key => self
                        .key_parts(*id, patterns.len(), pattern.span)
                        .inspect_err(|_| self.bind_error(pattern))?,
                    other => {
                        let what = self.describe(other);
                        let message = format!("{} names are bound to {what}", patterns.len());
                        let help = match other {
                            Value::Tensor(_) => {
                                "only a tuple or list has parts; index a tensor: `x[0]`"
                            }
                            Value::Struct(_) => {
                                "only a tuple or list has parts; name a struct's fields: `p.w`"
                            }
                            _ => "only a tuple or list has parts",
                        };
                        let diagnostic =
                            Diagnostic::error(Code::DL0708, message, pattern.span).help(help);
                        self.report(diagnostic);
                        self.bind_error(pattern);
                        return Err(Reported);
                    }
                };
                if parts.len() != patterns.len() {
                    let message = format!(
                        "{} bound to {}",
                        if patterns.len() == 1 {
                            "1 name is".to_string()
                        } else {
                            format!("{} names are", patterns.len())
                        },
                        count(parts.len(), "value")
                    );
                    let diagnostic = Diagnostic::error(Code::DL0708, message, pattern.span)
                        .help("`_` binds nothing");
                    self.report(diagnostic);
                    self.bind_error(pattern);
                    return Err(Reported);
                }
                let mut result = Ok(());
                for (pattern, part) in patterns.iter().zip(parts) {
                    result = self.bind(pattern, part, kind).and(result);
                }
                result
            }
            PatternKind::Error => Err(Reported),
        }
    }

    /// Binds the names of a pattern to something that has been reported.
    pub(super) fn bind_error(&mut self, pattern: &'a Pattern) {
        match &pattern.kind {
            PatternKind::Name(name) => {
                let binding = Binding {
                    value: Value::Error,
                    kind: Kind::Var(Ty::Error),
                    span: name.span,
                };
                self.scope.bind(&name.name, binding);
            }
            PatternKind::Tuple(patterns) => {
                patterns.iter().for_each(|pattern| self.bind_error(pattern))
            }
            PatternKind::Wildcard | PatternKind::Error => {}
        }
    }
}
