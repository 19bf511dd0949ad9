//! Contractions, reductions and gradients.

use super::{Case, Form, leaf, movement::mixed};
use crate::{
    compare::{Bound, tolerance},
    values::{self, Random, is_float, uniform_tensor, whole_tensor},
};
use anyhow::Result;
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;
use dlc_runtime::Tensor;

pub(super) fn numbers() -> impl Iterator<Item = DType> {
    DType::STORED
        .into_iter()
        .filter(|&dtype| dtype != DType::Bool)
}

/// Small whole numbers, whose sums and products are exact in every order.
pub(super) fn whole(
    _: usize,
    dtype: DType,
    shape: &[usize],
    random: &mut Random,
) -> Result<Tensor> {
    whole_tensor(dtype, shape, (-3, 3), random)
}

/// Floats between -1 and 1.
pub(super) fn unit(_: usize, dtype: DType, shape: &[usize], random: &mut Random) -> Result<Tensor> {
    uniform_tensor(dtype, shape, (-1.0, 1.0), random)
}

/// Many terms each round once.
pub(super) fn sum_tolerance(dtype: DType) -> Bound {
    Bound::Near(tolerance(dtype) * 5.0)
}

pub(super) fn dot_general() -> Result<Vec<Case>> {
    const SIZES: &[&[i64]] = &[
        &[1, 1, 1],
        &[3, 5, 7],
        &[0, 3, 2],
        &[2, 0, 3],
        &[2, 3, 0],
        &[17, 33, 9],
        &[65, 70, 67],
    ];
    const SMALL: &[&[i64]] = &[&[1, 1, 1], &[3, 5, 7], &[2, 0, 3], &[9, 17, 12]];
    const LINES: &[&[i64]] = &[&[0], &[1], &[7], &[67], &[129]];
    const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[4, 0], &[33, 19]];
    let mut cases = vec![];
    for dtype in numbers() {
        let form = |tag, dims, l: &[&str], r: &[&str], axes: &str, y: &[&str], sizes| {
            let (l, r, y) = (leaf(dtype, l), leaf(dtype, r), leaf(dtype, y));
            let body = format!(
                "%y = dl.dot_general %a0, %a1 {axes} : ({}, {}) -> {}",
                l.ty(),
                r.ty(),
                y.ty()
            );
            Form {
                tag,
                dims,
                params: vec![l, r],
                result: y,
                body,
                sizes,
            }
        };
        let mkn = &["m", "k", "n"];
        let forms = [
            form(
                "nn",
                mkn,
                &["m", "k"],
                &["k", "n"],
                "batch [] x [] contract [1] x [0]",
                &["m", "n"],
                SIZES,
            ),
            form(
                "nt",
                mkn,
                &["m", "k"],
                &["n", "k"],
                "batch [] x [] contract [1] x [1]",
                &["m", "n"],
                SIZES,
            ),
            form(
                "tn",
                mkn,
                &["k", "m"],
                &["k", "n"],
                "batch [] x [] contract [0] x [0]",
                &["m", "n"],
                SIZES,
            ),
            form(
                "tt",
                mkn,
                &["k", "m"],
                &["n", "k"],
                "batch [] x [] contract [0] x [1]",
                &["m", "n"],
                SMALL,
            ),
            form(
                "static",
                &[],
                &["8", "16"],
                &["16", "10"],
                "batch [] x [] contract [1] x [0]",
                &["8", "10"],
                &[&[]],
            ),
            form(
                "batch",
                mkn,
                &["3", "m", "k"],
                &["3", "k", "n"],
                "batch [0] x [0] contract [2] x [1]",
                &["3", "m", "n"],
                SMALL,
            ),
            form(
                "inner_batch",
                mkn,
                &["m", "4", "k"],
                &["n", "k", "4"],
                "batch [1] x [2] contract [2] x [1]",
                &["4", "m", "n"],
                SMALL,
            ),
            form(
                "free",
                &["m", "n"],
                &["m", "2", "n"],
                &["n", "3"],
                "batch [] x [] contract [2] x [0]",
                &["m", "2", "3"],
                PAIRS,
            ),
            form(
                "two",
                &["m", "n"],
                &["m", "n", "2"],
                &["2", "n"],
                "batch [] x [] contract [1, 2] x [1, 0]",
                &["m"],
                PAIRS,
            ),
            form(
                "dot",
                &["k"],
                &["k"],
                &["k"],
                "batch [] x [] contract [0] x [0]",
                &[],
                LINES,
            ),
            form(
                "vector",
                &["m", "k"],
                &["m", "k"],
                &["k"],
                "batch [] x [] contract [1] x [0]",
                &["m"],
                PAIRS,
            ),
            form(
                "outer",
                &["m", "n"],
                &["m"],
                &["n"],
                "batch [] x [] contract [] x []",
                &["m", "n"],
                PAIRS,
            ),
            form(
                "scalar",
                &[],
                &[],
                &[],
                "batch [] x [] contract [] x []",
                &[],
                &[&[]],
            ),
            form(
                "rowwise",
                &["m", "n"],
                &["m", "n"],
                &["m", "n"],
                "batch [0] x [0] contract [1] x [1]",
                &["m"],
                PAIRS,
            ),
        ];
        for form in &forms {
            cases.push(form.case(OpKind::DotGeneral, dtype, Bound::Exact, whole)?);
        }
        if is_float(dtype) {
            let form = form(
                "any",
                mkn,
                &["m", "k"],
                &["k", "n"],
                "batch [] x [] contract [1] x [0]",
                &["m", "n"],
                SIZES,
            );
            cases.push(form.case(OpKind::DotGeneral, dtype, sum_tolerance(dtype), unit)?);
        }
        let tf32 = (dtype == DType::F32).then_some((IN_TF32, "{precision = \"tf32\"}"));
        for (tag, precision) in precisions(dtype).into_iter().chain(tf32) {
            let axes = format!("batch [] x [] contract [1] x [0] {precision}");
            let (sizes, bound) = match tag {
                IN_TF32 => (&SIZES[SIZES.len() - 2..], Bound::Near(TF32_TOLERANCE)),
                _ => (SIZES, sum_tolerance(DType::F32)),
            };
            let form = form(
                tag,
                mkn,
                &["m", "k"],
                &["k", "n"],
                &axes,
                &["m", "n"],
                sizes,
            );
            cases.push(form.case(OpKind::DotGeneral, dtype, bound, unit)?);
        }
    }
    cases.extend(widened_products(SIZES)?);
    Ok(cases)
}

