//! Constants and movement of data: the same bits, on every type.

use super::{Case, Form, leaf};
use crate::{
    compare::Bound,
    values::{self, Random, special},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;
use dlc_runtime::Tensor;

/// Special values and any others, in no order.
pub(super) fn mixed(
    _: usize,
    dtype: DType,
    shape: &[usize],
    random: &mut Random,
) -> Result<Tensor> {
    let special = special(dtype);
    values::tensor(dtype, shape, || match random.below(3) {
        0 => *random.choose(&special),
        _ => values::any(dtype, random),
    })
}

fn on_all_types<'a>(kind: OpKind, forms: impl Fn(DType) -> Vec<Form<'a>>) -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED {
        for form in forms(dtype) {
            cases.push(form.case(kind, dtype, Bound::Exact, mixed)?);
        }
    }
    Ok(cases)
}

/// Index constants that bodies use.
const CONSTANTS: &str = "%c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n  \
                         %c2 = arith.constant 2 : index\n  %c3 = arith.constant 3 : index";

/// Lengths of lines.
pub(super) const LENGTHS: &[&[i64]] = &[&[0], &[1], &[7], &[67], &[129]];
/// Sizes of matrices.
pub(super) const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[4, 0], &[1, 1], &[9, 33]];

pub(super) fn broadcast() -> Result<Vec<Case>> {
    on_all_types(OpKind::Broadcast, |dtype| {
        let form = |tag, dims, from: &[&str], axes: &str, to: &[&str], names: &str, sizes| {
            let (x, y) = (leaf(dtype, from), leaf(dtype, to));
            let body = format!(
                "%y = dl.broadcast %a0 axes {axes} sizes({names}) : {} -> {}",
                x.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x],
                result: y,
                body,
                sizes,
            }
        };
        vec![
            form("scalar", &["n"], &[], "[]", &["n"], "%n", LENGTHS),
            form(
                "rows",
                &["m", "n"],
                &["n"],
                "[1]",
                &["m", "n"],
                "%m, %n",
                PAIRS,
            ),
            form(
                "columns",
                &["m", "n"],
                &["m"],
                "[0]",
                &["m", "n"],
                "%m, %n",
                PAIRS,
            ),
            form(
                "middle",
                &["n"],
                &["3", "n"],
                "[0, 2]",
                &["3", "4", "n"],
                "%n",
                LENGTHS,
            ),
            form(
                "static",
                &[],
                &["2", "3"],
                "[1, 2]",
                &["5", "2", "3"],
                "",
                &[&[]],
            ),
            form("same", &["n"], &["n"], "[0]", &["n"], "%n", LENGTHS),
        ]
    })
}

pub(super) fn reshape() -> Result<Vec<Case>> {
    on_all_types(OpKind::Reshape, |dtype| {
        let form = |tag, dims, from: &[&str], to: &[&str], before: &str, names: &str, sizes| {
            let (x, y) = (leaf(dtype, from), leaf(dtype, to));
            let body = format!(
                "{before}%y = dl.reshape %a0 sizes({names}) : {} -> {}",
                x.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x],
                result: y,
                body,
                sizes,
            }
        };
        let product = "%mn = arith.muli %m, %n : index\n  ";
        vec![
            form(
                "flat",
                &["m", "n"],
                &["m", "n"],
                &["m*n"],
                product,
                "%mn",
                PAIRS,
            ),
            form(
                "split",
                &["n"],
                &["n", "6"],
                &["n", "2", "3"],
                "",
                "%n",
                LENGTHS,
            ),
            form("ones", &["n"], &["n"], &["1", "n", "1"], "", "%n", LENGTHS),
            form("scalar", &[], &["1", "1"], &[], "", "", &[&[]]),
            form("static", &[], &["4", "6"], &["3", "8"], "", "", &[&[]]),
            form("lift", &[], &[], &["1"], "", "", &[&[]]),
        ]
    })
}

