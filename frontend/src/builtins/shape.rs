//! Built-ins that move data: the same elements in another arrangement.

use crate::ast::Span;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::class::Class;
use crate::check::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "reshape",
        params: "x, shape",
        run: reshape,
    },
    Builtin {
        name: "permute_dims",
        params: "x, axes",
        run: permute_dims,
    },
    Builtin {
        name: "matrix_transpose",
        params: "x",
        run: matrix_transpose,
    },
    Builtin {
        name: "swapaxes",
        params: "x, axis1, axis2",
        run: swapaxes,
    },
    Builtin {
        name: "moveaxis",
        params: "x, source, destination",
        run: moveaxis,
    },
    Builtin {
        name: "expand_dims",
        params: "x, axis",
        run: expand_dims,
    },
    Builtin {
        name: "squeeze",
        params: "x, axis=none",
        run: squeeze,
    },
    Builtin {
        name: "broadcast_to",
        params: "x, shape",
        run: broadcast_to,
    },
    Builtin {
        name: "flip",
        params: "x, axis=none",
        run: flip,
    },
];

/// Reports a key: what is random is not moved about.
pub(super) fn tensor_without_keys<'a>(call: &mut Call<'_, 'a>) -> Res<NodeId> {
    call.tensor_of("x", Class::NoKey)
}

pub(super) fn all_elements(shape: &[Dim]) -> Dim {
    shape
        .iter()
        .fold(Dim::constant(1), |product, dim| &product * dim)
}

/// The same elements in another shape; one size may be -1.
fn reshape<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    let operand = call.operand("shape")?;
    let items = call
        .items(&operand)
        .unwrap_or_else(|| vec![operand.clone()]);
    let mut sizes: Vec<Option<Dim>> = Vec::new();
    for item in &items {
        if matches!(item.value, Value::Num(Num::Int(-1))) {
            if sizes.contains(&None) {
                return call.error(
                    Code::DL0207,
                    "only one size of `reshape` can be -1",
                    item.span,
                );
            }
            sizes.push(None);
        } else if matches!(
            item.value,
            Value::Num(_) | Value::Dim(_) | Value::Tensor(_) | Value::Error
        ) {
            sizes.push(Some(call.size_of(item)?));
        } else {
            return call.wrong("shape", "a list of sizes, `[T, 4]`", item);
        }
    }
    let total = all_elements(&ty.shape);
    let known: Vec<Dim> = sizes.iter().flatten().cloned().collect();
    let product = all_elements(&known);
    let shape: Vec<Dim> = if sizes.contains(&None) {
        let rest = infer_size(call, &ty, &known, &product, operand.span)?;
        sizes
            .into_iter()
            .map(|size| size.unwrap_or_else(|| rest.clone()))
            .collect()
    } else {
        if !call.checker.same_dim(&total, &product) {
            return Err(wrong_count(
                call,
                &ty,
                &known,
                &total,
                &product,
                operand.span,
            ));
        }
        known
    };
    let span = call.span();
    call.checker.reshape(x, &shape, span).map(Value::Tensor)
}

