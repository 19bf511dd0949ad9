//! Built-ins that stand in tests only: `assert`, `assert_close` and [`check_grad`].

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::check_grad::check_grad;
use crate::check::binary::Operand;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{AssertionKind, Num, Prim};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "assert",
        params: "condition",
        run: assert_,
    },
    Builtin {
        name: "assert_close",
        params: "a, b, rtol=none, atol=none",
        run: assert_close,
    },
    Builtin {
        name: "check_grad",
        params: "f, *, wrt=none, rtol=none, atol=0, seed=0, dims...",
        run: check_grad,
    },
];

/// Reports what has a meaning in tests only.
pub(super) fn in_test(call: &mut Call<'_, '_>) -> Res<()> {
    if call.checker.in_test() {
        return Ok(());
    }
    let message = format!("`{}` stands in a `test` only", call.name);
    let at = call.site.callee;
    let diagnostic = Diagnostic::error(Code::DL0701, message, at)
        .help("`test \"…\" { … }` is run by `dlc test`");
    Err(call.checker.report(diagnostic))
}

fn assert_<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let operand = call.operand("condition")?;
    match &operand.value {
        Value::Num(Num::Bool(true)) => return Ok(Value::unit()),
        Value::Num(Num::Bool(false)) => {
            return call.error(
                Code::DL0701,
                "this is false whenever the test runs",
                operand.span,
            );
        }
        _ => {}
    }
    let condition = call.as_tensor(&operand)?;
    let ty = call.checker.ty(condition).clone();
    if ty.dtype == DType::Bool && ty.rank() == 0 {
        let (kind, nodes) = match comparison(call.checker, condition) {
            Some(nodes) => (AssertionKind::Compares, nodes),
            None => (AssertionKind::Holds, vec![condition]),
        };
        let span = call.span();
        call.checker.assert_that(kind, nodes, span)?;
        return Ok(Value::unit());
    }
    let message = format!("a condition is a scalar `bool`, and this is `{ty}`");
    let mut diagnostic = Diagnostic::error(Code::DL0211, message, operand.span);
    if ty.dtype == DType::Bool {
        let text = call.checker.sources.slice(operand.span).to_string();
        diagnostic = diagnostic.suggest(
            "where all have to hold",
            operand.span,
            format!("all({text})"),
        );
    }
    Err(call.checker.report(diagnostic))
}

/// A condition that a comparison holds, or holds everywhere: where it does, and its sides.
fn comparison(checker: &Checker<'_>, condition: NodeId) -> Option<Vec<NodeId>> {
    const COMPARISONS: [&str; 6] = [
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
    ];
    let holds = match checker.prim(condition) {
        Prim::Reduce { kind: "all", .. } => *checker.args(condition).first()?,
        _ => condition,
    };
    match checker.prim(holds) {
        Prim::Elementwise(name) if COMPARISONS.contains(name) => {
            Some([vec![holds], checker.args(holds)].concat())
        }
        _ => None,
    }
}

/// A tolerance known when compiling, unless it is left out.
pub(super) fn tolerance(call: &mut Call<'_, '_>, name: &str) -> Res<Option<f64>> {
    let Some(operand) = call.some(name) else {
        return Ok(None);
    };
    let value = call.float(name, 0.0)?;
    if value >= 0.0 {
        return Ok(Some(value));
    }
    let message = format!("`{name}` of `{}` cannot be {value}", call.name);
    call.error(Code::DL0213, message, operand.span)
}

/// Two trees of one structure, or two tensors of one shape; one of two tensors may be a scalar. Lists of numbers
/// stand for the tensor that they are compared with.
fn assert_close<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (rtol, atol) = (tolerance(call, "rtol")?, tolerance(call, "atol")?);
    let (a, b) = call.checker.lists_as_tensors(a, b)?;
    let (leaves, nodes) = if a.value.parts().is_some() || b.value.parts().is_some() {
        tree_leaves(call, &a, &b)?
    } else {
        let operation = call.operation();
        let (x, y) = call.checker.same_dtypes(&a, &b, &operation)?;
        if call.checker.ty(x).rank() > 0 && call.checker.ty(y).rank() > 0 {
            same_shapes(call, x, y)?;
        }
        (vec![String::new()], vec![x, y])
    };
    for node in &nodes {
        if call.checker.ty(*node).dtype == DType::Key {
            return call.error(
                Code::DL0502,
                "keys are not compared; compare numbers made of them",
                call.site.span,
            );
        }
    }
    let kind = AssertionKind::Close { leaves, rtol, atol };
    let span = call.span();
    call.checker.assert_that(kind, nodes, span)?;
    Ok(Value::unit())
}

/// The leaves of two trees of one structure: their paths, and both sides of each.
fn tree_leaves<'a>(
    call: &mut Call<'_, 'a>,
    a: &Operand<'a>,
    b: &Operand<'a>,
) -> Res<(Vec<String>, Vec<NodeId>)> {
    let (left, ty) = call.checker.as_variable(a.value.clone(), a.span)?;
    let (right, other) = call.checker.as_variable(b.value.clone(), b.span)?;
    if !call.checker.same_type(&ty, &other) {
        let message = format!("`assert_close` of `{ty}` and `{other}`");
        return call.error(Code::DL0219, message, call.site.span);
    }
    let span = call.span();
    let leaves = call.checker.leaves(&ty, "", span)?;
    let paths = leaves.into_iter().map(|leaf| leaf.path);
    let pairs = left.nodes().into_iter().zip(right.nodes());
    Ok((paths.collect(), pairs.flat_map(|(a, b)| [a, b]).collect()))
}

fn same_shapes(call: &mut Call<'_, '_>, x: NodeId, y: NodeId) -> Res<()> {
    let (left, right) = (call.checker.ty(x).clone(), call.checker.ty(y).clone());
    if call.checker.same_shape(&left.shape, &right.shape) {
        return Ok(());
    }
    let message = format!("`assert_close` of `{left}` and `{right}`: the shapes differ");
    let diagnostic = Diagnostic::error(Code::DL0202, message, call.site.span)
        .help("it does not broadcast, but for a scalar");
    let diagnostic = call.checker.origins(diagnostic, &[x, y]);
    Err(call.checker.report(diagnostic))
}
