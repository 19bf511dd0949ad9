//! Built-ins: elementwise operations.
//!
//! An op of the `dl` dialect is a built-in by its record: the bodies it has say which dtypes it is defined for, and a
//! body that is a comparison says that its result is `bool`. What is known at compile time stays so.

use dlc_dialects::ops::{Elementwise, Expr, OpKind};

use crate::ast::{BinaryOp, DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::consts::{is_float, is_integer};
use crate::check::convert::Class;
use crate::check::{Checker, NodeId, Number, Reported, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin { name: "where", params: "cond, a, b", run: where_ },
    Builtin { name: "clip", params: "x, lo=none, hi=none", run: clip },
    Builtin { name: "astype", params: "x, dtype", run: astype },
    Builtin { name: "stop_gradient", params: "x", run: stop_gradient },
    Builtin { name: "logical_and", params: "a, b", run: |call| logical(call, "bitwise_and") },
    Builtin { name: "logical_or", params: "a, b", run: |call| logical(call, "bitwise_or") },
    Builtin { name: "logical_xor", params: "a, b", run: |call| logical(call, "bitwise_xor") },
    Builtin { name: "logical_not", params: "x", run: logical_not },
    Builtin { name: "log2", params: "x", run: |call| logarithm(call, std::f64::consts::LOG2_E) },
    Builtin { name: "log10", params: "x", run: |call| logarithm(call, std::f64::consts::LOG10_E) },
    Builtin { name: "logaddexp", params: "a, b", run: logaddexp },
    Builtin { name: "reciprocal", params: "x", run: reciprocal },
    Builtin { name: "trunc", params: "x", run: trunc },
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
const HIDDEN: &[&str] = &["select", "convert", "bitcast", "stop_gradient"];

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

fn ops() -> impl Iterator<Item = (OpKind, &'static Elementwise)> {
    let visible = OpKind::ALL.iter().copied().filter(|op| !HIDDEN.contains(&op.mnemonic()));
    visible.filter_map(|op| Some((op, op.elementwise()?)))
}

fn name_of(op: OpKind) -> &'static str {
    let mnemonic = op.mnemonic();
    RENAMED.iter().find(|row| row.0 == mnemonic).map_or(mnemonic, |row| row.1)
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
    ops().nth(position).expect("the position is one that `find` gave")
}

/// The name and the parameters of an op.
pub(super) fn signature(position: usize) -> (&'static str, String) {
    let (op, record) = op(position);
    (name_of(op), record.operands.join(", "))
}

/// The dtypes that an op has a body for.
fn class_of(record: &Elementwise) -> Class {
    let integer = record.body_signed.is_some() || record.body_unsigned.is_some();
    match (record.body_float.is_some(), integer, record.body_bool.is_some()) {
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
    bodies.into_iter().flatten().any(|body| matches!(body, Expr::Apply(name, _) if name.starts_with("arith.cmp")))
}

/// Checks a call of an op of the dialect.
pub(super) fn run<'a>(call: &mut Call<'_, 'a>, position: usize) -> Res<Value<'a>> {
    let (op, record) = op(position);
    let operands = record.operands.iter().map(|name| call.operand(name)).collect::<Res<Vec<_>>>()?;
    for operand in &operands {
        if operand.value.parts().is_some() || operand.value.has_error() {
            call.to_tensor(operand)?;
        }
    }
    let operation = call.operation();
    if let ([a, b], Some((_, operator))) =
        (operands.as_slice(), OPERATORS.iter().find(|row| row.0 == op.mnemonic()))
    {
        return call.checker.binary(*operator, a.clone(), b.clone(), operation.span, operation.whole);
    }
    if let Some(num) = fold(record, &operands) {
        return Ok(Value::Num(num));
    }
    let class = class_of(record);
    let span = call.span();
    let args = match operands.as_slice() {
        [x] => vec![call.to_tensor_of(x, class)?],
        [a, b] => {
            let (x, y) = pair(call, a, b, class)?;
            call.checker.check_broadcast(x, y, a, b, &operation)?;
            let shape = call.checker.broadcast_all(&[(x, a.clone()), (y, b.clone())], &operation)?;
            vec![call.checker.broadcast_to(x, &shape, span)?, call.checker.broadcast_to(y, &shape, span)?]
        }
        _ => {
            let mut args = Vec::new();
            for operand in &operands {
                args.push((call.to_tensor_of(operand, class)?, operand.clone()));
            }
            let shape = call.checker.broadcast_all(&args, &operation)?;
            let args: Vec<Res<NodeId>> =
                args.iter().map(|(id, _)| call.checker.broadcast_to(*id, &shape, span)).collect();
            args.into_iter().collect::<Res<_>>()?
        }
    };
    let dtype = if is_predicate(record) { DType::Bool } else { call.checker.dtype(args[0]) };
    call.checker.elementwise(op.mnemonic(), &args, dtype, span).map(Value::Tensor)
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
            call.to_tensor(operand)?;
        }
    }
    let operation = call.operation();
    let (x, y) = match (&a.value, &b.value) {
        (Value::Num(p), Value::Num(q)) => {
            let float = class == Class::Float || matches!((p, q), (Num::Float(_), Num::Int(_)) | (Num::Int(_), Num::Float(_)));
            let dtype = if float {
                DType::F32
            } else if p.default_dtype() == DType::I64 {
                DType::I64
            } else {
                q.default_dtype()
            };
            let checker = &mut *call.checker;
            (checker.to_tensor_of(&a.value, dtype, a.span)?, checker.to_tensor_of(&b.value, dtype, b.span)?)
        }
        _ => call.checker.same_dtypes(a, b, &operation)?,
    };
    let span = if matches!(a.value, Value::Tensor(_)) { a.span } else { b.span };
    call.check_class(x, class, span)?;
    Ok((x, y))
}

