//! Built-ins: elementwise operations.
//!
//! An op of the `dl` dialect is a built-in by its record: the bodies it has say which dtypes it is defined for, and a
//! body that is a comparison says that its result is `bool`. What is known at compile time stays so.

use dlc_dialects::ops::{Elementwise, Expr, OpKind};

use crate::ast::{BinaryOp, DType};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::convert::cast;
use crate::builtins::fold::fold;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::consts::{is_float, is_integer};
use crate::check::{Checker, NodeId, Number, Res, Value};
use crate::core::Num;
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "where",
        params: "cond, a, b",
        run: where_,
    },
    Builtin {
        name: "clip",
        params: "x, lo=none, hi=none",
        run: clip,
    },
    Builtin {
        name: "astype",
        params: "x, dtype",
        run: astype,
    },
    Builtin {
        name: "stop_gradient",
        params: "x",
        run: stop_gradient,
    },
    Builtin {
        name: "logical_and",
        params: "a, b",
        run: |call| logical(call, "bitwise_and"),
    },
    Builtin {
        name: "logical_or",
        params: "a, b",
        run: |call| logical(call, "bitwise_or"),
    },
    Builtin {
        name: "logical_xor",
        params: "a, b",
        run: |call| logical(call, "bitwise_xor"),
    },
    Builtin {
        name: "logical_not",
        params: "x",
        run: logical_not,
    },
    Builtin {
        name: "log2",
        params: "x",
        run: |call| logarithm(call, std::f64::consts::LOG2_E),
    },
    Builtin {
        name: "log10",
        params: "x",
        run: |call| logarithm(call, std::f64::consts::LOG10_E),
    },
    Builtin {
        name: "logaddexp",
        params: "a, b",
        run: logaddexp,
    },
    Builtin {
        name: "reciprocal",
        params: "x",
        run: reciprocal,
    },
    Builtin {
        name: "trunc",
        params: "x",
        run: trunc,
    },
];

/// Ops whose built-in has another name.
const RENAMED: &[(&str, &str)] = &[
    ("sub", "subtract"),
    ("mul", "multiply"),
    ("div", "divide"),
    ("rem", "remainder"),
    ("neg", "negative"),
    ("shift_left", "bitwise_left_shift"),
    ("shift_right", "bitwise_right_shift"),
];

/// Ops that are no built-ins under a name of their own.
const HIDDEN: &[&str] = &["select", "convert", "bitcast", "fma", "stop_gradient"];

/// Ops that have an operator, which does the same.
const OPERATORS: &[(&str, BinaryOp)] = &[
    ("add", BinaryOp::Add),
    ("sub", BinaryOp::Sub),
    ("mul", BinaryOp::Mul),
    ("div", BinaryOp::Div),
    ("rem", BinaryOp::Rem),
    ("pow", BinaryOp::Pow),
    ("equal", BinaryOp::Eq),
    ("not_equal", BinaryOp::Ne),
    ("less", BinaryOp::Lt),
    ("less_equal", BinaryOp::Le),
    ("greater", BinaryOp::Gt),
    ("greater_equal", BinaryOp::Ge),
];

/// Ops that are what another one is where their operands are truth values.
const OF_TRUTHS: &[(&str, &str)] = &[("maximum", "bitwise_or"), ("minimum", "bitwise_and")];

/// Ops that are defined for floats, and leave integers as they are.
const ROUNDING: &[&str] = &["floor", "ceil", "round"];

fn ops() -> impl Iterator<Item = (OpKind, &'static Elementwise)> {
    let visible = OpKind::ALL
        .iter()
        .copied()
        .filter(|op| !HIDDEN.contains(&op.mnemonic()));
    visible.filter_map(|op| Some((op, op.elementwise()?)))
}

fn name_of(op: OpKind) -> &'static str {
    let mnemonic = op.mnemonic();
    RENAMED
        .iter()
        .find(|row| row.0 == mnemonic)
        .map_or(mnemonic, |row| row.1)
}

/// The position of the op that a name stands for.
pub(super) fn find(name: &str) -> Option<usize> {
    ops().position(|(op, _)| name_of(op) == name)
}

