//! Operators.

use crate::ast::{BinaryOp, DType, Expr, Span, UnaryOp};
use crate::check::Checker;
use crate::check::class::Class;
use crate::check::consts::{self, Fault, is_float, is_integer};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num};
use crate::diagnostic::{Code, Diagnostic};

/// An operand of something, and where it stands.
#[derive(Clone)]
pub(crate) struct Operand<'a> {
    pub value: Value<'a>,
    pub span: Span,
    /// The expression, for advice.
    pub expr: Option<&'a Expr>,
}

impl<'a> Operand<'a> {
    /// The value of an expression.
    pub fn new(value: Value<'a>, expr: &'a Expr) -> Self {
        Self {
            value,
            span: expr.span,
            expr: Some(expr),
        }
    }
}

/// An operation as written, for messages: `@`, or `maximum`.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'o> {
    /// The operator or the name.
    pub name: &'o str,
    /// Where it stands.
    pub span: Span,
    /// Where the whole expression stands.
    pub whole: Span,
}

impl Operation<'_> {
    /// `f32[T] + f32[D]`, or `maximum(f32[T], f32[D])`.
    pub fn applied(&self, left: &str, right: &str) -> String {
        if self.name.starts_with(|c: char| c.is_alphabetic()) {
            format!("`{}({left}, {right})`", self.name)
        } else {
            format!("`{left} {} {right}`", self.name)
        }
    }
}

/// The `dl` op of an operator on tensors, and what it is defined for.
fn tensor_op(op: BinaryOp) -> (&'static str, Class) {
    match op {
        BinaryOp::Or => ("bitwise_or", Class::Bool),
        BinaryOp::And => ("bitwise_and", Class::Bool),
        BinaryOp::Eq => ("equal", Class::NoKey),
        BinaryOp::Ne => ("not_equal", Class::NoKey),
        BinaryOp::Lt => ("less", Class::Number),
        BinaryOp::Le => ("less_equal", Class::Number),
        BinaryOp::Gt => ("greater", Class::Number),
        BinaryOp::Ge => ("greater_equal", Class::Number),
        BinaryOp::Add => ("add", Class::Number),
        BinaryOp::Sub => ("sub", Class::Number),
        BinaryOp::Mul => ("mul", Class::Number),
        BinaryOp::Div => ("div", Class::Number),
        BinaryOp::Rem => ("rem", Class::Number),
        BinaryOp::Pow => ("pow", Class::Number),
        BinaryOp::MatMul => ("dot_general", Class::Number),
    }
}

