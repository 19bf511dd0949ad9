//! Expressions.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ast::{DimArg, Expr, ExprKind, FieldInit, Ident, Path, Span};
use crate::builtins;
use crate::check::binary::Operand;
use crate::check::branch::{Branches, Wanted};
use crate::check::convert::Expected;
use crate::check::env::{FnContext, Scope};
use crate::check::facts::Facts;
use crate::check::frame::{Frame, FrameKind};
use crate::check::trees::MAX_PARTS;
use crate::check::types::{StructTy, Ty};
use crate::check::unify::Bindings;
use crate::check::value::{FnValue, Parts, Reported, Res, StructValue, Value};
use crate::check::{Checker, MAX_EVAL_DEPTH};
use crate::core::{Dim, Num};
use crate::diagnostic::{Code, Diagnostic, similar};

impl<'a> Checker<'a> {
    /// The value of an expression.
    pub(crate) fn eval(&mut self, expr: &'a Expr) -> Res<Value<'a>> {
        if self.unrolling.is_some() {
            return Err(Reported);
        }
        if self.eval_depth >= MAX_EVAL_DEPTH {
            if !std::mem::replace(&mut self.too_deep, true) {
                let (what, help) = match self.in_const {
                    true => (
                        "constants that are made of one another",
                        "give one of them a number",
                    ),
                    false => (
                        "functions that take functions",
                        "call a named function, or go through a tensor or a list by `for`",
                    ),
                };
                let message = format!("{what} nest too deeply here");
                let diagnostic = Diagnostic::error(Code::DL0710, message, expr.span).help(help);
                return Err(self.report(diagnostic));
            }
            return Err(Reported);
        }
        self.eval_depth += 1;
        let value = self.eval_kind(expr);
        self.eval_depth -= 1;
        let value = value?;
        if value.part_count() > MAX_PARTS {
            let message = format!("this has more than {MAX_PARTS} parts");
            let diagnostic = Diagnostic::error(Code::DL0216, message, expr.span)
                .note("a part counts as often as it occurs")
                .help("a tensor with one more axis may hold as much");
            return Err(self.report(diagnostic));
        }
        if value.has_error() {
            return Err(Reported);
        }
        self.see(expr.span, &value);
        Ok(value)
    }

    fn eval_kind(&mut self, expr: &'a Expr) -> Res<Value<'a>> {
        match &expr.kind {
            ExprKind::Int(value) => Ok(Value::Num(Num::Int((*value).into()))),
            ExprKind::Float(value) => Ok(Value::Num(Num::Float(*value))),
            ExprKind::Bool(value) => Ok(Value::Num(Num::Bool(*value))),
            ExprKind::None => Ok(Value::None),
            ExprKind::Str(text) => Ok(Value::Str(text.as_str().into())),
            ExprKind::Path(path) => self.eval_path(path),
            ExprKind::Unary {
                op,
                op_span,
                operand,
            } => self.eval_unary(*op, *op_span, operand, expr.span),
            ExprKind::Binary { .. } => self.eval_binary(expr),
            ExprKind::Call {
                callee,
                dims,
                args,
                args_span,
            } => self.eval_call(callee, dims, args, *args_span, expr.span),
            ExprKind::Index {
                base,
                indices,
                index_span,
            } => self.eval_index(base, indices, *index_span, expr.span),
            ExprKind::Field { base, name } => {
                let value = self.eval_base(base, name)?;
                self.field(&value, name, base)
            }
            ExprKind::TupleField {
                base,
                index,
                index_span,
            } => {
                let value = self.eval(base)?;
                self.tuple_field(&value, *index as usize, *index_span)
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                let branches = Branches {
                    then,
                    otherwise: otherwise.as_deref(),
                };
                self.eval_if(cond, branches, expr.span, Wanted::Value)
            }
            ExprKind::Block(block) => self.in_scope(|checker| checker.eval_block(block)),
            ExprKind::Lambda { params, body } => Ok(Value::Fn(Rc::new(FnValue::Lambda {
                params,
                body,
                scope: self.scope.clone(),
                span: expr.span,
            }))),
            ExprKind::Struct {
                path,
                dims,
                fields,
                base,
            } => self.eval_struct(path, dims, fields, base.as_deref(), expr.span),
            ExprKind::List(items) => self.eval_all(items).map(Value::list),
            ExprKind::Tuple(items) => self.eval_all(items).map(Value::tuple),
            ExprKind::Range { .. } | ExprKind::Error => Err(Reported),
        }
    }

    /// Evaluates all, so that each can report.
    fn eval_all(&mut self, items: &'a [Expr]) -> Res<Vec<Value<'a>>> {
        let values: Vec<Res<Value<'a>>> = items.iter().map(|item| self.eval(item)).collect();
        values.into_iter().collect()
    }

    /// Chains of operators are walked on the left without recursion, since they are the one thing that is long.
    fn eval_binary(&mut self, expr: &'a Expr) -> Res<Value<'a>> {
        let mut chain = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary { left, .. } = &first.kind {
            chain.push(first);
            first = left;
        }
        let mut left_value = self.eval(first);
        let mut left_expr = first;
        for step in chain.into_iter().rev() {
            let ExprKind::Binary {
                op, op_span, right, ..
            } = &step.kind
            else {
                continue;
            };
            let right_value = self.eval(right);
            left_value = match (left_value, right_value) {
                (Ok(a), Ok(b)) => {
                    let (a, b) = (Operand::new(a, left_expr), Operand::new(b, right));
                    self.binary(*op, a, b, *op_span, step.span)
                }
                _ => Err(Reported),
            };
            if let Ok(value) = &left_value {
                self.see(step.span, value);
            }
            left_expr = step;
        }
        left_value
    }

    /// Runs something in a scope of its own.
    pub(super) fn in_scope<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let child = Scope::child(&self.scope, false);
        self.with_scope(child, f)
    }

    /// Runs something in a scope.
    pub(super) fn with_scope<T>(
        &mut self,
        scope: Rc<Scope<'a>>,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.scope, scope);
        let result = f(self);
        self.scope = outer;
        result
    }

    /// What a field is taken of; `np.dot` and the like get their own message.
    fn eval_base(&mut self, base: &'a Expr, field: &Ident) -> Res<Value<'a>> {
        if let ExprKind::Path(path) = &base.kind
            && let Some(ident) = path.as_ident()
            && builtins::is_foreign_module(&ident.name)
            && self.scope.lookup(&ident.name).is_none()
            && self.item_named(&ident.name, ident.span).is_none()
        {
            let span = base.span.to(field.span);
            let mut diagnostic = Diagnostic::error(
                Code::DL0601,
                format!(
                    "there is no `{}`; built-in operations have no prefix",
                    ident.name
                ),
                base.span,
            );
            if let Some((replacement, text)) = builtins::alias(&field.name) {
                diagnostic = if replacement.is_empty() {
                    diagnostic.help(text)
                } else {
                    diagnostic.suggest(text, span, replacement)
                };
            } else if builtins::find(&field.name).is_some() {
                diagnostic = diagnostic.suggest("write", span, field.name.clone());
            }
            return Err(self.report(diagnostic));
        }
        self.eval(base)
    }

    /// A field of a value.
    pub(super) fn field(&mut self, value: &Value<'a>, name: &Ident, base: &Expr) -> Res<Value<'a>> {
        if let Value::Struct(s) = value {
            let fields = &self.structs[s.ty.id].ast.fields;
            if let Some(position) = fields.iter().position(|field| field.name.name == name.name) {
                let field = s.fields[position].clone();
                self.see_field(name, fields[position].name.span);
                return if field.has_error() {
                    Err(Reported)
                } else {
                    Ok(field)
                };
            }
            let mut diagnostic = Diagnostic::error(
                Code::DL0603,
                format!("`{}` has no field `{}`", s.ty.name, name.name),
                name.span,
            )
            .secondary(self.structs[s.ty.id].ast.name.span, "declared here");
            if let Some(similar) = similar(
                &name.name,
                fields.iter().map(|field| field.name.name.as_str()),
            ) {
                diagnostic = diagnostic.suggest("a similar field exists", name.span, similar);
            } else {
                let names: Vec<String> = fields
                    .iter()
                    .map(|field| format!("`{}`", field.name.name))
                    .collect();
                diagnostic = diagnostic.help(format!("its fields are {}", names.join(", ")));
            }
            return Err(self.report(diagnostic));
        }
        let what = self.describe(value);
        let mut diagnostic = Diagnostic::error(
            Code::DL0713,
            format!("{what} has no field `{}`", name.name),
            name.span,
        );
        let text = self.sources.slice(base.span).to_string();
        let whole = base.span.to(name.span);
        diagnostic = match (value, name.name.as_str()) {
            (Value::Tensor(_), "T" | "mT") => {
                diagnostic.suggest("write", whole, format!("matrix_transpose({text})"))
            }
            (Value::Tensor(_), "shape" | "size" | "ndim" | "dtype") => {
                diagnostic.help("shapes are known at compile time: use the dim's name")
            }
            (Value::Tensor(_), method) if builtins::find(method).is_some() => {
                diagnostic.help(format!("operations are functions: `{method}({text})`"))
            }
            (Value::Tuple(_), _) => diagnostic.help("elements of a tuple are `t.0`, `t.1`"),
            _ => diagnostic,
        };
        Err(self.report(diagnostic))
    }

    /// An element of a tuple.
    pub(super) fn tuple_field(
        &mut self,
        value: &Value<'a>,
        index: usize,
        span: Span,
    ) -> Res<Value<'a>> {
        match value {
            Value::Tuple(items) => match items.get(index) {
                Some(Value::Error) => Err(Reported),
                Some(item) => Ok(item.clone()),
                None => {
                    let message = format!("a tuple of {} has no element {index}", items.len());
                    self.error(Code::DL0713, message, span)
                }
            },
            Value::List(_) => {
                let diagnostic =
                    Diagnostic::error(Code::DL0713, "this is a list, not a tuple", span)
                        .help(format!("write `[{index}]`"));
                Err(self.report(diagnostic))
            }
            other => {
                let what = self.describe(other);
                self.error(Code::DL0713, format!("{what} has no element {index}"), span)
            }
        }
    }

    fn eval_struct(
        &mut self,
        path: &'a Path,
        dims: &'a [DimArg],
        inits: &'a [FieldInit],
        base: Option<&'a Expr>,
        span: Span,
    ) -> Res<Value<'a>> {
        let id = self.struct_named(path);
        let values: Vec<Res<Value<'a>>> = inits.iter().map(|init| self.eval(&init.value)).collect();
        let base_value = base.map(|base| self.eval(base));
        let id = id?;
        let ast = self.structs[id].ast;
        let mut given: HashMap<&str, usize> = HashMap::new();
        let mut failed = false;
        for (i, init) in inits.iter().enumerate() {
            if !ast
                .fields
                .iter()
                .any(|field| field.name.name == init.name.name)
            {
                let known = ast.fields.iter().map(|field| field.name.name.as_str());
                let mut diagnostic = Diagnostic::error(
                    Code::DL0603,
                    format!("`{}` has no field `{}`", ast.name.name, init.name.name),
                    init.name.span,
                )
                .secondary(ast.name.span, "declared here");
                if let Some(similar) = similar(&init.name.name, known) {
                    diagnostic =
                        diagnostic.suggest("a similar field exists", init.name.span, similar);
                }
                self.report(diagnostic);
                failed = true;
            } else if let Some(first) = given.insert(&init.name.name, i) {
                let diagnostic = Diagnostic::error(
                    Code::DL0707,
                    format!("field `{}` is given twice", init.name.name),
                    init.name.span,
                )
                .secondary(inits[first].name.span, "first here");
                self.report(diagnostic);
                failed = true;
            }
        }
        let missing: Vec<String> = ast
            .fields
            .iter()
            .filter(|field| !given.contains_key(field.name.name.as_str()))
            .map(|field| format!("`{}`", field.name.name))
            .collect();
        if base.is_none() && !missing.is_empty() && !failed {
            let plural = if missing.len() == 1 {
                "field"
            } else {
                "fields"
            };
            let message = format!(
                "{plural} {} of `{}` missing",
                missing.join(", "),
                ast.name.name
            );
            let diagnostic = Diagnostic::error(Code::DL0707, message, span)
                .secondary(ast.name.span, "declared here")
                .help("give all fields, or take the others from a value: `..old`");
            self.report(diagnostic);
            failed = true;
        }
        let base_value = base_value.transpose()?;
        if failed || values.iter().any(Result::is_err) {
            return Err(Reported);
        }
        let values: Vec<Value<'a>> = values.into_iter().flatten().collect();
        self.make_struct(id, dims, inits, values, base.zip(base_value.as_ref()), span)
    }

    /// A struct of fields that are all there.
    fn make_struct(
        &mut self,
        id: usize,
        dims: &'a [DimArg],
        inits: &'a [FieldInit],
        values: Vec<Value<'a>>,
        base: Option<(&'a Expr, &Value<'a>)>,
        span: Span,
    ) -> Res<Value<'a>> {
        let ast = self.structs[id].ast;
        let old = match base {
            None => None,
            Some((_, Value::Struct(s))) if self.structs[s.ty.id].base == id => Some(s.clone()),
            Some((expr, other)) => {
                let what = self.describe(other);
                let message = format!(
                    "`..` takes the other fields from a `{}`, and this is {what}",
                    ast.name.name
                );
                return self.error(Code::DL0707, message, expr.span);
            }
        };
        let mut fields: Vec<(Value<'a>, Span, Option<&'a Expr>)> = Vec::new();
        for (position, field) in ast.fields.iter().enumerate() {
            let init = inits
                .iter()
                .position(|init| init.name.name == field.name.name);
            fields.push(match (init, &old) {
                (Some(i), _) => (
                    values[i].clone(),
                    inits[i].value.span,
                    Some(&inits[i].value),
                ),
                (None, Some(old)) => (old.fields[position].clone(), span, None),
                (None, None) => return Err(Reported),
            });
        }
        let given: Vec<(Value<'a>, Span)> = fields
            .iter()
            .map(|(value, span, _)| (value.clone(), *span))
            .collect();
        let id = self.struct_for(id, &given, span)?;
        let mut bindings = Bindings::new(self.structs[id].dims.clone());
        for arg in dims {
            if let Some(name) = &arg.name {
                let dim = self.body_dim(&arg.value)?;
                bindings.bind(&name.name, dim);
            }
        }
        let types = self.structs[id].fields.clone();
        for ((value, _, _), ty) in fields.iter().zip(&types) {
            self.unify_value(ty, value, &mut bindings);
        }
        self.solve(&mut bindings);
        let mut coerced = Vec::new();
        for (((value, span, expr), ty), field) in fields.into_iter().zip(&types).zip(&ast.fields) {
            let ty = bindings.apply(ty);
            let mut expected = Expected::new(format!("field `{}`", field.name.name), Code::DL0205)
                .declared(
                    field.span,
                    format!("`{}` is declared here", field.name.name),
                );
            if let Some(expr) = expr {
                expected = expected.expr(expr);
            }
            coerced.push(self.coerce(value, &ty, span, &expected));
        }
        let fields = coerced.into_iter().collect::<Res<Vec<_>>>()?;
        let name = self.structs[id].name.clone();
        if let Some(missing) = bindings.unbound() {
            let diagnostic = Diagnostic::error(
                Code::DL0221,
                format!("dim `{missing}` of `{name}` cannot be inferred"),
                span,
            )
            .help(format!("give it: `{name}<{missing}=…> {{ … }}`"));
            return Err(self.report(diagnostic));
        }
        let dims: Vec<Dim> = bindings.in_order();
        Ok(Value::Struct(Rc::new(StructValue {
            ty: StructTy { id, name, dims },
            fields: Parts::new(fields),
        })))
    }

    /// The value of a constant's expression.
    pub(super) fn eval_const(&mut self, name: &str, expr: &'a Expr) -> Res<Num> {
        let context = FnContext {
            name: name.to_string(),
            item: None,
            dims: Default::default(),
            inlined: Vec::new(),
            precision: None,
        };
        let scope = Scope::root(Rc::new(context));
        self.push_frame(Vec::new(), Facts::default());
        let outer = std::mem::replace(&mut self.in_const, true);
        let value = self.with_scope(scope, |checker| checker.eval(expr));
        self.in_const = outer;
        let number = value.and_then(|value| match value {
            Value::Num(num) => Ok(num),
            Value::Dim(dim) if dim.as_const().is_some() => {
                Ok(Num::Int(dim.as_const().unwrap_or(0).into()))
            }
            other => {
                let what = self.describe(&other);
                let message =
                    format!("a constant is a number known at compile time, and this is {what}");
                self.error(Code::DL0214, message, expr.span)
            }
        });
        self.frames.pop();
        number
    }

    /// Begins a function of the core.
    pub(crate) fn push_frame(&mut self, dims: Vec<String>, facts: Facts) {
        self.next_frame += 1;
        let kind = FrameKind::Function;
        self.frames
            .push(Frame::new(self.next_frame, kind, dims, facts));
    }

    /// The type that a value keeps when it is bound by `var`: literals become tensors.
    pub(crate) fn as_variable(&mut self, value: Value<'a>, span: Span) -> Res<(Value<'a>, Ty)> {
        let value = self.map_leaves(&value, &mut |checker, leaf| match leaf {
            Value::Num(_) | Value::Dim(_) => checker.as_tensor(leaf, span).map(Value::Tensor),
            other => Ok(other.clone()),
        })?;
        match self.type_of(&value) {
            Some(ty) => Ok((value, ty)),
            None => {
                let what = self.describe(&value);
                let mut diagnostic = Diagnostic::error(
                    Code::DL0705,
                    format!("{what} cannot be kept in a variable"),
                    span,
                );
                if let Value::Fn(_) = value {
                    diagnostic = diagnostic.help("declare it: `fn …(…) { … }`");
                }
                Err(self.report(diagnostic))
            }
        }
    }
}
