//! Convolutions and reductions of windows.

use super::{
    Case, Form, leaf,
    movement::mixed,
    structured::{Fill, numbers, powers, precisions, sum_tolerance, unit, whole},
};
use crate::{compare::Bound, values::is_float};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;

/// A convolution: its tag and dims, the axes of `x`, `w` and the result, strides, dilations and groups, ops before it,
/// its sizes, and the values of the dims.
struct Convolution {
    tag: &'static str,
    dims: &'static [&'static str],
    x: &'static [&'static str],
    w: &'static [&'static str],
    y: &'static [&'static str],
    how: &'static str,
    before: &'static str,
    sizes: &'static str,
    calls: &'static [&'static [i64]],
}

/// Of one, two and three axes in space; dims, strides, dilations and groups of all kinds.
const CONVOLUTIONS: &[Convolution] = &[
    Convolution {
        tag: "line",
        dims: &["n", "h"],
        x: &["n", "3", "h"],
        w: &["4", "3", "3"],
        y: &["n", "4", "h - 2"],
        how: "strides [1] dilations [1] groups 1",
        before: "%c2 = arith.constant 2 : index\n  %p = arith.subi %h, %c2 : index\n  ",
        sizes: "%n, %p",
        calls: &[&[2, 20], &[1, 3], &[0, 5], &[3, 2]],
    },
    Convolution {
        tag: "plane",
        dims: &[],
        x: &["2", "3", "9", "21"],
        w: &["5", "3", "3", "3"],
        y: &["2", "5", "7", "19"],
        how: "strides [1, 1] dilations [1, 1] groups 1",
        before: "",
        sizes: "",
        calls: &[&[]],
    },
    Convolution {
        tag: "steps",
        dims: &["n", "c", "o", "h"],
        x: &["n", "c", "h", "12"],
        w: &["o", "c", "3", "2"],
        y: &["n", "o", "(h - 3) / 2 + 1", "4"],
        how: "strides [2, 3] dilations [1, 2] groups 1",
        before: "%c1 = arith.constant 1 : index\n  %c2 = arith.constant 2 : index\n  \
                 %q = arith.subi %h, %c1 : index\n  %p = arith.floordivsi %q, %c2 : index\n  ",
        sizes: "%n, %o, %p",
        calls: &[
            &[1, 1, 1, 3],
            &[2, 3, 7, 11],
            &[1, 0, 2, 5],
            &[2, 2, 0, 5],
            &[1, 40, 33, 8],
        ],
    },
    Convolution {
        tag: "window",
        dims: &["k", "h"],
        x: &["1", "2", "h + k", "9"],
        w: &["3", "2", "k", "2"],
        y: &["1", "3", "h + 1", "8"],
        how: "strides [1, 1] dilations [1, 1] groups 1",
        before: "%c1 = arith.constant 1 : index\n  %p = arith.addi %h, %c1 : index\n  ",
        sizes: "%p",
        calls: &[&[1, 4], &[4, 0], &[5, 6]],
    },
    Convolution {
        tag: "groups",
        dims: &["h"],
        x: &["2", "6", "h + 4", "7"],
        w: &["4", "3", "3", "3"],
        y: &["2", "4", "h", "3"],
        how: "strides [1, 1] dilations [2, 2] groups 2",
        before: "",
        sizes: "%h",
        calls: &[&[0], &[1], &[5]],
    },
    Convolution {
        tag: "depthwise",
        dims: &["n"],
        x: &["n", "4", "6", "40"],
        w: &["4", "1", "3", "3"],
        y: &["n", "4", "4", "38"],
        how: "strides [1, 1] dilations [1, 1] groups 4",
        before: "",
        sizes: "%n",
        calls: &[&[1], &[2]],
    },
    Convolution {
        tag: "multiplied",
        dims: &[],
        x: &["1", "3", "5", "40"],
        w: &["24", "1", "2", "3"],
        y: &["1", "24", "4", "19"],
        how: "strides [1, 2] dilations [1, 1] groups 3",
        before: "",
        sizes: "",
        calls: &[&[]],
    },
    Convolution {
        tag: "points",
        dims: &["n"],
        x: &["n", "5", "4", "9"],
        w: &["7", "5", "1", "1"],
        y: &["n", "7", "4", "9"],
        how: "strides [1, 1] dilations [1, 1] groups 1",
        before: "",
        sizes: "%n",
        calls: &[&[0], &[3]],
    },
    Convolution {
        tag: "point_steps",
        dims: &[],
        x: &["2", "5", "4", "9"],
        w: &["7", "5", "1", "1"],
        y: &["2", "7", "2", "5"],
        how: "strides [2, 2] dilations [1, 1] groups 1",
        before: "",
        sizes: "",
        calls: &[&[]],
    },
    Convolution {
        tag: "volume",
        dims: &[],
        x: &["1", "2", "4", "5", "6"],
        w: &["3", "2", "2", "3", "2"],
        y: &["1", "3", "3", "3", "3"],
        how: "strides [1, 1, 2] dilations [1, 1, 1] groups 1",
        before: "",
        sizes: "",
        calls: &[&[]],
    },
    Convolution {
        tag: "too_large",
        dims: &[],
        x: &["1", "2", "3"],
        w: &["3", "2", "4"],
        y: &["1", "3", "0"],
        how: "strides [1] dilations [1] groups 1",
        before: "",
        sizes: "",
        calls: &[&[]],
    },
];