impl<'a> Checker<'a> {
    /// `left op right`.
    pub(crate) fn binary(
        &mut self,
        op: BinaryOp,
        left: Operand<'a>,
        right: Operand<'a>,
        op_span: Span,
        whole: Span,
    ) -> Res<Value<'a>> {
        let operation = Operation {
            name: op.symbol(),
            span: op_span,
            whole,
        };
        match (&left.value, &right.value) {
            (Value::Error, _) | (_, Value::Error) => return Err(Reported),
            (Value::Num(a), Value::Num(b)) => return self.const_binary(op, *a, *b, &operation),
            (Value::Dim(_), Value::Dim(_) | Value::Num(Num::Int(_)))
            | (Value::Num(Num::Int(_)), Value::Dim(_)) => {
                let a = self.value_to_dim(&left.value, left.span)?;
                let b = self.value_to_dim(&right.value, right.span)?;
                if let Some(result) = self.dim_binary(op, &a, &b, op_span)? {
                    return Ok(result);
                }
            }
            (
                Value::Tensor(_) | Value::Num(_) | Value::Dim(_),
                Value::Tensor(_) | Value::Num(_) | Value::Dim(_),
            ) => {}
            _ => return Err(self.not_operands(&operation, &left, &right)),
        }
        for operand in [&left, &right] {
            if let Value::Tensor(id) = operand.value
                && self.dtype(id) == DType::Key
            {
                self.check_class(id, Class::NoKey, &operation)?;
            }
        }
        if op == BinaryOp::MatMul {
            return self.matmul(&left, &right, &operation).map(Value::Tensor);
        }
        if op == BinaryOp::Pow
            && let (Value::Tensor(x), Value::Num(Num::Int(exponent))) = (&left.value, &right.value)
            && (-64..=64).contains(exponent)
        {
            return self
                .integer_power(*x, *exponent as i64, &operation)
                .map(Value::Tensor);
        }
        let (a, b) = self.same_dtypes(&left, &right, &operation)?;
        let (name, class) = tensor_op(op);
        self.check_class(a, class, &operation)?;
        self.check_broadcast(a, b, &left, &right, &operation)?;
        let result = if op.is_comparison() {
            self.compare(name, a, b, whole)
        } else {
            self.binary_op(name, a, b, whole)
        };
        result.map(Value::Tensor)
    }

    fn const_binary(
        &mut self,
        op: BinaryOp,
        a: Num,
        b: Num,
        operation: &Operation<'_>,
    ) -> Res<Value<'a>> {
        match consts::binary(op, a, b) {
            Ok(num) => Ok(Value::Num(num)),
            Err(Fault::Overflow) => {
                let message = format!("`{a} {} {b}` does not fit in 64 bits", op.symbol());
                self.error(Code::DL0215, message, operation.whole)
            }
            Err(Fault::DivisionByZero) => {
                self.error(Code::DL0215, "division by zero", operation.whole)
            }
            Err(Fault::Kind(kind)) => self.error(
                Code::DL0210,
                format!("`{}` is not defined for {kind}", op.symbol()),
                operation.span,
            ),
        }
    }

    /// An operator on dims, where the result is a dim or known; nothing where it has to be computed.
    fn dim_binary(&mut self, op: BinaryOp, a: &Dim, b: &Dim, span: Span) -> Res<Option<Value<'a>>> {
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => self
                .dim_operation(op, a, b, span)
                .map(|dim| Some(Value::Dim(dim))),
            BinaryOp::Pow if b.as_const().is_some_and(|b| (0..=16).contains(&b)) => self
                .dim_operation(op, a, b, span)
                .map(|dim| Some(Value::Dim(dim))),
            BinaryOp::Div | BinaryOp::Rem if b.as_const().is_some_and(|b| b > 0) => self
                .dim_operation(op, a, b, span)
                .map(|dim| Some(Value::Dim(dim))),
            _ if op.is_comparison() => Ok(self
                .decide(op, a, b)
                .map(|truth| Value::Num(Num::Bool(truth)))),
            _ => Ok(None),
        }
    }

    /// Whether a comparison of dims holds, where that is known.
    pub(super) fn decide(&self, op: BinaryOp, a: &Dim, b: &Dim) -> Option<bool> {
        let facts = &self.frames.last()?.facts;
        let (a, b) = (a.poly(), b.poly());
        let at_most = |a: &dlc_abi::dim::Poly, b: &dlc_abi::dim::Poly| {
            facts.proves_nonnegative(&(b.clone() - a.clone()))
        };
        let less = |a: &dlc_abi::dim::Poly, b: &dlc_abi::dim::Poly| {
            facts.proves_nonnegative(&(b.clone() - a.clone() - dlc_abi::dim::Poly::one()))
        };
        let (yes, no) = match op {
            BinaryOp::Eq => (facts.proves_equal(a, b), facts.proves_different(a, b)),
            BinaryOp::Ne => (facts.proves_different(a, b), facts.proves_equal(a, b)),
            BinaryOp::Lt => (less(a, b), at_most(b, a)),
            BinaryOp::Le => (at_most(a, b), less(b, a)),
            BinaryOp::Gt => (less(b, a), at_most(a, b)),
            BinaryOp::Ge => (at_most(b, a), less(a, b)),
            _ => (false, false),
        };
        if yes { Some(true) } else { no.then_some(false) }
    }

    /// Both operands as tensors of one dtype.
    pub(crate) fn same_dtypes(
        &mut self,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Res<(NodeId, NodeId)> {
        match (&left.value, &right.value) {
            (Value::Num(num), Value::Tensor(id)) => {
                let dtype = self.dtype(*id);
                self.check_literal(*num, dtype, left.span, right, operation)?;
                Ok((self.scalar(*num, dtype, left.span)?, *id))
            }
            (Value::Tensor(id), Value::Num(num)) => {
                let dtype = self.dtype(*id);
                self.check_literal(*num, dtype, right.span, left, operation)?;
                Ok((*id, self.scalar(*num, dtype, right.span)?))
            }
            (Value::Num(num), Value::Dim(dim)) => {
                self.check_literal(*num, DType::I64, left.span, right, operation)?;
                Ok((
                    self.scalar(*num, DType::I64, left.span)?,
                    self.dim_scalar(dim, DType::I64, right.span)?,
                ))
            }
            (Value::Dim(dim), Value::Num(num)) => {
                self.check_literal(*num, DType::I64, right.span, left, operation)?;
                Ok((
                    self.dim_scalar(dim, DType::I64, left.span)?,
                    self.scalar(*num, DType::I64, right.span)?,
                ))
            }
            _ => {
                let (a, b) = (
                    self.as_tensor(&left.value, left.span),
                    self.as_tensor(&right.value, right.span),
                );
                let (a, b) = (a?, b?);
                if self.dtype(a) != self.dtype(b) {
                    return Err(self.dtypes_differ(a, b, left, right, operation));
                }
                Ok((a, b))
            }
        }
    }

    /// Reports a literal that the other operand's dtype does not have.
    fn check_literal(
        &mut self,
        num: Num,
        dtype: DType,
        span: Span,
        other: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Res<()> {
        use crate::check::consts::Number;
        if num.fit(dtype).is_some() {
            return Ok(());
        }
        if let (Num::Float(_), true) = (num, is_integer(dtype)) {
            let what = self.describe(&other.value);
            let message = format!(
                "`{num}` meets {what} in `{}`, and is not an integer",
                operation.name
            );
            let diagnostic = Diagnostic::error(Code::DL0208, message, span)
                .secondary(other.span, format!("this is {what}"));
            let diagnostic = self.suggest_cast(diagnostic, other.span, dtype, DType::F32);
            return Err(self.report(diagnostic));
        }
        self.check_fits(num, dtype, span)
    }

    fn dtypes_differ(
        &mut self,
        a: NodeId,
        b: NodeId,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Reported {
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        let applied = operation.applied(&left_ty.to_string(), &right_ty.to_string());
        let message = format!(
            "{applied}: dtypes differ, `{}` and `{}`",
            left_ty.dtype, right_ty.dtype
        );
        let diagnostic = Diagnostic::error(Code::DL0201, message, operation.span)
            .secondary(left.span, format!("this is `{left_ty}`"))
            .secondary(right.span, format!("this is `{right_ty}`"))
            .note("tensors are never converted by themselves");
        // Towards the type that holds more: an integer becomes a float, a narrow float a wide one.
        let to_left = is_float(left_ty.dtype)
            && (!is_float(right_ty.dtype) || left_ty.dtype.size() >= right_ty.dtype.size());
        let diagnostic = if to_left
            || (!is_float(right_ty.dtype) && left_ty.dtype.size() >= right_ty.dtype.size())
        {
            self.suggest_cast(diagnostic, right.span, right_ty.dtype, left_ty.dtype)
        } else {
            self.suggest_cast(diagnostic, left.span, left_ty.dtype, right_ty.dtype)
        };
        self.report(diagnostic)
    }

    /// Reports a dtype that an operation is not defined for.
    pub(crate) fn check_class(
        &mut self,
        x: NodeId,
        class: Class,
        operation: &Operation<'_>,
    ) -> Res<()> {
        let ty = self.ty(x).clone();
        if class.has(ty.dtype) {
            return Ok(());
        }
        if ty.dtype == DType::Key {
            let message = format!("`{}` is not defined for keys", operation.name);
            let diagnostic = Diagnostic::error(Code::DL0502, message, operation.span)
                .help("a key is used by `split_key` and the random functions; `split_key(k)` makes new ones");
            return Err(self.report(diagnostic));
        }
        let message = format!(
            "`{}` is defined for {}, and this is `{ty}`",
            operation.name,
            class.text()
        );
        let mut diagnostic = Diagnostic::error(Code::DL0210, message, operation.span);
        if class == Class::Float || (class == Class::Number && ty.dtype == DType::Bool) {
            let to = if ty.dtype == DType::Bool && class == Class::Number {
                DType::I32
            } else {
                DType::F32
            };
            diagnostic = diagnostic.help(format!("convert it first: `astype(…, {to})`"));
        }
        Err(self.report(diagnostic))
    }

    fn not_operands(
        &mut self,
        operation: &Operation<'_>,
        left: &Operand<'a>,
        right: &Operand<'a>,
    ) -> Reported {
        let tensor =
            |value: &Value<'a>| matches!(value, Value::Tensor(_) | Value::Num(_) | Value::Dim(_));
        let culprit = if tensor(&left.value) { right } else { left };
        let what = self.describe(&culprit.value);
        let mut diagnostic = Diagnostic::error(
            Code::DL0209,
            format!("`{}` takes tensors, and this is {what}", operation.name),
            culprit.span,
        );
        if let Value::Struct(_) | Value::Tuple(_) | Value::List(_) = culprit.value {
            diagnostic = diagnostic.help(format!(
                "work on the leaves: `tree_map(|a, b| a {} b, …)`",
                if operation.name.starts_with(|c: char| c.is_alphabetic()) {
                    "+"
                } else {
                    operation.name
                }
            ));
        }
        self.report(diagnostic)
    }

    /// A whole power, by multiplication.
    fn integer_power(
        &mut self,
        x: NodeId,
        exponent: i64,
        operation: &Operation<'_>,
    ) -> Res<NodeId> {
        self.check_class(x, Class::Number, operation)?;
        let span = operation.whole;
        if exponent < 0 && !is_float(self.dtype(x)) {
            let message = format!("an integer to the power {exponent} is not an integer");
            return self.error(Code::DL0210, message, operation.span);
        }
        let (mut rest, mut base, mut result) = (exponent.unsigned_abs(), x, None);
        while rest > 0 {
            if rest & 1 == 1 {
                result = Some(match result {
                    None => base,
                    Some(result) => self.binary_op("mul", result, base, span)?,
                });
            }
            rest >>= 1;
            if rest > 0 {
                base = self.unary("square", base, span)?;
            }
        }
        let Some(result) = result else {
            return self.full_like(Num::Int(1), x, span);
        };
        if exponent > 0 {
            return Ok(result);
        }
        let one = self.full_like(Num::Int(1), result, span)?;
        self.binary_op("div", one, result, span)
    }

    /// `op operand`.
    pub(super) fn eval_unary(
        &mut self,
        op: UnaryOp,
        op_span: Span,
        operand: &'a Expr,
        whole: Span,
    ) -> Res<Value<'a>> {
        let value = self.eval(operand)?;
        let operation = Operation {
            name: op.symbol(),
            span: op_span,
            whole,
        };
        match (op, &value) {
            (UnaryOp::Neg, Value::Num(Num::Int(value))) if -*value >= i64::MIN.into() => {
                Ok(Value::Num(Num::Int(-value)))
            }
            (UnaryOp::Neg, Value::Num(Num::Int(value))) => self.error(
                Code::DL0215,
                format!("-{value} does not fit in 64 bits"),
                whole,
            ),
            (UnaryOp::Neg, Value::Num(Num::Float(value))) => Ok(Value::Num(Num::Float(-value))),
            (UnaryOp::Not, Value::Num(Num::Bool(value))) => Ok(Value::Num(Num::Bool(!value))),
            (UnaryOp::Neg, Value::Dim(dim)) => Ok(Value::Dim(&Dim::constant(0) - dim)),
            (_, Value::Num(num)) => {
                let message = format!(
                    "`{}` is not defined for {}",
                    op.symbol(),
                    consts::kind(*num)
                );
                self.error(Code::DL0210, message, op_span)
            }
            (UnaryOp::Neg, Value::Tensor(x)) => {
                self.check_class(*x, Class::Number, &operation)?;
                self.unary("neg", *x, whole).map(Value::Tensor)
            }
            (UnaryOp::Not, Value::Tensor(x)) => {
                if self.dtype(*x) != DType::Bool && Class::Bits.has(self.dtype(*x)) {
                    let message =
                        format!("`!` is defined for `bool`, and this is `{}`", self.ty(*x));
                    let diagnostic = Diagnostic::error(Code::DL0210, message, op_span)
                        .help("for the bits of an integer there is `bitwise_not(…)`");
                    return Err(self.report(diagnostic));
                }
                self.check_class(*x, Class::Bool, &operation)?;
                self.unary("bitwise_not", *x, whole).map(Value::Tensor)
            }
            _ => {
                let operand = Operand::new(value, operand);
                Err(self.not_operands(&operation, &operand, &operand))
            }
        }
    }
}