/// The tag of products that may be rounded to tf32, and how far some tens of products of numbers up to 1 are then off.
const IN_TF32: &str = "in_tf32";
const TF32_TOLERANCE: f64 = 5e-3;

/// Products of what is made wider for them, as which of it is stored.
fn widened_products(sizes: &'static [&'static [i64]]) -> Result<Vec<Case>> {
    use DType::{BF16, F16, F32, F64, I8, I32, I64, U8};
    const FORMS: &[(&str, [&str; 4], &str)] = &[
        ("nn", ["m", "k", "k", "n"], "contract [1] x [0]"),
        ("nt", ["m", "k", "n", "k"], "contract [1] x [1]"),
        ("tn", ["k", "m", "k", "n"], "contract [0] x [0]"),
        ("tt", ["k", "m", "n", "k"], "contract [0] x [1]"),
    ];
    let types = [
        (I8, I8, I32),
        (U8, I8, I32),
        (I8, U8, I32),
        (U8, U8, I32),
        (I8, I8, I64),
        (BF16, BF16, F32),
        (F16, BF16, F32),
        (F32, I8, F32),
        (F32, F32, F64),
    ];
    let mut cases = vec![];
    for (i, (l, r, y)) in types.into_iter().enumerate() {
        // Those of which words are multiplied as they are have packing of their own for each layout.
        let forms = if matches!(i, 0 | 3 | 5) { 4 } else { 1 };
        for (layout, axes, contract) in &FORMS[..forms] {
            let leaves = [leaf(l, &axes[..2]), leaf(r, &axes[2..])];
            let wide = [leaf(y, &axes[..2]), leaf(y, &axes[2..])];
            let result = leaf(y, &["m", "n"]);
            let mut body = String::new();
            for (i, (from, to)) in leaves.iter().zip(&wide).enumerate() {
                let (from, to) = (from.ty(), to.ty());
                body += &match from == to {
                    true => format!("%w{i} = dl.add %a{i}, %a{i} : {to}\n"),
                    false => format!("%w{i} = dl.convert %a{i} : {from} -> {to}\n"),
                };
            }
            let [a, b] = wide.map(|x| x.ty());
            body += &format!(
                "%y = dl.dot_general %w0, %w1 batch [] x [] {contract} : ({a}, {b}) -> {}",
                result.ty()
            );
            let form = Form {
                tag: format!("{layout}_of_{l}_{r}").leak(),
                dims: &["m", "k", "n"],
                params: leaves.to_vec(),
                result,
                body,
                sizes,
            };
            cases.push(form.case(OpKind::DotGeneral, y, Bound::Exact, spread)?);
        }
    }
    Ok(cases)
}