/// A number while folding.
#[derive(Clone, Copy)]
enum Known {
    Float(f64),
    Bool(bool),
}

/// The value of an op on numbers known at compile time, where it is defined and can be computed here.
fn fold(record: &Elementwise, operands: &[Operand<'_>]) -> Option<Num> {
    let nums: Vec<Num> = operands
        .iter()
        .map(|operand| match operand.value {
            Value::Num(num @ (Num::Int(_) | Num::Float(_))) => Some(num),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let whole = record.body_signed.is_some() && nums.iter().all(|num| matches!(num, Num::Int(value) if value.abs() < 1 << 52));
    let args: Vec<f64> = nums.iter().map(|num| num.as_float()).collect();
    match evaluate(&record.body_float?, &args)? {
        Known::Bool(value) => Some(Num::Bool(value)),
        // Integer bodies agree with the float ones where the result is a whole number that a float holds.
        Known::Float(value) if whole => (value.fract() == 0.0 && value.abs() < 2f64.powi(52)).then_some(Num::Int(value as i128)),
        Known::Float(value) => Some(Num::Float(value)),
    }
}

fn evaluate(expr: &Expr, args: &[f64]) -> Option<Known> {
    let (name, operands) = match expr {
        Expr::Operand(i) => return args.get(*i).copied().map(Known::Float),
        Expr::Lit(text) => return text.parse().ok().map(Known::Float),
        Expr::Apply(name, operands) => (*name, *operands),
        Expr::Result | Expr::Grad => return None,
    };
    let values = operands.iter().map(|operand| evaluate(operand, args)).collect::<Option<Vec<_>>>()?;
    Some(match values.as_slice() {
        [Known::Bool(cond), a, b] if name == "arith.select" => if *cond { *a } else { *b },
        [Known::Float(x)] => Known::Float(match name {
            "arith.negf" => -x,
            "math.absf" => x.abs(),
            "math.sqrt" => x.sqrt(),
            "math.rsqrt" => 1.0 / x.sqrt(),
            "math.exp" => x.exp(),
            "math.expm1" => x.exp_m1(),
            "math.log" => x.ln(),
            "math.log1p" => x.ln_1p(),
            "math.sin" => x.sin(),
            "math.cos" => x.cos(),
            "math.tan" => x.tan(),
            "math.tanh" => x.tanh(),
            "math.floor" => x.floor(),
            "math.ceil" => x.ceil(),
            "math.roundeven" => x.round_ties_even(),
            _ => return None,
        }),
        [Known::Float(a), Known::Float(b)] => match name {
            "arith.addf" => Known::Float(a + b),
            "arith.subf" => Known::Float(a - b),
            "arith.mulf" => Known::Float(a * b),
            "arith.divf" => Known::Float(a / b),
            "arith.maximumf" if !a.is_nan() && !b.is_nan() => Known::Float(a.max(*b)),
            "arith.minimumf" if !a.is_nan() && !b.is_nan() => Known::Float(a.min(*b)),
            "math.atan2" => Known::Float(a.atan2(*b)),
            "arith.cmpf.oeq" => Known::Bool(a == b),
            "arith.cmpf.olt" => Known::Bool(a < b),
            "arith.cmpf.ogt" => Known::Bool(a > b),
            "arith.cmpf.uno" => Known::Bool(a.is_nan() || b.is_nan()),
            _ => return None,
        },
        _ => return None,
    })
}

/// Conversion to a dtype: `f32(x)`, and `key(42)`.
pub(crate) fn cast<'a>(checker: &mut Checker<'a>, operand: &Operand<'a>, dtype: DType, span: Span) -> Res<Value<'a>> {
    if dtype == DType::Key {
        return key(checker, operand, span).map(Value::Tensor);
    }
    if let Value::Num(num) = operand.value {
        return cast_number(checker, num, dtype, operand.span).map(Value::Tensor);
    }
    if operand.value.parts().is_some() && !operand.value.has_error() {
        let what = checker.describe(&operand.value);
        let message = format!("`{dtype}(…)` converts a tensor, and this is {what}");
        let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span)
            .help(format!("work on the leaves: `tree_map(|x| {dtype}(x), …)`"));
        return Err(checker.report(diagnostic));
    }
    if let Value::Dim(dim) = &operand.value {
        return checker.dim_scalar(dim, dtype, span).map(Value::Tensor);
    }
    let x = checker.to_tensor(&operand.value, operand.span)?;
    if checker.dtype(x) == DType::Key {
        let diagnostic = Diagnostic::error(Code::DL0502, format!("a key cannot be converted to `{dtype}`"), span)
            .help("`randint` and `normal` make numbers of it");
        return Err(checker.report(diagnostic));
    }
    checker.convert(x, dtype, span).map(Value::Tensor)
}

fn cast_number(checker: &mut Checker<'_>, num: Num, dtype: DType, span: Span) -> Res<NodeId> {
    let converted = match num {
        Num::Bool(value) if dtype != DType::Bool => Num::Int(value.into()),
        Num::Int(_) | Num::Float(_) if dtype == DType::Bool => Num::Bool(num.as_float() != 0.0),
        Num::Float(value) if is_integer(dtype) && value.is_finite() => Num::Int(value as i128),
        num => num,
    };
    checker.check_fits(converted, dtype, span)?;
    checker.scalar(converted, dtype, span)
}

/// A key of a seed, as `jax.random.key` makes it: its upper and its lower 32 bits.
fn key<'a>(checker: &mut Checker<'a>, operand: &Operand<'a>, span: Span) -> Res<NodeId> {
    let bits = TensorType::new(DType::U32, vec![Dim::constant(2)]);
    if let Value::Num(Num::Int(seed)) = operand.value {
        // A seed that fits in 32 bits is a 32-bit one: its upper bits are 0 even where it is negative.
        let high = if i32::try_from(seed).is_ok() { 0 } else { (seed >> 32) & 0xffff_ffff };
        let bits = checker.node(Prim::Constant(vec![Num::Int(high), Num::Int(seed & 0xffff_ffff)]), &[], bits, span)?;
        return checker.node(Prim::KeyFromBits, &[bits], TensorType::scalar(DType::Key), span);
    }
    let seed = match &operand.value {
        Value::Tensor(_) | Value::Dim(_) => checker.to_tensor(&operand.value, operand.span)?,
        Value::Error => return Err(Reported),
        other => {
            let what = match other {
                Value::Num(num) => format!("`{num}`"),
                other => checker.describe(other),
            };
            return checker.error(Code::DL0209, format!("a key is made of an integer, and this is {what}"), operand.span);
        }
    };
    let ty = checker.ty(seed).clone();
    if !is_integer(ty.dtype) {
        return checker.error(Code::DL0209, format!("a key is made of an integer, and this is `{ty}`"), operand.span);
    }
    let high = if ty.dtype.size() == 8 {
        let wide = checker.convert(seed, DType::U64, span)?;
        let high = checker.with_number("shift_right", wide, Num::Int(32), span)?;
        checker.convert(high, DType::U32, span)?
    } else {
        let zero = TensorType::new(DType::U32, ty.shape.clone());
        checker.full(Num::Int(0), zero.dtype, &zero.shape, span)?
    };
    let low = checker.convert(seed, DType::U32, span)?;
    keys_of_bits(checker, high, low, span)
}

/// Keys of their upper and lower halves.
pub(super) fn keys_of_bits(checker: &mut Checker<'_>, high: NodeId, low: NodeId, span: Span) -> Res<NodeId> {
    let shape = checker.shape(high);
    let rank = shape.len();
    let high = checker.expand(high, &[rank], span)?;
    let low = checker.expand(low, &[rank], span)?;
    let bits = checker.concatenate(&[high, low], rank, span)?;
    checker.node(Prim::KeyFromBits, &[bits], TensorType::new(DType::Key, shape), span)
}

fn astype<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let dtype = match call.operand("dtype")?.value {
        Value::DType(DType::Key) => DType::Key,
        _ => call.dtype("dtype", DType::F32)?,
    };
    if dtype == DType::Key {
        let diagnostic = Diagnostic::error(Code::DL0502, "nothing is converted to a key", call.span())
            .help("`key(seed)` makes one of an integer");
        return Err(call.checker.report(diagnostic));
    }
    let span = call.span();
    cast(call.checker, &operand, dtype, span)
}