/// The names of all ops.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ops().map(|(op, _)| name_of(op))
}

fn op(position: usize) -> (OpKind, &'static Elementwise) {
    ops()
        .nth(position)
        .expect("the position is one that `find` gave")
}

/// The name and the parameters of an op.
pub(super) fn signature(position: usize) -> (&'static str, String) {
    let (op, record) = op(position);
    (name_of(op), record.operands.join(", "))
}

/// The dtypes that an op has a body for.
fn class_of(record: &Elementwise) -> Class {
    let integer = record.body_signed.is_some() || record.body_unsigned.is_some();
    match (
        record.body_float.is_some(),
        integer,
        record.body_bool.is_some(),
    ) {
        (true, false, _) => Class::Float,
        (true, true, false) => Class::Number,
        (true, true, true) => Class::NoKey,
        (false, true, false) => Class::Integer,
        (false, true, true) => Class::Bits,
        (false, false, _) => Class::Bool,
    }
}

/// Whether an op's result is `bool` whatever its operands are.
fn is_predicate(record: &Elementwise) -> bool {
    let bodies = [record.body_float, record.body_signed, record.body_unsigned];
    bodies
        .into_iter()
        .flatten()
        .any(|body| matches!(body, Expr::Apply(name, _) if name.starts_with("arith.cmp")))
}

/// Checks a call of an op of the dialect.
pub(super) fn run<'a>(call: &mut Call<'_, 'a>, position: usize) -> Res<Value<'a>> {
    let (op, record) = op(position);
    let operands = record
        .operands
        .iter()
        .map(|name| call.operand(name))
        .collect::<Res<Vec<_>>>()?;
    for operand in &operands {
        if operand.value.parts().is_some() || operand.value.has_error() {
            call.as_tensor(operand)?;
        }
    }
    let operation = call.operation();
    if let ([a, b], Some((_, operator))) = (
        operands.as_slice(),
        OPERATORS.iter().find(|row| row.0 == op.mnemonic()),
    ) {
        return call.checker.binary(
            *operator,
            a.clone(),
            b.clone(),
            operation.span,
            operation.whole,
        );
    }
    if let Some(num) = fold(record, &operands) {
        return Ok(Value::Num(num));
    }
    if let Some((_, of_truths)) = OF_TRUTHS.iter().find(|row| row.0 == op.mnemonic())
        && operands
            .iter()
            .all(|operand| is_truth(call.checker, operand))
    {
        return logical(call, of_truths);
    }
    if ROUNDING.contains(&op.mnemonic())
        && let Some(whole) = whole(call)?
    {
        return Ok(Value::Tensor(whole));
    }
    let class = class_of(record);
    let span = call.span();
    let args = match operands.as_slice() {
        [x] => vec![call.as_tensor_of(x, class)?],
        [a, b] => {
            let (x, y) = pair(call, a, b, class)?;
            call.checker.check_broadcast(x, y, a, b, &operation)?;
            let shape = call
                .checker
                .broadcast_all(&[(x, a.clone()), (y, b.clone())], &operation)?;
            vec![
                call.checker.broadcast_to(x, &shape, span)?,
                call.checker.broadcast_to(y, &shape, span)?,
            ]
        }
        _ => {
            let mut args = Vec::new();
            for operand in &operands {
                args.push((call.as_tensor_of(operand, class)?, operand.clone()));
            }
            let shape = call.checker.broadcast_all(&args, &operation)?;
            let args: Vec<Res<NodeId>> = args
                .iter()
                .map(|(id, _)| call.checker.broadcast_to(*id, &shape, span))
                .collect();
            args.into_iter().collect::<Res<_>>()?
        }
    };
    let dtype = if is_predicate(record) {
        DType::Bool
    } else {
        call.checker.dtype(args[0])
    };
    call.checker
        .elementwise(op.mnemonic(), &args, dtype, span)
        .map(Value::Tensor)
}