/// The size that -1 stands for.
fn infer_size(
    call: &mut Call<'_, '_>,
    ty: &TensorType,
    known: &[Dim],
    product: &Dim,
    span: Span,
) -> Res<Dim> {
    let total = all_elements(&ty.shape);
    if let Some(divisor) = product.as_const() {
        if divisor == 0 {
            return call.error(
                Code::DL0207,
                "the size that -1 stands for is not known, since another one is 0",
                span,
            );
        }
        let quotient = total
            .try_map(|poly| poly.floor_div(divisor))
            .ok_or(Reported)?;
        if call.checker.same_dim(&(&quotient * product), &total) {
            return Ok(quotient);
        }
        let message = format!(
            "`{ty}` has {total} elements, which {divisor} does not divide for every value that is allowed"
        );
        let mut diagnostic = Diagnostic::error(Code::DL0207, message, span);
        if total.as_const().is_none() {
            diagnostic = diagnostic.help(format!("say so: `where {total} % {divisor} == 0`"));
        }
        return Err(call.checker.report(diagnostic));
    }
    // Sizes that stand on both sides cancel.
    let mut rest: Vec<Dim> = ty.shape.clone();
    let mut open = Vec::new();
    for size in known {
        match rest.iter().position(|dim| call.checker.same_dim(dim, size)) {
            Some(position) => {
                rest.remove(position);
            }
            None => open.push(size.clone()),
        }
    }
    let (rest, open) = (all_elements(&rest), all_elements(&open));
    if let Some(divisor) = open.as_const().filter(|divisor| *divisor > 0)
        && let Some(quotient) = rest.try_map(|poly| poly.floor_div(divisor))
        && call.checker.same_dim(&(&quotient * product), &total)
    {
        return Ok(quotient);
    }
    let message =
        format!("the size that -1 stands for is not known: `{total}` elements over `{product}`");
    let diagnostic = Diagnostic::error(Code::DL0207, message, span).help("write the size");
    Err(call.checker.report(diagnostic))
}

fn wrong_count(
    call: &mut Call<'_, '_>,
    ty: &TensorType,
    sizes: &[Dim],
    total: &Dim,
    product: &Dim,
    span: Span,
) -> Reported {
    let wanted = TensorType::new(ty.dtype, sizes);
    let message = format!(
        "`{ty}` does not reshape to `{wanted}`: {} and {} elements",
        crate::check::convert::dim_text(total).trim_matches('`'),
        crate::check::convert::dim_text(product).trim_matches('`')
    );
    let mut diagnostic = Diagnostic::error(Code::DL0207, message, span);
    if total.as_const().is_none() || product.as_const().is_none() {
        let note = call.checker.compare_note(total, product);
        diagnostic = diagnostic.note(note);
    }
    if let Ok(operand) = call.operand("x") {
        diagnostic = diagnostic.secondary(operand.span, format!("this is `{ty}`"));
    }
    call.checker.report(diagnostic)
}

fn permute_dims<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let rank = call.checker.ty(x).rank();
    let operand = call.operand("axes")?;
    let axes = call.axes_in_order("axes", rank)?.unwrap_or_default();
    if axes.len() != rank {
        let ty = call.checker.ty(x).clone();
        let message = format!(
            "`permute_dims` of `{ty}` names all {rank} axes, and {} given",
            crate::check::call::count_given(axes.len())
        );
        let diagnostic = Diagnostic::error(Code::DL0206, message, operand.span);
        let diagnostic = if axes.len() == 2 {
            diagnostic.help("to swap two axes there is `swapaxes(x, axis1, axis2)`")
        } else {
            diagnostic
        };
        return Err(call.checker.report(diagnostic));
    }
    let span = call.span();
    call.checker.transpose(x, &axes, span).map(Value::Tensor)
}

fn matrix_transpose<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    if ty.rank() < 2 {
        let message = format!("`matrix_transpose` needs a matrix, and this is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0206, message, operand.span);
        if ty.rank() == 1 {
            let text = call.checker.sources.slice(operand.span).to_string();
            diagnostic = diagnostic.suggest(
                "as a column",
                call.site.span,
                format!("expand_dims({text}, axis=-1)"),
            );
        }
        return Err(call.checker.report(diagnostic));
    }
    swap(call, x, ty.rank() - 2, ty.rank() - 1)
}

fn swap<'a>(call: &mut Call<'_, 'a>, x: NodeId, a: usize, b: usize) -> Res<Value<'a>> {
    let mut axes: Vec<usize> = (0..call.checker.ty(x).rank()).collect();
    axes.swap(a, b);
    let span = call.span();
    call.checker.transpose(x, &axes, span).map(Value::Tensor)
}

