//! Values as tensors, and values as the type that something expects.

use std::rc::Rc;

use crate::ast::{DType, Expr, ExprKind, Span};
use crate::check::Checker;
use crate::check::consts::{Number, is_integer, kind};
use crate::check::list::list_shape;
use crate::check::types::{Ty, known_dims};
use crate::check::value::{NodeId, Parts, Reported, Res, StructValue, Value, kind_of_type};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// What a value is expected to be, and who says so.
pub(crate) struct Expected<'e> {
    /// Such as ``argument `x` of `norm` ``.
    pub what: String,
    /// Where that is declared.
    pub declared: Option<(Span, String)>,
    /// For an argument, which "expected" and "is" fit.
    pub code: Code,
    /// The expression, for advice.
    pub expr: Option<&'e Expr>,
}

impl<'e> Expected<'e> {
    /// An expectation of a declared type.
    pub fn new(what: impl Into<String>, code: Code) -> Self {
        Self {
            what: what.into(),
            declared: None,
            code,
            expr: None,
        }
    }

    /// With the place of the declaration.
    pub fn declared(mut self, span: Span, text: impl Into<String>) -> Self {
        self.declared = Some((span, text.into()));
        self
    }

    /// With the expression that gives the value.
    pub fn expr(mut self, expr: &'e Expr) -> Self {
        self.expr = Some(expr);
        self
    }
}

impl<'a> Checker<'a> {
    /// What a value is, for messages: `` `f32[T, D]` ``, `an integer literal`.
    pub(crate) fn describe(&self, value: &Value<'a>) -> String {
        match value {
            Value::Tensor(id) => format!("`{}`", self.ty(*id)),
            Value::Num(num) => format!("{} known at compile time", kind(*num)),
            Value::Dim(_) => "a dim, an `i64`".to_string(),
            Value::Str(_) => "text".to_string(),
            Value::None => "`none`".to_string(),
            Value::DType(dtype) => format!("the dtype `{dtype}`"),
            Value::Struct(s) => format!("`{}`", Ty::Struct(s.ty.clone())),
            Value::Tuple(items) if items.is_empty() => "nothing".to_string(),
            Value::Tuple(_) | Value::List(_) => match self.type_of(value) {
                Some(ty) => format!("`{ty}`"),
                None => "a list".to_string(),
            },
            Value::Fn(_) => "a function".to_string(),
            Value::Error => "an error".to_string(),
        }
    }

    /// A value as a tensor; a literal alone is `f32`, `i32` or `bool`.
    pub(crate) fn as_tensor(&mut self, value: &Value<'a>, span: Span) -> Res<NodeId> {
        match value {
            Value::Tensor(id) => Ok(*id),
            Value::Num(num) => {
                let dtype = num.default_dtype();
                if num.fit(dtype).is_none() {
                    return self.error(
                        Code::DL0208,
                        format!("{num} does not fit in `{dtype}`"),
                        span,
                    );
                }
                self.scalar(*num, dtype, span)
            }
            Value::Dim(dim) => self.dim_scalar(dim, DType::I64, span),
            Value::List(_) => self.list_as_tensor(value, None, span),
            Value::Error => Err(Reported),
            other => {
                let what = self.describe(other);
                self.error(
                    Code::DL0209,
                    format!("a tensor is needed here, and this is {what}"),
                    span,
                )
            }
        }
    }

    /// A value as a tensor of a dtype, which a literal takes.
    pub(crate) fn as_tensor_of(
        &mut self,
        value: &Value<'a>,
        dtype: DType,
        span: Span,
    ) -> Res<NodeId> {
        match value {
            Value::Num(num) => {
                self.check_fits(*num, dtype, span)?;
                self.scalar(*num, dtype, span)
            }
            Value::List(_) => self.list_as_tensor(value, Some(dtype), span),
            other => {
                let id = self.as_tensor(other, span)?;
                if self.dtype(id) != dtype {
                    let found = self.ty(id).clone();
                    let diagnostic = Diagnostic::error(
                        Code::DL0201,
                        format!("this is `{found}`, and `{dtype}` is needed"),
                        span,
                    );
                    let diagnostic = self.suggest_cast(diagnostic, span, found.dtype, dtype);
                    return Err(self.report(diagnostic));
                }
                Ok(id)
            }
        }
    }