pub(super) fn transpose() -> Result<Vec<Case>> {
    on_all_types(OpKind::Transpose, |dtype| {
        let form = |tag, dims, from: &[&str], permutation: &str, to: &[&str], sizes| {
            let (x, y) = (leaf(dtype, from), leaf(dtype, to));
            let body = format!(
                "%y = dl.transpose %a0 {permutation} : {} -> {}",
                x.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x],
                result: y,
                body,
                sizes,
            }
        };
        vec![
            form(
                "matrix",
                &["m", "n"],
                &["m", "n"],
                "[1, 0]",
                &["n", "m"],
                PAIRS,
            ),
            form(
                "static",
                &[],
                &["2", "3", "4"],
                "[2, 0, 1]",
                &["4", "2", "3"],
                &[&[]],
            ),
            form(
                "batch",
                &["m", "n"],
                &["m", "n", "3"],
                "[0, 2, 1]",
                &["m", "3", "n"],
                PAIRS,
            ),
            form("same", &["n"], &["n"], "[0]", &["n"], LENGTHS),
            form("scalar", &[], &[], "[]", &[], &[&[]]),
        ]
    })
}

pub(super) fn reverse() -> Result<Vec<Case>> {
    on_all_types(OpKind::Reverse, |dtype| {
        let form = |tag, dims, shape: &[&str], axes: &str, sizes| {
            let x = leaf(dtype, shape);
            let body = format!("%y = dl.reverse %a0 axes {axes} : {}", x.ty());
            Form {
                tag,
                dims,
                params: vec![x.clone()],
                result: x,
                body,
                sizes,
            }
        };
        vec![
            form("line", &["n"], &["n"], "[0]", LENGTHS),
            form("rows", &["m", "n"], &["m", "n"], "[0]", PAIRS),
            form("both", &["m", "n"], &["m", "n"], "[0, 1]", PAIRS),
            form("static", &[], &["2", "3", "4"], "[0, 2]", &[&[]]),
            form("none", &["n"], &["n"], "[]", LENGTHS),
        ]
    })
}

pub(super) fn concatenate() -> Result<Vec<Case>> {
    on_all_types(OpKind::Concatenate, |dtype| {
        let form = |tag, dims, parts: &[&[&str]], axis: usize, to: &[&str], sizes| {
            let parts = parts
                .iter()
                .map(|part| leaf(dtype, part))
                .collect::<Vec<_>>();
            let y = leaf(dtype, to);
            let names = (0..parts.len())
                .map(|i| format!("%a{i}"))
                .collect::<Vec<_>>()
                .join(", ");
            let types = parts.iter().map(|p| p.ty()).collect::<Vec<_>>().join(", ");
            let body = format!(
                "%y = dl.concatenate {names} axis {axis} : ({types}) -> {}",
                y.ty()
            );
            Form {
                tag,
                dims,
                params: parts,
                result: y,
                body,
                sizes,
            }
        };
        vec![
            form(
                "lines",
                &["m", "n"],
                &[&["m"], &["n"]],
                0,
                &["m + n"],
                PAIRS,
            ),
            form(
                "rows",
                &["m", "n"],
                &[&["m", "n"], &["2", "n"]],
                0,
                &["m + 2", "n"],
                PAIRS,
            ),
            form(
                "columns",
                &["m", "n"],
                &[&["m", "n"], &["m", "1"], &["m", "n"]],
                1,
                &["m", "2*n + 1"],
                PAIRS,
            ),
            form(
                "static",
                &[],
                &[&["2", "3"], &["2", "0"], &["2", "5"]],
                1,
                &["2", "8"],
                &[&[]],
            ),
            form("one", &["n"], &[&["n"]], 0, &["n"], LENGTHS),
        ]
    })
}

