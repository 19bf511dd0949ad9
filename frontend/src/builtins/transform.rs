//! Built-ins: derivatives of functions, and what only tests do.

use std::rc::Rc;

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::consts::is_float;
use crate::check::value::GradFn;
use crate::check::{FnValue, Res, Value};
use crate::core::Num;
use crate::diagnostic::{Code, Diagnostic, similar};

/// Built-ins whose argument `wrt` names parameters.
pub(super) const RAW: &[&str] = &["grad", "value_and_grad", "check_grad"];

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "grad",
        params: "f, wrt=none, has_aux=false",
        run: |call| gradient(call, false),
    },
    Builtin {
        name: "value_and_grad",
        params: "f, wrt=none, has_aux=false",
        run: |call| gradient(call, true),
    },
    Builtin {
        name: "assert",
        params: "condition",
        run: assert_,
    },
    Builtin {
        name: "assert_close",
        params: "a, b, rtol=1e-5, atol=1e-8",
        run: assert_close,
    },
    Builtin {
        name: "check_grad",
        params: "f, *, wrt=none, rtol=1e-2, atol=none, dims...",
        run: check_grad,
    },
];

/// The function that gives the gradient of a function.
fn gradient<'a>(call: &mut Call<'_, 'a>, value: bool) -> Res<Value<'a>> {
    let operand = call.operand("f")?;
    if let Value::Tensor(_) = operand.value {
        let message = format!("`{}` takes a function, and this is a value", call.name);
        let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span).help(format!(
            "`{}(f)(x)` calls the gradient of `f` with `x`",
            call.name
        ));
        return Err(call.checker.report(diagnostic));
    }
    let f = call.function("f")?;
    let wrt = call.given("wrt");
    let wrt = wrt_expr(call, wrt)?;
    let has_aux = call.flag("has_aux")?;
    let span = call.span();
    let (wrt, single) = call.checker.wrt_positions(&f, wrt, span)?;
    Ok(Value::Fn(Rc::new(FnValue::Grad(GradFn {
        f,
        wrt,
        single,
        has_aux,
        value,
        span,
    }))))
}

/// The expression of `wrt`. Given by position it has been evaluated, and names nothing.
fn wrt_expr<'a>(
    call: &mut Call<'_, 'a>,
    wrt: Option<Operand<'a>>,
) -> Res<Option<&'a crate::ast::Expr>> {
    match wrt {
        None => Ok(None),
        Some(Operand {
            value: Value::Error,
            expr: Some(expr),
            ..
        }) => Ok(Some(expr)),
        Some(operand) => {
            let diagnostic = Diagnostic::error(
                Code::DL0701,
                "`wrt` is given by name",
                operand.span,
            )
            .suggest("write", operand.span.at_start(), "wrt=");
            Err(call.checker.report(diagnostic))
        }
    }
}

/// Reports what has a meaning in tests only.
fn in_test(call: &mut Call<'_, '_>) -> Res<()> {
    if call.checker.in_test {
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

/// Two trees of one structure, their tensors of one dtype and of shapes that broadcast.
fn assert_close<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    call.float("rtol", 1e-5)?;
    call.float("atol", 1e-8)?;
    let operation = call.operation();
    let (a, b) = call.checker.lists_as_tensors(a, b)?;
    if a.value.parts().is_some() || b.value.parts().is_some() {
        let (left, right) = (
            call.checker.type_of(&a.value),
            call.checker.type_of(&b.value),
        );
        if let (Some(left), Some(right)) = (left, right)
            && !call.checker.same_type(&left, &right)
        {
            return call.error(
                Code::DL0219,
                format!("`assert_close` of `{left}` and `{right}`"),
                operation.whole,
            );
        }
        return Ok(Value::unit());
    }
    let (x, y) = call.checker.same_dtypes(&a, &b, &operation)?;
    call.checker.check_broadcast(x, y, &a, &b, &operation)?;
    Ok(Value::unit())
}

/// The gradient of a function compared with finite differences; dims of the function are given by name.
fn check_grad<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    in_test(call)?;
    let f = call.function("f")?;
    call.float("rtol", 1e-2)?;
    call.float("atol", 0.0)?;
    let wrt = call.given("wrt");
    let wrt = wrt_expr(call, wrt)?;
    let span = call.span();
    call.checker.wrt_positions(&f, wrt, span)?;
    let FnValue::Item(id) = &*f else {
        let at = call.operand("f")?.span;
        return call.error(
            Code::DL0209,
            "`check_grad` takes a function of the file",
            at,
        );
    };
    let Some((dims, result)) = call.checker.dims_and_result(*id) else {
        return Err(crate::check::Reported);
    };
    for arg in std::mem::take(&mut call.named_rest) {
        let Some(name) = arg.name else { continue };
        if !dims.contains(&name.name) {
            let message = format!(
                "`check_grad` has no parameter `{0}`, and the function no dim `{0}`",
                name.name
            );
            let mut diagnostic = Diagnostic::error(Code::DL0702, message, name.span);
            if let Some(similar) = similar(&name.name, dims.iter().map(String::as_str)) {
                diagnostic = diagnostic.suggest("a similar dim exists", name.span, similar);
            }
            return Err(call.checker.report(diagnostic));
        }
        call.int_of(&name.name, &arg.operand)?;
    }
    let scalar =
        matches!(&result, crate::check::Ty::Tensor(ty) if ty.rank() == 0 && is_float(ty.dtype));
    if !scalar && !result.has_error() {
        let at = call.operand("f")?.span;
        let message =
            format!("a gradient is of a float scalar, and this function gives `{result}`");
        return call.error(Code::DL0301, message, at);
    }
    Ok(Value::unit())
}
