//! Dims, types and conditions as written: their meaning.

use std::collections::BTreeSet;

use dlc_abi::dim::Poly;

use crate::ast::{self, BinaryOp, DType, Expr, ExprKind, Span, UnaryOp};
use crate::check::consts::{self, Fault};
use crate::check::items::SigParam;
use crate::check::names::Item;
use crate::check::types::Ty;
use crate::check::value::{Res, Value};
use crate::check::{Checker, Mode};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

/// The dims that an item declares.
pub(crate) type DimNames<'a> = BTreeSet<&'a str>;

/// The longest polynomial; longer ones are refused, since products grow fast.
const MAX_TERMS: usize = 256;

/// A `where` condition.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub left: Dim,
    pub rel: BinaryOp,
    pub right: Dim,
    pub span: Span,
    /// Whether it is on the value of a parameter, which only the caller of the library knows.
    pub on_value: bool,
}

/// Where the names in a dim are looked up.
#[derive(Clone, Copy)]
pub(crate) enum DimScope<'n, 'a> {
    /// In a declaration: its own dims, then constants.
    Declared(&'n DimNames<'a>),
    /// In a body: variables, the function's dims, constants.
    Body,
}

impl<'a> Checker<'a> {
    /// A dim that is a size: it may not be known to be negative.
    pub(super) fn size_in(&mut self, expr: &'a Expr, scope: DimScope<'_, 'a>) -> Res<Dim> {
        let dim = self.dim_in(expr, scope)?;
        self.check_size(&dim, expr.span)?;
        Ok(dim)
    }

    /// Reports a size that is negative or too large.
    pub(crate) fn check_size(&mut self, dim: &Dim, span: Span) -> Res<()> {
        match dim.as_const() {
            Some(value) if value < 0 => {
                let message = if dim.shown().as_const().is_some() {
                    format!("a size of {value} is negative")
                } else {
                    format!("the size `{dim}` is {value}, which is negative")
                };
                self.error(Code::DL0216, message, span)
            }
            None if dim.poly().names().is_empty() => {
                self.error(Code::DL0216, "a size does not fit in 64 bits", span)
            }
            _ => Ok(()),
        }
    }

    /// Reports a tensor whose size in bytes does not fit in 63 bits.
    pub(crate) fn check_byte_size(&mut self, ty: &TensorType, span: Span) -> Res<()> {
        let mut bytes = ty.dtype.size() as u128;
        for dim in &ty.shape {
            match dim.as_const() {
                Some(0) => return Ok(()),
                Some(value) => bytes = bytes.saturating_mul(value.unsigned_abs().into()),
                None => {}
            }
        }
        if bytes > i64::MAX as u128 {
            let message = format!("`{ty}` takes {bytes} bytes or more, which is over 2^63 - 1");
            return self.error(Code::DL0216, message, span);
        }
        Ok(())
    }

    /// A dim in a body, such as an element of the shape that `reshape` is given.
    pub(crate) fn body_dim(&mut self, expr: &'a Expr) -> Res<Dim> {
        self.dim_in(expr, DimScope::Body)
    }

    fn dim_in(&mut self, expr: &'a Expr, scope: DimScope<'_, 'a>) -> Res<Dim> {
        match &expr.kind {
            ExprKind::Int(value) => match i64::try_from(*value) {
                Ok(value) => Ok(Dim::constant(value)),
                Err(_) => self.error(
                    Code::DL0216,
                    format!("{value} does not fit in 64 bits"),
                    expr.span,
                ),
            },
            ExprKind::Path(path) => self.dim_named(path, expr, scope),
            ExprKind::Unary {
                op: UnaryOp::Neg,
                operand,
                ..
            } => {
                let dim = self.dim_in(operand, scope)?;
                Ok(&Dim::constant(0) - &dim)
            }
            ExprKind::Binary {
                op,
                op_span,
                left,
                right,
            } if is_dim_operator(*op) => {
                let (left, right) = (self.dim_in(left, scope), self.dim_in(right, scope));
                self.dim_operation(*op, &left?, &right?, *op_span)
            }
            ExprKind::Error | ExprKind::Range { .. } => Err(super::Reported),
            _ => match scope {
                DimScope::Body => {
                    let value = self.eval(expr)?;
                    self.value_to_dim(&value, expr.span)
                }
                DimScope::Declared(_) => {
                    let message = "a dim is made of integers, constants, dim names and `+ - * / %`";
                    self.error(Code::DL0224, message, expr.span)
                }
            },
        }
    }