pub(super) fn slice() -> Result<Vec<Case>> {
    on_all_types(OpKind::Slice, |dtype| {
        let form = |tag, dims, from: &[&str], text: &str, to: &[&str], sizes| {
            let (x, y) = (leaf(dtype, from), leaf(dtype, to));
            let body = format!(
                "{CONSTANTS}\n  %y = dl.slice %a0 {text} : {} -> {}",
                x.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x],
                result: y,
                body,
                sizes,
            }
        };
        vec![
            form(
                "static",
                &[],
                &["4", "9"],
                "starts(%c1, %c0) strides [1, 2] sizes()",
                &["2", "5"],
                &[&[]],
            ),
            form(
                "start",
                &["n", "s"],
                &["n"],
                "starts(%s) strides [1] sizes()",
                &["3"],
                &[&[3, 0], &[9, 4], &[9, 6]],
            ),
            form(
                "window",
                &["n", "s", "k"],
                &["n", "3"],
                "starts(%s, %c1) strides [1, 1] sizes(%k)",
                &["k", "2"],
                &[&[5, 0, 5], &[5, 1, 3], &[5, 5, 0], &[40, 3, 35]],
            ),
            form(
                "strided",
                &["n", "s", "k"],
                &["n"],
                "starts(%s) strides [3] sizes(%k)",
                &["k"],
                &[&[10, 0, 4], &[10, 2, 3], &[100, 1, 33]],
            ),
            form(
                "scalar",
                &[],
                &[],
                "starts() strides [] sizes()",
                &[],
                &[&[]],
            ),
            form(
                "empty",
                &[],
                &["4"],
                "starts(%c0) strides [1] sizes()",
                &["0"],
                &[&[]],
            ),
        ]
    })
}

pub(super) fn update_slice() -> Result<Vec<Case>> {
    on_all_types(OpKind::UpdateSlice, |dtype| {
        let form = |tag, dims, whole: &[&str], part: &[&str], text: &str, sizes| {
            let (x, update) = (leaf(dtype, whole), leaf(dtype, part));
            let body = format!(
                "{CONSTANTS}\n  %y = dl.update_slice %a0, %a1 {text} : {}, {}",
                x.ty(),
                update.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x.clone(), update],
                result: x,
                body,
                sizes,
            }
        };
        vec![
            form(
                "static",
                &[],
                &["4", "9"],
                &["2", "5"],
                "starts(%c1, %c0) strides [1, 2]",
                &[&[]],
            ),
            form(
                "window",
                &["n", "s", "k"],
                &["n"],
                &["k"],
                "starts(%s) strides [1]",
                &[&[5, 0, 5], &[5, 1, 3], &[5, 5, 0], &[40, 3, 35]],
            ),
            form(
                "strided",
                &["n", "s", "k"],
                &["2", "n"],
                &["2", "k"],
                "starts(%c0, %s) strides [1, 3]",
                &[&[10, 0, 4], &[10, 2, 3]],
            ),
            form("scalar", &[], &[], &[], "starts() strides []", &[&[]]),
        ]
    })
}

pub(super) fn pad() -> Result<Vec<Case>> {
    on_all_types(OpKind::Pad, |dtype| {
        let form = |tag, dims, from: &[&str], before: &str, text: &str, to: &[&str], sizes| {
            let (x, value, y) = (leaf(dtype, from), leaf(dtype, &[]), leaf(dtype, to));
            let body = format!(
                "{CONSTANTS}\n  {before}%y = dl.pad %a0, %a1 {text} : {}, {} -> {}",
                x.ty(),
                value.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![x, value],
                result: y,
                body,
                sizes,
            }
        };
        let both = "%e = arith.addi %n, %c3 : index\n  ";
        let gaps = "%t = arith.muli %n, %c2 : index\n  %e = arith.addi %t, %c3 : index\n  ";
        vec![
            form(
                "static",
                &[],
                &["2", "3"],
                "",
                "low(%c1, %c0) interior [0, 1] sizes()",
                &["4", "6"],
                &[&[]],
            ),
            form(
                "nothing",
                &[],
                &["0", "3"],
                "",
                "low(%c1, %c2) interior [0, 0] sizes()",
                &["2", "6"],
                &[&[]],
            ),
            form(
                "edges",
                &["n"],
                &["n", "2"],
                both,
                "low(%c1, %c2) interior [0, 0] sizes(%e)",
                &["n + 3", "5"],
                LENGTHS,
            ),
            form(
                "gaps",
                &["n"],
                &["n"],
                gaps,
                "low(%c2) interior [1] sizes(%e)",
                &["2*n + 3"],
                LENGTHS,
            ),
            form(
                "scalar",
                &[],
                &[],
                "",
                "low() interior [] sizes()",
                &[],
                &[&[]],
            ),
        ]
    })
}