/// Bytes of all values; of other types small whole numbers.
fn spread(i: usize, dtype: DType, shape: &[usize], random: &mut Random) -> Result<Tensor> {
    match dtype {
        DType::I8 => whole_tensor(dtype, shape, (-128, 127), random),
        DType::U8 => whole_tensor(dtype, shape, (0, 255), random),
        _ => whole(i, dtype, shape, random),
    }
}

/// The precisions that a product of a dtype can have, as attributes, with tags.
pub(super) fn precisions(dtype: DType) -> Vec<(&'static str, &'static str)> {
    let bf16 = ("in_bf16", "{precision = \"bf16\"}");
    let f16 = ("in_f16", "{precision = \"f16\"}");
    match dtype {
        DType::F32 => vec![bf16, f16],
        DType::F64 => vec![bf16],
        _ => vec![],
    }
}

/// A form's tag, dims, argument, axes, result and sizes.
pub(super) type Row<Axes> = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    Axes,
    &'static [&'static str],
    &'static [&'static [i64]],
);

/// Makes an argument from its number, type and shape.
pub(super) type Fill = fn(usize, DType, &[usize], &mut Random) -> Result<Tensor>;

/// Powers of two and their opposites: products are exact in every order.
pub(super) fn powers(
    _: usize,
    dtype: DType,
    shape: &[usize],
    random: &mut Random,
) -> Result<Tensor> {
    if !is_float(dtype) {
        return values::random_tensor(dtype, shape, random);
    }
    let mut tensor = Tensor::zeros(dtype, shape)?;
    tensor.fill_with(|| *random.choose(&[1.0, -1.0, 1.0, 2.0, 0.5]))?;
    Ok(tensor)
}

pub(super) fn reduce() -> Result<Vec<Case>> {
    const LINES: &[&[i64]] = &[&[0], &[1], &[7], &[67], &[129], &[1000]];
    const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[4, 0], &[1, 1], &[5, 33], &[33, 19]];
    let mut cases = vec![];
    for dtype in DType::STORED {
        let kinds: &[&str] = match dtype {
            DType::Bool => &["any", "all"],
            _ => &["sum", "prod", "max", "min"],
        };
        for kind in kinds {
            let forms: [Row<&str>; 9] = [
                ("line", &["n"], &["n"], "[0]", &[], LINES),
                ("rows", &["m", "n"], &["m", "n"], "[1]", &["m"], PAIRS),
                ("columns", &["m", "n"], &["m", "n"], "[0]", &["n"], PAIRS),
                ("both", &["m", "n"], &["m", "n"], "[0, 1]", &[], PAIRS),
                ("none", &["n"], &["n"], "[]", &["n"], &[&[5]]),
                ("static", &[], &["4", "19"], "[1]", &["4"], &[&[]]),
                ("middle", &[], &["3", "4", "5"], "[1]", &["3", "5"], &[&[]]),
                (
                    "outer",
                    &["m", "n"],
                    &["m", "4", "n"],
                    "[0, 2]",
                    &["4"],
                    PAIRS,
                ),
                ("scalar", &[], &[], "[]", &[], &[&[]]),
            ];
            for (tag, dims, x, axes, y, sizes) in forms {
                let (x, y) = (leaf(dtype, x), leaf(dtype, y));
                let body = format!(
                    "%y = dl.reduce \"{kind}\" %a0 axes {axes} : {} -> {}",
                    x.ty(),
                    y.ty()
                );
                let tag = format!("{kind}_{tag}");
                let mut form = Form {
                    tag: &tag,
                    dims,
                    params: vec![x],
                    result: y,
                    body,
                    sizes,
                };
                let fill: Fill = match *kind {
                    "sum" => whole,
                    "prod" => powers,
                    _ => mixed,
                };
                cases.push(form.case(OpKind::Reduce, dtype, Bound::Exact, fill)?);
                if *kind == "sum" && is_float(dtype) {
                    let tag = format!("{tag}_any");
                    form.tag = &tag;
                    cases.push(form.case(OpKind::Reduce, dtype, sum_tolerance(dtype), unit)?);
                }
            }
        }
    }
    Ok(cases)
}