    /// Advice to convert, where that is possible.
    pub(crate) fn suggest_cast(
        &self,
        diagnostic: Diagnostic,
        span: Span,
        from: DType,
        to: DType,
    ) -> Diagnostic {
        if from == DType::Key || to == DType::Key {
            return diagnostic;
        }
        let text = self.sources.slice(span);
        if text.contains('\n') || span.is_empty() {
            return diagnostic.help(format!("convert it: `astype(…, {to})`"));
        }
        diagnostic.suggest(
            format!("convert it to `{to}`"),
            span,
            format!("astype({text}, {to})"),
        )
    }

    /// Reports a literal that a dtype does not have.
    pub(crate) fn check_fits(&mut self, num: Num, dtype: DType, span: Span) -> Res<()> {
        if num.fit(dtype).is_some() {
            return Ok(());
        }
        let message = match (num, dtype) {
            (_, DType::Key) => {
                "a key is made by `key(…)` or `split_key(…)`, not a number".to_string()
            }
            (Num::Bool(value), _) => format!("`{value}` is a `bool`, and `{dtype}` is needed"),
            (_, DType::Bool) => format!("`{num}` is a number, and `bool` is needed"),
            (Num::Float(_), _) => format!("`{num}` is not an integer, and `{dtype}` is needed"),
            _ => format!("`{num}` does not fit in `{dtype}`"),
        };
        let mut diagnostic = Diagnostic::error(Code::DL0208, message, span);
        if let (Num::Float(_), true) = (num, is_integer(dtype)) {
            diagnostic = diagnostic.help("convert the other operand: `astype(…, f32)`");
        }
        if let (Num::Int(_), Some((min, max))) = (num, crate::check::consts::integer_range(dtype)) {
            diagnostic = diagnostic.note(format!("`{dtype}` holds {min} to {max}"));
        }
        Err(self.report(diagnostic))
    }