/// Two operands of one dtype in a class; a literal takes the dtype of the other, and floats where two literals differ.
pub(super) fn pair<'a>(
    call: &mut Call<'_, 'a>,
    a: &Operand<'a>,
    b: &Operand<'a>,
    class: Class,
) -> Res<(NodeId, NodeId)> {
    for operand in [a, b] {
        if operand.value.parts().is_some() || operand.value.has_error() {
            call.as_tensor(operand)?;
        }
    }
    let operation = call.operation();
    let (x, y) = match (&a.value, &b.value) {
        (Value::Num(p), Value::Num(q)) => {
            let float = class == Class::Float
                || matches!(
                    (p, q),
                    (Num::Float(_), Num::Int(_)) | (Num::Int(_), Num::Float(_))
                );
            let dtype = if float {
                DType::F32
            } else if p.default_dtype() == DType::I64 {
                DType::I64
            } else {
                q.default_dtype()
            };
            let checker = &mut *call.checker;
            (
                checker.as_tensor_of(&a.value, dtype, a.span)?,
                checker.as_tensor_of(&b.value, dtype, b.span)?,
            )
        }
        _ => call.checker.same_dtypes(a, b, &operation)?,
    };
    let span = if matches!(a.value, Value::Tensor(_)) {
        a.span
    } else {
        b.span
    };
    call.check_class(x, class, span)?;
    Ok((x, y))
}

fn astype<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let dtype = match call.operand("dtype")?.value {
        Value::DType(DType::Key) => DType::Key,
        _ => call.dtype("dtype", DType::F32)?,
    };
    if dtype == DType::Key {
        let diagnostic =
            Diagnostic::error(Code::DL0502, "nothing is converted to a key", call.span())
                .help("`key(seed)` makes one of an integer");
        return Err(call.checker.report(diagnostic));
    }
    let span = call.span();
    cast(call.checker, &operand, dtype, span)
}

fn stop_gradient<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let span = call.span();
    call.checker
        .map_leaves(&operand.value, &mut |checker, leaf| match leaf {
            Value::Tensor(x) if is_float(checker.dtype(*x)) => {
                checker.unary("stop_gradient", *x, span).map(Value::Tensor)
            }
            Value::Tensor(_) | Value::Num(_) | Value::Dim(_) => Ok(leaf.clone()),
            other => checker.as_tensor(other, operand.span).map(Value::Tensor),
        })
}

fn where_<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (cond, a, b) = (
        call.operand("cond")?,
        call.operand("a")?,
        call.operand("b")?,
    );
    let condition = call.as_tensor(&cond)?;
    let ty = call.checker.ty(condition).clone();
    if ty.dtype != DType::Bool {
        let message = format!("the condition of `where` is `bool`, and this is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0211, message, cond.span);
        if ty.dtype != DType::Key {
            let text = call.checker.sources.slice(cond.span).to_string();
            diagnostic = diagnostic.suggest("compare it", cond.span, format!("{text} != 0"));
        }
        return Err(call.checker.report(diagnostic));
    }
    let operation = call.operation();
    let (x, y) = if let (Value::Tensor(x), Value::Tensor(y)) = (&a.value, &b.value)
        && call.checker.dtype(*x) == DType::Key
        && call.checker.dtype(*y) == DType::Key
    {
        return call.error(
            Code::DL0502,
            "`where` is not defined for keys",
            operation.span,
        );
    } else {
        pair(call, &a, &b, Class::NoKey)?
    };
    call.checker
        .broadcast_all(&[(condition, cond), (x, a), (y, b)], &operation)?;
    call.checker
        .select(condition, x, y, operation.whole)
        .map(Value::Tensor)
}

fn clip<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let operation = call.operation();
    let mut x = call.as_tensor_of(&operand, Class::Number)?;
    for (name, op) in [("lo", "maximum"), ("hi", "minimum")] {
        let Some(bound) = call.some(name) else {
            continue;
        };
        let so_far = Operand {
            value: Value::Tensor(x),
            ..operand.clone()
        };
        let (a, b) = pair(call, &so_far, &bound, Class::Number)?;
        call.checker
            .check_broadcast(a, b, &so_far, &bound, &operation)?;
        x = call.checker.binary_op(op, a, b, operation.whole)?;
    }
    Ok(Value::Tensor(x))
}

