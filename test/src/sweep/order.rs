//! Order along an axis: lines longer and shorter than the runs that are merged, with ties and with special values.

use super::{
    Case, Form, leaf,
    movement::mixed,
    structured::{Row, whole},
};
use crate::compare::Bound;
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;

pub(super) fn argsort() -> Result<Vec<Case>> {
    const LINES: &[&[i64]] = &[&[0], &[1], &[2], &[16], &[17], &[67], &[129], &[1000]];
    const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[4, 0], &[1, 1], &[5, 33], &[33, 64]];
    let mut cases = vec![];
    for dtype in DType::STORED {
        for (way, word) in [("up", ""), ("down", "descending ")] {
            let forms: [Row<usize>; 4] = [
                ("line", &["n"], &["n"], 0, &["n"], LINES),
                ("rows", &["m", "n"], &["m", "n"], 1, &["m", "n"], PAIRS),
                ("columns", &["m", "n"], &["m", "n"], 0, &["m", "n"], PAIRS),
                (
                    "static",
                    &[],
                    &["2", "70", "3"],
                    1,
                    &["2", "70", "3"],
                    &[&[]],
                ),
            ];
            for (tag, dims, x, axis, y, sizes) in forms {
                let (x, y) = (leaf(dtype, x), leaf(DType::I32, y));
                let types = format!("{} -> {}", x.ty(), y.ty());
                let body = format!("%y = dl.argsort %a0 axis {axis} {word}: {types}");
                let ties = format!("{way}_{tag}_ties");
                let mut form = Form {
                    tag: &ties,
                    dims,
                    params: vec![x],
                    result: y,
                    body,
                    sizes,
                };
                cases.push(form.case(OpKind::Argsort, dtype, Bound::Exact, whole)?);
                let any = format!("{way}_{tag}_any");
                form.tag = &any;
                cases.push(form.case(OpKind::Argsort, dtype, Bound::Exact, mixed)?);
            }
        }
    }
    Ok(cases)
}