pub(super) fn conv() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in numbers() {
        for row in CONVOLUTIONS {
            let (x, w, y) = (leaf(dtype, row.x), leaf(dtype, row.w), leaf(dtype, row.y));
            let body = format!(
                "{}%y = dl.conv %a0, %a1 {} sizes({}) : ({}, {}) -> {}",
                row.before,
                row.how,
                row.sizes,
                x.ty(),
                w.ty(),
                y.ty()
            );
            let mut made = |tag: &str, body: String, bound, fill: Fill| -> Result<()> {
                let form = Form {
                    tag,
                    dims: row.dims,
                    params: vec![x.clone(), w.clone()],
                    result: y.clone(),
                    body,
                    sizes: row.calls,
                };
                cases.push(form.case(OpKind::Conv, dtype, bound, fill)?);
                Ok(())
            };
            made(row.tag, body.clone(), Bound::Exact, whole)?;
            if is_float(dtype) {
                let tag = format!("{}_any", row.tag);
                made(&tag, body.clone(), sum_tolerance(dtype), unit)?;
            }
            for (precision_tag, precision) in precisions(dtype) {
                let tag = format!("{}_{precision_tag}", row.tag);
                let body = body.replace(" : (", &format!(" {precision} : ("));
                made(&tag, body, sum_tolerance(DType::F32), unit)?;
            }
        }
    }
    Ok(cases)
}

/// A tag, dims, the axes of `x`, how windows lie, the axes of the result, sizes, and the values of the dims.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static [&'static [i64]],
);

const WINDOWS: &[Row] = &[
    (
        "line",
        &["n"],
        &["n + 2"],
        "window [3] strides [1] dilations [1]",
        &["n"],
        "%n",
        &[&[0], &[1], &[40]],
    ),
    (
        "pool",
        &["n", "h"],
        &["n", "3", "2*h", "18"],
        "window [1, 1, 2, 2] strides [1, 1, 2, 2] dilations [1, 1, 1, 1]",
        &["n", "3", "h", "9"],
        "%n, %h",
        &[&[2, 5], &[0, 3], &[1, 0]],
    ),
    (
        "gaps",
        &[],
        &["2", "9", "40"],
        "window [1, 3, 3] strides [1, 2, 1] dilations [1, 1, 2]",
        &["2", "4", "36"],
        "",
        &[&[]],
    ),
    (
        "first",
        &["n"],
        &["5", "n"],
        "window [3, 1] strides [2, 1] dilations [1, 1]",
        &["2", "n"],
        "%n",
        &[&[0], &[1], &[35]],
    ),
    (
        "steps",
        &[],
        &["5", "7"],
        "window [1, 1] strides [2, 3] dilations [1, 1]",
        &["3", "3"],
        "",
        &[&[]],
    ),
    (
        "too_large",
        &[],
        &["2", "3"],
        "window [1, 4] strides [1, 1] dilations [1, 1]",
        &["2", "0"],
        "",
        &[&[]],
    ),
    (
        "scalar",
        &[],
        &[],
        "window [] strides [] dilations []",
        &[],
        "",
        &[&[]],
    ),
];

pub(super) fn reduce_window() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in numbers() {
        for kind in ["sum", "prod", "max", "min"] {
            for (tag, dims, x, how, y, sizes, calls) in WINDOWS {
                let (x, y) = (leaf(dtype, x), leaf(dtype, y));
                let body = format!(
                    "%y = dl.reduce_window \"{kind}\" %a0 {how} sizes({sizes}) : {} -> {}",
                    x.ty(),
                    y.ty()
                );
                let tag = format!("{kind}_{tag}");
                let form = Form {
                    tag: &tag,
                    dims,
                    params: vec![x],
                    result: y,
                    body,
                    sizes: calls,
                };
                // Of 0 and -0 either may be the greatest.
                let (fill, bound): (Fill, _) = match kind {
                    "sum" => (whole, Bound::Exact),
                    "prod" => (powers, Bound::Exact),
                    _ => (mixed, Bound::Ulp(0.0)),
                };
                cases.push(form.case(OpKind::ReduceWindow, dtype, bound, fill)?);
                if kind == "sum" && is_float(dtype) {
                    let tag = format!("{tag}_any");
                    let form = Form { tag: &tag, ..form };
                    cases.push(form.case(
                        OpKind::ReduceWindow,
                        dtype,
                        sum_tolerance(dtype),
                        unit,
                    )?);
                }
            }
        }
    }
    Ok(cases)
}