pub(super) fn cumulative() -> Result<Vec<Case>> {
    const LINES: &[&[i64]] = &[&[0], &[1], &[7], &[129]];
    const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[4, 0], &[1, 1], &[5, 33]];
    let mut cases = vec![];
    for dtype in numbers() {
        for kind in ["sum", "prod", "max", "min"] {
            let forms: [Row<&str>; 5] = [
                ("line", &["n"], &["n"], "0", &["n"], LINES),
                ("rows", &["m", "n"], &["m", "n"], "1", &["m", "n"], PAIRS),
                ("columns", &["m", "n"], &["m", "n"], "0", &["m", "n"], PAIRS),
                (
                    "back",
                    &["m", "n"],
                    &["m", "n", "3"],
                    "1 reverse",
                    &["m", "n", "3"],
                    PAIRS,
                ),
                ("static", &[], &["4", "9"], "1 reverse", &["4", "9"], &[&[]]),
            ];
            for (tag, dims, x, axis, y, sizes) in forms {
                let (x, y) = (leaf(dtype, x), leaf(dtype, y));
                let body = format!("%y = dl.cumulative \"{kind}\" %a0 axis {axis} : {}", x.ty());
                let tag = format!("{kind}_{tag}");
                let mut form = Form {
                    tag: &tag,
                    dims,
                    params: vec![x],
                    result: y,
                    body,
                    sizes,
                };
                let fill: Fill = match kind {
                    "sum" => whole,
                    "prod" => powers,
                    _ => mixed,
                };
                cases.push(form.case(OpKind::Cumulative, dtype, Bound::Exact, fill)?);
                if kind == "sum" && is_float(dtype) {
                    let tag = format!("{tag}_any");
                    form.tag = &tag;
                    let bound = sum_tolerance(dtype);
                    cases.push(form.case(OpKind::Cumulative, dtype, bound, unit)?);
                }
            }
        }
    }
    Ok(cases)
}

pub(super) fn arg_reduce() -> Result<Vec<Case>> {
    const LINES: &[&[i64]] = &[&[1], &[7], &[67], &[129]];
    const PAIRS: &[&[i64]] = &[&[3, 5], &[0, 4], &[1, 1], &[5, 33]];
    let mut cases = vec![];
    for dtype in numbers() {
        for kind in ["argmax", "argmin"] {
            let forms: [Row<usize>; 4] = [
                ("line", &["n"], &["n"], 0, &[], LINES),
                ("rows", &["m", "n"], &["m", "n"], 1, &["m"], PAIRS),
                ("columns", &["m", "n"], &["n", "m"], 0, &["m"], PAIRS),
                ("static", &[], &["2", "7", "3"], 1, &["2", "3"], &[&[]]),
            ];
            for (tag, dims, x, axis, y, sizes) in forms {
                let (x, y) = (leaf(dtype, x), leaf(DType::I32, y));
                let body = format!(
                    "%y = dl.arg_reduce \"{kind}\" %a0 axis {axis} : {} -> {}",
                    x.ty(),
                    y.ty()
                );
                let ties = format!("{kind}_{tag}_ties");
                let mut form = Form {
                    tag: &ties,
                    dims,
                    params: vec![x],
                    result: y,
                    body,
                    sizes,
                };
                cases.push(form.case(OpKind::ArgReduce, dtype, Bound::Exact, whole)?);
                let any = format!("{kind}_{tag}_any");
                form.tag = &any;
                cases.push(form.case(OpKind::ArgReduce, dtype, Bound::Exact, mixed)?);
            }
        }
    }
    Ok(cases)
}