    fn dim_named(
        &mut self,
        path: &'a ast::Path,
        expr: &'a Expr,
        scope: DimScope<'_, 'a>,
    ) -> Res<Dim> {
        let Some(ident) = path.as_ident() else {
            let item = self.resolve_path(path)?;
            return self.item_dim(item, path);
        };
        let name = ident.name.as_str();
        match scope {
            DimScope::Declared(names) => {
                if names.contains(name) {
                    return Ok(Dim::new(Poly::name(name)));
                }
            }
            DimScope::Body => {
                if let Some(binding) = self.scope.lookup(name) {
                    return self.value_to_dim(&binding.value, expr.span);
                }
                if let Some(dim) = self.scope.function.dims.get(name) {
                    return Ok(dim.clone());
                }
            }
        }
        match self.item_named(name, ident.span) {
            Some(item) => self.item_dim(item, path),
            None => Err(self.unknown_dim(name, ident.span, scope)),
        }
    }

    /// A constant as a dim.
    fn item_dim(&mut self, item: Item, path: &'a ast::Path) -> Res<Dim> {
        let id = match item {
            Item::Const(id) => id,
            Item::Unknown => return Err(super::Reported),
            _ => return self.error(Code::DL0224, format!("`{path}` is no dim"), path.span),
        };
        let name = path.last().name.as_str();
        match self.const_value(id)? {
            Num::Int(value) => match i64::try_from(value) {
                Ok(value) => Ok(Dim::with_shown(Poly::constant(value), Poly::name(name))),
                Err(_) => {
                    let message = format!("`{path}` = {value} does not fit in 64 bits");
                    self.error(Code::DL0216, message, path.span)
                }
            },
            other => {
                let message = format!(
                    "a dim is an integer, and `{path}` is {}",
                    consts::kind(other)
                );
                let at = self.consts[id].ast.name.span;
                let diagnostic = Diagnostic::error(Code::DL0224, message, path.span)
                    .secondary(at, "declared here");
                Err(self.report(diagnostic))
            }
        }
    }

    fn unknown_dim(&mut self, name: &str, span: Span, scope: DimScope<'_, 'a>) -> super::Reported {
        let mut diagnostic = Diagnostic::error(
            Code::DL0601,
            format!("there is no dim or constant `{name}`"),
            span,
        );
        let own: Vec<String> = match scope {
            DimScope::Declared(names) => names.iter().map(ToString::to_string).collect(),
            DimScope::Body => self.scope.function.dims.keys().cloned().collect(),
        };
        let names = self.names[span.file as usize].iter();
        let consts = names
            .filter(|(_, name)| matches!(name.item, Item::Const(_)))
            .map(|(name, _)| name.as_str());
        if let Some(similar) = similar(name, own.iter().map(String::as_str).chain(consts)) {
            diagnostic = diagnostic.suggest("a similar one exists", span, similar);
        } else {
            diagnostic = diagnostic.help(format!(
                "declare it: `<{name}>` after the name, or `const {name} = …`"
            ));
        }
        self.report(diagnostic)
    }

    /// A value as a dim.
    pub(crate) fn value_to_dim(&mut self, value: &Value<'a>, span: Span) -> Res<Dim> {
        match value {
            Value::Dim(dim) => Ok(dim.clone()),
            Value::Num(Num::Int(value)) => match i64::try_from(*value) {
                Ok(value) => Ok(Dim::constant(value)),
                Err(_) => self.error(
                    Code::DL0216,
                    format!("{value} does not fit in 64 bits"),
                    span,
                ),
            },
            Value::Error => Err(super::Reported),
            Value::Tensor(id) if self.is_known_unrolled(*id) => Err(super::Reported),
            Value::Tensor(_) => {
                let diagnostic =
                    Diagnostic::error(Code::DL0214, "a size has to be known at compile time", span)
                        .label("this is computed when the program runs")
                        .help("make it a dim of the function, `<N>`, or a `const`");
                Err(self.report(diagnostic))
            }
            other => {
                let what = self.describe(other);
                self.error(
                    Code::DL0224,
                    format!("a size is an integer, and this is {what}"),
                    span,
                )
            }
        }
    }