    /// A value as the type that is expected; literals take their dtypes from it.
    pub(crate) fn coerce(
        &mut self,
        value: Value<'a>,
        ty: &Ty,
        span: Span,
        expected: &Expected<'_>,
    ) -> Res<Value<'a>> {
        match (&value, ty) {
            (Value::Error, _) | (_, Ty::Error) => Err(Reported),
            (Value::Num(num), Ty::Tensor(t)) if t.rank() == 0 => {
                if num.fit(t.dtype).is_none() {
                    return Err(self.wrong_type(&value, ty, span, expected));
                }
                Ok(Value::Tensor(self.scalar(*num, t.dtype, span)?))
            }
            (Value::Dim(dim), Ty::Tensor(t)) if t.rank() == 0 && t.dtype == DType::I64 => {
                Ok(Value::Tensor(self.dim_scalar(dim, DType::I64, span)?))
            }
            (Value::Tensor(id), Ty::Tensor(t)) => {
                let found = self.ty(*id);
                if found.dtype != t.dtype || !self.same_shape(&found.shape, &t.shape) {
                    return Err(self.wrong_type(&value, ty, span, expected));
                }
                Ok(Value::Tensor(self.recast(*id, &t.shape, span)?))
            }
            (Value::List(_), Ty::Tensor(t)) => {
                let fits =
                    list_shape(self, &value).is_some_and(|shape| self.same_shape(&shape, &t.shape));
                if !fits {
                    return Err(self.wrong_type(&value, ty, span, expected));
                }
                let tensor = self.list_as_tensor(&value, Some(t.dtype), span)?;
                Ok(Value::Tensor(self.recast(tensor, &t.shape, span)?))
            }
            (Value::Struct(s), Ty::Struct(t)) => {
                if s.ty.id != t.id || !self.same_shape(&s.ty.dims, &t.dims) {
                    return Err(self.wrong_type(&value, ty, span, expected));
                }
                // `tree_map` may have made other leaves than the struct declares.
                let fields: Vec<Res<Value<'a>>> = s
                    .fields
                    .iter()
                    .zip(self.fields(t))
                    .map(|(field, (name, ty))| {
                        let part = format!("field `{name}`");
                        self.coerce_part(field.clone(), &ty, span, expected, part)
                    })
                    .collect();
                let fields = fields.into_iter().collect::<Res<_>>().map(Parts::new)?;
                Ok(Value::Struct(Rc::new(StructValue {
                    ty: t.clone(),
                    fields,
                })))
            }
            (Value::Tuple(items), Ty::Tuple(types)) if items.len() == types.len() => {
                let items: Vec<Res<Value<'a>>> = items
                    .iter()
                    .zip(types)
                    .enumerate()
                    .map(|(i, (item, ty))| {
                        self.coerce_part(item.clone(), ty, span, expected, format!("element {i}"))
                    })
                    .collect();
                Ok(Value::tuple(items.into_iter().collect::<Res<_>>()?))
            }
            (Value::List(items), Ty::List(element, count))
                if self.same_dim(&Dim::constant(items.len() as i64), count) =>
            {
                let items: Vec<Res<Value<'a>>> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| {
                        self.coerce_part(
                            item.clone(),
                            element,
                            span,
                            expected,
                            format!("element {i}"),
                        )
                    })
                    .collect();
                Ok(Value::list(items.into_iter().collect::<Res<_>>()?))
            }
            (Value::Fn(_), Ty::Fn(_)) => Ok(value),
            _ => Err(self.wrong_type(&value, ty, span, expected)),
        }
    }

    fn coerce_part(
        &mut self,
        value: Value<'a>,
        ty: &Ty,
        span: Span,
        expected: &Expected<'_>,
        part: String,
    ) -> Res<Value<'a>> {
        let inner = Expected {
            what: format!("{part} of {}", expected.what),
            declared: expected.declared.clone(),
            code: expected.code,
            expr: None,
        };
        self.coerce(value, ty, span, &inner)
    }

    /// Reports a value of another type than expected.
    fn wrong_type(
        &mut self,
        value: &Value<'a>,
        ty: &Ty,
        span: Span,
        expected: &Expected<'_>,
    ) -> Reported {
        if value.has_error() || ty.has_error() {
            return Reported;
        }
        let found = self.type_of(value);
        let argument = expected.code == Code::DL0204;
        let difference = match (&found, ty) {
            (Some(found), ty) => self.first_difference(found, ty),
            _ => None,
        };
        let code = if difference.is_some() {
            Code::DL0220
        } else {
            expected.code
        };
        let is = match value {
            Value::Num(num) => format!("`{num}`"),
            other => self.describe(other),
        };
        let dims = found
            .iter()
            .flat_map(Ty::dims)
            .chain(ty.dims())
            .collect::<Vec<_>>();
        let known = known_dims(dims);
        let kind = match value {
            Value::Tensor(_) | Value::Num(_) | Value::Dim(_) if matches!(ty, Ty::Tensor(_)) => {
                String::new()
            }
            _ => match (&found, ty) {
                (Some(found), ty) if kind_of_type(found) != kind_of_type(ty) => {
                    format!("{} ", kind_of_type(ty))
                }
                _ => String::new(),
            },
        };
        let message = if argument {
            format!("{} is {is}, expected {kind}`{ty}`{known}", expected.what)
        } else {
            format!(
                "{} is {is}, and {kind}`{ty}` is declared{known}",
                expected.what
            )
        };
        let mut diagnostic = Diagnostic::error(code, message, span);
        if let Some((axis, left, right)) = &difference {
            diagnostic = diagnostic.label(format!("axis {axis} is {}", dim_text(left)));
            let both = self.compare_note(left, right);
            diagnostic = diagnostic.note(both);
        }
        if let Some((place, text)) = &expected.declared {
            diagnostic = diagnostic.secondary(*place, text.clone());
        }
        if let Value::Tensor(id) = value
            && let Some(origin) = self.origin(*id)
        {
            diagnostic =
                diagnostic.secondary(origin.span, format!("`{}` is declared here", origin.text));
        }
        if let (Value::Tensor(id), Ty::Tensor(t)) = (value, ty) {
            diagnostic = self.fitting_change(diagnostic, *id, t, span, expected.expr);
        }
        if let (Value::Num(Num::Float(_)), Ty::Tensor(t)) = (value, ty)
            && is_integer(t.dtype)
            && t.rank() == 0
        {
            diagnostic = diagnostic.help("an integer is needed");
        }
        self.report(diagnostic)
    }

    /// Advice for a tensor of another type than expected.
    fn fitting_change(
        &mut self,
        diagnostic: Diagnostic,
        id: NodeId,
        ty: &TensorType,
        span: Span,
        expr: Option<&Expr>,
    ) -> Diagnostic {
        let found = self.ty(id).clone();
        if self.same_shape(&found.shape, &ty.shape) {
            return self.suggest_cast(diagnostic, span, found.dtype, ty.dtype);
        }
        if found.dtype != ty.dtype {
            return diagnostic;
        }
        if let Some(expr) = expr
            && let Some((text, span, replacement)) =
                self.fitting_field(expr, &|checker, candidate| {
                    candidate.dtype == ty.dtype && checker.same_shape(&candidate.shape, &ty.shape)
                })
        {
            return diagnostic.suggest(text, span, replacement);
        }
        let text = self.sources.slice(span).to_string();
        if found.rank() >= 2 && found.rank() == ty.rank() {
            let mut swapped = found.shape.clone();
            let last = swapped.len() - 1;
            swapped.swap(last, last - 1);
            if self.same_shape(&swapped, &ty.shape) {
                return diagnostic.suggest(
                    "its transpose fits",
                    span,
                    format!("matrix_transpose({text})"),
                );
            }
        }
        if found.rank() == ty.rank() + 1
            && found
                .shape
                .last()
                .is_some_and(|dim| dim.as_const() == Some(1))
            && self.same_shape(&found.shape[..ty.rank()], &ty.shape)
        {
            return diagnostic.suggest(
                "without its last axis it fits",
                span,
                format!("squeeze({text}, axis=-1)"),
            );
        }
        diagnostic
    }

    /// Another field of the same struct that fits, where an expression is a field: advice, place and replacement.
    pub(crate) fn fitting_field(
        &mut self,
        expr: &Expr,
        fits: &dyn Fn(&Self, &TensorType) -> bool,
    ) -> Option<(String, Span, String)> {
        let ExprKind::Field { base, name } = &expr.kind else {
            return None;
        };
        let ExprKind::Path(path) = &base.kind else {
            return None;
        };
        let binding = self.scope.lookup(&path.as_ident()?.name)?;
        let Value::Struct(s) = &binding.value else {
            return None;
        };
        for ((field, ty), value) in self.fields(&s.ty).into_iter().zip(s.fields.iter()) {
            let Value::Tensor(id) = value else { continue };
            if field != name.name && fits(self, self.ty(*id)) {
                let whole = format!("{}.{field}", self.sources.slice(base.span));
                return Some((
                    format!("`{whole}` is `{ty}` and fits here"),
                    name.span,
                    field,
                ));
            }
        }
        None
    }

    /// The first dim in which two types of one structure differ, and its axis.
    fn first_difference(&self, found: &Ty, wanted: &Ty) -> Option<(usize, Dim, Dim)> {
        let (found, wanted) = match (found, wanted) {
            (Ty::Tensor(a), Ty::Tensor(b)) if a.dtype == b.dtype => (&a.shape, &b.shape),
            (Ty::Struct(a), Ty::Struct(b)) if a.id == b.id => (&a.dims, &b.dims),
            _ => return None,
        };
        if found.len() != wanted.len() {
            return None;
        }
        let pairs = found.iter().zip(wanted).enumerate();
        pairs
            .filter(|(_, (a, b))| !self.same_dim(a, b))
            .map(|(i, (a, b))| (i, a.clone(), b.clone()))
            .next()
    }

    /// What can be said of two dims that are not equal.
    pub(crate) fn compare_note(&self, a: &Dim, b: &Dim) -> String {
        let (a_text, b_text) = (dim_text(a), dim_text(b));
        let different = self
            .frames
            .last()
            .is_some_and(|frame| frame.facts.proves_different(a.poly(), b.poly()));
        if different {
            if a.as_const().is_some() && b.as_const().is_some() {
                return format!("dims {a_text} and {b_text} differ");
            }
            return format!("dims {a_text} and {b_text} differ for every value that is allowed");
        }
        let swap = a.as_const().is_some();
        let (left, right) = if swap { (b, a) } else { (a, b) };
        let difference = left.poly().clone() - right.poly().clone();
        if let [(_, factors)] = difference.terms().as_slice()
            && !factors.is_empty()
        {
            // Such as `64 * T` and `63 * T`.
            let zero: Vec<String> = difference
                .names()
                .into_iter()
                .map(|name| format!("`{name}`"))
                .collect();
            let values = self.shown_values([a, b]);
            return format!(
                "{a_text} and {b_text} are equal only where {} is 0{values}",
                zero.join(" or ")
            );
        }
        if let Some(condition) = self.divisibility(left, right) {
            return format!(
                "{a_text} and {b_text} are equal where `{condition}`, which nothing says; \
                 `where {condition}` would"
            );
        }
        format!(
            "nothing says that {a_text} and {b_text} are equal; `where {left} == {right}` would"
        )
    }

    /// The constants that stand in dims as shown: `, where H = 3`.
    fn shown_values<'d>(&self, dims: impl IntoIterator<Item = &'d Dim>) -> String {
        let mut known = std::collections::BTreeMap::new();
        for dim in dims {
            for name in dim.shown().names() {
                let value = match self.scope.function.dims.get(name.as_str()) {
                    Some(dim) => dim.as_const(),
                    None => self.known_const(&name),
                };
                if let Some(value) = value {
                    known.insert(name.to_string(), value);
                }
            }
        }
        let texts: Vec<String> = known
            .into_iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if texts.is_empty() {
            String::new()
        } else {
            format!(", where {}", texts.join(", "))
        }
    }

    /// The condition on a remainder that makes two dims equal, if there is a single one.
    fn divisibility(&self, a: &Dim, b: &Dim) -> Option<String> {
        use dlc_abi::dim::{Factor, Poly};
        let facts = &self.frames.last()?.facts;
        let terms: Vec<_> = a
            .poly()
            .terms()
            .into_iter()
            .chain(b.poly().terms())
            .collect();
        for (_, factors) in &terms {
            for factor in factors {
                let Factor::FloorDiv(inner, divisor) = factor else {
                    continue;
                };
                let remainder = inner.rem(*divisor)?;
                let mut facts = facts.clone();
                facts.add_zero(remainder);
                if facts.proves_equal(a.poly(), b.poly()) {
                    let inner = Dim::new(Poly::clone(inner));
                    let inner = match inner.poly().term_count() {
                        1 => inner.to_string(),
                        _ => format!("({inner})"),
                    };
                    return Some(format!("{inner} % {divisor} == 0"));
                }
            }
        }
        None
    }
}

/// `` `D` = 64 ``, or `` `T + 1` ``.
pub(crate) fn dim_text(dim: &Dim) -> String {
    match dim.as_const() {
        Some(value) if dim.shown().as_const().is_none() => format!("`{dim}` = {value}"),
        _ => format!("`{dim}`"),
    }
}