fn is_truth(checker: &Checker<'_>, operand: &Operand<'_>) -> bool {
    match operand.value {
        Value::Tensor(x) => checker.dtype(x) == DType::Bool,
        Value::Num(num) => matches!(num, Num::Bool(_)),
        _ => false,
    }
}

/// The operand of a rounding operation, if it is a tensor of integers: it stays as it is.
fn whole(call: &mut Call<'_, '_>) -> Res<Option<NodeId>> {
    let operand = call.operand("x")?;
    Ok(match operand.value {
        Value::Tensor(x) if is_integer(call.checker.dtype(x)) => Some(x),
        _ => None,
    })
}

/// Reports operands of logical operations that are no truth values.
fn truth<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>) -> Res<NodeId> {
    let x = call.as_tensor(operand)?;
    let ty = call.checker.ty(x).clone();
    if ty.dtype == DType::Bool {
        return Ok(x);
    }
    let operation = call.operation();
    if ty.dtype == DType::Key {
        call.checker.check_class(x, Class::Bool, &operation)?;
    }
    let text = call.checker.sources.slice(operand.span).to_string();
    let message = format!("`{}` is defined for `bool`, and this is `{ty}`", call.name);
    let diagnostic = Diagnostic::error(Code::DL0210, message, operand.span).suggest(
        "compare it",
        operand.span,
        format!("{text} != 0"),
    );
    Err(call.checker.report(diagnostic))
}

fn logical<'a>(call: &mut Call<'_, 'a>, op: &'static str) -> Res<Value<'a>> {
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (x, y) = (truth(call, &a)?, truth(call, &b)?);
    let operation = call.operation();
    call.checker.check_broadcast(x, y, &a, &b, &operation)?;
    call.checker
        .binary_op(op, x, y, operation.whole)
        .map(Value::Tensor)
}

fn logical_not<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    if let Value::Num(Num::Bool(value)) = operand.value {
        return Ok(Value::Num(Num::Bool(!value)));
    }
    let x = truth(call, &operand)?;
    let span = call.span();
    call.checker
        .unary("bitwise_not", x, span)
        .map(Value::Tensor)
}

fn logarithm<'a>(call: &mut Call<'_, 'a>, factor: f64) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let span = call.span();
    let log = call.checker.unary("log", x, span)?;
    call.checker
        .with_number("mul", log, Num::Float(factor), span)
        .map(Value::Tensor)
}

/// `log(exp(a) + exp(b))` as the larger plus `log1p(exp(-|a - b|))`, with equal infinities kept apart.
fn logaddexp<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (x, y) = pair(call, &a, &b, Class::Float)?;
    let operation = call.operation();
    call.checker.check_broadcast(x, y, &a, &b, &operation)?;
    let (checker, span) = (&mut *call.checker, operation.whole);
    let larger = checker.binary_op("maximum", x, y, span)?;
    let same = checker.compare("equal", x, y, span)?;
    let difference = checker.binary_op("sub", x, y, span)?;
    let zero = checker.full_like(Num::Float(0.0), difference, span)?;
    let difference = checker.select(same, zero, difference, span)?;
    let distance = checker.unary("abs", difference, span)?;
    let negative = checker.unary("neg", distance, span)?;
    let power = checker.unary("exp", negative, span)?;
    let rest = checker.unary("log1p", power, span)?;
    checker
        .binary_op("add", larger, rest, span)
        .map(Value::Tensor)
}

fn reciprocal<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let span = call.span();
    let one = call.checker.full_like(Num::Float(1.0), x, span)?;
    call.checker
        .binary_op("div", one, x, span)
        .map(Value::Tensor)
}

fn trunc<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    if let Some(whole) = whole(call)? {
        return Ok(Value::Tensor(whole));
    }
    let x = call.tensor_of("x", Class::Float)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.full_like(Num::Float(0.0), x, span)?;
    let negative = checker.compare("less", x, zero, span)?;
    let (up, down) = (
        checker.unary("ceil", x, span)?,
        checker.unary("floor", x, span)?,
    );
    checker.select(negative, up, down, span).map(Value::Tensor)
}
