//! Built-ins: products of matrices and tensors. `einsum` is in [`super::einsum`].

use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::einsum::einsum;
use crate::builtins::elementwise::pair;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::convert::dim_text;
use crate::check::{NodeId, Res, Value};
use crate::core::Dim;
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "matmul",
        params: "a, b",
        run: matmul,
    },
    Builtin {
        name: "dot",
        params: "a, b",
        run: dot,
    },
    Builtin {
        name: "vecdot",
        params: "a, b, axis=-1",
        run: vecdot,
    },
    Builtin {
        name: "outer",
        params: "a, b",
        run: outer,
    },
    Builtin {
        name: "tensordot",
        params: "a, b, axes=2",
        run: tensordot,
    },
    Builtin {
        name: "einsum",
        params: "subscripts, operands...",
        run: einsum,
    },
];

fn both<'a>(call: &mut Call<'_, 'a>) -> Res<(NodeId, NodeId, Operand<'a>, Operand<'a>)> {
    let (a, b) = (call.operand("a")?, call.operand("b")?);
    let (x, y) = pair(call, &a, &b, Class::Number)?;
    Ok((x, y, a, b))
}

fn matmul<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (_, _, a, b) = both(call)?;
    let operation = call.operation();
    call.checker.matmul(&a, &b, &operation).map(Value::Tensor)
}

/// NumPy's: like `matmul` up to two axes, a product with a scalar, else every row with every column.
fn dot<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, y, a, b) = both(call)?;
    let operation = call.operation();
    let (m, n) = (call.checker.ty(x).rank(), call.checker.ty(y).rank());
    if m == 0 || n == 0 {
        return call
            .checker
            .binary_op("mul", x, y, operation.whole)
            .map(Value::Tensor);
    }
    if m <= 2 && n <= 2 {
        return call.checker.matmul(&a, &b, &operation).map(Value::Tensor);
    }
    contract(call, x, y, vec![(m - 1, n.saturating_sub(2))])
}

fn contract<'a>(
    call: &mut Call<'_, 'a>,
    x: NodeId,
    y: NodeId,
    pairs: Vec<(usize, usize)>,
) -> Res<Value<'a>> {
    let (left, right) = (call.checker.ty(x).clone(), call.checker.ty(y).clone());
    for (p, q) in &pairs {
        let (p, q) = (&left.shape[*p], &right.shape[*q]);
        if !call.checker.same_dim(p, q) {
            let message = format!(
                "`{}({left}, {right})`: inner dims differ, {} and {}",
                call.name,
                dim_text(p),
                dim_text(q)
            );
            let note = call.checker.compare_note(p, q);
            let diagnostic = Diagnostic::error(Code::DL0203, message, call.site.callee).note(note);
            let diagnostic = call.checker.origins(diagnostic, &[x, y]);
            return Err(call.checker.report(diagnostic));
        }
    }
    let span = call.span();
    call.checker
        .dot_general(x, y, Vec::new(), pairs, span)
        .map(Value::Tensor)
}

fn vecdot<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, y, a, b) = both(call)?;
    let operation = call.operation();
    let span = operation.whole;
    call.checker.check_broadcast(x, y, &a, &b, &operation)?;
    let product = call.checker.binary_op("mul", x, y, span)?;
    let rank = call.checker.ty(product).rank();
    let axis = call.axis("axis", rank, -1)?;
    call.checker
        .reduce("sum", product, &[axis], false, span)
        .map(Value::Tensor)
}

/// Every element of the first with every one of the second.
fn outer<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, y, _, _) = both(call)?;
    let span = call.span();
    let mut flat = Vec::new();
    for id in [x, y] {
        let shape = call.checker.shape(id);
        let count = shape
            .iter()
            .fold(Dim::constant(1), |product, dim| &product * dim);
        flat.push(call.checker.reshape(id, &[count], span)?);
    }
    call.checker
        .dot_general(flat[0], flat[1], Vec::new(), Vec::new(), span)
        .map(Value::Tensor)
}

/// A number of axes (the last of the first with the first of the second), or two lists of axes.
fn tensordot<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let (x, y, _, _) = both(call)?;
    let (m, n) = (call.checker.ty(x).rank(), call.checker.ty(y).rank());
    let given = call.some("axes");
    let items = given.as_ref().and_then(|operand| call.items(operand));
    let at = given
        .as_ref()
        .map_or(call.site.span, |operand| operand.span);
    let pairs = match items.as_deref() {
        None => {
            let count = call.int("axes", 2)?;
            let count = usize::try_from(count)
                .ok()
                .filter(|count| *count <= m && *count <= n);
            let Some(count) = count else {
                let message = format!("`tensordot` over more axes than there are: {m} and {n}");
                return call.error(Code::DL0206, message, at);
            };
            (0..count).map(|i| (m - count + i, i)).collect()
        }
        Some([left, right]) => {
            let mut sides = Vec::new();
            for (side, rank) in [(left, m), (right, n)] {
                let mut axes = Vec::new();
                for (axis, span) in call.ints_of("axes", side)? {
                    let axis = call.axis_in(axis, rank, span)?;
                    if axes.contains(&axis) {
                        return call.error(
                            Code::DL0206,
                            format!("axis {axis} is named twice"),
                            span,
                        );
                    }
                    axes.push(axis);
                }
                sides.push(axes);
            }
            if sides[0].len() != sides[1].len() {
                return call.error(
                    Code::DL0206,
                    "`axes` of `tensordot` are pairs: as many on the left as on the right",
                    at,
                );
            }
            sides[0]
                .iter()
                .copied()
                .zip(sides[1].iter().copied())
                .collect()
        }
        Some(_) => {
            let message = "`axes` of `tensordot` is a number, or two lists: those of the left and those of the right";
            return call.error(Code::DL0206, message, at);
        }
    };
    contract(call, x, y, pairs)
}
