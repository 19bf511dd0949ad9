//! Built-ins that join tensors and take them apart.

use crate::ast::{DType, Span};
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::convert::dim_text;
use crate::check::{NodeId, Reported, Res, Value};
use crate::core::Dim;
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "concat",
        params: "list, axis=0",
        run: concat,
    },
    Builtin {
        name: "stack",
        params: "list, axis=0",
        run: stack,
    },
    Builtin {
        name: "unstack",
        params: "x, axis=0",
        run: unstack,
    },
    Builtin {
        name: "split",
        params: "x, *, sections=none, sizes=none, axis=0",
        run: split,
    },
];

/// The tensors of a list; literals take the dtype of the tensors.
fn parts<'a>(call: &mut Call<'_, 'a>) -> Res<(Vec<(NodeId, Span)>, Span)> {
    let operand = call.operand("list")?;
    let Some(items) = call.items(&operand) else {
        if let Value::Tensor(_) = operand.value {
            let text = call.checker.sources.slice(operand.span).to_string();
            let message = format!("`{}` takes a list of tensors", call.name);
            let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span).suggest(
                "a list is written",
                operand.span,
                format!("[{text}]"),
            );
            return Err(call.checker.report(diagnostic));
        }
        return call.wrong("list", "a list of tensors, `[a, b]`", &operand);
    };
    if items.is_empty() {
        return call.error(
            Code::DL0217,
            format!("`{}` of no tensors", call.name),
            operand.span,
        );
    }
    let dtype = items.iter().find_map(|item| match item.value {
        Value::Tensor(id) => Some(call.checker.dtype(id)),
        _ => None,
    });
    let float = items
        .iter()
        .any(|item| matches!(item.value, Value::Num(crate::core::Num::Float(_))));
    let mut nodes = Vec::new();
    for item in &items {
        let id = match (&item.value, dtype) {
            (Value::Num(_), Some(dtype)) => {
                call.checker.as_tensor_of(&item.value, dtype, item.span)?
            }
            (Value::Num(crate::core::Num::Int(_)), None) if float => {
                call.checker
                    .as_tensor_of(&item.value, DType::F32, item.span)?
            }
            _ => call.as_tensor(item)?,
        };
        if call.checker.dtype(id) == DType::Key {
            return call.error(
                Code::DL0502,
                format!("`{}` is not defined for keys", call.name),
                item.span,
            );
        }
        nodes.push((id, item.span));
    }
    Ok((nodes, operand.span))
}

fn concat<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (parts, list) = parts(call)?;
    let rank = call.checker.ty(parts[0].0).rank();
    if rank == 0 {
        let diagnostic = Diagnostic::error(
            Code::DL0217,
            "scalars have no axis to join along",
            list,
        )
        .suggest("along a new axis", call.site.callee, "stack");
        return Err(call.checker.report(diagnostic));
    }
    let axis = call.axis("axis", rank, 0)?;
    call.checker
        .check_alike("tensors to be joined", &parts, Some(axis))?;
    let span = call.span();
    let ids: Vec<NodeId> = parts.into_iter().map(|part| part.0).collect();
    let ids = alike(call, &ids, Some(axis), span)?;
    call.checker
        .concatenate(&ids, axis, span)
        .map(Value::Tensor)
}

/// Tensors whose dims are proven to be equal, with the same ones known as numbers.
fn alike(
    call: &mut Call<'_, '_>,
    ids: &[NodeId],
    skip: Option<usize>,
    span: Span,
) -> Res<Vec<NodeId>> {
    let mut shape = call.checker.shape(ids[0]);
    for id in ids {
        for (axis, dim) in call.checker.shape(*id).into_iter().enumerate() {
            if dim.as_const().is_some() {
                shape[axis] = dim;
            }
        }
    }
    let mut result = Vec::new();
    for id in ids {
        let mut wanted = shape.clone();
        if let Some(axis) = skip {
            wanted[axis] = call.checker.shape(*id)[axis].clone();
        }
        result.push(call.checker.recast(*id, &wanted, span)?);
    }
    Ok(result)
}

fn stack<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (parts, _) = parts(call)?;
    let rank = call.checker.ty(parts[0].0).rank();
    call.checker
        .check_alike("tensors to be stacked", &parts, None)?;
    let axis = call.axis("axis", rank + 1, 0)?;
    let span = call.span();
    let ids: Vec<NodeId> = parts.into_iter().map(|part| part.0).collect();
    let mut wide = Vec::new();
    for id in alike(call, &ids, None, span)? {
        wide.push(call.checker.expand(id, &[axis], span)?);
    }
    call.checker
        .concatenate(&wide, axis, span)
        .map(Value::Tensor)
}

