//! Built-ins: derivatives of functions.

use std::rc::Rc;

use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::value::{GradFn, JacobianFn, VmapFn};
use crate::check::{Checker, FnValue, Res, Value};
use crate::diagnostic::{Code, Diagnostic};

/// Built-ins whose argument `wrt` names parameters.
pub(super) const RAW: &[&str] = &[
    "grad",
    "value_and_grad",
    "jacobian",
    "hessian",
    "check_grad",
];

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
        name: "jvp",
        params: "f, primals, tangents",
        run: |call| {
            let f = function_of(call)?;
            let (primals, tangents) = (call.operand("primals")?, call.operand("tangents")?);
            let (value, tangent) = call.checker.jvp(&f, &primals, &tangents, call.site)?;
            Ok(Value::tuple(vec![value, tangent]))
        },
    },
    Builtin {
        name: "vjp",
        params: "f, args...",
        run: |call| {
            let f = function_of(call)?;
            let args = std::mem::take(&mut call.rest);
            call.checker.vjp(&f, args, call.site)
        },
    },
    Builtin {
        name: "jacobian",
        params: "f, wrt=none",
        run: |call| jacobian(call, false),
    },
    Builtin {
        name: "hessian",
        params: "f, wrt=none",
        run: |call| jacobian(call, true),
    },
    Builtin {
        name: "vmap",
        params: "f, in_axes=0, out_axes=0",
        run: |call| {
            let f = function_of(call)?;
            let (given, made) = (call.given("in_axes"), call.given("out_axes"));
            let (in_axes, out_axes) = (call.checker.axes(given)?, call.checker.axes(made)?);
            let span = call.span();
            Ok(Value::Fn(Rc::new(FnValue::Vmap(VmapFn {
                f,
                in_axes,
                out_axes,
                span,
            }))))
        },
    },
    Builtin {
        name: "hvp",
        params: "f, args, directions",
        run: |call| {
            let f = function_of(call)?;
            let (args, directions) = (call.operand("args")?, call.operand("directions")?);
            call.checker.hvp(&f, &args, &directions, call.site)
        },
    },
];

/// The function that is differentiated.
fn function_of<'a>(call: &mut Call<'_, 'a>) -> Res<Rc<FnValue<'a>>> {
    let operand = call.operand("f")?;
    if let Value::Tensor(_) = operand.value {
        let message = format!("`{}` takes a function, and this is a value", call.name);
        let written = match call.name {
            "jvp" | "hvp" => format!("{}(f, (x,), (v,))", call.name),
            "vjp" => "vjp(f, x)".to_string(),
            name => format!("{name}(f)(x)"),
        };
        let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span)
            .help(format!("`{written}` differentiates `f` at `x`"));
        return Err(call.checker.report(diagnostic));
    }
    call.function("f")
}

/// The function that gives the gradient of a function.
fn gradient<'a>(call: &mut Call<'_, 'a>, value: bool) -> Res<Value<'a>> {
    let f = function_of(call)?;
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

/// The function that gives the Jacobian of a function, or the Hessian.
fn jacobian<'a>(call: &mut Call<'_, 'a>, is_hessian: bool) -> Res<Value<'a>> {
    let f = function_of(call)?;
    let wrt = call.given("wrt");
    let wrt = wrt_expr(call, wrt)?;
    let span = call.span();
    let (wrt, single) = call.checker.wrt_positions(&f, wrt, span)?;
    let made = match is_hessian {
        true => Checker::hessian(f, wrt, single, span),
        false => JacobianFn {
            f,
            wrt,
            single,
            is_hessian,
            span,
        },
    };
    Ok(Value::Fn(Rc::new(FnValue::Jacobian(made))))
}

/// The expression of `wrt`. Given by position it has been evaluated, and names nothing.
pub(super) fn wrt_expr<'a>(
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
