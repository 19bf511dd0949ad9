//! Assignment to variables and to parts of them, and variables passed to `inout` parameters.

use crate::ast::{BinaryOp, Expr, ExprKind, Ident, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::convert::Expected;
use crate::check::env::{Assigned, Kind};
use crate::check::frame::FrameKind;
use crate::check::types::Ty;
use crate::check::update::Update;
use crate::check::value::{Reported, Res, Value};
use crate::core::TensorType;
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
        let old = if let ExprKind::Index {
            base,
            indices,
            index_span,
        } = &target.kind
            && let Value::Tensor(x) = self.eval(base)?
        {
            let update = Update {
                target,
                indices,
                index_span: *index_span,
                op: Some((op, op_span)),
                value,
            };
            let updated = self.update_tensor(x, &update, &new)?;
            return self.store(base, Value::Tensor(updated), value);
        } else {
            self.eval(target)?
        };
        if let Value::Tensor(id) = old {
            let ty = self.ty(id).clone();
            self.check_same_dtype(target, &ty, &new, value)?;
        }
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

    /// In `target += value`, the variable keeps its dtype.
    pub(super) fn check_same_dtype(
        &mut self,
        target: &'a Expr,
        old: &TensorType,
        new: &Value<'a>,
        value: &'a Expr,
    ) -> Res<()> {
        let Value::Tensor(b) = new else {
            return Ok(());
        };
        let (a, b) = (old.clone(), self.ty(*b).clone());
        if a.dtype == b.dtype {
            return Ok(());
        }
        let name = self.text(target.span);
        let message = format!("`{name}` is `{a}`, and this is `{b}`: dtypes differ");
        let mut diagnostic = Diagnostic::error(Code::DL0201, message, value.span);
        let binding = match &target.kind {
            ExprKind::Path(path) => path
                .as_ident()
                .and_then(|ident| self.scope.lookup(&ident.name)),
            _ => None,
        };
        if let Some(binding) = &binding {
            diagnostic = diagnostic.secondary(binding.span, format!("`{name}` is declared here"));
            let after = self.sources.text(binding.span)[binding.span.end as usize..].trim_start();
            let number = after.strip_prefix('=').is_some_and(|value| {
                let value = value.trim_start();
                value.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            });
            if a.rank() == 0 && number && matches!(binding.kind, Kind::Var(_)) {
                diagnostic = diagnostic.suggest(
                    "declare the dtype of the variable",
                    binding.span.at_end(),
                    format!(": {}", b.dtype),
                );
                return Err(self.report(diagnostic));
            }
        }
        let diagnostic = self.suggest_cast(diagnostic, value.span, b.dtype, a.dtype);
        Err(self.report(diagnostic))
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
                let new = self.like_old(new, &current, &format!("element {index}"), None, value)?;
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
                let update = Update {
                    target,
                    indices,
                    index_span: *index_span,
                    op: None,
                    value,
                };
                let updated = self.with_index(&old, &update, new)?;
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
            // What has no value is no variable of a region, so it must not keep a value that ends with one.
            let in_region = self.frame().kind != FrameKind::Function;
            let lost = binding.value.has_error() && in_region;
            if ty.has_error() || new.has_error() || lost {
                self.scope.assign(&ident.name, Value::Error);
                return Ok(());
            }
            let expected =
                Expected::new(format!("the new value of `{}`", ident.name), Code::DL0402)
                    .declared(binding.span, format!("`{}` is a `{ty}`", ident.name))
                    .expr(value);
            let errors = self.diagnostics.len();
            let new = self.coerce(new, ty, value.span, &expected);
            if new.is_err() && self.frame().kind == FrameKind::Loop {
                for diagnostic in &mut self.diagnostics[errors..] {
                    let note = "what is carried from round to round keeps its type and its shape";
                    diagnostic.notes.push(note.to_string());
                }
            }
            let new = new?;
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
                .suggest(
                    format!("declare it `inout` if the caller is to see the change, or copy it: `var … = {}`", ident.name),
                    Span { end: binding.span.start, ..binding.span },
                    "inout ",
                ),
            Kind::Loop => diagnostic
                .secondary(binding.span, "the loop gives it a value in each round")
                .help(format!("copy it: `var … = {}`", ident.name)),
            _ => {
                let before = self.sources.text(binding.span)[..binding.span.start as usize].trim_end();
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
        let Value::Struct(s) = old else {
            return Err(Reported);
        };
        let place = self.structs[s.ty.id]
            .ast
            .fields
            .iter()
            .find(|field| field.name.name == name.name)
            .map(|field| field.span);
        let new = self.like_old(new, &current, &format!("`{}`", name.name), place, value)?;
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
        place: Option<Span>,
        value: &'a Expr,
    ) -> Res<Value<'a>> {
        let ty = self.type_of(old).unwrap_or(Ty::Error);
        let mut expected =
            Expected::new(format!("the new value of {what}"), Code::DL0402).expr(value);
        if let Some(place) = place {
            expected = expected.declared(place, "declared here");
        }
        self.coerce(new, &ty, value.span, &expected)
    }

    fn with_index(
        &mut self,
        old: &Value<'a>,
        update: &Update<'a>,
        new: Value<'a>,
    ) -> Res<Value<'a>> {
        let span = update.index_span;
        match old {
            Value::List(items) => {
                let position = self.list_index(items.len(), update.indices, span)?;
                let new =
                    self.like_old(new, &items[position], "the element", None, update.value)?;
                let mut parts = items.to_vec();
                parts[position] = new;
                Ok(Value::list(parts))
            }
            Value::Tensor(id) => self.update_tensor(*id, update, &new).map(Value::Tensor),
            other => {
                let what = self.describe(other);
                self.error(Code::DL0713, format!("{what} cannot be indexed"), span)
            }
        }
    }

    /// What could not be assigned is unknown after it.
    fn poison_target(&mut self, target: &'a Expr) {
        match &target.kind {
            ExprKind::Path(path) => {
                if let Some(ident) = path.as_ident() {
                    self.poison([ident.name.as_str()]);
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
    pub(super) fn place_root(
        &mut self,
        expr: &'a Expr,
        param: &str,
        declared: Span,
    ) -> Res<&'a Ident> {
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
                format!("{param} is `inout`, so its argument has to be a variable"),
                expr.span,
            )
            .secondary(declared, "declared here")
            .help("put the value in a `var` first");
            return Err(self.report(diagnostic));
        };
        match self.scope.lookup(&ident.name) {
            Some(binding) if matches!(binding.kind, Kind::Var(_) | Kind::Inout(_)) => Ok(ident),
            Some(binding) => {
                let what = if matches!(binding.kind, Kind::Param) {
                    "a parameter"
                } else {
                    "bound once"
                };
                let message = format!(
                    "{param} is `inout`, and `{}` cannot be assigned",
                    ident.name
                );
                let diagnostic = Diagnostic::error(Code::DL0403, message, expr.span)
                    .secondary(binding.span, what)
                    .secondary(declared, "`inout` is declared here")
                    .help(format!(
                        "declare `{0}` as `inout`, or copy it: `var … = {0}`",
                        ident.name
                    ));
                Err(self.report(diagnostic))
            }
            None => {
                let _ = self.eval(expr)?;
                let message = format!("{param} is `inout`, so its argument has to be a variable");
                self.error(Code::DL0403, message, expr.span)
            }
        }
    }
}
