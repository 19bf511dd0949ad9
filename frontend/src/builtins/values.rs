//! The arguments of a call of a built-in as what it needs: tensors, shapes, axes, numbers known at compile time.

use std::rc::Rc;

use crate::ast::{DType, Expr, ExprKind, Span, UnaryOp};
use crate::builtins::args::Call;
use crate::check::binary::{Operand, Operation};
use crate::check::class::Class;
use crate::check::{FnValue, NodeId, Number, Reported, Res, Value};
use crate::core::{Dim, Num};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Call<'_, 'a> {
    /// All of the call.
    pub fn span(&self) -> Span {
        self.site.span
    }

    /// The operation, for messages.
    pub fn operation(&self) -> Operation<'static> {
        Operation {
            name: self.name,
            span: self.site.callee,
            whole: self.site.span,
        }
    }

    /// Reports an error.
    pub fn error<T>(&mut self, code: Code, message: impl Into<String>, span: Span) -> Res<T> {
        self.checker.error(code, message, span)
    }

    /// An argument, if it is given.
    pub fn given(&self, name: &str) -> Option<Operand<'a>> {
        let position = self.params.iter().position(|param| param.name == name);
        self.slots[position.expect("built-ins name their own parameters")].clone()
    }

    /// An argument, if it is given and not `none`.
    pub fn some(&self, name: &str) -> Option<Operand<'a>> {
        self.given(name)
            .filter(|operand| !matches!(operand.value, Value::None))
    }

    /// A required argument.
    pub fn operand(&self, name: &str) -> Res<Operand<'a>> {
        self.given(name).ok_or(Reported)
    }

    /// Reports an argument of the wrong kind.
    pub fn wrong<T>(&mut self, name: &str, needed: &str, operand: &Operand<'a>) -> Res<T> {
        if operand.value.has_error() {
            return Err(Reported);
        }
        let what = match &operand.value {
            Value::Num(num) => format!("`{num}`"),
            other => self.checker.describe(other),
        };
        let message = format!(
            "`{name}` of `{}` is {needed}, and this is {what}",
            self.name
        );
        self.error(Code::DL0209, message, operand.span)
    }

    /// An operand as a tensor.
    pub fn as_tensor(&mut self, operand: &Operand<'a>) -> Res<NodeId> {
        if operand.value.has_error() {
            return Err(Reported);
        }
        if operand.value.parts().is_some() {
            let what = self.checker.describe(&operand.value);
            let name = self.name;
            let mut diagnostic = Diagnostic::error(
                Code::DL0209,
                format!("`{name}` takes tensors, and this is {what}"),
                operand.span,
            );
            diagnostic = match &operand.value {
                Value::List(items)
                    if !items.is_empty()
                        && items
                            .iter()
                            .all(|item| matches!(item, Value::Tensor(_) | Value::Num(_))) =>
                {
                    let text = self.checker.sources.slice(operand.span).to_string();
                    diagnostic.suggest(
                        "make a tensor of it",
                        operand.span,
                        format!("stack({text})"),
                    )
                }
                _ if name == "sum" => {
                    diagnostic.suggest("the sum over a tree is", self.site.callee, "tree_sum")
                }
                _ => diagnostic.help(format!("work on the leaves: `tree_map(|x| {name}(x), …)`")),
            };
            return Err(self.checker.report(diagnostic));
        }
        self.checker.as_tensor(&operand.value, operand.span)
    }

    /// An operand as a tensor of dtypes in a class; an integer literal becomes a float where one is needed.
    pub fn as_tensor_of(&mut self, operand: &Operand<'a>, class: Class) -> Res<NodeId> {
        let x = match (&operand.value, class) {
            (Value::Num(num @ Num::Int(_)), Class::Float) => {
                self.checker.scalar(*num, DType::F32, operand.span)?
            }
            _ => self.as_tensor(operand)?,
        };
        self.check_class(x, class, operand.span)?;
        Ok(x)
    }

    /// Reports a dtype that the operation is not defined for.
    pub fn check_class(&mut self, x: NodeId, class: Class, span: Span) -> Res<()> {
        let ty = self.checker.ty(x).clone();
        if class.has(ty.dtype) || ty.dtype == DType::Key {
            let operation = self.operation();
            return self.checker.check_class(x, class, &operation);
        }
        let message = format!(
            "`{}` is defined for {}, and this is `{ty}`",
            self.name,
            class.text()
        );
        let mut diagnostic = Diagnostic::error(Code::DL0210, message, self.site.callee)
            .secondary(span, format!("this is `{ty}`"));
        diagnostic = self.checker.origins(diagnostic, &[x]);
        let to = match class {
            Class::Float => Some(DType::F32),
            Class::Number if ty.dtype == DType::Bool => Some(DType::I32),
            _ => None,
        };
        if let Some(to) = to {
            let text = self.checker.sources.slice(span).to_string();
            diagnostic = if text.is_empty() || text.contains('\n') {
                diagnostic.help(format!("convert it: `{to}(…)`"))
            } else {
                diagnostic.suggest(
                    format!("convert it to `{to}`"),
                    span,
                    format!("{to}({text})"),
                )
            };
        }
        Err(self.checker.report(diagnostic))
    }

    /// A required argument as a tensor of dtypes in a class.
    pub fn tensor_of(&mut self, name: &str, class: Class) -> Res<NodeId> {
        let operand = self.operand(name)?;
        self.as_tensor_of(&operand, class)
    }

    /// A required argument as a tensor of one dtype, which a literal takes.
    pub fn tensor_with(&mut self, name: &str, dtype: DType) -> Res<NodeId> {
        let operand = self.operand(name)?;
        if operand.value.parts().is_some() {
            return self.as_tensor(&operand);
        }
        self.checker
            .as_tensor_of(&operand.value, dtype, operand.span)
    }

    /// A number known when compiling.
    pub fn int_of(&mut self, name: &str, operand: &Operand<'a>) -> Res<i64> {
        match &operand.value {
            Value::Num(Num::Int(_)) | Value::Dim(_) => {
                let dim = self.checker.value_to_dim(&operand.value, operand.span)?;
                self.checker.known_number(
                    &dim,
                    &format!("`{name}` of `{}`", self.name),
                    operand.span,
                )
            }
            Value::Tensor(_) => self.not_known(name, operand),
            _ => self.wrong(name, "an integer", operand),
        }
    }

    fn not_known<T>(&mut self, name: &str, operand: &Operand<'a>) -> Res<T> {
        if let Value::Tensor(id) = operand.value
            && self.checker.is_known_unrolled(id)
        {
            return Err(Reported);
        }
        let message = format!(
            "`{name}` of `{}` has to be known at compile time",
            self.name
        );
        let diagnostic = Diagnostic::error(Code::DL0214, message, operand.span)
            .label("this is computed when the program runs");
        Err(self.checker.report(diagnostic))
    }

    /// An integer known when compiling.
    pub fn int(&mut self, name: &str, default: i64) -> Res<i64> {
        match self.some(name) {
            None => Ok(default),
            Some(operand) => self.int_of(name, &operand),
        }
    }

    /// A truth value known when compiling.
    pub fn flag(&mut self, name: &str) -> Res<bool> {
        match self.given(name) {
            None => Ok(false),
            Some(Operand {
                value: Value::Num(Num::Bool(value)),
                ..
            }) => Ok(value),
            Some(
                operand @ Operand {
                    value: Value::Tensor(_),
                    ..
                },
            ) => self.not_known(name, &operand),
            Some(operand) => self.wrong(name, "`true` or `false`", &operand),
        }
    }

    /// A float known when compiling.
    pub fn float(&mut self, name: &str, default: f64) -> Res<f64> {
        match self.some(name) {
            None => Ok(default),
            Some(Operand {
                value: Value::Num(num @ (Num::Int(_) | Num::Float(_))),
                ..
            }) => Ok(num.to_float()),
            Some(
                operand @ Operand {
                    value: Value::Tensor(_),
                    ..
                },
            ) => self.not_known(name, &operand),
            Some(operand) => self.wrong(name, "a number", &operand),
        }
    }

    /// A dtype.
    pub fn dtype(&mut self, name: &str, default: DType) -> Res<DType> {
        match self.some(name) {
            None => Ok(default),
            Some(Operand {
                value: Value::DType(DType::Key),
                span,
                ..
            }) => self.error(
                Code::DL0502,
                format!("`{}` does not make keys", self.name),
                span,
            ),
            Some(Operand {
                value: Value::DType(dtype),
                ..
            }) => Ok(dtype),
            Some(Operand {
                value: Value::Num(Num::Int(_)) | Value::Dim(_),
                span,
                ..
            }) => {
                let message = format!("`{name}` of `{}` is a dtype such as `f32`", self.name);
                let mut diagnostic = Diagnostic::error(Code::DL0209, message, span);
                if let Some(shape) = self.sizes_without_list(span) {
                    let (place, list) = shape;
                    diagnostic = diagnostic.suggest("sizes stand in a list", place, list);
                }
                Err(self.checker.report(diagnostic))
            }
            Some(operand) => self.wrong(name, "a dtype such as `f32`", &operand),
        }
    }

    /// `zeros(B, T)`: the sizes up to here as a list, and their place.
    fn sizes_without_list(&self, last: Span) -> Option<(Span, String)> {
        let first = self.params.iter().position(|param| param.name == "shape")?;
        let first = self.slots[first].as_ref()?.span;
        let place = first.to(last);
        Some((place, format!("[{}]", self.checker.sources.slice(place))))
    }

    /// A function.
    pub fn function(&mut self, name: &str) -> Res<Rc<FnValue<'a>>> {
        let operand = self.operand(name)?;
        match operand.value {
            Value::Fn(f) => Ok(f),
            Value::DType(dtype) => Ok(Rc::new(FnValue::Cast(dtype))),
            _ => self.wrong(name, "a function", &operand),
        }
    }

    /// The elements of a list or tuple, each with its own place.
    pub fn items(&self, operand: &Operand<'a>) -> Option<Vec<Operand<'a>>> {
        let (Value::List(values) | Value::Tuple(values)) = &operand.value else {
            return None;
        };
        let exprs: &'a [Expr] = match operand.expr.map(|expr| &expr.kind) {
            Some(ExprKind::List(items) | ExprKind::Tuple(items)) if items.len() == values.len() => {
                items
            }
            _ => &[],
        };
        let item = |(i, value): (usize, &Value<'a>)| match exprs.get(i) {
            Some(expr) => Operand::new(value.clone(), expr),
            None => Operand {
                value: value.clone(),
                span: operand.span,
                expr: None,
            },
        };
        Some(values.iter().enumerate().map(item).collect())
    }

    /// An operand as a dim, with its names as they are written.
    pub fn dim_of(&mut self, operand: &Operand<'a>) -> Res<Dim> {
        let dim = self.checker.value_to_dim(&operand.value, operand.span)?;
        if let (Value::Num(_), Some(expr)) = (&operand.value, operand.expr)
            && is_dim_expr(expr)
            && let Ok(written) = self.checker.body_dim(expr)
            && written == dim
        {
            return Ok(written);
        }
        Ok(dim)
    }

    /// An operand as a size.
    pub fn size_of(&mut self, operand: &Operand<'a>) -> Res<Dim> {
        let dim = self.dim_of(operand)?;
        self.checker.check_size(&dim, operand.span)?;
        Ok(dim)
    }

    /// A required argument as a shape: a list of sizes, or one size.
    pub fn shape(&mut self, name: &str) -> Res<Vec<Dim>> {
        let operand = self.operand(name)?;
        let Some(items) = self.items(&operand) else {
            return match operand.value {
                Value::Num(Num::Int(_)) | Value::Dim(_) => Ok(vec![self.size_of(&operand)?]),
                Value::Tensor(_) => self
                    .checker
                    .value_to_dim(&operand.value, operand.span)
                    .map(|dim| vec![dim]),
                _ => self.wrong(name, "a list of sizes, `[T, 4]`", &operand),
            };
        };
        let sizes: Vec<Res<Dim>> = items.iter().map(|item| self.size_of(item)).collect();
        sizes.into_iter().collect()
    }

    /// Integers known when compiling: a list of them, or one.
    pub fn ints_of(&mut self, name: &str, operand: &Operand<'a>) -> Res<Vec<(i64, Span)>> {
        match self.items(operand) {
            Some(items) => {
                let values: Vec<Res<(i64, Span)>> = items
                    .iter()
                    .map(|item| self.int_of(name, item).map(|value| (value, item.span)))
                    .collect();
                values.into_iter().collect()
            }
            None => Ok(vec![(self.int_of(name, operand)?, operand.span)]),
        }
    }

    /// An axis counted from the start.
    pub fn axis_in(&mut self, axis: i64, rank: usize, span: Span) -> Res<usize> {
        let size = rank as i64;
        let from_start = if axis < 0 { axis + size } else { axis };
        if (0..size).contains(&from_start) {
            return Ok(from_start as usize);
        }
        let message = match rank {
            0 => format!("a scalar has no axis {axis}"),
            1 => format!("axis {axis} of a tensor of 1 axis"),
            rank => format!("axis {axis} of a tensor of {rank} axes"),
        };
        let mut diagnostic = Diagnostic::error(Code::DL0206, message, span);
        if rank > 0 {
            diagnostic = diagnostic.note(format!(
                "axes are counted from 0 to {}, or from -1 backwards",
                rank - 1
            ));
        }
        if self.params.iter().any(|param| param.name == "x")
            && let Some(operand) = self.some("x")
            && let Value::Tensor(id) = operand.value
            && self.checker.ty(id).rank() == rank
        {
            let ty = format!("this is `{}`", self.checker.ty(id));
            diagnostic = diagnostic.secondary(operand.span, ty);
        }
        Err(self.checker.report(diagnostic))
    }

    /// An axis of a tensor of `rank`.
    pub fn axis(&mut self, name: &str, rank: usize, default: i64) -> Res<usize> {
        let (axis, span) = match self.some(name) {
            Some(operand) => (self.int_of(name, &operand)?, operand.span),
            None => (default, self.site.span),
        };
        self.axis_in(axis, rank, span)
    }

    /// Axes as they are given, with their places; nothing where none are.
    pub fn axes_with_places(&mut self, name: &str, rank: usize) -> Res<Option<Vec<(usize, Span)>>> {
        let Some(operand) = self.some(name) else {
            return Ok(None);
        };
        let mut axes = Vec::new();
        for (axis, span) in self.ints_of(name, &operand)? {
            axes.push((self.axis_in(axis, rank, span)?, span));
        }
        Ok(Some(axes))
    }

    /// Axes as they are given, distinct; nothing where none are.
    pub fn axes_in_order(&mut self, name: &str, rank: usize) -> Res<Option<Vec<usize>>> {
        let Some(given) = self.axes_with_places(name, rank)? else {
            return Ok(None);
        };
        let mut axes = Vec::new();
        for (axis, span) in given {
            if axes.contains(&axis) {
                return self.error(Code::DL0206, format!("axis {axis} is named twice"), span);
            }
            axes.push(axis);
        }
        Ok(Some(axes))
    }

    /// An operand as a list of operands: its items, the elements of a tensor of one axis, or itself.
    pub fn spread(&mut self, operand: &Operand<'a>, what: &str) -> Res<Vec<Operand<'a>>> {
        if let Some(items) = self.items(operand) {
            return Ok(items);
        }
        let Value::Tensor(id) = operand.value else {
            return Ok(vec![operand.clone()]);
        };
        if self.checker.ty(id).rank() != 1 {
            return Ok(vec![operand.clone()]);
        }
        let size = self.checker.shape(id)[0].clone();
        let count = self.checker.known_number(&size, what, operand.span)?;
        let element = |i| {
            let value = Value::Tensor(self.checker.element(id, i, operand.span)?);
            Ok(Operand {
                value,
                ..operand.clone()
            })
        };
        (0..count).map(element).collect()
    }

    /// Axes, ascending; nothing where none are given.
    pub fn axes(&mut self, name: &str, rank: usize) -> Res<Option<Vec<usize>>> {
        let axes = self.axes_in_order(name, rank)?;
        Ok(axes.map(|mut axes| {
            axes.sort_unstable();
            axes
        }))
    }
}

/// Whether an expression can be read as a dim.
fn is_dim_expr(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) => true,
        ExprKind::Path(path) => path.as_ident().is_some(),
        ExprKind::Unary {
            op: UnaryOp::Neg,
            operand,
            ..
        } => is_dim_expr(operand),
        ExprKind::Binary {
            op, left, right, ..
        } => {
            matches!(op.symbol(), "+" | "-" | "*" | "/" | "%")
                && is_dim_expr(left)
                && is_dim_expr(right)
        }
        _ => false,
    }
}