fn stop_gradient<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let span = call.span();
    call.checker.map_leaves(&operand.value, &mut |checker, leaf| match leaf {
        Value::Tensor(x) if is_float(checker.dtype(*x)) => checker.unary("stop_gradient", *x, span).map(Value::Tensor),
        Value::Tensor(_) | Value::Num(_) | Value::Dim(_) => Ok(leaf.clone()),
        other => checker.to_tensor(other, operand.span).map(Value::Tensor),
    })
}

fn where_<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (cond, a, b) = (call.operand("cond")?, call.operand("a")?, call.operand("b")?);
    let condition = call.to_tensor(&cond)?;
    let ty = call.checker.ty(condition).clone();
    if ty.dtype != DType::Bool {
        let message = format!("the condition of `where` is `bool`, and this is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0211, message, cond.span);
        if ty.dtype != DType::Key {
            let text = call.checker.source.slice(cond.span).to_string();
            diagnostic = diagnostic.suggest("compare it", cond.span, format!("{text} != 0"));
        }
        return Err(call.checker.report(diagnostic));
    }
    let operation = call.operation();
    let (x, y) = if let (Value::Tensor(x), Value::Tensor(y)) = (&a.value, &b.value)
        && call.checker.dtype(*x) == DType::Key
        && call.checker.dtype(*y) == DType::Key
    {
        return call.error(Code::DL0502, "`where` is not defined for keys", operation.span);
    } else {
        pair(call, &a, &b, Class::NoKey)?
    };
    call.checker.broadcast_all(&[(condition, cond), (x, a), (y, b)], &operation)?;
    call.checker.select(condition, x, y, operation.whole).map(Value::Tensor)
}