fn one_tensor<'a>(call: &mut Call<'_, 'a>) -> Res<(NodeId, Operand<'a>)> {
    let operand = call.operand("x")?;
    let x = call.as_tensor(&operand)?;
    if call.checker.dtype(x) == DType::Key {
        return call.error(
            Code::DL0502,
            format!("`{}` is not defined for keys", call.name),
            operand.span,
        );
    }
    Ok((x, operand))
}

fn unstack<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, operand) = one_tensor(call)?;
    let rank = call.checker.ty(x).rank();
    let axis = call.axis("axis", rank, 0)?;
    let span = call.span();
    let mut shape = call.checker.shape(x);
    let size = shape.remove(axis);
    let count = call.checker.known_number(
        &size,
        "the size of an axis that is taken apart",
        operand.span,
    )?;
    let mut items = Vec::new();
    for i in 0..count {
        let part = call
            .checker
            .slice_axis(x, axis, Dim::constant(i), Dim::constant(1), span)?;
        items.push(Value::Tensor(call.checker.reshape(part, &shape, span)?));
    }
    Ok(Value::tuple(items))
}

/// Equal parts by `sections=`, parts of given sizes by `sizes=`.
fn split<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, _) = one_tensor(call)?;
    let ty = call.checker.ty(x).clone();
    let axis = call.axis("axis", ty.rank(), 0)?;
    let size = ty.shape[axis].clone();
    let span = call.span();
    let sizes = match (call.some("sections"), call.some("sizes")) {
        (Some(operand), None) => {
            if let Value::List(_) | Value::Tuple(_) = operand.value {
                let diagnostic = Diagnostic::error(
                    Code::DL0701,
                    "`sections` is the number of equal parts",
                    operand.span,
                )
                .help("parts of given sizes are `sizes=[…]`");
                return Err(call.checker.report(diagnostic));
            }
            let sections = call.int_of("sections", &operand)?;
            if sections < 1 {
                return call.error(Code::DL0217, format!("{sections} parts"), operand.span);
            }
            let part = equal_part(call, &size, sections, axis, operand.span)?;
            vec![part; usize::try_from(sections).map_err(|_| Reported)?]
        }
        (None, Some(operand)) => {
            let Some(items) = call.items(&operand) else {
                return call.wrong("sizes", "a list of sizes, `[a, b]`", &operand);
            };
            let sizes: Vec<Res<Dim>> = items.iter().map(|item| call.size_of(item)).collect();
            let sizes = sizes.into_iter().collect::<Res<Vec<_>>>()?;
            let sum = sizes.iter().fold(Dim::constant(0), |sum, size| &sum + size);
            if !call.checker.same_dim(&sum, &size) {
                let message = format!(
                    "the sizes of `split` sum to {}, and axis {axis} of `{ty}` is {}",
                    dim_text(&sum),
                    dim_text(&size)
                );
                let note = call.checker.compare_note(&sum, &size);
                let diagnostic = Diagnostic::error(Code::DL0217, message, operand.span).note(note);
                return Err(call.checker.report(diagnostic));
            }
            sizes
        }
        _ => {
            let diagnostic = Diagnostic::error(Code::DL0701, "`split` has either `sections` or `sizes`", span)
                .help("`split(x, sections=3)` gives equal parts, `split(x, sizes=[2, 5])` those of given sizes");
            return Err(call.checker.report(diagnostic));
        }
    };
    let mut start = Dim::constant(0);
    let mut items = Vec::new();
    for size in sizes {
        let next = &start + &size;
        items.push(Value::Tensor(
            call.checker.slice_axis(x, axis, start, size, span)?,
        ));
        start = next;
    }
    Ok(Value::tuple(items))
}

fn equal_part(
    call: &mut Call<'_, '_>,
    size: &Dim,
    sections: i64,
    axis: usize,
    span: Span,
) -> Res<Dim> {
    let part = size
        .try_map(|poly| poly.floor_div(sections))
        .ok_or(Reported)?;
    if call
        .checker
        .same_dim(&(&part * &Dim::constant(sections)), size)
    {
        return Ok(part);
    }
    let message = format!(
        "axis {axis} is {}, which {sections} does not divide",
        dim_text(size)
    );
    let mut diagnostic = Diagnostic::error(Code::DL0217, message, span);
    diagnostic = match size.as_const() {
        Some(_) => diagnostic.help("parts of given sizes are `sizes=[…]`"),
        None => diagnostic.help(format!(
            "say that it does: `where {size} % {sections} == 0`"
        )),
    };
    Err(call.checker.report(diagnostic))
}