    /// `left op right` on dims.
    pub(super) fn dim_operation(
        &mut self,
        op: BinaryOp,
        left: &Dim,
        right: &Dim,
        span: Span,
    ) -> Res<Dim> {
        if let (Some(a), Some(b)) = (left.as_const(), right.as_const()) {
            match consts::binary(op, Num::Int(a.into()), Num::Int(b.into())) {
                Err(Fault::DivisionByZero) => {
                    return self.error(Code::DL0215, "division by zero in a dim", span);
                }
                Err(_) => return self.error(Code::DL0215, "a dim does not fit in 64 bits", span),
                Ok(Num::Int(value)) => {
                    let Ok(value) = i64::try_from(value) else {
                        return self.error(Code::DL0215, "a dim does not fit in 64 bits", span);
                    };
                    let shown = self
                        .shown_operation(op, left, right)
                        .unwrap_or_else(|| Poly::constant(value));
                    return Ok(Dim::with_shown(Poly::constant(value), shown));
                }
                Ok(_) => {}
            }
        }
        let result = match op {
            BinaryOp::Add => left + right,
            BinaryOp::Sub => left - right,
            BinaryOp::Mul => {
                if left
                    .poly()
                    .term_count()
                    .saturating_mul(right.poly().term_count())
                    > MAX_TERMS
                    || left.poly().degree() + right.poly().degree() > 16
                {
                    return self.error(Code::DL0216, "a dim is too long a polynomial", span);
                }
                left * right
            }
            BinaryOp::Pow => {
                let Some(exponent) = right.as_const().filter(|n| (0..=16).contains(n)) else {
                    let message = "a dim is raised to whole powers up to 16 only";
                    return self.error(Code::DL0224, message, span);
                };
                let mut result = Dim::constant(1);
                for _ in 0..exponent {
                    result = self.dim_operation(BinaryOp::Mul, &result, left, span)?;
                }
                return Ok(result);
            }
            BinaryOp::Div | BinaryOp::Rem => {
                let Some(divisor) = right.as_const() else {
                    let diagnostic = Diagnostic::error(
                        Code::DL0224,
                        format!("dims are divided by constants only, and `{right}` is not one"),
                        span,
                    );
                    return Err(self.report(diagnostic));
                };
                if divisor <= 0 {
                    let message =
                        format!("dims are divided by positive numbers only, not by {divisor}");
                    return self.error(Code::DL0224, message, span);
                }
                let divide = |poly: &Poly| match op {
                    BinaryOp::Div => poly.floor_div(divisor),
                    _ => poly.rem(divisor),
                };
                let poly = divide(left.poly()).expect("the divisor is positive");
                let shown = divide(left.shown()).expect("the divisor is positive");
                Dim::with_shown(poly, shown)
            }
            _ => {
                let message = format!("`{}` on dims does not give a polynomial", op.symbol());
                return self.error(Code::DL0224, message, span);
            }
        };
        if !result.poly().fits() {
            return self.error(
                Code::DL0215,
                "a factor of a dim does not fit in 64 bits",
                span,
            );
        }
        if result.poly().term_count() > MAX_TERMS {
            return self.error(Code::DL0216, "a dim is too long a polynomial", span);
        }
        Ok(result)
    }

    /// The operation on the shown forms, where that is a polynomial.
    fn shown_operation(&self, op: BinaryOp, left: &Dim, right: &Dim) -> Option<Poly> {
        let (a, b) = (left.shown(), right.shown());
        match op {
            BinaryOp::Add => Some(a.clone() + b.clone()),
            BinaryOp::Sub => Some(a.clone() - b.clone()),
            BinaryOp::Mul if a.term_count() * b.term_count() <= 16 => Some(a.clone() * b.clone()),
            BinaryOp::Div => quotient_text(left, right),
            BinaryOp::Rem => b.as_const().and_then(|b| a.rem(b)),
            _ => None,
        }
    }