fn clip<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let operation = call.operation();
    let mut x = call.to_tensor_of(&operand, Class::Number)?;
    let mut bounded = false;
    for (name, op) in [("lo", "maximum"), ("hi", "minimum")] {
        let Some(bound) = call.some(name) else { continue };
        let so_far = Operand { value: Value::Tensor(x), ..operand.clone() };
        let (a, b) = pair(call, &so_far, &bound, Class::Number)?;
        call.checker.check_broadcast(a, b, &so_far, &bound, &operation)?;
        x = call.checker.binary_op(op, a, b, operation.whole)?;
        bounded = true;
    }
    if !bounded {
        let diagnostic = Diagnostic::error(Code::DL0701, "`clip` has no bound", operation.span)
            .help("`clip(x, lo, hi)`, where one of both may be `none`");
        return Err(call.checker.report(diagnostic));
    }
    Ok(Value::Tensor(x))
}

/// Reports operands of logical operations that are no truth values.
fn truth<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>) -> Res<NodeId> {
    let x = call.to_tensor(operand)?;
    let ty = call.checker.ty(x).clone();
    if ty.dtype == DType::Bool {
        return Ok(x);
    }
    let operation = call.operation();
    if ty.dtype == DType::Key {
        call.checker.check_class(x, Class::Bool, &operation)?;
    }
    let text = call.checker.source.slice(operand.span).to_string();
    let message = format!("`{}` is defined for `bool`, and this is `{ty}`", call.name);
    let diagnostic = Diagnostic::error(Code::DL0210, message, operand.span)
        .suggest("compare it", operand.span, format!("{text} != 0"));
    Err(call.checker.report(diagnostic))
}

fn logical<'a>(call: &mut Call<'_, 'a>, op: &'static str) -> Res<Value<'a>> {
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (x, y) = (truth(call, &a)?, truth(call, &b)?);
    let operation = call.operation();
    call.checker.check_broadcast(x, y, &a, &b, &operation)?;
    call.checker.binary_op(op, x, y, operation.whole).map(Value::Tensor)
}

fn logical_not<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    if let Value::Num(Num::Bool(value)) = operand.value {
        return Ok(Value::Num(Num::Bool(!value)));
    }
    let x = truth(call, &operand)?;
    let span = call.span();
    call.checker.unary("bitwise_not", x, span).map(Value::Tensor)
}

fn logarithm<'a>(call: &mut Call<'_, 'a>, factor: f64) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let span = call.span();
    let log = call.checker.unary("log", x, span)?;
    call.checker.with_number("mul", log, Num::Float(factor), span).map(Value::Tensor)
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
    checker.binary_op("add", larger, rest, span).map(Value::Tensor)
}

fn reciprocal<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let span = call.span();
    let one = call.checker.full_like(Num::Float(1.0), x, span)?;
    call.checker.binary_op("div", one, x, span).map(Value::Tensor)
}

fn trunc<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = call.tensor_of("x", Class::Float)?;
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.full_like(Num::Float(0.0), x, span)?;
    let negative = checker.compare("less", x, zero, span)?;
    let (up, down) = (checker.unary("ceil", x, span)?, checker.unary("floor", x, span)?);
    checker.select(negative, up, down, span).map(Value::Tensor)
}