/// A barrier between a value and itself.
pub(super) fn optimization_barrier() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED {
        for (tag, dims) in [("vector", &["n"][..]), ("scalar", &[])] {
            let x = leaf(dtype, dims);
            let ty = x.ty();
            let form = Form {
                tag,
                dims,
                params: vec![x.clone()],
                result: x,
                body: format!("%y = dl.optimization_barrier %a0 after %a0 : {ty}, {ty}"),
                sizes: if dims.is_empty() {
                    &[&[]]
                } else {
                    &[&[0], &[67]]
                },
            };
            cases.push(form.case(OpKind::OptimizationBarrier, dtype, Bound::Exact, mixed)?);
        }
    }
    Ok(cases)
}

/// Calls of `sum(x * x * x)`, and its derivatives: by gradient, and with x as cotangent or tangent too.
pub(super) fn derivative(kind: OpKind) -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED.into_iter().filter(|&dtype| is_float(dtype)) {
        let (x, s) = (leaf(dtype, &["n"]), leaf(dtype, &[]));
        let (xt, st) = (x.ty(), s.ty());
        let f = format!("@cube_{dtype}(%n, %a0");
        let (body, result) = match kind {
            OpKind::Call => (
                format!("%y = dl.call {f}) checkpoint : (index, {xt}) -> {st}"),
                s,
            ),
            OpKind::Jvp => (
                format!("%v, %y = dl.jvp {f}, %a0) wrt [0] : (index, {xt}, {xt}) -> ({st}, {st})"),
                s,
            ),
            OpKind::Vjp => (
                format!(
                    "%two = dl.constant dense<2.0> : {st}\n  \
                     %y = dl.vjp {f}, %two) wrt [0] : (index, {xt}, {st}) -> {xt}"
                ),
                x.clone(),
            ),
            _ => (
                format!("%y = dl.grad {f}) wrt [0] : (index, {xt}) -> {xt}"),
                x.clone(),
            ),
        };
        let form = Form {
            tag: "cube",
            dims: &["n"],
            params: vec![x],
            result,
            body,
            sizes: &[&[0], &[1], &[67]],
        };
        let mut case = form.case(kind, dtype, Bound::Exact, whole)?;
        case.text += &format!(
            "func.func private @cube_{dtype}(%n: index, %x: {xt}) -> {st} {{\n  \
             %s = dl.mul %x, %x : {xt}\n  %c = dl.mul %s, %x : {xt}\n  \
             %y = dl.reduce \"sum\" %c axes [0] : {xt} -> {st}\n  return %y : {st}\n}}\n"
        );
        cases.push(case);
    }
    Ok(cases)
}

/// A product of each line of a batch with one vector, by `dl.vmap`.
pub(super) fn vmap() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for dtype in DType::STORED
        .into_iter()
        .filter(|&dtype| dtype != DType::Bool)
    {
        let (x, w) = (leaf(dtype, &["n", "3"]), leaf(dtype, &["3"]));
        let line = w.ty();
        let body = format!(
            "%y = dl.vmap @product_{dtype}(%n, %a0, %a1) in_axes [0, -1] out_axes [1] : \
             (index, {}, {line}) -> {}",
            x.ty(),
            leaf(dtype, &["3", "n"]).ty()
        );
        let form = Form {
            tag: "product",
            dims: &["n"],
            params: vec![x, w],
            result: leaf(dtype, &["3", "n"]),
            body,
            sizes: &[&[0], &[1], &[67]],
        };
        let mut case = form.case(OpKind::Vmap, dtype, Bound::Exact, whole)?;
        case.text += &format!(
            "func.func private @product_{dtype}(%x: {line}, %w: {line}) -> {line} {{\n  \
             %y = dl.mul %x, %w : {line}\n  return %y : {line}\n}}\n"
        );
        cases.push(case);
    }
    Ok(cases)
}