fn swapaxes<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let rank = call.checker.ty(x).rank();
    let (a, b) = (call.axis("axis1", rank, 0)?, call.axis("axis2", rank, 0)?);
    swap(call, x, a, b)
}

fn moveaxis<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let rank = call.checker.ty(x).rank();
    let from = call.axes_in_order("source", rank)?.unwrap_or_default();
    let to = call.axes_in_order("destination", rank)?.unwrap_or_default();
    if from.len() != to.len() {
        let span = call.span();
        return call.error(
            Code::DL0206,
            "`moveaxis` names as many axes from as to",
            span,
        );
    }
    let mut pairs: Vec<(usize, usize)> = to.into_iter().zip(from.iter().copied()).collect();
    pairs.sort_unstable();
    let mut axes: Vec<usize> = (0..rank).filter(|axis| !from.contains(axis)).collect();
    for (to, from) in pairs {
        axes.insert(to, from);
    }
    let span = call.span();
    call.checker.transpose(x, &axes, span).map(Value::Tensor)
}

fn expand_dims<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let operand = call.operand("axis")?;
    let given = call.ints_of("axis", &operand)?.len();
    let rank = call.checker.ty(x).rank() + given;
    let axes = call.axes("axis", rank)?.unwrap_or_default();
    let span = call.span();
    call.checker.expand(x, &axes, span).map(Value::Tensor)
}

/// Without axes of size 1: the given ones, or all whose size is the number 1.
fn squeeze<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    let one = Dim::constant(1);
    let axes = match call.axes("axis", ty.rank())? {
        Some(axes) => axes,
        None => (0..ty.rank())
            .filter(|axis| ty.shape[*axis].as_const() == Some(1))
            .collect(),
    };
    for axis in &axes {
        if !call.checker.same_dim(&ty.shape[*axis], &one) {
            let message = format!("axis {axis} of `{ty}` has size {}, not 1", ty.shape[*axis]);
            let span = call
                .given("axis")
                .map_or(call.site.span, |operand| operand.span);
            let operand = call.operand("x")?;
            let diagnostic = Diagnostic::error(Code::DL0206, message, span)
                .secondary(operand.span, format!("this is `{ty}`"));
            return Err(call.checker.report(diagnostic));
        }
    }
    let shape: Vec<Dim> = ty
        .shape
        .iter()
        .enumerate()
        .filter(|(axis, _)| !axes.contains(axis))
        .map(|(_, dim)| dim.clone())
        .collect();
    let span = call.span();
    call.checker.reshape(x, &shape, span).map(Value::Tensor)
}

fn broadcast_to<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("x")?;
    let x = tensor_without_keys(call)?;
    let shape = call.shape("shape")?;
    let ty = call.checker.ty(x).clone();
    let fits = ty.rank() <= shape.len()
        && call
            .checker
            .broadcast_shape(&ty.shape, &shape)
            .is_ok_and(|joined| call.checker.same_shape(&joined, &shape));
    if !fits {
        let wanted = TensorType::new(ty.dtype, shape);
        let message = format!("`{ty}` does not broadcast to `{wanted}`");
        let diagnostic = Diagnostic::error(Code::DL0202, message, operand.span)
            .note("shapes are compared from the last axis; a size fits the same size or 1");
        let diagnostic = call.checker.origins(diagnostic, &[x]);
        return Err(call.checker.report(diagnostic));
    }
    let span = call.span();
    call.checker
        .broadcast_to(x, &shape, span)
        .map(Value::Tensor)
}

fn flip<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let x = tensor_without_keys(call)?;
    let ty = call.checker.ty(x).clone();
    let axes = call
        .axes("axis", ty.rank())?
        .unwrap_or_else(|| (0..ty.rank()).collect());
    if axes.is_empty() {
        return Ok(Value::Tensor(x));
    }
    let span = call.span();
    call.checker
        .node(Prim::Reverse { axes }, &[x], ty, span)
        .map(Value::Tensor)
}
