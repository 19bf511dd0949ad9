//! Assignment to variables and to parts of them, and variables passed to `inout` parameters.

use crate::ast::{BinaryOp, Expr, ExprKind, Ident, Index, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::convert::Expected;
use crate::check::env::{Assigned, Kind};
use crate::check::types::Ty;
use crate::check::value::{Reported, Res, Value};
use crate::diagnostic::{Code, Diagnostic, similar};

impl<'a> Checker<'a> {
    /// `target = value`, `target += value`.
    pub(super) fn assignment(
        &mut self,
        target: &'a Expr,
        op: Option<BinaryOp>,
        op_span: Span,
        value: &'a Expr,
    ) -> Res<()> {
        let new = self.eval(value);
        let new = match new {
            Ok(new) => new,
            Err(Reported) => {
                self.poison_target(target);
                return Err(Reported);
            }
        };
        let result = self.assign_value(target, op, op_span, new, value);
        if result.is_err() {
            self.poison_target(target);
        }
        result
    }

    fn assign_value(
        &mut self,
        target: &'a Expr,
        op: Option<BinaryOp>,
        op_span: Span,
        new: Value<'a>,
        value: &'a Expr,
    ) -> Res<()> {
        if let ExprKind::Tuple(targets) = &target.kind {
            return self.assign_parts(targets, op, op_span, new, target.span, value);
        }
        let Some(op) = op else {
            return self.store(target, new, value);
        };
        if let ExprKind::Index {
            base,
            indices,
            index_span,
        } = &target.kind
            && let Some(updated) =
                self.scatter_update(base, indices, *index_span, op, &new, value)?
        {
            return self.store(base, updated, value);
        }
        let old = self.eval(target)?;
        let whole = target.span.to(value.span);
        let new = self.binary(
            op,
            Operand::new(old, target),
            Operand::new(new, value),
            op_span,
            whole,
        )?;
        self.store(target, new, value)
    }

    fn assign_parts(
        &mut self,
        targets: &'a [Expr],
        op: Option<BinaryOp>,
        op_span: Span,
        new: Value<'a>,
        span: Span,
        value: &'a Expr,
    ) -> Res<()> {
        if op.is_some() {
            return self.error(
                Code::DL0708,
                "a compound assignment has one target",
                op_span,
            );
        }
        let parts = match &new {
            Value::Tensor(id) if self.dtype(*id) == crate::ast::DType::Key => {
                self.key_parts(*id, targets.len(), span)?
            }
            other => other.parts().map(<[_]>::to_vec).unwrap_or_default(),
        };
        if parts.len() != targets.len() || matches!(new, Value::Struct(_)) {
            let what = self.describe(&new);
            let message = format!("{} targets are assigned {what}", targets.len());
            return self.error(Code::DL0708, message, span);
        }
        for (target, part) in targets.iter().zip(parts) {
            self.store(target, part, value)?;
        }
        Ok(())
    }

    /// Puts a value in a place.
    pub(super) fn store(&mut self, target: &'a Expr, new: Value<'a>, value: &'a Expr) -> Res<()> {
        match &target.kind {
            ExprKind::Path(path) => match path.as_ident() {
                Some(ident) => self.store_variable(ident, new, value),
                None => self.error(
                    Code::DL0401,
                    format!("`{path}` cannot be assigned"),
                    target.span,
                ),
            },
            ExprKind::Tuple(targets) => {
                self.assign_parts(targets, None, target.span, new, target.span, value)
            }
            ExprKind::Field { base, name } => {
                let old = self.eval(base)?;
                let updated = self.with_field(&old, name, base, new, value)?;
                self.store(base, updated, value)
            }
            ExprKind::TupleField {
                base,
                index,
                index_span,
            } => {
                let old = self.eval(base)?;
                let current = self.tuple_field(&old, *index as usize, *index_span)?;
                let new = self.like_old(new, &current, &format!("element {index}"), value)?;
                let mut parts = old.parts().map(<[_]>::to_vec).unwrap_or_default();
                parts[*index as usize] = new;
                self.store(base, old.with_parts(parts), value)
            }
            ExprKind::Index {
                base,
                indices,
                index_span,
            } => {
                let old = self.eval(base)?;
                let updated = self.with_index(&old, base, indices, *index_span, new, value)?;
                self.store(base, updated, value)
            }
            _ => self.error(Code::DL0401, "this cannot be assigned", target.span),
        }
    }

    fn store_variable(&mut self, ident: &'a Ident, new: Value<'a>, value: &'a Expr) -> Res<()> {
        let Some(binding) = self.scope.lookup(&ident.name) else {
            let mut diagnostic = Diagnostic::error(
                Code::DL0601,
                format!("there is no variable `{}`", ident.name),
                ident.span,
            );
            diagnostic = match similar(&ident.name, self.scope.names()) {
                Some(similar) => diagnostic.suggest("a similar name exists", ident.span, similar),
                None => diagnostic.suggest("declare it", ident.span, format!("var {}", ident.name)),
            };
            return Err(self.report(diagnostic));
        };
        if let Kind::Var(ty) | Kind::Inout(ty) = &binding.kind {
            if ty.has_error() || new.has_error() {
                self.scope.assign(&ident.name, new);
                return Ok(());
            }
            let expected =
                Expected::new(format!("the new value of `{}`", ident.name), Code::DL0402)
                    .declared(binding.span, format!("`{}` is a `{ty}`", ident.name))
                    .expr(value);
            let new = self.coerce(new, ty, value.span, &expected)?;
            return match self.scope.assign(&ident.name, new) {
                Assigned::Captured(span) => {
                    let message = format!(
                        "`{}` cannot be assigned inside a function value",
                        ident.name
                    );
                    let diagnostic = Diagnostic::error(Code::DL0401, message, ident.span)
                        .secondary(span, "declared here");
                    Err(self.report(diagnostic))
                }
                _ => Ok(()),
            };
        }
        if binding.value.has_error() {
            return Err(Reported);
        }
        let message = format!("`{}` cannot be assigned", ident.name);
        let mut diagnostic = Diagnostic::error(Code::DL0401, message, ident.span);
        diagnostic = match binding.kind {
            Kind::Param => diagnostic
                .secondary(binding.span, "a parameter")
                .help(format!(
                    "copy it, `var {0}_ = {0}`, or declare it `inout {0}`",
                    ident.name
                )),
            _ => {
                let before = self.source.text[..binding.span.start as usize].trim_end();
                let diagnostic = diagnostic.secondary(binding.span, "bound once here");
                if before.ends_with("let") {
                    let start = before.len() as u32 - 3;
                    let span = Span {
                        file: ident.span.file,
                        start,
                        end: start + 3,
                    };
                    diagnostic.suggest("declare it by `var`", span, "var")
                } else {
                    diagnostic
                }
            }
        };
        Err(self.report(diagnostic))
    }

    fn with_field(
        &mut self,
        old: &Value<'a>,
        name: &'a Ident,
        base: &Expr,
        new: Value<'a>,
        value: &'a Expr,
    ) -> Res<Value<'a>> {
        let current = self.field(old, name, base)?;
        let new = self.like_old(new, &current, &format!("`{}`", name.name), value)?;
        let Value::Struct(s) = old else {
            return Err(Reported);
        };
        let position = self.structs[s.ty.id]
            .ast
            .fields
            .iter()
            .position(|field| field.name.name == name.name);
        let mut parts = s.fields.clone();
        parts[position.ok_or(Reported)?] = new;
        Ok(old.with_parts(parts))
    }

    /// A new value of the type that the old one has.
    fn like_old(
        &mut self,
        new: Value<'a>,
        old: &Value<'a>,
        what: &str,
        value: &'a Expr,
    ) -> Res<Value<'a>> {
        let ty = self.type_of(old).unwrap_or(Ty::Error);
        let expected = Expected::new(format!("the new value of {what}"), Code::DL0402).expr(value);
        self.coerce(new, &ty, value.span, &expected)
    }

    fn with_index(
        &mut self,
        old: &Value<'a>,
        base: &'a Expr,
        indices: &'a [Index],
        index_span: Span,
        new: Value<'a>,
        value: &'a Expr,
    ) -> Res<Value<'a>> {
        match old {
            Value::List(items) => {
                let position = self.list_index(items.len(), indices, index_span)?;
                let new = self.like_old(new, &items[position], "the element", value)?;
                let mut parts = items.to_vec();
                parts[position] = new;
                Ok(Value::list(parts))
            }
            Value::Tensor(id) => self
                .update_tensor(*id, indices, index_span, &new, value)
                .map(Value::Tensor),
            other => {
                let _ = base;
                let what = self.describe(other);
                self.error(
                    Code::DL0713,
                    format!("{what} cannot be indexed"),
                    index_span,
                )
            }
        }
    }

    /// What could not be assigned is unknown after it.
    fn poison_target(&mut self, target: &'a Expr) {
        match &target.kind {
            ExprKind::Path(path) => {
                if let Some(ident) = path.as_ident() {
                    self.scope.assign(&ident.name, Value::Error);
                }
            }
            ExprKind::Tuple(targets) => {
                targets.iter().for_each(|target| self.poison_target(target))
            }
            ExprKind::Field { base, .. }
            | ExprKind::TupleField { base, .. }
            | ExprKind::Index { base, .. } => {
                self.poison_target(base);
            }
            _ => {}
        }
    }

    /// The variable that a place is part of; reports what is no place or cannot be assigned.
    pub(super) fn place_root(&mut self, expr: &'a Expr, param: &str) -> Res<&'a Ident> {
        let mut root = expr;
        while let ExprKind::Field { base, .. }
        | ExprKind::TupleField { base, .. }
        | ExprKind::Index { base, .. } = &root.kind
        {
            root = base;
        }
        let ident = match &root.kind {
            ExprKind::Path(path) => path.as_ident(),
            _ => None,
        };
        let Some(ident) = ident else {
            let diagnostic = Diagnostic::error(
                Code::DL0403,
                format!("`{param}` is `inout`, so its argument has to be a variable"),
                expr.span,
            )
            .help("put the value in a `var` first");
            return Err(self.report(diagnostic));
        };
        match self.scope.lookup(&ident.name) {
            Some(binding) if matches!(binding.kind, Kind::Var(_) | Kind::Inout(_)) => Ok(ident),
            Some(binding) => {
                let diagnostic = Diagnostic::error(
                    Code::DL0403,
                    format!(
                        "`{param}` is `inout`, and `{}` cannot be assigned",
                        ident.name
                    ),
                    expr.span,
                )
                .secondary(binding.span, "declared here")
                .help("declare it by `var`, or as `inout`");
                Err(self.report(diagnostic))
            }
            None => {
                let _ = self.eval(expr)?;
                let message = format!("`{param}` is `inout`, so its argument has to be a variable");
                self.error(Code::DL0403, message, expr.span)
            }
        }
    }
}