    /// A range of a dim.
    pub(super) fn resolve_range(&mut self, range: &'a ast::DimRange) -> Res<(i64, Option<i64>)> {
        let none = DimNames::default();
        let mut bound = |expr: &'a Option<Expr>| -> Res<Option<i64>> {
            let Some(expr) = expr else { return Ok(None) };
            let dim = self.dim_in(expr, DimScope::Declared(&none))?;
            match dim.as_const() {
                Some(value) => Ok(Some(value)),
                None => self.error(
                    Code::DL0224,
                    "the range of a dim is made of constants",
                    expr.span,
                ),
            }
        };
        let min = bound(&range.start)?.unwrap_or(0);
        let max = bound(&range.end)?;
        let max = if range.inclusive {
            max
        } else {
            max.map(|max| max.saturating_sub(1))
        };
        if min < 0 {
            return self.error(Code::DL0216, format!("a dim cannot be {min}"), range.span);
        }
        if let Some(max) = max
            && max < min
        {
            return self.error(
                Code::DL0224,
                format!("the range `{}` is empty", self.text(range.span)),
                range.span,
            );
        }
        Ok((min, max))
    }

    /// A `where` condition; nothing for one that always holds.
    pub(super) fn resolve_condition(
        &mut self,
        expr: &'a Expr,
        names: &DimNames<'a>,
        function: &'a ast::Fn,
        params: &[SigParam],
    ) -> Res<Option<Condition>> {
        let ExprKind::Binary {
            op, left, right, ..
        } = &expr.kind
        else {
            return self.error(
                Code::DL0224,
                "a condition compares two dims, as in `D % 4 == 0`",
                expr.span,
            );
        };
        if !op.is_comparison() {
            return self.error(
                Code::DL0224,
                "a condition compares two dims, as in `D % 4 == 0`",
                expr.span,
            );
        }
        let mut names = names.clone();
        let mut on_value = false;
        for (param, ast) in params.iter().zip(&function.params) {
            let name = ast.name.name.as_str();
            if names.contains(name) || !(mentions(left, name) || mentions(right, name)) {
                continue;
            }
            self.check_condition_on(param, function, expr.span)?;
            names.insert(name);
            on_value = true;
        }
        let names = &names;
        let scope = DimScope::Declared(names);
        let (left, right) = (self.dim_in(left, scope), self.dim_in(right, scope));
        let condition = Condition {
            left: left?,
            rel: *op,
            right: right?,
            span: expr.span,
            on_value,
        };
        if let (Some(a), Some(b)) = (condition.left.as_const(), condition.right.as_const()) {
            if holds(*op, a, b) {
                return Ok(None);
            }
            let text = format!("`{a} {} {b}`", op.symbol());
            let diagnostic =
                Diagnostic::error(Code::DL0222, "the condition never holds", expr.span)
                    .label(format!("this is {text}"));
            return Err(self.report(diagnostic));
        }
        Ok(Some(condition))
    }

    /// Checks that a condition may be on the value of a parameter: the caller of the library checks it.
    fn check_condition_on(
        &mut self,
        param: &SigParam,
        function: &'a ast::Fn,
        span: Span,
    ) -> Res<()> {
        const INTEGERS: [DType; 3] = [DType::I8, DType::I32, DType::I64];
        let integer = match &param.ty {
            Ty::Tensor(ty) => ty.rank() == 0 && INTEGERS.contains(&ty.dtype),
            Ty::Error => return Err(super::Reported),
            _ => false,
        };
        let name = &param.name;
        if !integer {
            let ty = &param.ty;
            let message = format!(
                "a condition on a value takes `i8`, `i32` or `i64`, and `{name}` is `{ty}`"
            );
            let diagnostic = Diagnostic::error(Code::DL0224, message, span)
                .secondary(param.span, "declared here");
            return Err(self.report(diagnostic));
        }
        if !function.export {
            let message = format!(
                "`{}` is no export, so nothing checks `{name}`",
                function.name.name
            );
            let diagnostic = Diagnostic::error(Code::DL0224, message, span)
                .note("a condition on a value is checked where the library is called")
                .help("put it on the export that the value comes from");
            return Err(self.report(diagnostic));
        }
        Ok(())
    }

    /// Whether a size has to be a number that only an instance has; reports it where there is no instance.
    pub(crate) fn known_number(&mut self, dim: &Dim, what: &str, span: Span) -> Res<i64> {
        if let Some(value) = dim.as_const() {
            return Ok(value);
        }
        if self.mode == Mode::Definition {
            return Err(super::Reported);
        }
        let diagnostic = Diagnostic::error(
            Code::DL0214,
            format!("{what} has to be a number, and `{dim}` is not known"),
            span,
        )
        .note("a dim of an export is known only when the library is called")
        .help("use a `const`");
        Err(self.report(diagnostic))
    }
}

/// `D / H` where both are constants: a text for messages, as a name of its own.
fn quotient_text(left: &Dim, right: &Dim) -> Option<Poly> {
    let (a, b) = (left.shown(), right.shown());
    if a.as_const().is_some() && b.as_const().is_some() {
        return None;
    }
    if let Some(divisor) = b.as_const() {
        return a.floor_div(divisor);
    }
    let part = |poly: &Poly| {
        if poly.term_count() > 1 {
            format!("({poly})")
        } else {
            poly.to_string()
        }
    };
    Some(Poly::name(format!("{} / {}", part(a), part(b))))
}

/// Whether `a op b`.
pub(crate) fn holds(op: BinaryOp, a: i64, b: i64) -> bool {
    matches!(
        consts::binary(op, Num::Int(a.into()), Num::Int(b.into())),
        Ok(Num::Bool(true))
    )
}

/// Whether an expression mentions a name.
fn mentions(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::Path(path) => path.as_ident().is_some_and(|ident| ident.name == name),
        ExprKind::Unary { operand, .. } => mentions(operand, name),
        ExprKind::Binary { left, right, .. } => mentions(left, name) || mentions(right, name),
        _ => false,
    }
}

/// Whether an operator makes dims of dims.
fn is_dim_operator(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Pow
    )
}

/// `1 dim`, `2 dims`.
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
